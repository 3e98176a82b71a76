"""What the link of a mail is about, for whoever holds it: before they type anything, and without any change.

Whoever tries tokens learns nothing: for each kind of link, an unknown token takes the same statements as a known one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.directory.records.accounts import MailedTokenPurpose
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.registrations import RegistrationStatus
from connectors.ids import OrganizationId, UserId
from connectors.rate_limits.interface import Limit
from connectors.values import masked_address
from resolvers.approvals.initiators import may_send
from resolvers.context import RequestContext
from resolvers.invitations.queries import can_request_new
from resolvers.one_time_tokens import hash_of
from resolvers.rate_limiting import Attempts, check_attempts

# A token cannot be guessed; what is bounded is the work that trying them makes. Tokens that are right do not count, for
# many people open their links behind one address.
_LOOKING = Attempts("mail-link-preview", from_address=Limit(120, 300))

_NO_USER, _NO_ORGANIZATION = UserId("usr_nobody"), OrganizationId("org_none")
"""Who is asked for in vain where there is nobody to ask for."""


class MailLinkKind(StrEnum):
    """What a link is for; an invitation says more of itself, see `resolvers.invitations.acceptance.preview`."""

    INVITATION = "INVITATION"
    REGISTRATION = "REGISTRATION"
    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_CHANGE = "EMAIL_CHANGE"
    ACCOUNT_DELETION = "ACCOUNT_DELETION"


class MailLinkState(StrEnum):
    """Whether a link can be used: of one that was never sent, or was replaced or taken back, nothing is said (VOID)."""

    OPEN = "OPEN"
    USED = "USED"
    EXPIRED = "EXPIRED"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class MailLinkPreview:
    """What the holder of a link may know; `expires_at` is also when an account is deleted that nobody keeps."""

    kind: MailLinkKind
    state: MailLinkState
    expires_at: datetime | None = None
    masked_email: str | None = None
    organization_name: str | None = None
    locale: str | None = None
    can_request_new: bool = False


async def link_preview(context: RequestContext, *, kind: MailLinkKind, token: str) -> MailLinkPreview:
    """Return what a link is about.

    Raises:
        TooManyAttempts: From this address.
    """
    attempt = await check_attempts(context, _LOOKING)
    hash = hash_of(token)
    match kind:
        case MailLinkKind.INVITATION:
            found = await _invitation(context, hash)
        case MailLinkKind.REGISTRATION:
            found = await _registration(context, hash)
        case _:
            found = await _mailed(context, kind, hash)
    if found.state is not MailLinkState.VOID:
        await attempt.give_back()
    return found


async def _invitation(context: RequestContext, hash: bytes) -> MailLinkPreview:
    kind, directory = MailLinkKind.INVITATION, context.backends.directory
    found = await directory.invitation_with_token(hash)
    organization_id = found.organization_id if found is not None else _NO_ORGANIZATION
    inviter_id = found.inviter_id if found is not None else None
    (organization,) = await directory.organizations([organization_id])
    sender = await directory.caller(inviter_id or _NO_USER, None, context.now)
    if found is None or organization is None:
        return MailLinkPreview(kind, MailLinkState.VOID)
    state = _INVITATIONS[found.status_at(context.now)]
    if state is MailLinkState.OPEN and not (
        organization.status is OrganizationStatus.ACTIVE and (inviter_id is None or may_send(context, sender, found))
    ):
        state = MailLinkState.VOID
    if state is MailLinkState.VOID:
        return MailLinkPreview(kind, state)
    return MailLinkPreview(
        kind,
        state,
        found.expires_at,
        masked_address(found.email),
        organization.name,
        found.locale,
        can_request_new(context, found),
    )


async def _registration(context: RequestContext, hash: bytes) -> MailLinkPreview:
    kind = MailLinkKind.REGISTRATION
    found = await context.backends.directory.registration_with_token(hash)
    if found is None:
        return MailLinkPreview(kind, MailLinkState.VOID)
    state = _REGISTRATIONS.get(found.status_at(context.now), MailLinkState.USED)
    return MailLinkPreview(
        kind,
        state,
        found.expires_at,
        masked_address(found.email),
        found.organization_name,
        found.locale,
        state is not MailLinkState.USED,
    )


async def _mailed(context: RequestContext, kind: MailLinkKind, hash: bytes) -> MailLinkPreview:
    directory = context.backends.directory
    found = await directory.issued_token(hash, _PURPOSES[kind])
    (user,) = await directory.users([found.user_id if found is not None else _NO_USER])
    can_request = kind is MailLinkKind.PASSWORD_RESET  # by anybody; the others need somebody signed in
    if found is None or user is None:
        return MailLinkPreview(kind, MailLinkState.VOID, can_request_new=can_request)
    if found.used_at is not None:
        state = MailLinkState.USED
    else:
        state = MailLinkState.EXPIRED if found.expires_at <= context.now else MailLinkState.OPEN
    email = masked_address(found.value or user.email)
    return MailLinkPreview(kind, state, found.expires_at, email, None, user.locale, can_request)


_INVITATIONS = {
    InvitationStatus.PENDING: MailLinkState.OPEN,
    InvitationStatus.ACCEPTED: MailLinkState.USED,
    InvitationStatus.DECLINED: MailLinkState.USED,
    InvitationStatus.EXPIRED: MailLinkState.EXPIRED,
    InvitationStatus.REVOKED: MailLinkState.VOID,
}
_REGISTRATIONS = {
    RegistrationStatus.EMAIL_UNVERIFIED: MailLinkState.OPEN,
    RegistrationStatus.EXPIRED: MailLinkState.EXPIRED,
}
"""However else it stands, its address was confirmed with the link, or it was withdrawn."""

_PURPOSES = {
    MailLinkKind.PASSWORD_RESET: MailedTokenPurpose.PASSWORD_RESET,
    MailLinkKind.EMAIL_CHANGE: MailedTokenPurpose.EMAIL_CHANGE,
    MailLinkKind.ACCOUNT_DELETION: MailedTokenPurpose.DELETION_CANCEL,
}
