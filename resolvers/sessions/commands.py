"""Signing in and out with the embedded accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.errors import RefreshTokenReused
from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.errors import ConnectorError
from connectors.identity.seals import BrokenSeal
from connectors.ids import SessionId, UserId, new_id
from connectors.values import login_key
from resolvers.account.credentials import lock_verified, verified_version
from resolvers.context import RequestContext
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.rate_limiting import network_of
from resolvers.refusals import SessionOver, WrongCredentials
from resolvers.sessions.known_devices import remember_device
from resolvers.sessions.refused_sign_ins import log_refused_refresh, report_refused_sign_in
from resolvers.sessions.sign_in_attempts import count_sign_in
from resolvers.transactions import author, changed

SESSION_LIFETIME = timedelta(days=30)
"""How long a session lives at most, however often it is continued."""

REFRESH_LIFETIME = timedelta(days=14)
"""How long a session lives without being continued."""

MOST_SESSIONS = 100
"""So many sessions a person may have at a time."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's tokens: `access_token` says who until `expires_at`, `refresh_token` gets the next."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    caller: CallerRecord


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that begins with the commit of the change in which it was opened, and its first refresh token."""

    session: SessionRecord
    refresh_token: str


async def sign_in(context: RequestContext, login_name: str, password: str) -> SignedIn:
    """Begin a session for a login name or e-mail address and its password; the rest of the request is the person's.

    Raises:
        WrongCredentials: Unknown name or wrong password; the same answer and the same effort for both.
        TooManyAttempts: Too many failed, from this address or for this name.
    """
    name = login_key(login_name)
    attempt, user_id = await count_sign_in(context, name)
    try:
        version = await verified_version(context, user_id, password)
    except ConnectorError:
        await attempt.give_back()
        raise
    if version is None or user_id is None:
        await report_refused_sign_in(context, name, user_id, "wrong_credentials")
        raise WrongCredentials
    await attempt.succeeded()
    return await begin_session(context, user_id, version)


async def begin_session(context: RequestContext, user_id: UserId, verified: int | None = None) -> SignedIn:
    """Begin a session for a person who has proved who they are; the rest of the request is theirs.

    `verified` is the version of the credentials that proved it; None when something else did.

    Raises:
        WrongCredentials: These credentials were replaced since they were verified.
    """

    async def begin(change: DirectoryChange) -> OpenedSession:
        if verified is not None and await lock_verified(change, user_id, verified) is None:
            raise WrongCredentials
        return await open_session(context, change, user_id)

    return await signed_in(context, await changed(context, begin))


async def open_session(context: RequestContext, change: DirectoryChange, user_id: UserId) -> OpenedSession:
    """Open a session within a change, so that it begins together with what proves who somebody is, or not at all.

    Who has 100 sessions already loses the one that was seen longest ago, or all beyond, from before there was a limit.
    """
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
    await change.end_surplus_sessions(user_id, context.now, most=MOST_SESSIONS - 1)
    await change.open_session(
        session, hash_of(refresh_token), context.now + REFRESH_LIFETIME, network=network_of(context.ip_address)
    )
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
    return OpenedSession(session, refresh_token)


async def signed_in(context: RequestContext, opened: OpenedSession) -> SignedIn:
    """Return the tokens of a session whose change was committed; the rest of the request is the person's.

    Raises:
        SessionOver: Somebody has ended it since.
    """
    remember_device(context, opened.session.user_id)
    return await _signed_in(context, opened.session, opened.refresh_token)


async def refresh_session(context: RequestContext, refresh_token: str) -> SignedIn:
    """Continue a session with new tokens; the refresh token is replaced by its successor (RFC 9700, 4.14.2).

    For a few seconds after its first use (`Backends.refresh_reuse`) the token gets the same successor again, whatever
    became of that meanwhile: two tabs that refresh at the same time, or a client whose answer got lost, go on.

    Raises:
        SessionOver: The token is unknown, expired or was used longer ago. The latter ends its session, for one of its
            two users is a thief.
    """
    # Anybody may send anything here, as often as they like; what nobody has issued does not wait for a change.
    if not await context.backends.directory.knows_refresh_token(hash_of(refresh_token)):
        log_refused_refresh(context, "unknown_or_expired")
        raise SessionOver
    try:
        refreshed = await changed(context, lambda change: _rotated(context, change, refresh_token))
    except RefreshTokenReused as reused:
        log_refused_refresh(context, "reused", reused.user_id)
        await _record_reuse(context, reused)
        raise SessionOver from None
    if refreshed is None:
        log_refused_refresh(context, "unknown_or_expired")
        raise SessionOver
    session, successor = refreshed
    return await _signed_in(context, session, successor)


async def sign_out(context: RequestContext) -> None:
    """End the caller's session: its tokens are refused from now on, and the rest of this request is nobody's."""
    caller = context.caller
    if caller is None:
        return
    session_id = caller.session_id
    if session_id is not None:

        async def end(change: DirectoryChange) -> None:
            await change.end_session(session_id, context.now)
            await change.record(author(context).entry("session.end", session_id, None), context.now)

        await changed(context, end)
    context.become(None)


async def _rotated(
    context: RequestContext, change: DirectoryChange, refresh_token: str
) -> tuple[SessionRecord, str] | None:
    """Return the session that a refresh token continues and the token's successor; None when there is no session."""
    seals, window = context.backends.seals, context.backends.refresh_reuse
    old_hash, successor = hash_of(refresh_token), new_token()
    sealed = seals.seal(successor)
    expires_at = context.now + REFRESH_LIFETIME
    rotated = await change.rotate_refresh_token(
        old_hash,
        hash_of(successor),
        now=context.now,
        expires_at=expires_at,
        sealed_successor=sealed if window else None,
        reuse_window=window,
    )
    if rotated is None:
        return None
    session = rotated.session
    if not rotated.is_repeated:
        return session, successor
    if rotated.sealed_successor is not None:
        try:
            return session, seals.open(rotated.sealed_successor)
        except BrokenSeal:  # the key it was sealed with was retired this very moment
            pass
    # Whoever comes may be honest, so the session goes on, with a token of its own beside the one that nobody can read.
    await change.add_successor(
        old_hash, hash_of(successor), session.id, now=context.now, expires_at=expires_at, sealed_successor=sealed
    )
    return session, successor


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
