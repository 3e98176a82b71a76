"""What waits for a decision, and what did: one by its id, each owner's in pages, where it stands."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from connectors.directory.approvals import Kind
from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.registrations import RegistrationRecord
from connectors.directory.records.requests import RequestStatus
from connectors.pages import Page
from permissions.policy import Role
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.pagination import Listing, check_page, paged

R = TypeVar("R", AccessRequestRecord, JoinRequestRecord, ChangeRequestRecord, InvitationRecord, RegistrationRecord)
Waiting = AccessRequestRecord | JoinRequestRecord | ChangeRequestRecord | InvitationRecord | RegistrationRecord


def status_of(context: RequestContext, waiting: Waiting) -> StrEnum:
    """Return where it stands now: past its time, what nobody decided has expired."""
    return waiting.status_at(context.now)


def roles_of(
    context: RequestContext, waiting: AccessRequestRecord | InvitationRecord | RegistrationRecord
) -> list[Role]:
    """Return the roles that it would give, as far as this portal (still) has them."""
    return [context.policy.roles[key] for key in waiting.role_keys if key in context.policy.roles]


def permissions_of(_context: RequestContext, waiting: AccessRequestRecord | InvitationRecord) -> list[Permission]:
    """Return the direct permissions that it would give, as far as they (still) exist."""
    return [Permission(code) for code in waiting.permissions if code in Permission.__members__]


async def open_of(
    context: RequestContext, ask: DirectoryQueries, kind: Kind[R], owner: str, id: str, *, most: int
) -> Sequence[R]:
    """Return what waits for a decision of this owner, oldest first, `most` at most."""
    pending = [RequestStatus.PENDING]
    pages: Sequence[Page[R]] = await ask.approvals_of(kind, owner, [id], first=most, status=pending, now=context.now)
    return pages[0].items[::-1]


async def listed(
    context: RequestContext,
    kind: Kind[Any],
    owner: str,
    ids: Sequence[str],
    first: int,
    after: str | None,
    status: Sequence[StrEnum] | None,
) -> Sequence[Listing]:
    """Return a page of each owner's, newest first; `owner` is the field that says whose one is.

    Raises:
        InvalidArgument: It cannot be a page.
    """
    check_page(first, after)
    where = tuple(status) if status is not None else None
    directory, now = context.backends.directory, context.now
    pages = await paged(directory.approvals_of(kind, owner, ids, first=first, after=after, status=where, now=now))
    return [Listing(page, id, (kind, owner, where), _count_of) for id, page in zip(ids, pages, strict=True)]


async def listed_in_all(
    context: RequestContext, kind: Kind[Any], first: int, after: str | None, status: Sequence[StrEnum] | None
) -> Listing:
    """Return a page of all of a kind, whosever they are, for the vendor's staff.

    Raises:
        InvalidArgument: It cannot be a page.
    """
    check_page(first, after)
    where = tuple(status) if status is not None else None

    async def pages() -> Sequence[Any]:
        return [await context.backends.directory.all_approvals(kind, first=first, after=after, status=where)]

    (page,) = await paged(pages())
    return Listing(page, "", (kind, where), _count_all)


async def _count_of(context: RequestContext, owners: Sequence[str], where: Any) -> Sequence[int]:
    kind, owner, status = where
    return await context.backends.directory.count_approvals_of(kind, owner, owners, status, context.now)


async def _count_all(context: RequestContext, owners: Sequence[str], where: Any) -> Sequence[int]:
    return [await context.backends.directory.count_all_approvals(*where)] * len(owners)
