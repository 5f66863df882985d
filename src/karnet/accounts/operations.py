"""Parts of the ledger that other slices' operations carry, and the opening of a facility's books.

A balance is what the books owe the account: it grows when the account is the target of a transfer (credited) and
falls when it is the source (debited). Drawers, receivables and points issued are owed *to* us, so they run negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from karnet.journal.operations import Operation, Part, operation
from karnet.kernel.ids import named_id

HousePurpose = Literal[
    "revenue", "vat", "deposits", "card_payments", "bank_transfers", "vouchers", "receivables",
    "points_issued", "points_taken", "points_expired", "cash_differences", "clearing", "stored", "bonuses", "refunds",
]  # fmt: skip


class AccountOpened(Part, frozen=True, kw_only=True):
    """An account. `unit`: ISO 4217 currency, "points" or "credits". `overdraft`: how far below zero the balance may
    fall; None = no bound (house accounts). `hot`: many write it, so it is folded at sealing instead of locked."""

    id: UUID
    owner: UUID
    purpose: str
    unit: str
    overdraft: int | None = None
    hot: bool = False


class Transfer(Part, frozen=True, kw_only=True):
    """A posted transfer of a positive amount. `n` is its place among the transfers of its operation."""

    source: UUID
    target: UUID
    amount: int
    unit: str
    n: int = 0


class Reserved(Part, frozen=True, kw_only=True):
    """A pending transfer: the amount cannot be drawn by others until posted, voided, or lapsed after `expires_at`."""

    id: UUID
    source: UUID
    target: UUID
    amount: int
    unit: str
    expires_at: datetime


class ReservationEnded(Part, frozen=True, kw_only=True):
    """The end of a pending transfer: drawn as a Transfer of the same operation (posted), or given back.

    Carries the reservation's account and amount, so that a fold needs no look-up.
    """

    id: UUID
    source: UUID
    amount: int
    posted: bool


StoredKind = Literal["money", "bonus"]


class StoredAccount(Part, frozen=True, kw_only=True):
    """An account of money, or bonus money, on a medium (of that `issue`), held by one facility: the one that took it.

    One account a facility, so that what is spent elsewhere says of itself who owes it (SPEC N10).
    """

    account: UUID
    medium: UUID
    issue: int = 0
    facility: UUID
    kind: StoredKind
    currency: str


class MoneyLoaded(Part, frozen=True, kw_only=True):
    """Money put on a medium at a facility, and the bonus given with it: minor units. A fact that settles.

    `sales_point`: which took the money; none for bonus money that a rule gives."""

    id: UUID
    medium: UUID
    facility: UUID
    currency: str
    money: int
    bonus: int = 0
    sales_point: UUID | None = None


class MoneyDrawn(Part, frozen=True, kw_only=True):
    """What a charge at `facility` took of the money that `held_by` holds on a medium: minor units. A fact that settles.

    `n`: its place among those of the charge."""

    charge: UUID
    n: int
    medium: UUID
    facility: UUID
    held_by: UUID
    currency: str
    money: int
    bonus: int = 0


class PointsCharged(Part, frozen=True, kw_only=True):
    """Points of a points ticket charged at a facility without a gate: they settle like those drawn at gates."""

    charge: UUID
    medium: UUID
    entitlement: UUID
    facility: UUID
    points: int


class CardTermsSet(Part, frozen=True, kw_only=True):
    """What an agreement says of cards over [valid_from, valid_until): which `facilities` (members and partners) charge
    what others hold on them (SPEC N10), and what a server may do for another's cards without asking it: refund at most
    `refund_minor` for one card, replace `replacements` a day. Holds once `signatures` have signed (CardTermsSigned)."""

    agreement: UUID
    valid_from: datetime
    valid_until: datetime
    facilities: tuple[UUID, ...]
    refund_minor: int = 0
    replacements: int = 0
    signatures: int = 0


class CardTermsSigned(Part, frozen=True, kw_only=True):
    """Somebody who had to signed the agreement: one signature fewer is missing."""

    agreement: UUID


@operation("accounts.loaded")
class Loaded(Operation, frozen=True, kw_only=True):
    """Money was put on a medium: nobody's revenue until it is spent. `rule`: what granted the bonus, if anything did."""

    load: MoneyLoaded
    sales_point: UUID | None = None
    shift: UUID | None = None
    rule: UUID | None = None
    stored: tuple[StoredAccount, ...] = ()
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (self.load, *self.accounts, *self.stored, *self.transfers)


@operation("accounts.charged")
class Charged(Operation, frozen=True, kw_only=True):
    """A facility charged a medium for what it gave: `amount` minor units (with VAT inside) or points (SPEC N10)."""

    id: UUID
    medium: UUID
    facility: UUID
    sales_point: UUID
    currency: str
    amount: int = 0
    vat_bp: int = 0
    drawn: tuple[MoneyDrawn, ...] = ()
    points: PointsCharged | None = None
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.drawn, *((self.points,) if self.points else ()), *self.accounts, *self.transfers)


@operation("accounts.books_opened")
class BooksOpened(Operation, frozen=True, kw_only=True):
    """A facility's house accounts."""

    facility: UUID
    accounts: tuple[AccountOpened, ...]

    def parts(self) -> Iterable[Part]:
        return self.accounts


MoveReason = Literal["correction", "owner_request", "write_off", "opening_balance"]


@operation("accounts.moved")
class Moved(Operation, frozen=True, kw_only=True):
    """Amounts moved by hand. No free text: the reason is a code."""

    reason: MoveReason
    transfers: tuple[Transfer, ...]

    def parts(self) -> Iterable[Part]:
        return self.transfers


def house_account(facility: UUID, purpose: HousePurpose, unit: str) -> UUID:
    """Return the id of a facility's house account."""
    return named_id("account", facility, purpose, unit)


def stored_account(medium: UUID, issue: int, holder: UUID, kind: StoredKind, currency: str) -> UUID:
    """Return the id of the account of money on an issue of a medium that one facility holds."""
    return named_id("account", medium, issue, kind, holder, currency)


def owned_account(owner: UUID, purpose: str, unit: str) -> UUID:
    """Return the id of the account that an entitlement, a shift or a customer owns for a purpose."""
    return named_id("account", owner, purpose, unit)
