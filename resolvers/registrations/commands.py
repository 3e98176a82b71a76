"""Registering: a person for themself, or for an organization that the vendor has to approve.

Nobody who is not signed in finds out whether an address has an account: the same is stored and answered for both, only
the mail differs. What is stored for an address that has an account can never be confirmed, and expires automatically.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import ConsentPurpose, ConsentRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.ids import ConsentId, MembershipId, OrganizationId, UserId, new_id
from connectors.rate_limits.interface import Limit
from connectors.values import AccountKind, masked_address
from resolvers.account.credentials import NewPassword, apply_at_once, set_password
from resolvers.account.passwords import check_password
from resolvers.approvals.decisions import decided
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, mail_to, queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.people import display_name, new_user
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, ErrorCode, TokenInvalid
from resolvers.registrations.already_registered import OrganizationFacts, guidance_for
from resolvers.registrations.inputs import (
    Applicant,
    OrganizationWanted,
    organization_registration,
    private_registration,
)
from resolvers.registrations.reviewers import notify_reviewers
from resolvers.sessions.commands import OpenedSession, SignedIn, open_session, signed_in
from resolvers.texts import Text
from resolvers.transactions import Once, author, changed
from resolvers.validation import time_zone

TIME_TO_REVIEW = timedelta(hours=24)

ATTEMPTS = Attempts("register", from_address=Limit(30, 3600), about_account=Limit(5, 3600), in_all=Limit(20, 3600))
ORGANIZATION_ATTEMPTS = Attempts("register-company", from_address=Limit(30, 3600), about_account=Limit(5, 3600))
OWN_ATTEMPTS = Attempts("register-own-company", from_address=Limit(30, 3600), in_all=Limit(10, 86_400))
CONFIRM_ATTEMPTS = Attempts("confirm-registration", from_address=Limit(30, 300))


class AlreadyRegistered(Conflict):
    """The applicant says that their organization is registered already, so nothing is stored."""

    def __init__(self, guidance: Any) -> None:
        super().__init__(
            Text(
                "Your organization is already registered, so nothing was stored. Please contact the person who "
                "administers the portal in your organization."
            ),
            ["confirm_first_registration"],
            code=ErrorCode.ORGANIZATION_ALREADY_REGISTERED,
        )
        self.beside = {"guidance": guidance}


async def register_private_account(context: RequestContext, kind: AccountKind, applicant: Applicant, key: str) -> str:
    """Have a mail sent with which an account without an organization is opened, and return the address it goes to.

    Raises:
        RefusedTogether: Values that are not allowed. Nothing is stored.
        Conflict: Somebody is signed in, so they have an account.
        KeyReused: The key came with another input.
        TooManyAttempts: From this IP address, or about this e-mail address.
    """
    if context.caller is not None:
        raise Conflict(Text("You are signed in, so you already have an account. Sign out to register another person."))
    registration = private_registration(context, kind, applicant)
    await _registered(context, "registerPrivateAccount", registration, [asdict(applicant), kind], key)
    return registration.email


async def register_organization(
    context: RequestContext, organization: OrganizationWanted, applicant: Applicant, key: str
) -> RegistrationRecord:
    """Register an organization for the first time, and return where its registration stands.

    Somebody who is not signed in has to confirm their address first; somebody signed in is the applicant, and it goes
    to the vendor at once.

    Raises:
        AlreadyRegistered: It is not the first registration. Nothing is stored.
        RefusedTogether: Values that are not allowed. Nothing is stored.
        KeyReused: The key came with another input.
        TooManyAttempts: From this IP address, about this e-mail address, or about this organization.
    """
    registration = organization_registration(context, organization, applicant)
    facts = OrganizationFacts(registration.organization_name, registration.vat_id, registration.customer_number)
    await check_attempts(
        context, ORGANIZATION_ATTEMPTS, facts.vat_id or facts.customer_number or registration.organization_name or ""
    )
    if not organization.confirm_first_registration:
        raise AlreadyRegistered(await guidance_for(context, facts))
    asked = [asdict(organization), asdict(applicant)]
    if context.caller is not None:
        return await _registered_by_member(context, context.caller.user, registration, asked, key)
    return await _registered(context, "registerOrganization", registration, asked, key)


async def confirm_registration(context: RequestContext, token: str, password: str, zone: str | None = None) -> SignedIn:
    """Confirm the address with the token of the mail, open the account with this password, and begin a session.

    For an organization, it goes to the vendor now, and its applicant belongs to it without any right.

    Raises:
        TokenInvalid: The token is unknown, was used, or is too old.
        Invalid: The password may not be chosen, or there is no such time zone; the token still counts.
        Conflict: The address has got an account by another registration meanwhile.
        TooManyAttempts: From this address, in the last minutes.
    """
    attempt = await check_attempts(context, CONFIRM_ATTEMPTS)
    token_hash, directory = hash_of(token), context.backends.directory
    known = await directory.registration_with_token(token_hash)
    if known is None or known.status_at(context.now) is not RegistrationStatus.EMAIL_UNVERIFIED:
        raise TokenInvalid
    words = [known.first_name, known.last_name, known.email, known.organization_name or ""]
    chosen = check_password(password, ["password"], not_like=words)
    lives_in = time_zone(zone, ["time_zone"]) if zone is not None else None
    user_id = UserId(new_id("usr"))
    password_hash = await context.backends.accounts.hash(chosen)

    async def command(change: DirectoryChange) -> tuple[NewPassword, OpenedSession]:
        registration = await change.ask.registration_with_token(token_hash)
        if registration is None or registration.status is not RegistrationStatus.EMAIL_UNVERIFIED:
            raise TokenInvalid
        (owner,) = await change.ask.users_with_email([registration.email])
        if owner is not None:
            raise Conflict(
                Text(
                    "There is already an account with this address. Sign in, and register your organization from there."
                )
            )
        user = new_user(
            context,
            registration.email,
            registration.first_name,
            registration.last_name,
            id=user_id,
            phone=registration.phone,
            locale=registration.locale,
            time_zone=lives_in,
            kind=registration.account_kind,
        )
        by = Author(user_id, context.request_id, context.ip_address)
        await change.add_user(user)
        shown = {"email": masked_address(user.email), "kind": user.account_kind}
        await change.record(by.entry("account.create", user_id, None, after=shown), context.now)
        await _subscribed(context, change, registration, user_id, by)
        confirmed = replace(registration, version=registration.version + 1, user_id=user_id)
        if registration.organization_kind is not None:
            after = await _submitted(context, change, confirmed, user, by)
        else:
            after = replace(confirmed, status=RegistrationStatus.APPROVED, decided_at=context.now)
        await change.store_registration(after)
        entry = by.entry(
            "registration.confirm",
            registration.id,
            after.organization_id,
            before={"status": registration.status},
            after={"status": after.status},
        )
        await change.record(entry, context.now)
        new = await set_password(context, change, user_id, password_hash)
        return new, await open_session(context, change, user_id)

    new, opened = await changed(context, command)
    await attempt.give_back()
    await apply_at_once(context, new)
    return await signed_in(context, opened)


async def _registered(
    context: RequestContext, operation: str, registration: RegistrationRecord, asked: Sequence[Any], key: str
) -> RegistrationRecord:
    """Store a registration by somebody who is not signed in, and have its address confirmed."""
    await check_attempts(context, ATTEMPTS, registration.email)
    token = new_token()

    async def command(change: DirectoryChange) -> str:
        (owner,) = await change.ask.users_with_email([registration.email])
        await change.add_approval(REGISTRATIONS, registration, token_hash=hash_of(token))
        await queue_mail(context, change, _confirmation(context, registration, owner, token))
        await _record_creation(context, change, registration, author(context))
        return registration.id

    return await decided(context, REGISTRATIONS, Once(key, operation, asked), command)


async def _registered_by_member(
    context: RequestContext, user: UserRecord, registration: RegistrationRecord, asked: Sequence[Any], key: str
) -> RegistrationRecord:
    """Store a registration by somebody whose address is confirmed: it goes to the vendor at once."""
    await check_attempts(context, OWN_ATTEMPTS, user.id)
    by = author(context)

    async def command(change: DirectoryChange) -> str:
        await change.lock_user(user.id)
        await _subscribed(context, change, registration, user.id, by)
        submitted = await _submitted(context, change, replace(registration, user_id=user.id), user, by)
        await change.add_approval(REGISTRATIONS, submitted)
        await _record_creation(context, change, submitted, by)
        return submitted.id

    stored = await decided(context, REGISTRATIONS, Once(key, "registerOrganization", asked), command)
    session_id = context.caller.session_id if context.caller is not None else None
    context.become(await context.backends.directory.caller(user.id, session_id, context.now))
    return stored


async def _submitted(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, user: UserRecord, by: Author
) -> RegistrationRecord:
    """Create the organization, in which nobody may do anything yet; write to applicant and reviewers."""
    assert registration.organization_kind is not None
    assert registration.organization_name is not None
    organization_id = OrganizationId(new_id("org"))
    organization = OrganizationRecord(
        id=organization_id,
        version=1,
        customer_number=None,
        name=registration.organization_name,
        legal_name=registration.legal_name,
        kind=registration.organization_kind,
        status=OrganizationStatus.PENDING_REVIEW,
        seat=registration.seat,
        vat_id=registration.vat_id,
    )
    await change.add_organization(organization)
    await change.record(
        by.entry("organization.create", organization_id, organization_id, after={"name": organization.name}),
        context.now,
    )
    # It becomes ACTIVE by the command that notifies whoever keeps the person's rights that they have changed.
    membership_id = MembershipId(new_id("mbr"))
    await change.add_membership(
        MembershipRecord(membership_id, 1, organization_id, user.id, MembershipStatus.INVITED, None, None)
    )
    await recorded.set_membership_status(change, membership_id, MembershipStatus.ACTIVE, by=by, now=context.now)
    due = context.now + TIME_TO_REVIEW
    values = {
        "name": display_name(context, user),
        "reference": registration.reference,
        "organization": organization.name,
        "review_due_at": due.isoformat(),
    }
    await queue_mail(context, change, mail_to(user, "registration_received", values, about={"id": registration.id}))
    await notify_reviewers(context, change, registration)
    return replace(
        registration,
        status=RegistrationStatus.PENDING_REVIEW,
        submitted_at=context.now,
        review_due_at=due,
        organization_id=organization_id,
    )


async def _subscribed(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, user_id: UserId, by: Author
) -> None:
    """Record that the person wants the newsletter, if they do; nobody gets it who did not ask for it."""
    if registration.newsletter:
        id, purpose = ConsentId(new_id("cns")), ConsentPurpose.NEWSLETTER
        await change.add_consent(ConsentRecord(id, user_id, purpose, True, context.now, "registration"))
        before, after = ({purpose.value.lower(): value} for value in ("false", "true"))
        await change.record(by.entry("consent.set", id, None, before=before, after=after), context.now)


async def _record_creation(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, by: Author
) -> None:
    after = {
        "kind": registration.organization_kind or registration.account_kind,
        "organization": registration.organization_name,
        "email": masked_address(registration.email),
        "terms": "accepted",
        "status": registration.status,
    }
    entry = by.entry("registration.create", registration.id, registration.organization_id, after=after)
    await change.record(entry, context.now)


def _confirmation(
    context: RequestContext, registration: RegistrationRecord, owner: UserRecord | None, token: str
) -> Mail:
    if owner is not None:
        # To the address as its owner confirmed it, and without the link: nobody opens a second account for it.
        values: dict[str, str | None] = {"name": display_name(context, owner)}
        return mail_to(owner, "registration_existing_account", values)
    values = {
        "name": f"{registration.first_name} {registration.last_name}",
        "organization": registration.organization_name,
    }
    return Mail("registration_confirmation", registration.email, registration.locale, values, token)
