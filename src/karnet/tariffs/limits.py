"""The last passes over exact charges, pure and in this order: caps of a clock, the cap of a day, the minimum, the cap of a
stay, one rounding. Amounts are parts of a minor unit, `scale` of them to one.

Caps and minima are multiples of the step of rounding (`checking` sees to it), so rounding never lifts a total above its cap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from karnet.tariffs.model import Rounding

ByDay = dict[int, int]
"""Ordinal of a day → exact charges of that day, in order of time."""


def cap_days(by_day: ByDay, cap_minor: int, scale: int) -> list[tuple[int, int]]:
    """Bring each day down to the cap; return each day so reduced, and by how much (below zero)."""
    cap = cap_minor * scale
    over = [(day, cap - amount) for day, amount in by_day.items() if amount > cap]
    for day, _ in over:
        by_day[day] = cap
    return over


def cap_stay(by_day: ByDay, cap_minor: int, scale: int) -> int:
    """Bring the sum down to the cap, taking from the last day first; return the change (zero or below).

    The last first: so no day's charges ever shrink while a stay goes on, which a cap per day on the sum relies on.
    """
    over = sum(by_day.values()) - cap_minor * scale
    if over <= 0:
        return 0
    left = over
    for day in reversed(by_day):
        taken = min(left, by_day[day])
        by_day[day] -= taken
        left -= taken
    return -over


def rounded(amount: int, scale: int, rounding: Rounding) -> int:
    """Return an exact amount, not below zero, as minor units by the tariff's rounding."""
    step = rounding.step_minor * scale
    if rounding.mode == "nearest":
        return (2 * amount + step) // (2 * step) * rounding.step_minor
    if rounding.mode == "up":
        return -(-amount // step) * rounding.step_minor
    return amount // step * rounding.step_minor


def rounded_columns(amount: NDArray[np.int64], scale: int, rounding: Rounding) -> NDArray[np.int64]:
    """Return the same of a column of amounts."""
    step = rounding.step_minor * scale
    if rounding.mode == "nearest":
        return (2 * amount + step) // (2 * step) * rounding.step_minor
    if rounding.mode == "up":
        return (amount + (step - 1)) // step * rounding.step_minor
    return amount // step * rounding.step_minor
