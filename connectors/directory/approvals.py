"""What waits for a decision: requests for access, to join and for changes, invitations, registrations.

Each kind has a table of its own, with an `id`, a `status` and mostly an `expires_at`, and what else it needs; all that
follows from these three stands here once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Update, bindparam, case, insert, update

from connectors.database.dialects import likely, one_of
from connectors.database.lists import Each, Listing
from connectors.database.record_rows import MOST_PROJECTIONS, Rows
from connectors.database.sql_errors import ChangeConflict
from connectors.directory import rows
from connectors.directory.reader import NOW, DirectoryReader, chosen
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.directory.records.requests import RequestStatus
from connectors.directory.transaction import Transaction
from connectors.pages import Page, Slice
from connectors.wanted import EVERYTHING, Wanted

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[R]):
    """A kind of what waits for a decision: where it is kept, and how it can stand.

    What is `open` and past its time is EXPIRED, be it stored so or not yet; change requests have no such time. The list
    of all of a kind has those for which `listed` holds.
    """

    name: str
    rows: Rows[R]
    statuses: type[StrEnum]
    open: StrEnum = RequestStatus.PENDING
    expires: bool = True
    listed: tuple[ColumnElement[bool], ...] = ()
    oldest_first: bool = False

    @property
    def is_open(self) -> ColumnElement[bool]:
        """Say that one is stored as open, be it past its time."""
        return self.rows.table.c.status == self.open.value

    @property
    def is_expired(self) -> ColumnElement[bool]:
        """Say that one is stored as open, and past its time at `now`."""
        return self.is_open & (self.rows.table.c.expires_at <= NOW)

    @property
    def status(self) -> ColumnElement[str]:
        """Where one stands at `now`."""
        stored = self.rows.table.c.status
        return case((self.is_expired, "EXPIRED"), else_=stored) if self.expires else stored


_registration = rows.REGISTRATIONS.table.c

ACCESS_REQUESTS: Kind[AccessRequestRecord] = Kind("access requests", rows.ACCESS_REQUESTS, RequestStatus)
JOIN_REQUESTS: Kind[JoinRequestRecord] = Kind("join requests", rows.JOIN_REQUESTS, RequestStatus)
CHANGE_REQUESTS: Kind[ChangeRequestRecord] = Kind("change requests", rows.CHANGE_REQUESTS, RequestStatus, expires=False)
INVITATIONS: Kind[InvitationRecord] = Kind("invitations", rows.INVITATIONS, InvitationStatus, InvitationStatus.PENDING)
REGISTRATIONS: Kind[RegistrationRecord] = Kind(
    "registrations",
    rows.REGISTRATIONS,
    RegistrationStatus,
    RegistrationStatus.EMAIL_UNVERIFIED,
    listed=(_registration.submitted_at.is_not(None), _registration.organization_kind.is_not(None)),
    oldest_first=True,
)


@lru_cache(MOST_PROJECTIONS)
def _of(kind: Kind[R], owner: str, wanted: Wanted[R] = EVERYTHING) -> Listing[R]:
    column = kind.rows.table.c[owner]
    return Listing(
        f"{kind.name} {owner}",
        kind.rows,
        *([likely(one_of(kind.status, "statuses"))] if kind.expires else []),
        owner=column,
        each=Each(kind.rows.table.c.status, "stored"),
        wanted=wanted,
    )


def _standing(kind: Kind[Any], status: Sequence[StrEnum] | None) -> dict[str, Any]:
    """Return how those that are asked for stand at `now`, and how they are stored, which an index knows."""
    statuses = chosen(status, kind.statuses)
    may_be_open = [kind.open] if kind.expires and "EXPIRED" in statuses else []
    return {"statuses": statuses, "stored": list(dict.fromkeys([*statuses, *may_be_open]))}


@lru_cache(MOST_PROJECTIONS)
def _all(kind: Kind[R], wanted: Wanted[R] = EVERYTHING) -> Listing[R]:
    in_status = one_of(kind.rows.table.c.status, "statuses")
    return Listing(kind.name, kind.rows, in_status, *kind.listed, ascending=kind.oldest_first, wanted=wanted)


@cache
def _expired(kind: Kind[Any]) -> Select[Any]:
    expires_at = kind.rows.table.c.expires_at
    return kind.rows.select.where(kind.is_expired).order_by(expires_at).limit(bindparam("limit"))


@cache
def _expire(kind: Kind[Any], owner: str) -> Update:
    of_owner = kind.rows.table.c[owner] == bindparam("of_owner")
    return update(kind.rows.table).where(of_owner, kind.is_expired).values(status="EXPIRED")


@cache
def _close(kind: Kind[Any]) -> Update:
    return update(kind.rows.table).where(kind.rows.table.c.id == bindparam("of_id"), kind.is_open)


class ApprovalQueries(DirectoryReader):
    """Queries about what waits for a decision; `status` is where it stands, None for any."""

    async def approvals(self, kind: Kind[R], ids: Sequence[str]) -> Sequence[R | None]:
        """Return those with these ids."""
        return await self.records(kind.rows, ids)

    async def approvals_of(
        self,
        kind: Kind[R],
        owner: str,
        owners: Sequence[str],
        page: Slice,
        *,
        status: Sequence[StrEnum] | None = None,
        now: datetime,
        wanted: Wanted[R] = EVERYTHING,
    ) -> Sequence[Page[R]]:
        """Return each owner's, newest first; `owner` is the column that says whose one is, such as `user_id`.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        return await self.pages(_of(kind, owner, wanted), owners, page, **_standing(kind, status), now=now)

    async def count_approvals_of(
        self, kind: Kind[Any], owner: str, owners: Sequence[str], status: Sequence[StrEnum] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `approvals_of` has for each owner in all."""
        return await self.counts(_of(kind, owner), owners, **_standing(kind, status), now=now)

    async def all_approvals(
        self, kind: Kind[R], page: Slice, *, status: Sequence[StrEnum] | None, wanted: Wanted[R] = EVERYTHING
    ) -> Page[R]:
        """Return those of the kind that are stored like this, whosever they are.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        return await self.page(_all(kind, wanted), page, statuses=chosen(status, kind.statuses))

    async def count_all_approvals(self, kind: Kind[Any], status: Sequence[StrEnum] | None) -> int:
        """Return how many entries `all_approvals` has in all."""
        return await self.count(_all(kind), statuses=chosen(status, kind.statuses))

    async def expired_approvals(self, kind: Kind[R], now: datetime, *, limit: int) -> Sequence[R]:
        """Return what is stored as open and past its time, what has been so for longest first."""
        return kind.rows.records(await self.read(_expired(kind), now=now, limit=limit))


class ApprovalChanges(Transaction):
    """Changes of what waits for a decision."""

    async def add_approval(self, kind: Kind[R], new: R, **secret: Any) -> None:
        """Store what waits from now on, with what its record does not show.

        Raises:
            ChangeConflict: The same waits already.
        """
        await self._execute(insert(kind.rows.table), kind.rows.row(new) | secret)

    async def close_approval(self, kind: Kind[Any], id: str, status: StrEnum, **values: Any) -> None:
        """Store that what is stored as open has ended like this, with these values of its record.

        Raises:
            ChangeConflict: It is not open (any more).
        """
        closed = _close(kind).values(status=status.value, **values)
        if not (await self._execute(closed, {"of_id": id})).rowcount:
            raise ChangeConflict("Somebody else decided meanwhile.")

    async def expire_approvals_of(self, kind: Kind[Any], owner: str, id: str, now: datetime) -> None:
        """Store as expired what is past its time of this owner, so that the same may wait once more."""
        await self._execute(_expire(kind, owner), {"of_owner": id, "now": now})
