"""A text that is too long is refused before anybody looks at what it says, whichever argument it is given for."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
)

from connectors.identity.opaque_string import LONGEST_TYPED
from tests.portal import Person, Portal
from tests.schemas import shared_core

SCHEMA = shared_core()
PURCHASE, ADMINISTRATION = "purchase@helios.example", "administration@helios.example"
MARKS = "\u0301\u0323"
"""Two accents in the order that composing has to change."""

LONGEST = 10_000
VALUES = {
    "DateTime": "2027-01-01T00:00:00Z",
    "EmailAddress": "somebody@new.example",
    "PhoneNumber": "+4915112345678",
    "URL": "https://new.example/",
    "Locale": "de",
    "Int": 1,
    "Boolean": True,
}


def _filled(type_: GraphQLInputType, text: str) -> Any:
    """A value of the type in which every text and id is this one."""
    if isinstance(type_, GraphQLNonNull):
        return _filled(type_.of_type, text)
    if isinstance(type_, GraphQLList):
        return [_filled(type_.of_type, text)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _filled(field.type, text) for name, field in type_.fields.items()}
    assert isinstance(type_, GraphQLScalarType)
    return text if type_.name in ("String", "ID") else VALUES[type_.name]


def _fields() -> Iterator[tuple[str, str, GraphQLField]]:
    for kind, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if field.args:
                yield kind, name, field


FIELDS = list(_fields())


async def _ask(person: Person, kind: str, name: str, field: GraphQLField, text: str) -> Any:
    declared = ", ".join(f"${argument}: {one.type}" for argument, one in field.args.items())
    given = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    is_leaf = not hasattr(get_named_type(field.type), "fields")
    document = f"{kind}({declared}) {{ {name}({given}) {'' if is_leaf else '{ __typename }'} }}"
    values = {argument: _filled(one.type, text) for argument, one in field.args.items()}
    return await person.asks(document, **values)


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long each text was that was composed or decomposed, which takes the square of its marks."""
    lengths: list[int] = []
    normalize = unicodedata.normalize

    def measured(form: Any, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", measured)
    return lengths


async def test_no_argument_has_a_long_text_composed(portal: Portal, composed: list[int]) -> None:
    people = [portal.anybody(), await portal.person(ADMINISTRATION), await portal.person("review@vendor.example")]
    text = MARKS * (LONGEST // 2)

    for person in people:
        for kind, name, field in FIELDS:
            answer = await _ask(person, kind, name, field, text)
            assert "INTERNAL_SERVER_ERROR" not in answer.codes.values(), (name, answer.body)

    assert max(composed, default=0) <= LONGEST_TYPED


async def test_members_cannot_be_searched_for_by_a_long_text(portal: Portal, composed: list[int]) -> None:
    administrator = await portal.person(ADMINISTRATION)
    members = "members(search: $search) { totalCount }"
    query = f"query($search: String) {{ viewer {{ memberships {{ nodes {{ organization {{ {members} }} }} }} }} }}"

    answer = await administrator.asks(query, search=MARKS * 5_000)

    assert set(answer.codes.values()) == {"BAD_USER_INPUT"}
    assert max(composed, default=0) <= LONGEST_TYPED


async def test_a_long_password_is_nobodys_and_is_checked_like_any_other(portal: Portal, composed: list[int]) -> None:
    signing_in = "signIn(input: {loginName: $name, password: $password}) { errors { code } }"
    query = f"mutation($name: String!, $password: String!) {{ {signing_in} }}"

    for name in (PURCHASE, "nobody@nowhere.example"):
        answer = await portal.anybody().asks(query, name=name, password=MARKS * 5_000)
        assert answer.at("signIn.errors") == [{"code": "INVALID_CREDENTIALS"}], answer.body

    assert max(composed, default=0) <= LONGEST_TYPED


POSITIONS = ["variable", "name", "within", "literal", "block", "number", "alias", "operation", "organization", "get"]


@pytest.mark.parametrize("position", POSITIONS)
async def test_a_text_over_the_limit_is_refused_and_the_answer_says_where_it_stands(
    portal: Portal, position: str
) -> None:
    long, query = "x" * (LONGEST + 1), "query($id: ID!) { node(id: $id) { id } }"
    somebody = portal.anybody()
    requests: dict[str, tuple[dict[str, Any], str]] = {
        "variable": ({"query": query, "variables": {"id": long}}, "The text at variables.id"),
        "name": ({"query": query, "variables": {"id": "a", long: 1}}, "A name at variables"),
        "within": ({"query": query, "variables": {"id": {"a": [1, long]}}}, "The text at variables.id.a.1"),
        "literal": ({"query": f'{{ node(id: "{long}") {{ id }} }}'}, "A text in the document"),
        "block": ({"query": f'{{ node(id: """{long}""") {{ id }} }}'}, "A text in the document"),
        "number": ({"query": f"{{ node(id: {'9' * (LONGEST + 1)}) {{ id }} }}"}, "A word in the document"),
        "alias": ({"query": f"{{ {long}: __typename }}"}, "A word in the document"),
        "operation": ({"query": query, "operationName": long}, "The text at operationName"),
        "organization": (
            {"query": "{ __typename }", "extensions": {"organizationId": long}},
            "The text at extensions.organizationId",
        ),
        "get": ({"query": query, "variables": {"id": long}}, "The text at variables.id"),
    }
    body, where = requests[position]
    if position == "get":
        response = await portal.client.get(
            "/graphql", params={k: v if k == "query" else json.dumps(v) for k, v in body.items()}
        )
        errors = response.json()["errors"]
    else:
        errors = (await somebody.posts(json.dumps(body).encode())).errors

    assert errors == [
        {
            "message": f"{where} has too many characters: {LONGEST + 1:,}; at most {LONGEST:,} are allowed "
            "(setting max_text_characters).",
            "extensions": {
                "code": "MAX_TEXT_LIMIT",
                "limit": LONGEST,
                "actual": LONGEST + 1,
                "setting": "max_text_characters",
            },
        }
    ]


async def test_a_text_at_the_limit_is_let_through_to_the_rule_of_its_argument(portal: Portal) -> None:
    answer = await portal.anybody().asks("query($id: ID!) { node(id: $id) { id } }", id="x" * LONGEST)

    assert (answer.status, answer.data) == (200, {"node": None})
