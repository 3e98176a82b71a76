"""Changing what the directory keeps: in one transaction, done once, tried again when another change was in the way."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from connectors.directory.records.idempotency import IdempotencyRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.errors import BackendUnavailable
from connectors.ids import OrganizationId
from connectors.values import Address
from permissions.access_rules import AccessRule
from permissions.decision import decide, may
from permissions.viewer import Viewer
from permissions.vocabulary import DenialReason
from resolvers.context import RequestContext
from resolvers.localization import on_one_line
from resolvers.refusals import Forbidden, Invalid, KeyReused, NotFound
from resolvers.texts import AnyOf, Text
from resolvers.viewer import viewer_of

ATTEMPTS = 6
"""So often a change is tried that others are in the way of, before the directory counts as away."""

LONGEST_KEY = 200

T = TypeVar("T")
Receipt = Any
"""What a request answered, as JSON can keep it: ids, codes and texts, from which the answer can be made again."""


@dataclass(frozen=True, slots=True)
class Once:
    """The name that a client gives its request, and all that it asks for, so that a repeated one is recognized.

    `input` is anything that orjson can write; None as `key` means that the request may be done again.
    """

    key: str | None
    operation: str
    input: Any


def author(context: RequestContext, reason: str | None = None) -> Author:
    """Return the caller as the author of changes; the portal itself when nobody is signed in."""
    user_id = context.caller.user.id if context.caller is not None else None
    return Author(user_id, context.request_id, context.ip_address, reason)


async def changed(context: RequestContext, command: Callable[[DirectoryChange], Awaitable[T]]) -> T:
    """Carry out the command in one transaction and return its answer; all of it is stored, or nothing.

    The command is called again from its beginning when another change was in its way, so it must do nothing but ask and
    change the directory.

    Raises:
        BackendUnavailable: The directory does not answer, or others were in the way each time.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with context.backends.directory.change() as change:
                return await command(change)
        except ChangeConflict:
            await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)
    raise BackendUnavailable("directory", "other changes were in the way")


