"""Validation in one walk finds what graphql-core's own finds, at the same locations, in the same order."""

import gc
import json

import pytest
from graphql import ASTValidationRule, GraphQLSyntaxError, Node, parse, validate

from gateway.pipeline.operation_cache import parse as our_parse
from gateway.pipeline.validation import RULES
from gateway.pipeline.validation.once import validation_errors
from tests.gateway.pipeline.hostile import ATTACKS, BATCHES
from tests.schemas import shared_core

SCHEMA = shared_core()

OTHERS = [
    "query A($a: ID!, $b: Int = 1, $c: Nothing) { node(id: $a) { id ...F } } fragment F on Order { id total { a } }",
    "query A($a: Int) { node(id: $a) { id } } query A { node(id: $d) { ...F ...G } } fragment F on Order { id ...G }",
    "fragment F on Order { ...G } fragment G on Order { ...F } fragment F on Nothing { id } { viewer { ...F } }",
    "{ viewer @include(if: 1) @include(if: true) @nothing { id id: __typename } } fragment U on Viewer { user { id } }",
    "{ viewer { memberships(first: 1, first: 2, last: $x, nothing: {a: 1, a: 2}) { nodes } } } type Query { a: Int }",
    "mutation($i: SignInInput!, $j: [SignInInput]) { signIn(input: $i) { errors } a: signIn(input: $j) { errors } }",
    "{ nodes(ids: [1, null, {a: [$x]}, ENUM]) { ... on Order { id } ... on User { id } ... on Nothing { id } } }",
    'query Q($s: [RequestStatus!] = [PENDING, NO, "PENDING"]) { organizationChangeRequests(status: $s) { nodes } }',
    "subscription { viewer { id } } { viewer { id @skip } }",
]


def documents() -> list[str]:
    """Return every document that can be parsed of what is sent with harm in mind, and some that are wrong otherwise."""
    found = list(OTHERS)
    for attack in (*ATTACKS, *BATCHES):
        try:
            body = json.loads(attack.body)
        except (ValueError, RecursionError):
            continue
        entries = body if isinstance(body, list) else [body]
        found += [entry.get("query") for entry in entries if isinstance(entry, dict)]
    return [text for text in dict.fromkeys(found) if isinstance(text, str) and len(text) < 12_000]


@pytest.mark.parametrize(("max_errors", "hides"), [(3, False), (1_000, True)])
def test_the_same_errors_are_found_in_the_same_order(max_errors: int, hides: bool) -> None:
    compared = 0
    for text in documents():
        try:
            document = parse(text)
        except (GraphQLSyntaxError, RecursionError):
            continue
        if text.count("{") > 100:
            continue  # refused before it is validated
        compared += 1
        theirs = validate(SCHEMA, document, RULES, max_errors=max_errors, hide_suggestions=hides)
        ours = validation_errors(SCHEMA, our_parse(text), RULES, max_errors=max_errors, hide_suggestions=hides)
        assert [error.formatted for error in ours] == [error.formatted for error in theirs], text[:200]
    assert compared > 40


@pytest.mark.parametrize("text", [*OTHERS, "{ viewer { id } }"])
def test_nothing_of_a_document_stays_until_python_looks_for_garbage(text: str) -> None:
    def nodes() -> int:
        return sum(isinstance(it, (Node, ASTValidationRule)) for it in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = nodes()
        validation_errors(SCHEMA, our_parse(text), RULES, max_errors=20)
        left = nodes() - before
    finally:
        gc.enable()

    assert left == 0


def test_a_document_is_parsed_as_graphql_core_parses_it_without_keeping_its_tokens() -> None:
    text = (
        'query A($a: [ID!]! = ["x"]) @a { b: c(d: {e: [1, 2.5, $a]}) { ...F ... on G @b { h } } } fragment F on G { i }'
    )

    ours, theirs = our_parse(text), parse(text)

    assert ours == theirs
    assert ours.loc is not None
    assert not hasattr(ours.loc, "start_token")
