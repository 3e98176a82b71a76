"""What becomes of what waits for a decision: found under its organization's lock, ended, put on record."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from connectors.directory.approvals import (
    ACCESS_REQUESTS,
    CHANGE_REQUESTS,
    INVITATIONS,
    JOIN_REQUESTS,
    REGISTRATIONS,
    Kind,
)
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.requests import RequestStatus
from permissions.access_rules import AccessRule
from permissions.viewer import Viewer
from resolvers.approvals.lists import R
from resolvers.context import RequestContext
from resolvers.refusals import Conflict, NotFound, What
from resolvers.texts import Text
from resolvers.transactions import Once, Receipt, acting_in, changed_once

Q = TypeVar("Q", AccessRequestRecord, JoinRequestRecord, ChangeRequestRecord)

WHAT: Mapping[Kind[Any], What] = {
    ACCESS_REQUESTS: "access request",
    JOIN_REQUESTS: "join request",
    CHANGE_REQUESTS: "change request",
    INVITATIONS: "invitation",
    REGISTRATIONS: "registration",
}
"""What people call one of each kind."""

_TOO_LATE: Mapping[RequestStatus, Text] = {
    RequestStatus.APPROVED: Text("This request has already been approved. Please reload it."),
    RequestStatus.DECLINED: Text("This request has already been declined. Please reload it."),
    RequestStatus.WITHDRAWN: Text("This request has been withdrawn. Please reload it."),
    RequestStatus.EXPIRED: Text("This request has expired. Please reload it."),
}
"""How a decision about a request that does not wait any more is refused, by how it ended."""

_ACTIONS = {
    (ACCESS_REQUESTS, RequestStatus.APPROVED): "access_request.approve",
    (ACCESS_REQUESTS, RequestStatus.DECLINED): "access_request.decline",
    (ACCESS_REQUESTS, RequestStatus.WITHDRAWN): "access_request.withdraw",
    (JOIN_REQUESTS, RequestStatus.APPROVED): "join_request.approve",
    (JOIN_REQUESTS, RequestStatus.DECLINED): "join_request.decline",
    (JOIN_REQUESTS, RequestStatus.WITHDRAWN): "join_request.withdraw",
    (CHANGE_REQUESTS, RequestStatus.APPROVED): "change_request.approve",
    (CHANGE_REQUESTS, RequestStatus.DECLINED): "change_request.decline",
    (CHANGE_REQUESTS, RequestStatus.WITHDRAWN): "change_request.withdraw",
    (INVITATIONS, InvitationStatus.ACCEPTED): "invitation.accept",
    (INVITATIONS, InvitationStatus.EXPIRED): "invitation.expire",
}


async def decided(
    context: RequestContext, kind: Kind[R], once: Once, command: Callable[[DirectoryChange], Awaitable[Receipt]]
) -> R:
    """Carry out a command that answers an id, once for each key, and return what has this id as it is then."""
    receipt = await changed_once(context, once, command)
    # Some of those that were stored before this release are objects.
    return await as_it_is(context, kind, receipt["id"] if isinstance(receipt, dict) else receipt)


async def as_it_is(context: RequestContext, kind: Kind[R], id: str) -> R:
    """Return what is known to be there."""
    (found,) = await context.backends.directory.approvals(kind, [id])
    assert found is not None  # nothing that ever waited is deleted
    return found


async def locked(change: DirectoryChange, kind: Kind[R], id: str) -> tuple[R, OrganizationRecord]:
    """Lock the organization of what waits, and return both as they are then.

    Raises:
        NotFound: There is no such thing, or it concerns no organization.
    """
    (seen,) = await change.ask.approvals(kind, [id])
    organization_id = seen.organization_id if seen is not None else None
    organization = await change.lock_organization(organization_id) if organization_id is not None else None
    if organization is None:
        raise NotFound(WHAT[kind], ["id"])
    (found,) = await change.ask.approvals(kind, [id])
    assert found is not None  # nothing that ever waited is deleted
    return found, organization


async def acting_on(
    context: RequestContext, change: DirectoryChange, kind: Kind[R], id: str, rule: AccessRule
) -> tuple[R, OrganizationRecord, Viewer]:
    """Lock the organization of what waits, and return both with the caller, who holds what the rule asks for there.

    Raises:
        NotFound: There is no such thing, or it concerns no organization.
        Forbidden: The caller does not hold it any more.
    """
    (seen,) = await change.ask.approvals(kind, [id])
    if seen is None or seen.organization_id is None:
        raise NotFound(WHAT[kind], ["id"])
    organization, viewer = await acting_in(context, change, seen.organization_id, rule)
    (found,) = await change.ask.approvals(kind, [id])
    assert found is not None  # nothing that ever waited is deleted
    return found, organization, viewer


def is_open(context: RequestContext, request: AccessRequestRecord | JoinRequestRecord | ChangeRequestRecord) -> bool:
    """Return whether the request waits for a decision."""
    return request.status_at(context.now) is RequestStatus.PENDING


def check_open(context: RequestContext, request: AccessRequestRecord | JoinRequestRecord | ChangeRequestRecord) -> None:
    """Return when the request waits for a decision.

    Raises:
        Conflict: It was decided or withdrawn, or has expired.
    """
    if not is_open(context, request):
        raise Conflict(_TOO_LATE[request.status_at(context.now)], ["id"], node=request)


async def end(
    context: RequestContext,
    change: DirectoryChange,
    kind: Kind[R],
    waiting: R,
    status: StrEnum,
    by: Author,
    *,
    shown: Mapping[str, str | None] | None = None,
    is_hidden: bool = False,
    **values: Any,
) -> R:
    """Store that what waits has ended like this, with these values, and return it as it is then.

    The audit log has it with `shown` beside the status; when it `is_hidden`, not the one of the organization.
    """
    await change.close_approval(kind, waiting.id, status, **values)
    entry = by.entry(
        _ACTIONS[kind, status],
        waiting.id,
        None if is_hidden else waiting.organization_id,
        before={"status": waiting.status.value},
        after={"status": status.value, **(shown or {})},
    )
    await change.record(entry, context.now)
    return replace(waiting, **{"status": status, **values})


def decision(context: RequestContext, by: Author, note: str | None = None) -> dict[str, Any]:
    """Return what is stored of whoever decides now."""
    return {"decided_at": context.now, "decided_by_id": by.user_id, "note": note}
