"""Amounts of money are exact, with as many decimals as their currency has."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.values import Money
from resolvers.localization import amounts

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
    assert amounts(CONTEXT, [Money(minor_units, currency)]) == [written]


def test_amounts_of_several_currencies_stand_beside_one_another() -> None:
    moneys = [Money(minor_units, currency) for minor_units, currency, _ in WRITTEN]

    assert amounts(CONTEXT, moneys) == [written for _, _, written in WRITTEN]


def test_no_amounts_are_none() -> None:
    assert amounts(CONTEXT, []) == []


@given(st.lists(st.integers(-(10**12), 10**12)))
def test_amounts_of_one_currency_are_what_a_decimal_says(minor_units: list[int]) -> None:
    written = amounts(CONTEXT, [Money(each, "EUR") for each in minor_units])

    assert written == [str(Decimal(each).scaleb(-2)) for each in minor_units]
