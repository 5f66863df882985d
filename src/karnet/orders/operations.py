"""Sales, returns, invoices and shifts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, MoneyDrawn, StoredAccount, Transfer
from karnet.entitlements.operations import (
    DepositReturned,
    DepositTaken,
    EntitlementIssued,
    EntitlementVoided,
    MediumHeld,
    MediumIssued,
    MediumReturned,
)
from karnet.journal.operations import Operation, Part, operation

PaymentKind = Literal["cash", "card", "bank_transfer", "voucher", "internal_account", "invoice", "on_account"]
"""`on_account`: a partner took the money of its guests and owes it to the facility; at partners' sales points only."""

PaidWith = Literal[PaymentKind, "stored_money"]
"""How a sale is paid. `stored_money`: with the money on a card (SPEC N10)."""

RefundKind = Literal[PaymentKind, "elsewhere"]
"""How a refund is paid out. `elsewhere`: by another server's till, for us (RefundOwed)."""

CashReason = Literal["change", "bank", "expense", "other"]
"""Why cash was put into a drawer or taken out: change brought, to the bank or safe, something bought, anything else."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing sold: a ticket (then with its `entitlement`), or a quantity of goods. Deposits are no lines.

    `amount` gross = `quantity` × `unit_price`; `vat` is inside it. Tickets asked for together share a `position`; VAT
    is reckoned on its sum and divided among them, so that 45 cards round once and not 45 times.
    """

    id: UUID
    product: UUID
    product_code: str
    category: str
    unit_price: int
    amount: int
    vat_bp: int
    vat: int
    quantity: int = 1
    position: int = 0
    entitlement: UUID | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Money tendered for an order: `amount` kept. Cash also notes `tendered`, so the change is on the record.
    `medium`: whose money, where it is paid with the money on a card."""

    kind: PaidWith
    amount: int
    tendered: int | None = None
    account: UUID | None = None
    medium: UUID | None = None


@operation("orders.sold")
class Sold(Operation, frozen=True, kw_only=True):
    """A counter sale: lines, payments, media, entitlements, deposits and transfers as one fact.

    `total` is the sum of the lines; the payments are the total and the deposits. `number` is what people call it:
    the sales point's code and `sequence`, the sale's place among those of its sales point. `buyer`: a company,
    `customer`: a person, each by id; `holders`: who holds the cards from now on, where that was said. `drawn`: what was
    paid with the money on cards, by who holds it; settlement reads it as it reads any charge.
    """

    order: UUID
    number: str
    sequence: int
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    total: int
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    shift: UUID | None = None
    buyer: UUID | None = None
    customer: UUID | None = None
    media: tuple[MediumIssued, ...] = ()
    entitlements: tuple[EntitlementIssued, ...] = ()
    deposits: tuple[DepositTaken, ...] = ()
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    holders: tuple[MediumHeld, ...] = ()
    drawn: tuple[MoneyDrawn, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (
            *self.media, *self.accounts, *self.entitlements, *self.deposits, *self.transfers, *self.holders, *self.drawn,
        )  # fmt: skip


class RefundOwed(Part, frozen=True, kw_only=True):
    """The server that sold lets another facility (`payer`) pay a refund out for it, and owes it `amount` minor units.

    `refund`: the name of the refund, given by who pays (`rules.elsewhere.refund_id`); `for_operator`,
    `for_sales_point`: who asked for it there."""

    refund: UUID
    order: UUID
    facility: UUID
    payer: UUID
    currency: str
    amount: int
    for_operator: UUID | None = None
    for_sales_point: UUID | None = None


class RefundPaid(Part, frozen=True, kw_only=True):
    """A facility paid `amount` minor units out for a sale that another facility (`home`) made. A fact that settles.

    `alone`: the home server did not answer, and the agreement's limit let it be paid; then `medium` is the card that
    was handed in for it."""

    refund: UUID
    order: UUID
    lines: tuple[UUID, ...]
    facility: UUID
    home: UUID
    currency: str
    amount: int
    alone: bool = False
    medium: UUID | None = None


@operation("orders.returned")
class Returned(Operation, frozen=True, kw_only=True):
    """Lines given back and money refunded; and cards handed in, their deposit paid out (perhaps with no order at all:
    a deposit may be returned at another facility than the one that took it).

    `refund` is all that is paid out: the lines' amounts (`vat` inside them), the deposits, and what is `paid` for another
    facility's sale. `owed`: the money is paid out by another server (`refund_kind` "elsewhere"). `to_cards`: the part of
    the refund that goes back to the cards and passes that paid, and is not handed out; `stored`: where it is on cards."""

    id: UUID
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    refund: int
    refund_kind: RefundKind
    vat: int = 0
    order: UUID | None = None
    lines: tuple[UUID, ...] = ()
    shift: UUID | None = None
    media: tuple[MediumReturned, ...] = ()
    voided: tuple[EntitlementVoided, ...] = ()
    deposits: tuple[DepositReturned, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    accounts: tuple[AccountOpened, ...] = ()
    owed: RefundOwed | None = None
    paid: RefundPaid | None = None
    to_cards: int = 0
    stored: tuple[StoredAccount, ...] = ()

    def parts(self) -> Iterable[Part]:
        elsewhere = tuple(part for part in (self.owed, self.paid) if part is not None)
        return (
            *self.accounts, *self.stored, *self.media, *self.voided, *self.deposits, *elsewhere, *self.transfers,
        )  # fmt: skip


@operation("orders.put_back", scope="house")
class PutBack(Operation, frozen=True, kw_only=True):
    """The part of a return that belongs to passes went onto their accounts, which stay at home. `id`: the return's."""

    id: UUID
    transfers: tuple[Transfer, ...]

    def parts(self) -> Iterable[Part]:
        return self.transfers


