"""Another e-mail address for an account: the old one stays until the new one is confirmed."""

from dataclasses import replace
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import MailedTokenPurpose, MailedTokenRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.people import UserRecord
from connectors.rate_limits.interface import Limit
from connectors.values import login_key, masked_address
from resolvers.account.credentials import lock_verified
from resolvers.account.passwords import check_own_password
from resolvers.contact_data import email
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, mail_to, queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.people import display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Conflict, Invalid, TokenInvalid, WrongPassword
from resolvers.texts import Text
from resolvers.transactions import author, changed

CONFIRMATION_LIFETIME = timedelta(hours=24)

_REQUESTS = Attempts("email-change", in_all=Limit(5, 3600))
_MAILS = Attempts("email-change-mail", in_all=Limit(5, 3600))
_CONFIRMATIONS = Attempts("email-confirmation", Limit(30, 300))


async def request_email_change(context: RequestContext, new_email: str, current_password: str) -> None:
    """Have a link sent to the caller's new address, and a notice to the old one, which stays until the link is used.

    When somebody has confirmed the new address already, they are notified instead, in the same number of mails and
    statements: nobody finds out here who has an account. The password is asked for, so that a session that somebody
    left open is not enough to take the account over.

    Raises:
        Invalid: The new address is none, or is the caller's own.
        WrongPassword: The password is another one, or was replaced meanwhile.
        TooManyAttempts: By this person, or to this new address.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    new = email(new_email, ["new_email"])
    if login_key(new) == login_key(caller.user.email) and caller.user.email_verified:
        raise Invalid(Text("This is already your address."), ["new_email"], "another address")
    verified = await check_own_password(context, caller.user, current_password, ["current_password"])
    # Counted afterwards, lest somebody with a stolen session use up the mails to an address that is not theirs.
    await check_attempts(context, _REQUESTS, caller.user.id)
    await check_attempts(context, _MAILS, new)

    async def request(change: DirectoryChange) -> None:
        user = await lock_verified(change, caller.user.id, verified)
        if user is None:
            raise WrongPassword(["current_password"])
        (holder,) = await change.ask.users_with_email([new])
        token, purpose = new_token(), MailedTokenPurpose.EMAIL_CHANGE
        await change.void_mailed_tokens(user.id, purpose, context.now)
        # Stored in either case; when somebody holds the address, nobody ever learns the token.
        await change.add_mailed_token(
            MailedTokenRecord(hash_of(token), purpose, user.id, new, context.now, context.now + CONFIRMATION_LIFETIME)
        )
        await queue_mail(context, change, _to_the_new_address(context, user, new, token, holder))
        if user.email_verified:
            values = {"name": display_name(context, user), "new_address": masked_address(new)}
            await queue_mail(context, change, mail_to(user, "email_change_notice", values))
        shown = {"email": masked_address(user.email)}, {"email": masked_address(new)}
        by = author(context)
        await change.record(by.entry("email.request", user.id, None, before=shown[0], after=shown[1]), context.now)

    await changed(context, request)


async def confirm_email_change(context: RequestContext, token: str) -> None:
    """Make the address to which this token was sent the person's own, whoever is signed in.

    Links that were sent to the old address for a new password count no more. Only who reads mail at the new address
    gets here, so they may learn that it is taken.

    Raises:
        TokenInvalid: The token is unknown, used, or too old.
        Conflict: Somebody else has confirmed the address meanwhile.
        TooManyAttempts: From this IP address, in the last minutes.
    """
    attempt = await check_attempts(context, _CONFIRMATIONS)

    async def confirm(change: DirectoryChange) -> UserRecord:
        token_hash, purpose = hash_of(token), MailedTokenPurpose.EMAIL_CHANGE
        known = await change.ask.mailed_token(token_hash, purpose, context.now)
        # The person before their links, in the order in which a new password locks them.
        user = await change.lock_user(known.user_id) if known is not None else None
        used = await change.use_mailed_token(token_hash, purpose, context.now) if user is not None else None
        if used is None or used.value is None or user is None:
            raise TokenInvalid
        (holder,) = await change.ask.users_with_email([used.value])
        if holder is not None and holder.id != user.id:
            raise Conflict(
                Text("Another account uses this address. Sign in with that account, or reset its password."), ["token"]
            )
        before, after = await change.set_email(user.id, used.value)
        await change.void_mailed_tokens(user.id, MailedTokenPurpose.PASSWORD_RESET, context.now)
        by = Author(user.id, context.request_id, context.ip_address)
        entry = by.entry(
            "email.change",
            user.id,
            None,
            before={"email": masked_address(before.email)},
            after={"email": masked_address(after.email)},
        )
        await change.record(entry, context.now)
        return after

    user = await changed(context, confirm)
    await attempt.give_back()
    caller = context.caller
    if caller is not None and caller.user.id == user.id:
        context.become(await context.backends.directory.caller(user.id, caller.session_id, context.now))


def _to_the_new_address(
    context: RequestContext, user: UserRecord, new: str, token: str, holder: UserRecord | None
) -> Mail:
    if holder is not None:
        return replace(
            mail_to(holder, "registration_existing_account", {"name": display_name(context, holder)}), to=new
        )
    return replace(mail_to(user, "email_change_confirmation", {"name": display_name(context, user)}, token), to=new)
