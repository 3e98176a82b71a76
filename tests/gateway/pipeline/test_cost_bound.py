"""The estimate is never below what an operation answers: random operations are executed and their objects counted."""

from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    execute,
    get_named_type,
    is_leaf_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.limits import cost
from gateway.pipeline.operation_cache import Documents
from gateway.settings import Limits
from schema.graph.cost_directives import COST, FieldCost, ListSize
from tests.examples import examples

BOUNDS = {"few": 2, "some": 4}
"""How long the lists without an argument are at most, which is what they are declared to be."""

SCHEMA = build_schema("""
interface Node { id: ID some: [Node!] }
interface Named { name: String next: Node }
type Person implements Node & Named {
  id: ID some: [Node!] name: String next: Node few: [Thing!] page(first: Int = 3): Page
}
type Shop implements Node & Named { id: ID some: [Node!] name: String next: Node staff: Person }
type Order implements Node { id: ID some: [Node!] buyer: Person few: [Thing!] }
union Thing = Person | Shop | Order
type Page { nodes: [Node!] edges: [Edge!] }
type Edge { node: Node }
type Query { id: ID node: Node thing: Thing named: Named person: Person few: [Thing!] page(first: Int = 3): Page }
""")


def _declare() -> None:
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                if name in BOUNDS:
                    field.extensions[COST] = FieldCost(size=ListSize(BOUNDS[name]))
                elif name == "page":
                    field.extensions[COST] = FieldCost(size=ListSize(None, ("first",), ("nodes", "edges")))
    edge = SCHEMA.type_map["Edge"]
    assert isinstance(edge, GraphQLObjectType)
    edge.fields["node"].extensions[COST] = FieldCost(weight=0)


_declare()
LIMITS = Limits(max_depth=50, max_aliases=1_000, max_root_fields=1_000)
CONCRETE = ("Person", "Shop", "Order")


@st.composite
def selections(draw: st.DrawFn, type_name: str, depth: int, prefix: str = "") -> str:
    """A selection set with fields, pages of several lengths, and fragments on whatever type may stand there.

    No response name occurs twice, so that nothing is merged.
    """
    type_: Any = SCHEMA.type_map[type_name]
    parts = [f"{prefix}t: __typename"]
    for index in range(draw(st.integers(1, 3))):
        key = f"{prefix}{'abc'[index]}"
        choices = ["..."] if depth else []
        if not isinstance(type_, GraphQLUnionType):
            choices += [name for name, it in type_.fields.items() if depth or is_leaf_type(get_named_type(it.type))]
        choice = draw(st.sampled_from(choices or ["__typename"]))
        if choice == "...":
            on = draw(st.sampled_from(_conditions(type_name)))
            parts.append(f"... on {on} {draw(selections(on, depth - 1, key))}")
            continue
        named = get_named_type(type_.fields[choice].type) if choice != "__typename" else None
        argument = draw(st.sampled_from(["", "(first: 1)", "(first: 5)", "(first: $n)"])) if choice == "page" else ""
        within = draw(selections(named.name, depth - 1, key)) if named and not is_leaf_type(named) else ""
        alias = "" if type_name == "Edge" and index == 0 else f"{key}: "
        parts.append(f"{alias}{choice}{argument}{within}")
    return "{ " + " ".join(parts) + " }"


@st.composite
def merging(draw: st.DrawFn, type_name: str, depth: int) -> str:
    """A selection set whose fields have no other names than their own, so that all that can be is merged."""
    type_: Any = SCHEMA.type_map[type_name]
    parts = ["__typename"]
    for _ in range(draw(st.integers(1, 4))):
        choices = ["..."] if depth else []
        if not isinstance(type_, GraphQLUnionType):
            choices += [name for name, it in type_.fields.items() if depth or is_leaf_type(get_named_type(it.type))]
        choice = draw(st.sampled_from(choices or ["__typename"]))
        if choice == "...":
            on = draw(st.sampled_from(_conditions(type_name)))
            parts.append(f"... on {on} {draw(merging(on, depth - 1))}")
            continue
        named = get_named_type(type_.fields[choice].type) if choice != "__typename" else None
        within = draw(merging(named.name, depth - 1)) if named and not is_leaf_type(named) else ""
        parts.append(f"{choice}{'(first: $n)' if choice == 'page' else ''}{within}")
    return "{ " + " ".join(parts) + " }"


