"""Help for somebody who cannot sign in: a link for a new password, or the login names.

The mutations know nobody: they count, and queue. Who is meant is looked up by the worker, so that the answer to a known
and to an unknown name is the same in its words, its statements and its time.
"""

from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import MailedTokenPurpose, MailedTokenRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.rate_limits.interface import Limit
from connectors.values import login_key
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.outbox.repeated_items import carried_out_once
from resolvers.people import display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.transactions import changed
from resolvers.validation import text

PASSWORD_RESET = "PASSWORD_RESET"
LOGIN_NAME_REMINDER = "LOGIN_NAME_REMINDER"

RESET_LIFETIME = timedelta(hours=1)
LONGEST_IDENTIFIER = 254

# Fewer from one address than in all, so that whoever asks in somebody else's name does not use up what is theirs.
# Somebody refused because of others has mails of the last hour, whose links count.
_RESETS = Attempts("password-reset", Limit(20, 3600), about_account=Limit(3, 3600), in_all=Limit(9, 3600))
_REMINDERS = Attempts("login-name-reminder", Limit(20, 3600), about_account=Limit(3, 3600), in_all=Limit(9, 3600))


async def request_password_reset(context: RequestContext, login_identifier: str) -> None:
    """Have a link for a new password sent to whoever this login name or address belongs to, if anybody.

    Raises:
        Invalid: This can be no login name: it is empty, too long, or has control characters.
        TooManyAttempts: From this address, or for this name.
    """
    await _queue(context, PASSWORD_RESET, _RESETS, login_identifier)


async def request_login_name_reminder(context: RequestContext, login_identifier: str) -> None:
    """Have their login names sent to whoever this login name or address belongs to, if anybody.

    Raises:
        Invalid: This can be no login name: it is empty, too long, or has control characters.
        TooManyAttempts: From this address, or for this name.
    """
    await _queue(context, LOGIN_NAME_REMINDER, _REMINDERS, login_identifier)


async def send_password_reset(context: RequestContext, item: OutboxRecord) -> None:
    """Mail a link for a new password to the confirmed address of whoever is meant, never to the one typed in."""

    async def send(change: DirectoryChange) -> None:
        user = await _meant(context, change, item)
        if user is None:
            return
        token = new_token()
        await change.add_mailed_token(
            MailedTokenRecord(
                hash_of(token),
                MailedTokenPurpose.PASSWORD_RESET,
                user.id,
                None,
                context.now,
                context.now + RESET_LIFETIME,
            )
        )
        entry = Author(None, context.request_id).entry("password.reset_mail", user.id, None)
        await change.record(entry, context.now)
        values = {"name": display_name(context, user)}
        await queue_mail(context, change, Mail("password_reset", user.email, _locale(user, item), values, token))

    await carried_out_once(context, item, send)


async def send_login_names(context: RequestContext, item: OutboxRecord) -> None:
    """Mail their login names to the confirmed address of whoever is meant, never to the one typed in."""

    async def send(change: DirectoryChange) -> None:
        user = await _meant(context, change, item)
        if user is None:
            return
        (names,) = await change.ask.login_names_of([user.id])
        entry = Author(None, context.request_id).entry("login_name.reminder_mail", user.id, None)
        await change.record(entry, context.now)
        await queue_mail(context, change, Mail("login_names", user.email, _locale(user, item), {"names": names}))

    await carried_out_once(context, item, send)


async def _queue(context: RequestContext, kind: str, attempts: Attempts, login_identifier: str) -> None:
    name = text(login_identifier, ["login_identifier"], LONGEST_IDENTIFIER)
    await check_attempts(context, attempts, name)
    content = {"locale": context.languages[0] if context.languages else None}
    sealed = context.backends.seals.seal(login_key(name))  # somebody's address, or a name typed into the wrong field
    await changed(context, lambda change: change.enqueue(kind, content, now=context.now, sealed=sealed))


async def _meant(context: RequestContext, change: DirectoryChange, item: OutboxRecord) -> UserRecord | None:
    """Return who is meant, if there is a confirmed address to write to."""
    if item.sealed is None:
        return None
    user_id = await change.ask.user_id_of_login_name(context.backends.seals.open(item.sealed))
    (user,) = await change.ask.users([user_id]) if user_id is not None else (None,)
    return user if user is not None and user.email_verified else None


def _locale(user: UserRecord, item: OutboxRecord) -> str | None:
    asked: str | None = item.content.get("locale")
    return user.locale or asked