@operation("orders.refund_refused")
class RefundRefused(Operation, frozen=True, kw_only=True):
    """The server that sold does not stand for a refund that another paid out alone: `reason` says why (a code of
    kernel.reasons). The agreement says who bears it (SPEC N14)."""

    refund: UUID
    order: UUID
    facility: UUID
    payer: UUID
    reason: str


@operation("orders.invoiced")
class Invoiced(Operation, frozen=True, kw_only=True):
    """An invoice for an order: the number is gap-free per facility and year; the buyer's data stay beside the journal."""

    order: UUID
    facility: UUID
    number: str
    year: int
    sequence: int
    buyer: UUID


@operation("orders.shift_opened")
class ShiftOpened(Operation, frozen=True, kw_only=True):
    """An operator takes a sales point's drawer with `float_minor` in it.

    `sequence` and `operator_sequence`: its place among the shifts of the sales point and of the operator."""

    shift: UUID
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    float_minor: int
    sequence: int
    operator_sequence: int
    accounts: tuple[AccountOpened, ...] = ()

    def parts(self) -> Iterable[Part]:
        return self.accounts


@operation("orders.shift_closed", scope="house")
class ShiftClosed(Operation, frozen=True, kw_only=True):
    """The drawer counted: `expected` and `counted` cash in minor units; the difference is booked, never hidden."""

    shift: UUID
    expected: int
    counted: int
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        return self.transfers


@operation("orders.cash_moved", scope="house")
class CashMoved(Operation, frozen=True, kw_only=True):
    """Cash put into a shift's drawer (`amount` > 0) or taken out of it (< 0) that no sale and no return explains."""

    id: UUID
    shift: UUID
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    amount: int
    reason: CashReason
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.accounts, *self.transfers)


@operation("orders.terms_set", scope="house")
class TermsSet(Operation, frozen=True, kw_only=True):
    """What a sales point may sell from now on: `products` by code and `limit_minor` of sales a local day (lines and
    card deposits, gross). None = no bound. The latest terms hold; earlier ones stay on the record."""

    id: UUID
    facility: UUID
    sales_point: UUID
    products: tuple[str, ...] | None = None
    limit_minor: int | None = None


class TabOpened(Part, frozen=True, kw_only=True):
    """An open sales document: goods, services and stays are charged to it, money is paid on it, until it is closed.

    `number` is what people call it ("K1-T000042"), `sequence` its place among those of its sales point. `limit_minor`:
    how much may be owed when its people leave (a school's voucher, a company's word); 0 = nothing.
    """

    id: UUID
    number: str
    sequence: int
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    limit_minor: int = 0
    buyer: UUID | None = None
    customer: UUID | None = None


class TabLine(Part, frozen=True, kw_only=True):
    """Something charged to a tab: `amount` gross = `quantity` × `unit_price`, `vat` inside it. Below zero: taken off again.

    `stay`: the stay it is about; its lines of one `code` add up to what that part of the stay costs so far.
    """

    id: UUID
    tab: UUID
    n: int
    code: str
    product: UUID
    category: str
    quantity: int
    unit_price: int
    amount: int
    vat_bp: int
    vat: int
    sales_point: UUID
    stay: UUID | None = None


class TabPayment(Part, frozen=True, kw_only=True):
    """Money paid on a tab, `amount` kept; below zero: paid back from it."""

    id: UUID
    tab: UUID
    n: int
    kind: PaymentKind
    amount: int
    tendered: int | None = None
    account: UUID | None = None
    shift: UUID | None = None


class TabClosed(Part, frozen=True, kw_only=True):
    """Everything charged is paid, everything paid is charged or paid back: the tab takes no more."""

    id: UUID


class TabChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an operation does to one tab, with the transfers that book it. Stays carry it in operations of their own."""

    tab: UUID
    opened: TabOpened | None = None
    lines: tuple[TabLine, ...] = ()
    payments: tuple[TabPayment, ...] = ()
    closed: TabClosed | None = None
    accounts: tuple[AccountOpened, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, in the order in which they are projected."""
        ends = (self.closed,) if self.closed else ()
        opened = (self.opened,) if self.opened else ()
        return (*self.accounts, *opened, *self.lines, *self.payments, *ends, *self.transfers)


@operation("orders.tab_changed", scope="house")
class TabChanged(Operation, frozen=True, kw_only=True):
    """A tab was opened, charged, paid or closed at a till. Tabs stay at home; what they end in (TabBilled) travels."""

    change: TabChange

    def parts(self) -> Iterable[Part]:
        return self.change.parts()


@operation("orders.tab_billed")
class TabBilled(Operation, frozen=True, kw_only=True):
    """The sales document of a tab: its lines that no earlier one has, merged, and the payments that settle them.

    An order like any other from then on (receipt, invoice). The money moved with the tab's own lines and payments.
    """

    order: UUID
    tab: UUID
    number: str
    sequence: int
    facility: UUID
    sales_point: UUID
    operator: UUID
    currency: str
    total: int
    lines: tuple[Line, ...]
    payments: tuple[Payment, ...]
    buyer: UUID | None = None
    customer: UUID | None = None
