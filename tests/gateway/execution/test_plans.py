"""What is compiled, how often, what is kept, and what a hostile document costs."""

import gc
import weakref
from time import process_time
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLScalarType, build_schema, execute, parse

from gateway.execution import BreadthFirstExecutor
from gateway.execution import compiled_documents as documents
from tests.gateway.execution.both import alone, as_text, in_sync

SCHEMA = build_schema("type T { a: T, b: T, x: Int, list: [T] } type Query { a: T, x: Int }")


@pytest.fixture(autouse=True)
def _no_plans_at_first() -> None:
    documents.forget_operations()


def kept() -> list[documents.Operation]:
    return list(documents._operations.values())


def run(document: Any, root: Any = None, **variables: Any) -> Any:
    return execute(SCHEMA, document, root, variable_values=variables, executor_class=BreadthFirstExecutor)


def test_a_document_is_compiled_once() -> None:
    document = parse("query ($n: Int) { x a { x } }")

    run(document, {"a": {"x": 1}})
    plan = kept()[0]._plans[()]
    selection = plan.root
    run(document, {"a": {"x": 2}}, n=5)

    assert len(kept()) == 1
    assert kept()[0]._plans == {(): plan}
    assert plan.root is selection


def test_only_the_variables_of_conditions_choose_a_plan() -> None:
    document = parse("query ($n: Int, $s: Boolean!) { x @skip(if: $s) a { x } }")

    for n in range(5):
        for skipped in (True, False):
            run(document, s=skipped, n=n)

    assert sorted(kept()[0]._plans) == [(False,), (True,)]


def test_what_is_kept_is_bounded() -> None:
    held = [parse(f"query Q{number} {{ x }}") for number in range(documents._MOST_OPERATIONS + 10)]
    for each in held:
        run(each)

    assert len(kept()) == documents._MOST_OPERATIONS

    names = [f"c{number}" for number in range(6)]
    fields = " ".join(f"{name}: x @skip(if: ${name})" for name in names)
    document = parse(f"query ({', '.join(f'${name}: Boolean!' for name in names)}) {{ {fields} }}")
    for choice in range(64):
        run(document, **{name: bool(choice >> index & 1) for index, name in enumerate(names)})

    assert len(kept()[-1]._plans) == documents._MOST_PLANS_OF_AN_OPERATION


def test_plans_go_with_their_document() -> None:
    document = parse("{ a { ...F } } fragment F on T { x }")
    run(document, {"a": {"x": 1}})
    assert len(kept()) == 1

    del document

    assert kept() == []


def test_no_input_value_is_read_when_a_plan_is_compiled() -> None:
    coerced: list[Any] = []

    def coerce(value: Any) -> Any:
        coerced.append(value)
        return value

    schema = build_schema("scalar S type Query { a(s: S): A } type A { x(s: S): Int }")
    scalar: GraphQLScalarType = schema.type_map["S"]  # type: ignore[assignment]
    scalar.coerce_input_value = coerce  # type: ignore[method-assign,assignment]
    document = parse("query ($s: S) { a(s: $s) { x(s: $s) } }")

    for value in (1, 2):
        execute(schema, document, {"a": {}}, variable_values={"s": value}, executor_class=BreadthFirstExecutor)

    assert coerced == [1, 2], "each request's variable once"


async def test_constant_arguments_are_coerced_once_and_passed_as_copies() -> None:
    seen: list[dict[str, Any]] = []

    def answer(_context: Any, parents: Any, arguments: dict[str, Any]) -> list[int]:
        seen.append(dict(arguments))
        arguments.clear()
        return [1] * len(parents)

    schema = build_schema("enum E { A B } type Query { a(n: Int = 1, by: E! = B, id: ID): Int }")
    schema.query_type.fields["a"].extensions = {"batch": SimpleNamespace(answer=answer)}  # type: ignore[union-attr]
    document = parse("query ($id: ID) { a b: a(n: 5, by: A) c: a(id: $id) }")

    for id in ("x", "y"):
        execute(schema, document, variable_values={"id": id}, executor_class=BreadthFirstExecutor)

    constant = [{"n": 1, "by": "B"}, {"n": 5, "by": "A"}]
    assert seen == [*constant, {"n": 1, "by": "B", "id": "x"}, *constant, {"n": 1, "by": "B", "id": "y"}]


