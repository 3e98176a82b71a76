"""A person's own data."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from connectors.directory.interface import AuditEntry, CallerRecord, ProfileChange, StaleVersion, UserRecord
from connectors.values import Address
from resolvers.context import RequestContext
from resolvers.errors import Invalid, Refused, RefusedTogether, Stale

LONGEST_NAME = 100
LONGEST_ADDRESS_PART = 200


@dataclass(frozen=True, slots=True)
class ProfileEdit:
    """What a person wants to change; only the keys of `values` are touched (``first_name``, ``address``, …)."""

    values: Mapping[str, str | Address | None]
    expected_version: int


async def update_profile(context: RequestContext, edit: ProfileEdit) -> CallerRecord:
    """Change the caller's own profile and return the caller as they are now (K12, D9, D11, D12).

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
                    before=_for_the_log(before, cleaned),
                    after=_for_the_log(after, cleaned),
                ),
                context.now.astimezone(UTC),
            )
    except StaleVersion as stale:
        raise Stale(stale.current_version, ["expectedVersion"]) from None
    now = await context.backends.directory.caller(caller.user.id, caller.session_id, context.now)
    context.become(now)
    assert now is not None
    return now


def _checked(values: Mapping[str, str | Address | None]) -> tuple[dict[str, str | Address | None], list[Refused]]:
    cleaned: dict[str, str | Address | None] = {}
    refusals: list[Refused] = []
    for key, value in values.items():
        path = _PATHS[key]
        try:
            if key in ("first_name", "last_name"):
                cleaned[key] = _text(value if isinstance(value, str) else "", path, LONGEST_NAME)
            elif key == "locale" and isinstance(value, str):
                cleaned[key] = _locale(value, path)
            elif isinstance(value, Address):
                cleaned[key] = _address(value, path)
            else:
                cleaned[key] = value
        except Refused as refusal:
            refusals.append(refusal)
    return cleaned, refusals


def _text(value: str, path: list[str], longest: int) -> str:
    text = value.strip()
    if not 1 <= len(text) <= longest:
        raise Invalid(f"Write 1 to {longest} characters; this has {len(text)}.", path, f"length 1..{longest}")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise Invalid("Leave out control characters such as line breaks.", path, "printable")
    return text


def _locale(value: str, path: list[str]) -> str:
    try:
        Locale.parse(value, sep="-")
    except (UnknownLocaleError, ValueError):
        raise Invalid(f"There is no language {value!r}; write one such as de, en or fr-CH.", path, "BCP 47") from None
    return value


def _address(address: Address, path: list[str]) -> Address:
    def part(value: str | None, name: str) -> str | None:
        return None if value is None or not value.strip() else _text(value, [*path, name], LONGEST_ADDRESS_PART)

    if not 1 <= len(address.street) <= 4:
        raise Invalid("Write one to four lines of street.", [*path, "street"], "lines 1..4")
    country = address.country_code.strip().upper()
    if len(country) != 2 or country not in _COUNTRIES:
        raise Invalid(
            f"{address.country_code!r} is no country; write its two letters, such as DE, FR or CH.",
            [*path, "countryCode"],
            "ISO 3166-1 alpha-2",
        )
    return Address(
        street=tuple(
            _text(line, [*path, "street", str(number)], LONGEST_ADDRESS_PART)
            for number, line in enumerate(address.street)
        ),
        postal_code=_text(address.postal_code, [*path, "postalCode"], 20),
        city=_text(address.city, [*path, "city"], LONGEST_ADDRESS_PART),
        country_code=country,
        name=part(address.name, "name"),
        company=part(address.company, "company"),
        region=part(address.region, "region"),
        phone=address.phone,
    )


def _for_the_log(user: UserRecord, keys: Mapping[str, object]) -> dict[str, str | None]:
    shown: dict[str, str | None] = {}
    for key in keys:
        value = getattr(user, key)
        shown[key] = (
            ", ".join([*value.street, f"{value.postal_code} {value.city}", value.country_code])
            if isinstance(value, Address)
            else value
        )
    return shown


_PATHS = {
    "first_name": ["firstName"],
    "last_name": ["lastName"],
    "phone": ["phone"],
    "locale": ["locale"],
    "address": ["address"],
}
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, lone surrogates and the separators of lines and paragraphs."""

_COUNTRIES = frozenset(get_global("territory_languages")) | {"VA"}
