"""What somebody does who holds the token of an invitation: look at it, accept it, decline it, ask for another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import MembershipId
from connectors.rate_limits.interface import Limit
from connectors.values import login_key, masked_address
from resolvers.account.credentials import NewPassword, apply_at_once, set_password
from resolvers.account.passwords import check_password
from resolvers.approvals.fulfilled import end_other_ways_in
from resolvers.approvals.initiators import may_still_invite
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.invitations.mails import labels_of, notify_administrators, notify_inviter
from resolvers.invitations.queries import account_of, can_request_new, ended, is_open
from resolvers.invitations.sent import end_invitation
from resolvers.one_time_tokens import hash_of
from resolvers.people import new_user
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, ErrorCode, Invalid, InvitationState, Refused, TokenInvalid
from resolvers.sessions.commands import OpenedSession, SignedIn, open_session, signed_in
from resolvers.texts import Text
from resolvers.transactions import changed
from resolvers.validation import locale, text, time_zone, together

_PATH = ["token"]
_LONGEST_TOKEN = 200

# A token cannot be guessed; what is bounded is the work that trying them makes, and the mail to administrators. Tokens
# that are right do not count, for many are invited behind one address.
_LOOKING = Attempts("invitation-preview", from_address=Limit(120, 300))
_ANSWERING = Attempts("invitation-answer", from_address=Limit(100, 300))
_ASKING = Attempts(
    "invitation-renewal", from_address=Limit(20, 3_600), about_account=Limit(3, 3_600), in_all=Limit(3, 86_400)
)


@dataclass(frozen=True, slots=True)
class InvitationPreview:
    """What the holder of a token may know before anybody is signed in."""

    invitation: InvitationRecord
    organization_name: str
    masked_email: str
    status: InvitationStatus
    expires_at: datetime
    first_name: str | None
    last_name: str | None
    needs_new_account: bool


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What somebody says who accepts; what is left out is taken from the invitation."""

    token: str
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    password: str | None = None
    accepts_terms: bool = False
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of accepting: the membership, who the rest of the request is, and the session of a new account."""

    membership: MembershipRecord
    caller: CallerRecord | None
    session: SignedIn | None
    continue_url: str | None


async def preview(context: RequestContext, *, token: str) -> InvitationPreview | None:
    """Return what an invitation is about, whatever has become of it; None for an unknown token.

    Raises:
        TooManyAttempts: From this address.
    """
    attempt = await check_attempts(context, _LOOKING)
    directory = context.backends.directory
    invitation = await directory.invitation_with_token(hash_of(token))
    if invitation is None:
        return None
    await attempt.give_back()
    (organization,) = await directory.organizations([invitation.organization_id])
    account = await account_of(directory, invitation)
    assert organization is not None
    status = invitation.status_at(context.now)
    counts = status is InvitationStatus.PENDING and organization.status is OrganizationStatus.ACTIVE
    if counts and not await may_still_invite(context, directory, invitation):
        status = InvitationStatus.REVOKED
    return InvitationPreview(
        invitation,
        organization.name,
        masked_address(invitation.email),
        status,
        invitation.expires_at,
        invitation.first_name,
        invitation.last_name,
        needs_new_account=account is None,
    )


def role_labels_of(context: RequestContext, shown: InvitationPreview, *, locale: str | None = None) -> list[str]:
    """Return what the invitation gives as people call it, in the language asked for, else in the invited person's."""
    return labels_of(context, shown.invitation, locale or shown.invitation.locale)


async def accept(context: RequestContext, acceptance: Acceptance) -> Accepted:
    """Make the invited person a member, once however many ask at the same time.

    The token proves who holds the mailbox. Without an account for the address, one is made with the password given,
    and a session begins. With one, whoever is not signed in becomes a member and has to sign in all the same.

    Raises:
        TokenInvalid: The token is unknown, or another was sent since.
        InvitationState: The invitation is expired, taken back or used, its sender may not send it any more, or
            somebody else is signed in.
        Conflict: The person is a member already, or the organization is not active.
        RefusedTogether: What a new account needs is missing or not allowed.
        TooManyAttempts: From this address.
    """
    attempt = await check_attempts(context, _ANSWERING)
    directory = context.backends.directory
    seen = await _usable(context, await directory.invitation_with_token(hash_of(acceptance.token)))
    account = await account_of(directory, seen)
    person, password_hash = None, ""
    if account is None:
        person = _new_person(context, acceptance, seen)
        password_hash = await context.backends.accounts.hash(acceptance.password or "")

    async def command(change: DirectoryChange) -> tuple[MembershipId, tuple[NewPassword, OpenedSession] | None]:
        membership_id, is_new = await _accepted(context, change, acceptance, person)
        if not is_new or person is None:
            return membership_id, None
        password = await set_password(context, change, person.id, password_hash)
        return membership_id, (password, await open_session(context, change, person.id))

    membership_id, begun = await changed(context, command)
    await attempt.give_back()
    session = None
    if begun is not None:
        await apply_at_once(context, begun[0])
        session = await signed_in(context, begun[1])
    elif context.caller is not None:
        context.become(await directory.caller(context.caller.user.id, context.caller.session_id, context.now))
    (membership,) = await directory.memberships([membership_id])
    assert membership is not None
    return Accepted(membership, context.caller, session, context.backends.portal.page_urls["portal"])


