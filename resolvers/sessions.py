"""Signing in and out with the embedded accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.directory.interface import AuditEntry, CallerRecord, RefreshTokenReused, SessionRecord
from connectors.ids import SessionId, UserId, new_id
from connectors.pages import ALL
from connectors.rate_limits.interface import Limit
from resolvers.attempts import Attempts, check_attempts
from resolvers.context import RequestContext
from resolvers.errors import SessionOver, WrongCredentials
from resolvers.tokens import hash_of, new_token

SESSION_LIFETIME = timedelta(days=30)
"""How long a session lives at most, however often it is continued."""

REFRESH_LIFETIME = timedelta(days=14)
"""How long a session lives without being continued."""

MOST_SESSIONS = 100
"""So many sessions a person may have at a time."""

ATTEMPTS = Attempts("sign-in", from_address=Limit(100, 300), about_account=Limit(10, 300))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's tokens: `access_token` says who until `expires_at`, `refresh_token` gets the next, once."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    caller: CallerRecord


async def sign_in(context: RequestContext, login_name: str, password: str) -> SignedIn:
    """Begin a session for a login name or e-mail address and its password; the rest of the request is the person's.

    Raises:
        WrongCredentials: Unknown name or wrong password; the same answer and the same effort for both (D4).
        TooManyAttempts: From this address, for this name, in the last minutes.
    """
    name = login_name.strip().lower()
    await check_attempts(context, ATTEMPTS, name)
    backends = context.backends
    user_id = await backends.directory.user_id_of_login_name(name[:254])
    if not await backends.accounts.is_password_of(user_id, password) or user_id is None:
        raise WrongCredentials
    return await begin_session(context, user_id)


async def begin_session(context: RequestContext, user_id: UserId) -> SignedIn:
    """Begin a session for a person who has proved who they are; the rest of the request is theirs.

    Who has 100 sessions already loses the one that was seen longest ago.
    """
    backends = context.backends
    session = SessionRecord(
        id=SessionId(new_id("ses")),
        user_id=user_id,
        device_label=context.device[:200] or "unknown device",
        ip_address=context.ip_address,
        created_at=context.now,
        last_seen_at=context.now,
        expires_at=context.now + SESSION_LIFETIME,
    )
    refresh_token = new_token()
    async with backends.directory.change() as change:
        (running,) = await change.ask.sessions_of([user_id], now=context.now, limit=ALL)
        for surplus in running[MOST_SESSIONS - 1 :]:
            await change.end_session(surplus.id, context.now)
        await change.open_session(session, hash_of(refresh_token), context.now + REFRESH_LIFETIME)
        await change.record(
            AuditEntry(
                action="session.begin",
                actor_id=user_id,
                subject_id=session.id,
                organization_id=None,
                request_id=context.request_id,
                ip_address=context.ip_address,
                after={"device": session.device_label},
            ),
            context.now,
        )
    return await _signed_in(context, session, refresh_token)


async def refresh_session(context: RequestContext, refresh_token: str) -> SignedIn:
    """Continue a session with new tokens; the refresh token counts once (RFC 9700, 4.14.2).

    Raises:
        SessionOver: The token is unknown, expired or used before. A token used before ends its session, for one of
            its two users is a thief.
    """
    successor = new_token()
    try:
        async with context.backends.directory.change() as change:
            session = await change.rotate_refresh_token(
                hash_of(refresh_token), hash_of(successor), now=context.now, expires_at=context.now + REFRESH_LIFETIME
            )
    except RefreshTokenReused as reused:
        await _record_reuse(context, reused)
        raise SessionOver from None
    if session is None:
        raise SessionOver
    return await _signed_in(context, session, successor)


async def sign_out(context: RequestContext) -> None:
    """End the caller's session: its tokens are refused from now on, and the rest of this request is nobody's."""
    caller = context.caller
    if caller is None:
        return
    if caller.session_id is not None:
        async with context.backends.directory.change() as change:
            await change.end_session(caller.session_id, context.now)
            await change.record(
                AuditEntry(
                    action="session.end",
                    actor_id=caller.user.id,
                    subject_id=caller.session_id,
                    organization_id=None,
                    request_id=context.request_id,
                    ip_address=context.ip_address,
                ),
                context.now,
            )
    context.become(None)


async def _record_reuse(context: RequestContext, reused: RefreshTokenReused) -> None:
    """Put on record, once an hour, that the portal ended a session because a token of it came twice."""
    entry = AuditEntry(
        action="session.reuse",
        actor_id=None,
        subject_id=reused.user_id,
        organization_id=None,
        request_id=context.request_id,
        ip_address=context.ip_address,
        after={"session": reused.session_id},
    )
    async with context.backends.directory.change() as change:
        await change.record_hourly(entry, context.now, reused.session_id)


async def _signed_in(context: RequestContext, session: SessionRecord, refresh_token: str) -> SignedIn:
    caller = await context.backends.directory.caller(session.user_id, session.id, context.now)
    if caller is None:
        raise SessionOver
    context.become(caller)
    access_token, expires_at = context.backends.tokens.issue(session.user_id, session.id, context.now)
    return SignedIn(access_token, refresh_token, expires_at, caller)
