"""Asking to join a company that is registered already, and who sees that somebody asked.

Whoever asks is answered alike whether there is such a company or not: the same is stored and queued for both, and the
worker writes to the administrators if there are any. What asks again a company that the person asked already goes
nowhere, without saying so.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.join_requests import JOIN_REQUESTS
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId, OrganizationId, new_id
from connectors.rate_limits.interface import Limit
from resolvers import validation as checks
from resolvers.approvals.decisions import decided, is_open
from resolvers.context import RequestContext
from resolvers.mail.queue import write_to
from resolvers.people import administrators, display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, ErrorCode, Invalid, NotFound
from resolvers.registrations.already_registered import OrganizationFacts, organization_to_join
from resolvers.registrations.inputs import LONGEST_ORGANIZATION_NAME
from resolvers.transactions import Once, author, changed_once
from resolvers.validation import together

TIME_TO_DECIDE = timedelta(days=30)
MOST_REMEMBERED = 1_000
JOIN_REQUEST = "JOIN_REQUEST"
"""The kind of item in the outbox that tells a company's administrators of a request, if there is such a company."""

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
    """Ask to join the company that all of this fits, and return the request, whether there is such a company or not.

    Raises:
        RefusedTogether: Nothing is said of the company, or a value is not allowed.
        Conflict: The caller belongs to the company already, which they know.
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

    async def command(change: DirectoryChange) -> str:
        user = await change.lock_user(caller.user.id)
        found = await organization_to_join(change.ask, facts)
        now = await change.ask.caller(caller.user.id, None, context.now)
        (page,) = await change.ask.approvals_of(
            JOIN_REQUESTS, "user_id", [caller.user.id], first=MOST_REMEMBERED, now=context.now
        )
        earlier = page.items
        if user is None or now is None:
            raise NotFound("person", [])
        if found is not None and _belongs_to(now, found.id):
            raise Conflict("You belong to this company already.", code=ErrorCode.ALREADY_MEMBER)
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
        # Not in the company's log: that it is there must not be found out by asking.
        entry = author(context).entry("join_request.open", request.id, None, after={"wanted": wanted})
        await change.record(entry, context.now)
        return request.id

    once = Once(key, "requestToJoinOrganization", [name, vat, number, message])
    return await decided(context, JOIN_REQUESTS, once, command)


async def notify_of_join_request(context: RequestContext, item: OutboxRecord) -> None:
    """Write to all administrators of the company that somebody would like to join; an item may come twice (K19)."""
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
        await write_to(context, change, people, "join_request", values)
        return {}

    await changed_once(context, Once(item.id, "tellOfJoinRequest", item.id), command)


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
    """Return the company to ask; None when there is none, or when a request of this person waits there already."""
    if found is None:
        return None
    for request in earlier:
        if request.organization_id == found.id and request.status is RequestStatus.PENDING:
            if is_open(context, request):
                return None
            await change.close_approval(JOIN_REQUESTS, replace(request, status=RequestStatus.EXPIRED))
    return found.id
