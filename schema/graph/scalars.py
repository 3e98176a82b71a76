"""The scalars of the graph; what they print is fixed by the standards they name."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal as PythonDecimal
from functools import lru_cache
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from resolvers.languages import language_tag
from resolvers.validation import Misread, read_instant

Date = NewType("Date", date)
DateTime = NewType("DateTime", datetime)
Decimal = NewType("Decimal", PythonDecimal)
EmailAddress = NewType("EmailAddress", str)
PhoneNumber = NewType("PhoneNumber", str)
URL = NewType("URL", str)
Locale = NewType("Locale", str)
CurrencyCode = NewType("CurrencyCode", str)


def _print_datetime(value: datetime) -> str:
    return _print_utc(value.astimezone(UTC))  # in UTC first: elsewhere, two instants may be equal where clocks go back


@lru_cache(maxsize=5_000)  # those that were read lately are written again and again
def _print_utc(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _read_datetime(value: Any) -> datetime | Misread:
    return read_instant(_text("DateTime")(value))


def _read_decimal(value: Any) -> PythonDecimal:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?", value):
        return PythonDecimal(value)
    raise ValueError('A Decimal is written as a string, such as "1234.50".')


def _text(name: str) -> Callable[[Any], str]:
    """Return how a scalar takes what somebody typed: as it is, for the command to read and to refuse by its path.

    An error of the scalar itself would refuse the whole request (GraphQL, 6.1.2), fifty invitations for one address.
    """

    def read(value: Any) -> str:
        if isinstance(value, str):
            return value
        raise ValueError(f"Write {name} as a string.")

    return read


def _read_locale(value: Any) -> str:
    written = _text("Locale")(value)
    return language_tag(written) or written


def _scalar(name: str, description: str, read: Any, write: Any = str, url: str | None = None) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, parse_value=read, serialize=write, specified_by_url=url
    )


SCALARS: dict[object, ScalarDefinition] = {
    Date: _scalar("Date", "A day, as in RFC 3339: `2026-03-01`.", date.fromisoformat, date.isoformat),
    DateTime: _scalar(
        "DateTime",
        "An instant in UTC, as in RFC 3339: `2026-03-01T12:00:00Z`. Other offsets are accepted.",
        _read_datetime,
        _print_datetime,
        "https://scalars.graphql.org/andimarek/date-time.html",
    ),
    Decimal: _scalar("Decimal", 'An exact decimal number, as a string: `"1234.50"`.', _read_decimal),
    EmailAddress: _scalar(
        "EmailAddress",
        "An e-mail address, as in RFC 5321; its domain may be international: `name@company.example`.",
        _text("EmailAddress"),
    ),
    PhoneNumber: _scalar(
        "PhoneNumber",
        "A telephone number, as in E.164: `+4915112345678`. Blanks, hyphens and the like are accepted between digits.",
        _text("PhoneNumber"),
    ),
    URL: _scalar("URL", "A URL, as in RFC 3986.", _text("URL")),
    Locale: _scalar(
        "Locale", "A language, as a BCP 47 tag: `de`, `fr-CH`. Capitals do not matter, nor does `_`.", _read_locale
    ),
    CurrencyCode: _scalar("CurrencyCode", "A currency, as in ISO 4217: `EUR`.", _text("CurrencyCode")),
}
"""How strawberry reads and writes each scalar."""
