"""Asking for a right from where it was refused, and deciding about what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.directory.approvals import ACCESS_REQUESTS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import AccessRequestId, GrantId, MembershipId, OrganizationId, UserId, new_id
from connectors.rate_limits.interface import Limit
from connectors.wanted import reads
from permissions.access_rules import ASSIGN_ROLES
from permissions.decision import Decision
from permissions.viewer import Standing
from permissions.vocabulary import Permission
from resolvers.access.capabilities import assigners_of
from resolvers.access.commands import carry_out
from resolvers.access.edits import AccessEdit, future
from resolvers.access.mails import name_of_caller, wanted_names
from resolvers.access.plans import (
    AccessPlan,
    DecisionContext,
    Warned,
    decision_context_of,
    granted,
    may_delegate,
    not_delegable,
    warnings_of,
)
from resolvers.access_requests.requested_access import RequestedAccess, requested_access_of
from resolvers.approvals.decisions import WHAT, acting_on, as_it_is, check_open, decided, decision, end, is_open, locked
from resolvers.approvals.lists import open_of
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail, reachable, write_to
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import ADVICE, Conflict, Forbidden, Invalid, NotDelegable, NotFound, Refused, RefusedTogether
from resolvers.texts import Text
from resolvers.transactions import Once, Receipt, author, changed_once
from resolvers.validation import Misread, message, together
from resolvers.viewer import viewer_of

LIFETIME = timedelta(days=30)
"""How long a request waits for somebody to decide it."""

ATTEMPTS = Attempts("access request", in_all=Limit(30, 3600))
"""Each request writes to everybody who could grant it."""

ROLE, RIGHT = GrantKind.ROLE, GrantKind.PERMISSION


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request is decided; `valid_until` is when what is granted ends automatically."""

    id: AccessRequestId
    approve: bool
    valid_until: datetime | Misread | None = None
    note: str | None = None
    key: str | None = None


