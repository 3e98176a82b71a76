"""What waits for a decision: requests for access, to join and for changes, invitations, registrations.

Each kind has a table of its own, with an `id`, a `status` and mostly an `expires_at`, and what else it needs; all that
follows from these three stands here once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, Table, Update, bindparam, case, func, insert, select, update

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.columns import Columns
from connectors.directory.lists import first_of_each
from connectors.directory.reader import DirectoryReader
from connectors.directory.transaction import Transaction
from connectors.pages import Page, cursor, position


class Waiting(Protocol):
    """What waits, or did."""

    @property
    def id(self) -> Any: ...


W = TypeVar("W", bound=Waiting)

NOW = bindparam("now", type_=UtcDateTime)


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[W]):
    """A kind of what waits: where it is kept, and between which states it goes when nobody decides in time.

    `expires` is the status that waits and the one that it becomes, None for what never expires. `where` restricts the
    list of all of them; `joined` holds the columns together that stand in other tables.
    """

    listing: str
    table: Table
    columns: Columns[W]
    statuses: type[StrEnum]
    expires: tuple[StrEnum, StrEnum] | None = None
    joined: tuple[ColumnElement[bool], ...] = ()
    where: tuple[ColumnElement[bool], ...] = ()
    newest_first: bool = True

    def select(self, *where: ColumnElement[bool]) -> Select[Any]:
        """Return the statement that reads those to which this applies."""
        return select(*self.columns.all).where(*self.joined, *where)

    @property
    def is_open(self) -> ColumnElement[bool]:
        """Say that one is stored as waiting, be it past its time."""
        waiting = self.expires[0].value if self.expires is not None else "PENDING"
        return self.table.c.status == waiting

    @property
    def is_expired(self) -> ColumnElement[bool]:
        """Say that one is stored as waiting, and past its time at `now`."""
        return self.is_open & (self.table.c.expires_at <= NOW)

    @property
    def status(self) -> ColumnElement[str]:
        """Where one stands at `now`."""
        stored = self.table.c.status
        return case((self.is_expired, self.expires[1].value), else_=stored) if self.expires is not None else stored


@cache
def _with_ids(kind: Kind[Any]) -> Select[Any]:
    return kind.select(one_of(kind.table.c.id, "ids"))


@cache
def _page_of(kind: Kind[Any], owner: str, after: bool) -> Select[Any]:
    column, id = kind.table.c[owner], kind.table.c.id
    later = [id < bindparam("after_id", type_=IdText)] if after else []
    where = (one_of(column, "ids"), one_of(kind.status, "statuses"), *kind.joined, *later)
    return first_of_each(kind.columns.all, [column], [id.desc()], *where)


@cache
def _count_of(kind: Kind[Any], owner: str) -> Select[Any]:
    column = kind.table.c[owner]
    return select(column, func.count()).where(one_of(column, "ids"), one_of(kind.status, "statuses")).group_by(column)


@cache
def _page(kind: Kind[Any], after: bool) -> Select[Any]:
    id, after_id = kind.table.c.id, bindparam("after_id", type_=IdText)
    found = kind.select(one_of(kind.table.c.status, "statuses"), *kind.where)
    if after:
        found = found.where(id < after_id if kind.newest_first else id > after_id)
    return found.order_by(id.desc() if kind.newest_first else id).limit(bindparam("limit"))


@cache
def _count(kind: Kind[Any]) -> Select[Any]:
    return select(func.count()).select_from(kind.table).where(one_of(kind.table.c.status, "statuses"), *kind.where)


@cache
def _expired(kind: Kind[Any]) -> Select[Any]:
    return kind.select(kind.is_expired).order_by(kind.table.c.expires_at).limit(bindparam("limit"))


@cache
def _expire(kind: Kind[Any], owner: str) -> Update:
    assert kind.expires is not None
    of_owner = kind.table.c[owner] == bindparam("of_owner")
    return update(kind.table).where(of_owner, kind.is_expired).values(status=kind.expires[1].value)


@cache
def _close(kind: Kind[Any]) -> Update:
    return update(kind.table).where(kind.table.c.id == bindparam("of_id"), kind.is_open)


class ApprovalQueries(DirectoryReader):
    """Queries about what waits for a decision; `status` is where it stands, None for any."""

    async def approvals(self, kind: Kind[W], ids: Sequence[str]) -> Sequence[W | None]:
        """Return those with these ids."""
        return parallel(ids, {row[0]: kind.columns.record(row) for row in await self.read_of(ids, _with_ids(kind))})

    async def approvals_of(
        self,
        kind: Kind[W],
        owner: str,
        owners: Sequence[str],
        *,
        first: int,
        after: str | None = None,
        status: Sequence[StrEnum] | None = None,
        now: datetime,
    ) -> Sequence[Page[W]]:
        """Return each owner's, newest first; `owner` is the column that says whose one is, such as `user_id`.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        listing = f"{kind.listing} {owner}"
        asked = _bounds(kind, listing, first, after, status)
        rows = await self.read_of(owners, _page_of(kind, owner, after is not None), now=now, **asked)
        found = map(kind.columns.record, rows)
        entries = gathered(owners, ((getattr(entry, owner), entry) for entry in found))
        return [_as_page(listing, own, first, after) for own in entries]

    async def count_approvals_of(
        self, kind: Kind[Any], owner: str, owners: Sequence[str], status: Sequence[StrEnum] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `approvals_of` has for each owner in all."""
        asked = {"statuses": status if status is not None else tuple(kind.statuses), "now": now}
        found = {row[0]: row[1] for row in await self.read_of(owners, _count_of(kind, owner), **asked)}
        return [found.get(id, 0) for id in owners]

    async def all_approvals(
        self, kind: Kind[W], *, first: int, after: str | None, status: Sequence[StrEnum] | None
    ) -> Page[W]:
        """Return those of the kind that are stored like this, whosever they are.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        rows = await self.read(_page(kind, after is not None), **_bounds(kind, kind.listing, first, after, status))
        return _as_page(kind.listing, [kind.columns.record(row) for row in rows], first, after)

    async def count_all_approvals(self, kind: Kind[Any], status: Sequence[StrEnum] | None) -> int:
        """Return how many entries `all_approvals` has in all."""
        statuses = status if status is not None else tuple(kind.statuses)
        return int((await self.read(_count(kind), statuses=statuses))[0][0])

    async def expired_approvals(self, kind: Kind[W], now: datetime, *, limit: int) -> Sequence[W]:
        """Return what is stored as waiting and past its time, what has been so for longest first."""
        return [kind.columns.record(row) for row in await self.read(_expired(kind), now=now, limit=limit)]


class ApprovalChanges(Transaction):
    """Changes of what waits for a decision."""

    async def add_approval(self, kind: Kind[W], new: W, **secret: Any) -> None:
        """Store what waits from now on, with what its record does not show.

        Raises:
            ChangeConflict: The same waits already.
        """
        await self._execute(insert(kind.table), kind.columns.row(new) | secret)

    async def close_approval(self, kind: Kind[Any], id: str, status: StrEnum, **values: Any) -> None:
        """Store that what is stored as waiting does not wait any more, with these values of its record.

        Raises:
            ChangeConflict: It does not wait (any more).
        """
        closed = _close(kind).values(status=status.value, **values)
        if not (await self._execute(closed, {"of_id": id})).rowcount:
            raise ChangeConflict("Somebody else decided meanwhile.")

    async def expire_approvals_of(self, kind: Kind[Any], owner: str, id: str, now: datetime) -> None:
        """Store as expired what is past its time of this owner, so that the same may wait once more."""
        await self._execute(_expire(kind, owner), {"of_owner": id, "now": now})


def _bounds(
    kind: Kind[Any], listing: str, first: int, after: str | None, status: Sequence[StrEnum] | None
) -> dict[str, Any]:
    if first < 0:
        raise ValueError(f"first is {first}; a page has no negative length.")
    beginning = {"after_id": position(listing, after, 1)[0]} if after is not None else {}
    return {"limit": first + 1, "statuses": status if status is not None else tuple(kind.statuses), **beginning}


def _as_page(listing: str, found: Sequence[W], first: int, after: str | None) -> Page[W]:
    return Page(found[:first], len(found) > first, after is not None, lambda entry: cursor(listing, entry.id))
