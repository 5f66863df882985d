"""Who pays whom: pairs netted for statements, and few payments that settle them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Owed = Mapping[tuple[int, int], int]
"""Minor units by (debtor's place, creditor's place); a period's amounts may be negative (corrections)."""


class Due(NamedTuple):
    """A positive amount in minor units that one place has to pay to another."""

    debtor: int
    creditor: int
    amount: int


def net_pairs(owed: Owed) -> list[Due]:
    """Return, for each pair that does not even out, one due: what each owes the other, set off. In order of places."""
    balances: dict[tuple[int, int], int] = {}
    for (debtor, creditor), amount in owed.items():
        if debtor != creditor:
            low, high, sign = (debtor, creditor, 1) if debtor < creditor else (creditor, debtor, -1)
            balances[low, high] = balances.get((low, high), 0) + sign * amount
    return [
        Due(low, high, amount) if amount > 0 else Due(high, low, -amount)
        for (low, high), amount in sorted(balances.items())
        if amount
    ]


def net_balances(dues: list[Due], places: int) -> list[int]:
    """Return by place what it has to get (positive) or to pay (negative) in all. The sum is zero."""
    balances = [0] * places
    for due in dues:
        balances[due.debtor] -= due.amount
        balances[due.creditor] += due.amount
    return balances


def payments(balances: list[int]) -> list[Due]:
    """Return payments that bring every balance to zero: the largest debtor pays the largest creditor until one of the
    two is even, and so on. At most one payment fewer than there are places; ties go to the lower place.

    The very fewest would be a subset-sum problem; this is exact, quick, and can be followed by hand.
    Raises AssertionError when the balances do not add up to zero: then money was made or lost, which is our bug.
    """
    assert sum(balances) == 0, f"balances add up to {sum(balances)}"
    left = list(balances)
    made: list[Due] = []
    while any(left):
        debtor = min(range(len(left)), key=lambda place: (left[place], place))
        creditor = min(range(len(left)), key=lambda place: (-left[place], place))
        amount = min(-left[debtor], left[creditor])
        left[debtor] += amount
        left[creditor] -= amount
        made.append(Due(debtor, creditor, amount))
    return made
