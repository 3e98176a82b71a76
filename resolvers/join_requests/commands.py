"""Asking to join an organization that is registered already, and deciding about who asked.

Whoever asks is answered alike whether there is such an organization or not: the same is stored and queued for both, and
the worker writes to the administrators if there are any. What asks again an organization that the person asked already
goes nowhere, without saying so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connectors.directory.approvals import JOIN_REQUESTS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId, MembershipId, OrganizationId, new_id
from connectors.pages import Slice
from connectors.rate_limits.interface import Limit
from permissions.access_rules import MANAGE_MEMBERS
from permissions.viewer import Standing, Viewer
from permissions.vocabulary import Permission
from resolvers import validation as checks
from resolvers.access.edits import no_such_role
from resolvers.access.plans import not_delegable
from resolvers.approvals.decisions import WHAT, acting_on, check_open, decided, decision, end, is_open
from resolvers.approvals.fulfilled import end_other_ways_in
from resolvers.audit import recorded
from resolvers.contact_data import vat_id
from resolvers.context import RequestContext
from resolvers.mail.queue import write_to
from resolvers.people import administrators, display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, ErrorCode, Invalid, NotFound
from resolvers.registrations.already_registered import OrganizationFacts, organization_to_join
from resolvers.registrations.inputs import LONGEST_ORGANIZATION_NAME
from resolvers.texts import Text
from resolvers.transactions import Once, author, changed_once
from resolvers.validation import Together, together

TIME_TO_DECIDE = timedelta(days=30)
MOST_REMEMBERED = 1_000
JOIN_REQUEST = "JOIN_REQUEST"
"""The kind of item in the outbox that notifies the administrators of a request, if there is such an organization."""

ATTEMPTS = Attempts("join-request", from_address=Limit(30, 3600), in_all=Limit(10, 3600))


@dataclass(frozen=True, slots=True)
class Joining:
    """What somebody gets who is let in: roles by key, direct permissions, and the name of the request."""

    role_keys: Sequence[str]
    permissions: Sequence[Permission]
    key: str | None = None


async def request_to_join(
    context: RequestContext,
    *,
    name: str | None,
    vat: str | None,
    number: str | None,
    message: str | None,
    key: str | None,
) -> JoinRequestRecord:
    """Ask to join the organization that all of this fits, and return the request, whether there is one or not.

    Raises:
        RefusedTogether: Nothing is said of the organization, or a value is not allowed.
        Conflict: The caller belongs to the organization already, which they know.
        TooManyAttempts: From this address, or by this person.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    with together() as checking:
        facts = OrganizationFacts(
            checking.check(lambda: checks.optional_text(name, ["organization_name"], LONGEST_ORGANIZATION_NAME)),
            checking.check(lambda: vat_id(vat, ["vat_id"])),
            checking.check(lambda: checks.customer_number(number, ["customer_number"])),
        )
        said = checking.check(lambda: checks.message(message, ["message"]))
        if not any((name and name.strip(), vat and vat.strip(), number and number.strip())):
            checking.refuse(
                Invalid(
                    Text("Enter the customer number, the VAT number or the name."), ["customer_number"], "one of three"
                )
            )
    await check_attempts(context, ATTEMPTS, caller.user.id)
    wanted = ", ".join(fact for fact in (facts.name, facts.customer_number, facts.vat_id) if fact is not None)

    async def command(change: DirectoryChange) -> str:
        user = await change.lock_user(caller.user.id)
        found = await organization_to_join(change.ask, facts)
        now = await change.ask.caller(caller.user.id, None, context.now)
        (page,) = await change.ask.approvals_of(
            JOIN_REQUESTS, "user_id", [caller.user.id], Slice(MOST_REMEMBERED), now=context.now
        )
        earlier = page.items
        if user is None or now is None:
            raise NotFound("person", [])
        if found is not None and _belongs_to(now, found.id):
            raise Conflict(Text("You already belong to this organization."), code=ErrorCode.ALREADY_MEMBER)
        same = next((one for one in earlier if one.wanted == wanted and is_open(context, one)), None)
        if same is not None:
            return same.id
        request = JoinRequestRecord(
            id=JoinRequestId(new_id("jrq")),
            organization_id=await _not_asked_yet(context, change, earlier, found),
            user_id=user.id,
            wanted=wanted,
            message=said,
            status=RequestStatus.PENDING,
            created_at=context.now,
            expires_at=context.now + TIME_TO_DECIDE,
        )
        await change.add_approval(JOIN_REQUESTS, request)
        await change.enqueue(JOIN_REQUEST, {"id": request.id}, now=context.now)
        # Not in the organization's log: that it is there must not be found out by asking.
        entry = author(context).entry("join_request.open", request.id, None, after={"wanted": wanted})
        await change.record(entry, context.now)
        return request.id

    once = Once(key, "requestToJoinOrganization", [name, vat, number, message])
    return await decided(context, JOIN_REQUESTS, once, command)


