"""A person's own data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from connectors.directory.errors import StaleVersion
from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.people import ProfileChange
from connectors.values import Address
from resolvers.contact_data import address, phone
from resolvers.context import RequestContext
from resolvers.refusals import Stale
from resolvers.transactions import masked_values_of
from resolvers.validation import LONGEST_NAME, locale, text, time_zone, together


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
    cleaned = _checked(edit.values, caller.user.address)
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


def _checked(values: Mapping[str, str | Address | None], lives_in: Address | None) -> dict[str, str | Address | None]:
    cleaned = dict(values)
    with together() as checking:
        for key, value in values.items():
            path = [key]
            if key in ("first_name", "last_name"):
                name = value if isinstance(value, str) else ""
                cleaned[key] = checking.check(partial(text, name, path, LONGEST_NAME))
            elif key == "time_zone" and isinstance(value, str):
                cleaned[key] = checking.check(partial(time_zone, value, path))
            elif isinstance(value, Address):
                cleaned[key] = checking.check(partial(address, value, path))
            elif key == "locale" and value is not None:
                cleaned[key] = checking.check(partial(locale, value, path))
            elif key == "phone":
                written = values.get("address") or lives_in
                country = written.country_code if isinstance(written, Address) else None
                cleaned[key] = checking.check(partial(phone, value, path, country=country))
    return cleaned
