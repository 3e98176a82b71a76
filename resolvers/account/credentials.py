"""Which password counts: decided in the directory, and carried to the identity back end from the outbox.

A change of a password is two writes in two back ends, so the first decides and the second follows. In one transaction
of the directory, with all else that belongs to the change, the person's credentials get the next version, and the
hash is left in the outbox, sealed. From that commit on no earlier password opens a session, whatever the identity back
end knows yet: who verifies a password says which version it must be of at least, and whoever finds the back end behind
carries the change there first. The request itself does so at once; when it cannot, the worker does.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import CredentialsRecord
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.errors import ConnectorError
from connectors.identity.interface import Credentials, CredentialsBehind
from connectors.identity.seals import BrokenSeal
from connectors.ids import OutboxId, UserId
from resolvers.context import RequestContext
from resolvers.transactions import changed

CREDENTIALS_SET = "CREDENTIALS_SET"
CREDENTIALS_FORGET = "CREDENTIALS_FORGET"

HEAD_START = timedelta(seconds=10)
"""How long the worker leaves a new hash to the request that made it."""

PATIENCE = 3.0
"""Seconds that a request may take to apply its own change before it leaves it to the worker."""

log = logging.getLogger("forecourt.credentials")


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that counts once the change is committed, and the item of the outbox that carries it."""

    credentials: Credentials
    item_id: OutboxId


async def set_password(
    context: RequestContext, change: DirectoryChange, user_id: UserId, password_hash: str
) -> NewPassword:
    """Let this be the person's password from the commit on, and no earlier one; `apply_at_once` afterwards.

    The person is locked in the change, or was added in it. `password_hash` comes from `Accounts.hash`: making it takes
    too long for a transaction.
    """
    version = await _superseded(context, change, user_id)
    item_id = await change.enqueue(
        CREDENTIALS_SET,
        {"user": user_id, "version": version},
        now=context.now,
        sealed=context.backends.seals.seal(password_hash),
        due_at=context.now + HEAD_START,
    )
    await change.set_credentials(CredentialsRecord(user_id, version, item_id))
    return NewPassword(Credentials(user_id, version, password_hash), item_id)


async def erase_password(context: RequestContext, change: DirectoryChange, user_id: UserId) -> None:
    """Let no password of the person count from the commit on, and have what is kept of it deleted."""
    version = await _superseded(context, change, user_id)
    item_id = await change.enqueue(CREDENTIALS_FORGET, {"user": user_id}, now=context.now)
    await change.set_credentials(CredentialsRecord(user_id, version, item_id))


async def apply_at_once(context: RequestContext, new: NewPassword) -> None:
    """Notify the identity back end of a change that was committed; when that fails, the worker does it.

    Never fails: the change is stored, and whoever asked for it is to hear so.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await context.backends.accounts.apply([new.credentials])
            await changed(context, lambda change: change.finish(new.item_id, now=context.now))
    except Exception as error:
        # By its name alone: a database's own words may repeat what was to be stored.
        reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
        log.warning("password left to the worker", extra={"item": new.item_id, "reason": reason})


async def apply_credentials(context: RequestContext, item: OutboxRecord) -> None:
    """Notify the identity back end of the change that an item carries; one that a later change replaced does nothing.

    Raises:
        BrokenSeal: The hash was sealed with a key that is not here any more.
        BackendUnavailable: The identity back end does not answer.
    """
    if item.sealed is not None:  # else somebody else finished it meanwhile
        hash = context.backends.seals.open(item.sealed)
        user_id, version = UserId(item.content["user"]), int(item.content["version"])
        await context.backends.accounts.apply([Credentials(user_id, version, hash)])


async def forget_credentials(context: RequestContext, item: OutboxRecord) -> None:
    """Delete the password of an account that was deleted; the same item again changes nothing."""
    await context.backends.accounts.forget([UserId(item.content["user"])])


async def verified_version(context: RequestContext, user_id: UserId | None, password: str) -> int | None:
    """Return the version of the person's credentials when this is the password that counts, else None.

    It takes the same effort whether there is such a person, and such a password, or not. What it allows is done in
    a transaction that begins with `lock_verified`, for the password may be replaced meanwhile.

    Raises:
        BackendUnavailable: A back end does not answer, or a change cannot be carried to the identity back end.
    """
    backends = context.backends
    (known,) = await backends.directory.credentials_of([user_id or UserId("")])
    at_least = known.version if known is not None else 0
    try:
        return await backends.accounts.verify(user_id, password, at_least=at_least)
    except CredentialsBehind:
        assert known is not None  # nothing is behind nobody's
        await _catch_up(context, known)
    try:
        return await backends.accounts.verify(user_id, password, at_least=at_least)
    except CredentialsBehind:
        # The item is gone or cannot be read: an identity back end that lost what it had, perhaps. What it has does not
        # count any more, and a link for a new password helps.
        log.error("password that counts is nowhere", extra={"item": known.item_id})
        return await backends.accounts.verify(None, password, at_least=0)


async def lock_verified(change: DirectoryChange, user_id: UserId, version: int) -> UserRecord | None:
    """Lock the person and return them; None when the credentials that were verified do not count any more."""
    user = await change.lock_user(user_id)
    (known,) = await change.ask.credentials_of([user_id])
    return user if known is not None and known.version <= version else None


async def _superseded(context: RequestContext, change: DirectoryChange, user_id: UserId) -> int:
    """End the item of the change before, with what is sealed in it, and return the version after it."""
    (known,) = await change.ask.credentials_of([user_id])
    if known is None:
        raise LookupError(f"There is no user {user_id}.")
    if known.item_id is not None:
        await change.finish(known.item_id, now=context.now)
    # Never behind the clock: a directory that was restored from a backup must not give versions out again that the
    # identity back end has seen, for it would ignore them.
    return max(known.version + 1, int(context.now.timestamp() * 1000))


async def _catch_up(context: RequestContext, known: CredentialsRecord) -> None:
    """Carry the change that counts to the identity back end, if its item has the hash still."""
    (item,) = await context.backends.directory.outbox_items([known.item_id or OutboxId("")])
    if item is None or item.kind != CREDENTIALS_SET:
        return
    try:
        await apply_credentials(context, item)
    except BrokenSeal:
        return
    await changed(context, lambda change: change.finish(item.id, now=context.now))