async def notify_of_join_request(context: RequestContext, item: OutboxRecord) -> None:
    """Write to all administrators of the organization that somebody would like to join.

    An item may come twice.
    """
    (request,) = await context.backends.directory.approvals(JOIN_REQUESTS, [item.content["id"]])
    if request is None or request.organization_id is None or not is_open(context, request):
        return
    organization_id = request.organization_id

    async def command(change: DirectoryChange) -> dict[str, str]:
        (organization,) = await change.ask.organizations([organization_id])
        (person,) = await change.ask.users([request.user_id])
        people = await administrators(context, change.ask, organization_id)
        if organization is None or person is None:
            return {}
        values = {
            "organization": organization.name,
            "person": display_name(context, person),
            "email": person.email,
            "message": request.message,
        }
        about = {"organization": organization_id, "id": request.id}
        await write_to(context, change, people, "join_request", values, about=about)
        return {}

    await changed_once(context, Once(item.id, "tellOfJoinRequest", item.id), command)


async def approve_join_request(
    context: RequestContext, id: JoinRequestId, joining: Joining
) -> tuple[JoinRequestRecord, MembershipRecord | None]:
    """Let the person in with these roles and rights, all at once; nobody gives what they may not.

    Returns the request and the person's membership as they are now.

    Raises:
        RefusedTogether: No role and no right, unknown ones, or ones that the caller may not give.
        Conflict: The request is not open any more, or the person belongs to the organization already.
        Forbidden: The caller manages no members there, any more.
    """

    async def command(change: DirectoryChange) -> str:
        request, organization, viewer = await _open(context, change, id)
        _check_given(context, viewer.standings[organization.id], joining)
        person = await change.lock_user(request.user_id)
        assert person is not None  # a foreign key says so
        ended = await _end(context, change, request, organization, RequestStatus.APPROVED, None)
        by, now = author(context), context.now
        await end_other_ways_in(context, change, organization, person, by)
        membership_id = await _let_in(context, change, request, organization)
        roles, permissions = joining.role_keys, joining.permissions
        await recorded.give_all(change, membership_id, roles, permissions, until=None, by=by, now=now)
        return ended

    asked = [id, sorted(joining.role_keys), sorted(joining.permissions)]
    request = await decided(context, JOIN_REQUESTS, Once(joining.key, "APPROVEDJoinRequest", asked), command)
    assert request.organization_id is not None  # one that concerns no organization is not approved
    found = await context.backends.directory.memberships_among([request.user_id], [request.organization_id])
    return request, next(iter(found), None)


async def decline_join_request(
    context: RequestContext, id: JoinRequestId, note: str | None, key: str | None
) -> JoinRequestRecord:
    """Turn the person away, with a note if there is something to say.

    Raises:
        Conflict: The request is not open any more.
        Forbidden: The caller manages no members there, any more.
    """
    said = checks.message(note, ["note"])

    async def command(change: DirectoryChange) -> str:
        request, organization, _ = await _open(context, change, id)
        return await _end(context, change, request, organization, RequestStatus.DECLINED, said)

    return await decided(context, JOIN_REQUESTS, Once(key, "DECLINEDJoinRequest", [id, said]), command)


