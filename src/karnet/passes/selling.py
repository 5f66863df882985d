"""What a pass costs before it is sold, for pages that ask before they sell. Pure."""

from __future__ import annotations

from typing import NamedTuple

from karnet.accounts.top_ups import top_up
from karnet.kernel.money import divide
from karnet.passes.kinds import Contract, PassKind


class Quote(NamedTuple):
    """What is to be paid: the card, the top-up, the first instalment; and the bonus the top-up brings. Minor units."""

    card_minor: int
    top_up_minor: int
    instalment_minor: int
    bonus_minor: int

    @property
    def total_minor(self) -> int:
        """What is to be paid in all."""
        return self.card_minor + self.top_up_minor + self.instalment_minor


def instalments(contract: Contract) -> list[int]:
    """Return the amounts of a contract's instalments; odd grosze are in the first ones (ours).

    >>> instalments(Contract(months=3, price_minor=10000, vat_bp=800, instalments=3))
    [3334, 3333, 3333]
    """
    shares = divide(contract.price_minor, dict.fromkeys(range(contract.instalments), 1))
    return [shares[n] for n in range(contract.instalments)]


def quote(kind: PassKind, *, amount: int = 0, pack: str = "", new_card: bool = False, contract: bool = False) -> Quote:
    """Return what selling or topping up a pass of a kind costs. `contract`: its term is sold, or renewed, too.

    `amount` and `pack` are those of the request, taken as they are: what may not be asked is refused when it is sold.
    """
    bought = kind.pack(pack)
    paid, bonus = amount, bonus_on(kind, amount)
    if bought is not None:
        given = (content.amount for code, content in bought.into.items() if (purse := kind.purse(code)) and purse.bonus)
        paid, bonus = bought.price_minor, sum(given)
    first = instalments(kind.contract)[0] if contract and kind.contract is not None else 0
    return Quote(kind.card_price_minor if new_card else 0, paid, first, bonus)


def bonus_on(kind: PassKind, amount: int) -> int:
    """Return the bonus that a top-up of this amount brings."""
    return top_up(kind.tiers, amount).bonus_minor
