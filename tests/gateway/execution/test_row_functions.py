"""Generated functions make the rows of ordinary levels, and answer nothing that the general engine would not."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute,
    parse,
)

from gateway.execution import BreadthFirstExecutor, Budget, prepare
from gateway.execution import compiled_documents as documents
from gateway.execution.levels import BY_ENGINE, BY_FUNCTION, LEVELS, NOT_GENERATED, TAKEN_BACK, Selection
from gateway.execution.row_functions import MOST_DEPTH, MOST_VALUES
from tests.gateway.execution.both import GeneralExecutor, as_text, error_facts

SDL = """
  enum Color { RED GREEN }
  scalar Written
  type Price { amount: String!, currency: String }
  type Item {
    id: ID!, name: String, count: Int!, weight: Float, sold: Boolean, color: Color, at: Written
    price: Price!, discount: Price, label: String, secret: String, supplier: Item, late: String, deep: Item
  }
  type Query { items: [Item!] }
"""


class Color(Enum):
    RED = 1
    GREEN = 2


@dataclass
class Price:
    amount: Any = "1.00"
    currency: Any = None


@dataclass
class Item:
    id: Any = "1"
    name: Any = "one"
    count: Any = 1
    weight: Any = 0.5
    sold: Any = True
    color: Any = Color.RED
    at: Any = "now"
    price: Any = field(default_factory=Price)
    discount: Any = None
    secret: Any = "for nobody"
    deep: Any = None


class NotAllowed(Exception):
    aggregated = True


@pytest.fixture(autouse=True)
def _counted_from_here() -> None:
    documents.forget_operations()
    LEVELS.clear()


def schema_with(**batches: Any) -> GraphQLSchema:
    """The schema, its classes known, with some fields of Item answered as these batch fields say."""
    schema = build_schema(SDL)
    types: Any = schema.type_map
    for type_, class_ in ((types["Price"], Price), (types["Item"], Item)):

        def is_type_of(value: Any, _info: Any, class_: Any = class_) -> bool:
            return isinstance(value, class_)

        is_type_of.instances_of = class_  # type: ignore[attr-defined]
        type_.is_type_of = is_type_of
    color: GraphQLEnumType = types["Color"]
    for member in Color:
        color.values[member.name].value = member
    types["Item"].fields["color"].extensions = {"batch": SimpleNamespace(path="color", waits=False, answer=None)}
    types["Item"].fields["at"].type.coerce_output_value = _written
    for name, batch in batches.items():
        types["Item"].fields[name].extensions = {"batch": batch}
    return schema


def _written(value: Any) -> Any:
    if value == "never":
        raise ValueError("never")
    return None if value == "nothing" else f"at {value}"


def run(schema: GraphQLSchema, text: str, items: list[Any], engine: Any = BreadthFirstExecutor, **named: Any) -> Any:
    return execute(schema, parse(text), {"items": items}, executor_class=engine, **named)


ALL = "{ items { id name count weight sold at price { amount currency } discount { amount } __typename } }"


def test_rows_of_plain_fields_are_made_by_one_function() -> None:
    items = [Item(), Item(id="2", discount=Price("0.50"))]

    answer = run(schema_with(), ALL, items)

    assert answer.errors is None
    assert answer.data == {
        "items": [
            {
                "id": id,
                "name": "one",
                "count": 1,
                "weight": 0.5,
                "sold": True,
                "at": "at now",
                "price": {"amount": "1.00", "currency": None},
                "discount": discount,
                "__typename": "Item",
            }
            for id, discount in (("1", None), ("2", {"amount": "0.50"}))
        ]
    }
    assert LEVELS == {BY_ENGINE: 1, BY_FUNCTION: 1}  # the root has nothing to read at once


def test_members_of_an_enum_are_known_by_their_names() -> None:
    answer = run(schema_with(), "{ items { color } }", [Item(), Item(color=Color.GREEN), Item(color=None)])

    assert answer.data == {"items": [{"color": "RED"}, {"color": "GREEN"}, {"color": None}]}
    assert LEVELS[BY_FUNCTION] == 1


class Stubborn(Item):
    @property
    def name(self) -> Any:  # type: ignore[override]
        raise ValueError("no name")

    @name.setter
    def name(self, name: Any) -> None: ...


class Subclass(Price):
    pass


class Text(str):
    pass


UNUSUAL = [
    Item(id=None),
    Item(id=7),
    Item(id=Text("text")),
    Item(name=ValueError("no name")),
    Item(name=lambda _info: "called"),
    Item(count=None),
    Item(count=True),
    Item(count=2**31),
    Item(count=1.0),
    Item(weight=float("nan")),
    Item(weight=1),
    Item(sold=0),
    Item(at="never"),
    Item(at="nothing"),
    Item(at=ValueError("no instant")),
    Item(price=None),
    Item(price=SimpleNamespace(amount="1", currency=None)),
    Item(price=Subclass()),
    Item(price=Price(amount=None)),
    Item(discount=Item()),
    Item(discount=Price(amount=ValueError("no amount"))),
    Stubborn(),
]


@pytest.mark.parametrize("unusual", UNUSUAL, ids=range(len(UNUSUAL)))
def test_whatever_is_unusual_is_answered_and_reported_by_the_general_engine(unusual: Any) -> None:
    items, schema = [Item(), unusual, Item()], schema_with()

    expected: ExecutionResult = run(schema, ALL, items, GeneralExecutor)
    LEVELS.clear()
    answer: ExecutionResult = run(schema, ALL, items)

    assert as_text(answer.data) == as_text(expected.data)
    assert error_facts(answer) == error_facts(expected)
    assert LEVELS[TAKEN_BACK] in (1, 2), "a second time for objects in the row"


async def test_what_is_awaited_in_a_row_is_awaited() -> None:
    async def name() -> str:
        return "later"

    answer = await run(schema_with(), "{ items { id name } }", [Item(), Item(name=name())])

    assert answer.data == {"items": [{"id": "1", "name": "one"}, {"id": "1", "name": "later"}]}


def test_what_may_be_refused_is_asked_and_never_read_from_the_object() -> None:
    refused = NotAllowed("not allowed")
    guarded = SimpleNamespace(waits=False, answer=lambda _context, parents, _arguments: [refused] * len(parents))

    answer = run(schema_with(secret=guarded), "{ items { id secret } }", [Item(), Item(id="2")])

    assert answer.data == {"items": [{"id": "1", "secret": None}, {"id": "2", "secret": None}]}
    assert error_facts(answer) == [("not allowed", ["items", 0, "secret"], [(1, 14)])]


async def test_nobody_is_asked_twice_when_a_function_gives_up() -> None:
    asked: list[int] = []

    async def answer_late(_context: Any, parents: Any, _arguments: Any) -> list[str]:
        asked.append(len(parents))
        await asyncio.sleep(0)
        return ["late"] * len(parents)

    schema = schema_with(late=SimpleNamespace(answer=answer_late))

    answer = await run(schema, "{ items { id count late } }", [Item(), Item(count="none")])

    assert answer.data == {"items": None}
    assert [path for _, path, _ in error_facts(answer)] == [["items", 1, "count"]]
    assert asked == [2]


def test_functions_of_one_object_are_called_with_the_context() -> None:
    def label(context: Any, item: Item) -> str:
        return f"{context}: {item.name}"

    each = SimpleNamespace(waits=False, each=label, answer=None)

    answer = run(schema_with(label=each), "{ items { label } }", [Item()], context_value="shop")

    assert answer.data == {"items": [{"label": "shop: one"}]}


def test_after_the_deadline_functions_of_one_object_are_not_called() -> None:
    def label(_context: Any, _item: Item) -> str:
        raise AssertionError("the deadline has passed")

    each = SimpleNamespace(waits=False, each=label, answer=None)
    context = SimpleNamespace(deadline=0.0)

    answer = run(schema_with(label=each), "{ items { id label } }", [Item()], context_value=context)

    assert answer.data == {"items": [{"id": "1", "label": None}]}
    assert error_facts(answer)[0][0] == "The deadline of the operation has passed."


def test_no_text_of_a_document_gets_into_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    real = Selection.__init__

    def init(self: Selection, fields: Any, write: Any) -> None:
        def remembered(*arguments: Any) -> Any:
            written.append(write(*arguments))
            return written[-1]

        real(self, fields, remembered)

    monkeypatch.setattr(Selection, "__init__", init)
    aliases = ["rows", "context", "type", "None", "class", "Item", "name", "_", "id", "run", "__debug__", "item"]
    text = "{ items { " + " ".join(f"{alias}: name" for alias in aliases) + " zzz: price { yyy: amount } } }"

    answer = run(schema_with(), text, [Item()])

    assert answer.data["items"] == [{**dict.fromkeys(aliases, "one"), "zzz": {"yyy": "1.00"}}]
    assert LEVELS[BY_FUNCTION] == 1
    (function,) = [one for one in written if one is not None]
    assert not any(word in function.source for word in ("zzz", "yyy", "__debug__"))


@pytest.mark.parametrize("width", [MOST_VALUES, MOST_VALUES + 1])
def test_a_wide_selection_is_left_to_the_general_engine(width: int) -> None:
    text = "{ items { " + " ".join(f"a{number}: name" for number in range(width)) + " } }"

    answer = run(schema_with(), text, [Item()])

    assert answer.data == {"items": [{f"a{number}": "one" for number in range(width)}]}
    assert LEVELS[BY_FUNCTION] == (1 if width == MOST_VALUES else 0)


def test_deep_objects_are_levels_of_their_own() -> None:
    item, text = Item(id="0"), "id"
    for number in range(3 * MOST_DEPTH):
        item, text = Item(id=str(number + 1), deep=item), f"id deep {{ {text} }}"

    answer = run(schema_with(), f"{{ items {{ {text} }} }}", [item])

    assert as_text(answer.data).count('"id"') == 3 * MOST_DEPTH + 1
    assert answer.data == run(schema_with(), f"{{ items {{ {text} }} }}", [item], GeneralExecutor).data
    assert LEVELS[BY_FUNCTION] > 1


def test_diamonds_of_objects_do_not_make_endless_functions() -> None:
    levels = 30
    diamonds = "".join(
        f"fragment F{n} on Item {{ deep {{ ...F{n + 1} }} supplier {{ ...F{n + 1} }} }}" for n in range(levels)
    )
    text = f"{{ items {{ ...F0 }} }} {diamonds} fragment F{levels} on Item {{ id }}"

    answer = run(schema_with(), text, [Item()])

    assert answer.data is not None


@pytest.mark.parametrize("discounts", [0, 1, 3])
def test_objects_in_rows_count_as_the_general_engine_counts_them(discounts: int) -> None:
    items = [Item(discount=Price() if number < discounts else None) for number in range(3)]
    counted = []
    for engine in (GeneralExecutor, BreadthFirstExecutor):

        class Counting(engine):  # type: ignore[misc,valid-type]
            budget = Budget()

        run(schema_with(), ALL, items, Counting)
        counted.append(Counting.budget.objects)

    assert counted == [6 + discounts] * 2
    assert LEVELS[BY_FUNCTION] == 1


def test_a_document_that_was_prepared_has_its_functions_before_it_is_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    schema, document = schema_with(), parse("{ items { id price { amount } } }")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)

    prepare(schema, operation, {}, {})
    monkeypatch.setattr("gateway.execution.planner.row_function", None)
    answer: Any = execute(schema, document, {"items": [Item()]}, executor_class=BreadthFirstExecutor)

    assert answer.data == {"items": [{"id": "1", "price": {"amount": "1.00"}}]}
    assert LEVELS == {BY_ENGINE: 1, BY_FUNCTION: 1}


@pytest.mark.parametrize("bound", ["MOST_GENERATED_BYTES", "MOST_GENERATED_BYTES_OF_A_PLAN"])
def test_without_room_for_functions_the_general_engine_answers(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(f"gateway.execution.planner.{bound}", -1)

    answer = run(schema_with(), "{ items { id } }", [Item()])

    assert answer.data == {"items": [{"id": "1"}]}
    assert LEVELS == {BY_ENGINE: 2}


def test_a_function_that_cannot_be_generated_is_counted_and_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RecursionError

    monkeypatch.setattr("gateway.execution.planner.row_function", refuse)

    answer = run(schema_with(), "{ items { id } }", [Item()])

    assert answer.data == {"items": [{"id": "1"}]}
    assert LEVELS == {BY_ENGINE: 2, NOT_GENERATED: 2}