async def request_access(
    context: RequestContext,
    organization_id: OrganizationId,
    requested: RequestedAccess,
    *,
    text: str | None,
    key: str | None,
) -> AccessRequestRecord:
    """Ask those in the organization who may grant all of it to approve; they are written to.

    Raises:
        RefusedTogether, Invalid, NotFound: The request names nothing, or what there is not.
        Forbidden: The caller is no active member, or nobody in the organization could grant it.
        Conflict: The caller has it already, or asked for the same and it is not decided yet.
        TooManyAttempts: More than 30 requests in an hour.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    await check_attempts(context, ATTEMPTS, caller.user.id)

    async def command(change: DirectoryChange) -> Receipt:
        organization = await change.lock_organization(organization_id)
        now = await change.ask.caller(caller.user.id, caller.session_id, context.now)
        viewer = viewer_of(now, context.policy) if now is not None else None
        standing = viewer.standings.get(organization_id) if viewer is not None else None
        if organization is None or standing is None:
            raise NotFound("organization", ["organization_id"])
        if standing.obstacle is not None:
            raise Forbidden(
                ADVICE[standing.obstacle],
                Decision(False, standing.obstacle),
                organization_id,
                ["organization_id"],
            )
        membership_id = MembershipId(standing.membership_id)
        with together() as checking:
            said = checking.check(lambda: message(text, ["message"]))
            try:
                role_keys, permissions = await requested_access_of(
                    context, standing, caller.user.account_kind, requested
                )
            except (Refused, RefusedTogether) as refused:
                checking.refuse(refused)
        for other in await open_of(context, change, ACCESS_REQUESTS, "membership_id", membership_id):
            if (set(other.role_keys), set(other.permissions)) == (set(role_keys), set(permissions)):
                raise Conflict(
                    Text("You have already asked for this; the decision is still pending."), None, node=other
                )
        request = AccessRequestRecord(
            AccessRequestId(new_id("arq")), membership_id, organization_id, caller.user.id, role_keys, permissions,
            said, RequestStatus.PENDING, context.now, context.now + LIFETIME,
        )  # fmt: skip
        granters = await _granters(context, change, request)
        if not granters:
            words = Text("No single member of the organization can grant all of this. Please ask for less at once.")
            raise NotDelegable(words, organization_id, None)
        await change.expire_approvals_of(ACCESS_REQUESTS, "membership_id", membership_id, context.now)
        await change.add_approval(ACCESS_REQUESTS, request)
        wanted = {"roles": " ".join(role_keys), "permissions": " ".join(permissions)}
        entry = author(context).entry("access_request.open", request.id, organization_id, after=wanted)
        await change.record(entry, context.now)
        await _ask(context, change, organization, request, granters)
        return request.id

    asked = {"organization": organization_id, "wish": requested, "message": text}
    return await decided(context, ACCESS_REQUESTS, Once(key, "requestAccess", asked), command)


async def withdraw_access_request(context: RequestContext, id: AccessRequestId, key: str | None) -> AccessRequestRecord:
    """Take back what the caller asked for.

    Raises:
        NotFound: There is no such request, or it is somebody else's.
        Conflict: It is decided already, or expired; or it is somebody else's whom the caller may grant it.
    """
    assert context.caller is not None  # the guard has asked
    me = context.caller.user.id

    async def command(change: DirectoryChange) -> Receipt:
        request, organization = await locked(change, ACCESS_REQUESTS, id)
        if request.user_id != me:
            if context.may(ASSIGN_ROLES, organization.id):
                raise Conflict(
                    Text("Only the person who asked can withdraw this request. You can approve or decline it."),
                    ["id"],
                    node=request,
                )
            raise NotFound(WHAT[ACCESS_REQUESTS], ["id"])
        check_open(context, request)
        await end_access_request(context, change, request, RequestStatus.WITHDRAWN, author(context))
        return request.id

    return await decided(context, ACCESS_REQUESTS, Once(key, "withdrawAccessRequest", id), command)


async def decide_access_request(context: RequestContext, verdict: Verdict) -> tuple[AccessRequestRecord, list[Warned]]:
    """Grant what a member asked for, or decline it, as one change; the member is written to.

    What the member holds for longer already stays as it is. Returns the request as it is now, and what deserves a
    warning because of it.

    Raises:
        NotFound: There is no such request.
        Conflict: It is decided already, or expired, or the person is no active member any more.
        NotDelegable: It asks for something that the caller may not delegate.
        Invalid: The end is over, or given with a refusal.
    """
    warned: list[Warned] = []
    with together() as checking:
        note = checking.check(lambda: message(verdict.note, ["note"]))
        until = checking.check(lambda: future(context, verdict.valid_until, ["valid_until"]))
        if until is not None and not verdict.approve:
            checking.refuse(
                Invalid(Text("A declined request has no end date; leave it out."), ["valid_until"], "with approve only")
            )

    async def command(change: DirectoryChange) -> Receipt:
        request, organization, viewer = await acting_on(context, change, ACCESS_REQUESTS, verdict.id, ASSIGN_ROLES)
        check_open(context, request)
        _check_delegates(context, viewer.standings[request.organization_id], request)
        (member,) = await change.ask.memberships([request.membership_id])
        assert member is not None  # a foreign key says so
        if member.status is not MembershipStatus.ACTIVE:
            raise Conflict(
                Text("This person is not an active member at the moment, so nothing can be granted."),
                ["id"],
                node=member,
            )
        decision_context = await decision_context_of(context, change.ask, organization, viewer, [member])
        if verdict.approve:
            plan = _plan(context, decision_context, member, request, until, note)
            warned[:] = warnings_of(context, decision_context, [plan])
            await carry_out(context, change, decision_context, plan, deciding=request.id)
        status = RequestStatus.APPROVED if verdict.approve else RequestStatus.DECLINED
        by = author(context, note)
        ended = await end_access_request(context, change, request, status, by, note=note, until=until)
        await _notify(context, change, decision_context, member, ended)
        return {"id": request.id, "warnings": [[one.permission.value, one.holders, one.recommended] for one in warned]}

    receipt = await changed_once(context, Once(verdict.key, "decideAccessRequest", verdict), command)
    warnings = [Warned(Permission(code), holders, most) for code, holders, most in receipt["warnings"]]
    return await as_it_is(context, ACCESS_REQUESTS, receipt["id"]), warnings


async def end_access_request(
    context: RequestContext,
    change: DirectoryChange,
    request: AccessRequestRecord,
    status: RequestStatus,
    by: Author,
    *,
    note: str | None = None,
    until: datetime | None = None,
) -> AccessRequestRecord:
    """Say what came of an open request, put it on record, and return it as it is now."""
    shown = {"until": until.isoformat() if until is not None else None}
    values = decision(context, by, note) | {"valid_until": until}
    return await end(context, change, ACCESS_REQUESTS, request, status, by, shown=shown, **values)


@reads(
    AccessRequestRecord,
    lambda one: (one.organization_id, one.status, one.expires_at, one.role_keys, one.permissions),
)
def may_decide(context: RequestContext, request: AccessRequestRecord) -> bool:
    """Return whether the caller may decide the request now; whether the member is still active is asked then."""
    standing = context.viewer.standings.get(request.organization_id) if context.viewer is not None else None
    return (
        standing is not None
        and context.may(ASSIGN_ROLES, request.organization_id)
        and is_open(context, request)
        and not _not_delegable(context, standing, request)
    )


@reads(AccessRequestRecord, lambda one: (one.user_id, one.status, one.expires_at))
def may_withdraw(context: RequestContext, request: AccessRequestRecord) -> bool:
    """Return whether the caller may take the request back now."""
    is_own = context.viewer is not None and context.viewer.user_id == request.user_id
    return is_own and is_open(context, request)


def _asked_for(request: AccessRequestRecord) -> list[tuple[GrantKind, str]]:
    return [(ROLE, key) for key in request.role_keys] + [(RIGHT, code) for code in request.permissions]


def _not_delegable(
    context: RequestContext, standing: Standing, request: AccessRequestRecord
) -> list[tuple[GrantKind, str]]:
    may_give = context.policy.delegable_by(standing, context.now)
    return [(kind, key) for kind, key in _asked_for(request) if not may_delegate(may_give, kind, key)]


def _check_delegates(context: RequestContext, standing: Standing, request: AccessRequestRecord) -> None:
    for kind, key in _not_delegable(context, standing, request):
        raise not_delegable(context.policy, standing, kind, key, ["id"])


async def _granters(
    context: RequestContext, change: DirectoryChange, request: AccessRequestRecord
) -> list[MembershipRecord]:
    found = await assigners_of(context, change.ask, [request.organization_id])
    return [
        member
        for member, standing in found.get(request.organization_id, {}).items()
        if not _not_delegable(context, standing, request)
    ]


def _plan(
    context: RequestContext,
    decision_context: DecisionContext,
    member: MembershipRecord,
    request: AccessRequestRecord,
    until: datetime | None,
    note: str | None,
) -> AccessPlan:
    """Return what the approval gives; a grant that lasts longer already is left alone."""
    before = tuple(decision_context.grants[member.id])
    held = {(grant.kind, grant.key): grant for grant in before}
    give = [
        GrantRecord(
            was.id if was is not None else GrantId(f"grt_planned_{key}"), member.id, member.organization_id,
            member.user_id, kind, key, context.now, UserId(decision_context.viewer.user_id), until,
        )
        for kind, key in _asked_for(request)
        if (was := held.get((kind, key))) is None
        or (was.valid_until is not None and (until is None or was.valid_until < until))
    ]  # fmt: skip
    edit = AccessEdit(member.id, reason=note)
    return granted(AccessPlan(member, edit, before, (), ()), give)


async def _ask(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    request: AccessRequestRecord,
    granters: Sequence[MembershipRecord],
) -> None:
    for user in reachable(await change.ask.users([member.user_id for member in granters])):
        if user.id == request.user_id:
            continue
        values = {
            "organization": organization.name,
            "person": name_of_caller(context),
            "wanted": wanted_names(context, request),
            "message": request.message,
        }
        await queue_mail(context, change, mail_to(user, "access_request", values, about=_about(request)))


async def _notify(
    context: RequestContext,
    change: DirectoryChange,
    decision_context: DecisionContext,
    member: MembershipRecord,
    request: AccessRequestRecord,
) -> None:
    user = decision_context.users.get(member.user_id)
    values = {
        "organization": decision_context.organization.name,
        "decision": request.status.value.lower(),
        "wanted": wanted_names(context, request),
        "note": request.note,
        "until": request.valid_until.isoformat() if request.valid_until is not None else None,
    }
    await write_to(context, change, [user], "access_request_decided", values, about=_about(request))


def _about(request: AccessRequestRecord) -> dict[str, str]:
    return {"organization": request.organization_id, "id": request.id}
