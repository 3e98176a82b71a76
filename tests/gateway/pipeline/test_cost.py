"""The cost of an operation is estimated before it is executed, from what the schema declares."""

from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.limits.cost import Cost, Estimation
from gateway.pipeline.operation_cache import Documents
from gateway.settings import Limits
from schema.graph.cost_directives import COST, FieldCost, ListSize, cost_of
from tests.examples import examples
from tests.portal import Portal, open_portal

SCHEMA = build_schema("""
type Query {
  one: Thing many: [Thing!]! page(first: Int = 7): Page picked(ids: [ID!]!): [Thing] name: String
  found(text: String, by: [Int]): Thing any: Any shape(first: Int = 2): [Shape]
}
type Mutation { change: Thing count: Int }
type Page { nodes: [Thing] edges: [Edge] total: Int }
type Edge { node: Thing }
type Thing { name: String free: Free thing: Thing things: [Thing] few: [Thing] page(first: Int): Page heavy: String }
type Free { name: String thing: Thing }
interface Shape { name: String thing: Thing }
interface Round { name: String }
type Circle implements Shape & Round { name: String thing: Thing few: [Thing] }
type Square implements Shape { name: String thing: Thing page(first: Int): Page }
union Any = Thing | Circle | Square
""")


def _declare() -> None:
    def of(type_name: str) -> GraphQLObjectType:
        type_ = SCHEMA.get_type(type_name)
        assert isinstance(type_, GraphQLObjectType)
        return type_

    page = FieldCost(size=ListSize(None, ("first",), ("nodes", "edges")))
    of("Query").fields["page"].extensions[COST] = page
    of("Thing").fields["page"].extensions[COST] = page
    of("Query").fields["picked"].extensions[COST] = FieldCost(size=ListSize(None, ("ids",)))
    of("Thing").fields["few"].extensions[COST] = FieldCost(size=ListSize(3))
    of("Thing").fields["heavy"].extensions[COST] = FieldCost(weight=5)
    of("Query").fields["found"].extensions[COST] = FieldCost(arguments={"text": 20, "by": 3})
    of("Query").fields["shape"].extensions[COST] = FieldCost(size=ListSize(None, ("first",)))
    of("Circle").fields["few"].extensions[COST] = FieldCost(size=ListSize(3))
    of("Square").fields["page"].extensions[COST] = page
    for name in ("Page", "Edge", "Free"):
        of(name).extensions[COST] = FieldCost(weight=0)


_declare()
DOCUMENTS = Documents(SCHEMA, Limits(max_depth=50, max_aliases=1_000, max_root_fields=1_000))

DEFAULTS = {("Query", "page"): 7, ("Query", "shape"): 2}

