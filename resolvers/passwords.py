"""Passwords: which may be chosen, and changing one's own or one that was forgotten (D4, D14).

Passwords are kept by another back end than all else, so a change of one is two transactions. The password is stored
first, and what follows from it (a used token, ended sessions, the audit row, the mail) in one transaction after it.
When the process dies in between, nothing is lost: the token still counts, or the person repeats `changePassword`, which
finds the new password in place and does what is missing.
"""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta

from connectors.directory.accounts import MailedTokenPurpose, MailedTokenRecord
from connectors.directory.deeds import DirectoryChange
from connectors.directory.interface import Author, CallerRecord, UserRecord
from connectors.errors import ConnectorError
from connectors.ids import SessionId
from connectors.rate_limits.interface import Limit
from resolvers.attempts import Attempt, Attempts, check_attempts
from resolvers.changes import author, changed
from resolvers.common_passwords import COMMON
from resolvers.context import RequestContext
from resolvers.errors import Invalid, TokenInvalid, WrongPassword
from resolvers.mail import Mail, queue_mail
from resolvers.people import display_name
from resolvers.sessions import SignedIn, begin_session
from resolvers.sign_in_attempts import ATTEMPTS as SIGN_IN_ATTEMPTS
from resolvers.sign_in_attempts import GUESSING
from resolvers.tokens import hash_of

SHORTEST, LONGEST = 12, 256
LEAST_OF_ITS_OWN = 4
"""So many different letters and digits have to be left of a password without names and common words."""

RESET_ATTEMPTS = Attempts("reset-password", from_address=Limit(30, 300))
CHANGE_ATTEMPTS = Attempts("own-password", in_all=GUESSING)
"""Of one session, so that whoever has stolen one does not use up what is the owner's."""

_WHILE_IT_IS_STORED = timedelta(minutes=2)
"""How long a token is reserved for the one request that sets a password with it."""


def check_password(password: str, path: Sequence[str], *, not_like: Sequence[str] = ()) -> str:
    """Return the password as it is kept: with plain spaces, composed (NFC; RFC 8265, 4.2).

    As NIST SP 800-63B-4, 3.1.1.2 wants it: long enough, nothing about which characters, and neither made of what
    everybody tries first nor of what stands in `not_like`, such as the person's names and address.

    Raises:
        Invalid: With the rule.
    """
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    composed = unicodedata.normalize("NFC", spaced)
    if not SHORTEST <= len(composed) <= LONGEST:
        raise Invalid(
            f"Write {SHORTEST} to {LONGEST} characters; a sentence is easy to remember.",
            path,
            f"length {SHORTEST}..{LONGEST}",
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in composed):
        raise Invalid("Leave out control characters; they cannot be typed everywhere.", path, "printable")
    if len(_own_part(composed, not_like)) < LEAST_OF_ITS_OWN:
        raise Invalid(
            "This is guessed too easily: it is little more than your name, your address, or what everybody tries "
            "first. Take several words that have nothing to do with you.",
            path,
            "not common",
        )
    return composed


def not_like(user: UserRecord) -> list[str]:
    """Return what a password of this person may not be made of."""
    return [user.first_name, user.last_name, user.email]


