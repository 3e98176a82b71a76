"""Values of an input that have to be right before anything is done: each returns the value as it is kept.

Every function raises Invalid, with the path of the input, for a value that is not allowed; `together` collects those of
a whole input, so that all can be fixed in one go.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from connectors.values import Address
from resolvers.languages import LONGEST_TAG
from resolvers.refusals import Invalid, Refused, RefusedTogether
from resolvers.texts import Text

LONGEST_NAME = 100
LONGEST_ADDRESS_PART = 200
LONGEST_MESSAGE = 2_000

T = TypeVar("T")


_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, lone surrogates and the separators of lines and paragraphs."""

_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "IC", "QO", "TA", "ZZ"})
"""What is among Unicode's regions, and is no country or territory of ISO 3166-1."""

_COUNTRIES = (frozenset(get_global("territory_languages")) | {"VA"}) - _NO_COUNTRIES
_VAT_ID = re.compile(r"[A-Z]{2}(?=.*[0-9])[0-9A-Z+*]{2,13}")


class Together:
    """Collects what is refused in one input; `check` runs a check and returns its value, or None when it refuses."""

    def __init__(self) -> None:
        self.refusals: list[Refused] = []

    def check(self, checked: Callable[[], T]) -> T | None:
        """Return what the check returns; None when it refuses, which is reported at the end."""
        try:
            return checked()
        except Refused as refusal:
            self.refusals.append(refusal)
            return None

    def refuse(self, refusal: Refused) -> None:
        """Have this reported at the end as well."""
        self.refusals.append(refusal)


@contextmanager
def together() -> Iterator[Together]:
    """Check all of an input.

    Raises:
        RefusedTogether: When the block ends and something was refused.
    """
    collected = Together()
    yield collected
    if collected.refusals:
        raise RefusedTogether(collected.refusals)


def text(value: str, path: list[str], longest: int = LONGEST_NAME) -> str:
    """Return the text trimmed; it has 1 to `longest` characters, none of them a control character."""
    trimmed = value.strip()
    if not 1 <= len(trimmed) <= longest:
        raise Invalid(
            Text("Use 1 to {longest} characters; this has {given}.", longest=longest, given=len(trimmed)),
            path,
            f"length 1..{longest}",
        )
    if any(unicodedata.category(character) in _UNPRINTABLE for character in trimmed):
        raise Invalid(Text("Leave out control characters such as line breaks."), path, "printable")
    return trimmed


def locale(value: str, path: list[str]) -> str:
    """Return the language's tag, which names a language that is known (BCP 47)."""
    if len(value) <= LONGEST_TAG:
        try:
            Locale.parse(value, sep="-")
        except (UnknownLocaleError, ValueError):
            pass
        else:
            return value
    raise Invalid(
        Text("“{given}” is not a language; use a tag such as de, en or fr-CH.", given=value[:LONGEST_TAG]),
        path,
        "BCP 47",
    )


def address(given: Address, path: list[str]) -> Address:
    """Return the address trimmed, in a country that exists, each part no longer than fits on an envelope."""

    def part(value: str | None, name: str) -> str | None:
        return None if value is None or not value.strip() else text(value, [*path, name], LONGEST_ADDRESS_PART)

    if not 1 <= len(given.street) <= 4:
        raise Invalid(Text("Enter one to four lines for the street."), [*path, "street"], "lines 1..4")
    country = given.country_code.strip().upper()
    if len(country) != 2 or country not in _COUNTRIES:
        raise Invalid(
            Text("“{given}” is not a country; use its two letters, such as DE, FR or CH.", given=given.country_code),
            [*path, "country_code"],
            "ISO 3166-1 alpha-2",
        )
    return Address(
        street=tuple(
            text(line, [*path, "street", str(number)], LONGEST_ADDRESS_PART) for number, line in enumerate(given.street)
        ),
        postal_code=text(given.postal_code, [*path, "postal_code"], 20),
        city=text(given.city, [*path, "city"], LONGEST_ADDRESS_PART),
        country_code=country,
        name=part(given.name, "name"),
        company=part(given.company, "company"),
        region=part(given.region, "region"),
        phone=given.phone,
    )


def message(value: str | None, path: list[str], longest: int = LONGEST_MESSAGE) -> str | None:
    """Return a text of several lines, trimmed; None for nothing."""
    trimmed = (value or "").strip()
    if not trimmed:
        return None
    if len(trimmed) > longest:
        raise Invalid(
            Text("Use at most {longest} characters; this has {given}.", longest=longest, given=len(trimmed)),
            path,
            f"length 0..{longest}",
        )
    if any(unicodedata.category(one) in _UNPRINTABLE and one not in "\n\t" for one in trimmed.replace("\r\n", "\n")):
        raise Invalid(Text("Leave out control characters other than line breaks."), path, "printable")
    return trimmed.replace("\r\n", "\n")


def email(value: str, path: list[str]) -> str:
    """Return the address trimmed: printable ASCII before the @, a domain name after it, 254 characters at most.

    Letters that only look like others, quoted names and addresses in brackets are refused: they serve to be mistaken.
    """
    trimmed = value.strip()
    name, _, domain = trimmed.rpartition("@")
    if len(trimmed) > 254 or len(name) > 64 or not _MAILBOX.fullmatch(name) or not _DOMAIN.fullmatch(domain):
        raise Invalid(Text("Enter an e-mail address such as name@company.example."), path, "e-mail address")
    return trimmed


def website(value: str, path: list[str]) -> str:
    """Return the address of a site trimmed: http or https, a domain name, no user name or password in it."""
    trimmed = text(value, path, LONGEST_ADDRESS_PART)
    try:
        parts = urlsplit(trimmed)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc or not _DOMAIN.fullmatch(host):
        raise Invalid(Text("Enter an address such as https://www.company.example."), path, "http or https URL")
    return trimmed.replace("'", "%27")  # a URL may have one, and it ends an attribute of a carelessly written page


def vat_id(value: str | None, path: list[str]) -> str | None:
    """Return a number for value added tax: two letters of the country, then 2 to 13 digits or letters; None: none."""
    written = re.sub(r"[\s.\-]", "", value or "").upper()
    if not written:
        return None
    if not _VAT_ID.fullmatch(written):
        raise Invalid(Text("Enter the number with its country, such as DE123456789."), path, "VAT id")
    return written


def customer_number(value: str | None, path: list[str]) -> str | None:
    """Return the number under which the vendor knows an organization, trimmed; None for none."""
    trimmed = (value or "").strip()
    if not trimmed:
        return None
    if not _CUSTOMER_NUMBER.fullmatch(trimmed):
        raise Invalid(
            Text("Enter a number such as 12345: at most 20 letters, digits and . / -"), path, "customer number"
        )
    return trimmed


_CUSTOMER_NUMBER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9./-]{0,18}[A-Za-z0-9])?")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
