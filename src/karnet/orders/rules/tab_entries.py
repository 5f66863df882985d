"""A tab as decisions see it, and what one decision does to it. Pure.

The money of a tab is on its own account: payments come in, charged lines go out to revenue and VAT at once, so the books
tell at any moment what guests paid in advance and what they owe. Closing leaves nothing on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, Transfer, owned_account
from karnet.accounts.rules import numbered
from karnet.journal.requests import Asked, made_id
from karnet.kernel.money import vat_included
from karnet.orders.operations import (
    Line,
    Payment,
    PaymentKind,
    TabBilled,
    TabChange,
    TabClosed,
    TabLine,
    TabOpened,
    TabPayment,
)
from karnet.orders.rules.counter import Counter, Place, RunningShift
from karnet.orders.rules.pricing import house, payment_account

Means = tuple[PaymentKind, UUID | None]
"""How something was paid: the kind and, for an internal account, which."""


class TabState(msgspec.Struct, frozen=True, kw_only=True):
    """A tab as decisions see it. Whoever has one holds its lock.

    `paid` and `charged`: sums of all its payments and lines. `lines` and `payments`: how many there were.
    `unbilled`: lines no document has yet; `means`: payments no document has yet, net, by how they were made.
    `posted`: (amount, VAT) charged for each (stay, code).
    """

    id: UUID
    number: str
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    limit_minor: int = 0
    buyer: UUID | None = None
    customer: UUID | None = None
    closed: bool = False
    paid: int = 0
    charged: int = 0
    lines: int = 0
    payments: int = 0
    unbilled: tuple[TabLine, ...] = ()
    means: dict[Means, int] = {}
    posted: dict[tuple[UUID | None, str], tuple[int, int]] = {}

    @property
    def balance(self) -> int:
        """Paid less charged, minor units."""
        return self.paid - self.charged


def tab_account(tab: UUID, currency: str) -> UUID:
    """Return the account of a tab's money: above zero it was paid in advance, below zero it is owed."""
    return owned_account(tab, "tab", currency)


