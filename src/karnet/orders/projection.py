"""Projection of orders."""

from __future__ import annotations

from karnet.journal.operations import Recorded
from karnet.journal.projection import CLAIM, Insert, SetEarlier, Write, projects, stamped
from karnet.kernel.ids import named_id
from karnet.orders import models
from karnet.orders.models import CashMovement, GivenBack, Invoice, LineBack, Order, OrderLine, Payment, Shift, Terms
from karnet.orders.operations import (
    CashMoved,
    Invoiced,
    RefundOwed,
    RefundPaid,
    RefundRefused,
    Returned,
    ShiftClosed,
    ShiftOpened,
    Sold,
    TabBilled,
    TabClosed,
    TabLine,
    TabOpened,
    TabPayment,
    TermsSet,
)

_FACT = ("at", "origin", "number")
_SELLER = ("facility", "sales_point", "operator")


class _LineBack(Insert):
    """Takes lines back where their order was sold: the line is of the order that the return names, and both are of one
    server. To give money back for a sale is home-only, so no other server's word for it counts (docs/federation.md)."""

    def statement(self) -> str:
        return (
            "INSERT INTO orders_line_back (line_id, given_back) SELECT d.line_id, d.given_back"
            f" FROM {self._unnest()} JOIN orders_given_back g ON g.id = d.given_back"
            ' JOIN orders_line l ON l.id = d.line_id AND l.order_id = g."order"'
            " JOIN orders_order o ON o.id = l.order_id AND o.origin = g.origin ON CONFLICT DO NOTHING"
        )


class _Invoice(Insert):
    """Issues invoices for orders of the same server."""

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        chosen = ", ".join(f"d.{self._column(name)}" for name in self.columns)
        return (
            f"INSERT INTO orders_invoice ({names}) SELECT {chosen} FROM {self._unnest()}"
            " JOIN orders_order o ON o.id = d.order_id AND o.origin = d.origin ON CONFLICT DO NOTHING"
        )


SHIFT = Insert(Shift, ["id", *_SELLER, "sequence", "operator_sequence", "currency", "float_minor", *_FACT])
ORDER = Insert(
    Order,
    [
        "id", "document", *_SELLER, "sequence", "shift", "currency", "total", "vat", "deposit", "buyer",
        "customer", *_FACT,
    ],
)  # fmt: skip
LINE = Insert(
    OrderLine,
    [
        "id", "order", "n", "position", "product", "product_code", "category", "quantity", "unit_price", "amount",
        "vat_bp", "vat", "entitlement",
    ],
)  # fmt: skip
PAYMENT = Insert(Payment, ["order", "n", "kind", "amount", "tendered", "account"])
GIVEN_BACK = Insert(
    GivenBack,
    ["id", *_SELLER, "shift", "order", "currency", "refund", "vat", "deposit", "to_cards", "refund_kind", *_FACT],
)
LINE_BACK = _LineBack(LineBack, ["line", "given_back"])
OWED = Insert(models.RefundOwed, ["refund", "operation", "order", "facility", "payer", "currency", "amount", *_FACT])
PAID = Insert(
    models.RefundPaid,
    [
        "refund", "operation", "order", "lines", "facility", "home", "currency", "amount", "alone", "medium", *_FACT,
    ],
)  # fmt: skip
REFUSED = Insert(models.RefundRefused, ["refund", "order", "facility", "payer", "reason", *_FACT])
REFUND_GUARD = "refund_paid"
"""A refund is paid out once at the facility that named it (`CLAIM`)."""
INVOICE = _Invoice(Invoice, ["order", "facility", "year", "sequence", "document", "buyer", *_FACT])
CASH_MOVED = Insert(CashMovement, ["id", "shift", "operator", "currency", "amount", "reason", *_FACT])
TERMS = Insert(Terms, ["id", "sales_point", "products", "limit_minor", *_FACT])
CLOSED = SetEarlier(Shift, ["id"], ["expected", "counted"], "closed")
TAB = Insert(
    models.Tab,
    ["id", "document", *_SELLER, "sequence", "currency", "limit_minor", "buyer", "customer", *_FACT],
)
TAB_LINE = Insert(
    models.TabLine,
    [
        "id", "tab", "n", "stay", "code", "product", "category", "quantity", "unit_price", "amount", "vat_bp", "vat",
        "sales_point", *_FACT,
    ],
)  # fmt: skip
TAB_PAYMENT = Insert(models.TabPayment, ["id", "tab", "n", "kind", "amount", "tendered", "account", "shift", *_FACT])
TAB_BILL = Insert(models.TabBill, ["order", "tab", *_FACT])
TAB_CLOSED = SetEarlier(models.Tab, ["id"], [], "closed")


