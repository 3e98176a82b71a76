"""A batch field is asked once for all objects of a level."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLSchema, build_schema

from gateway.execution import BatchField
from tests.gateway.execution.both import alone, error_facts


class Asked:
    """A batch field that remembers how it was asked."""

    def __init__(self, answer: Callable[[Sequence[Any]], Any]) -> None:
        self.calls: list[tuple[Any, list[Any], dict[str, Any]]] = []
        self._answer = answer

    def answer(self, context: Any, parents: Sequence[Any], arguments: dict[str, Any]) -> Any:
        self.calls.append((context, list(parents), arguments))
        return self._answer(parents)


SDL = """
  interface Animal { owner: Owner }
  type Dog implements Animal { owner: Owner }
  type Cat implements Animal { owner: Owner }
  type Owner { name: String, strict: String! }
  type Item { id: Int, value(by: Int = 1): Int, strict: Int!, items: [Item!], owner: Owner }
  type Query { items: [Item], nested: [[Item!]!], animals: [Animal], value: Int, strict: [Item!] }
"""


def schema_with(**batches: Any) -> GraphQLSchema:
    """Return the schema with batch fields, given as `Type_field`."""
    schema = build_schema(SDL)
    for name, batch in batches.items():
        type_name, field_name = name.split("_")
        field: GraphQLField = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
        field.extensions = {"batch": batch if hasattr(batch, "answer") else Asked(batch)}
    return schema


def items(*ids: int) -> list[Any]:
    return [SimpleNamespace(id=id) for id in ids]


async def test_all_objects_of_a_level_are_asked_about_in_one_call() -> None:
    asked = Asked(lambda parents: [parent.id * 10 for parent in parents])
    schema = schema_with(Item_value=asked)
    root = {"nested": [items(1, 2), [], items(3)], "items": items(4)}

    answer = await alone(schema, "{ nested { id value(by: 3) } }", root, context_value="context")

    assert answer.data == {"nested": [[{"id": 1, "value": 10}, {"id": 2, "value": 20}], [], [{"id": 3, "value": 30}]]}
    assert asked.calls == [("context", [*root["nested"][0], *root["nested"][2]], {"by": 3})]  # type: ignore[index]
    assert isinstance(asked, BatchField)


async def test_each_use_of_the_field_in_the_document_is_a_call_with_its_own_arguments() -> None:
    asked = Asked(lambda parents: [1] * len(parents))

    await alone(
        schema_with(Item_value=asked), "query ($n: Int = 7) { items { value b: value(by: $n) } }", {"items": items(1)}
    )

    assert [arguments for _, _, arguments in asked.calls] == [{"by": 1}, {"by": 7}]


async def test_nobody_is_asked_when_there_is_no_object() -> None:
    asked = Asked(lambda parents: [])

    answer = await alone(schema_with(Item_value=asked), "{ items { value } }", {"items": [None]})

    assert (answer.data, asked.calls) == ({"items": [None]}, [])


async def test_an_exception_instead_of_an_answer_fails_only_that_object() -> None:
    schema = schema_with(Item_value=lambda parents: [ValueError("no value") if p.id == 2 else p.id for p in parents])

    answer = await alone(schema, "{ items { value } }", {"items": items(1, 2, 3)})

    assert answer.data == {"items": [{"value": 1}, {"value": None}, {"value": 3}]}
    assert error_facts(answer) == [("no value", ["items", 1, "value"], [(1, 11)])]


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_raised_exception_fails_the_field_for_all(is_late: bool) -> None:
    error = ValueError("away")

    def fail(_parents: Any) -> Any:
        raise error

    async def fail_later(_parents: Any) -> Any:
        await asyncio.sleep(0)
        raise error

    schema = schema_with(Item_strict=fail_later if is_late else fail)

    answer = await alone(schema, "{ items { id strict } }", {"items": items(1, 2)})

    assert answer.data == {"items": [None, None]}
    assert error_facts(answer) == [
        ("away", ["items", 0, "strict"], [(1, 14)]),
        ("away", ["items", 1, "strict"], [(1, 14)]),
    ]
    assert answer.errors is not None
    assert [failure.original_error for failure in answer.errors] == [error, error]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1], "The batch field Item.value answered 1 values for 2 parents."),
        ([1, 2, 3], "The batch field Item.value answered 3 values for 2 parents."),
        (None, "The batch field Item.value answered 'NoneType', which is no sequence."),
        ("ab", "The batch field Item.value answered 'str', which is no sequence."),
        ({0: 1, 1: 2}, "The batch field Item.value answered 'dict', which is no sequence."),
        (iter([1, 2]), "The batch field Item.value answered 'list_iterator', which is no sequence."),
    ],
)
async def test_an_answer_that_is_not_parallel_fails_the_field_for_all(given: Any, message: str) -> None:
    answer = await alone(schema_with(Item_value=lambda _: given), "{ items { id value } }", {"items": items(1, 2)})

    assert answer.data == {"items": [{"id": 1, "value": None}, {"id": 2, "value": None}]}
    assert [text for text, _, _ in error_facts(answer)] == [message, message]


@pytest.mark.parametrize("kind", [list, tuple])
async def test_any_sequence_will_do(kind: Any) -> None:
    answer = await alone(schema_with(Query_value=lambda _: kind([5])), "{ value }")

    assert answer.data == {"value": 5}


async def test_answers_may_be_awaitable_each_or_all() -> None:
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value

    async def all_later(parents: Any) -> Any:
        await asyncio.sleep(0)
        return [later(parent.id) if parent.id > 1 else parent.id for parent in parents]

    answer = await alone(schema_with(Item_value=all_later), "{ items { value } }", {"items": items(1, 2, 3)})

    assert answer.data == {"items": [{"value": 1}, {"value": 2}, {"value": 3}]}


async def test_batch_fields_of_a_level_wait_together() -> None:
    both_wait = asyncio.Barrier(2)

    async def wait(parents: Any) -> Any:
        await asyncio.wait_for(both_wait.wait(), 30)
        return [1] * len(parents)

    schema = schema_with(Item_value=wait, Item_strict=wait)

    answer = await alone(schema, "{ items { value strict id } }", {"items": items(1, 2)})

    assert answer.data == {"items": [{"value": 1, "strict": 1, "id": 1}, {"value": 1, "strict": 1, "id": 2}]}


async def test_branches_go_on_without_waiting_for_one_another() -> None:
    deep_is_reached = asyncio.Event()

    async def slow(parents: Any) -> Any:
        await asyncio.wait_for(deep_is_reached.wait(), 30)
        return [0] * len(parents)

    async def quick(parents: Any) -> Any:
        await asyncio.sleep(0)
        return [items(9)] * len(parents)

    async def deep(parents: Any) -> Any:
        deep_is_reached.set()
        return [SimpleNamespace(name="deep")] * len(parents)

    schema = schema_with(Item_value=slow, Item_items=quick, Item_owner=deep)

    answer = await alone(schema, "{ items { value items { owner { name } } } }", {"items": items(1)})

    assert answer.data == {"items": [{"value": 0, "items": [{"owner": {"name": "deep"}}]}]}


async def test_each_concrete_type_of_an_interface_is_asked_about_once() -> None:
    dogs, cats = (Asked(lambda parents: [{"name": p["n"]} for p in parents]) for _ in range(2))
    animals = [{"__typename": kind, "n": str(n)} for n, kind in enumerate(["Dog", "Cat", "Dog", "Cat"])]

    answer = await alone(
        schema_with(Dog_owner=dogs, Cat_owner=cats), "{ animals { owner { name } } }", {"animals": animals}
    )

    assert answer.data == {"animals": [{"owner": {"name": str(n)}} for n in range(4)]}
    assert [len(parents) for _, parents, _ in dogs.calls + cats.calls] == [2, 2]


class NotAllowed(Exception):
    aggregated = True


async def test_one_refusal_of_many_objects_is_reported_once() -> None:
    refusal = NotAllowed("not allowed")
    schema = schema_with(Item_value=lambda parents: [refusal if p.id > 1 else 0 for p in parents])

    answer = await alone(schema, "{ nested { value v: value } }", {"nested": [items(1, 2), items(3, 4)]})

    assert answer.data is not None
    assert answer.data["nested"][0] == [{"value": 0, "v": 0}, {"value": None, "v": None}]
    assert error_facts(answer) == [
        ("not allowed", ["nested", 0, 1, "value"], [(1, 12)]),
        ("not allowed", ["nested", 0, 1, "v"], [(1, 18)]),
    ]
    assert answer.errors is not None
    assert [error.extensions for error in answer.errors] == [
        {"pathPattern": ["nested", "@", "@", "value"], "pathCount": 3},
        {"pathPattern": ["nested", "@", "@", "v"], "pathCount": 3},
    ]
    assert answer.errors[0].original_error is refusal


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_refusal_in_one_position_keeps_its_exact_path(refused: int) -> None:
    refusal = NotAllowed("not allowed")
    schema = schema_with(Item_strict=lambda parents: [refusal if p.id == refused else 0 for p in parents])

    answer = await alone(schema, "{ items { strict } }", {"items": items(1, 2)})

    assert error_facts(answer) == [("not allowed", ["items", refused - 1, "strict"], [(1, 11)])]
    assert answer.data is not None
    assert answer.data["items"][refused - 1] is None


async def test_refusals_of_their_own_are_reported_each() -> None:
    schema = schema_with(Item_value=lambda parents: [NotAllowed("not allowed") for _ in parents])

    answer = await alone(schema, "{ items { value } }", {"items": items(1, 2)})

    assert [path for _, path, _ in error_facts(answer)] == [["items", 0, "value"], ["items", 1, "value"]]


async def test_a_refusal_for_the_whole_field_is_reported_once() -> None:
    def refuse(_parents: Any) -> Any:
        raise NotAllowed("not allowed")

    answer = await alone(
        schema_with(Item_value=refuse, Query_value=refuse), "{ value items { value } }", {"items": items(1, 2)}
    )

    assert [path for _, path, _ in error_facts(answer)] == [["value"], ["items", 0, "value"]]
    assert [error.extensions for error in answer.errors or ()] == [
        {},
        {"pathPattern": ["items", "@", "value"], "pathCount": 2},
    ]
