"""Values that several back ends speak of in the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Localized = Mapping[str, str]
"""One text in several languages, by BCP 47 language subtag: ``{"de": …, "en": …, "fr": …}``."""


class AccountKind(StrEnum):
    """What kind of customer, or of us, a person is (K9-K11)."""

    PRIVATE_OPERATOR = "PRIVATE_OPERATOR"
    COMMERCIAL_OPERATOR = "COMMERCIAL_OPERATOR"
    BUSINESS_CUSTOMER = "BUSINESS_CUSTOMER"
    VENDOR_STAFF = "VENDOR_STAFF"


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


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor units of its currency (cents), so that sums are exact; `currency` is ISO 4217."""

    minor_units: int
    currency: str