async def changed_once(
    context: RequestContext, once: Once, command: Callable[[DirectoryChange], Awaitable[Receipt]]
) -> Receipt:
    """Carry out the command like `changed`, once for each key: a repeated request gets the first one's receipt.

    The receipt is stored in the transaction of the command. A command that raises leaves no trace, so that the same key
    may be tried again. Keys belong to the caller; somebody else's are other keys. All who are not signed in are nobody
    in particular, so there a key belongs to its input: with another one it is another key, and a stranger who happens
    to choose the same neither gets in the way nor learns anything.

    Raises:
        KeyReused: The caller is signed in, and the key came with another input before.
        Invalid: The key is empty or longer than 200 characters.
    """
    request = named_request(context, once)
    if request is None:
        return await changed(context, command)

    async def command_once(change: DirectoryChange) -> Receipt:
        earlier = await request.earlier(change)
        if earlier is not None:
            return earlier.receipt
        receipt = await command(change)
        await request.remember(change, receipt, context.now)
        return receipt

    return await changed(context, command_once)


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request by the name that its client gave it, as the directory keeps it."""

    actor: str
    key: str
    input_hash: bytes

    async def earlier(self, change: DirectoryChange) -> IdempotencyRecord | None:
        """Return what is kept of it since it came before; None when it is the first.

        Raises:
            KeyReused: It came with another input.
        """
        earlier = await change.earlier(self.actor, self.key)
        if earlier is not None and earlier.input_hash != self.input_hash:
            raise KeyReused
        return earlier

    async def remember(self, change: DirectoryChange, receipt: Receipt, now: datetime) -> None:
        """Keep this of it."""
        await change.remember(self.actor, self.key, IdempotencyRecord(self.input_hash, receipt), now)

    async def forget(self, change: DirectoryChange) -> None:
        """Keep nothing of it any more."""
        await change.forget_request(self.actor, self.key)


def named_request(context: RequestContext, once: Once) -> NamedRequest | None:
    """Return the request by its name; None when it has none.

    Raises:
        Invalid: The key is empty or longer than 200 characters.
    """
    key = once.key
    if key is None:
        return None
    if wrong := wrong_key(key):
        raise wrong
    asked = orjson.dumps([once.operation, once.input], option=orjson.OPT_SORT_KEYS, default=_as_json)
    input_hash = hashlib.sha256(asked).digest()
    actor = context.caller.user.id if context.caller is not None else ""
    own_key = key if actor else hashlib.sha256(input_hash + key.encode(errors="replace")).hexdigest()
    return NamedRequest(actor, own_key, input_hash)


def wrong_key(key: str) -> Invalid | None:
    """Return why a request cannot have this name, None when it can."""
    if 1 <= len(key) <= LONGEST_KEY:
        return None
    message = Text("Use 1 to {longest} characters, preferably a random UUID.", longest=LONGEST_KEY)
    return Invalid(message, KEY, f"length 1..{LONGEST_KEY}")


KEY = ["idempotency_key"]


async def was_done(context: RequestContext, key: str | None) -> bool:
    """Return whether the caller's request with this key was carried out before, so that it only has to be answered.

    Somebody who gave their own rights away and did not hear the answer may ask for it again.
    """
    if context.caller is None or not key:
        return False
    async with context.backends.directory.change() as change:
        return await change.earlier(context.caller.user.id, key[: LONGEST_KEY + 1]) is not None


async def acting_in(
    context: RequestContext, change: DirectoryChange, organization_id: OrganizationId, rule: AccessRule
) -> tuple[OrganizationRecord, Viewer]:
    """Lock the organization and return it with the caller as they are now, who may there what the rule says.

    The guard has asked before the transaction; meanwhile the caller may have lost what they held.

    Raises:
        NotFound: There is no such organization.
        Forbidden: The caller may not any more.
    """
    organization = await change.lock_organization(organization_id)
    if organization is None or context.caller is None:
        raise NotFound("organization", ["organization_id"])
    viewer = await current_viewer(context, change)
    if viewer is None or not may(viewer, rule, organization_id, context.now):
        raise forbidden(context, viewer, rule, organization_id)
    return organization, viewer


async def current_viewer(context: RequestContext, change: DirectoryChange) -> Viewer | None:
    """Return the caller as they are now; None when nobody is signed in (any more)."""
    caller = context.caller
    now = await change.ask.caller(caller.user.id, caller.session_id, context.now) if caller is not None else None
    return viewer_of(now, context.policy) if now is not None else None


async def acting_for_vendor(context: RequestContext, change: DirectoryChange, rule: AccessRule) -> Viewer:
    """Return the caller as they are now, who may as vendor staff what the rule says.

    Lock what the command is about first, so that the order of locks stays the same everywhere.

    Raises:
        Forbidden: The caller may not any more.
    """
    viewer = await current_viewer(context, change)
    if viewer is None or not may(viewer, rule, None, context.now):
        raise forbidden(context, viewer, rule, None)
    return viewer


def forbidden(
    context: RequestContext, viewer: Viewer | None, rule: AccessRule, organization_id: str | None
) -> Forbidden:
    """Return the refusal of somebody who may not in the organization what the rule says, None: as vendor staff."""
    decision = decide(viewer, rule, organization_id=organization_id, now=context.now, policy=context.policy)
    needed = AnyOf([Text("“{permission}”", permission=one.labels) for one in rule.any_of])
    match decision.reason:
        case DenialReason.MEMBERSHIP_SUSPENDED:
            message = Text(
                "Your membership in this organization is suspended. Please contact one of its administrators."
            )
        case DenialReason.ORGANIZATION_NOT_ACTIVE:
            message = Text("This organization is not active. Please contact the vendor.")
        case _ if organization_id is None:
            message = Text("This requires the vendor permission {permissions}.", permissions=needed)
        case _:
            message = Text("This requires the permission {permissions} in this organization.", permissions=needed)
    return Forbidden(message, decision, organization_id)


def values_of(record: object, keys: Iterable[str]) -> dict[str, str | None]:
    """Return these parts of a record as the audit log keeps them."""
    return {key: _as_text(getattr(record, key)) for key in keys}


def masked_values_of(record: object, keys: Iterable[str]) -> dict[str, str | None]:
    """Return these parts of a record as the audit log keeps what is personal: that there is a value, and not which.

    Nothing is ever erased from the log, and people's data has to be when they go.
    """
    return {key: None if getattr(record, key) is None else MASKED for key in keys}


MASKED = "***"


def _as_text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case Address():
            return on_one_line(value)
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _as_json(value: Any) -> Any:
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON.")
