"""A GraphQL upstream asked by documents of ours: checked before, without what nobody wants, and its answers with it."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import build_schema, graphql
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import AccessRefused, BackendUnavailable, Declined, UnexpectedAnswer
from connectors.http.graphql import GraphqlBackend, InvalidDocument, UpstreamDocument, UpstreamSchema
from connectors.wanted import EVERYTHING, Wanted
from tests.examples import examples

SDL = """
scalar Day
enum Kind { ROOF FIELD }
interface Thing { id: ID! }
type Plant implements Thing { id: ID! serial: String! kwp: Float built: Day kind: Kind site: Site sensors: [Sensor!]! }
type Sensor implements Thing { id: ID! unit: String! }
type Site { city: String street: String }
type Query { plants(keys: [String!]!, first: Int): [Plant!]! things: [Thing!]! }
type Mutation { rename(id: ID!, serial: String!): Plant! }
"""
PLANTS = """
query Plants($keys: [String!]!, $first: Int, $withSensors: Boolean!) {
  plants(keys: $keys) {
    id
    serial @wanted(by: ["serial", "name"])
    kwp @wanted(by: ["peak_power"])
    built @wanted(by: ["built"])
    kind @wanted(by: ["kind"])
    site @wanted(by: ["city"]) { ...Where }
    sensors @include(if: $withSensors) { id }
  }
  more: plants(keys: [], first: $first) @wanted(by: ["more"]) { id }
}
fragment Where on Site { city }
"""
ASKED = {"keys": ["K-1"], "first": 3, "withSensors": False}
PLANT = {
    "id": 7,
    "serial": "S-7",
    "kwp": 9.5,
    "built": "2026-03-02",
    "kind": "ROOF",
    "site": {"city": "Ulm"},
    "sensors": [{"id": "a"}],
}


def day(value: Any) -> tuple[int, ...]:
    return tuple(map(int, value.split("-")))


SCHEMA = UpstreamSchema(SDL, {"Day": day})


class Upstream:
    """What a client does, with an upstream that validates and executes what it is sent."""

    name = "plants"

    def __init__(self, answer: Any = None, declined: bool = False) -> None:
        self.answer = answer
        self.declined = declined
        self.sent: list[Mapping[str, Any]] = []
        self.repeatable: list[bool] = []
        self.root: Any = {"plants": lambda _info, **_: [PLANT], "things": [], "rename": lambda _info, **_: PLANT}

    async def post(self, path: str, body: Any, *, repeatable: bool = False, **_more: Any) -> Any:
        assert path == "/graphql"
        self.sent.append(body)
        self.repeatable.append(repeatable)
        if self.declined:
            raise Declined("plants", "400", 400, self.answer)
        if self.answer is not None:
            return self.answer
        result = await graphql(build_schema(SDL), body["query"], self.root, variable_values=body["variables"])
        return result.formatted


def backend(upstream: Upstream) -> GraphqlBackend:
    return GraphqlBackend(upstream, "/graphql")  # type: ignore[arg-type]


def plants() -> UpstreamDocument:
    return SCHEMA.document(PLANTS, "plants.graphql")


async def test_an_answer_has_the_shape_of_the_document_and_the_values_of_its_types() -> None:
    upstream = Upstream()

    found = await backend(upstream).ask(plants(), {**ASKED, "withSensors": True}, EVERYTHING)

    assert found == {
        "plants": [
            {
                "id": "7",
                "serial": "S-7",
                "kwp": 9.5,
                "built": (2026, 3, 2),
                "kind": "ROOF",
                "site": {"city": "Ulm"},
                "sensors": [{"id": "a"}],
            }
        ],
        "more": [{"id": "7"}],
    }
    assert upstream.repeatable == [True]


async def test_what_nobody_wants_is_not_sent_nor_the_variables_and_fragments_that_it_needed() -> None:
    upstream = Upstream()

    found = await backend(upstream).ask(plants(), ASKED, Wanted(frozenset({"peak_power", "of another record"})))

    assert found == {"plants": [{"id": "7", "kwp": 9.5}]}
    assert upstream.sent == [
        {
            "query": "query Plants($keys:[String!]!$withSensors:Boolean!)"
            "{plants(keys:$keys){id kwp sensors@include(if:$withSensors){id}}}",
            "variables": {"keys": ["K-1"], "withSensors": False},
        }
    ]


@examples(40)
@given(st.sets(st.sampled_from(["serial", "name", "peak_power", "built", "kind", "city", "more", "unknown"])))
async def test_whatever_is_wanted_the_upstream_finds_nothing_wrong_with_it(wanted: set[str]) -> None:
    upstream = Upstream()

    found = await backend(upstream).ask(plants(), ASKED, Wanted(frozenset(wanted)))

    (plant,) = found["plants"]
    by_attribute = {"serial": "serial", "name": "serial", "peak_power": "kwp", "built": "built", "kind": "kind"}
    by_attribute |= {"city": "site"}
    assert set(plant) == {"id"} | {by_attribute[name] for name in wanted & by_attribute.keys()}
    assert ("more" in found) is ("more" in wanted)


async def test_attributes_of_other_records_make_no_document_of_their_own() -> None:
    document, upstream = plants(), Upstream()

    for n in range(1_000):
        await backend(upstream).ask(document, ASKED, Wanted(frozenset({f"attribute_{n}"})))

    assert document.projected.cache_info().currsize == 2  # it, and the whole document by which it was checked


async def test_a_mutation_is_not_repeated() -> None:
    upstream = Upstream()
    rename = SCHEMA.document('mutation R($id: ID!) { rename(id: $id, serial: "x") { id } }', "rename.graphql")

    assert await backend(upstream).ask(rename, {"id": "7"}) == {"rename": {"id": "7"}}

    assert (upstream.repeatable, rename.changes) == ([False], True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ plants(keys: []) { id", "plants.graphql, line 1: Syntax Error: Expected Name, found <EOF>."),
        (
            "{ plants(keys: []) {\n id serail } }",
            "plants.graphql, line 2: Cannot query field 'serail' on type 'Plant'.",
        ),
        (
            "{ plants { id } }",
            "plants.graphql, line 1: Argument 'Query.plants(keys:)' of type '[String!]!' is required",
        ),
        ("query A { things { id } } query B { things { id } }", "plants.graphql: it has 2 operations; write one"),
        ("fragment F on Plant { id }", "plants.graphql: it has 0 operations; write one"),
        ('{ plants(keys: []) {\n id @wanted(by: ["a"]) } }', "plants.graphql, line 1: everything here bears @wanted"),
        ("{ plants(keys: []) { id @wanted } }", "plants.graphql, line 1: Argument '@wanted(by:)' of type '[String!]!'"),
        ("{ things { id\n ... on Plant { serial } } }", "plants.graphql, line 1: Thing stands for several types; ask"),
    ],
)
def test_a_document_that_the_upstream_would_refuse_is_refused_at_the_start(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        SCHEMA.document(text, "plants.graphql")

    assert message in str(refused.value)


async def test_an_object_of_several_types_is_read_as_what_it_says_it_is() -> None:
    text = "{ things { kind: __typename id ... on Plant { serial } ...S } } fragment S on Sensor { unit }"
    things = [
        {"kind": "Plant", "id": "7", "serial": "S-7"},
        {"kind": "Sensor", "id": "8", "unit": "V"},
        {"kind": "Inverter", "id": "9"},
    ]

    found = await backend(Upstream({"data": {"things": things}})).ask(SCHEMA.document(text, "things.graphql"), {})

    assert found == {"things": [things[0], things[1], {"kind": "Inverter"}]}


WHOLE = {**PLANT, "id": "7"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "data is not an object"),
        ([], "data is not an object"),
        ({"more": []}, "data.plants is null, which it never is"),
        ({"plants": {}, "more": []}, "data.plants is not a list"),
        ({"plants": [WHOLE, None], "more": []}, "data.plants.1 is null, which it never is"),
        ({"plants": [{**WHOLE, "serial": 7}], "more": []}, "data.plants.0.serial is no String"),
        ({"plants": [{**WHOLE, "kwp": "much"}], "more": []}, "data.plants.0.kwp is no Float"),
        ({"plants": [{**WHOLE, "kwp": True}], "more": []}, "data.plants.0.kwp is no Float"),
        ({"plants": [{**WHOLE, "built": "a secret"}], "more": []}, "data.plants.0.built is no Day"),
        ({"plants": [{**WHOLE, "kind": 1}], "more": []}, "data.plants.0.kind is no Kind"),
        ({"plants": [{**WHOLE, "site": "Ulm"}], "more": []}, "data.plants.0.site is not an object"),
    ],
)
async def test_an_answer_of_another_shape_says_where_and_never_what(
    data: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        await backend(Upstream({"data": data})).ask(plants(), ASKED)

    assert str(raised.value) == f"plants: {message}"
    assert message in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("errors", "expected", "level"),
    [
        ([{"message": "no such key", "extensions": {"code": "UNAUTHENTICATED"}}], AccessRefused, logging.ERROR),
        ([{"message": "not yours", "extensions": {"code": "FORBIDDEN"}}], AccessRefused, logging.ERROR),
        ([{"message": "what?", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}], UnexpectedAnswer, logging.ERROR),
        ([{"message": "boom", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], BackendUnavailable, logging.WARNING),
        ([{"message": "boom"}], BackendUnavailable, logging.WARNING),
        ("boom", BackendUnavailable, logging.WARNING),
        ([None], BackendUnavailable, logging.WARNING),
    ],
)
@pytest.mark.parametrize("declined", [False, True])
async def test_what_an_upstream_says_of_an_error_stands_in_the_log_alone(
    errors: Any, expected: type[Exception], level: int, declined: bool, caplog: pytest.LogCaptureFixture
) -> None:
    said = errors[0]["message"] if isinstance(errors[0], dict) else str(errors)
    upstream = Upstream({"errors": errors, "data": {"plants": [], "more": []}}, declined)

    with pytest.raises(expected) as raised:
        await backend(upstream).ask(plants(), ASKED)

    assert type(raised.value) is expected
    assert said not in str(raised.value)
    (record,) = [one for one in caplog.records if one.name == "forecourt"]
    assert (record.levelno, said in record.getMessage()) == (level, True)


async def test_an_answer_that_is_none_of_graphql_is_unexpected() -> None:
    answers: list[Any] = [[], "text", 7]
    for answer in answers:
        with pytest.raises(UnexpectedAnswer):
            await backend(Upstream(answer)).ask(plants(), ASKED)
    with pytest.raises(Declined):
        await backend(Upstream("<html>", declined=True)).ask(plants(), ASKED)
