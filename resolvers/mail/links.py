"""What the link of a mail is about, for whoever holds it: before they type anything, and without any change."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.directory.records.accounts import MailedTokenPurpose
from connectors.directory.records.registrations import RegistrationStatus
from connectors.rate_limits.interface import Limit
from connectors.values import masked_address
from resolvers.context import RequestContext
from resolvers.one_time_tokens import hash_of
from resolvers.rate_limiting import Attempts, check_attempts

# As for invitations: a token cannot be guessed; what is bounded is the work that trying them makes.
_LOOKING = Attempts("mail-link-preview", from_address=Limit(120, 300))


class MailLinkKind(StrEnum):
    """What a link is for; an invitation says more of itself, see `resolvers.invitations.acceptance.preview`."""

    REGISTRATION = "REGISTRATION"
    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_CHANGE = "EMAIL_CHANGE"
    ACCOUNT_DELETION = "ACCOUNT_DELETION"


@dataclass(frozen=True, slots=True)
class MailLinkPreview:
    """What the holder of a link may know; `expires_at` is also when an account is deleted that nobody keeps."""

    masked_email: str
    organization_name: str | None
    expires_at: datetime


async def mail_link_preview(context: RequestContext, *, kind: MailLinkKind, token: str) -> MailLinkPreview | None:
    """Return what a link is about; None when it is unknown, was used, or is too old, which is not distinguished.

    Raises:
        TooManyAttempts: From this address.
    """
    await check_attempts(context, _LOOKING)
    directory, hash = context.backends.directory, hash_of(token)
    if kind is MailLinkKind.REGISTRATION:
        found = await directory.registration_with_token(hash)
        if found is None or found.status_at(context.now) is not RegistrationStatus.EMAIL_UNVERIFIED:
            return None
        return MailLinkPreview(masked_address(found.email), found.organization_name, found.expires_at)
    known = await directory.mailed_token(hash, _PURPOSES[kind], context.now)
    (user,) = await directory.users([known.user_id]) if known is not None else (None,)
    if known is None or user is None:
        return None
    return MailLinkPreview(masked_address(known.value or user.email), None, known.expires_at)


_PURPOSES = {
    MailLinkKind.PASSWORD_RESET: MailedTokenPurpose.PASSWORD_RESET,
    MailLinkKind.EMAIL_CHANGE: MailedTokenPurpose.EMAIL_CHANGE,
    MailLinkKind.ACCOUNT_DELETION: MailedTokenPurpose.DELETION_CANCEL,
}
