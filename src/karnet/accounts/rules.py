"""The ledger in memory: what accounts hold, and whether what an operation does to them is covered. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import (
    AccountOpened,
    BooksOpened,
    HousePurpose,
    Moved,
    MoveReason,
    ReservationEnded,
    Reserved,
    Transfer,
    house_account,
)
from karnet.journal.operations import Operation, Part
from karnet.kernel.canonical import MAX_INTEGER
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason

PointsPurpose = Literal["points_issued", "points_taken", "points_expired"]
COUNTED_IN_POINTS: frozenset[str] = frozenset(get_args(PointsPurpose))
MAX_MOVES = 200

_CURRENCY = re.compile(r"[A-Z]{3}")


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds, exactly: hot ones with what is not folded yet. Amounts in the account's own unit (minor).

    `overdraft`: how far below zero the balance may fall; None = no bound.
    """

    unit: str
    balance: int = 0
    reserved: int = 0
    overdraft: int | None = None
    hot: bool = False

    @property
    def available(self) -> int:
        """What may be drawn or reserved now; MAX_INTEGER (2**53 - 1) where there is no bound."""
        if self.overdraft is None:
            return MAX_INTEGER
        return self.balance - self.reserved + self.overdraft


class CardTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an agreement says of cards over [valid_from, valid_until), as operations.CardTermsSet."""

    valid_from: datetime
    valid_until: datetime
    facilities: frozenset[UUID]
    refund_minor: int = 0
    replacements: int = 0


def terms_at(terms: Iterable[CardTerms], at: datetime) -> CardTerms | None:
    """Return what holds for cards at an instant; `terms`: the one that begins last first, as it replaces the others."""
    return next((one for one in terms if one.valid_from <= at < one.valid_until), None)


class Book:
    """Balances in memory while a batch is decided: each decision sees what the one before left.

    Holds the accounts given to it, and those opened in it. Others (a facility's house accounts, which are never read
    for a decision) may stand on the other side of a transfer; that they exist, in the right unit, the tables see to.
    """

    def __init__(self, balances: Mapping[UUID, Balance]) -> None:
        self._balances = dict(balances)

    def __getitem__(self, account: UUID) -> Balance:
        return self._balances[account]

    def __contains__(self, account: UUID) -> bool:
        return account in self._balances

    def take(self, parts: Iterable[Part]) -> Refused | None:
        """Apply the ledger parts of one operation, all or none; parts of other slices are passed over.

        Refuses INSUFFICIENT_FUNDS (money, credits) or NOT_ENOUGH_POINTS where a bounded account would be overdrawn by
        the parts together (what one of them brings in, another may draw), and BAD_VALUE where units differ.
        """
        changed: dict[UUID, Balance] = {}
        for part in parts:
            match part:
                case AccountOpened():
                    if part.id not in self._balances:
                        changed.setdefault(part.id, Balance(unit=part.unit, overdraft=part.overdraft, hot=part.hot))
                case Transfer():
                    self._add(changed, part.source, part.unit, -part.amount, 0)
                    self._add(changed, part.target, part.unit, part.amount, 0)
                case Reserved():
                    self._add(changed, part.source, part.unit, 0, part.amount)
                case ReservationEnded():
                    self._add(changed, part.source, None, 0, -part.amount)
                case _:
                    pass
        for account, balance in changed.items():
            before = self._balances.get(account)
            # What other servers overdrew is not the fault of who tops up, or draws nothing.
            if balance.available < min(0, before.available if before else 0) and not balance.hot:
                return self._overdrawn(account, balance)
        self._balances.update(changed)
        return None

    def _add(self, changed: dict[UUID, Balance], account: UUID, unit: str | None, amount: int, reserved: int) -> None:
        present = changed.get(account) or self._balances.get(account)
        if present is None:
            return
        assert unit is None or unit == present.unit, f"a transfer in {unit} touches an account in {present.unit}"
        changed[account] = msgspec.structs.replace(
            present, balance=present.balance + amount, reserved=present.reserved + reserved
        )

    def _overdrawn(self, account: UUID, after: Balance) -> Refused:
        before = self._balances.get(account)
        available = before.available if before else after.overdraft or 0
        needed = available - after.available
        if after.unit == "points":
            return refused(Reason.NOT_ENOUGH_POINTS, available=available, needed=needed)
        return refused(Reason.INSUFFICIENT_FUNDS, available_minor=available, needed_minor=needed, currency=after.unit)


def numbered(transfers: Iterable[Transfer]) -> tuple[Transfer, ...]:
    """Return an operation's transfers with their places in it; those of nothing at all are left out."""
    some = [transfer for transfer in transfers if transfer.amount]
    return tuple(msgspec.structs.replace(transfer, n=n) for n, transfer in enumerate(some))


class OpenBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Open a facility's house accounts in a currency (ISO 4217), and those that count points."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    currency: str


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """The house accounts by purpose."""

    accounts: dict[str, UUID]


def house_accounts(facility: UUID, currency: str) -> tuple[AccountOpened, ...]:
    """Return the house accounts of a facility. All are hot and unbounded: nothing is ever decided by their balance."""
    return tuple(
        AccountOpened(id=house_account(facility, purpose, unit), owner=facility, purpose=purpose, unit=unit, hot=True)
        for purpose in get_args(HousePurpose)
        for unit in ("points" if purpose in COUNTED_IN_POINTS else currency,)
    )


def decide_books(
    request: OpenBooks, *, facility_known: bool, open_already: set[UUID]
) -> tuple[Opened | Refused, tuple[Operation, ...]]:
    """Open the accounts that are not open yet; if all are, the answer is the same and nothing is recorded."""
    if not _CURRENCY.fullmatch(request.currency):
        return bad_values({"currency": "must be the three capital letters of ISO 4217, such as PLN"}), ()
    if not facility_known:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    accounts = house_accounts(request.facility, request.currency)
    answer = Opened(accounts={account.purpose: account.id for account in accounts})
    new = tuple(account for account in accounts if account.id not in open_already)
    return answer, (BooksOpened(facility=request.facility, accounts=new),) if new else ()


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A positive amount from one account to another of the same unit (minor units, points or credits)."""

    source: UUID
    target: UUID
    amount: int


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Move amounts by hand, all or none: a correction, an owner's wish, a write-off, balances brought from elsewhere."""

    key: str
    at: datetime
    actor: UUID
    reason: MoveReason
    movements: tuple[Movement, ...]


class MovedAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """What bounded source accounts have left to draw, by account id."""

    available: dict[str, int]


def decide_move(request: Move, book: Book) -> tuple[MovedAnswer | Refused, tuple[Operation, ...]]:
    """Move amounts between accounts of the book. Refuses bad values and what is not covered; all or nothing."""
    problems = _movement_problems(request, book)
    if problems:
        return bad_values(problems), ()
    transfers = numbered(
        Transfer(source=m.source, target=m.target, amount=m.amount, unit=book[m.source].unit) for m in request.movements
    )
    refusal = book.take(transfers)
    if refusal is not None:
        return refusal, ()
    bounded = {m.source for m in request.movements if book[m.source].overdraft is not None}
    answer = MovedAnswer(available={str(account): book[account].available for account in sorted(bounded)})
    return answer, (Moved(reason=request.reason, transfers=transfers),)


def _movement_problems(request: Move, book: Book) -> dict[str, str]:
    problems: dict[str, str] = {}
    if request.reason not in get_args(MoveReason):
        problems["reason"] = f"must be one of {', '.join(get_args(MoveReason))}"
    if not 0 < len(request.movements) <= MAX_MOVES:
        problems["movements"] = f"must be 1 to {MAX_MOVES}"
    for n, movement in enumerate(request.movements):
        at = f"movements[{n}]"
        if not 0 < movement.amount <= MAX_INTEGER:
            problems[f"{at}.amount"] = "must be positive"
        for side in (movement.source, movement.target):
            if side not in book:
                problems[f"{at}"] = f"there is no account {side}"
        if movement.source == movement.target:
            problems[at] = "goes from an account to itself"
        elif at not in problems and book[movement.source].unit != book[movement.target].unit:
            problems[at] = f"goes from {book[movement.source].unit} to {book[movement.target].unit}"
    return problems
