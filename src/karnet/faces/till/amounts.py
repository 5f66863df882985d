"""The notes and coins of a currency, and what people hand over."""

from __future__ import annotations

from karnet.faces.base.amounts import decimals as decimals
from karnet.faces.base.amounts import minor_units as minor_units
from karnet.faces.base.amounts import typed_amount as typed

__all__ = ["decimals", "denominations", "minor_units", "quick_cash", "typed"]

# The denominations in circulation, in minor units.
_CASH = {
    "PLN": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "EUR": (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    "CHF": (100000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5),
    "CZK": (500000, 200000, 100000, 50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100),
    "USD": (10000, 5000, 2000, 1000, 500, 100, 25, 10, 5, 1),
}
_NOTES_FROM = {"CZK": 10000, "CHF": 1000, "USD": 100}


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
