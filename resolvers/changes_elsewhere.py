"""Changing what another application keeps: asked for by one key however often it is sent, and put on record here.

Before the call, a request that has a key is kept as begun, with the key under which the other application gets it.
Whoever repeats it before it was answered sends that key again; whoever repeats it afterwards gets the answer.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from connectors.directory.directory import DirectoryChange
from connectors.errors import BackendUnavailable, Declined, OutcomeUnknown
from connectors.ids import OrganizationId
from permissions.access_rules import AccessRule
from resolvers.context import RequestContext
from resolvers.refusals import Refused, RefusedTogether
from resolvers.transactions import Once, Receipt, acting_in, author, changed, named_request

log = logging.getLogger("forecourt.backends")


@dataclass(frozen=True, slots=True)
class ChangedElsewhere:
    """What the other application answered, as JSON that is kept, and what of it the audit log keeps."""

    answer: Any
    recorded: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Permitted:
    """As which action a change goes into the log of which organization, and what it asks of the caller there."""

    action: str
    organization_id: OrganizationId
    rule: AccessRule


async def changed_elsewhere(
    context: RequestContext, once: Once, permitted: Permitted, call: Callable[[str], Awaitable[ChangedElsewhere]]
) -> Receipt:
    """Let another application change something, and return what it answered, now or to the same request before.

    `call` is given the key by which that application can recognize the change when it is asked for it again. When it
    refuses, nothing was changed, and the request may be sent again, with the same key and another input, too.

    Raises:
        KeyReused, Invalid: As `changed_once` does.
        NotFound, Forbidden: The caller may not any more.
        OutcomeUnknown: The change was made, and it could not be put on record.
    """
    request, own_key = named_request(context, once), uuid4().hex

    async def begin(change: DirectoryChange) -> Receipt:
        earlier = await request.earlier(change) if request is not None else None
        if earlier is not None:
            return earlier.receipt
        await acting_in(context, change, permitted.organization_id, permitted.rule)
        begun = {_SENT_AS: own_key}
        if request is not None:
            await request.remember(change, begun, context.now)
        return begun

    begun = await changed(context, begin)
    if _ANSWER in begun:
        return begun[_ANSWER]
    try:
        made = await call(begun[_SENT_AS])
    except (Refused, RefusedTogether, Declined):
        # One that came before may be under way still, so its key has to stay the same.
        if request is not None and begun[_SENT_AS] == own_key:
            with suppress(BackendUnavailable):  # then only this input may be sent again with the key
                await changed(context, request.forget)
        raise

    async def finish(change: DirectoryChange) -> Receipt:
        if request is not None:
            earlier = await request.earlier(change)
            if earlier is not None and _ANSWER in earlier.receipt:
                return earlier.receipt[_ANSWER]
            if earlier is not None:
                await change.replace_answer(request.actor, request.key, earlier, {_ANSWER: made.answer}, context.now)
            else:
                await request.remember(change, {_ANSWER: made.answer}, context.now)
        where = permitted.organization_id
        entry = author(context).entry(permitted.action, where, where, after=made.recorded)
        await change.record(entry, context.now)
        return made.answer

    try:
        return await changed(context, finish)
    except BackendUnavailable as error:
        values = {"action": permitted.action, "organization": permitted.organization_id, "reason": str(error)}
        log.error("change not on record", extra=values)
        raise OutcomeUnknown(error.backend, "a change was made and could not be put on record") from error


_SENT_AS, _ANSWER = "sent_as", "answer"
"""What is kept of a request: the key of its call, then the answer instead."""
