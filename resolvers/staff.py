"""The vendor's staff: inviting them, and which of the vendor's permissions each holds. Operators do it, by command."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import MailedTokenPurpose, MailedTokenRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.people import UserRecord
from connectors.values import AccountKind, masked_address
from permissions.vocabulary import Permission
from resolvers.audit import recorded
from resolvers.contact_data import email
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.people import display_name, new_user
from resolvers.refusals import Conflict, NotFound
from resolvers.texts import Text
from resolvers.transactions import changed
from resolvers.validation import locale, optional_text, together

LINK_LIFETIME = timedelta(days=7)
MOST_STAFF = 1_000


@dataclass(frozen=True, slots=True)
class StaffInvited:
    """Somebody who was invited: with the token of the link by which they choose their password, until `expires_at`."""

    user: UserRecord
    token: str
    expires_at: datetime


async def staff(context: RequestContext) -> Sequence[tuple[UserRecord, tuple[str, ...]]]:
    """Return who holds permissions of the vendor's, and which (their codes), by id; 1,000 people at most."""
    return await context.backends.directory.vendor_staff(limit=MOST_STAFF)


async def invite_staff(
    context: RequestContext,
    address: str,
    permissions: Collection[Permission],
    *,
    first_name: str,
    last_name: str,
    language: str | None,
    is_mailed: bool,
) -> StaffInvited:
    """Make an account for one of the vendor's staff, who chooses a password by a link of seven days, mailed or not.

    The address counts as confirmed: the operator vouches for it. When the link has expired, "forgotten password" does.

    Raises:
        RefusedTogether: The address, a name or the language is none; a name may be empty.
        Conflict: There is an account with this address already; permissions are granted to it instead.
    """
    token, expires_at = new_token(), context.now + LINK_LIFETIME
    with together() as checking:
        user = new_user(
            context,
            checking.check(lambda: email(address, ["email"])) or "",
            checking.check(lambda: optional_text(first_name, ["first_name"]) or "") or "",
            checking.check(lambda: optional_text(last_name, ["last_name"]) or "") or "",
            locale=checking.check(lambda: locale(language, ["locale"])) if language is not None else None,
            kind=AccountKind.VENDOR_STAFF,
        )

    async def invite(change: DirectoryChange) -> None:
        (holder,) = await change.ask.users_with_email([user.email])
        if holder is not None:
            raise Conflict(
                Text("{email} already has an account. Grant it permissions instead.", email=user.email), ["email"]
            )
        by = Author(None, context.request_id)
        await change.add_user(user)
        after = {"email": masked_address(user.email), "kind": user.account_kind}
        await change.record(by.entry("account.create", user.id, None, after=after), context.now)
        await recorded.set_vendor_permissions(
            change, user.id, [permission.value for permission in permissions], by=by, now=context.now
        )
        purpose = MailedTokenPurpose.PASSWORD_RESET
        await change.add_mailed_token(
            MailedTokenRecord(hash_of(token), purpose, user.id, None, context.now, expires_at)
        )
        if is_mailed:
            values = {"name": display_name(context, user), "expires_at": expires_at.isoformat()}
            await queue_mail(context, change, mail_to(user, "staff_invitation", values, token))

    await changed(context, invite)
    return StaffInvited(user, token, expires_at)


async def change_staff(
    context: RequestContext,
    login_name: str,
    *,
    grant: Collection[Permission] = (),
    revoke: Collection[str] = (),
    revoke_all: bool = False,
) -> tuple[UserRecord, tuple[str, ...], tuple[str, ...]]:
    """Grant and revoke permissions of the vendor's; return the person, and the codes held before and after.

    What is held counts from the next request on. A code that there is no permission for any more can be revoked.

    Raises:
        NotFound: Nobody has this login name or address.
    """

    async def edit(change: DirectoryChange) -> tuple[UserRecord, tuple[str, ...], tuple[str, ...]]:
        user_id = await change.ask.user_id_of_login_name(login_name)
        user = await change.lock_user(user_id) if user_id is not None else None
        caller = await change.ask.caller(user.id, None, context.now) if user is not None else None
        if user is None or caller is None:
            raise NotFound("person", ["login_name"])
        held = () if revoke_all else caller.vendor_permissions
        after = ({*held} - {*revoke}) | {permission.value for permission in grant}
        await recorded.set_vendor_permissions(
            change, user.id, after, by=Author(None, context.request_id), now=context.now
        )
        return user, caller.vendor_permissions, tuple(sorted(after))

    return await changed(context, edit)
