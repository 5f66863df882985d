"""Exact decimals as people write them, kept as whole numbers: "160.00" is 16000 grosz, "1.50" is 1500000 millionths."""

from __future__ import annotations

import re

MONEY_PLACES = 2
WEIGHT_PLACES = 6
PERCENT_PLACES = 2
_DECIMAL = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)


class BadDecimal(ValueError):
    """The text is no plain decimal number, or has more decimal places than fit; the message says which."""


def scaled(text: str, places: int) -> int:
    """Return a non-negative decimal text times ten to the power of `places`; raise BadDecimal if that is not exact.

    >>> scaled("1.50", 6)
    1500000
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadDecimal(f"{text!r} is not a decimal number such as 1.50")
    whole, part = match[1], (match[2] or "").rstrip("0")
    if len(part) > places:
        raise BadDecimal(f"{text!r} has more than {places} decimal places")
    return int(whole) * int(10**places) + int(part.ljust(places, "0") or "0")


def written(value: int, places: int, *, least: int | None = None) -> str:
    """Return a scaled value as decimal text with all its `places`, or with at least `least` of them.

    >>> written(-5, 2), written(1_500_000, 6, least=2)
    ('-0.05', '1.50')
    """
    whole, part = divmod(abs(value), 10**places)
    digits = f"{part:0{places}d}"
    if least is not None:
        digits = digits[:least] + digits[least:].rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}.{digits}"


def money(minor: int) -> str:
    """Return an amount in minor units as decimal text.

    >>> money(16000)
    '160.00'
    """
    return written(minor, MONEY_PLACES)