@projects(ShiftOpened)
def shift_opened(shift: ShiftOpened, recorded: Recorded, write: Write) -> None:
    write(
        SHIFT,
        (
            shift.shift, shift.facility, shift.sales_point, shift.operator, shift.sequence, shift.operator_sequence,
            shift.currency, shift.float_minor, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(ShiftClosed)
def shift_closed(shift: ShiftClosed, recorded: Recorded, write: Write) -> None:
    write(CLOSED, (shift.shift, shift.expected, shift.counted, recorded))


@projects(CashMoved)
def cash_moved(moved: CashMoved, recorded: Recorded, write: Write) -> None:
    write(
        CASH_MOVED,
        (moved.id, moved.shift, moved.operator, moved.currency, moved.amount, moved.reason, *stamped(recorded)),
    )


@projects(TermsSet)
def terms_set(terms: TermsSet, recorded: Recorded, write: Write) -> None:
    products = None if terms.products is None else " ".join(terms.products)
    write(TERMS, (terms.id, terms.sales_point, products, terms.limit_minor, *stamped(recorded)))


@projects(Sold)
def sold(sale: Sold, recorded: Recorded, write: Write) -> None:
    vat, deposit = sum(line.vat for line in sale.lines), sum(deposit.amount for deposit in sale.deposits)
    write(
        ORDER,
        (
            sale.order, sale.number, sale.facility, sale.sales_point, sale.operator, sale.sequence, sale.shift,
            sale.currency, sale.total, vat, deposit, sale.buyer, sale.customer, *stamped(recorded),
        ),
    )  # fmt: skip
    _order_lines(sale, write)


def _order_lines(sale: Sold | TabBilled, write: Write) -> None:
    for n, line in enumerate(sale.lines):
        write(
            LINE,
            (
                line.id, sale.order, n, line.position, line.product, line.product_code, line.category, line.quantity,
                line.unit_price, line.amount, line.vat_bp, line.vat, line.entitlement,
            ),
        )  # fmt: skip
    for n, payment in enumerate(sale.payments):
        write(PAYMENT, (sale.order, n, payment.kind, payment.amount, payment.tendered, payment.account))


@projects(Returned)
def returned(back: Returned, recorded: Recorded, write: Write) -> None:
    deposit = sum(deposit.amount for deposit in back.deposits)
    write(
        GIVEN_BACK,
        (
            back.id, back.facility, back.sales_point, back.operator, back.shift, back.order, back.currency, back.refund,
            back.vat, deposit, back.to_cards, back.refund_kind, *stamped(recorded),
        ),
    )  # fmt: skip
    for line in back.lines:
        write(LINE_BACK, (line, back.id))


@projects(RefundOwed)
def refund_owed(owed: RefundOwed, recorded: Recorded, write: Write) -> None:
    write(
        OWED,
        (
            owed.refund, recorded.entry.id, owed.order, owed.facility, owed.payer, owed.currency, owed.amount,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(RefundPaid)
def refund_paid(paid: RefundPaid, recorded: Recorded, write: Write) -> None:
    lines = " ".join(line.hex for line in paid.lines)
    write(
        PAID,
        (
            paid.refund, recorded.entry.id, paid.order, lines, paid.facility, paid.home, paid.currency, paid.amount,
            paid.alone, paid.medium, *stamped(recorded),
        ),
    )  # fmt: skip
    # Others know the refund's name before it is paid; they can claim it for facilities of their own alone.
    write(CLAIM, (REFUND_GUARD, named_id("refund_paid", paid.facility, paid.refund)))


@projects(RefundRefused)
def refund_refused(refused: RefundRefused, recorded: Recorded, write: Write) -> None:
    write(
        REFUSED,
        (refused.refund, refused.order, refused.facility, refused.payer, refused.reason, *stamped(recorded)),
    )


@projects(Invoiced)
def invoiced(invoice: Invoiced, recorded: Recorded, write: Write) -> None:
    write(
        INVOICE,
        (
            invoice.order, invoice.facility, invoice.year, invoice.sequence, invoice.number, invoice.buyer,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(TabOpened)
def tab_opened(tab: TabOpened, recorded: Recorded, write: Write) -> None:
    write(
        TAB,
        (
            tab.id, tab.number, tab.facility, tab.sales_point, tab.operator, tab.sequence, tab.currency,
            tab.limit_minor, tab.buyer, tab.customer, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(TabLine)
def tab_line(line: TabLine, recorded: Recorded, write: Write) -> None:
    write(
        TAB_LINE,
        (
            line.id, line.tab, line.n, line.stay, line.code, line.product, line.category, line.quantity,
            line.unit_price, line.amount, line.vat_bp, line.vat, line.sales_point, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(TabPayment)
def tab_payment(paid: TabPayment, recorded: Recorded, write: Write) -> None:
    write(
        TAB_PAYMENT,
        (
            paid.id, paid.tab, paid.n, paid.kind, paid.amount, paid.tendered, paid.account, paid.shift,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(TabClosed)
def tab_closed(tab: TabClosed, recorded: Recorded, write: Write) -> None:
    write(TAB_CLOSED, (tab.id, recorded))


@projects(TabBilled)
def tab_billed(bill: TabBilled, recorded: Recorded, write: Write) -> None:
    write(
        ORDER,
        (
            bill.order, bill.number, bill.facility, bill.sales_point, bill.operator, bill.sequence, None,
            bill.currency, bill.total, sum(line.vat for line in bill.lines), 0, bill.buyer, bill.customer,
            *stamped(recorded),
        ),
    )  # fmt: skip
    _order_lines(bill, write)
    write(TAB_BILL, (bill.order, bill.tab, *stamped(recorded)))
