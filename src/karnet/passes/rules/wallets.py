"""What is on a pass while a batch is decided: held for bands that enter, drawn for what tabs owe (SPEC S7, S8, S11). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, ReservationEnded, Reserved, Transfer
from karnet.accounts.rules import Book
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.operations import Payment
from karnet.orders.rules.counter import Place
from karnet.orders.rules.tab_entries import Entry, OpenGroup, TabState, open_groups
from karnet.passes.kinds import STAY_CODES, PassKind, Purse
from karnet.passes.operations import CREDITS, HoldOver, PassChange, PassHeld, contra_account, purse_account
from karnet.passes.rules.state import PassState, pays

_ELSEWHERE = UUID(int=0)
"""Stands for whatever account is on the other side, where only ours is looked at."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one purse that is held for a band: a reservation that has not ended."""

    id: UUID
    account: UUID
    amount: int


class Plan(NamedTuple):
    """What a pass pays of what a tab owes: (purse, amount) in the order of drawing, and what it lacks. Changes nothing."""

    parts: tuple[tuple[Purse, int], ...]
    short_minor: int

    @property
    def drawn_minor(self) -> int:
        """What the pass pays."""
        return sum(amount for _, amount in self.parts)


def matches(purse: Purse, code: str) -> bool:
    """Tell whether a purse pays what a tab's line of this code is for."""
    if not purse.pays:
        return True
    group = "stay" if code in STAY_CODES else "goods"
    return code in purse.pays or group in purse.pays


class Wallet:
    """A pass with its money, as the decisions of a batch so far leave it. `holds`: by the stay they are for."""

    def __init__(self, state: PassState, kind: PassKind, book: Book, holds: Mapping[UUID, Iterable[Hold]]) -> None:
        self.state, self.kind, self.book = state, kind, book
        self._holds = {holder: tuple(some) for holder, some in holds.items()}

    def account(self, purse: Purse) -> UUID:
        """Return the account of a purse."""
        return purse_account(self.state.id, purse.code, purse.unit, self.state.currency)

    def held_for(self, holders: Iterable[UUID]) -> list[Hold]:
        """Return what is held for somebody."""
        return [hold for holder in holders for hold in self._holds.get(holder, ())]

    def free(self, purse: Purse, at: datetime, holders: Iterable[UUID] = ()) -> int:
        """Return what may be drawn from a purse for some people: what nobody holds, and what is held for them.

        A pass that is blocked, or whose time is over, pays what was held before and nothing else [ours].
        """
        account = self.account(purse)
        own = sum(hold.amount for hold in self.held_for(holders) if hold.account == account)
        over = self.state.good_until is not None and at >= self.state.good_until
        if over or pays(self.state) is not None or account not in self.book:
            return own
        return max(0, self.book[account].available) + own

    def purses(self, at: datetime) -> dict[str, int]:
        """Return what may be drawn from each purse now."""
        return {purse.code: self.free(purse, at) for purse in self.kind.purses}

    def credit(self, purse: Purse, amount: int) -> None:
        """Take in what was put on a purse."""
        unit = CREDITS if purse.unit == "credits" else self.state.currency
        self.book.take([Transfer(source=_ELSEWHERE, target=self.account(purse), amount=amount, unit=unit)])

    def lacks(self, wanted: Iterable[int], at: datetime) -> Refused | None:
        """Return why so much cannot be held for bands one after the other, or None: for each there must be something."""
        left = sum(
            self.free(purse, at) for purse in self.kind.purses if purse.unit == "money" and matches(purse, "stay")
        )
        for amount in wanted:
            if amount and not left:
                return refused(
                    Reason.INSUFFICIENT_FUNDS, available_minor=0, needed_minor=amount, currency=self.state.currency
                )
            left -= min(amount, left)
        return None

    def hold(self, holder: UUID, wanted: int, tab: UUID, at: datetime) -> PassChange:
        """Hold up to `wanted` for a band, in the kind's order, as `lacks` found that it can be done. Folds it.

        What is short is paid at the till when the band leaves (S-j).
        """
        left, made = wanted, []
        until = instant(at) + timedelta(hours=self.kind.hold_hours)
        for purse in self.kind.purses:
            if purse.unit != "money" or not matches(purse, "stay"):
                continue
            part = min(left, self.free(purse, at))
            if part > 0:
                account = self.account(purse)
                id_ = named_id("hold", holder, account)
                made.append(
                    Reserved(
                        id=id_, source=account, target=tab, amount=part, unit=self.state.currency, expires_at=until
                    )
                )
                left -= part
        assert made or not wanted, "somebody asked what the pass lacks"
        refusal = self.book.take(made)
        assert refusal is None, "what is held was free"
        self._holds[holder] = tuple(Hold(id=one.id, account=one.source, amount=one.amount) for one in made)
        held = tuple(
            PassHeld(
                id=one.id, of=self.state.id, holder=holder, account=one.source, amount=one.amount, expires_at=until
            )
            for one in made
        )
        return PassChange(reserved=tuple(made), held=held)

    def plan(self, tab: TabState, due: int, at: datetime, holders: Collection[UUID] = ()) -> Plan:
        """Return what the pass pays of what a tab owes, each purse only what it is for."""
        left, parts = due, []
        for purse in self.kind.purses:
            if purse.unit != "money":
                continue
            part = min(left, self.free(purse, at, holders), self._payable(purse, tab, due))
            if part > 0:
                parts.append((purse, part))
                left -= part
        return Plan(tuple(parts), left)

    def _payable(self, purse: Purse, tab: TabState, due: int) -> int:
        """Return how much of a tab a purse may pay at most: what was charged for what it pays, less what it paid before."""
        if purse.vat_bp is not None:
            return sum(group.amount for group in _open(tab, purse))
        if not purse.pays:
            return due
        charged = sum(amount for (_, code), (amount, _) in tab.posted.items() if matches(purse, code))
        before = tab.means.get(("internal_account", self.account(purse)), 0)
        return max(0, charged - before)

    def draw(self, plan: Plan, entry: Entry, place: Place, holders: Collection[UUID] = ()) -> PassChange:
        """Pay a plan on a tab, and end what was held for some people: what was not needed of it is free again. Folds it."""
        account_of = {purse.code: self.account(purse) for purse, _ in plan.parts}
        drawn = {account_of[purse.code]: amount for purse, amount in plan.parts}
        released = self.release(holders, drawn)
        moved = []
        for purse, amount in plan.parts:
            account = account_of[purse.code]
            moved.append(Transfer(source=account, target=entry.account, amount=amount, unit=self.state.currency))
            if purse.vat_bp is None:
                entry.pay((Payment(kind="internal_account", amount=amount, account=account),), place, None)
            else:
                # VAT was due when it came in: what it pays is taken off the document, and counted off the pass.
                for group in _open(entry.state, purse):
                    part = min(amount, group.amount)
                    if part > 0:
                        entry.take_off(group, part, sales_point=place.sales_point)
                        amount -= part
                entry.book(account, contra_account(self.state.facility, self.state.currency), drawn[account])
        refusal = self.book.take(moved)
        assert refusal is None, "what is drawn was free"
        return released

    def release(self, holders: Collection[UUID], drawn: Mapping[UUID, int] | None = None) -> PassChange:
        """End what is held for some people; posted where something of it is `drawn` now. Folds it."""
        change = ended(self.held_for(holders), drawn or {})
        for holder in holders:
            self._holds.pop(holder, None)
        refusal = self.book.take(change.ended)
        assert refusal is None, "what is released was held"
        return change