class Entry:
    """What one decision does to one tab, gathered step by step; `state` is the tab after it."""

    def __init__(self, request: Asked, state: TabState) -> None:
        self.request, self.state = request, state
        self._opened: TabOpened | None = None
        self._lines: list[TabLine] = []
        self._payments: list[TabPayment] = []
        self._transfers: list[Transfer] = []
        self._closed = False

    @classmethod
    def opening(cls, request: Asked, opened: TabOpened) -> Entry:
        """Return the entry that opens a tab."""
        state = TabState(
            id=opened.id, number=opened.number, facility=opened.facility, sales_point=opened.sales_point,
            operator=opened.operator, currency=opened.currency, limit_minor=opened.limit_minor, buyer=opened.buyer,
            customer=opened.customer,
        )  # fmt: skip
        entry = cls(request, state)
        entry._opened = opened
        return entry

    @property
    def account(self) -> UUID:
        """The account of the tab's money."""
        return tab_account(self.state.id, self.state.currency)

    def charge(
        self,
        code: str,
        product: UUID,
        *,
        amount: int,
        vat: int,
        vat_bp: int,
        sales_point: UUID,
        category: str = "",
        quantity: int = 1,
        stay: UUID | None = None,
    ) -> None:
        """Charge an amount (below zero: take it off again); nothing for 0. It is revenue and VAT from now on."""
        if not amount:
            return
        line = TabLine(
            id=made_id(self.request, f"tab:{self.state.id}:line:{self.state.lines}"),
            tab=self.state.id,
            n=self.state.lines,
            code=code,
            product=product,
            category=category,
            quantity=quantity,
            unit_price=amount // quantity,
            amount=amount,
            vat_bp=vat_bp,
            vat=vat,
            sales_point=sales_point,
            stay=stay,
        )
        self._lines.append(line)
        self._move(house(self.state.facility, "revenue", self.state.currency), -(amount - vat))
        self._move(house(self.state.facility, "vat", self.state.currency), -vat)
        before = self.state.posted.get((stay, code), (0, 0))
        self.state = msgspec.structs.replace(
            self.state,
            charged=self.state.charged + amount,
            lines=self.state.lines + 1,
            unbilled=(*self.state.unbilled, line),
            posted={**self.state.posted, (stay, code): (before[0] + amount, before[1] + vat)},
        )

    def raise_to(self, code: str, product: UUID, *, stay: UUID, amount: int, vat_bp: int, category: str) -> None:
        """Charge what is missing until this part of a stay comes to `amount`: VAT is always that of the whole."""
        posted, posted_vat = self.state.posted.get((stay, code), (0, 0))
        self.charge(
            code,
            product,
            amount=amount - posted,
            vat=vat_included(amount, vat_bp) - posted_vat,
            vat_bp=vat_bp,
            sales_point=self.state.sales_point,
            category=category,
            stay=stay,
        )

    def pay(self, payments: Sequence[Payment], place: Place, shift: RunningShift | None) -> None:
        """Take payments that were checked."""
        for payment in payments:
            assert payment.kind != "stored_money", "the money on a card pays no tab"
            self._pay(payment.kind, payment.amount, payment.tendered, payment.account, place, shift)

    def pay_back(
        self, kind: PaymentKind, amount: int, account: UUID | None, place: Place, shift: RunningShift | None
    ) -> int:
        """Pay an amount back; nothing for 0. Return how much of it is handed out as `kind`.

        What accounts paid goes back to them first, to the one that paid last before the others: the bonus of a pass never
        turns into cash [ours].
        """
        for (paid_as, paid_from), paid in reversed(list(self.state.means.items())):
            back = min(amount, paid)
            if paid_as == "internal_account" and back > 0:
                self._pay(paid_as, -back, None, paid_from, place, shift)
                amount -= back
        if amount:
            self._pay(kind, -amount, None, account, place, shift)
        return amount

    def put_on(self, account: UUID, amount: int, place: Place) -> None:
        """Move an amount that was paid on the tab to an account of its payer's: a top-up."""
        self._pay("internal_account", -amount, None, account, place, None)

    def book(self, source: UUID, target: UUID, amount: int, unit: str | None = None) -> None:
        """Move an amount between two other accounts, as part of what this entry does; in the tab's currency, or in `unit`."""
        unit = unit or self.state.currency
        self._transfers.append(Transfer(source=source, target=target, amount=amount, unit=unit))

    def take_off(self, group: OpenGroup, amount: int, *, sales_point: UUID) -> None:
        """Take off the document what was taxed before it was used (SPEC S17); VAT is that of what is left of the group."""
        first = group.first
        self.charge(
            TAXED,
            first.id,
            amount=-amount,
            vat=vat_included(group.amount - amount, first.vat_bp) - group.vat,
            vat_bp=first.vat_bp,
            sales_point=sales_point,
            category=first.category,
            stay=first.stay,
        )

    def _pay(
        self,
        kind: PaymentKind,
        amount: int,
        tendered: int | None,
        account: UUID | None,
        place: Place,
        shift: RunningShift | None,
    ) -> None:
        held = shift.id if shift else None
        source = payment_account(kind, facility=place.facility, shift=held, account=account, currency=place.currency)
        assert source is not None, "cash without a shift was refused"
        self._payments.append(
            TabPayment(
                id=made_id(self.request, f"tab:{self.state.id}:payment:{self.state.payments}"), tab=self.state.id,
                n=self.state.payments, kind=kind, amount=amount, tendered=tendered, account=account, shift=held,
            )
        )  # fmt: skip
        self._move(source, amount)
        means = (kind, account)
        self.state = msgspec.structs.replace(
            self.state,
            paid=self.state.paid + amount,
            payments=self.state.payments + 1,
            means={**self.state.means, means: self.state.means.get(means, 0) + amount},
        )

    def _move(self, other: UUID, amount: int) -> None:
        """Move an amount from another account to the tab's; below zero the other way."""
        sides = (other, self.account) if amount > 0 else (self.account, other)
        if amount:
            unit = self.state.currency
            self._transfers.append(Transfer(source=sides[0], target=sides[1], amount=abs(amount), unit=unit))

    def bill(self, counter: Counter, place: Place, operator: UUID) -> TabBilled | None:
        """Return the document of what no earlier one has, numbered at `place`; None where there is nothing.

        What was paid must cover it. Draws a number: to be asked last, when nothing can refuse any more.
        """
        lines = merged(self.state.unbilled)
        if not lines:
            return None
        total = sum(line.amount for line in lines)
        payments, left = means_for(self.state.means, total)
        number, sequence = counter.next_number(place)
        state = self.state
        self.state = msgspec.structs.replace(state, unbilled=(), means=left)
        return TabBilled(
            order=made_id(self.request, f"tab:{state.id}:order"),
            tab=state.id,
            number=number,
            sequence=sequence,
            facility=place.facility,
            sales_point=place.sales_point,
            operator=operator,
            currency=state.currency,
            total=total,
            lines=lines,
            payments=payments,
            buyer=state.buyer,
            customer=state.customer,
        )

    def close(self) -> None:
        """Close the tab. Its balance must be 0."""
        assert self.state.balance == 0, "a tab closes with nothing owed and nothing left on it"
        self._closed = True
        self.state = msgspec.structs.replace(self.state, closed=True)

    def change(self) -> TabChange:
        """Return what to record."""
        state = self.state
        opened = AccountOpened(id=self.account, owner=state.id, purpose="tab", unit=state.currency)
        return TabChange(
            tab=state.id,
            opened=self._opened,
            lines=tuple(self._lines),
            payments=tuple(self._payments),
            closed=TabClosed(id=state.id) if self._closed else None,
            accounts=(opened,) if self._opened else (),
            transfers=numbered(self._transfers),
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to record."""
        return not (self._opened or self._lines or self._payments or self._closed)


TAXED = "taxed"
"""The code of what was taken off a document because it was taxed when it was paid in; its `product` is the first line of what
it was taken off."""


class OpenGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a tab that a document has as one: what was charged in steps. `amount`, `vat`: what is left of it."""

    first: TabLine
    quantity: int
    amount: int
    vat: int
    whole: bool = True


def open_groups(lines: Iterable[TabLine]) -> list[OpenGroup]:
    """Return what a tab's lines come to, grouped as a document has them; what was taken off again is nothing."""
    groups: dict[tuple[object, ...], list[TabLine]] = {}
    taken_off: dict[UUID, list[TabLine]] = {}
    for line in lines:
        if line.code == TAXED:
            taken_off.setdefault(line.product, []).append(line)
            continue
        # Goods at one price are counted; parts of a stay were charged in unequal steps.
        what = line.unit_price if line.stay is None else None
        groups.setdefault((line.stay, line.code, line.product, line.category, line.vat_bp, what), []).append(line)
    made = []
    for some in groups.values():
        off = taken_off.get(some[0].id, [])
        made.append(
            OpenGroup(
                first=some[0],
                quantity=sum(line.quantity for line in some),
                amount=sum(line.amount for line in (*some, *off)),
                vat=sum(line.vat for line in (*some, *off)),
                whole=not off,
            )
        )
    return made


def merged(lines: Iterable[TabLine]) -> tuple[Line, ...]:
    """Return a document's lines: what was charged in steps is one line, what was taken off again is none."""
    made: list[Line] = []
    for position, group in enumerate(open_groups(lines)):
        amount, first = group.amount, group.first
        if not amount:
            continue
        quantity = group.quantity if first.stay is None and group.whole else 1
        made.append(
            Line(
                id=first.id, product=first.product, product_code=first.code, category=first.category,
                quantity=quantity, unit_price=amount // quantity, amount=amount, vat_bp=first.vat_bp, vat=group.vat,
                position=position,
            )
        )  # fmt: skip
    return tuple(made)


def means_for(means: Mapping[Means, int], total: int) -> tuple[tuple[Payment, ...], dict[Means, int]]:
    """Return the payments of a document of `total`, and what is left for the next one.

    What was paid back counts against its own kind first, then against the others in the order in which they came.
    """
    back = -sum(amount for amount in means.values() if amount < 0)
    left, payments = dict[Means, int](), []
    for (kind, account), amount in means.items():
        if amount <= 0:
            continue
        taken_off = min(back, amount)
        back, amount = back - taken_off, amount - taken_off
        used = min(total, amount)
        total -= used
        if used:
            payments.append(Payment(kind=kind, amount=used, account=account))
        if amount > used:
            left[kind, account] = amount - used
    assert (total, back) == (0, 0), "what is billed is paid"
    return tuple(payments), left
