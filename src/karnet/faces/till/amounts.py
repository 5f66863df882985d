"""Amounts as they are typed, and the notes and coins of a currency."""

from __future__ import annotations

import re

from karnet.kernel.reason_words import amount

_TYPED = re.compile(r"(\d{1,10})(?:[.,](\d{1,3}))?")

# The denominations in circulation, in minor units.
_CASH = {
    "PLN": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "EUR": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "CHF": (100000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5),
    "CZK": (500000, 200000, 100000, 50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100),
    "USD": (10000, 5000, 2000, 1000, 500, 100, 25, 10, 5, 1),
}
_NOTES_FROM = {"CZK": 10000, "CHF": 1000, "USD": 100}


def decimals(currency: str) -> int:
    """Return how many decimals a currency has (ISO 4217)."""
    return len(amount(0, currency, "en").split("\u00a0")[0].partition(".")[2])


def minor_units(typed: str, currency: str) -> int | None:
    """Return what was typed as an amount, "12", "12.5" or "12,50", in minor units; None for what is none.

    >>> minor_units("12,5", "PLN")
    1250
    """
    found = _TYPED.fullmatch(re.sub(r"\s", "", typed))
    if found is None:
        return None
    places = decimals(currency)
    whole, rest = found[1], found[2] or ""
    return int(whole + rest.ljust(places, "0")) if len(rest) <= places else None


def typed(minor: int, currency: str) -> str:
    """Return an amount as somebody would type it, to fill a field."""
    return amount(minor, currency, "en").split("\u00a0")[0].replace(",", "")


def denominations(currency: str) -> tuple[int, ...]:
    """Return the notes and coins of a currency in minor units, the largest first."""
    return _CASH.get(currency, _CASH["EUR"])


def quick_cash(due: int, currency: str) -> list[int]:
    """Return up to three amounts that people hand over for what is due, above it: whole multiples of one note.

    >>> quick_cash(17500, "PLN")
    [18000, 20000, 50000]
    """
    notes = [value for value in denominations(currency) if value >= _NOTES_FROM.get(currency, 1000)]
    offered = {-(-due // note) * note for note in notes}
    return sorted(value for value in offered if due < value)[:3]
