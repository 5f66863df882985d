"""Amounts in scenarios: exact, in the currency's own minor units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.wiring.play.amounts import BadAmount, Money, basis_points, minor_units, weight_units, written


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("160.00", "PLN", 16000), ("160", "PLN", 16000), ("0.5", "EUR", 50), ("1.230", "EUR", 123), ("1600", "JPY", 1600), ("1.234", "KWD", 1234)],
)  # fmt: skip
def test_amounts_are_read_in_the_minor_units_of_their_currency(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("0.005", "PLN"), ("1.5", "JPY")])
def test_an_amount_finer_than_the_currency_is_told_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(BadAmount, match=f"{text} has more decimal places than {currency}"):
        minor_units(text, currency)


@given(st.integers(-(10**14), 10**14), st.sampled_from(["PLN", "JPY", "KWD"]))
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    assert minor_units(written(minor, currency), currency) == minor
    assert Money(minor, currency) == written(minor, currency)


def test_rates_and_weights_are_exact() -> None:
    assert basis_points("8") == 800
    assert basis_points("7.5") == 750
    assert weight_units("2.25") == 2_250_000
    assert weight_units("0.000001") == 1