COSTS: list[tuple[str, dict[str, Any], int]] = [
    ("{ name }", {}, 0),
    ("{ one { name } }", {}, 1),
    ("{ one { free { name thing { name } } } }", {}, 2),
    ("{ many { name } }", {}, 10),
    ("{ many { things { name } } }", {}, 110),
    ("{ one { few { name heavy } } }", {}, 1 + 3 * (1 + 5)),
    ("{ page { nodes { name } } }", {}, 7),
    ("{ page(first: 3) { nodes { name } edges { node { name } } total } }", {}, 6),
    ("{ page(first: 3) { ...P } } fragment P on Page { nodes { thing { name } } }", {}, 6),
    ("query($n: Int) { page(first: $n) { nodes { name } } }", {"n": 4}, 4),
    ("query($n: Int) { page(first: $n) { nodes { name } } }", {}, 7),
    ("query($n: Int) { page(first: $n) { nodes { page(first: $n) { nodes { name } } } } }", {"n": 20}, 420),
    ("{ one { page { nodes { name } } } }", {}, 11),
    ("{ page(first: -5) { nodes { name } } }", {}, 1),
    ("{ picked(ids: []) { name } }", {}, 1),
    ("query($ids: [ID!]!) { picked(ids: $ids) { name } }", {"ids": []}, 1),
    ("query($n: Int) { page(first: $n) { nodes { name } } }", {"n": 0}, 1),
    ("{ one { free { name } a: free { name } b: free { name } } }", {}, 1 + 0 + 1 + 1),
    ("{ found { name } }", {}, 1),
    ('{ found(text: "x") { name } }', {}, 1 + 20),
    ("{ found(text: null, by: [1]) { name } }", {}, 1 + 3),
    ("query($t: String) { found(text: $t) { name } }", {}, 1),
    ("query($t: String) { found(text: $t) { name } }", {"t": None}, 1),
    ("query($t: String) { found(text: $t) { name } }", {"t": ""}, 1 + 20),
    ('query($n: Int) { page(first: $n) { nodes { name } } found(text: "x") { name } }', {"n": 30}, 30 + 21),
    ("{ shape { name } }", {}, 2),
    (
        "{ shape { ... on Circle { few { name } } ... on Square { page(first: 9) { nodes { name } } } } }",
        {},
        2 * (1 + 9),
    ),
    (
        "{ shape { thing { name } ... on Circle { few { name } } ... on Square { thing { name } } } }",
        {},
        2 * (1 + 1 + 3),
    ),
    (
        "query($n: Int) { any { ...on Circle { few { name } } ...on Square { page(first: $n) { nodes { name } } } } }",
        {"n": 2},
        1 + 3,
    ),
    (
        "query($n: Int) { any { ...on Circle { few { name } } ...on Square { page(first: $n) { nodes { name } } } } }",
        {"n": 5},
        1 + 5,
    ),
    (
        "{ any { ...R ... on Square { thing { name } } ... on Thing { thing { name } things { name } } } }"
        " fragment R on Round { name ... on Circle { few { name } thing { name } } }",
        {},
        1 + 1 + 10,
    ),
    ("{ any { ... on Shape { thing { name } ... on Circle { thing { name } } } } }", {}, 1 + 1),
    ("{ one { thing { name } thing { free { thing { name } } } } one { thing { few { name } } } }", {}, 1 + 1 + 1 + 3),
    ("{ one { a: things { name } b: things { name } } }", {}, 1 + 20),
    (
        "query($n: Int) { page(first: $n) { nodes { name } } ...P }"
        " fragment P on Query { page(first: $n) { nodes { thing { name } } } }",
        {"n": 4},
        8,
    ),
    ('{ picked(ids: ["a", "b"]) { name } }', {}, 2),
    ("query($ids: [ID!]!) { picked(ids: $ids) { name } }", {"ids": ["a", "b", "c"]}, 3),
    ("mutation { change { name } }", {}, 10),
    ("mutation { count a: count }", {}, 20),
    ("{ __typename ...F ...F } fragment F on Query { one { name } }", {}, 1),
    ("{ __schema { queryType { name } } }", {}, 1),
    ('{ __type(name: "Nothing") { name } }', {}, 1),
]


@pytest.mark.parametrize(("text", "variables", "expected"), COSTS)
def test_an_operation_costs_what_its_objects_cost(text: str, variables: dict[str, Any], expected: int) -> None:
    assert DOCUMENTS.document(text).operation(None).cost.of(variables) == expected


def test_a_fragment_that_is_spread_again_is_answered_once() -> None:
    fragments = "".join(f"fragment F{n} on Thing {{ ...F{n + 1} ...F{n + 1} }} " for n in range(60))

    operation = DOCUMENTS.document(f"{{ one {{ ...F0 }} }} {fragments} fragment F60 on Thing {{ thing {{ name }} }}")

    assert operation.operation(None).cost.of({}) == 2


