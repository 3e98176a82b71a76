"""What waits for a decision, and what did: one by its id, each owner's in pages, where it stands."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from types import GenericAlias
from typing import Any, TypeVar

from connectors.directory.approvals import Kind
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.registrations import RegistrationRecord
from connectors.directory.records.requests import RequestStatus
from connectors.pages import ALL, Page, Slice
from connectors.wanted import EVERYTHING, READS, Wanted, reads
from permissions.policy import Role
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.pagination import Listing, paged

R = TypeVar("R", AccessRequestRecord, JoinRequestRecord, ChangeRequestRecord, InvitationRecord, RegistrationRecord)
T = TypeVar("T")
Waiting = AccessRequestRecord | JoinRequestRecord | ChangeRequestRecord | InvitationRecord | RegistrationRecord


@reads(AccessRequestRecord, lambda waiting: (waiting.status, waiting.expires_at))
def status_of(context: RequestContext, waiting: Waiting) -> StrEnum:
    """Return where it stands now: past its time, what nobody decided has expired."""
    return waiting.status_at(context.now)


@reads(AccessRequestRecord, lambda waiting: waiting.role_keys)
def roles_of(
    context: RequestContext, waiting: AccessRequestRecord | InvitationRecord | RegistrationRecord
) -> list[Role]:
    """Return the roles that it would give, as far as this portal (still) has them."""
    return [context.policy.roles[key] for key in waiting.role_keys if key in context.policy.roles]


@reads(AccessRequestRecord, lambda waiting: waiting.permissions)
def permissions_of(_context: RequestContext, waiting: AccessRequestRecord | InvitationRecord) -> list[Permission]:
    """Return the direct permissions that it would give, as far as they (still) exist."""
    return [Permission(code) for code in waiting.permissions if code in Permission.__members__]


async def open_of(context: RequestContext, change: DirectoryChange, kind: Kind[R], owner: str, id: str) -> Sequence[R]:
    """Return all of a kind that waits for a decision of this owner, oldest first."""
    status, now = [RequestStatus.PENDING], context.now
    pages: Sequence[Page[R]] = await change.ask.approvals_of(kind, owner, [id], Slice(ALL), status=status, now=now)
    return pages[0].items[::-1]


def pages_of(kind: Kind[Any], owner: str) -> Callable[..., Awaitable[Sequence[Listing]]]:
    """Return the function of a field that lists a kind of each owner's, newest first.

    `owner` is where one of the kind names the owner, such as `organization_id`.
    """

    async def pages(
        context: RequestContext,
        owners: Sequence[Any],
        *,
        page: Slice,
        status: Sequence[StrEnum] | None = None,
        wanted: Wanted[Any] = EVERYTHING,
    ) -> Sequence[Listing]:
        where, ids = tuple(sorted(set(status))) if status is not None else None, [one.id for one in owners]

        async def read(asked: Slice) -> Sequence[Page[Any]]:
            directory = context.backends.directory
            return await directory.approvals_of(kind, owner, ids, asked, status=where, now=context.now, wanted=wanted)

        found = await paged(page, (kind.name, owner, where), read)
        return [Listing(one, id, (kind, owner, where), _count_of) for id, one in zip(ids, found, strict=True)]

    setattr(pages, READS, Wanted(frozenset({"id"})))
    return _annotated(pages, kind)


def pages_of_all(kind: Kind[Any], *undecided: StrEnum) -> Callable[..., Awaitable[Listing]]:
    """Return the function of a field that lists all of a kind, for the vendor's staff.

    Where it is not said how they stand, those that stand as `undecided`; without these, however they stand.
    """

    async def pages(
        context: RequestContext,
        *,
        page: Slice,
        status: Sequence[StrEnum] | None = None,
        wanted: Wanted[Any] = EVERYTHING,
    ) -> Listing:
        where = tuple(sorted(set(status))) if status is not None else undecided or None

        async def read(asked: Slice) -> Sequence[Page[Any]]:
            return [await context.backends.directory.all_approvals(kind, asked, status=where, wanted=wanted)]

        (found,) = await paged(page, (kind.name, where), read)
        return Listing(found, "", (kind, where), _count_all)

    return _annotated(pages, kind)


def _annotated(pages: Callable[..., T], kind: Kind[Any]) -> Callable[..., T]:
    """Return the function of a field with the types of the kind: of an argument, and of the records it is handed."""
    pages.__annotations__["status"] = GenericAlias(Sequence, kind.statuses) | None
    pages.__annotations__["wanted"] = GenericAlias(Wanted, kind.rows.type)
    return pages


async def _count_of(context: RequestContext, owners: Sequence[str], where: Any) -> Sequence[int]:
    kind, owner, status = where
    return await context.backends.directory.count_approvals_of(kind, owner, owners, status, context.now)


async def _count_all(context: RequestContext, owners: Sequence[str], where: Any) -> Sequence[int]:
    return [await context.backends.directory.count_all_approvals(*where)] * len(owners)
