"""Each limit refuses what is over it and lets pass what is at it; the figures are those of the text written out."""

import json
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    get_introspection_query,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.limits.shape import Shape, check_shape, shape_of, shapes_of_fragments
from gateway.pipeline.limits.text import check_text
from gateway.profile_files import load_profile
from gateway.settings import Limits
from tests.examples import examples
from tests.portal import Portal

NAMES = ["F", "G", "H"]


@st.composite
def selection_sets(draw: st.DrawFn, depth: int, spreads: list[str]) -> str:
    """A selection set whose spreads are among these."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        alias = draw(st.sampled_from(["", "x: "]))
        directive = draw(st.sampled_from(["", " @a", " @a @b"]))
        kind = draw(st.sampled_from(["leaf", "field", "inline", "spread"]))
        if kind == "spread" and spreads:
            parts.append(f"...{draw(st.sampled_from(spreads))}{directive}")
        elif kind == "inline" and depth:
            parts.append(f"... on T{directive} {draw(selection_sets(depth - 1, spreads))}")
        elif kind == "field" and depth:
            parts.append(f"{alias}f{directive} {draw(selection_sets(depth - 1, spreads))}")
        else:
            parts.append(f"{alias}f{directive}")
    return "{" + " ".join(parts) + "}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An operation, and fragments that spread only those after them."""
    fragments = [
        f"fragment {name} on T {draw(selection_sets(2, NAMES[index + 1 :]))}" for index, name in enumerate(NAMES)
    ]
    return f"query @a {draw(selection_sets(3, NAMES))} " + " ".join(fragments)


def written_out(selection_set: SelectionSetNode, document: DocumentNode) -> Shape:
    """The figures of a selection set, found the long way: by going into each fragment wherever it is spread."""
    nesting = depth = aliases = fields = directives = 0
    for selection in selection_set.selections:
        inner: SelectionSetNode | None
        if isinstance(selection, FragmentSpreadNode):
            (definition,) = (
                node
                for node in document.definitions
                if isinstance(node, FragmentDefinitionNode) and node.name.value == selection.name.value
            )
            inner = definition.selection_set
        else:
            assert isinstance(selection, FieldNode | InlineFragmentNode)
            inner = selection.selection_set
        part = written_out(inner, document) if inner else Shape()
        is_field = isinstance(selection, FieldNode)
        nesting = max(nesting, part.nesting)
        depth = max(depth, part.depth + is_field)
        aliases += part.aliases + (is_field and selection.alias is not None)
        fields += 1 if is_field else part.fields
        directives += part.directives + len(selection.directives or ())
    return Shape(nesting + 1, depth, 0, aliases, fields, directives)


@examples(300)
@given(documents())
def test_what_is_counted_once_per_fragment_is_what_the_long_way_counts(text: str) -> None:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    counted = shape_of(operation, shapes_of_fragments(document))

    long_way = written_out(operation.selection_set, document)
    assert (counted.nesting, counted.depth, counted.aliases, counted.fields, counted.directives - 1) == (
        long_way.nesting,
        long_way.depth,
        long_way.aliases,
        long_way.fields,
        long_way.directives,
    )


def check(text: str, limits: Limits) -> None:
    """Check a text and then what is parsed from it, as for a request."""
    check_text(text, len(text), limits)
    check_shape(parse(text), limits)


def nested(levels: int) -> str:
    """A query of so many levels."""
    return "{a" * levels + "}" * levels


AT_AND_OVER = [
    ("MAX_TOKENS_LIMIT", "max_tokens", 10, "{" + "a " * 8 + "}", "{" + "a " * 9 + "}"),
    ("MAX_RECURSION_LIMIT", "max_recursion", 5, nested(5), nested(6)),
    ("MAX_RECURSION_LIMIT", "max_recursion", 5, "{a(b:[[[1]]])}", "{a(b:[[[[1]]]])}"),
    ("MAX_DEPTH_LIMIT", "max_depth", 3, nested(3), nested(4)),
    ("MAX_DEPTH_LIMIT", "max_depth", 3, "{a{...F}} fragment F on T{b{c}}", "{a{...F}} fragment F on T{b{c{d}}}"),
    ("MAX_ALIASES_LIMIT", "max_aliases", 2, "{a:x b:x}", "{a:x b{c:x d:x}}"),
    (
        "MAX_ALIASES_LIMIT",
        "max_aliases",
        2,
        "{...F ...F} fragment F on T{a:x}",
        "{...F ...F ...F} fragment F on T{a:x}",
    ),
    ("MAX_ROOT_FIELDS_LIMIT", "max_root_fields", 2, "{a b{c d}}", "{a ... {b ... {c}}}"),
    ("MAX_DIRECTIVES_LIMIT", "max_directives", 2, "query @a {x @b}", "query($v: I @c) @a {x @b}"),
]


