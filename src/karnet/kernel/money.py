"""Exact division of money and VAT. Amounts are integers in minor units (grosz, cent); nothing is ever a float."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar


class _Sortable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=_Sortable)


def divide(total_minor: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Divide an amount in proportion to whole non-negative weights by largest remainder; the parts add up exactly.

    Ties of remainders go to the key that sorts first (SPEC N-a). A negative amount is divided as its opposite.
    Raises ValueError when no weight is positive: who gets the money then is an agreement's decision, not arithmetic's.

    >>> divide(16000, {"A": 400, "B": 450, "C": 450})
    {'A': 4923, 'B': 5539, 'C': 5538}
    """
    if total_minor < 0:
        return {key: -share for key, share in divide(-total_minor, weights).items()}
    whole = sum(weights.values())
    if whole <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must be non-negative and at least one positive")
    shares: dict[K, int] = {}
    remainders: list[tuple[int, K]] = []
    for key, weight in weights.items():
        share, remainder = divmod(total_minor * weight, whole)
        shares[key] = share
        remainders.append((-remainder, key))
    missing = total_minor - sum(shares.values())
    if missing:
        for _, key in sorted(remainders)[:missing]:
            shares[key] += 1
    return shares


def vat_included(gross_minor: int, rate_basis_points: int) -> int:
    """Return the VAT inside a gross amount, rounded half away from zero (23 % is 2300 basis points).

    >>> vat_included(16000, 800)
    1185
    """
    numerator, denominator = abs(gross_minor) * rate_basis_points, 10_000 + rate_basis_points
    vat = (2 * numerator + denominator) // (2 * denominator)
    return vat if gross_minor >= 0 else -vat
