"""What an organization asks the vendor to change: its name, its name in the register, its registered office."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.organizations import OrganizationChange, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import ChangeRequestId, OrganizationId, new_id
from connectors.values import Address
from permissions.access_rules import CHANGE_ORGANIZATION, REVIEW_CHANGE_REQUESTS
from resolvers import validation as checks
from resolvers.approvals.initiators import end_change_request, may_still_ask
from resolvers.context import RequestContext
from resolvers.localization import in_their_language, on_one_line
from resolvers.mail.queue import Mail, queue_mail
from resolvers.organizations.queries import changed_data
from resolvers.pagination import DEFAULT_PAGE, Listing, check_page, paged
from resolvers.people import display_name, vendor_staff
from resolvers.refusals import Conflict, Invalid, NotFound, Refused, RefusedTogether, Stale
from resolvers.transactions import Once, acting_for_vendor, acting_in, author, changed, changed_once, values_of

_WANTED: Mapping[str, Mapping[str, str]] = {
    "name": {"de": "Name: {}", "en": "Name: {}", "fr": "Nom : {}"},
    "legal_name": {"de": "Name im Handelsregister: {}", "en": "Registered name: {}", "fr": "Raison sociale : {}"},
    "seat": {"de": "Sitz: {}", "en": "Registered office: {}", "fr": "Siège : {}"},
}
"""How a mail says what is wanted, by language."""


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

    async def command(change: DirectoryChange) -> Any:
        organization, _ = await acting_in(context, change, organization_id, CHANGE_ORGANIZATION)
        (earlier,) = await change.ask.open_change_requests([organization_id])
        if earlier is not None:
            raise Conflict(
                "A change is being asked for already. Wait for the vendor's decision, or withdraw that request first.",
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
        await change.add_change_request(request)
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
        return {"id": request.id}

    receipt = await changed_once(context, Once(key, "requestOrganizationChange", [organization_id, cleaned]), command)
    (request,) = await context.backends.directory.change_requests([receipt["id"]])
    assert request is not None  # requests are never deleted
    return request


async def withdraw_organization_change(context: RequestContext, id: ChangeRequestId) -> ChangeRequestRecord:
    """Take a request back that nobody has decided, and return it.

    Raises:
        Conflict: It was decided or withdrawn already.
    """

    async def command(change: DirectoryChange) -> ChangeRequestRecord:
        request, _ = await _locked(change, id)
        await acting_in(context, change, request.organization_id, CHANGE_ORGANIZATION)
        return await _ended(context, change, request, RequestStatus.WITHDRAWN, None)

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
    said = checks.message(note, ["note"])
    if not approve and said is None:
        raise Invalid("Write why, so that the organization knows what would help.", ["note"], "length 1..2000")

    async def command(change: DirectoryChange) -> ChangeRequestRecord:
        request, organization = await _locked(change, id)
        await acting_for_vendor(context, change, REVIEW_CHANGE_REQUESTS)
        if expected_version not in (None, organization.version):
            raise Stale(organization.version, ["expected_version"])
        would_change = approve and request.status is RequestStatus.PENDING
        if would_change and organization.status is OrganizationStatus.CLOSED:
            raise Conflict(
                "This organization is closed permanently, so nothing of it changes. Decline the request.", ["id"]
            )
        if would_change and not await may_still_ask(context, change.ask, request):
            raise Conflict(
                "Whoever asked for this may not change the organization's data any more. Decline the request, and let "
                "somebody who may ask again.",
                ["id"],
                node=request,
            )
        status = RequestStatus.APPROVED if approve else RequestStatus.DECLINED
        ended = await _ended(context, change, request, status, said)
        if approve:
            wanted = OrganizationChange({key: value for key in _WANTED if (value := getattr(request, key)) is not None})
            organization = await changed_data(context, change, organization.id, wanted)
        await _notify_requester(context, change, ended, organization)
        return ended

    return await changed(context, command)


async def change_requests_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[RequestStatus] | None = None,
) -> Sequence[Listing]:
    """Return each organization's requests, newest first, parallel to `organizations`."""
    check_page(first, after)
    wanted = tuple(status) if status is not None else None
    ids = [organization.id for organization in organizations]
    asked = context.backends.directory.change_requests_of(ids, first=first, after=after, status=wanted)
    return [Listing(page, id, wanted, _count_of) for id, page in zip(ids, await paged(asked), strict=True)]


async def organization_change_requests(
    context: RequestContext,
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[RequestStatus] | None = None,
) -> Listing:
    """Return the requests of all organizations, newest first, for the vendor's staff."""
    check_page(first, after)
    wanted = tuple(status) if status is not None else None

    async def pages() -> Sequence[Any]:
        return [await context.backends.directory.all_change_requests(first=first, after=after, status=wanted)]

    (page,) = await paged(pages())
    return Listing(page, "", wanted, _count_all)


def can_withdraw(context: RequestContext, request: ChangeRequestRecord) -> bool:
    """Return whether the caller may withdraw the request now."""
    is_open = request.status is RequestStatus.PENDING
    return is_open and context.may(CHANGE_ORGANIZATION, request.organization_id)