async def decline(context: RequestContext, token: str) -> InvitationRecord:
    """Decline the invitation and return it; the sender is notified.

    Raises:
        TokenInvalid: The token is unknown, or another was sent since.
        InvitationState: The invitation is expired, taken back or used, or somebody else is signed in.
        TooManyAttempts: From this address.
    """
    attempt = await check_attempts(context, _ANSWERING)

    async def command(change: DirectoryChange) -> InvitationRecord:
        invitation, organization = await _locked(context, change, token)
        caller = context.caller
        by = Author(caller.user.id if caller is not None else None, context.request_id, context.ip_address)
        await recorded.withdraw_invitations(change, [invitation.id], InvitationStatus.DECLINED, by=by, now=context.now)
        await notify_inviter(context, change, organization, invitation)
        (declined,) = await change.ask.approvals(INVITATIONS, [invitation.id])
        assert declined is not None
        return declined

    declined = await changed(context, command)
    await attempt.give_back()
    return declined


async def request_new(context: RequestContext, token: str) -> None:
    """Notify the administrators that the holder of an expired invitation would like another.

    The answer is the same for every token, and nothing else happens: whoever may invite decides.

    Raises:
        TooManyAttempts: From this address, or with this token.
    """
    await check_attempts(context, _ASKING, token[:_LONGEST_TOKEN])

    async def command(change: DirectoryChange) -> None:
        invitation = await change.ask.invitation_with_token(hash_of(token))
        if invitation is None:
            return
        if not can_request_new(context, invitation) and (
            not is_open(context, invitation) or await may_still_invite(context, change.ask, invitation)
        ):
            return
        organization = await change.lock_organization(invitation.organization_id)
        (last,) = await change.ask.last_invitations([(invitation.organization_id, invitation.email)])
        if organization is None or organization.status is not OrganizationStatus.ACTIVE:
            return
        if last is not None and last.id == invitation.id:
            await notify_administrators(context, change, organization, invitation)
            by = Author(None, context.request_id, context.ip_address)
            after = {"email": masked_address(invitation.email)}
            await change.record(by.entry("invitation.want", invitation.id, organization.id, after=after), context.now)

    await changed(context, command)


async def _usable(context: RequestContext, invitation: InvitationRecord | None) -> InvitationRecord:
    """Return the invitation if it is open, and not another's than that of whoever is signed in."""
    if invitation is None:
        raise TokenInvalid
    if refusal := ended(context, invitation, _PATH) or _somebody_elses(context, invitation):
        raise refusal
    return invitation


def _somebody_elses(context: RequestContext, invitation: InvitationRecord) -> Refused | None:
    caller = context.caller
    if caller is None or caller.user.id == invitation.account_id:
        return None
    if invitation.account_id is None and caller.user.email_verified and _same(caller.user.email, invitation.email):
        return None
    return InvitationState(
        ErrorCode.INVITATION_EMAIL_MISMATCH,
        Text(
            "This invitation was sent to {address}, but you are signed in with another "
            "address. Sign out first, or ask for an invitation to your own address.",
            address=masked_address(invitation.email),
        ),
        _PATH,
        invitation.status_at(context.now),
        can_request_new=False,
    )


async def _locked(
    context: RequestContext, change: DirectoryChange, token: str
) -> tuple[InvitationRecord, OrganizationRecord]:
    """Return the usable invitation as it stands once its organization is locked."""
    seen = await _usable(context, await change.ask.invitation_with_token(hash_of(token)))
    organization = await change.lock_organization(seen.organization_id)
    assert organization is not None
    return await _usable(context, await change.ask.invitation_with_token(hash_of(token))), organization


