"""The language in which the portal speaks to a caller, and how it writes money."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

from connectors.values import Address, Localized, Money
from connectors.wanted import of_values
from resolvers.at_once import each_by
from resolvers.context import RequestContext
from resolvers.languages import known_locale
from resolvers.texts import translated

LAST_RESORT = "en"

_OTHER_DECIMALS: Mapping[str, int] = {
    currency: decimals
    for currency in get_global("currency_fractions")
    if (decimals := get_currency_precision(currency)) != 2
}
"""How many decimals the currencies have that have not two, as most have."""

_CENTS = [f".{cents:02}" for cents in range(100)]
_SMALL = 1_000
_UNITS = [str(units) for units in range(_SMALL)]


def in_language(context: RequestContext, texts: Localized, locale: str | None) -> str:
    """Return the text in the language asked for, else in the caller's, else in English."""
    return texts[_nearest((*_tags(context, locale), context.backends.portal.default_locale), texts)]


def localized(texts: str) -> Callable[..., list[str | None]]:
    """Return the function of a field that shows the text that each record has under this name, as `in_language` does;
    None of a record that has it in no language.
    """
    texts_of = attrgetter(texts)

    def prepared(context: RequestContext, locale: str | None = None) -> Callable[[Any], str | None]:
        wanted = (*_tags(context, locale), context.backends.portal.default_locale)
        shown: dict[int, tuple[Localized, str]] = {}  # a list shows few texts many times

        def text_of(record: Any) -> str | None:
            text = texts_of(record)
            found = shown.get(id(text))
            if found is not None:
                return found[1]
            if not text:
                return None
            answer: str = text[_nearest(wanted, text)]
            shown[id(text)] = text, answer  # which keeps the text, so that no other one gets its id
            return answer

        return text_of

    def shown(context: RequestContext, records: Sequence[Any], *, locale: str | None = None) -> list[str | None]:
        return list(map(prepared(context, locale), records))

    prepared.__name__ = f"{texts.rpartition('.')[2]}_in_language"
    return each_by(prepared)(shown)


def _nearest(wanted: Sequence[str], known: Collection[str]) -> str:
    """Return under which of the languages known the text stands that is shown to whoever wants these, best first."""
    for tag in wanted:
        if tag in known:
            return tag
        if (language := tag.partition("-")[0]) in known:
            return language
    return LAST_RESORT if LAST_RESORT in known else next(iter(known))


def as_stored(context: RequestContext, words: str | None) -> str | None:
    """Return what somebody wrote, or the portal, whose words are kept in English, in the language of the caller."""
    return translated(words, context.reader) if words else words


def on_one_line(address: Address) -> str:
    """Return the address as one line of text, every part of it."""
    town = " ".join(filter(None, (address.postal_code, address.city)))
    parts = (address.name, address.company, *address.street, town, address.region, address.country_code, address.phone)
    return ", ".join(filter(None, parts))


@of_values(Money, "minor_units", "currency")
def amount(minor_units: int, currency: str) -> str:
    """Return the amount in units of the currency, exact, with as many decimals as the currency has: ``1234.50``."""
    if currency not in _OTHER_DECIMALS and minor_units >= 0:
        units = minor_units // 100
        return (_UNITS[units] if units < _SMALL else str(units)) + _CENTS[minor_units % 100]
    return str(_exact(minor_units, _decimals(currency)))


def formatted(context: RequestContext, money: Money, *, locale: str | None = None) -> str:
    """Return the amount as it is written in the language asked for, else in the caller's, else in English."""
    for tag in _tags(context, locale):
        if known_locale(tag) is not None:  # of what is no language, however long, nothing is kept
            return _written(money.minor_units, money.currency, tag)
    return _written(money.minor_units, money.currency, LAST_RESORT)


def _exact(minor_units: int, decimals: int) -> Decimal:
    return Decimal(minor_units).scaleb(-decimals)


def _decimals(currency: str) -> int:
    return _OTHER_DECIMALS.get(currency, 2)


@lru_cache(maxsize=5_000)
def _written(minor_units: int, currency: str, tag: str) -> str:
    """Return the amount as it is written in a language that is known.

    Writing one takes longer than reading its row, and the same prices come again and again.
    """
    return str(format_currency(_exact(minor_units, _decimals(currency)), currency, locale=known_locale(tag)))


def _tags(context: RequestContext, locale: str | None) -> Sequence[str]:
    return [locale, *context.languages] if locale else context.languages
