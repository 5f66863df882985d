"""Electronic passes: what a top-up adds, and from which purse a charge is drawn (SPEC S7, S9, S11). Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a top-up of `from_minor` or more brings: a bonus in basis points of the payment (1000: 10 %), and for how many
    days money and bonus are good (None: for ever, S8)."""

    from_minor: int
    bonus_bp: int
    valid_days: int | None = None


class TopUp(NamedTuple):
    """What a payment adds to a pass: its money, and the bonus on it."""

    money_minor: int
    bonus_minor: int
    valid_days: int | None


class Drawn(NamedTuple, Generic[K]):
    """A charge divided over purses: (purse, amount) in the order in which they are drawn on, none of them empty, and what
    no purse covers."""

    parts: tuple[tuple[K, int], ...]
    short_minor: int


def top_up(tiers: Sequence[Tier], paid_minor: int) -> TopUp:
    """Return what one payment adds: the highest tier it reaches counts, for the whole of it; payments are never added up.

    The bonus is cut to whole minor units (ours: it never exceeds what was announced). Below every tier there is none.

    >>> top_up([Tier(from_minor=15000, bonus_bp=1000), Tier(from_minor=10000, bonus_bp=500)], 25000)
    TopUp(money_minor=25000, bonus_minor=2500, valid_days=None)
    """
    reached = [tier for tier in tiers if tier.from_minor <= paid_minor]
    if not reached:
        return TopUp(paid_minor, 0, None)
    tier = max(reached, key=lambda one: one.from_minor)
    return TopUp(paid_minor, paid_minor * tier.bonus_bp // 10_000, tier.valid_days)


def draw(amount_minor: int, purses: Iterable[tuple[K, int]]) -> Drawn[K]:
    """Divide a charge over purses in the product's spending order, each given with what is available in it.

    Every purse is emptied before the next is touched; what is left over goes to the till (S7).

    >>> draw(4000, [("bonus", 1500), ("money", 9000)])
    Drawn(parts=(('bonus', 1500), ('money', 2500)), short_minor=0)
    """
    parts = []
    for purse, available in purses:
        part = min(amount_minor, max(available, 0))
        if part:
            parts.append((purse, part))
            amount_minor -= part
    return Drawn(tuple(parts), amount_minor)
