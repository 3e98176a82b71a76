"""Of records, only the wanted attributes are read: those columns and the keys, from the tables that have them."""

from dataclasses import dataclass
from itertools import combinations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Select, Table
from sqlalchemy.dialects import sqlite

from connectors.database.columns import IdText, new_metadata
from connectors.database.engine import open_database
from connectors.database.lists import Listing, ListReader, first_of_each
from connectors.database.reader import _MOST_QUERIES
from connectors.database.record_rows import MOST_PROJECTIONS, Rows, joined
from connectors.quick import quick
from connectors.values import Money
from connectors.wanted import EVERYTHING, NOTHING, Wanted, altered, reads, reads_of
from tests.servers import DatabaseKind, fresh_database

METADATA = new_metadata()
SHELVES = Table(
    "shelves",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("room", IdText, nullable=False),
    Column("number", Integer, nullable=False),
)
BOOKS = Table(
    "books",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("shelf_id", ForeignKey("shelves.id"), nullable=False),
    Column("title", IdText, nullable=False),
    Column("cents", Integer, nullable=False),
    Column("currency", IdText, nullable=False),
)
WITH_SHELF = BOOKS.join(SHELVES, SHELVES.c.id == BOOKS.c.shelf_id)


@quick
@dataclass(frozen=True, slots=True)
class Book:
    """A book, and in which room it stands."""

    id: str
    shelf_id: str
    title: str
    price: Money
    room: str
    lent_to: str | None = None

    @property
    def label(self) -> str:
        """What stands on its back."""
        return self.title

    @property
    @reads(Money, lambda money: ())
    def material(self) -> str:
        """What it is made of."""
        return "paper"


_book, _shelf = BOOKS.c, SHELVES.c
ROWS = Rows(Book, BOOKS, source=WITH_SHELF, room=_shelf.room, price=(_book.cents, _book.currency))


def wanted(*names: str) -> Wanted[Book]:
    return Wanted(frozenset(names))


def shown(statement: Select[object]) -> list[str]:
    """The columns that a statement selects."""
    return [column.key for column in statement.selected_columns]


def text(statement: Select[object]) -> str:
    """The statement as SQLite gets it."""
    return str(statement.compile(dialect=sqlite.dialect()))


def test_what_a_function_reads_is_found_by_calling_it() -> None:
    assert Wanted.of(Book, lambda book: (book.id, book.title)) == wanted("id", "title")
    assert Wanted.of(Book, lambda _: ()) == NOTHING
    assert Wanted.of(Book, lambda book: book.label) == EVERYTHING  # a property that does not say what it reads
    assert Wanted.of(Book, lambda book: book.material) == wanted("material")
    with pytest.raises(AttributeError, match="author"):
        Wanted.of(Book, lambda book: book.author)  # type: ignore[attr-defined]


def test_wanted_here_or_there_is_wanted() -> None:
    some = wanted("title") | wanted("room")

    assert some == wanted("title", "room")
    assert (some | EVERYTHING, EVERYTHING | some, some | NOTHING) == (EVERYTHING, EVERYTHING, some)
    assert some.covers(wanted("title"))
    assert not some.covers(wanted("title", "price"))
    assert not some.covers(EVERYTHING)
    assert EVERYTHING.covers(some)
    assert reads_of(lambda book: book.title) == EVERYTHING  # who declares nothing is given all


def test_a_record_has_what_was_read_and_refuses_the_rest() -> None:
    book = ROWS.projected(wanted("title")).record(("b1", "Faust"))

    assert (book.id, book.title, book.lent_to) == ("b1", "Faust", None)
    with pytest.raises(AttributeError):
        _ = book.price


def test_an_altered_record_lacks_what_the_first_one_lacks() -> None:
    book = ROWS.projected(wanted("title")).record(("b1", "Faust"))

    other = altered(book, title="Stella", room="attic")

    assert (other.id, other.title, book.title) == ("b1", "Stella", "Faust")
    with pytest.raises(AttributeError):
        _ = other.room  # it was not read, so it is not set either


@pytest.mark.parametrize(
    ("names", "columns", "joins"),
    [
        ((), ["id"], False),
        (("title",), ["id", "title"], False),
        (("price",), ["id", "cents", "currency"], False),
        (("room",), ["id", "room"], True),
        (("lent_to",), ["id"], False),
    ],
)
def test_columns_and_joins_that_nothing_needs_are_left_out(
    names: tuple[str, ...], columns: list[str], joins: bool
) -> None:
    projection = ROWS.projected(wanted(*names))

    assert shown(projection.select) == columns
    assert ("JOIN shelves" in text(projection.select)) is joins
    assert ("JOIN shelves" in text(projection.with_keys)) is joins


def test_a_join_stays_that_a_condition_or_the_order_needs() -> None:
    by_room = Listing("books", ROWS, _shelf.number == 1, source=WITH_SHELF, wanted=wanted("title"))
    sorted_by_room = Listing(
        "books", ROWS, owner=_book.shelf_id, order=(_shelf.room, _book.id), source=WITH_SHELF, wanted=wanted("title")
    )

    assert "JOIN shelves" in text(by_room.page("sqlite"))
    assert "JOIN shelves" in text(by_room.count("sqlite"))
    assert "JOIN shelves" in text(sorted_by_room.page("sqlite"))
    assert "JOIN shelves" not in text(sorted_by_room.count("sqlite"))  # nobody who counts asks in which order
    assert joined(WITH_SHELF, _book.title) is BOOKS


def test_the_first_of_each_joins_what_its_order_needs() -> None:
    projection = ROWS.projected(wanted("title"))

    plain = text(first_of_each(projection, [_book.shelf_id], [_book.id]))
    by_number = text(first_of_each(projection, [_book.shelf_id], [_shelf.number, _book.id]))

    assert "JOIN shelves" not in plain
    assert "JOIN shelves" in by_number


async def test_what_is_kept_of_selections_has_a_bound(database_kind: DatabaseKind) -> None:
    names = ("shelf_id", "title", "price", "room", *(f"unknown_{number}" for number in range(6)))
    choices = [wanted(*some) for size in range(len(names)) for some in combinations(names, size)]
    async with fresh_database(database_kind) as url:
        engine = open_database(url)
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        reader = ListReader(engine, "test")
        for one in choices:
            assert await reader.records(ROWS, ["b1"], one) == [None]
        await engine.dispose()

    assert len(choices) > MOST_PROJECTIONS
    assert ROWS.projected.cache_info().currsize == MOST_PROJECTIONS
    assert reader._query.cache_info().maxsize == _MOST_QUERIES
