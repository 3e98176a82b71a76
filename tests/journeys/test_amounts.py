"""Amounts of money are exact, with as many decimals as their currency has."""

from decimal import Decimal
from typing import Any

import pytest
from babel.core import get_global
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from connectors.values import Money
from resolvers.localization import amount

CONTEXT: Any = None

WRITTEN = [
    (0, "EUR", "0.00"),
    (5, "EUR", "0.05"),
    (99, "EUR", "0.99"),
    (100, "EUR", "1.00"),
    (123_450, "EUR", "1234.50"),
    (-5, "EUR", "-0.05"),
    (-123_450, "EUR", "-1234.50"),
    (7, "JPY", "7"),
    (1_234, "KWD", "1.234"),
]


@pytest.mark.parametrize(("minor_units", "currency", "written"), WRITTEN)
def test_an_amount_is_written_with_the_decimals_of_its_currency(minor_units: int, currency: str, written: str) -> None:
    assert amount(CONTEXT, Money(minor_units, currency)) == written


@pytest.mark.parametrize("currency", [*get_global("currency_fractions"), "EUR", "XXQ"])
def test_every_currency_has_the_decimals_that_unicode_gives_it(currency: str) -> None:
    written = amount(CONTEXT, Money(123_456_789, currency))

    assert written == str(Decimal(123_456_789).scaleb(-get_currency_precision(currency)))


@given(st.integers(-(10**12), 10**12))
def test_an_amount_is_what_a_decimal_says(minor_units: int) -> None:
    written = amount(CONTEXT, Money(minor_units, "EUR"))

    assert written == str(Decimal(minor_units).scaleb(-2))
