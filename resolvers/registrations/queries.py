"""Registrations as the reviewers and their applicants see them, and what somebody not signed in may ask."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.registrations import (
    Likeness,
    Lookalike,
    RegistrationEventRecord,
    RegistrationRecord,
    RegistrationStatus,
)
from connectors.rate_limits.interface import Limit
from connectors.values import login_key
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import REVIEW_REGISTRATIONS
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible, organizations_with
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.registrations import guidance
from resolvers.registrations.inputs import reference_in
from resolvers.registrations.public_mail_domains import organization_domain
from resolvers.registrations.review import UNDECIDED

MOST_DUPLICATES = 20
LONGEST_HISTORY = 50

STATUS_ATTEMPTS = Attempts("registration-status", from_address=Limit(60, 300), about_account=Limit(20, 300))


@dataclass(frozen=True, slots=True)
class RegistrationState:
    """What somebody who is not signed in may know of their registration."""

    reference: str
    status: RegistrationStatus
    submitted_at: datetime | None
    review_due_at: datetime | None


async def visible_registrations(context: RequestContext, ids: Sequence[str]) -> Sequence[RegistrationRecord | None]:
    """Return the registrations that the caller may see: their own, and those submitted for reviewers."""
    caller = context.caller
    if caller is None or context.view_as is not None:
        return [None] * len(ids)
    found = await context.backends.directory.approvals(REGISTRATIONS, ids)
    return [
        record
        if record is not None
        and record.organization_kind is not None
        and (
            record.user_id == caller.user.id or (context.may(REVIEW_REGISTRATIONS) and record.submitted_at is not None)
        )
        else None
        for record in found
    ]


async def registrations_of_viewers(
    context: RequestContext, callers: Sequence[CallerRecord]
) -> Sequence[RegistrationRecord | None]:
    """Return each caller's last registration of an organization; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [None] * len(callers)
    return await context.backends.directory.organization_registrations_of([caller.user.id for caller in callers])


async def registration_status(context: RequestContext, *, reference: str, email: str) -> RegistrationState | None:
    """Return where a registration stands, to whoever has its reference and its address; None unless both fit.

    Raises:
        TooManyAttempts: From this address, in the last minutes.
    """
    attempt = await check_attempts(context, STATUS_ATTEMPTS, email)
    found = await context.backends.directory.registration_with_reference(reference_in(reference))
    given, kept = (
        login_key(address).encode(errors="replace") for address in (email, found.email if found is not None else "")
    )
    fits = hmac.compare_digest(given, kept)
    if found is None or not fits:
        return None
    await attempt.succeeded()
    return state_of(context, found)


def state_of(context: RequestContext, registration: RegistrationRecord) -> RegistrationState:
    """Return what somebody who is not signed in may know of the registration."""
    return RegistrationState(
        registration.reference,
        registration.status_at(context.now),
        registration.submitted_at,
        registration.review_due_at,
    )


def guidance_of_state(context: RequestContext, state: RegistrationState, *, locale: str | None = None) -> str:
    """Return what to do next, and how to reach the vendor."""
    return guidance.with_contact(context, guidance.OF_STATUS[state.status], locale)


@reads(RegistrationRecord, lambda registration: (registration.status, registration.review_due_at))
def is_overdue(context: RequestContext, registration: RegistrationRecord) -> bool:
    """Return whether it waits for a review longer than it should."""
    due = registration.review_due_at
    return registration.status is RegistrationStatus.PENDING_REVIEW and due is not None and due <= context.now


@reads(RegistrationRecord, lambda registration: (registration.first_name, registration.last_name))
def applicant_name(_context: RequestContext, registration: RegistrationRecord) -> str:
    """Return the applicant's name as they wrote it."""
    return f"{registration.first_name} {registration.last_name}".strip()


@reads(RegistrationRecord, lambda registration: (registration.status, registration.note))
def rejection_reason(_context: RequestContext, registration: RegistrationRecord) -> str | None:
    """Return why it was rejected."""
    return registration.note if registration.status is RegistrationStatus.REJECTED else None


@reads(RegistrationRecord, lambda registration: (registration.status, registration.note))
def question(_context: RequestContext, registration: RegistrationRecord) -> str | None:
    """Return what the vendor asked last."""
    return registration.note if registration.status in UNDECIDED else None


@reads(RegistrationRecord, lambda registration: (registration.organization_id, registration.status))
async def organizations_of(
    context: RequestContext,
    records: Sequence[RegistrationRecord],
    *,
    wanted: Wanted[OrganizationRecord] = EVERYTHING,
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each registration; None before the address is confirmed, and for those who left it."""
    ids = [one.organization_id if shows_organization(context, one) else None for one in records]
    found = await organizations_with(context, [id for id in ids if id is not None], wanted)
    return [found[id] if id is not None else None for id in ids]


def shows_organization(context: RequestContext, registration: RegistrationRecord) -> bool:
    """Return whether the organization of a registration is shown to the caller, who is given the registration.

    Once it is approved, the organization is its members': an applicant who is one no longer sees nothing of it.
    """
    id = registration.organization_id
    if id is None or registration.status is not RegistrationStatus.APPROVED:
        return id is not None
    return context.may(REVIEW_REGISTRATIONS) or is_visible(context, id)


def likeness_of(record: RegistrationRecord) -> Likeness:
    """Return by what other organizations may look the same as the one that is being registered."""
    return Likeness(record.vat_id, record.customer_number, record.organization_name, organization_domain(record.email))


@reads(
    RegistrationRecord,
    lambda one: (one.organization_id, one.vat_id, one.customer_number, one.organization_name, one.email),
)
async def duplicates_of(
    context: RequestContext, records: Sequence[RegistrationRecord]
) -> Sequence[Sequence[Lookalike]]:
    """Return other organizations that look the same as the one that each registers, as of now, 20 at most."""
    found = await context.backends.directory.lookalikes([likeness_of(record) for record in records])
    return [
        [one for one in alike if one.organization.id != record.organization_id][:MOST_DUPLICATES]
        for record, alike in zip(records, found, strict=True)
    ]


@reads(RegistrationRecord, lambda registration: registration.id)
async def history_of(
    context: RequestContext, records: Sequence[RegistrationRecord]
) -> Sequence[Sequence[RegistrationEventRecord]]:
    """Return what happened to each registration, oldest first."""
    return await context.backends.directory.registration_events([record.id for record in records])
