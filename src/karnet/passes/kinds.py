"""Kinds of passes, as a facility offers them: data, published in versions (SPEC S7–S11). Amounts are gross minor units."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.top_ups import Tier

PurseUnit = Literal["money", "credits"]

STAY_CODES = ("stay", "on_top", "late_fee", "unused", "lost_band", "prepaid")
"""What of a stay is charged to a tab; a purse that pays "stay" pays all of it, one that pays "goods" everything else."""


class Purse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A subaccount (S11). The order of a kind's purses is the order in which charges are drawn.

    `pays`: "stay", "goods", or codes of products; () = anything. `bonus`: filled by the tiers, and never paid out.
    `vat_bp`: VAT is due when money comes in (single-purpose voucher, S17) and not again when it is used; None: when used.
    Credits are counted, not drawn by tabs; what was paid for them is taxed when it comes in.
    """

    code: str
    unit: PurseUnit = "money"
    pays: tuple[str, ...] = ()
    bonus: bool = False
    vat_bp: int | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a pack puts into one purse: minor units or credits, and the part of the pack's price that they cost."""

    amount: int
    price_minor: int = 0


class Pack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A top-up of fixed contents: ten classes and 50.00 for extra time. Its price is the sum of its contents' prices."""

    code: str
    into: dict[str, Content]
    valid_days: int | None = None

    @property
    def price_minor(self) -> int:
        """What the pack costs."""
        return sum(content.price_minor for content in self.into.values())


class Contract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Terms of an open pass (S10): `months` of unlimited use for `price_minor`, in so many monthly instalments, the first when
    it is sold; who is late by more than `grace_days` is stopped."""

    months: int
    price_minor: int
    vat_bp: int
    instalments: int = 1
    grace_days: int = 7


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a facility agreed with an issuer of benefit cards (S17): fitness subscriptions that employers pay for.

    A card pays one entry on a local day: the price of `package` of the tariff, which its issuer owes; what exceeds the package
    the guest pays. `issuer`: the company to whom the monthly list goes, by id; `vat_bp`: of what it is billed.
    `stopped`: its cards are taken no more; what was entered on them is owed all the same.
    """

    code: str
    package: str
    names: dict[str, str] = {}
    vat_bp: int = 800
    issuer: UUID | None = None
    stopped: bool = False


class PassKind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A kind of pass.

    `amounts`: what one may top up (100, 150, 300); `free_amounts`: any amount from `least_minor` on, too. `tiers`: what
    a top-up brings (S9). `packs`: top-ups of fixed contents. `contract`: it is an open pass.
    `card_price_minor`: of a card given out with it, with VAT of `card_vat_bp`.
    `tariff`, `categories`: the price list that stays on it have: tariff code, and category instead of category ("*": of
    any). `hold_minor`: held for each band when it enters; the package's price where not said. `hold_hours`: how long.
    `people`: how many may be inside on it at once; None = any number.
    """

    code: str
    names: dict[str, str] = {}
    amounts: tuple[int, ...] = ()
    free_amounts: bool = False
    least_minor: int = 1
    tiers: tuple[Tier, ...] = ()
    purses: tuple[Purse, ...] = (Purse(code="money"), Purse(code="bonus", bonus=True))
    packs: tuple[Pack, ...] = ()
    contract: Contract | None = None
    card_price_minor: int = 0
    card_vat_bp: int = 2300
    tariff: str = ""
    categories: dict[str, str] = {}
    hold_minor: int | None = None
    hold_hours: int = 24
    people: int | None = None

    def purse(self, code: str) -> Purse | None:
        """Return the purse with this code."""
        return next((purse for purse in self.purses if purse.code == code), None)

    def pack(self, code: str) -> Pack | None:
        """Return the pack with this code."""
        return next((pack for pack in self.packs if pack.code == code), None)

    @property
    def filled(self) -> Purse | None:
        """The purse that top-ups fill: the first one of money that is no bonus."""
        return next((purse for purse in self.purses if purse.unit == "money" and not purse.bonus), None)

    @property
    def given(self) -> Purse | None:
        """The purse that bonuses fill."""
        return next((purse for purse in self.purses if purse.unit == "money" and purse.bonus), None)

    def category(self, asked: str) -> str:
        """Return the category of the price list for somebody of category `asked`."""
        return self.categories.get(asked, self.categories.get("*", asked))
