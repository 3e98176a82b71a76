"""Records that nobody has made are answered from their rows, as they are and with the same errors."""

from collections.abc import Sequence
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.unmade import Layout, Stored, Unmade
from connectors.wanted import of_values
from gateway.execution import BreadthFirstExecutor, Budget
from gateway.execution import compiled_documents as documents
from gateway.execution.contract import PREPARED
from gateway.execution.levels import BY_FUNCTION, LEVELS, TAKEN_BACK
from tests.gateway.execution.both import GeneralExecutor, error_facts
from tests.gateway.execution.test_row_functions import Color, Item, Price, run, schema_with

STORED = {
    "id": Stored((0,)),
    "name": Stored((1,)),
    "count": Stored((2,)),
    "color": Stored((3,), {"red": Color.RED, "green": Color.GREEN}),
    "at": Stored((4,), str.upper),
    "price": Stored((5, 6), Price, ("amount", "currency")),
}
ROW = ("1", "one", 1, "red", "now", "1.00", "EUR")
TEXT = "{ items { id name count color at price { amount currency } __typename } }"


@of_values(Price, "amount", "currency")
def written(amount: str, currency: str) -> str:
    return f"{amount} {currency}"


class Counted:
    """Makes records of rows, and knows of how many."""

    def __init__(self) -> None:
        self.rows = 0
        self.layout = Layout(Item, STORED, self.made)

    def made(self, rows: Sequence[Any]) -> list[Item]:
        self.rows += len(rows)
        return [
            Item(
                id=row[0],
                name=row[1],
                count=row[2],
                color=STORED["color"].how[row[3]],  # type: ignore[index]
                at=row[4].upper(),
                price=Price(*row[5:7]),
            )
            for row in rows
        ]


@pytest.fixture(autouse=True)
def _counted_from_here() -> None:
    documents.forget_operations()
    LEVELS.clear()


def test_a_row_is_answered_without_its_record() -> None:
    counted = Counted()

    answer = run(schema_with(), TEXT, Unmade(counted.layout, [ROW, ROW]))  # type: ignore[arg-type]

    row = {"id": "1", "name": "one", "count": 1, "color": "RED", "at": "at NOW"}
    assert answer.data == {"items": [{**row, "price": {"amount": "1.00", "currency": "EUR"}, "__typename": "Item"}] * 2}
    assert counted.rows == 0
    assert LEVELS[BY_FUNCTION] == 1


def test_a_function_of_values_is_called_with_those_of_the_row() -> None:
    schema, counted = schema_with(), Counted()
    fields: Any = schema.type_map["Price"].fields  # type: ignore[attr-defined]
    fields["amount"].extensions = {"batch": SimpleNamespace(waits=False, each=written, answer=None)}

    answer = run(schema, "{ items { price { amount } } }", Unmade(counted.layout, [ROW]))  # type: ignore[arg-type]

    assert answer.data == {"items": [{"price": {"amount": "1.00 EUR"}}]}
    assert counted.rows == 0
    assert written(None, Price("2.00", "CHF")) == "2.00 CHF"


@pytest.mark.parametrize(
    "text",
    ["{ items { id weight } }", "{ items { id deep { id } } }", "{ items { id label } }", "{ items { id secret } }"],
    ids=["not read", "an object that is not read", "made of the record", "asked for"],
)
def test_what_needs_the_record_has_it_made(text: str) -> None:
    def answer(_context: Any, parents: list[Item], _arguments: Any) -> list[Any]:
        return [parent.name for parent in parents]

    counted = Counted()
    each = SimpleNamespace(waits=False, each=lambda _context, item: item.name, answer=answer)
    schema = schema_with(label=each, secret=SimpleNamespace(waits=False, answer=answer))

    answers = [
        run(schema, text, items, engine)  # type: ignore[arg-type]
        for engine in (BreadthFirstExecutor, GeneralExecutor)
        for items in (Unmade(counted.layout, [ROW]), counted.made([ROW]))
    ]

    assert all(answer.data == answers[-1].data and not answer.errors for answer in answers)
    assert counted.rows == 4


