"""The language in which the portal speaks to a caller, and how it writes money."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision

from connectors.values import Money
from resolvers.context import RequestContext

LAST_RESORT = "en"


def in_language(context: RequestContext, texts: Mapping[str, str], locale: str | None) -> str:
    """Return the text in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        text = texts.get(tag) or texts.get(tag.split("-")[0])
        if text is not None:
            return text
    return texts.get(LAST_RESORT) or next(iter(texts.values()))


def in_their_language(texts: Mapping[str, str], locale: str | None) -> str:
    """Return the text in somebody else's language, for what is written to them; in English when it is not known."""
    return texts.get(locale or LAST_RESORT) or texts.get((locale or "").split("-")[0]) or texts[LAST_RESORT]


def amount(money: Money) -> Decimal:
    """Return the amount in units of the currency, exact, with as many decimals as the currency has."""
    return Decimal(money.minor_units).scaleb(-_decimals(money.currency))


def formatted(context: RequestContext, money: Money, *, locale: str | None = None) -> str:
    """Return the amount as it is written in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        written = _written(money.minor_units, money.currency, tag)
        if written is not None:
            return written
    return _written(money.minor_units, money.currency, LAST_RESORT) or ""


@lru_cache(maxsize=500)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


@lru_cache(maxsize=5_000)
def _written(minor_units: int, currency: str, tag: str) -> str | None:
    """Return the amount as it is written in a language, None for a language that is not known.

    Writing one takes longer than reading its row, and the same prices come again and again.
    """
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    return str(format_currency(amount(Money(minor_units, currency)), currency, locale=locale))


def _tags(context: RequestContext, locale: str | None) -> Sequence[str]:
    return [locale, *context.languages] if locale else context.languages