def test_fragments_that_double_at_each_level_are_worked_out_once() -> None:
    fragments = "".join(
        f"fragment F{n} on Thing {{ thing {{ ...F{n + 1} }} things {{ ...F{n + 1} }} }} " for n in range(40)
    )

    operation = DOCUMENTS.document(f"{{ one {{ ...F0 }} }} {fragments} fragment F40 on Thing {{ name }}")

    assert operation.operation(None).cost.of({}) == sum(11**n for n in range(41))


def test_where_each_path_merges_others_they_are_added_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    depth, counted = 12, []
    both = "fragment {0}{1} on Thing {{ thing {{ ...{0}{2} }} few {{ ...{0}{2} {3} }} }} "
    text = "{ one { ...S0 } } fragment R12 on Thing { name } fragment S12 on Thing { name } "
    for n in range(depth):  # which of the fragments R stand on a path says which of its steps were "few"
        text += both.format("S", n, n + 1, "...R0") + both.format("R", n, n + 1, "")
    original = Estimation.fields_of

    def fields_of(self: Estimation, *selections: Any) -> Any:
        counted.append(selections)
        return original(self, *selections)

    monkeypatch.setattr(Estimation, "fields_of", fields_of)
    document = parse(text)  # which validation refuses, for it merges them too
    fragments = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}

    estimate = Cost(SCHEMA, fragments, document.definitions[0]).of({})  # type: ignore[arg-type]

    assert estimate >= sum(4**n for n in range(depth + 1))
    assert 1_000 < len(counted) < 2_000


@st.composite
def selections(draw: st.DrawFn, type_name: str, depth: int) -> str:
    """A selection set without fragments; pages are sliced by a variable, a number, or not at all."""
    type_ = SCHEMA.get_type(type_name)
    assert isinstance(type_, GraphQLObjectType)
    parts = []
    for index in range(draw(st.integers(1, 3))):
        fields = [
            name
            for name, field in type_.fields.items()
            if is_leaf_type(get_named_type(field.type)) or (depth and is_object_type(get_named_type(field.type)))
        ]
        name = draw(st.sampled_from(fields or ["__typename"]))
        arguments = ""
        if name == "page":
            arguments = draw(st.sampled_from(["", "(first: 4)", "(first: $n)"]))
        elif name == "picked":
            arguments = "(ids: $ids)"
        field = type_.fields.get(name)
        named = get_named_type(field.type) if field else None
        is_leaf = named is None or is_leaf_type(named)
        within = "" if named is None or is_leaf else draw(selections(named.name, depth - 1))
        parts.append(f"a{index}: {name}{arguments}{within}")
    return "{" + " ".join(parts) + "}"


def the_long_way(selection_set: Any, type_: Any, variables: dict[str, Any], sized: dict[str, int]) -> int:
    """What a selection set costs, worked out for these variables from the top to the bottom."""
    total = 0
    for node in selection_set.selections:
        field = type_.fields.get(node.name.value)
        if field is None:
            continue
        named, declared = get_named_type(field.type), cost_of(field)
        weight = declared.weight
        if weight is None:
            weight = 0 if is_leaf_type(named) else 1
            if cost_of(named).weight is not None:
                weight = cost_of(named).weight or 0
        if node.alias and not is_leaf_type(named):
            weight = max(weight, 1)
        length, below = sized.get(node.name.value, 10), {}
        if declared.size is not None:
            length = declared.size.assumed or 10
            length = DEFAULTS.get((type_.name, node.name.value), length)
            for argument in node.arguments or ():
                value = argument.value
                asked = variables[value.name.value] if value.kind == "variable" else int(value.value)
                length = max(len(asked) if isinstance(asked, list) else asked, 1)
            below = dict.fromkeys(declared.size.sized_fields, length)
        each = weight + (the_long_way(node.selection_set, named, variables, below) if node.selection_set else 0)
        total += (
            each * length
            if is_list_type(getattr(field.type, "of_type", None) or field.type) or is_list_type(field.type)
            else each
        )
    return total


