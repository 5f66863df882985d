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
    "points_issued", "points_taken", "points_expired", "cash_differences", "clearing",
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


def owned_account(owner: UUID, purpose: str, unit: str) -> UUID:
    """Return the id of the account that an entitlement, a shift or a customer owns for a purpose."""
    return named_id("account", owner, purpose, unit)