async def reset_password(context: RequestContext, token: str, password: str) -> SignedIn:
    """Set a new password with the token of a mail, which counts once, and begin a session.

    All the person's sessions end and other tokens of the kind count no more. The token is reserved while the password
    is stored, and used up afterwards: of many requests at the same time one sets its password, and when the process
    dies in between, the token counts again after two minutes.

    Raises:
        TokenInvalid: The token is unknown, used, too old, or another request is using it right now.
        Invalid: The password may not be chosen; the token still counts.
        TooManyAttempts: From this address, in the last minutes.
    """
    attempt = await check_attempts(context, RESET_ATTEMPTS)
    hash, purpose = hash_of(token), MailedTokenPurpose.PASSWORD_RESET
    directory = context.backends.directory
    known = await directory.mailed_token(hash, purpose, context.now)
    (user,) = await directory.users([known.user_id]) if known is not None else (None,)
    if user is None:
        raise TokenInvalid
    chosen = check_password(password, ["newPassword"], not_like=not_like(user))

    async def reserve(change: DirectoryChange) -> MailedTokenRecord | None:
        until = context.now + _WHILE_IT_IS_STORED
        return await change.claim_mailed_token(hash, purpose, now=context.now, until=until)

    if await changed(context, reserve) is None:
        raise TokenInvalid
    try:
        await context.backends.accounts.set_password([user.id], chosen)
    except ConnectorError:
        await changed(context, lambda change: change.release_mailed_token(hash))
        raise

    async def follow(change: DirectoryChange) -> None:
        person = await change.lock_user(user.id)
        if person is None or await change.use_mailed_token(hash, purpose, context.now) is None:
            raise TokenInvalid
        await change.void_mailed_tokens(user.id, purpose, context.now)
        await _told(context, change, person, "password.reset", None)

    await changed(context, follow)
    await attempt.give_back()
    return await begin_session(context, user.id)


async def change_password(context: RequestContext, current: str, password: str) -> CallerRecord:
    """Change the caller's password, who proves to be it with the current one; their other sessions end.

    Raises:
        WrongPassword: The current password is another one; counted like signing in.
        Invalid: The new password may not be chosen.
        TooManyAttempts: From this address, or for this person.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    user, accounts = caller.user, context.backends.accounts
    chosen = check_password(password, ["newPassword"], not_like=not_like(user))
    attempt = await _count_guess(context, user)
    if await accounts.is_password_of(user.id, current):
        await accounts.set_password([user.id], chosen)
    elif not await accounts.is_password_of(user.id, chosen):  # else it was stored before, and what follows was not
        raise WrongPassword(["currentPassword"])
    await attempt.succeeded()

    async def follow(change: DirectoryChange) -> None:
        person = await change.lock_user(user.id)
        if person is not None:
            await change.void_mailed_tokens(user.id, MailedTokenPurpose.PASSWORD_RESET, context.now)
            await _told(context, change, person, "password.change", caller.session_id)

    await changed(context, follow)
    return caller


async def check_own_password(context: RequestContext, user: UserRecord, password: str, path: Sequence[str]) -> None:
    """Return when this is the password of the person, who is signed in; counted like signing in.

    Raises:
        WrongPassword: It is not.
        TooManyAttempts: From this address, or for this person.
    """
    attempt = await _count_guess(context, user)
    if not await context.backends.accounts.is_password_of(user.id, password):
        raise WrongPassword(path)
    await attempt.succeeded()


async def _count_guess(context: RequestContext, user: UserRecord) -> Attempt:
    """Count that the caller says what their password is; wrong ones count like those of signing in."""
    attempt = await check_attempts(context, SIGN_IN_ATTEMPTS, user.email)
    session_id = context.caller.session_id if context.caller is not None else None
    return await check_attempts(context, CHANGE_ATTEMPTS, session_id or user.id, attempt=attempt)


async def _told(
    context: RequestContext, change: DirectoryChange, user: UserRecord, action: str, but: SessionId | None
) -> None:
    """End the person's sessions except for one, put it on record, and tell them by mail."""
    ended = await change.end_sessions(user.id, context.now, but=but)
    by = author(context)
    by = by if by.user_id is not None else Author(user.id, by.request_id, by.ip_address)
    await change.record(by.entry(action, user.id, None, after={"sessions_ended": str(ended)}), context.now)
    if user.email_verified:
        values = {"name": display_name(context, user)}
        await queue_mail(context, change, Mail("password_changed", user.email, user.locale, values))


def _own_part(password: str, not_like: Sequence[str]) -> set[str]:
    """Return the letters and digits of a password that are left without the words that everybody knows."""
    words = {part for text in not_like for part in _words(text)} | COMMON
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    return {letter for letter in rest if letter.isalnum()}


def _words(text: str) -> list[str]:
    spaced = "".join(letter if letter.isalnum() else " " for letter in text.casefold())
    return [word for word in spaced.split() if len(word) >= 3]
