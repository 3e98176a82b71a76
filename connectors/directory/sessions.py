"""Signed-in devices, and the tokens that continue their sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from connectors.access_events import SessionEnded
from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.lists import Listing
from connectors.database.reader import parallel
from connectors.directory.access import AccessChanges
from connectors.directory.errors import RefreshTokenReused
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.sessions import RotatedToken, SessionRecord
from connectors.directory.rows import SESSIONS
from connectors.directory.tables import refresh_tokens, sessions, users
from connectors.directory.transaction import oldest
from connectors.ids import SessionId, UserId

_token, _session, _user = refresh_tokens.c, sessions.c, users.c
_RUNNING = (_session.ended_at.is_(None), _session.expires_at > NOW)

_SESSIONS_OF = Listing(
    "sessions", SESSIONS, *_RUNNING, owner=_session.user_id, order=(_session.last_seen_at, _session.id)
)
_SESSION_IDS = select(_session.id).where(one_of(_session.id, "ids"), *_RUNNING)
_SESSIONS = SESSIONS.select.where(one_of(_session.id, "ids"), *_RUNNING)
_END_SESSIONS = (
    update(sessions)
    .where(_session.user_id == bindparam("of_user"), _session.ended_at.is_(None), _session.id != bindparam("but"))
    .values(ended_at=NOW)
    .returning(_session.id)
)
_END_SURPLUS = (
    update(sessions)
    .where(
        _session.id.in_(
            select(_session.id)
            .where(_session.user_id == bindparam("of_user"), *_RUNNING)
            .order_by(_session.last_seen_at.desc(), _session.id.desc())
            .offset(bindparam("most"))
        )
    )
    .values(ended_at=NOW)
    .returning(_session.id)
)
_REPLACE_TOKEN = (
    update(refresh_tokens)
    .where(
        _token.hash == bindparam("old_hash"),
        _token.replaced_at.is_(None),
        _token.expires_at > NOW,
        select(_session.id).where(_session.id == _token.session_id, *_RUNNING).exists(),
    )
    .values(replaced_at=NOW, sealed_successor=bindparam("sealed"))
    .returning(_token.session_id)
)
# Locked, so that of several who come again at the same time each sees what the one before has stored.
_REPLACED_TOKEN = (
    select(_token.session_id, _session.user_id, _token.replaced_at, _token.sealed_successor)
    .join_from(refresh_tokens, sessions, _session.id == _token.session_id)
    .where(_token.hash == bindparam("old_hash"), _token.replaced_at.is_not(None))
    .with_for_update(of=refresh_tokens)
)
_KEEP_SUCCESSOR = (
    update(refresh_tokens).where(_token.hash == bindparam("old_hash")).values(sealed_successor=bindparam("sealed"))
)
_ERASE_SUCCESSORS = (
    update(refresh_tokens)
    .where(
        _token.session_id == bindparam("of_session"),
        _token.sealed_successor.is_not(None),
        _token.replaced_at <= bindparam("before"),
    )
    .values(sealed_successor=None)
)
_SEE_SESSION = (
    update(sessions)
    .where(_session.id == bindparam("session_id"), *_RUNNING)
    .values(last_seen_at=NOW)
    .returning(*SESSIONS.columns)
)
# Whoever ends several locks the person first; the other way round, each would wait for what the other has.
_LOCK_OWNER = (
    select(_user.id)
    .where(_user.id == select(_session.user_id).where(_session.id == bindparam("session_id")).scalar_subquery())
    .with_for_update(key_share=True)
)
_END_SESSION = (
    update(sessions)
    .where(_session.id == bindparam("session_id"), _session.ended_at.is_(None))
    .values(ended_at=NOW)
    .returning(_session.user_id)
)
# A session ends automatically thirty days after it began at the latest, so this finds those that were ended, too.
_OLD_SESSIONS = oldest(_session.id, _session.expires_at < bindparam("before"), order=[_session.expires_at, _session.id])
_FORGET_REFRESH_TOKENS = delete(refresh_tokens).where(_token.session_id.in_(_OLD_SESSIONS))
_FORGET_SESSIONS = delete(sessions).where(_session.id.in_(_OLD_SESSIONS))
_KEPT_SUCCESSORS = oldest(
    _token.hash,
    _token.sealed_successor.is_not(None),
    _token.replaced_at < bindparam("before"),
    order=[_token.replaced_at],
)
_ERASE_KEPT_SUCCESSORS = update(refresh_tokens).where(_token.hash.in_(_KEPT_SUCCESSORS)).values(sealed_successor=None)
_REFRESH_TOKEN = select(_token.session_id).where(_token.hash == bindparam("of_hash"))
_SESSION_IN_NETWORK = (
    select(_session.id)
    .where(
        _session.user_id == bindparam("of_user", type_=IdText),
        _session.network == bindparam("network", type_=CleanText),
        _session.created_at > bindparam("since", type_=UtcDateTime),
    )
    .limit(1)
)


class SessionQueries(DirectoryReader):
    """Queries about sessions."""

    async def running(self, session_ids: Sequence[SessionId], now: datetime) -> Sequence[bool]:
        """Return whether each session is neither ended nor expired."""
        found = {row[0] for row in await self.read_of(session_ids, _SESSION_IDS, now=now)}
        return [id in found for id in session_ids]

    async def sessions_of(
        self, user_ids: Sequence[UserId], *, now: datetime, limit: int
    ) -> Sequence[Sequence[SessionRecord]]:
        """Return each person's sessions that are neither ended nor expired, at most `limit`, seen last first."""
        return await self.firsts(_SESSIONS_OF, user_ids, limit, now=now)

    async def sessions(self, ids: Sequence[SessionId], now: datetime) -> Sequence[SessionRecord | None]:
        """Return the sessions with these ids, None for one that has ended or expired."""
        found = SESSIONS.records(await self.read_of(ids, _SESSIONS, now=now))
        return parallel(ids, {session.id: session for session in found})

    async def has_signed_in_from(self, user_id: UserId | None, network: str | None, *, since: datetime) -> bool:
        """Return whether the person began a session in this network since then; for nobody, not, by the same work."""
        rows = await self.read(_SESSION_IN_NETWORK, of_user=user_id or "", network=network or "", since=since)
        return bool(rows)

    async def knows_refresh_token(self, hash: bytes) -> bool:
        """Return whether a session has, or had, the refresh token with this hash, whatever became of both."""
        return bool(await self.read(_REFRESH_TOKEN, of_hash=hash))


