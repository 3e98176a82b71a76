"""What is asked under several aliases for the same objects is asked once."""

import asyncio
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse
from graphql import execute as execute_with

from gateway.execution import BreadthFirstExecutor

SDL = """
  type Query { thing: Thing, things(first: Int, by: [Int!]): [Thing!] }
  type Mutation { change: Query, put(number: Int): Thing }
  type Thing { id: Int, parts(first: Int = 3, at: Int): [Thing!], double: Int, broken: Int }
"""


class Things:
    """Batch fields that note each query, and answer it later."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int | None], dict[str, Any]]] = []
        self.schema: GraphQLSchema = build_schema(SDL)
        self.known = {number: {"id": number} for number in range(10)}
        for type_name, name in (
            ("Query", "thing"),
            ("Query", "things"),
            ("Mutation", "change"),
            ("Mutation", "put"),
            ("Thing", "parts"),
            ("Thing", "double"),
            ("Thing", "broken"),
        ):
            field = self.schema.type_map[type_name].fields[name]  # type: ignore[attr-defined]
            field.extensions = {"batch": _Field(self, name)}

    async def answers(self, text: str, **variables: Any) -> Any:
        """Return the engine's answer."""
        result: Any = execute_with(
            self.schema, parse(text), {}, variable_values=variables, executor_class=BreadthFirstExecutor
        )
        return await result


class _Field:
    def __init__(self, things: Things, name: str) -> None:
        self.things = things
        self.name = name

    async def answer(self, _context: Any, parents: Any, arguments: dict[str, Any]) -> Any:
        things = self.things
        things.asked.append((self.name, [parent.get("id") for parent in parents], arguments))
        await asyncio.sleep(0)
        match self.name:
            case "thing" | "put":
                return [things.known[1]] * len(parents)
            case "things" | "parts":
                return [[things.known[number] for number in range(arguments.get("first") or 2)] for _ in parents]
            case "double":
                return [2 * parent["id"] for parent in parents]
            case "broken":
                raise RuntimeError("out of order")
        return [{}] * len(parents)

    @property
    def waits(self) -> bool:
        return True


async def test_equal_queries_at_one_path_are_sent_once_and_answered_as_each_selects() -> None:
    things = Things()

    answer = await things.answers("{ thing { a: parts { id } b: parts { double } c: parts(first: 3) { id } } }")

    assert answer.errors is None
    assert answer.data["thing"] == {
        "a": [{"id": 0}, {"id": 1}, {"id": 2}],
        "b": [{"double": 0}, {"double": 2}, {"double": 4}],
        "c": [{"id": 0}, {"id": 1}, {"id": 2}],
    }
    assert [name for name, _, _ in things.asked] == ["thing", "parts", "parts", "double"]


async def test_fifteen_aliases_with_the_same_arguments_ask_as_often_as_one() -> None:
    things = Things()
    text = " ".join(f"a{n}: parts(at: $at, first: 2) {{ id double }}" for n in range(15))

    answer = await things.answers(
        f"query($at: Int) {{ thing {{ {text} b: parts(first: 2, at: $at) {{ id }} }} }}", at=1
    )

    assert answer.errors is None
    assert [name for name, _, _ in things.asked] == ["thing", "parts", "double"]


async def test_what_differs_in_an_argument_or_a_variable_is_asked_for_itself() -> None:
    things = Things()

    await things.answers(
        "query($x: Int, $y: Int) { thing { a: parts(at: $x) { id } b: parts(at: $y) { id } c: parts(at: 1) { id } } }",
        x=1,
        y=1,
    )

    assert [name for name, _, _ in things.asked] == ["thing", "parts", "parts", "parts"]


async def test_equal_queries_below_aliases_of_the_same_object_are_sent_once() -> None:
    things = Things()

    answer = await things.answers(
        "{ a: thing { parts { double } } b: thing { ...T } } fragment T on Thing { parts { double } }"
    )

    assert answer.data["a"] == answer.data["b"] == {"parts": [{"double": 0}, {"double": 2}, {"double": 4}]}
    assert [name for name, _, _ in things.asked] == ["thing", "parts", "double"]


async def test_the_same_query_for_other_objects_is_asked() -> None:
    things = Things()

    answer = await things.answers("{ a: things(first: 2) { double } b: things(first: 3) { double } }")

    assert answer.data == {"a": [{"double": 0}, {"double": 2}], "b": [{"double": 0}, {"double": 2}, {"double": 4}]}
    assert [ids for name, ids, _ in things.asked if name == "double"] == [[0, 1], [0, 1, 2]]


async def test_what_fails_fails_under_each_alias() -> None:
    things = Things()

    answer = await things.answers("{ thing { a: broken b: broken id } }")

    assert answer.data == {"thing": {"a": None, "b": None, "id": 1}}
    assert [(error.message, error.path) for error in answer.errors] == [
        ("out of order", ["thing", "a"]),
        ("out of order", ["thing", "b"]),
    ]
    assert [name for name, _, _ in things.asked] == ["thing", "broken"]


async def test_equal_changes_are_all_made_and_each_is_read_after() -> None:
    things = Things()

    await things.answers("mutation { a: put(number: 1) { double } b: put(number: 1) { double x: double } }")

    assert [name for name, _, _ in things.asked] == ["put", "double", "put", "double"]


async def test_the_next_request_asks_again() -> None:
    things = Things()
    document = parse("{ thing { a: double b: double } }")

    for _ in range(3):
        result: Any = execute_with(things.schema, document, {}, executor_class=BreadthFirstExecutor)
        assert (await result).data == {"thing": {"a": 2, "b": 2}}

    assert [name for name, _, _ in things.asked] == ["thing", "double"] * 3


@pytest.mark.parametrize("text", ["{ thing { a: double b: double } }", "{ a: thing { double } b: thing { double } }"])
async def test_who_asks_the_same_fails_at_the_deadline_too(text: str) -> None:
    things = Things()
    never = asyncio.get_running_loop().create_future()

    async def wait(*_: Any) -> Any:
        return await never

    things.schema.type_map["Thing"].fields["double"].extensions["batch"].answer = wait  # type: ignore[attr-defined]

    class Context:
        deadline = asyncio.get_running_loop().time() + 0.05

    result: Any = execute_with(
        things.schema, parse(text), {}, context_value=Context, executor_class=BreadthFirstExecutor
    )
    answer = await result

    assert [error.message for error in answer.errors] == ["The deadline of the operation has passed."] * 2
