"""The language in which the portal speaks to a caller, and how it writes money."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

from connectors.values import Address, Money
from resolvers.context import RequestContext
from resolvers.languages import known_locale

LAST_RESORT = "en"

_CENTS = tuple(f".{cents:02}" for cents in range(100))


def in_language(context: RequestContext, texts: Mapping[str, str], locale: str | None) -> str:
    """Return the text in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale) if locale else context.languages:
        text = texts.get(tag) or texts.get(tag.partition("-")[0])
        if text is not None:
            return text
    return texts.get(LAST_RESORT) or next(iter(texts.values()))


def on_one_line(address: Address) -> str:
    """Return the address as one line of text, every part of it."""
    town = " ".join(filter(None, (address.postal_code, address.city)))
    parts = (address.name, address.company, *address.street, town, address.region, address.country_code, address.phone)
    return ", ".join(filter(None, parts))


def amounts(_context: RequestContext, moneys: Sequence[Money]) -> list[str]:
    """Return each amount in units of the currency, exact, with as many decimals as the currency has: ``1234.50``."""
    if {_decimals(currency) for currency in {money.currency for money in moneys}} == {2}:
        cents = [money.minor_units for money in moneys]
        if min(cents) >= 0:  # nearly always, and at a tenth of the time that a Decimal takes
            return [f"{amount // 100}{_CENTS[amount % 100]}" for amount in cents]
    return [str(_exact(money.minor_units, _decimals(money.currency))) for money in moneys]


def formatted(context: RequestContext, money: Money, *, locale: str | None = None) -> str:
    """Return the amount as it is written in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        written = _written(money.minor_units, money.currency, tag)
        if written is not None:
            return written
    return _written(money.minor_units, money.currency, LAST_RESORT) or ""


def _exact(minor_units: int, decimals: int) -> Decimal:
    return Decimal(minor_units).scaleb(-decimals)


@lru_cache(maxsize=500)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


@lru_cache(maxsize=5_000)
def _written(minor_units: int, currency: str, tag: str) -> str | None:
    """Return the amount as it is written in a language, None for a language that is not known.

    Writing one takes longer than reading its row, and the same prices come again and again.
    """
    locale = known_locale(tag)
    if locale is None:
        return None
    return str(format_currency(_exact(minor_units, _decimals(currency)), currency, locale=locale))


def _tags(context: RequestContext, locale: str | None) -> Sequence[str]:
    return [locale, *context.languages] if locale else context.languages
