"""A refusal for the cost of a request says which parts of it cost most, and what would fit."""

from typing import Any

import pytest
from graphql import build_schema
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.limits.expensive import Estimated, check_costs, most_expensive
from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.operation_cache import Documents
from gateway.settings import Limits
from tests.examples import examples
from tests.gateway.pipeline.hostile import query
from tests.gateway.pipeline.test_cost import DOCUMENTS, SCHEMA, selections
from tests.portal import Portal, open_portal

LIMITS = Limits(max_cost=100)


def estimated(text: str, variables: dict[str, Any] | None = None, documents: Documents = DOCUMENTS) -> Estimated:
    """Return an operation with its estimate."""
    cost = documents.document(text).operation(None).cost
    return Estimated(cost, variables or {}, cost.of(variables or {}))


def refused(*asked: Estimated | None) -> LimitExceeded:
    """Return with what a request is refused."""
    with pytest.raises(LimitExceeded) as refusal:
        check_costs(asked, LIMITS)
    return refusal.value


ADVICE: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    (
        "{ page(first: 200) { nodes { name } } }",
        {},
        [{"path": "page", "cost": 200, "argument": "first", "fits": 100}],
    ),
    (
        "query($n: Int) { one { name } a: page(first: $n) { nodes { thing { name } } } }",
        {"n": 60},
        [
            {"path": "a", "cost": 121, "argument": "first", "fits": 49},
            {"path": "a.nodes.thing", "cost": 60},
        ],
    ),
    (
        "{ page { nodes { page(first: 20) { nodes { name } } } } }",
        {},
        [
            {"path": "page", "cost": 147, "argument": "first", "fits": 4},
            {"path": "page.nodes.page", "cost": 140, "argument": "first", "fits": 13},
        ],
    ),
    (
        "query($ids: [ID!]!) { picked(ids: $ids) { name } }",
        {"ids": ["x"] * 150},
        [{"path": "picked", "cost": 150, "argument": "ids", "fits": 100}],
    ),
    (
        "{ many { things { few { name } } } }",
        {},
        [
            {"path": "many", "cost": 410},
            {"path": "many.things", "cost": 400},
            {"path": "many.things.few", "cost": 300},
        ],
    ),
    (
        "{ shape(first: 60) { ...S } } fragment S on Shape { ... on Circle { few { name } } ... on Square { name } }",
        {},
        [
            {"path": "shape", "cost": 240, "argument": "first", "fits": 25},
            {"path": "shape.few", "cost": 180},
        ],
    ),
    (
        "{ a: one { ...P } b: one { ...P } } fragment P on Thing { page(first: 80) { nodes { name } } }",
        {},
        [{"path": "a.page", "cost": 80, "argument": "first", "fits": 49}],
    ),
    (
        "mutation { " + " ".join(f"a{n}: count" for n in range(11)) + " }",
        {},
        [{"path": f"a{n}", "cost": 10} for n in range(5)],
    ),
]