async def _accepted(
    context: RequestContext, change: DirectoryChange, acceptance: Acceptance, person: UserRecord | None
) -> tuple[MembershipId, bool]:
    """Return which membership is theirs now, and whether their account is new."""
    invitation, organization = await _locked(context, change, acceptance.token)
    if organization.status is not OrganizationStatus.ACTIVE:
        raise Conflict(
            Text("This organization is not active at the moment. Please contact it, or try again later."), _PATH
        )
    if not await may_still_invite(context, change.ask, invitation):
        raise InvitationState(
            ErrorCode.INVITATION_REVOKED,
            Text("The person who invited you may no longer do so. Please ask for a new invitation."),
            _PATH,
            InvitationStatus.REVOKED,
            can_request_new=True,
        )
    (invited,) = await change.ask.memberships([invitation.membership_id])
    if invited is None or invited.status is not MembershipStatus.INVITED:  # somebody ended it in another way
        gone = replace(invitation, status=InvitationStatus.REVOKED)
        refusal = ended(context, gone, _PATH)
        assert refusal is not None
        raise refusal
    account = await account_of(change.ask, invitation)
    is_new = account is None
    if account is None:
        if person is None:  # the account was there a moment ago
            raise Invalid(
                Text("Choose a password; there is no account for this address yet."), ["password"], "required"
            )
        await change.add_user(person)
        account = person
    locked = await change.lock_user(account.id)
    if locked is None or locked.is_deleted:  # while this one waited; the address may be somebody else's now
        raise ChangeConflict("The account was deleted meanwhile.")
    by = Author(account.id, context.request_id, context.ip_address)
    own = await change.ask.membership_of(account.id, organization.id)
    if own is not None and own.status in (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED):
        raise Conflict(
            Text("You already belong to this organization, so there is nothing to accept."),
            _PATH,
            code=ErrorCode.ALREADY_MEMBER,
            node=own if context.caller is not None else None,
        )
    if own is not None and own.id != invitation.membership_id:
        await recorded.revoke_all(change, own.id, by=by, now=context.now)
    if is_new:
        after = {"email": masked_address(account.email), "kind": account.account_kind, "terms": "accepted"}
        await change.record(by.entry("account.create", account.id, None, after=after), context.now)
    membership_id = await change.hand_over(invitation, account.id)
    await end_invitation(context, change, invitation, InvitationStatus.ACCEPTED, by, accepted_by_id=account.id)
    await recorded.set_membership_status(change, membership_id, MembershipStatus.ACTIVE, by=by, now=context.now)
    if membership_id != invitation.membership_id:
        await _leave_behind(context, change, invitation.membership_id, by)
    await end_other_ways_in(context, change, organization, account, by)
    return membership_id, is_new


async def _leave_behind(
    context: RequestContext, change: DirectoryChange, membership_id: MembershipId, by: Author
) -> None:
    """End the membership that an invitation used, when its former owner is not the one who accepted."""
    (left,) = await change.ask.memberships([membership_id])
    if left is not None:
        await recorded.set_membership_status(change, membership_id, MembershipStatus.REMOVED, by=by, now=context.now)


def _new_person(context: RequestContext, acceptance: Acceptance, invitation: InvitationRecord) -> UserRecord:
    """Return the person to make an account for; what is missing or not allowed is reported all at once."""
    with together() as found:
        first_name = found.check(lambda: text(acceptance.first_name or invitation.first_name or "", ["first_name"]))
        last_name = found.check(lambda: text(acceptance.last_name or invitation.last_name or "", ["last_name"]))
        spoken = found.check(
            lambda: locale(acceptance.locale, ["locale"]) if acceptance.locale is not None else invitation.locale
        )
        zone = acceptance.time_zone
        lives_in = found.check(lambda: time_zone(zone, ["time_zone"])) if zone is not None else None
        names = [name for name in (first_name, last_name) if name]
        found.check(lambda: _password(acceptance.password, [invitation.email, *names]))
        found.check(lambda: _terms(acceptance))
    return new_user(context, invitation.email, first_name or "", last_name or "", locale=spoken, time_zone=lives_in)


def _password(password: str | None, not_like: Sequence[str]) -> None:
    if password is None:
        raise Invalid(Text("Choose a password; there is no account for this address yet."), ["password"], "required")
    check_password(password, ["password"], not_like=not_like)


def _terms(acceptance: Acceptance) -> None:
    if not acceptance.accepts_terms:
        raise Invalid(Text("To open an account, please accept the terms of use."), ["accept_terms"], "true")


def _same(address: str, other: str) -> bool:
    return login_key(address) == login_key(other)