async def withdraw_join_request(context: RequestContext, id: JoinRequestId, key: str | None) -> JoinRequestRecord:
    """Take one's own request back.

    Raises:
        NotFound: There is no such request, or it is somebody else's.
        Conflict: It is not open any more.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def command(change: DirectoryChange) -> str:
        (request,) = await change.ask.approvals(JOIN_REQUESTS, [id])
        if request is None or request.user_id != caller.user.id:
            raise NotFound(WHAT[JOIN_REQUESTS], ["id"])
        check_open(context, request)
        # A person who takes a request back leaves nothing in the log of an organization that they cannot know of.
        shown = {"user": request.user_id}
        status, by = RequestStatus.WITHDRAWN, author(context)
        values = decision(context, by)
        await end(context, change, JOIN_REQUESTS, request, status, by, shown=shown, is_hidden=True, **values)
        return id

    return await decided(context, JOIN_REQUESTS, Once(key, "withdrawJoinRequest", id), command)


def _belongs_to(caller: CallerRecord, organization_id: OrganizationId) -> bool:
    standing = caller.standings.get(organization_id)
    return standing is not None and standing.membership_status in (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)


async def _not_asked_yet(
    context: RequestContext,
    change: DirectoryChange,
    earlier: Sequence[JoinRequestRecord],
    found: OrganizationRecord | None,
) -> OrganizationId | None:
    """Return the organization to ask; None when there is none, or when a request of this person waits there already."""
    if found is None:
        return None
    for request in earlier:
        if request.organization_id == found.id and request.status is RequestStatus.PENDING:
            if is_open(context, request):
                return None
            await change.close_approval(JOIN_REQUESTS, request.id, RequestStatus.EXPIRED)
    return found.id


async def _open(
    context: RequestContext, change: DirectoryChange, id: JoinRequestId
) -> tuple[JoinRequestRecord, OrganizationRecord, Viewer]:
    """Return what `acting_on` does for somebody who manages members, when the request is open."""
    request, organization, viewer = await acting_on(context, change, JOIN_REQUESTS, id, MANAGE_MEMBERS)
    check_open(context, request)
    return request, organization, viewer


async def _end(
    context: RequestContext,
    change: DirectoryChange,
    request: JoinRequestRecord,
    organization: OrganizationRecord,
    status: RequestStatus,
    note: str | None,
) -> str:
    """Close the request with this decision, and notify the person who asked."""
    shown, by = {"user": request.user_id}, author(context, note)
    await end(context, change, JOIN_REQUESTS, request, status, by, shown=shown, **decision(context, by, note))
    values = {"organization": organization.name, "decision": status.value.lower(), "note": note}
    people = await change.ask.users([request.user_id])
    await write_to(context, change, people, "join_request_decided", values, about={"id": request.id})
    return request.id


def _check_given(context: RequestContext, standing: Standing, joining: Joining) -> None:
    policy = context.policy
    may_give = policy.delegable_by(standing, context.now)
    with together() as checking:
        if not joining.role_keys and not joining.permissions:
            checking.refuse(
                Invalid(Text("Choose at least one role or direct permission."), ["role_keys"], "at least one")
            )
        if _are_distinct(checking, "role_keys", joining.role_keys, len(policy.roles)):
            for number, role_key in enumerate(joining.role_keys):
                path = ["role_keys", str(number)]
                if role_key not in policy.roles:
                    checking.refuse(Invalid(no_such_role(context, role_key), path, "known role"))
                elif not may_give.has(role_key=role_key):
                    checking.refuse(not_delegable(policy, standing, GrantKind.ROLE, role_key, path))
        if _are_distinct(checking, "permissions", joining.permissions, len(Permission)):
            for number, permission in enumerate(joining.permissions):
                if not may_give.has(permission=permission):
                    path = ["permissions", str(number)]
                    checking.refuse(not_delegable(policy, standing, GrantKind.PERMISSION, permission, path))


def _are_distinct(checking: Together, name: str, given: Sequence[str], most: int) -> bool:
    if len(given) > most:
        checking.refuse(Invalid(Text("List each one once; there are {most}.", most=most), [name], f"entries 0..{most}"))
        return False
    twice = [number for number, one in enumerate(given) if one in given[:number]]
    for number in twice:
        checking.refuse(
            Invalid(Text("This appears in the list twice; remove one of them."), [name, str(number)], "unique")
        )
    return not twice


async def _let_in(
    context: RequestContext,
    change: DirectoryChange,
    request: JoinRequestRecord,
    organization: OrganizationRecord,
) -> MembershipId:
    """Return the person's membership, active from now on: a new one, or that of somebody who comes back."""
    known = await change.ask.membership_of(request.user_id, organization.id)
    by, now = author(context), context.now
    if known is None:
        id = MembershipId(new_id("mbr"))
        new = MembershipRecord(id, 1, organization.id, request.user_id, MembershipStatus.INVITED, None, None)
        await change.add_membership(new)
        await recorded.set_membership_status(change, id, MembershipStatus.ACTIVE, by=by, now=now)
        return id
    if known.status in (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED):
        raise Conflict(Text("This person is already a member."), ["id"], code=ErrorCode.ALREADY_MEMBER, node=known)
    await recorded.revoke_all(change, known.id, by=by, now=now)  # what they held before they left does not come back
    await recorded.set_membership_status(change, known.id, MembershipStatus.ACTIVE, by=by, now=now)
    return known.id
