"""Asking to join an organization that is registered already, and who sees that somebody asked.

Whoever asks is answered alike whether there is such an organization or not: the same is stored and queued for both, and
the worker writes to the administrators if there are any. What asks again an organization that the person asked already
goes nowhere, without saying so.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.join_requests import JoinRequestFilter, JoinRequestRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId, OrganizationId, new_id
from connectors.rate_limits.interface import Limit
from permissions.access_rules import MANAGE_MEMBERS
from resolvers import validation as checks
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, queue_mail
from resolvers.organizations.queries import visible_organizations
from resolvers.pagination import DEFAULT_PAGE, Listing, check_page, paged
from resolvers.people import display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, ErrorCode, Invalid, NotFound
from resolvers.registrations.already_registered import OrganizationFacts, organization_to_join
from resolvers.registrations.inputs import LONGEST_ORGANIZATION_NAME
from resolvers.transactions import Once, author, changed_once
from resolvers.validation import together

TIME_TO_DECIDE = timedelta(days=30)
MOST_SHOWN = 20
MOST_REMEMBERED = 1_000
JOIN_REQUEST = "JOIN_REQUEST"
"""The kind of item in the outbox that notifies the administrators of a request, if there is such an organization."""

ATTEMPTS = Attempts("join-request", from_address=Limit(30, 3600), in_all=Limit(10, 3600))


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
            checking.check(lambda: checks.text(name, ["organization_name"], LONGEST_ORGANIZATION_NAME))
            if name is not None and name.strip()
            else None,
            checking.check(lambda: checks.vat_id(vat, ["vat_id"])),
            checking.check(lambda: checks.customer_number(number, ["customer_number"])),
        )
        said = checking.check(lambda: checks.message(message, ["message"]))
        if not any((name and name.strip(), vat and vat.strip(), number and number.strip())):
            checking.refuse(
                Invalid("Give the customer number, the VAT id or the name.", ["customer_number"], "one of three")
            )
    await check_attempts(context, ATTEMPTS, caller.user.id)
    wanted = ", ".join(fact for fact in (facts.name, facts.customer_number, facts.vat_id) if fact is not None)

    async def command(change: DirectoryChange) -> dict[str, str]:
        user = await change.lock_user(caller.user.id)
        found = await organization_to_join(change.ask, facts)
        now = await change.ask.caller(caller.user.id, None, context.now)
        (earlier,) = await change.ask.join_requests_by([caller.user.id], limit=MOST_REMEMBERED)
        if user is None or now is None:
            raise NotFound("person", [])
        if found is not None and _belongs_to(now, found.id):
            raise Conflict("You belong to this organization already.", code=ErrorCode.ALREADY_MEMBER)
        same = next((one for one in earlier if one.wanted == wanted and is_open(context, one)), None)
        if same is not None:
            return {"id": same.id}
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
        await change.add_join_request(request)
        await change.enqueue(JOIN_REQUEST, {"id": request.id}, now=context.now)
        # Not in the organization's log: that it is there must not be found out by asking.
        entry = author(context).entry("join_request.open", request.id, None, after={"wanted": wanted})
        await change.record(entry, context.now)
        return {"id": request.id}

    once = Once(key, "requestToJoinOrganization", [name, vat, number, message])
    (stored,) = await context.backends.directory.join_requests([(await changed_once(context, once, command))["id"]])
    assert stored is not None  # requests are never deleted
    return stored


async def notify_of_join_request(context: RequestContext, item: OutboxRecord) -> None:
    """Write to all administrators of the organization that somebody would like to join.

    An item may come twice.
    """
    (request,) = await context.backends.directory.join_requests([JoinRequestId(item.content["id"])])
    if request is None or request.organization_id is None or not is_open(context, request):
        return
    organization_id = request.organization_id

    async def command(change: DirectoryChange) -> dict[str, str]:
        (organization,) = await change.ask.organizations([organization_id])
        (person,) = await change.ask.users([request.user_id])
        (holders,) = await change.ask.holders_of(
            [organization_id],
            role_keys=context.policy.administrative_role_keys(),
            permissions=(),
            now=context.now,
        )
        administrators = await change.ask.users([holder.user_id for holder in holders])
        if organization is None or person is None:
            return {}
        values = {
            "organization": organization.name,
            "person": display_name(context, person),
            "email": person.email,
            "message": request.message,
        }
        for administrator in administrators:
            if administrator is not None and administrator.email_verified:
                mail = Mail("join_request", administrator.email, administrator.locale, values)
                await queue_mail(context, change, mail)
        return {}

    await changed_once(context, Once(item.id, "tellOfJoinRequest", item.id), command)


async def join_requests_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[RequestStatus] | None = None,
) -> Sequence[Listing]:
    """Return who would like to join each organization, newest first."""
    check_page(first, after)
    where = JoinRequestFilter(tuple(status) if status is not None else None, context.now)
    ids = [organization.id for organization in organizations]
    pages = await paged(context.backends.directory.join_requests_of(ids, first=first, after=after, where=where))
    return [Listing(page, id, where, _count) for id, page in zip(ids, pages, strict=True)]


async def join_requests_of_viewers(
    context: RequestContext, callers: Sequence[CallerRecord]
) -> Sequence[Sequence[JoinRequestRecord]]:
    """Return each caller's own requests, newest first; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    ids = [caller.user.id for caller in callers]
    return await context.backends.directory.join_requests_by(ids, limit=MOST_SHOWN)