def test_a_plan_holds_nothing_of_a_request() -> None:
    class Data(SimpleNamespace):
        pass

    root, context = Data(a=Data(x=1, list=[Data(x=2)])), Data(deadline=None)
    result: Any = execute(SCHEMA, parse("{ a { x list { x } } }"), root, context, executor_class=BreadthFirstExecutor)
    remains = [weakref.ref(root), weakref.ref(root.a), weakref.ref(context)]

    assert result.data == {"a": {"x": 1, "list": [{"x": 2}]}}
    del root, context, result

    assert [reference() for reference in remains] == [None, None, None]


async def test_a_request_leaves_no_reference_cycles() -> None:
    async def answer(_context: Any, parents: Any, _arguments: Any) -> Any:
        return [SimpleNamespace(x=1, a=None) for _ in parents]

    schema = build_schema("type T { b: T, x: Int } type Query { list: [T] }")
    schema.type_map["T"].fields["b"].extensions = {"batch": SimpleNamespace(answer=answer)}  # type: ignore[attr-defined]
    document = parse("{ list { x b { x b { x } } c: b { x } } }")

    async def request() -> Any:
        root = {"list": [SimpleNamespace(x=n) for n in range(20)]}
        result: Any = execute(schema, document, root, SimpleNamespace(), executor_class=BreadthFirstExecutor)
        return await result

    await request()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await request()
        assert gc.collect() <= 10, "what the event loop leaves behind for a gathering, nothing of ours"
    finally:
        gc.enable()


def test_diamonds_of_fragments_are_collected_in_linear_time() -> None:
    levels = 200
    diamonds = "".join(f"fragment F{n} on T {{ ...F{n + 1} ...F{n + 1} ... {{ ...F{n + 1} }} }}" for n in range(levels))
    text = f"{{ a {{ ...F0 ...F0 }} }} {diamonds} fragment F{levels} on T {{ x }}"
    begin = process_time()

    answer = in_sync(SCHEMA, text, lambda: {"a": {"x": 1}})

    assert answer.data == {"a": {"x": 1}}
    assert process_time() - begin < 2


def test_equal_selections_at_the_ends_of_different_ways_are_compiled_once() -> None:
    levels = 12
    diamonds = "".join(f"fragment F{n} on T {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(levels))
    document = parse(f"{{ a {{ ...F0 }} }} {diamonds} fragment F{levels} on T {{ x }}")
    data: Any = {"x": 1}
    for _ in range(levels):
        data = {"a": data, "b": data}

    run(document, {"a": data})

    assert len(kept()[0]._plans[()]._selections) == levels + 1


def test_many_aliases_and_repeated_fields_cost_what_they_weigh() -> None:
    text = "{ a { " + " ".join(f"a{n}: x x" for n in range(5_000)) + " } }"
    document = parse(text, no_location=True)
    begin = process_time()

    result = run(document, {"a": {"x": 1}})

    assert len(result.data["a"]) == 5_001
    assert process_time() - begin < 2


def test_a_deep_document_is_answered_or_refused_but_never_breaks_the_process() -> None:
    depth = 150
    data: Any = {"x": 1}
    for _ in range(depth):
        data = {"a": data}

    answer = in_sync(SCHEMA, "{" + "a{" * depth + "x" + "}" * (depth + 1), lambda: data)

    assert as_text(answer.data).count("a") == depth


async def test_a_resolver_of_the_request_is_not_kept() -> None:
    document = parse("{ x }")

    for number in range(3):
        result: Any = execute(
            SCHEMA,
            document,
            executor_class=BreadthFirstExecutor,
            field_resolver=lambda *_, number=number: number,  # type: ignore[misc]
        )
        assert result.data == {"x": number}

    assert (await alone(SCHEMA, "{ x }")).data == {"x": None}
