"""The scalars of the graph; what they print is fixed by the standards they name."""

import re
from datetime import UTC, datetime
from decimal import Decimal as PythonDecimal
from functools import lru_cache
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from connectors.values import URI_CHARACTERS

DateTime = NewType("DateTime", datetime)
Decimal = NewType("Decimal", PythonDecimal)
EmailAddress = NewType("EmailAddress", str)
PhoneNumber = NewType("PhoneNumber", str)
URL = NewType("URL", str)
Locale = NewType("Locale", str)
CurrencyCode = NewType("CurrencyCode", str)

_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(?:\.[^@\s\x00-\x1f.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def _print_datetime(value: datetime) -> str:
    return _print_utc(value.astimezone(UTC))  # in UTC first: elsewhere, two instants may be equal where clocks go back


@lru_cache(maxsize=5_000)  # those that were read lately are written again and again
def _print_utc(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _read_datetime(value: Any) -> datetime:
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("A DateTime is written as in RFC 3339, such as 2026-03-01T12:00:00Z.") from None
    if read.tzinfo is None:
        raise ValueError("A DateTime needs its offset, such as 2026-03-01T12:00:00Z.")
    return read.astimezone(UTC)


def _read_decimal(value: Any) -> PythonDecimal:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?", value):
        return PythonDecimal(value)
    raise ValueError('A Decimal is written as a string, such as "1234.50".')


def _matching(pattern: re.Pattern[str], longest: int, rule: str) -> Any:
    def read(value: Any) -> str:
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
            return value
        raise ValueError(rule)

    return read


def _scalar(name: str, description: str, read: Any, write: Any = str, url: str | None = None) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, parse_value=read, serialize=write, specified_by_url=url
    )


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: _scalar(
        "DateTime",
        "An instant in UTC, as in RFC 3339: `2026-03-01T12:00:00Z`.",
        _read_datetime,
        _print_datetime,
        "https://scalars.graphql.org/andimarek/date-time.html",
    ),
    Decimal: _scalar("Decimal", 'An exact decimal number, as a string: `"1234.50"`.', _read_decimal),
    EmailAddress: _scalar(
        "EmailAddress",
        "An e-mail address, as in RFC 5321.",
        _matching(_EMAIL, 254, "An EmailAddress is written such as name@company.example."),
    ),
    PhoneNumber: _scalar(
        "PhoneNumber",
        "A telephone number, as in E.164: `+4915112345678`.",
        _matching(_PHONE, 16, "A PhoneNumber is written as in E.164, such as +4915112345678."),
    ),
    URL: _scalar(
        "URL",
        "A URL, as in RFC 3986.",
        _matching(
            re.compile(rf"(?:https?://|/(?!/)){URI_CHARACTERS}*"),
            2048,
            "A URL begins with https://, http:// or a single /; quotes, brackets, blanks and accents in it are written "
            "as in RFC 3986, such as %20.",
        ),
    ),
    Locale: _scalar(
        "Locale",
        "A language, as a BCP 47 tag: `de`, `fr-CH`.",
        _matching(_LOCALE, 35, "A Locale is a BCP 47 tag such as de or fr-CH."),
    ),
    CurrencyCode: _scalar(
        "CurrencyCode",
        "A currency, as in ISO 4217: `EUR`.",
        _matching(_CURRENCY, 3, "A CurrencyCode is written as in ISO 4217, such as EUR."),
    ),
}
"""How strawberry reads and writes each scalar."""
