"""Amounts in scenarios: exact, in the currency's own minor units (how they are read: karnet.kernel.decimals)."""

from __future__ import annotations

import pytest

from karnet.kernel.decimals import BadDecimal
from karnet.wiring.play.amounts import Money, basis_points, minor_units, weight_units


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("160", "PLN", 16000), (160, "PLN", 160), ("1600", "JPY", 1600), ("1.234", "KWD", 1234), (1234, "KWD", 1234)],
)
def test_text_is_in_the_currency_and_a_whole_number_in_its_minor_units(
    amount: str | int, currency: str, minor: int
) -> None:
    assert minor_units(amount, currency) == minor


def test_an_amount_finer_than_the_currency_is_told_not_rounded() -> None:
    with pytest.raises(BadDecimal, match="more than 0 decimal places"):
        minor_units("1.5", "JPY")


@pytest.mark.parametrize(("currency", "text"), [("PLN", "-123.45"), ("JPY", "-12345"), ("KWD", "-12.345")])
def test_money_reads_as_text_and_knows_its_minor_units(currency: str, text: str) -> None:
    assert Money(-12345, currency) == text
    assert Money(-12345, currency).minor == -12345


def test_rates_and_weights_are_exact() -> None:
    assert basis_points("8") == 800
    assert basis_points("7.5") == 750
    assert weight_units("2.25") == 2_250_000
    assert weight_units("0.000001") == 1
