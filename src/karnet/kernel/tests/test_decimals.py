"""Decimals are exact, and money has the decimal places of its currency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel.canonical import MAX_INTEGER
from karnet.kernel.decimals import BadDecimal, minor_units, money, places, scaled, signed, written


@pytest.mark.parametrize(
    ("text", "places", "value"),
    [("1.50", 6, 1_500_000), ("0", 2, 0), ("160", 2, 16000), ("0.010", 2, 1), ("160.00", 0, 160), ("007", 2, 700)],
)
def test_decimals_are_read_exactly(text: str, places: int, value: int) -> None:
    assert scaled(text, places) == value


@pytest.mark.parametrize("text", ["", "-", "-1", "+1", "1.", ".5", "1,5", "1e3", " 1", "1\n", "٣", "1.0000000", "NaN"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(BadDecimal, match="not a decimal number"):
        scaled(text, 6)


@pytest.mark.parametrize("text", ["--1", "-", "- 1", "-+1"])
def test_one_minus_is_the_only_sign(text: str) -> None:
    with pytest.raises(BadDecimal, match="not a decimal number"):
        signed(text, 6)


def test_a_number_too_large_to_be_recorded_is_refused_and_the_largest_is_not() -> None:
    assert scaled(written(MAX_INTEGER, 2), 2) == MAX_INTEGER
    with pytest.raises(BadDecimal, match="too large"):
        scaled(written(MAX_INTEGER + 1, 2), 2)


def test_decimals_are_written_with_all_their_places() -> None:
    assert [written(value, 2) for value in (0, 5, -5, -12345, 16000)] == ["0.00", "0.05", "-0.05", "-123.45", "160.00"]
    assert [written(value, 0) for value in (0, 5, -160)] == ["0", "5", "-160"]
    assert [written(value, 3) for value in (0, 5, -12345)] == ["0.000", "0.005", "-12.345"]


def test_decimals_are_written_with_at_least_so_many_places() -> None:
    assert [written(value, 6, least=2) for value in (2_250_001, 2_250_000, 2_000_000)] == ["2.250001", "2.25", "2.00"]
    assert written(2_000_000, 6, least=0) == "2"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("160.00", "PLN", 16000), ("160", "PLN", 16000), ("0.5", "EUR", 50), ("1.230", "EUR", 123), ("1600", "JPY", 1600), ("1600.00", "JPY", 1600), ("1.234", "KWD", 1234), ("160", "KWD", 160_000)],
)  # fmt: skip
def test_amounts_are_read_in_the_minor_units_of_their_currency(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("0.005", "PLN"), ("1.5", "JPY"), ("0.0005", "KWD")])
def test_an_amount_finer_than_the_currency_is_told_not_rounded(text: str, currency: str) -> None:
    with pytest.raises(BadDecimal, match=f"'{text}' has more than {places(currency)} decimal places.*{currency}"):
        minor_units(text, currency)


def test_amounts_are_written_with_the_places_of_their_currency() -> None:
    assert [money(-16000, currency) for currency in ("PLN", "JPY", "KWD", "CLF")] == [
        "-160.00",
        "-16000",
        "-16.000",
        "-1.6000",
    ]


@given(st.integers(-MAX_INTEGER, MAX_INTEGER), st.sampled_from(["PLN", "JPY", "KWD", "CLF"]))
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    assert signed(money(minor, currency), places(currency)) == minor
    if minor >= 0:
        assert minor_units(money(minor, currency), currency) == minor
