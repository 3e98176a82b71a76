"""Requests for access: roles and direct permissions that members ask for."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import Select, bindparam, case, func, insert, select, update

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import access_requests, memberships
from connectors.directory.transaction import Transaction
from connectors.ids import AccessRequestId, MembershipId, OrganizationId
from connectors.pages import Page, cursor, position

T = TypeVar("T", bound=str)
_r = access_requests.c
_COLUMNS = (
    _r.id, _r.membership_id, _r.organization_id, memberships.c.user_id, _r.role_keys, _r.permissions, _r.message,
    _r.status, _r.created_at, _r.expires_at, _r.decided_at, _r.decided_by_id, _r.note, _r.valid_until,
)  # fmt: skip
_WITH_MEMBERSHIP = access_requests.join(memberships, memberships.c.id == _r.membership_id)
_REQUESTS = select(*_COLUMNS).select_from(_WITH_MEMBERSHIP)
_NOW = bindparam("now", type_=UtcDateTime)
_PENDING = RequestStatus.PENDING.value
_STATUS = case(((_r.status == _PENDING) & (_r.expires_at <= _NOW), RequestStatus.EXPIRED.value), else_=_r.status)
_ANY = tuple(RequestStatus)
_WITH_IDS = _REQUESTS.where(one_of(_r.id, "ids"))
_OPEN = _REQUESTS.where(one_of(_r.membership_id, "ids"), _r.status == _PENDING, _r.expires_at > _NOW).order_by(_r.id)
_EXPIRE = (
    update(access_requests)
    .where(_r.membership_id == bindparam("of_membership"), _r.status == _PENDING, _r.expires_at <= _NOW)
    .values(status=RequestStatus.EXPIRED.value)
)
_END = (
    update(access_requests)
    .where(_r.id == bindparam("request_id"), _r.status == _PENDING)
    .values(
        status=bindparam("new_status"),
        decided_at=bindparam("now"),
        decided_by_id=bindparam("by"),
        note=bindparam("new_note"),
        valid_until=bindparam("until"),
    )
)


@cache
def _page(owner_name: str, with_after: bool) -> Select[Any]:
    owner = _r[owner_name]
    number = func.row_number().over(partition_by=owner, order_by=_r.id.desc()).label("number")
    ranked = _REQUESTS.add_columns(number).where(one_of(owner, "ids"), one_of(_STATUS, "statuses"))
    if with_after:
        ranked = ranked.where(_r.id < bindparam("after_id", type_=_r.id.type))
    numbered = ranked.subquery("numbered")
    entry = [column for column in numbered.c if column.key != "number"]
    return select(*entry).where(numbered.c.number <= bindparam("limit")).order_by(numbered.c.id.desc())


@cache
def _count(owner_name: str) -> Select[Any]:
    owner = _r[owner_name]
    return select(owner, func.count()).where(one_of(owner, "ids"), one_of(_STATUS, "statuses")).group_by(owner)


_ACTIONS = {
    RequestStatus.APPROVED: "access_request.approve",
    RequestStatus.DECLINED: "access_request.decline",
    RequestStatus.WITHDRAWN: "access_request.withdraw",
}


class AccessRequestQueries(DirectoryReader):
    """Queries about requests for access, newest first; `status` is where they stand at `now`, None for any."""

    async def access_requests(self, ids: Sequence[AccessRequestId]) -> Sequence[AccessRequestRecord | None]:
        """Return the requests with these ids."""
        return parallel(ids, {row[0]: _request(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def access_requests_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
        now: datetime,
    ) -> Sequence[Page[AccessRequestRecord]]:
        """Return what the members of each organization asked for.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        owner_of: Callable[[AccessRequestRecord], OrganizationId] = lambda entry: entry.organization_id  # noqa: E731
        return await self._request_pages(organization_ids, "organization_id", owner_of, first, after, status, now)

    async def count_access_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_of` has for each organization in all."""
        return await self._request_counts(organization_ids, "organization_id", status, now)

    async def access_requests_by(
        self,
        membership_ids: Sequence[MembershipId],
        *,
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
        now: datetime,
    ) -> Sequence[Page[AccessRequestRecord]]:
        """Return what each member asked for.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        owner_of: Callable[[AccessRequestRecord], MembershipId] = lambda entry: entry.membership_id  # noqa: E731
        return await self._request_pages(membership_ids, "membership_id", owner_of, first, after, status, now)

    async def count_access_requests_by(
        self, membership_ids: Sequence[MembershipId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_by` has for each member in all."""
        return await self._request_counts(membership_ids, "membership_id", status, now)

    async def open_access_requests(
        self, membership_ids: Sequence[MembershipId], now: datetime
    ) -> Sequence[Sequence[AccessRequestRecord]]:
        """Return each member's requests that are to be decided, oldest first."""
        found = map(_request, await self.read_of(membership_ids, _OPEN, now=now))
        return gathered(membership_ids, ((request.membership_id, request) for request in found))

    async def _request_pages(
        self,
        owners: Sequence[T],
        owner_name: str,
        owner_of: Callable[[AccessRequestRecord], T],
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
        now: datetime,
    ) -> list[Page[AccessRequestRecord]]:
        listing = f"access requests {owner_name}"
        bounds: dict[str, Any] = {"limit": first + 1, "statuses": status if status is not None else _ANY, "now": now}
        if after is not None:
            (bounds["after_id"],) = position(listing, after, 1)
        rows = await self.read_of(owners, _page(owner_name, after is not None), **bounds)
        entries = gathered(owners, ((owner_of(request), request) for request in map(_request, rows)))
        return [
            Page(found[:first], len(found) > first, after is not None, lambda entry: cursor(listing, entry.id))
            for found in entries
        ]

    async def _request_counts(
        self, owners: Sequence[str], owner_name: str, status: Sequence[RequestStatus] | None, now: datetime
    ) -> list[int]:
        statuses = status if status is not None else _ANY
        found = {row[0]: row[1] for row in await self.read_of(owners, _count(owner_name), statuses=statuses, now=now)}
        return [found.get(owner, 0) for owner in owners]