@pytest.mark.parametrize(
    "row",
    [
        (*ROW[:2], 2**31, *ROW[3:]),
        (*ROW[:2], None, *ROW[3:]),
        (*ROW[:5], None, "EUR"),
    ],
    ids=["too large", "null", "null in an object"],
)
def test_what_is_unusual_in_a_row_is_reported_as_of_its_record(row: tuple[Any, ...]) -> None:
    counted = Counted()

    answer = run(schema_with(), TEXT, Unmade(counted.layout, [ROW, row]))  # type: ignore[arg-type]
    expected = run(schema_with(), TEXT, counted.made([ROW, row]), GeneralExecutor)

    assert (answer.data, error_facts(answer)) == (expected.data, error_facts(expected))
    assert expected.errors
    assert LEVELS[TAKEN_BACK] in (2, 3), "for the rows, for the records, and for the objects in them"


def test_a_row_of_which_no_record_can_be_made_fails_its_list() -> None:
    counted, row = Counted(), (*ROW[:3], "blue", *ROW[4:])

    answer = run(schema_with(), TEXT, Unmade(counted.layout, [ROW, row]))  # type: ignore[arg-type]

    assert answer.data == {"items": None}
    assert [(message, path) for message, path, _ in error_facts(answer)] == [("'blue'", ["items"])]


async def test_rows_count_as_records_do_and_long_answers_are_made_of_records() -> None:
    counts = []
    for unmade, unwatched in ((True, 4), (False, 4), (True, 3)):
        counted = Counted()

        class Counting(BreadthFirstExecutor):
            budget = Budget()

        Counting.budget.unwatched = unwatched
        rows = [ROW] * 2
        items: Any = Unmade(counted.layout, rows) if unmade else counted.made(rows)
        answer = run(schema_with(), "{ items { id price { amount } } }", items, Counting)
        assert not (await answer if isawaitable(answer) else answer).errors
        counts.append((Counting.budget.objects, counted.rows))

    assert counts == [(4, 0), (4, 2), (4, 2)]


def test_rows_of_several_lists_are_grouped_again() -> None:
    class Batch:
        waits = False

        def answer(self, _context: Any, parents: list[Any], _arguments: Any) -> list[Any]:
            return [Unmade(counted.layout, [ROW] * number) for number in range(len(parents))]

    counted, schema = Counted(), schema_with()
    of_item: Any = schema.type_map["Item"]
    of_item.fields["supplier"].type, of_item.fields["supplier"].extensions = (
        schema.query_type.fields["items"].type,  # type: ignore[union-attr]
        {"batch": Batch()},
    )

    answer = run(schema, "{ items { supplier { id } } }", [Item(), Item(), Item()])

    assert answer.data == {"items": [{"supplier": [{"id": "1"}] * number} for number in range(3)]}
    assert counted.rows == 0


def test_whoever_looks_at_unmade_records_has_them_as_in_a_list() -> None:
    counted = Counted()
    records = Unmade(counted.layout, [ROW, ROW])

    assert (len(records), counted.rows) == (2, 0)
    assert records[0] == records[1] == next(iter(records))
    assert records[1:] == [records[1]]
    assert records == [*records] == counted.layout.made([ROW, ROW])
    assert records != [records[0]]
    assert counted.rows == 4, "once for the list, and once beside it"


def test_what_is_prepared_is_prepared_once_for_all_objects() -> None:
    prepared_for: list[Any] = []

    def prepared(context: Any) -> Any:
        prepared_for.append(context)
        return lambda item: f"{context}: {item.name}"

    def each(context: Any, item: Item) -> Any:
        return prepared(context)(item)

    setattr(each, PREPARED, prepared)
    batch = SimpleNamespace(waits=False, each=each, answer=None)

    answer = run(schema_with(label=batch), "{ items { label } }", [Item(), Item(name="two")], context_value="shop")

    assert answer.data == {"items": [{"label": "shop: one"}, {"label": "shop: two"}]}
    assert prepared_for == ["shop"]
