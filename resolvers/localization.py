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


def in_language(context: RequestContext, texts: Mapping[str, str], locale: str | None) -> str:
    """Return the text in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        text = texts.get(tag) or texts.get(tag.partition("-")[0])
        if text is not None:
            return text
    default = context.backends.portal.default_locale
    text = texts.get(default) or texts.get(default.partition("-")[0])
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


def amount(_context: RequestContext, money: Money) -> str:
    """Return the amount in units of the currency, exact, with as many decimals as the currency has: ``1234.50``."""
    return _amount(money.minor_units, money.currency)


def formatted(context: RequestContext, money: Money, *, locale: str | None = None) -> str:
    """Return the amount as it is written in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        if known_locale(tag) is not None:  # of what is no language, however long, nothing is kept
            return _written(money.minor_units, money.currency, tag)
    return _written(money.minor_units, money.currency, LAST_RESORT)


@lru_cache(maxsize=5_000)  # the same prices come again and again
def _amount(minor_units: int, currency: str) -> str:
    return str(_exact(minor_units, _decimals(currency)))


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