@examples(300)
@given(selections("Query", 4), st.integers(0, 50), st.integers(0, 5))
def test_the_estimate_is_what_the_long_way_finds(text: str, number: int, ids: int) -> None:
    variables = {"n": number, "ids": ["x"] * ids}
    document = parse(text)

    estimate = Cost(SCHEMA, {}, document.definitions[0]).of(variables)  # type: ignore[arg-type]

    assert estimate == the_long_way(document.definitions[0].selection_set, SCHEMA.query_type, variables, {})  # type: ignore[attr-defined]


def test_a_schema_without_declarations_has_the_defaults() -> None:
    schema: GraphQLSchema = build_schema("type Query { a: A } type A { list: [A] }")

    document = Documents(schema, Limits()).document("{ a { list { list { __typename } } } }")

    assert document.operation(None).cost.of({}) == 1 + 10 + 100


DASHBOARD = """
query Dashboard($id: ID!) {
  viewer { user { displayName email } applications { state application { key name iconUrl } launch { kind url } } }
  organization(id: $id) {
    name
    members(first: 25) { totalCount nodes { status user { displayName email } roleGrants { role { key label } } } }
    orders(first: 20) {
      totalCount
      nodes {
        number status placedAt
        placedBy { displayName }
        total { amount currency }
        lines { sku name quantity unitPrice { amount } total { amount } }
      }
    }
  }
}
"""


async def test_whoever_asks_for_the_cost_gets_it(portal: Portal) -> None:
    body = b'{"query": "{ viewer { memberships(first: 4) { nodes { status } } } }"}'

    asked = await portal.anybody().posts(body, forecourt_cost="true")
    unasked = await portal.anybody().posts(body)

    assert asked.body["extensions"] == {
        "cost": {
            "estimated": 6,
            "maximum": 5000,
            "mode": "enforce",
            "mostExpensive": [
                {"path": "viewer.memberships", "cost": 5, "argument": "first"},
                {"path": "viewer", "cost": 1},
            ],
        }
    }
    assert "extensions" not in unasked.body


async def test_the_dashboard_costs_a_fraction_of_what_is_allowed(portal: Portal) -> None:
    administrator = await portal.person("administration@helios.example")

    answer = await administrator.asks(DASHBOARD, id=await portal.organization_of("administration@helios.example"))

    assert answer.status == 200
    assert len(answer.at("organization.members.nodes")) == 25


async def test_an_operation_that_may_become_too_expensive_calls_no_back_end(portal: Portal) -> None:
    person = await portal.person("administration@helios.example")

    with portal.statements() as statements:
        answer = await person.asks(
            "query($n: Int!) { viewer { memberships(first: $n) { nodes { organization { members(first: $n) { nodes "
            "{ status } } } } } } }",
            n=100,
        )

    assert (answer.status, answer.codes) == (400, {"": "COST_ESTIMATED_TOO_EXPENSIVE"})
    assert answer.errors[0]["extensions"] == {
        "code": "COST_ESTIMATED_TOO_EXPENSIVE",
        "limit": 5000,
        "actual": 10302,
        "setting": "max_cost",
        "mostExpensive": [
            {"path": "viewer.memberships", "cost": 10301, "argument": "first", "fits": 48},
            {"path": "viewer.memberships.nodes.organization.members", "cost": 10100, "argument": "first", "fits": 46},
        ],
    }
    assert answer.errors[0]["message"] == (
        "The request may become too expensive; ask for less at once. Its estimated cost is 10,302; at most 5,000 are "
        "allowed (setting max_cost). viewer.memberships alone costs 10,301; with first: 48 there, the request fits."
    )
    assert statements == []


async def test_an_installation_may_measure_before_it_refuses() -> None:
    async with open_portal(cost_mode="measure", max_cost=1) as portal:
        answer = await portal.anybody().asks("{ roles { key permissions { code } } }")

    assert answer.status == 200
    assert answer.errors == []