def _possible(type_name: str) -> list[str]:
    type_: Any = SCHEMA.type_map[type_name]
    return [type_name] if isinstance(type_, GraphQLObjectType) else [it.name for it in SCHEMA.get_possible_types(type_)]


def _conditions(type_name: str) -> list[str]:
    """The types on which a fragment may stand where something is of this type."""
    here = _possible(type_name)
    return here + [name for name in ("Node", "Named", "Thing") if not set(here).isdisjoint(_possible(name))]


class _World:
    """Answers every field with as much as it may, objects of the types drawn in turn, and counts those that cost."""

    def __init__(self, types: list[str]) -> None:
        self.types = types
        self.made = 0

    def resolve(self, source: Any, info: Any, first: int = 3) -> Any:
        """Answer a field."""
        named = get_named_type(info.return_type)
        if is_leaf_type(named):
            return "x"
        if info.field_name in ("nodes", "edges"):
            return [self._made(named.name) for _ in range(source["first"])]
        if info.field_name in BOUNDS:
            return [self._made(named.name) for _ in range(BOUNDS[info.field_name])]
        made = self._made(named.name)
        self.made -= info.parent_type.name == "Edge"  # what stands in an edge comes along with it
        return made | {"first": first}

    def _made(self, type_name: str) -> dict[str, Any]:
        self.made += 1
        possible = _possible(type_name)
        own = [name for name in self.types if name in possible] or possible
        return {"type": own[self.made % len(own)]}


ANSWERS = (st.integers(1, 6), st.lists(st.sampled_from(CONCRETE), min_size=1, max_size=3, unique=True))


@examples(400, fixed=40)
@given(selections("Query", 4), *ANSWERS)
def test_no_operation_answers_more_objects_than_it_was_estimated_to(text: str, number: int, types: list[str]) -> None:
    assert _made(text, number, types) <= _estimated(text, number)


@examples(400, fixed=40)
@given(merging("Query", 5), *ANSWERS)
def test_what_is_merged_is_answered_once_and_never_more_than_was_estimated(
    text: str, number: int, types: list[str]
) -> None:
    assert _made(text, number, types) <= _estimated(text, number)


@examples(200, fixed=40)
@given(merging("Query", 5), st.integers(1, 6))
def test_what_is_added_up_and_not_merged_costs_no_less(text: str, number: int) -> None:
    estimate = _estimated(text, number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "_MOST_MERGED", 0)

        assert _estimated(text, number) >= estimate


@examples(200, fixed=40)
@given(merging("Person", 4), st.integers(1, 6))
def test_a_selection_that_stands_there_twice_costs_the_same(text: str, number: int) -> None:
    once = f"{{ person {text} }}"
    twice = f"{{ person {text} ...P person {{ ... on Person {text} }} }} fragment P on Query {{ person {text} }}"

    assert _estimated(once, number) == _estimated(twice, number)


def _with_variable(text: str) -> str:
    return f"query($n: Int) {text}" if "$n" in text else text


def _estimated(text: str, number: int) -> int:
    return Documents(SCHEMA, LIMITS).document(_with_variable(text)).operation(None).cost.of({"n": number})


def _made(text: str, number: int, types: list[str]) -> int:
    """How many objects that cost something an answer has that is as large as it may be."""
    world = _World(types)
    answer = execute(
        SCHEMA,
        parse(_with_variable(text)),
        {},
        variable_values={"n": number},
        field_resolver=world.resolve,
        type_resolver=lambda value, *_: value["type"],
    )
    assert isinstance(answer, ExecutionResult)
    assert answer.errors is None
    return world.made
