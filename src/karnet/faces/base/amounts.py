"""Amounts as people type them."""

from __future__ import annotations

import re

from karnet.kernel.reason_words import amount

_TYPED = re.compile(r"(\d{1,10})(?:[.,](\d{1,3}))?")


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


def typed_amount(minor: int, currency: str) -> str:
    """Return an amount as somebody would type it, to fill a field."""
    return amount(minor, currency, "en").split("\u00a0")[0].replace(",", "")