@pytest.mark.parametrize(("code", "setting", "limit", "at", "over"), AT_AND_OVER)
def test_what_is_at_a_limit_passes_and_what_is_over_it_gets_the_figures(
    code: str, setting: str, limit: int, at: str, over: str
) -> None:
    limits = Limits(**{setting: limit})

    check(at, limits)
    with pytest.raises(LimitExceeded) as refused:
        check(over, limits)

    assert refused.value.code == code
    assert refused.value.extensions == {"limit": limit, "actual": limit + 1, "setting": setting}
    assert f"at most {limit} are allowed (setting {setting})" in str(refused.value)


def test_tokens_are_those_of_the_parser_and_comments() -> None:
    text = '''#c
    query Q($a: [Int!]! = [1, -2.5e3]) @d(s: "a\\"b{", t: """{"\\"""{""") { x: y(o: {k: $a}) ... on T { z } ...F }'''

    count = check_text(text, len(text), Limits())

    parser_count = _parser_tokens(text)
    assert count == parser_count + 1  # the comment


def _parser_tokens(text: str) -> int:
    lexer, count = Lexer(Source(text)), 0
    while lexer.advance().kind is not TokenKind.EOF:
        count += 1
    return count


@examples(300)
@given(st.text(alphabet='{}[]()"\\#a1.-\n ,!$:@&|=', max_size=60))
def test_no_text_has_fewer_tokens_than_the_parser_makes_of_it(text: str) -> None:
    try:
        expected = _parser_tokens(text)
    except GraphQLSyntaxError:
        return
    assert check_text(text, len(text), Limits()) >= expected


def test_the_limits_come_in_their_order() -> None:
    everything = "{" + "a:b @c " * 30 + nested(20)[1:]

    codes = []
    limits = Limits(max_tokens=50)
    for looser in ({"max_tokens": 2_000}, {"max_depth": 50}, {"max_aliases": 50}, {"max_root_fields": 50}):
        with pytest.raises(LimitExceeded) as refused:
            check(everything, limits)
        codes.append(refused.value.code)
        limits = limits.model_copy(update=looser)
    with pytest.raises(LimitExceeded) as refused:
        check_shape(parse(everything), limits)

    assert [*codes, refused.value.code] == [
        "MAX_TOKENS_LIMIT",
        "MAX_DEPTH_LIMIT",
        "MAX_ALIASES_LIMIT",
        "MAX_ROOT_FIELDS_LIMIT",
        "MAX_DIRECTIVES_LIMIT",
    ]


def test_a_figure_with_hundreds_of_digits_is_not_written_out() -> None:
    levels = 90
    text = "{...F0}" + "".join(f"fragment F{n} on T{{{f'...F{n + 1} ' * 5}}}" for n in range(levels))

    with pytest.raises(LimitExceeded) as refused:
        check_shape(parse(f"{text} fragment F{levels} on T{{a}}"), Limits())

    assert "more than 1,000,000,000; at most 20" in str(refused.value)


async def test_tools_may_ask_about_the_schema(portal: Portal) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )

    answer = await portal.anybody().asks(query)

    assert answer.status == 200
    assert "Query" in json.dumps(answer.data)


EXAMPLES = [
    (profile, name, query, json.loads(variables or "{}"))
    for profile in ("solar_terminal", "software_house")
    for name, query, variables in load_profile(profile).examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]}: {example[1]}")
async def test_the_examples_of_both_profiles_are_within_all_limits(
    example: tuple[str, str, str, dict[str, Any]], portal: Portal, software_portal: Portal
) -> None:
    profile, _, query, variables = example
    asked = portal if profile == "solar_terminal" else software_portal

    answer = await asked.anybody().asks(query, **variables)

    assert answer.status == 200, answer.body