async def visible_join_requests(
    context: RequestContext, ids: Sequence[JoinRequestId]
) -> Sequence[JoinRequestRecord | None]:
    """Return the requests that the caller may see: their own, and those to join where they manage members."""
    caller = context.caller
    if caller is None:
        return [None] * len(ids)
    found = await context.backends.directory.join_requests(ids)
    return [record if record is not None and _is_visible(context, caller, record) else None for record in found]


def status_of(context: RequestContext, request: JoinRequestRecord) -> RequestStatus:
    """Return where the request stands now."""
    return request.status_at(context.now)


async def people_of(context: RequestContext, requests: Sequence[JoinRequestRecord]) -> list[UserRecord | None]:
    """Return who asks, as seen through the organization that they ask."""
    ids = list({request.user_id for request in requests})
    found = dict(zip(ids, await context.backends.directory.users(ids), strict=True))
    people = [(found[request.user_id], request.organization_id) for request in requests]
    return [replace(user, seen_in=organization_id) if user is not None else None for user, organization_id in people]


async def organizations_of(
    context: RequestContext, requests: Sequence[JoinRequestRecord]
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each request, to those who belong to it.

    The person asking does not learn that it is there.
    """
    asked = [request.organization_id or OrganizationId("") for request in requests]
    return await visible_organizations(context, asked)


async def deciders_of(context: RequestContext, requests: Sequence[JoinRequestRecord]) -> list[UserRecord | None]:
    """Return who decided about each request, as seen through the organization."""
    ids = list({request.decided_by_id for request in requests if request.decided_by_id is not None})
    found = dict(zip(ids, await context.backends.directory.users(ids) if ids else (), strict=True))
    deciders = [
        (found.get(request.decided_by_id) if request.decided_by_id is not None else None, request.organization_id)
        for request in requests
    ]
    return [replace(user, seen_in=organization_id) if user is not None else None for user, organization_id in deciders]


async def _count(
    context: RequestContext, owners: Sequence[OrganizationId], where: JoinRequestFilter
) -> Sequence[int | None]:
    return await context.backends.directory.count_join_requests_of(owners, where)


def is_open(context: RequestContext, request: JoinRequestRecord) -> bool:
    """Return whether the request waits for a decision."""
    return request.status_at(context.now) is RequestStatus.PENDING


def _is_visible(context: RequestContext, caller: CallerRecord, request: JoinRequestRecord) -> bool:
    if request.user_id == caller.user.id:
        return context.view_as is None
    organization_id = request.organization_id
    return organization_id is not None and context.may(MANAGE_MEMBERS, organization_id)


def _belongs_to(caller: CallerRecord, organization_id: OrganizationId) -> bool:
    known = (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)
    return any(
        standing.organization_id == organization_id and standing.membership_status in known
        for standing in caller.standings
    )


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
            await change.close_join_request(replace(request, status=RequestStatus.EXPIRED))
    return found.id
