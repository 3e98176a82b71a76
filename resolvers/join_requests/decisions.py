"""Deciding about requests to join an organization: let them in, turn them away, or they take it back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId, MembershipId, UserId, new_id
from permissions.access_rules import MANAGE_MEMBERS
from permissions.viewer import Standing
from permissions.vocabulary import Permission
from resolvers import validation as checks
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.join_requests.commands import is_open
from resolvers.mail.queue import Mail, queue_mail
from resolvers.refusals import Conflict, ErrorCode, Invalid, NotDelegable, NotFound
from resolvers.transactions import Once, acting_in, author, changed_once
from resolvers.validation import Together, together

MOST_MEMBERSHIPS = 1_000


@dataclass(frozen=True, slots=True)
class Joining:
    """What somebody gets who is let in: roles by key, direct permissions, and the name of the request."""

    role_keys: Sequence[str]
    permissions: Sequence[Permission]
    key: str | None = None


async def approve_join_request(context: RequestContext, id: JoinRequestId, joining: Joining) -> JoinRequestRecord:
    """Let the person in with these roles and rights, all at once; nobody gives what they may not.

    Raises:
        RefusedTogether: No role and no right, unknown ones, or ones that the caller may not give.
        Conflict: The request is not open any more, or the person belongs to the organization already.
        Forbidden: The caller manages no members there, any more.
    """

    async def approve(
        change: DirectoryChange, request: JoinRequestRecord, organization: OrganizationRecord, standing: Standing
    ) -> None:
        _check_given(context, standing, joining)
        membership_id = await _let_in(context, change, request, organization)
        by = author(context)
        for role_key in joining.role_keys:
            await recorded.give(change, membership_id, GrantKind.ROLE, role_key, until=None, by=by, now=context.now)
        for permission in joining.permissions:
            await recorded.give(
                change, membership_id, GrantKind.PERMISSION, permission, until=None, by=by, now=context.now
            )

    asked = [sorted(joining.role_keys), sorted(joining.permissions)]
    return await _decided(context, id, RequestStatus.APPROVED, approve, None, asked, joining.key)


async def decline_join_request(
    context: RequestContext, id: JoinRequestId, note: str | None, key: str | None
) -> JoinRequestRecord:
    """Turn the person away, with a note if there is something to say.

    Raises:
        Conflict: The request is not open any more.
        Forbidden: The caller manages no members there, any more.
    """
    said = checks.message(note, ["note"])

    async def decline(
        _change: DirectoryChange, _request: JoinRequestRecord, _organization: OrganizationRecord, _standing: Standing
    ) -> None:
        pass

    return await _decided(context, id, RequestStatus.DECLINED, decline, said, [said], key)


async def withdraw_join_request(context: RequestContext, id: JoinRequestId, key: str | None) -> JoinRequestRecord:
    """Take one's own request back.

    Raises:
        NotFound: There is no such request, or it is somebody else's.
        Conflict: It is not open any more.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def command(change: DirectoryChange) -> dict[str, str]:
        (request,) = await change.ask.join_requests([id])
        if request is None or request.user_id != caller.user.id:
            raise NotFound("request to join", ["id"])
        _check_open(context, request)
        status, by = RequestStatus.WITHDRAWN, caller.user.id
        await _close(context, change, request, status, by, None)
        return {"id": id}

    return await _changed(context, Once(key, "withdrawJoinRequest", id), command)


async def _decided(
    context: RequestContext,
    id: JoinRequestId,
    status: RequestStatus,
    command: Callable[[DirectoryChange, JoinRequestRecord, OrganizationRecord, Standing], Awaitable[None]],
    note: str | None,
    asked: Sequence[Any],
    key: str | None,
) -> JoinRequestRecord:
    """Close a request with this decision of somebody who manages members, and notify the person who asked."""

    async def decide(change: DirectoryChange) -> dict[str, str]:
        (seen,) = await change.ask.join_requests([id])
        if seen is None or seen.organization_id is None:
            raise NotFound("request to join", ["id"])
        organization, viewer = await acting_in(context, change, seen.organization_id, MANAGE_MEMBERS)
        (request,) = await change.ask.join_requests([id])
        assert request is not None  # requests are never deleted
        _check_open(context, request)
        await command(change, request, organization, viewer.standings[organization.id])
        await _close(context, change, request, status, UserId(viewer.user_id), note)
        (person,) = await change.ask.users([request.user_id])
        if person is not None and person.email_verified:
            values = {"organization": organization.name, "decision": status.value.lower(), "note": note}
            await queue_mail(context, change, Mail("join_request_decided", person.email, person.locale, values))
        return {"id": id}

    return await _changed(context, Once(key, f"{status}JoinRequest", [id, *asked]), decide)


