"""What can be asked at a till, and the answers. The actor of each is the operator who sells (SPEC N7)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.entitlements.operations import BlockCode, MediumKind
from karnet.orders.operations import CashReason, Payment, PaymentKind, RefundKind


class OpenShift(msgspec.Struct, frozen=True, kw_only=True):
    """Take a sales point's drawer with `float_minor` of change in it, in the facility's currency."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    float_minor: int = 0


class ShiftOpen(msgspec.Struct, frozen=True, kw_only=True, tag="shift_open"):
    """`drawer` is the account of the shift's cash."""

    shift: UUID
    drawer: UUID


class CloseShift(msgspec.Struct, frozen=True, kw_only=True):
    """Count the drawer. `counted`: cash in it, minor units; `counts`: pieces by denomination in minor units
    ({"20000": 3, "5": 7}), where somebody notes them: then they must add up."""

    key: str
    at: datetime
    actor: UUID
    shift: UUID
    counted: int
    counts: dict[str, int] = msgspec.field(default_factory=dict)


class ShiftCounted(msgspec.Struct, frozen=True, kw_only=True, tag="shift_closed"):
    """`expected`: the float and the cash of the shift; `difference`: counted less expected (negative = short)."""

    shift: UUID
    expected: int
    counted: int
    difference: int


class MoveCash(msgspec.Struct, frozen=True, kw_only=True):
    """Put cash into the drawer of a running shift (`amount` > 0) or take it out (< 0), minor units."""

    key: str
    at: datetime
    actor: UUID
    shift: UUID
    amount: int
    reason: CashReason = "other"


class CashInDrawer(msgspec.Struct, frozen=True, kw_only=True, tag="cash_moved"):
    """Cash moved; `expected`: what the drawer should hold now."""

    id: UUID
    shift: UUID
    amount: int
    expected: int


class SetTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Say what a sales point may sell: `products` by code (None = all on sale), `limit_minor` a day (None = no limit)."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    products: tuple[str, ...] | None = None
    limit_minor: int | None = None


class TermsHold(msgspec.Struct, frozen=True, kw_only=True, tag="terms_set"):
    """The terms that hold from now on."""

    id: UUID
    sales_point: UUID


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The medium a ticket goes on, by its printed number. `issue`: it is given out in this sale (a new one, or one that
    was handed back); else it is in its holder's hands. `chip`: what readers read; the number where it is not named.
    `holder`: the customer who holds it from now on; where none is named, nothing is said of it."""

    number: str
    chip: str = ""
    kind: MediumKind = "card"
    issue: bool = False
    holder: UUID | None = None


class SaleLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One position: a product version in a category, on each of `cards` (tickets) or `quantity` times (goods).

    `unit_price` overrides the price list: dearer, cheaper, 0 = given away (SPEC N8). `start`: when a ticket that does
    not start at its first passage starts; the sale's instant where not chosen.
    """

    product: UUID
    category: str = "adult"
    cards: tuple[Card, ...] = ()
    quantity: int = 1
    unit_price: int | None = None
    start: datetime | None = None


class Sell(msgspec.Struct, frozen=True, kw_only=True):
    """A sale. `payments` add up to the lines and the card deposits. `buyer`: a company; `invoice`: issue one at once;
    `customer`: the person who buys, by id."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...] = ()
    buyer: UUID | None = None
    invoice: bool = False
    customer: UUID | None = None

    @property
    def people(self) -> set[UUID]:
        """The customers that the sale names: who buys, and who holds its cards."""
        holders = {card.holder for line in self.lines for card in line.cards}
        return {customer for customer in (self.customer, *holders) if customer is not None}


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """Sell one more ticket onto a medium that is in use, by the number printed on it (SPEC N12).

    The ticket is an entitlement of its own; gates draw on what expires first, then on what was sold first.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    product: UUID
    category: str = "adult"
    unit_price: int | None = None
    payments: tuple[Payment, ...] = ()


class Sale(msgspec.Struct, frozen=True, kw_only=True, tag="sold", omit_defaults=True):
    """A sale made. `lines` in the order asked, one per ticket; `entitlements` and `media` likewise (a medium once).

    `total` gross of the lines, `vat` inside it, `deposit` on top, `change` to hand out; minor units.
    """

    order: UUID
    number: str
    total: int
    vat: int
    deposit: int
    change: int
    lines: tuple[UUID, ...]
    entitlements: tuple[UUID, ...] = ()
    media: tuple[UUID, ...] = ()
    invoice: str | None = None