def can_decide(context: RequestContext, request: ChangeRequestRecord) -> bool:
    """Return whether the caller may decide on the request now."""
    return request.status is RequestStatus.PENDING and context.may(REVIEW_CHANGE_REQUESTS)


async def requesting_organizations(
    context: RequestContext, requests: Sequence[ChangeRequestRecord]
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each request; whoever sees the request sees whose it is."""
    ids = list(dict.fromkeys(request.organization_id for request in requests))
    found = dict(zip(ids, await context.backends.directory.organizations(ids), strict=True))
    return [found[request.organization_id] for request in requests]


def _checked(requested: RequestedChange) -> RequestedChange:
    with checks.together() as together:

        def name(value: str | None, path: list[str]) -> str | None:
            return together.check(lambda: checks.text(value, path)) if value is not None else None

        def address(value: Address | None, path: list[str]) -> Address | None:
            return together.check(lambda: checks.address(value, path)) if value is not None else None

        checked = RequestedChange(
            name(requested.name, ["name"]),
            name(requested.legal_name, ["legal_name"]),
            address(requested.seat, ["seat"]),
            together.check(lambda: checks.message(requested.message, ["message"])),
        )
        if requested.name is None and requested.legal_name is None and requested.seat is None:
            together.refusals.append(
                Invalid(
                    "Say what is to change: the name, the registered name or the registered office.", [], "one of them"
                )
            )
    return checked


def _different(requested: RequestedChange, organization: OrganizationRecord) -> dict[str, Any]:
    """Return what is asked for and is not so already; refuses a request that changes nothing."""
    asked = {key: value for key in _WANTED if (value := getattr(requested, key)) is not None}
    wanted = {key: value for key, value in asked.items() if getattr(organization, key) != value}
    if not wanted:
        same: list[Refused] = [
            Invalid("This is so already; write what it is to be.", [key], "different from now") for key in asked
        ]
        raise RefusedTogether(same)
    return wanted


async def _locked(change: DirectoryChange, id: ChangeRequestId) -> tuple[ChangeRequestRecord, OrganizationRecord]:
    """Lock the organization of a request, and return the request as it is then, and the organization."""
    (seen,) = await change.ask.change_requests([id])
    organization = await change.lock_organization(seen.organization_id) if seen is not None else None
    (request,) = await change.ask.change_requests([id])
    if request is None or organization is None:
        raise NotFound("change request", ["id"])
    return request, organization


async def _ended(
    context: RequestContext,
    change: DirectoryChange,
    request: ChangeRequestRecord,
    status: RequestStatus,
    note: str | None,
) -> ChangeRequestRecord:
    ended = await end_change_request(context, change, request, status, author(context, note))
    if ended is None:
        raise Conflict(f"This request is {request.status.value.lower()} already.", ["id"], node=request)
    return ended


async def _notify_reviewers(
    context: RequestContext,
    change: DirectoryChange,
    request: ChangeRequestRecord,
    organization: OrganizationRecord,
    person: UserRecord,
) -> None:
    for reviewer in await vendor_staff(context, change.ask, REVIEW_CHANGE_REQUESTS):
        values = {
            "organization": organization.name,
            "person": display_name(context, person),
            "wanted": _wanted(request, reviewer.locale),
        }
        await queue_mail(
            context, change, Mail("organization_change_to_review", reviewer.email, reviewer.locale, values)
        )


async def _notify_requester(
    context: RequestContext, change: DirectoryChange, request: ChangeRequestRecord, organization: OrganizationRecord
) -> None:
    """Mail whoever asked, unless they have left the organization since: it is not theirs to know any more."""
    requester = await change.ask.caller(request.requested_by_id, None, context.now)
    if requester is None or organization.id not in [one.organization_id for one in requester.standings]:
        return
    values = {
        "organization": organization.name,
        "decision": "approved" if request.status is RequestStatus.APPROVED else "declined",
        "note": request.note,
        "wanted": _wanted(request, requester.user.locale),
    }
    mail = Mail("organization_change_decided", requester.user.email, requester.user.locale, values)
    await queue_mail(context, change, mail)


def _wanted(request: ChangeRequestRecord, locale: str | None) -> list[str]:
    asked = {key: value for key in _WANTED if (value := getattr(request, key)) is not None}
    return [
        in_their_language(_WANTED[key], locale).format(on_one_line(value) if isinstance(value, Address) else value)
        for key, value in asked.items()
    ]


async def _count_of(
    context: RequestContext, ids: Sequence[OrganizationId], status: tuple[RequestStatus, ...] | None
) -> Sequence[int]:
    return await context.backends.directory.count_change_requests_of(ids, status)


async def _count_all(
    context: RequestContext, organization_ids: Sequence[str], status: tuple[RequestStatus, ...] | None
) -> Sequence[int]:
    return [await context.backends.directory.count_all_change_requests(status)] * len(organization_ids)
