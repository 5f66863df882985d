"""Rules of loyalty as published data, rewards given by them, and rights used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, MoneyLoaded, StoredAccount, Transfer
from karnet.journal.operations import Operation, Part, operation

Event = Literal["passages", "loaded", "charged"]
RewardKind = Literal["bonus", "discount"]


class Reward(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is given. bonus: `amount` minor units of bonus money on the card. discount: a right to buy one ticket of
    `products` (codes) at `discount_bp` basis points less, within `valid_days`; 10000 is a free entry."""

    kind: RewardKind
    amount: int = 0
    discount_bp: int = 0
    products: tuple[str, ...] = ()
    valid_days: int = 0


class LoyaltyRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """After `threshold` of `event` a reward: counted passages, or minor units put on the card, or charged to it.

    Counted since the last reward by this rule and within `window_days` (0 = since the rule began), where `facilities`
    say (none = everywhere). `at_most`: rewards a card, 0 = any number.
    """

    id: UUID
    code: str
    event: Event
    threshold: int
    reward: Reward
    window_days: int = 0
    at_most: int = 0
    facilities: tuple[UUID, ...] = ()


@operation("loyalty.rules_published")
class RulesPublished(Operation, frozen=True, kw_only=True):
    """Rules by which a facility gives rewards, over [valid_from, valid_until). Immutable: others are another publication."""

    facility: UUID
    currency: str
    valid_from: datetime
    valid_until: datetime
    rules: tuple[LoyaltyRule, ...]


class Earned(Part, frozen=True, kw_only=True):
    """A card reached a rule's threshold for the `nth` time (from 1)."""

    id: UUID
    rule: UUID
    medium: UUID
    issue: int
    nth: int


class RightGiven(Part, frozen=True, kw_only=True):
    """A right to one ticket at a discount, for whoever holds the medium. Its id is that of what was earned."""

    id: UUID
    medium: UUID
    issue: int
    facility: UUID
    discount_bp: int
    products: tuple[str, ...]
    valid_until: datetime


class RightUsed(Part, frozen=True, kw_only=True):
    """A right was used up in a sale."""

    id: UUID
    order: UUID


@operation("loyalty.rewarded")
class Rewarded(Operation, frozen=True, kw_only=True):
    """A reward with its effects as values: bonus money on the card, or a right."""

    earned: Earned
    right: RightGiven | None = None
    load: MoneyLoaded | None = None
    stored: tuple[StoredAccount, ...] = ()
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        optional = (self.earned, self.right, self.load)
        return (*(part for part in optional if part), *self.accounts, *self.stored, *self.transfers)


@operation("loyalty.redeemed")
class Redeemed(Operation, frozen=True, kw_only=True):
    """A right used in the sale of the same request. `given` is what it took off the price, minor units."""

    use: RightUsed
    given: int

    def parts(self) -> Iterable[Part]:
        return (self.use,)