class AccessRequestChanges(Transaction):
    """Changes of requests for access, each with its audit row."""

    async def add_access_request(self, request: AccessRequestRecord, *, by: Author, now: datetime) -> None:
        """Store a new request; expired ones of the member make room for it.

        Raises:
            ChangeConflict: The member has an open one for the same meanwhile.
        """
        await self._execute(_EXPIRE, {"of_membership": request.membership_id, "now": now})
        await self._execute(insert(access_requests), _row(request))
        wanted = {"roles": " ".join(request.role_keys), "permissions": " ".join(request.permissions)}
        await self.record(by.entry("access_request.open", request.id, request.organization_id, after=wanted), now)

    async def end_access_request(
        self,
        id: AccessRequestId,
        status: RequestStatus,
        *,
        by: Author,
        now: datetime,
        note: str | None = None,
        until: datetime | None = None,
    ) -> AccessRequestRecord:
        """Say what came of a request that is pending, and return it as it is now; LookupError when it is not."""
        ended = {"request_id": id, "new_status": status.value, "now": now, "by": by.user_id}
        if not (await self._execute(_END, {**ended, "new_note": note, "until": until})).rowcount:
            raise LookupError(f"There is no pending access request {id}.")
        request = _request((await self._execute(_REQUESTS.where(_r.id == bindparam("of_id")), {"of_id": id})).one())
        await self.record(
            by.entry(
                _ACTIONS[status],
                id,
                request.organization_id,
                before={"status": _PENDING},
                after={"status": status.value, "until": until.isoformat() if until is not None else None},
            ),
            now,
        )
        return request


def _request(values: Sequence[Any]) -> AccessRequestRecord:
    id, membership, organization, user, roles, permissions, message, status, *rest = values
    return AccessRequestRecord(
        id, membership, organization, user, tuple(orjson.loads(roles)), tuple(orjson.loads(permissions)), message,
        RequestStatus(status), *rest,
    )  # fmt: skip


def _row(request: AccessRequestRecord) -> dict[str, Any]:
    return {
        "id": request.id,
        "membership_id": request.membership_id,
        "organization_id": request.organization_id,
        "role_keys": orjson.dumps(request.role_keys).decode(),
        "permissions": orjson.dumps(request.permissions).decode(),
        "wanted": "\n".join([*sorted(request.role_keys), "", *sorted(request.permissions)]),
        "message": request.message,
        "status": request.status.value,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "decided_at": request.decided_at,
        "decided_by_id": request.decided_by_id,
        "note": request.note,
        "valid_until": request.valid_until,
    }
