"""Our rule for overlapping fields says the same as graphql-core's, in time that grows with the document."""

from graphql import (
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
)
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.pipeline.validation import RULES
from gateway.pipeline.validation.overlapping_fields import MOST_STEPS, OverlappingFields
from tests.examples import examples

SCHEMA = build_schema("""
type Query { dog: Dog! cat: Cat pet: Pet pets(first: Int, filter: Filter): [Pet!] any: Any name: String }
input Filter { a: Int, b: Int }
interface Pet { name: String friend: Pet toys: [Toy] }
union Any = Dog | Cat | Toy
type Dog implements Pet { name: String friend: Pet toys: [Toy] size(unit: String): Int! owner: Query barks: Boolean }
type Cat implements Pet { name: String friend: Cat toys: [Toy] size(unit: String): Int owner: Query barks: String }
type Toy { name: String size(unit: String): Float owner: Pet }
""")

ARGUMENTS = {
    "size": ["", '(unit: "m")', '(unit: "cm")', "(unit: $unit)"],
    "pets": ["", "(first: 1)", "(first: 2)", "(filter: {a: 1, b: 2})", "(filter: {b: 2, a: 1})"],
}
MEMBERS = {"Pet": ["Dog", "Cat", "Pet"], "Any": ["Dog", "Cat", "Toy", "Pet", "Any"]}
FRAGMENTS = {"F": "Pet", "G": "Dog", "H": "Cat", "I": "Query"}
"""Each may spread those after it."""


@st.composite
def selections(draw: st.DrawFn, type_name: str, depth: int, spreads: tuple[str, ...]) -> str:
    """A selection set of a type, valid but for conflicts."""
    count = draw(st.integers(1, 4))
    return "{" + " ".join(draw(selection(type_name, depth, spreads)) for _ in range(count)) + "}"


@st.composite
def selection(draw: st.DrawFn, type_name: str, depth: int, spreads: tuple[str, ...]) -> str:
    """A field, an inline fragment or a spread."""
    near = [type_name, *MEMBERS.get(type_name, ()), *(["Pet", "Any"] if type_name in ("Dog", "Cat") else [])]
    fitting = [name for name in spreads if FRAGMENTS[name] in near]
    kind = draw(st.integers(0, 5))
    if kind == 0 and fitting:
        return f"...{draw(st.sampled_from(fitting))}"
    if kind == 1 and depth:
        inner = draw(st.sampled_from(near))
        return f"... on {inner} {draw(selections(inner, depth - 1, spreads))}"
    type_ = SCHEMA.get_type(type_name)
    fields = {"__typename": None} | {
        name: get_named_type(field.type)
        for name, field in getattr(type_, "fields", {}).items()
        if depth or is_leaf_type(get_named_type(field.type))
    }
    name = draw(st.sampled_from(sorted(fields)))
    alias = draw(st.sampled_from(["", "", "a: ", "b: "]))
    inner_type = fields[name]
    within = (
        "" if inner_type is None or is_leaf_type(inner_type) else draw(selections(inner_type.name, depth - 1, spreads))
    )
    return f"{alias}{name}{draw(st.sampled_from(ARGUMENTS.get(name, [''])))}{within}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An operation and the fragments that it spreads."""
    names = tuple(FRAGMENTS)
    text = f"query($unit: String) {draw(selections('Query', 3, names))}"
    for index, name in enumerate(names):
        if f"...{name}" in text:
            text += f" fragment {name} on {FRAGMENTS[name]} {draw(selections(FRAGMENTS[name], 2, names[index + 1 :]))}"
    return text if "$unit)" in text else text.replace("query($unit: String)", "query")


@examples(500)
@given(documents())
@example("query {dog{... on Pet {... on Cat {a: __typename}} a: barks}}")
def test_a_document_is_refused_by_our_rule_exactly_when_graphql_core_refuses_it(text: str) -> None:
    document = parse(text)
    others = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
    found = [error.message for error in validate(SCHEMA, document, others, max_errors=1_000)]
    assert not found, (text, found)

    ours = validate(SCHEMA, document, [OverlappingFields])
    theirs = validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule])

    assert bool(ours) == bool(theirs), (text, ours, theirs)


def conflicts(text: str) -> list[str]:
    """The messages of our rule for a document."""
    return [error.message for error in validate(SCHEMA, parse(text), [OverlappingFields])]


def test_the_two_sides_of_a_conflict_are_named() -> None:
    assert conflicts("{ a: name a: __typename }") == [
        "Fields 'a' conflict because 'name' and '__typename' are different fields. Use different aliases on the "
        "fields to fetch both if this was intentional.",
    ]
    assert "differing arguments" in conflicts("{ pets(first: 1) { name } pets(first: 2) { name } }")[0]


def test_fields_of_two_object_types_may_differ_as_long_as_they_look_alike() -> None:
    assert conflicts("{ pet { ... on Dog { x: name } ... on Cat { x: name } } }") == []
    assert conflicts("{ pet { ... on Dog { x: barks } ... on Cat { x: barks } } }") != []
    assert conflicts('{ pet { ... on Dog { x: size(unit: "m") } ... on Dog { x: size(unit: "cm") } } }') != []


def test_the_order_of_an_objects_fields_makes_no_difference() -> None:
    assert conflicts("{ pets(filter: {a: 1, b: 2}) { name } pets(filter: {b: 2, a: 1}) { name } }") == []


def test_thousands_of_equal_fields_are_looked_at_once_each() -> None:
    text = "{" + "dog { friend { name } } " * 600 + "}"

    assert conflicts(text) == []  # graphql-core gives up on these after seconds


def test_fragments_that_are_woven_to_make_more_paths_than_can_be_looked_at_are_refused() -> None:
    levels = 12
    fragments = []
    for level in range(levels):
        fragments.append(
            f"fragment F{level} on Pet {{ a: friend {{ ...F{level + 1} ...X{level}_0 }} "
            f"b: friend {{ ...F{level + 1} ...Y{level}_0 }} }}"
        )
        for kind in "XY":
            fragments += [
                f"fragment {kind}{level}_{step} on Pet {{ a: friend {{ ...{kind}{level}_{step + 1} }} "
                f"b: friend {{ ...{kind}{level}_{step + 1} }} }}"
                for step in range(levels - level)
            ]
            fragments.append(f"fragment {kind}{level}_{levels - level} on Pet {{ name }}")
    text = "{ pet { ...F0 } } " + " ".join(fragments) + f" fragment F{levels} on Pet {{ name }}"

    (message,) = conflicts(text)

    assert message == "The document's fragments overlap in too many ways to be checked. Write it simpler."
    assert MOST_STEPS == 30_000


def test_our_rule_replaces_graphql_cores() -> None:
    assert [rule.__name__ for rule in RULES if rule not in specified_rules] == ["OverlappingFields"]
    assert len(RULES) == len(specified_rules)
