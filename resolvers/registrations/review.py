"""What becomes of a registration: approved, rejected, asked about, answered, withdrawn.

Whoever changes one locks its organization first, so of two who decide at the same time the second is asked to look
again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind
from connectors.directory.records.caller import StandingRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.ids import RegistrationId
from permissions.access_rules import REVIEW_REGISTRATIONS
from resolvers import validation as checks
from resolvers.approvals.decisions import WHAT, decided
from resolvers.approvals.fulfilled import end_other_ways_in
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.one_time_tokens import hash_of
from resolvers.people import display_name
from resolvers.rate_limiting import check_attempts
from resolvers.refusals import Conflict, NotFound, Stale, TokenInvalid
from resolvers.registrations.commands import CONFIRM_ATTEMPTS, TIME_TO_REVIEW
from resolvers.registrations.inputs import reference_in
from resolvers.registrations.reviewers import notify_reviewers
from resolvers.texts import Text
from resolvers.transactions import Once, acting_for_vendor, author

UNDECIDED = (RegistrationStatus.PENDING_REVIEW, RegistrationStatus.INFORMATION_REQUESTED)
OPEN = (RegistrationStatus.EMAIL_UNVERIFIED, *UNDECIDED)


@dataclass(frozen=True, slots=True)
class Decision:
    """Which registration is decided upon, as it was read, and the name of the request."""

    id: RegistrationId
    expected_version: int | None = None
    key: str | None = None

    def once(self, action: str, said: str | None) -> Once:
        """Return what is to be carried out once."""
        return Once(self.key, action, [self.id, self.expected_version, said])


async def approve_registration(
    context: RequestContext, decision: Decision, customer_number: str | None
) -> RegistrationRecord:
    """Approve a registration: the organization becomes active and its applicant its administrator, all at once.

    With a `customer_number`, the organization gets it; where the policy knows a prefix, its holder can sign in with it,
    too.

    Raises:
        Conflict: It was decided already, the applicant is gone, or the number is another organization's.
        Stale: Somebody changed it since it was read.
        NotFound: There is no such registration.
    """
    number = checks.customer_number(customer_number, ["customer_number"])

    async def command(change: DirectoryChange) -> str:
        before = await _decidable(context, change, decision, UNDECIDED)
        user, standing = await _applicant(context, change, before)
        by = author(context)
        if number is not None:
            await _give_number(context, change, before, user, number)
        await recorded.set_organization_status(
            change, standing.organization_id, OrganizationStatus.ACTIVE, by=by, now=context.now
        )
        (organization,) = await change.ask.organizations([standing.organization_id])
        assert organization is not None  # a foreign key says so
        await change.lock_user(user.id)
        await end_other_ways_in(context, change, organization, user, by)
        role_key = context.policy.administrative_role_keys()[0]
        await recorded.give(
            change, standing.membership_id, GrantKind.ROLE, role_key, until=None, by=by, now=context.now
        )
        await _notify(context, change, before, user, "registration_approved", {"customer_number": number})
        shown = {"customer_number": number} if number is not None else {}
        after = replace(before, status=RegistrationStatus.APPROVED, note=None, **_decided_now(context))
        return await store(context, change, "registration.approve", before, after, shown=shown)

    return await decided(context, REGISTRATIONS, decision.once("registration.approve", number), command)


async def reject_registration(context: RequestContext, decision: Decision, reason: str) -> RegistrationRecord:
    """Reject a registration, with a reason that the applicant receives.

    Raises:
        Invalid: There is no reason.
        Conflict, Stale, NotFound: As for `approve_registration`.
    """
    why = checks.required_message(reason, ["reason"], _SAY_IT)

    async def command(change: DirectoryChange) -> str:
        before = await _decidable(context, change, decision, UNDECIDED)
        user, standing = await _applicant(context, change, before)
        await recorded.set_organization_status(
            change, standing.organization_id, OrganizationStatus.REJECTED, by=author(context, why), now=context.now
        )
        await _notify(context, change, before, user, "registration_rejected", {"reason": why})
        after = replace(before, status=RegistrationStatus.REJECTED, note=why, **_decided_now(context))
        return await store(context, change, "registration.reject", before, after, reason=why)

    return await decided(context, REGISTRATIONS, decision.once("registration.reject", why), command)


async def request_information(context: RequestContext, decision: Decision, question: str) -> RegistrationRecord:
    """Ask the applicant something; the time for the review stands still until they answer.

    Raises:
        Invalid: Nothing is asked.
        Conflict, Stale, NotFound: As for `approve_registration`.
    """
    wanted = checks.required_message(question, ["question"], _SAY_IT)

    async def command(change: DirectoryChange) -> str:
        before = await _decidable(context, change, decision, [RegistrationStatus.PENDING_REVIEW])
        user, _ = await _applicant(context, change, before)
        values = {"question": wanted, "reference": before.reference}
        await _notify(context, change, before, user, "registration_information_wanted", values)
        status = RegistrationStatus.INFORMATION_REQUESTED
        after = replace(before, status=status, note=wanted, answer=None, review_due_at=None, reminded_at=None)
        return await store(context, change, "registration.request_information", before, after, reason=wanted)

    return await decided(context, REGISTRATIONS, decision.once("registration.request_information", wanted), command)


async def answer_registration(
    context: RequestContext, id: RegistrationId | None, reference: str | None, answer: str, key: str | None
) -> RegistrationRecord:
    """Answer what the vendor asked, as the applicant; the registration waits for a review again.

    Raises:
        Invalid: There is no answer.
        NotFound: There is no such registration, or it is somebody else's.
        Conflict: Nothing was asked.
    """
    said = checks.required_message(answer, ["answer"], _SAY_IT)
    own = await own_registration(context, id, reference)

    async def command(change: DirectoryChange) -> str:
        before = await _locked(context, change, own.id, (RegistrationStatus.INFORMATION_REQUESTED,))
        status, due = RegistrationStatus.PENDING_REVIEW, context.now + TIME_TO_REVIEW
        after = replace(before, status=status, answer=said, review_due_at=due)
        await notify_reviewers(context, change, after)
        return await store(context, change, "registration.answer", before, after, reason=said)

    return await decided(context, REGISTRATIONS, Once(key, "answerRegistration", [own.id, said]), command)


async def withdraw_registration(
    context: RequestContext,
    id: RegistrationId | None,
    reference: str | None,
    token: str | None,
    reason: str | None,
    key: str | None,
) -> RegistrationRecord:
    """Withdraw a registration, as its applicant or with the token of the mail that confirms the address.

    The organization is closed, and the applicant belongs to it no longer.

    Raises:
        TokenInvalid: The token is unknown, was used, or is too old.
        NotFound: There is no such registration, or it is somebody else's.
        Conflict: It is not open any more.
    """
    why = checks.message(reason, ["reason"])
    own = await _with_token(context, token) if token is not None else await own_registration(context, id, reference)

    async def command(change: DirectoryChange) -> str:
        before = await _locked(context, change, own.id, OPEN)
        if before.organization_id is not None:
            by, now = author(context, why), context.now
            await recorded.set_organization_status(
                change, before.organization_id, OrganizationStatus.CLOSED, by=by, now=now
            )
            standing = await _standing(context, change, before)
            if standing is not None:
                await recorded.set_membership_status(
                    change, standing.membership_id, MembershipStatus.REMOVED, by=by, now=now
                )
        after = replace(
            before, status=RegistrationStatus.WITHDRAWN, decided_at=context.now, decided_by_id=before.user_id,
            review_due_at=None,
        )  # fmt: skip
        return await store(context, change, "registration.withdraw", before, after, reason=why)

    withdrawn = await decided(context, REGISTRATIONS, Once(key, "withdrawRegistration", [own.id, why]), command)
    if context.caller is not None:
        caller = context.caller
        context.become(await context.backends.directory.caller(caller.user.id, caller.session_id, context.now))
    return withdrawn


async def own_registration(
    context: RequestContext, id: RegistrationId | None, reference: str | None
) -> RegistrationRecord:
    """Return the caller's own registration of an organization.

    Raises:
        NotFound: There is none with this id or reference, or it is somebody else's.
    """
    directory, caller = context.backends.directory, context.caller
    path = ["id"] if id is not None else ["reference"]
    found = None
    if caller is not None and id is not None:
        (found,) = await directory.approvals(REGISTRATIONS, [id])
    elif caller is not None and reference is not None:
        found = await directory.registration_with_reference(reference_in(reference))
    if found is None or caller is None or found.user_id != caller.user.id or found.organization_kind is None:
        raise NotFound(WHAT[REGISTRATIONS], path)
    return found


async def store(
    context: RequestContext,
    change: DirectoryChange,
    action: str,
    before: RegistrationRecord,
    after: RegistrationRecord,
    *,
    reason: str | None = None,
    shown: Mapping[str, str | None] | None = None,
) -> str:
    """Store what became of a registration, one version later, put it on record, and return its id."""
    await change.store_registration(replace(after, version=before.version + 1))
    entry = author(context, reason).entry(
        action,
        before.id,
        after.organization_id,
        before={"status": before.status},
        after={"status": after.status, **(shown or {})},
    )
    await change.record(entry, context.now)
    return before.id


async def _decidable(
    context: RequestContext, change: DirectoryChange, decision: Decision, states: Collection[RegistrationStatus]
) -> RegistrationRecord:
    """Return the registration that a reviewer decides upon, which stands in one of these states."""
    found = await _locked(context, change, decision.id, states)
    await acting_for_vendor(context, change, REVIEW_REGISTRATIONS)
    if context.caller is not None and found.user_id == context.caller.user.id:
        raise Conflict(Text("This is your own registration; somebody else has to decide."), ["id"], node=found)
    if decision.expected_version is not None and decision.expected_version != found.version:
        raise Stale(found.version, ["expected_version"], node=found)
    return found


async def _locked(
    context: RequestContext, change: DirectoryChange, id: RegistrationId, states: Collection[RegistrationStatus]
) -> RegistrationRecord:
    """Return the registration, which nobody else changes until the end, and which stands in one of these states."""
    (seen,) = await change.ask.approvals(REGISTRATIONS, [id])
    if seen is None or (seen.organization_kind is None and RegistrationStatus.EMAIL_UNVERIFIED not in states):
        raise NotFound(WHAT[REGISTRATIONS], ["id"])
    if seen.organization_id is not None:
        await change.lock_organization(seen.organization_id)
        (seen,) = await change.ask.approvals(REGISTRATIONS, [id])
        assert seen is not None  # registrations are never deleted
    elif RegistrationStatus.EMAIL_UNVERIFIED not in states:
        raise NotFound(WHAT[REGISTRATIONS], ["id"])  # a reviewer knows only of addresses that were confirmed
    status = seen.status_at(context.now)
    if status not in states:
        raise Conflict(
            _NOT_NOW[status],
            ["id"],
            node=seen if context.caller is not None else None,
        )
    return seen


async def _with_token(context: RequestContext, token: str) -> RegistrationRecord:
    attempt = await check_attempts(context, CONFIRM_ATTEMPTS)
    found = await context.backends.directory.registration_with_token(hash_of(token))
    if found is None or found.status_at(context.now) is not RegistrationStatus.EMAIL_UNVERIFIED:
        raise TokenInvalid
    await attempt.give_back()
    return found


async def _applicant(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord
) -> tuple[UserRecord, StandingRecord]:
    """Return who registered the organization and where they stand in it.

    Raises:
        Conflict: They do not belong to it any more.
    """
    standing = await _standing(context, change, registration)
    (user,) = await change.ask.users([registration.user_id]) if registration.user_id is not None else (None,)
    if user is None or standing is None or standing.membership_status is not MembershipStatus.ACTIVE:
        raise Conflict(Text("The person who registered this organization has left it."), ["id"], node=registration)
    return user, standing


async def _standing(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord
) -> StandingRecord | None:
    if registration.user_id is None or registration.organization_id is None:
        return None
    caller = await change.ask.caller(registration.user_id, None, context.now)
    return caller.standings.get(registration.organization_id) if caller is not None else None


async def _give_number(
    context: RequestContext,
    change: DirectoryChange,
    registration: RegistrationRecord,
    user: UserRecord,
    number: str,
) -> None:
    (holder,) = await change.ask.organizations_with_numbers([number])
    if holder is not None and holder.id != registration.organization_id:
        raise Conflict(
            Text("This customer number belongs to {organization}.", organization=holder.name),
            ["customer_number"],
            node=holder,
        )
    assert registration.organization_id is not None
    await change.set_customer_number(registration.organization_id, number)
    prefix = context.policy.customer_number_prefix
    if prefix is None:
        return
    login_name = f"{prefix}{number}"
    if await change.ask.user_id_of_login_name(login_name) is not None:
        raise Conflict(
            Text("The login name {login_name} is already in use.", login_name=login_name), ["customer_number"]
        )
    await change.add_login_name(login_name, user.id)


async def _notify(
    context: RequestContext,
    change: DirectoryChange,
    registration: RegistrationRecord,
    user: UserRecord,
    template: str,
    values: Mapping[str, str | None],
) -> None:
    said = {"name": display_name(context, user), "organization": registration.organization_name, **values}
    await queue_mail(context, change, mail_to(user, template, said, about={"id": registration.id}))


def _decided_now(context: RequestContext) -> dict[str, Any]:
    by = context.caller.user.id if context.caller is not None else None
    return {"decided_at": context.now, "decided_by_id": by}


_SAY_IT = Text("Please write a sentence; the other side will read it.")

_NOT_NOW: Mapping[RegistrationStatus, Text] = {
    RegistrationStatus.EMAIL_UNVERIFIED: Text(
        "The e-mail address of this registration has not been confirmed yet, so this is not possible."
    ),
    RegistrationStatus.PENDING_REVIEW: Text("This registration is being reviewed, so this is not possible now."),
    RegistrationStatus.INFORMATION_REQUESTED: Text(
        "We are waiting for information about this registration, so this is not possible now."
    ),
    RegistrationStatus.APPROVED: Text("This registration has already been approved. Please reload it."),
    RegistrationStatus.REJECTED: Text("This registration has already been declined. Please reload it."),
    RegistrationStatus.WITHDRAWN: Text("This registration has been withdrawn. Please reload it."),
    RegistrationStatus.EXPIRED: Text(
        "This registration has expired, because its e-mail address was not confirmed in time."
    ),
}
"""Why something cannot be done with a registration, by where it stands."""
