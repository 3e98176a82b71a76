"""The language in which the portal speaks to a caller, and how it writes money."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

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


def amount(money: Money) -> Decimal:
    """Return the amount in units of the currency, exact, with as many decimals as the currency has."""
    precision = get_currency_precision(money.currency)
    return Decimal(money.minor_units).scaleb(-precision)


def formatted(context: RequestContext, money: Money, *, locale: str | None = None) -> str:
    """Return the amount as it is written in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        try:
            return str(format_currency(amount(money), money.currency, locale=Locale.parse(tag, sep="-")))
        except (UnknownLocaleError, ValueError):
            continue
    return str(format_currency(amount(money), money.currency, locale=LAST_RESORT))


def _tags(context: RequestContext, locale: str | None) -> Sequence[str]:
    return [locale, *context.languages] if locale else context.languages