class GiveBack(msgspec.Struct, frozen=True, kw_only=True):
    """Return `lines` of an `order` (none named = all that are left), and hand in `cards` by number.

    Lines go back where they were bought, and unused; a card with its deposit at any facility (SPEC N3). `refund_kind`:
    how the money is paid out; `account`: where to, for an internal account. What cards and passes had paid goes back to
    them, and is not paid out; `to_card`: onto this card instead, where the one that paid is gone.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    order: UUID | None = None
    lines: tuple[UUID, ...] = ()
    cards: tuple[str, ...] = ()
    refund_kind: PaymentKind = "cash"
    account: UUID | None = None
    to_card: str = ""


class GiveBackFor(GiveBack, frozen=True, kw_only=True):
    """Return lines of an order of ours whose money another server's facility (`payer`) pays out: no cards, `refund_kind`
    "elsewhere". `refund`: the name it gave the refund; `for_operator`, `for_sales_point`: who asked for it there."""

    refund: UUID
    payer: UUID
    for_operator: UUID | None = None
    for_sales_point: UUID | None = None
    refund_kind: RefundKind = "elsewhere"  # type: ignore[assignment]


class PayOut(msgspec.Struct, frozen=True, kw_only=True):
    """Pay a refund out for a sale of another server's facility (`home`), and take `cards` back with their deposits.

    `amount`: what the home server said, minor units of `currency`. None: it did not answer; then the agreement's limit
    for one card decides, and the card that the lines' tickets are on must be among `cards`.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    refund: UUID
    order: UUID
    lines: tuple[UUID, ...]
    home: UUID
    currency: str
    amount: int | None = None
    cards: tuple[str, ...] = ()
    refund_kind: PaymentKind = "cash"


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, tag="taken_back"):
    """`refund`: given back in all, minor units; `deposit`: the part of it for cards; `vat`: inside the rest. `elsewhere`:
    the part that another server's till pays out; `to_cards`: the part that went back to cards and passes."""

    id: UUID
    refund: int
    deposit: int
    vat: int
    lines: tuple[UUID, ...] = ()
    elsewhere: int = 0
    to_cards: int = 0


class ReplaceCard(msgspec.Struct, frozen=True, kw_only=True):
    """Replace a lost or broken medium at a till.

    By default a new deposit of `deposit_minor` is taken for the new card and the old one stays to be paid to whoever
    hands the old card in [ours]; "move" takes none and moves the old deposit to the new card.
    """

    key: str
    at: datetime
    actor: UUID
    old: UUID
    new_number: str
    new_chip: str = ""
    kind: MediumKind = "card"
    sales_point: UUID
    code: BlockCode = "lost"
    deposit: Literal["new", "move"] = "new"
    deposit_minor: int = 0
    payment_kind: PaymentKind = "cash"


class IssueInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """Issue the invoice of an order afterwards. `buyer`: a company; the order's where not named."""

    key: str
    at: datetime
    actor: UUID
    order: UUID
    buyer: UUID | None = None


class InvoiceIssued(msgspec.Struct, frozen=True, kw_only=True, tag="invoiced"):
    """`number`: facility code / year / sequence, without gaps per facility and year."""

    order: UUID
    number: str
    buyer: UUID


class Extra(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something charged to a tab that no price list here knows: a dish of a third party's restaurant. Gross minor units."""

    code: str
    unit_price: int
    vat_bp: int
    quantity: int = 1


class OpenTab(msgspec.Struct, frozen=True, kw_only=True):
    """Open a sales document that stays open: a school's voucher, a table. `payments`: paid on it at once.

    `limit_minor`: how much may be owed when its people leave. `buyer`: a company; `customer`: a person, by ids.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    payments: tuple[Payment, ...] = ()
    limit_minor: int = 0
    buyer: UUID | None = None
    customer: UUID | None = None


class ChargeTab(msgspec.Struct, frozen=True, kw_only=True):
    """Charge goods and services to an open tab; nothing is paid now. `extras`: what no price list here knows."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    tab: UUID
    lines: tuple[SaleLine, ...] = ()
    extras: tuple[Extra, ...] = ()


class PayTab(msgspec.Struct, frozen=True, kw_only=True):
    """Pay on an open tab, as much as `payments` say."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    tab: UUID
    payments: tuple[Payment, ...]


class CloseTab(msgspec.Struct, frozen=True, kw_only=True):
    """Close a tab: what is owed is paid now, exactly; what was paid too much is paid back as `refund_kind`."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    tab: UUID
    payments: tuple[Payment, ...] = ()
    refund_kind: PaymentKind = "cash"
    account: UUID | None = None


class TabNow(msgspec.Struct, frozen=True, kw_only=True, tag="tab", omit_defaults=True):
    """A tab as it is now. `balance`: paid less charged, minor units; below zero is owed. `change`: to hand out;
    `refund`: paid back. `order`, `document`: what it ended in, when it was closed."""

    tab: UUID
    number: str
    balance: int
    currency: str
    change: int = 0
    refund: int = 0
    closed: bool = False
    order: UUID | None = None
    document: str | None = None
