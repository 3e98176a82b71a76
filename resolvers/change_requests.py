"""What an organization asks the vendor to change: its name, its name in the register, its registered office."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.directory.approvals import CHANGE_REQUESTS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.organizations import OrganizationChange, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import ChangeRequestId, OrganizationId, new_id
from connectors.values import Address
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import CHANGE_ORGANIZATION, REVIEW_CHANGE_REQUESTS
from resolvers import contact_data
from resolvers import validation as checks
from resolvers.approvals.decisions import acting_on, check_open, decided, is_open, locked
from resolvers.approvals.initiators import end_change_request, may_still_ask
from resolvers.approvals.lists import open_of
from resolvers.context import RequestContext
from resolvers.localization import on_one_line
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.mail.templates import Value
from resolvers.organizations.queries import changed_data, organizations_with
from resolvers.people import display_name, seen, vendor_staff
from resolvers.refusals import Conflict, Invalid, Refused, RefusedTogether, Stale
from resolvers.texts import Text
from resolvers.transactions import Once, acting_for_vendor, acting_in, author, changed, values_of

_WANTED = ("name", "legal_name", "seat")
"""What an organization may ask to have changed."""


@dataclass(frozen=True, slots=True)
class RequestedChange:
    """What an organization wants to be called and where it wants its registered office.

    None for what is to stay as it is.
    """

    name: str | None
    legal_name: str | None
    seat: Address | None
    message: str | None


async def request_organization_change(
    context: RequestContext, organization_id: OrganizationId, requested: RequestedChange, key: str | None
) -> ChangeRequestRecord:
    """Ask the vendor to change an organization's name or registered office, and return the request.

    Those who decide are mailed.

    What is so already is not asked for.

    Raises:
        RefusedTogether: Nothing is asked for, it is so already, or a value is not allowed; each with its path.
        Conflict: Another request of the organization is open.
    """
    cleaned = _checked(requested)

    async def command(change: DirectoryChange) -> str:
        organization, _ = await acting_in(context, change, organization_id, CHANGE_ORGANIZATION)
        for earlier in await open_of(context, change, CHANGE_REQUESTS, "organization_id", organization_id):
            raise Conflict(
                Text(
                    "A change request is already open. Wait for the vendor's decision, or withdraw that request first."
                ),
                node=earlier,
            )
        caller = context.caller
        assert caller is not None  # acting_in has asked
        wanted = _different(cleaned, organization)
        request = ChangeRequestRecord(
            ChangeRequestId(new_id("chg")),
            organization_id,
            caller.user.id,
            message=cleaned.message,
            status=RequestStatus.PENDING,
            created_at=context.now,
            name=wanted.get("name"),
            legal_name=wanted.get("legal_name"),
            seat=wanted.get("seat"),
        )
        await change.add_approval(CHANGE_REQUESTS, request)
        await change.record(
            author(context, cleaned.message).entry(
                "change_request.open",
                request.id,
                organization_id,
                before=values_of(organization, wanted),
                after=values_of(request, wanted),
            ),
            context.now,
        )
        await _notify_reviewers(context, change, request, organization, caller.user)
        return request.id

    once = Once(key, "requestOrganizationChange", [organization_id, cleaned])
    return await decided(context, CHANGE_REQUESTS, once, command)


async def withdraw_organization_change(context: RequestContext, id: ChangeRequestId) -> ChangeRequestRecord:
    """Take a request back that nobody has decided, and return it.

    Raises:
        Conflict: It was decided or withdrawn already.
    """

    async def command(change: DirectoryChange) -> ChangeRequestRecord:
        request, _, _ = await acting_on(context, change, CHANGE_REQUESTS, id, CHANGE_ORGANIZATION)
        check_open(context, request)
        return await end_change_request(context, change, request, RequestStatus.WITHDRAWN, author(context))

    return await changed(context, command)


async def decide_organization_change(
    context: RequestContext, id: ChangeRequestId, *, approve: bool, note: str | None, expected_version: int | None
) -> ChangeRequestRecord:
    """Decide on a request as the vendor's staff; approved, the organization changes at once. Whoever asked is mailed.

    Raises:
        NotFound: There is no such request.
        Conflict: It was decided or withdrawn already, the organization is closed, or it is approved and whoever asked
            may not ask for it any more.
        Stale: The organization is not at `expected_version` any more.
        Invalid: It is declined without a note.
    """
    why = Text("Give a reason, so that the organization knows what to do.")
    said = checks.message(note, ["note"]) if approve else checks.required_message(note, ["note"], why)

    async def command(change: DirectoryChange) -> ChangeRequestRecord:
        request, organization = await locked(change, CHANGE_REQUESTS, id)
        await acting_for_vendor(context, change, REVIEW_CHANGE_REQUESTS)
        if expected_version not in (None, organization.version):
            raise Stale(organization.version, ["expected_version"], node=organization)
        check_open(context, request)
        if approve and organization.status is OrganizationStatus.CLOSED:
            raise Conflict(
                Text("This organization is permanently closed and can no longer be changed. Decline the request."),
                ["id"],
            )
        if approve and not await may_still_ask(context, change.ask, request):
            raise Conflict(
                Text(
                    "The person who asked for this may no longer change the organization's data. "
                    "Decline the request; somebody who may can ask again."
                ),
                ["id"],
                node=request,
            )
        status = RequestStatus.APPROVED if approve else RequestStatus.DECLINED
        ended = await end_change_request(context, change, request, status, author(context, said))
        if approve:
            wanted = OrganizationChange({key: value for key in _WANTED if (value := getattr(request, key)) is not None})
            organization = await changed_data(context, change, organization.id, wanted)
        await _notify_requester(context, change, ended, organization)
        return ended

    return await changed(context, command)


@reads(ChangeRequestRecord, lambda request: (request.organization_id, request.status))
def can_withdraw(context: RequestContext, request: ChangeRequestRecord) -> bool:
    """Return whether the caller may withdraw the request now."""
    return is_open(context, request) and context.may(CHANGE_ORGANIZATION, request.organization_id)


@reads(ChangeRequestRecord, lambda request: request.status)
def can_decide(context: RequestContext, request: ChangeRequestRecord) -> bool:
    """Return whether the caller may decide on the request now."""
    return is_open(context, request) and context.may(REVIEW_CHANGE_REQUESTS)


@reads(ChangeRequestRecord, lambda request: request.organization_id)
async def requesting_organizations(
    context: RequestContext,
    requests: Sequence[ChangeRequestRecord],
    *,
    wanted: Wanted[OrganizationRecord] = EVERYTHING,
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each request; whoever sees the request sees whose it is."""
    found = await organizations_with(context, [request.organization_id for request in requests], wanted)
    return [found[request.organization_id] for request in requests]