@pytest.mark.parametrize(("text", "variables", "expected"), ADVICE)
def test_the_parts_that_cost_most_are_named_with_what_would_fit(
    text: str, variables: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    refusal = refused(estimated(text, variables))

    assert refusal.extensions["mostExpensive"] == expected


@examples(200)
@given(selections("Query", 4), st.integers(0, 50), st.integers(0, 5), st.integers(1, 300))
def test_what_would_fit_fits(text: str, number: int, ids: int, allowed: int) -> None:
    variables = {"n": number, "ids": ["x"] * ids}
    asked = estimated(_declared(text), variables)

    parts = most_expensive(asked, allowed)

    assert [part.cost for part in parts] == sorted((part.cost for part in parts), reverse=True)
    assert all(part.cost <= asked.estimate for part in parts)
    for part in parts:
        if part.fits is not None:
            assert asked.estimate > allowed
            assert estimated(_declared(_with_length(text, part.path, part.fits)), variables).estimate <= allowed


def _declared(text: str) -> str:
    used = [it for name, it in (("$n", "$n: Int"), ("$ids", "$ids: [ID!]!")) if name in text]
    return f"query({', '.join(used)}) {text}" if used else text


def _with_length(text: str, path: str, length: int) -> str:
    """Return the operation with another length of the list at a path, whose steps are unique in their selections."""
    position = 0
    for step in path.split("."):
        depth = 0
        position = text.index("{", position)
        while depth != 1 or not text.startswith(f"{step}:", position):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            position += 1
    begin = text.index(":", position) + 2
    name = text[begin : min(at for at in (text.find("(", begin), text.find("{", begin)) if at >= 0)]
    argument = f"(ids: [{', '.join(['1'] * length)}])" if name == "picked" else f"(first: {length})"
    end = begin + len(name)
    rest = text[text.index(")", end) + 1 :] if text[end] == "(" else text[end:]
    return text[:end] + argument + rest


def test_fragments_that_double_at_each_level_are_searched_only_where_it_helps() -> None:
    fragments = "".join(
        f"fragment F{n} on Thing {{ thing {{ ...F{n + 1} }} things {{ ...F{n + 1} }} }} " for n in range(40)
    )
    last = "fragment F40 on Thing { page(first: 3) { nodes { name } } }"

    refusal = refused(estimated(f"{{ one {{ ...F0 }} }} {fragments} {last}"))

    assert refusal.extensions["actual"] == 1_000_000_000
    assert "more than 1,000,000,000" in str(refusal)


def test_a_wide_fragment_used_often_is_searched_only_where_it_helps() -> None:
    documents = Documents(SCHEMA, Limits(max_aliases=10_000, max_root_fields=100, max_tokens=10_000))
    pages = " ".join(f"w{n}: page(first: 9) {{ nodes {{ name }} }}" for n in range(100))
    text = f"{{ {' '.join(f'a{n}: one {{ ...W }}' for n in range(40))} }} fragment W on Thing {{ {pages} }}"

    refusal = refused(estimated(text, documents=documents))

    assert refusal.extensions["actual"] == 40 * (1 + 100 * (1 + 9))
    assert len(refusal.extensions["mostExpensive"]) <= 5


def test_of_a_batch_the_operation_is_named_and_what_would_fit_leaves_room_for_the_others() -> None:
    small, large = (
        estimated("{ page(first: 30) { nodes { name } } }"),
        estimated("{ page(first: 90) { nodes { name } } }"),
    )

    refusal = refused(small, None, large)

    assert refusal.extensions["mostExpensive"] == [
        {"path": "page", "cost": 90, "argument": "first", "fits": 70, "operation": 2},
        {"path": "page", "cost": 30, "argument": "first", "fits": 10, "operation": 0},
    ]


async def test_introspection_is_named_like_any_other_part() -> None:
    async with open_portal(max_cost=50) as portal:
        answer = await portal.anybody().asks("{ __schema { types { name fields { name } } } roles { key } }")

    assert answer.errors[0]["extensions"]["mostExpensive"][0]["path"] == "__schema"


async def test_of_a_type_that_a_variable_names_the_answer_counts(portal: Portal) -> None:
    text = "query($n: String!) { __type(name: $n) { fields { name description } } }"

    small, large = [
        await portal.anybody().posts(query(text, n=name), forecourt_cost="true") for name in ("Money", "Organization")
    ]

    assert small.body["extensions"]["cost"]["estimated"] < large.body["extensions"]["cost"]["estimated"] / 5


def test_a_long_path_is_cut_off() -> None:
    schema = build_schema("type Query { a: A } type A { a: A things: [A] }")
    documents = Documents(schema, Limits(max_depth=200, max_aliases=1_000))
    name = "x" * 40
    text = "{ a { " + f"{name}: things {{ " * 12 + "__typename" + " }" * 14

    parts = refused(estimated(text, documents=documents)).extensions["mostExpensive"]

    assert all(len(part["path"]) <= 301 for part in parts)
