"""The language in which the portal speaks to a caller, and how it writes money."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

from connectors.values import Address, Money
from resolvers.context import RequestContext
from resolvers.languages import known_locale
from resolvers.texts import translated

LAST_RESORT = "en"

_CENTS = tuple(f".{cents:02}" for cents in range(100))


def in_language(context: RequestContext, texts: Mapping[str, str], locale: str | None) -> str:
    """Return the text in the language asked for, else in the caller's, else in English."""
    for tag in (*_tags(context, locale), context.backends.portal.default_locale):
        text = texts.get(tag) or texts.get(tag.partition("-")[0])
        if text is not None:
            return text
    return texts.get(LAST_RESORT) or next(iter(texts.values()))


def as_stored(context: RequestContext, words: str | None) -> str | None:
    """Return what somebody wrote, or the portal, whose words are kept in English, in the language of the caller."""
    return translated(words, context.reader) if words else words


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
        if known_locale(tag) is not None:  # of what is no language, however long, nothing is kept
            return _written(money.minor_units, money.currency, tag)
    return _written(money.minor_units, money.currency, LAST_RESORT)


def _exact(minor_units: int, decimals: int) -> Decimal:
    return Decimal(minor_units).scaleb(-decimals)


@lru_cache(maxsize=500)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


@lru_cache(maxsize=5_000)
def _written(minor_units: int, currency: str, tag: str) -> str:
    """Return the amount as it is written in a language that is known.

    Writing one takes longer than reading its row, and the same prices come again and again.
    """
    return str(format_currency(_exact(minor_units, _decimals(currency)), currency, locale=known_locale(tag)))


def _tags(context: RequestContext, locale: str | None) -> Sequence[str]:
    return [locale, *context.languages] if locale else context.languages
