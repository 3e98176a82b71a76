"""Values that several back ends speak of in the same words."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import orjson

from connectors.quick import quick

Localized = Mapping[str, str]
"""One text in several languages, by BCP 47 language subtag: ``{"de": …, "en": …, "fr": …}``."""

URI_CHARACTERS = r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
"""A regular expression for one of the characters of which a URI consists (RFC 3986, 2): no quote, bracket or blank."""


class AccountKind(StrEnum):
    """What kind of customer, or of us, a person is."""

    PRIVATE_OPERATOR = "PRIVATE_OPERATOR"
    COMMERCIAL_OPERATOR = "COMMERCIAL_OPERATOR"
    BUSINESS_CUSTOMER = "BUSINESS_CUSTOMER"
    VENDOR_STAFF = "VENDOR_STAFF"


@quick
@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country_code` is ISO 3166-1 alpha-2, `phone` is E.164."""

    street: tuple[str, ...]
    postal_code: str
    city: str
    country_code: str
    name: str | None = None
    company: str | None = None
    region: str | None = None
    phone: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor units of its currency (cents), so that sums are exact; `currency` is ISO 4217."""

    minor_units: int
    currency: str


def ascii_address(address: str) -> str:
    """Return an e-mail address with its domain in ASCII (IDNA 2008), as mail servers that know no other take it."""
    local, at, domain = address.rpartition("@")
    if not at or domain.isascii() or len(domain) > LONGEST_DOMAIN:
        return address
    import idna  # most domains are in ASCII, and its tables are large

    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except UnicodeError:
        return address


def login_key(name: str) -> str:
    """Return a login name or e-mail address as it is compared: trimmed, in lower case, its domain in ASCII.

    What was copied along and cannot be seen is trimmed as well.
    """
    return ascii_address(name.strip(_BLANK).lower())


_BLANK = string.whitespace + "\u00a0\u2028\u2029\u3000\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u2060\ufeff"
"""Blanks, and what comes along with a text that is copied from a page."""


LONGEST_DOMAIN = 255
"""RFC 5321, 4.5.3.1.2."""


def masked_address(email: str) -> str:
    """Return an e-mail address so that its owner recognizes it and nobody else learns it: ``j***@helios.example``."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}***@{domain}"


@lru_cache(maxsize=2_000)
def address_from(text: str) -> Address:
    """Return the address that is kept as JSON; those asked for most lately are kept, as people come again and again."""
    parts = orjson.loads(text)
    parts["street"] = tuple(parts["street"])
    return Address(**parts)