class SessionChanges(AccessChanges):
    """Changes of sessions; ending one is reported like a change of access."""

    async def open_session(
        self,
        session: SessionRecord,
        refresh_token_hash: bytes,
        refresh_expires_at: datetime,
        *,
        network: str | None = None,
    ) -> None:
        """Store a new session with its first refresh token (only the hash is stored), begun in this network."""
        await self._add(SESSIONS, session, network=network)
        await self._add_token(session.id, refresh_token_hash, session.created_at, refresh_expires_at)

    async def rotate_refresh_token(
        self,
        old_hash: bytes,
        new_hash: bytes,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str | None = None,
        reuse_window: timedelta = timedelta(),
    ) -> RotatedToken | None:
        """Replace a refresh token by its successor, at most once however many ask at the same time.

        `sealed_successor` is the successor as it may be kept. A token replaced less than the `reuse_window` ago is
        not replaced again: the answer says so and has the successor of the first time. Until the transaction ends,
        nobody else gets an answer about that token.

        Returns None when the token is unknown or expired or its session ended.

        Raises:
            RefreshTokenReused: The token was replaced longer ago. The session is ended, and that is committed.
        """
        asked = {"old_hash": old_hash, "now": now, "sealed": sealed_successor}
        row = (await self._execute(_REPLACE_TOKEN, asked)).first()
        if row is None:
            return await self._used_again(old_hash, now, reuse_window)
        session = await self._first(SESSIONS, _SEE_SESSION, {"session_id": row[0], "now": now})
        if session is None:  # signed out between the two statements
            return None
        await self._execute(_ERASE_SUCCESSORS, {"of_session": row[0], "before": now - reuse_window})
        await self._add_token(row[0], new_hash, now, expires_at)
        return RotatedToken(session)

    async def add_successor(
        self,
        old_hash: bytes,
        new_hash: bytes,
        session_id: SessionId,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str,
    ) -> None:
        """Give a replaced token one more successor, which is the one kept from now on; the others count too."""
        await self._execute(_KEEP_SUCCESSOR, {"old_hash": old_hash, "sealed": sealed_successor})
        await self._add_token(session_id, new_hash, now, expires_at)

    async def end_session(self, session_id: SessionId, now: datetime) -> None:
        """End a session, reported like a change of access; ending one that is over changes nothing."""
        await self._execute(_LOCK_OWNER, {"session_id": session_id})
        row = (await self._execute(_END_SESSION, {"session_id": session_id, "now": now})).first()
        if row is not None:
            self.events.append(SessionEnded(session_id, row[0]))
            await self._count(row[0], None)

    async def end_sessions(self, user_id: UserId, now: datetime, *, but: SessionId | None = None) -> int:
        """End all of a person's sessions, except for one, each reported like a change of access; return how many."""
        await self.lock_user(user_id)
        ended = await self._execute(_END_SESSIONS, {"of_user": user_id, "but": but or "", "now": now})
        return await self._report_ended(user_id, ended.scalars().all())

    async def end_surplus_sessions(self, user_id: UserId, now: datetime, *, most: int) -> int:
        """End a person's running sessions but the `most` that were seen last, and return how many.

        In as many statements for thousands as for one.
        """
        await self.lock_user(user_id)
        ended = await self._execute(_END_SURPLUS, {"of_user": user_id, "most": most, "now": now})
        return await self._report_ended(user_id, ended.scalars().all())

    async def forget_sessions(self, *, before: datetime) -> int:
        """Throw away sessions that were over anyway before this instant, with all their refresh tokens."""
        await self._execute(_FORGET_REFRESH_TOKENS, {"before": before})
        return (await self._execute(_FORGET_SESSIONS, {"before": before})).rowcount

    async def erase_successors(self, *, before: datetime) -> int:
        """Erase the sealed successors of refresh tokens that were replaced before this instant."""
        return (await self._execute(_ERASE_KEPT_SUCCESSORS, {"before": before})).rowcount

    async def _used_again(self, hash: bytes, now: datetime, reuse_window: timedelta) -> RotatedToken | None:
        """Answer for a token that cannot be replaced: unknown, expired, or replaced before."""
        row = (await self._execute(_REPLACED_TOKEN, {"old_hash": hash})).first()
        if row is None:
            return None
        session_id = SessionId(row.session_id)
        if reuse_window and now < row.replaced_at + reuse_window:
            session = await self._first(SESSIONS, _SEE_SESSION, {"session_id": session_id, "now": now})
            return RotatedToken(session, True, row.sealed_successor) if session is not None else None
        self.reused.append((session_id, now))
        await self.end_session(session_id, now)
        raise RefreshTokenReused(session_id, UserId(row.user_id))

    async def _add_token(self, session_id: SessionId, hash: bytes, issued_at: datetime, expires_at: datetime) -> None:
        row = {"hash": hash, "session_id": session_id, "issued_at": issued_at, "expires_at": expires_at}
        await self._execute(insert(refresh_tokens), row)

    async def _report_ended(self, user_id: UserId, ended: Sequence[str]) -> int:
        for session_id in ended:
            self.events.append(SessionEnded(SessionId(session_id), user_id))
        if ended:
            await self._count(user_id, None)
        return len(ended)
