"""Weights worked out from price lists, so that a passage is worth the same everywhere (SPEC N9).

A facility's weight stands to the cheapest one's as what a passage costs there stands to what it costs at the cheapest:
the price of its own ticket, divided by the passages that such a ticket usually makes. Everything is exact until the one
rounding to six decimal places, half up [ours].
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from karnet.kernel.decimals import written
from karnet.settlement.rules.drafts import WEIGHT_PLACES

UNITS: int = 10**WEIGHT_PLACES


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a facility's own ticket costs (gross minor units of one currency), and how many passages it usually makes."""

    facility: str
    price: int
    passages: int = 1


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """A facility's weight in millionths, and the exact ratio it was rounded from: numerator / denominator.

    `over_by`: by how much the rounding favours the facility, in parts of a thousand million (negative: against it).
    """

    facility: str
    price: int
    passages: int
    numerator: int
    denominator: int
    weight: int
    over_by: int

    @property
    def text(self) -> str:
        """The weight as an agreement writes it."""
        return written(self.weight, WEIGHT_PLACES, least=2)


def weigh(bases: Sequence[Basis], base: str | None = None) -> tuple[Weighed, ...]:
    """Return the weights of facilities, in the order given; `base` (None: where a passage is cheapest, ties to the code
    that sorts first) weighs exactly 1.00.

    Raises ValueError for no facilities, an unknown base, one named twice, a price or a number of passages not above 0.
    """
    by_code = {basis.facility: basis for basis in bases}
    if not bases or len(by_code) != len(bases) or (base is not None and base not in by_code):
        raise ValueError("name every facility once, and the base among them")
    for basis in bases:
        if basis.price <= 0 or basis.passages <= 0:
            raise ValueError(f"{basis.facility}: price and passages must be above 0")
    each = {code: Fraction(basis.price, basis.passages) for code, basis in by_code.items()}
    one = each[base] if base is not None else min(each.values())
    return tuple(_weighed(basis, each[basis.facility] / one) for basis in bases)


def _weighed(basis: Basis, ratio: Fraction) -> Weighed:
    weight = (2 * ratio.numerator * UNITS + ratio.denominator) // (2 * ratio.denominator)
    return Weighed(
        facility=basis.facility,
        price=basis.price,
        passages=basis.passages,
        numerator=ratio.numerator,
        denominator=ratio.denominator,
        weight=weight,
        over_by=round((Fraction(weight, UNITS) / ratio - 1) * 10**9),
    )