async def _changed(
    context: RequestContext, once: Once, command: Callable[[DirectoryChange], Awaitable[dict[str, str]]]
) -> JoinRequestRecord:
    receipt = await changed_once(context, once, command)
    (found,) = await context.backends.directory.join_requests([JoinRequestId(receipt["id"])])
    assert found is not None  # requests are never deleted
    return found


def _check_open(context: RequestContext, request: JoinRequestRecord) -> None:
    if not is_open(context, request):
        status = request.status_at(context.now)
        raise Conflict(f"This request is {status} now. Read it again.", ["id"], node=request)


async def _close(
    context: RequestContext,
    change: DirectoryChange,
    request: JoinRequestRecord,
    status: RequestStatus,
    by: UserId,
    note: str | None,
) -> None:
    closed = replace(request, status=status, decided_at=context.now, decided_by_id=by, note=note)
    await change.close_join_request(closed)
    # A person who takes a request back leaves nothing in the log of an organization that they cannot know of.
    organization_id = request.organization_id if status is not RequestStatus.WITHDRAWN else None
    entry = author(context, note).entry(
        _ACTIONS[status],
        request.id,
        organization_id,
        before={"status": request.status},
        after={"status": status, "user": request.user_id},
    )
    await change.record(entry, context.now)


_ACTIONS = {
    RequestStatus.APPROVED: "join_request.approve",
    RequestStatus.DECLINED: "join_request.decline",
    RequestStatus.WITHDRAWN: "join_request.withdraw",
}


def _check_given(context: RequestContext, standing: Standing, joining: Joining) -> None:
    policy = context.policy
    may_give = policy.delegable_by(standing, context.now)
    with together() as checking:
        if not joining.role_keys and not joining.permissions:
            checking.refuse(Invalid("Give at least one role or right.", ["role_keys"], "at least one"))
        if _are_distinct(checking, "role_keys", joining.role_keys, len(policy.roles)):
            for organization_id, role_key in enumerate(joining.role_keys):
                path = ["role_keys", str(organization_id)]
                if role_key not in policy.roles:
                    checking.refuse(Invalid(f"There is no role {role_key[:100]!r}.", path, "known role"))
                elif not may_give.has(role_key=role_key):
                    what, remedy = f"the role {role_key}", "Choose a role that one of yours may assign."
                    checking.refuse(NotDelegable(what, standing.organization_id, path, remedy))
        if _are_distinct(checking, "permissions", joining.permissions, len(Permission)):
            for organization_id, permission in enumerate(joining.permissions):
                if not may_give.has(permission=permission):
                    what, remedy = f"the right {permission}", "Give a role that holds it instead."
                    path = ["permissions", str(organization_id)]
                    checking.refuse(NotDelegable(what, standing.organization_id, path, remedy))


def _are_distinct(checking: Together, name: str, given: Sequence[str], most: int) -> bool:
    if len(given) > most:
        checking.refuse(Invalid(f"Name each once; there are {most}.", [name], f"entries 0..{most}"))
        return False
    for organization_id, one in enumerate(given):
        if one in given[:organization_id]:
            checking.refuse(Invalid("This stands there twice.", [name, str(organization_id)], "unique"))
            return False
    return True


async def _let_in(
    context: RequestContext,
    change: DirectoryChange,
    request: JoinRequestRecord,
    organization: OrganizationRecord,
) -> MembershipId:
    """Return the person's membership, active from now on: a new one, or that of somebody who comes back."""
    (page,) = await change.ask.memberships_of(
        [request.user_id], first=MOST_MEMBERSHIPS, after=None, status=tuple(MembershipStatus)
    )
    known = next((one for one in page.items if one.organization_id == organization.id), None)
    by, now = author(context), context.now
    if known is None:
        id = MembershipId(new_id("mbr"))
        new = MembershipRecord(id, 1, organization.id, request.user_id, MembershipStatus.INVITED, None, None)
        await change.add_membership(new)
        await recorded.set_membership_status(change, id, MembershipStatus.ACTIVE, by=by, now=now)
        return id
    if known.status is MembershipStatus.INVITED:
        raise Conflict("This person is invited already.", ["id"], code=ErrorCode.ALREADY_INVITED, node=known)
    if known.status is not MembershipStatus.REMOVED:
        raise Conflict("This person is a member already.", ["id"], code=ErrorCode.ALREADY_MEMBER, node=known)
    (held,) = await change.ask.grants_of([known.id])
    for grant in held:  # what somebody held before they left does not come back with them
        await recorded.revoke(change, grant.id, by=by, now=now)
    await recorded.set_membership_status(change, known.id, MembershipStatus.ACTIVE, by=by, now=now)
    return known.id
