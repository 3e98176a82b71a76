"""Putting on record that somebody tried something that was refused."""

import logging
import re
from contextlib import suppress
from dataclasses import replace

from connectors.directory.records.audit import AuditEntry
from connectors.errors import BackendUnavailable, ConnectorError
from connectors.ids import OrganizationId, UserId
from connectors.rate_limits.interface import Limit
from resolvers.context import RequestContext
from resolvers.refusals import Invalid, Refused, Stale, WrongPassword

log = logging.getLogger("forecourt.refusals")
auth_log = logging.getLogger("forecourt.auth")

_SLIPS = (Invalid, Stale)
"""What everybody gets wrong now and then. Refused sign-ins are on record elsewhere, for whoever is not signed in."""


_ID = re.compile(r"[a-z]{3}_[0-9a-z_]{1,40}")
_DIFFERENT = Limit(60, 3_600)
"""So many refusals of one person are put on record with the ids that they sent."""


async def record_refusal(
    context: RequestContext, action: str, refusal: Refused, *, subject_id: str, organization_id: OrganizationId | None
) -> None:
    """Put a refused mutation on record, once an hour for the same person, object and code.

    `organization_id` is the organization whose log it belongs to. A slip, such as a value that is not allowed, is not
    recorded. That the log cannot be written is logged for the operator; the caller is refused either way.
    """
    caller = context.caller
    if caller is None or isinstance(refusal, _SLIPS):
        return
    if isinstance(refusal, WrongPassword):
        values = {"address": context.ip_address, "person": caller.user.id, "action": action}
        auth_log.warning("password refused", extra=values)
    entry = AuditEntry(
        action,
        caller.user.id,
        subject_id,
        organization_id,
        context.request_id,
        context.ip_address,
        refused_with=refusal.code.value,
    )
    try:
        await record_refused(context, entry, caller.user.id, f"{refusal.code.value} {organization_id}")
    except ConnectorError as error:
        log.warning("refusal not recorded", extra={"action": action, "code": refusal.code.value, "reason": str(error)})


async def record_refused(context: RequestContext, entry: AuditEntry, user_id: UserId, key: str = "") -> None:
    """Put on record what was refused to a person, once an hour for the same object and `key`.

    The id of the object is what they sent. What is no id of ours, an address, say, is not written down, and of invented
    ids only so many: beyond, and instead, the person stands there as the object, so that the log grows no further and
    says still what was tried.

    Raises:
        ConnectorError: The log cannot be written.
    """
    tried, rate_limits = f"refusals:{user_id}", context.backends.rate_limits
    is_named = _ID.fullmatch(entry.subject_id) is not None
    try:
        is_named = is_named and await rate_limits.hit(tried, _DIFFERENT) is None
    except BackendUnavailable:
        is_named = False
    if not is_named:
        entry = replace(entry, subject_id=user_id)
    async with context.backends.directory.change() as change:
        is_new = await change.record_hourly(entry, context.now, f"{user_id} {entry.subject_id} {key}".strip())
    if is_named and not is_new:
        with suppress(BackendUnavailable):  # otherwise counted a little too strictly for a while
            await rate_limits.forgive(tried, _DIFFERENT)