def ended(holds: Iterable[Hold], drawn: Mapping[UUID, int]) -> PassChange:
    """Return the end of holds; posted where something of their account is drawn by the same operation."""
    some = tuple(holds)
    return PassChange(
        ended=tuple(
            ReservationEnded(id=hold.id, source=hold.account, amount=hold.amount, posted=hold.account in drawn)
            for hold in some
        ),
        over=tuple(HoldOver(id=hold.id) for hold in some),
    )


def _open(tab: TabState, purse: Purse) -> list[OpenGroup]:
    """Return what no document of a tab has yet and a purse that was taxed at its own rate pays."""
    return [
        group
        for group in open_groups(tab.unbilled)
        if group.amount > 0 and group.first.vat_bp == purse.vat_bp and matches(purse, group.first.code)
    ]


def accounts_of(state: PassState, kind: PassKind) -> tuple[AccountOpened, ...]:
    """Return the accounts of a pass's purses, and those of its facility that stand against them."""
    made = [
        AccountOpened(
            id=purse_account(state.id, purse.code, purse.unit, state.currency), owner=state.id,
            purpose=f"pass:{purse.code}", unit=CREDITS if purse.unit == "credits" else state.currency, overdraft=0,
        )
        for purse in kind.purses
    ]  # fmt: skip
    units = {account.unit for account, purse in zip(made, kind.purses, strict=True) if counted(purse)}
    contra = [
        AccountOpened(id=contra_account(state.facility, unit), owner=state.facility, purpose="pass_contra", unit=unit, hot=True)
        for unit in sorted(units)
    ]  # fmt: skip
    return (*made, *contra)


def counted(purse: Purse) -> bool:
    """Tell whether a purse only counts what was billed when it came in."""
    return purse.unit == "credits" or purse.vat_bp is not None
