"""Passwords: which may be chosen, and changing one's own or one that was forgotten.

A change checks its input, hashes the new password, which takes long, and then decides in one transaction of the
directory, under the lock of the person: whether the token or the current password counts still, and if so all that
follows from it. Where two changes meet, the first to commit makes the other one void, of which nothing stays.
`resolvers.account.credentials` says how the password gets to where passwords are kept.
"""

import unicodedata
from collections.abc import Sequence

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import MailedTokenPurpose
from connectors.directory.records.audit import Author
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.people import UserRecord
from connectors.identity.opaque_string import LONGEST, opaque_string
from connectors.ids import SessionId
from connectors.rate_limits.interface import Limit
from resolvers.account.common_passwords import COMMON
from resolvers.account.credentials import NewPassword, apply_at_once, lock_verified, set_password, verified_version
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.one_time_tokens import hash_of
from resolvers.people import display_name
from resolvers.rate_limiting import Attempt, Attempts, check_attempts
from resolvers.refusals import Invalid, TokenInvalid, WrongPassword
from resolvers.sessions.commands import OpenedSession, SignedIn, open_session, signed_in
from resolvers.sessions.sign_in_attempts import ATTEMPTS as SIGN_IN_ATTEMPTS
from resolvers.sessions.sign_in_attempts import GUESSING, OWN_PASSWORD_WORK
from resolvers.texts import Text
from resolvers.transactions import author, changed

SHORTEST = 12
LEAST_OF_ITS_OWN = 4
"""So many different letters and digits have to be left of a password without names and common words."""

RESET_ATTEMPTS = Attempts("reset-password", from_address=Limit(30, 300))
CHANGE_ATTEMPTS = Attempts("own-password", in_all=GUESSING)
"""Of one session, so that whoever has stolen one does not use up what is the owner's."""


def check_password(password: str, path: Sequence[str], *, not_like: Sequence[str] = ()) -> str:
    """Return the password as it is kept: with plain spaces, composed (NFC; RFC 8265, 4.2).

    As NIST SP 800-63B-4, 3.1.1.2 wants it: long enough, nothing about which characters, and neither made of what
    everybody tries first nor of what stands in `not_like`, such as the person's names and address.

    Raises:
        Invalid: With the rule.
    """
    composed = opaque_string(password)
    if not SHORTEST <= len(composed) <= LONGEST:
        raise Invalid(
            Text(
                "Use {shortest} to {longest} characters; a sentence is easy to remember.",
                shortest=SHORTEST,
                longest=LONGEST,
            ),
            path,
            f"length {SHORTEST}..{LONGEST}",
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in composed):
        raise Invalid(Text("Leave out control characters; they cannot be typed everywhere."), path, "printable")
    if len(_own_part(composed, not_like)) < LEAST_OF_ITS_OWN:
        raise Invalid(
            Text(
                "This password is too easy to guess: it is little more than your name, your "
                "address or a very common password. Use several words that have nothing to do "
                "with you."
            ),
            path,
            "not common",
        )
    return composed


def not_like(user: UserRecord) -> list[str]:
    """Return what a password of this person may not be made of."""
    return [user.first_name, user.last_name, user.email]


async def reset_password(context: RequestContext, token: str, password: str) -> SignedIn:
    """Set a new password with the token of a mail, which counts once, and begin a session.

    All the person's sessions end and other tokens of the kind count no more. All of it happens, or nothing.

    Raises:
        TokenInvalid: The token is unknown, used or too old, or was voided while the password was being hashed.
        Invalid: The password may not be chosen; the token still counts.
        TooManyAttempts: From this address, in the last minutes.
    """
    attempt = await check_attempts(context, RESET_ATTEMPTS)
    token_hash, purpose = hash_of(token), MailedTokenPurpose.PASSWORD_RESET
    directory = context.backends.directory
    known = await directory.mailed_token(token_hash, purpose, context.now)
    (user,) = await directory.users([known.user_id]) if known is not None else (None,)
    if user is None:
        raise TokenInvalid
    chosen = check_password(password, ["new_password"], not_like=not_like(user))
    password_hash = await context.backends.accounts.hash(chosen)

    async def reset(change: DirectoryChange) -> tuple[NewPassword, OpenedSession]:
        person = await change.lock_user(user.id)
        if person is None or await change.use_mailed_token(token_hash, purpose, context.now) is None:
            raise TokenInvalid
        new = await _replaced(context, change, person, password_hash, "password.reset", None)
        return new, await open_session(context, change, user.id)

    new, opened = await changed(context, reset)
    await attempt.give_back()
    await apply_at_once(context, new)
    return await signed_in(context, opened)


async def change_password(context: RequestContext, current: str, password: str) -> CallerRecord:
    """Change the caller's password, who proves to be it with the current one; their other sessions end.

    Raises:
        WrongPassword: The current password is another one, or was replaced meanwhile; counted like signing in.
        Invalid: The new password may not be chosen.
        TooManyAttempts: From this address, or for this person.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    user = caller.user
    chosen = check_password(password, ["new_password"], not_like=not_like(user))
    verified = await check_own_password(context, user, current, ["current_password"])
    password_hash = await context.backends.accounts.hash(chosen)

    async def replace(change: DirectoryChange) -> NewPassword:
        person = await lock_verified(change, user.id, verified)
        if person is None:
            raise WrongPassword(["current_password"])
        return await _replaced(context, change, person, password_hash, "password.change", caller.session_id)

    await apply_at_once(context, await changed(context, replace))
    return caller


async def check_own_password(context: RequestContext, user: UserRecord, password: str, path: Sequence[str]) -> int:
    """Return the version of this password of the person, who is signed in; counted like signing in.

    What it allows is done in a transaction that begins with `lock_verified`.

    Raises:
        WrongPassword: It is not theirs.
        TooManyAttempts: From this address, or for this person.
    """
    attempt = await _count_guess(context, user)
    version = await verified_version(context, user.id, password)
    if version is None:
        raise WrongPassword(path)
    await attempt.succeeded()
    return version


async def _count_guess(context: RequestContext, user: UserRecord) -> Attempt:
    """Count that the caller says what their password is; wrong ones count like those of signing in."""
    attempt = await check_attempts(context, SIGN_IN_ATTEMPTS, user.email)
    session_id = context.caller.session_id if context.caller is not None else None
    await check_attempts(context, CHANGE_ATTEMPTS, session_id or user.id, attempt=attempt)
    # Last, so that guesses that are refused do not use up what the owner needs.
    return await check_attempts(context, OWN_PASSWORD_WORK, user.id, attempt=attempt)


async def _replaced(
    context: RequestContext,
    change: DirectoryChange,
    user: UserRecord,
    password_hash: str,
    action: str,
    but: SessionId | None,
) -> NewPassword:
    """Set the password of somebody locked, void the links they have, end their sessions but one, and notify them."""
    new = await set_password(context, change, user.id, password_hash)
    # Another address, too, may have been asked for by somebody who knew the old password.
    for purpose in (MailedTokenPurpose.PASSWORD_RESET, MailedTokenPurpose.EMAIL_CHANGE):
        await change.void_mailed_tokens(user.id, purpose, context.now)
    ended = await change.end_sessions(user.id, context.now, but=but)
    by = author(context)
    by = by if by.user_id is not None else Author(user.id, by.request_id, by.ip_address)
    await change.record(by.entry(action, user.id, None, after={"sessions_ended": str(ended)}), context.now)
    if user.email_verified:
        values = {"name": display_name(context, user)}
        await queue_mail(context, change, mail_to(user, "password_changed", values))
    return new


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
