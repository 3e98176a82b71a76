"""Where the engine differs from graphql-core on purpose; docs/decisions/execution-differences.md says why."""

import asyncio
from typing import Any

from graphql import build_schema, execute, parse

from tests.gateway.execution.both import alone, error_facts


def late(seconds: float, message: str, events: list[str] | None = None) -> Any:
    async def resolve(_source: Any, _info: Any) -> Any:
        await asyncio.sleep(seconds)
        if events is not None:
            events.append(message)
            return 1
        raise ValueError(message)

    return resolve


def schema_with(sdl: str, **resolvers: Any) -> Any:
    schema = build_schema(sdl)
    for name, resolve in resolvers.items():
        schema.query_type.fields[name].resolve = resolve  # type: ignore[union-attr]
    return schema


async def reference(schema: Any, text: str) -> Any:
    result: Any = execute(schema, parse(text))
    return await result


async def test_of_several_late_errors_that_break_an_object_the_first_in_the_document_is_reported() -> None:
    schema = schema_with("type Query { slow: Int!, quick: Int! }", slow=late(0.02, "slow"), quick=late(0, "quick"))

    expected, answered = await reference(schema, "{ slow quick }"), await alone(schema, "{ slow quick }")

    assert expected.data is answered.data is None
    assert [message for message, _, _ in error_facts(expected)] == ["quick"]
    assert [message for message, _, _ in error_facts(answered)] == ["slow"]


async def test_late_errors_come_in_document_order_not_in_order_of_time() -> None:
    schema = schema_with("type Query { slow: Int, quick: Int }", slow=late(0.02, "slow"), quick=late(0, "quick"))

    expected, answered = await reference(schema, "{ slow quick }"), await alone(schema, "{ slow quick }")

    assert expected.data == answered.data == {"slow": None, "quick": None}
    assert [message for message, _, _ in error_facts(expected)] == ["quick", "slow"]
    assert [message for message, _, _ in error_facts(answered)] == ["slow", "quick"]


async def test_siblings_of_a_broken_field_are_not_cancelled() -> None:
    events: list[str] = []
    schema = schema_with(
        "type Query { broken: Int!, slow: Int }", broken=late(0, "broken"), slow=late(0.02, "finished", events)
    )

    assert (await reference(schema, "{ broken slow }")).data is None
    assert events == []

    assert (await alone(schema, "{ broken slow }")).data is None
    assert events == ["finished"]


async def test_siblings_after_a_broken_field_are_asked_too() -> None:
    events: list[str] = []
    schema = schema_with(
        "type Query { broken: Int!, after: Int }", broken=lambda *_: None, after=lambda *_: events.append("asked")
    )

    assert execute(schema, parse("{ broken after }")).data is None  # type: ignore[union-attr]
    assert events == []

    answered = await alone(schema, "{ broken after }")
    assert answered.data is None
    assert [path for _, path, _ in error_facts(answered)] == [["broken"]]
    assert events == ["asked"]


async def test_a_field_of_one_object_waits_for_the_same_field_of_its_neighbours() -> None:
    events: list[str] = []

    async def step(source: Any, info: Any) -> Any:
        await asyncio.sleep(source["wait"])
        events.append(f"{info.field_name} {source['name']}")
        return source

    schema = build_schema("type T { first: T, second: T, name: String } type Query { list: [T] }")
    for name in ("first", "second"):
        schema.type_map["T"].fields[name].resolve = step  # type: ignore[attr-defined]
    root = {"list": [{"name": "slow", "wait": 0.03}, {"name": "quick", "wait": 0}]}
    text = "{ list { first { second { name } } } }"

    expected: Any = execute(schema, parse(text), root)
    assert (await expected).data == (await alone(schema, text, root)).data

    assert events == [
        *["first quick", "second quick", "first slow", "second slow"],
        *["first quick", "first slow", "second quick", "second slow"],
    ]


async def test_resolvers_are_called_field_by_field_not_object_by_object() -> None:
    calls: list[str] = []

    def called(source: Any, info: Any) -> Any:
        calls.append(f"{info.field_name} {source}")
        return source

    schema = build_schema("type T { a: Int, b: Int } type Query { list: [T] }")
    for name in ("a", "b"):
        schema.type_map["T"].fields[name].resolve = called  # type: ignore[attr-defined]

    execute(schema, parse("{ list { a b } }"), {"list": [1, 2]})
    await alone(schema, "{ list { a b } }", {"list": [1, 2]})

    assert calls == ["a 1", "b 1", "a 2", "b 2", "a 1", "a 2", "b 1", "b 2"]


async def test_an_object_is_awaitable_when_its_class_is() -> None:
    class Imitation:
        """graphql-core takes this for an awaitable because it has the attribute; it cannot be awaited."""

        def __init__(self) -> None:
            self.__await__ = lambda: iter(())

        x = 1

    schema = build_schema("type T { x: Int } type Query { t: T }")

    expected: Any = execute(schema, parse("{ t { x } }"), {"t": Imitation()})
    answered = await alone(schema, "{ t { x } }", {"t": Imitation()})

    assert (await expected).data == {"t": None}
    assert answered.data == {"t": {"x": 1}}