@reads(ChangeRequestRecord, lambda request: (request.decided_by_id, request.organization_id, request.status))
async def deciders(
    context: RequestContext, requests: Sequence[ChangeRequestRecord], *, wanted: Wanted[UserRecord] = EVERYTHING
) -> list[UserRecord | None]:
    """Return who decided on each request, by name only, or withdrew it."""
    return await seen(
        context,
        (
            (
                request.decided_by_id,
                request.organization_id if request.status is RequestStatus.WITHDRAWN else None,
            )
            for request in requests
        ),
        wanted,
    )


def _checked(requested: RequestedChange) -> RequestedChange:
    with checks.together() as together:

        def name(value: str | None, path: list[str]) -> str | None:
            return together.check(lambda: checks.text(value, path)) if value is not None else None

        def address(value: Address | None, path: list[str]) -> Address | None:
            return together.check(lambda: contact_data.address(value, path)) if value is not None else None

        checked = RequestedChange(
            name(requested.name, ["name"]),
            name(requested.legal_name, ["legal_name"]),
            address(requested.seat, ["seat"]),
            together.check(lambda: checks.message(requested.message, ["message"])),
        )
        if requested.name is None and requested.legal_name is None and requested.seat is None:
            together.refusals.append(
                Invalid(
                    Text("Say what should change: the name, the registered name or the registered office."),
                    [],
                    "one of them",
                )
            )
    return checked


def _different(requested: RequestedChange, organization: OrganizationRecord) -> dict[str, Any]:
    """Return what is asked for and is not so already; refuses a request that changes nothing."""
    asked = {key: value for key in _WANTED if (value := getattr(requested, key)) is not None}
    wanted = {key: value for key, value in asked.items() if getattr(organization, key) != value}
    if not wanted:
        same: list[Refused] = [
            Invalid(Text("This is already the current value. Enter the new one."), [key], "different from now")
            for key in asked
        ]
        raise RefusedTogether(same)
    return wanted


async def _notify_reviewers(
    context: RequestContext,
    change: DirectoryChange,
    request: ChangeRequestRecord,
    organization: OrganizationRecord,
    person: UserRecord,
) -> None:
    for reviewer in await vendor_staff(context, change.ask, REVIEW_CHANGE_REQUESTS):
        values: dict[str, Value] = {
            "organization": organization.name,
            "person": display_name(context, person),
            "wanted": _wanted(request),
        }
        await queue_mail(
            context, change, mail_to(reviewer, "organization_change_to_review", values, about={"id": request.id})
        )


async def _notify_requester(
    context: RequestContext, change: DirectoryChange, request: ChangeRequestRecord, organization: OrganizationRecord
) -> None:
    """Mail whoever asked, unless they have left the organization since: it is not theirs to know any more."""
    requester = await change.ask.caller(request.requested_by_id, None, context.now)
    if requester is None or organization.id not in requester.standings:
        return
    values: dict[str, Value] = {
        "organization": organization.name,
        "decision": "approved" if request.status is RequestStatus.APPROVED else "declined",
        "note": request.note,
        "wanted": _wanted(request),
    }
    about = {"organization": organization.id, "id": request.id}
    mail = mail_to(requester.user, "organization_change_decided", values, about=about)
    await queue_mail(context, change, mail)


def _wanted(request: ChangeRequestRecord) -> list[Text]:
    wanted = []
    if request.name is not None:
        wanted.append(Text("Name: {name}", name=request.name))
    if request.legal_name is not None:
        wanted.append(Text("Registered name: {name}", name=request.legal_name))
    if request.seat is not None:
        wanted.append(Text("Registered office: {address}", address=on_one_line(request.seat)))
    return wanted
