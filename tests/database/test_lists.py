"""Pages of lists: from either end, between cursors, while rows come and go; each says exactly what lies beside it."""

import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, Table, delete, insert

from connectors.database.columns import IdText, new_metadata
from connectors.database.engine import AsyncEngine, open_database
from connectors.database.lists import MOST_STATEMENTS, Listing, ListReader
from connectors.database.record_rows import Rows
from connectors.errors import InvalidCursor
from connectors.pages import Page, Slice, cursor
from connectors.quick import quick
from tests.examples import examples
from tests.servers import PATIENT, fresh_database

METADATA = new_metadata()
THINGS = Table(
    "things",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("owner", IdText, nullable=False),
    Column("rank", Integer, nullable=False),
)


@quick
@dataclass(frozen=True, slots=True)
class Thing:
    """A row of a list that is sorted by a rank, which many share."""

    id: str
    owner: str
    rank: int


ROWS = Rows(Thing, THINGS)
ORDER = (THINGS.c.rank, THINGS.c.id)
LISTS = {
    (owned, ascending): Listing(
        f"things {owned} {ascending}",
        ROWS,
        owner=THINGS.c.owner if owned else None,
        order=ORDER,
        ascending=ascending,
    )
    for owned in (True, False)
    for ascending in (True, False)
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    async with fresh_database(request.param) as url:
        opened = open_database(url, PATIENT)
        async with opened.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        yield opened
        await opened.dispose()


class Kept:
    """The rows of the table, and what the list of them has to be."""

    def __init__(self, engine: AsyncEngine, owned: bool, ascending: bool) -> None:
        self.engine, self.owned, self.ascending = engine, owned, ascending
        self.things: dict[str, Thing] = {}
        self.known: set[str] = set()

    async def begin(self, things: list[Thing]) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(delete(THINGS))
        self.things, self.known = {}, set()
        for thing in things:
            await self.add(thing)
        if self.owned:
            await self.add(Thing("of another", "other", 2))

    async def add(self, thing: Thing) -> None:
        if thing.id not in self.known:  # what has gone does not come back elsewhere
            self.known.add(thing.id)
            self.things[thing.id] = thing
            async with self.engine.begin() as connection:
                await connection.execute(insert(THINGS).values(ROWS.row(thing)))

    async def drop(self, id: str) -> None:
        self.things.pop(id, None)
        async with self.engine.begin() as connection:
            await connection.execute(delete(THINGS).where(THINGS.c.id == id))

    def whole(self) -> list[Thing]:
        own = [thing for thing in self.things.values() if thing.owner == "own"]
        return sorted(own, key=_key, reverse=not self.ascending)

    async def page(self, asked: Slice) -> Page[Thing]:
        reader, listing = ListReader(self.engine, "test"), LISTS[self.owned, self.ascending]
        if not self.owned:
            return await reader.page(listing, asked)
        page, none = await reader.pages(listing, ["own", "nobody"], asked)
        assert (list(none.items), none.has_next_page, none.has_previous_page) == ([], False, False)
        return page


def _key(thing: Thing) -> tuple[int, str]:
    return thing.rank, thing.id


THING = st.builds(Thing, st.sampled_from([f"t{number:02}" for number in range(30)]), st.just("own"), st.integers(0, 2))
STEP = st.tuples(st.booleans(), st.integers(0, 4), st.lists(st.one_of(THING, st.integers(0, 29)), max_size=2))


@pytest.mark.parametrize(("owned", "ascending"), LISTS)
@examples(100)
@given(things=st.lists(THING, max_size=12), steps=st.lists(STEP, max_size=14))
async def test_pages_from_both_ends_hold_each_row_once_while_others_come_and_go(
    engine: AsyncEngine,
    owned: bool,
    ascending: bool,
    things: list[Thing],
    steps: list[tuple[bool, int, list[Thing | int]]],
) -> None:
    kept = Kept(engine, owned, ascending)
    await kept.begin(things)
    always = {thing.id for thing in kept.whole()}
    front: list[Thing] = []
    back: list[Thing] = []
    after = before = None
    met = False
    for backward, size, changes in [*steps, *[(False, 5, [])] * 9]:
        page = await kept.page(Slice(size, after, before, backward))
        whole = kept.whole()
        between = [
            thing
            for thing in whole
            if (not front or _follows(ascending, front[-1], thing))
            and (not back or _follows(ascending, thing, back[0]))
        ]
        expected = between[-size:] if backward and size else between[:size]
        assert list(page.items) == expected
        if expected:
            assert page.has_previous_page is (whole[0] != expected[0])
            assert page.has_next_page is (whole[-1] != expected[-1])
        if backward:
            back = [*page.items, *back]
            before = page.cursor_of(page.items[0]) if page.items else before
        else:
            front += page.items
            after = page.cursor_of(page.items[-1]) if page.items else after
        met = len(expected) == len(between)
        if met:
            break
        for change in changes:
            if isinstance(change, Thing):
                await kept.add(change)
            else:
                id = f"t{change:02}"
                always.discard(id)
                await kept.drop(id)

    seen = [thing.id for thing in [*front, *back]]
    assert met
    assert len(seen) == len(set(seen))
    assert [id for id in seen if id in always] == [thing.id for thing in kept.whole() if thing.id in always]


def _follows(ascending: bool, one: Thing, other: Thing) -> bool:
    return _key(other) > _key(one) if ascending else _key(other) < _key(one)


@pytest.mark.parametrize(("owned", "ascending"), LISTS)
async def test_an_empty_page_says_what_lies_beside_it(engine: AsyncEngine, owned: bool, ascending: bool) -> None:
    kept = Kept(engine, owned, ascending)
    await kept.begin([Thing(f"t{number}", "own", 0) for number in range(3)])
    whole = await kept.page(Slice(9))
    first, middle, last = map(whole.cursor_of, whole.items)

    asked = {
        "none of the beginning": Slice(0),
        "none of the end": Slice(0, backward=True),
        "after the last": Slice(2, last),
        "before the first": Slice(2, before=first, backward=True),
        "none after the middle": Slice(0, middle),
        "between neighbours": Slice(2, first, middle),
    }
    found = {what: await kept.page(one) for what, one in asked.items()}

    assert all(not page.items for page in found.values())
    assert {what: (page.has_previous_page, page.has_next_page) for what, page in found.items()} == {
        "none of the beginning": (False, True),
        "none of the end": (True, False),
        "after the last": (True, False),
        "before the first": (False, True),
        "none after the middle": (True, True),
        "between neighbours": (True, True),
    }


async def test_what_was_before_a_cursor_and_is_gone_is_no_previous_page(engine: AsyncEngine) -> None:
    kept = Kept(engine, True, True)
    await kept.begin([Thing("t1", "own", 0), Thing("t2", "own", 0), Thing("t3", "own", 0)])
    whole = await kept.page(Slice(9))
    await kept.drop("t1")
    await kept.drop("t3")

    forward = await kept.page(Slice(5, whole.cursor_of(whole.items[0])))
    backward = await kept.page(Slice(5, before=whole.cursor_of(whole.items[2]), backward=True))

    for page in (forward, backward):
        assert ([thing.id for thing in page.items], page.has_previous_page, page.has_next_page) == (
            ["t2"],
            False,
            False,
        )


@pytest.mark.parametrize("broken", ["", "nonsense", "WyJ0aGluZ3MiXQ"])
async def test_what_is_no_cursor_of_the_list_is_refused_at_either_side(engine: AsyncEngine, broken: str) -> None:
    kept = Kept(engine, True, True)
    await kept.begin([])

    for asked in (Slice(1, broken), Slice(1, before=broken)):
        with pytest.raises(InvalidCursor):
            await kept.page(asked)


@pytest.mark.parametrize("rank", [-(2**63), -(2**31) - 1, 2**31, 2**62])
async def test_a_number_that_its_column_cannot_hold_is_no_position(engine: AsyncEngine, rank: int) -> None:
    kept = Kept(engine, True, True)
    await kept.begin([])
    forged = cursor("things True True", str(rank), "t1")

    for asked in (Slice(1, forged), Slice(1, before=forged)):
        with pytest.raises(InvalidCursor):
            await kept.page(asked)


def test_statements_of_lists_are_kept_up_to_a_bound_however_many_lists_and_slices_there_are() -> None:
    slices = [
        Slice(1, after, before, backward) for after in (None, "") for before in (None, "") for backward in (False, True)
    ]
    listings = [Listing("things", ROWS, owner=THINGS.c.owner, order=ORDER) for _ in range(MOST_STATEMENTS // 4)]

    made = [ref(listing.page("postgresql", asked)) for listing in listings for asked in slices]

    gc.collect()
    assert len(made) > MOST_STATEMENTS
    assert sum(statement() is not None for statement in made) <= MOST_STATEMENTS
    assert listings[-1].page("postgresql", slices[-1]) is made[-1]()
