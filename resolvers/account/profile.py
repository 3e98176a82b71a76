"""A person's own data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from connectors.directory.errors import StaleVersion
from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.people import ProfileChange
from connectors.values import Address
from resolvers.context import RequestContext
from resolvers.refusals import Refused, RefusedTogether, Stale
from resolvers.transactions import masked_values_of
from resolvers.validation import LONGEST_NAME, address, locale, text, time_zone


@dataclass(frozen=True, slots=True)
class ProfileEdit:
    """What a person wants to change; only the keys of `values` are touched (``first_name``, ``address``, …)."""

    values: Mapping[str, str | Address | None]
    expected_version: int


async def update_profile(context: RequestContext, edit: ProfileEdit) -> CallerRecord:
    """Change the caller's own profile and return the caller as they are now.

    Raises:
        RefusedTogether: Values that are not allowed, each with its path. Nothing is changed.
        Stale: Somebody changed the profile since it was read. Nothing is changed.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    cleaned, refusals = _checked(edit.values)
    if refusals:
        raise RefusedTogether(refusals)
    try:
        async with context.backends.directory.change() as change:
            before, after = await change.update_profile(
                caller.user.id, ProfileChange(cleaned), expected_version=edit.expected_version, now=context.now
            )
            await change.record(
                AuditEntry(
                    action="profile.update",
                    actor_id=caller.user.id,
                    subject_id=caller.user.id,
                    organization_id=None,
                    request_id=context.request_id,
                    ip_address=context.ip_address,
                    before=masked_values_of(before, cleaned),
                    after=masked_values_of(after, cleaned),
                ),
                context.now.astimezone(UTC),
            )
    except StaleVersion as stale:
        raise Stale(stale.current_version, ["expected_version"]) from None
    now = await context.backends.directory.caller(caller.user.id, caller.session_id, context.now)
    context.become(now)
    assert now is not None
    return now


def _checked(values: Mapping[str, str | Address | None]) -> tuple[dict[str, str | Address | None], list[Refused]]:
    cleaned: dict[str, str | Address | None] = {}
    refusals: list[Refused] = []
    for key, value in values.items():
        path = [key]
        try:
            if key in ("first_name", "last_name"):
                cleaned[key] = text(value if isinstance(value, str) else "", path, LONGEST_NAME)
            elif key == "locale" and isinstance(value, str):
                cleaned[key] = locale(value, path)
            elif key == "time_zone" and isinstance(value, str):
                cleaned[key] = time_zone(value, path)
            elif isinstance(value, Address):
                cleaned[key] = address(value, path)
            else:
                cleaned[key] = value
        except Refused as refusal:
            refusals.append(refusal)
    return cleaned, refusals
