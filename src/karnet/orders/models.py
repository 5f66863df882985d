"""Tables of orders. Only projections write them; `at`, `origin`, `number` say which operation made a row, so that a cut
can select it. What people read as a number (of an order, of an invoice) is called `document` here."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from karnet.journal.models import ProjectedModel

_PAYMENT_KINDS = ("cash", "card", "bank_transfer", "voucher", "internal_account", "invoice", "on_account")


def _seller(model: str) -> models.ForeignKey[models.Model, models.Model]:
    # Who sold it cannot be empty or invented (SPEC N7).
    return models.ForeignKey(f"parties.{model}", on_delete=models.PROTECT, db_index=False, related_name="+")


class Shift(ProjectedModel):
    """An operator at a sales point's drawer.

    Who opens the next shift names its place in the sequence of the sales point and of the operator, and has seen the
    one before closed; so of two who open at once the keys let one pass, and nobody has two open.
    """

    id = models.UUIDField(primary_key=True)
    facility = _seller("Facility")
    sales_point = _seller("SalesPoint")
    operator = _seller("Operator")
    sequence = models.IntegerField()
    operator_sequence = models.IntegerField()
    currency = models.CharField(max_length=3)
    float_minor = models.BigIntegerField()
    expected = models.BigIntegerField(null=True)
    counted = models.BigIntegerField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_origin = models.SmallIntegerField(null=True)
    closed_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_shift"
        indexes: ClassVar = [
            models.Index(fields=["sales_point"], condition=Q(closed_at__isnull=True), name="shift_running"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sales_point", "sequence"], name="shift_one_at_a_time_per_sales_point"),
            models.UniqueConstraint(fields=["operator", "operator_sequence"], name="shift_one_at_a_time_per_operator"),
            models.CheckConstraint(condition=Q(float_minor__gte=0), name="shift_float_not_negative"),
        ]


class CashMovement(ProjectedModel):
    """Cash put into a shift's drawer (`amount` > 0) or taken out (< 0) beside sales and returns."""

    id = models.UUIDField(primary_key=True)
    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="+")
    operator = _seller("Operator")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=16)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_cash_movement"
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(amount=0), name="cash_moved_is_something")]


class Terms(ProjectedModel):
    """What a sales point may sell, each time it was set; the latest row holds. `products`: codes with spaces between,
    null = all; `limit_minor`: sales a local day, null = no limit."""

    id = models.UUIDField(primary_key=True)
    sales_point = _seller("SalesPoint")
    products = models.TextField(null=True)
    limit_minor = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_terms"
        indexes: ClassVar = [models.Index(fields=["sales_point", "-at"], name="terms_latest")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(limit_minor__isnull=True) | Q(limit_minor__gte=0), name="terms_limit_not_negative"
            ),
        ]


class Order(ProjectedModel):
    """A sale. `total` is the gross of its lines, `vat` inside it; `deposit` is taken on top, without VAT. `buyer`: a
    company, `customer`: a person, by ids that may mean nobody any more."""

    id = models.UUIDField(primary_key=True)
    document = models.CharField(max_length=64)
    facility = _seller("Facility")
    sales_point = _seller("SalesPoint")
    operator = _seller("Operator")
    sequence = models.IntegerField()
    shift = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    total = models.BigIntegerField()
    vat = models.BigIntegerField()
    deposit = models.BigIntegerField()
    buyer = models.UUIDField(null=True)
    customer = models.UUIDField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_order"
        indexes: ClassVar = [
            BrinIndex(fields=["at"], name="order_by_time", pages_per_range=32, autosummarize=True),
            models.Index(fields=["buyer"], condition=Q(buyer__isnull=False), name="order_by_buyer"),
            models.Index(fields=["customer"], condition=Q(customer__isnull=False), name="order_by_customer"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "document"], name="order_document_unique"),
            models.UniqueConstraint(fields=["sales_point", "sequence"], name="order_sequence_unique"),
            models.CheckConstraint(condition=Q(total__gte=0, vat__gte=0, deposit__gte=0), name="order_not_negative"),
        ]


class OrderLine(ProjectedModel):
    """One thing sold: a ticket, or a quantity of goods. `position` groups the tickets that were asked for together."""

    id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    n = models.IntegerField()
    position = models.IntegerField()
    product = models.UUIDField()
    product_code = models.CharField(max_length=64)
    category = models.CharField(max_length=64)
    quantity = models.IntegerField()
    unit_price = models.BigIntegerField()
    amount = models.BigIntegerField()
    vat_bp = models.IntegerField()
    vat = models.BigIntegerField()
    entitlement = models.UUIDField(null=True)

    class Meta:
        db_table = "orders_line"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount=models.F("quantity") * models.F("unit_price")), name="line_amount_is_its_product"
            ),
            models.CheckConstraint(condition=Q(vat__gte=0, vat__lte=models.F("amount")), name="line_vat_inside_amount"),
        ]


class Payment(ProjectedModel):
    """Money tendered for an order; `amount` was kept, the rest of `tendered` was change."""

    pk = models.CompositePrimaryKey("order", "n")
    order = models.UUIDField()
    n = models.SmallIntegerField()
    kind = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    tendered = models.BigIntegerField(null=True)
    account = models.UUIDField(null=True)

    class Meta:
        db_table = "orders_payment"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=(*_PAYMENT_KINDS, "stored_money")), name="payment_kind_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_positive"),
            models.CheckConstraint(
                condition=Q(tendered__isnull=True) | Q(tendered__gte=models.F("amount")), name="payment_tendered_enough"
            ),
        ]


class GivenBack(ProjectedModel):
    """A return: lines refunded, cards handed in. `refund` is all the money given back, `deposit` the part for
    cards handed in, `to_cards` the part that went back to cards and passes that had paid."""

    id = models.UUIDField(primary_key=True)
    facility = _seller("Facility")
    sales_point = _seller("SalesPoint")
    operator = _seller("Operator")
    shift = models.UUIDField(null=True)
    order = models.UUIDField(null=True, db_index=True)
    currency = models.CharField(max_length=3)
    refund = models.BigIntegerField()
    vat = models.BigIntegerField()
    deposit = models.BigIntegerField()
    to_cards = models.BigIntegerField(db_default=0)
    refund_kind = models.CharField(max_length=16)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_given_back"
        indexes: ClassVar = [
            BrinIndex(fields=["at"], name="given_back_by_time", pages_per_range=32, autosummarize=True)
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(refund_kind__in=(*_PAYMENT_KINDS, "elsewhere")), name="refund_kind_known"
            ),
            models.CheckConstraint(condition=Q(refund__gte=0, vat__gte=0, deposit__gte=0), name="refund_not_negative"),
            models.CheckConstraint(
                condition=Q(to_cards__gte=0, to_cards__lte=models.F("refund") - models.F("deposit")),
                name="refund_to_cards_is_of_lines",
            ),
        ]


class LineBack(ProjectedModel):
    """A line that was returned. Its key is the line's, so there is no second time."""

    line = models.OneToOneField(OrderLine, primary_key=True, on_delete=models.PROTECT, related_name="+")
    given_back = models.UUIDField()

    class Meta:
        db_table = "orders_line_back"


class RefundOwed(ProjectedModel):
    """A refund that `payer` may pay out for `facility`, whose server gave the lines back (in `operation`).

    Names of refunds are given by who pays, so the operation is in the key: nobody keeps another's row out."""

    pk = models.CompositePrimaryKey("refund", "operation")
    refund = models.UUIDField()
    operation = models.UUIDField()
    order = models.UUIDField(db_index=True)
    facility = _seller("Facility")
    payer = _seller("Facility")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_refund_owed"


class RefundPaid(ProjectedModel):
    """A refund that `facility` paid out for a sale of `home`. `alone`: without the home server's word; then `medium` is the
    card that came back for it."""

    pk = models.CompositePrimaryKey("refund", "operation")
    refund = models.UUIDField()
    operation = models.UUIDField()
    order = models.UUIDField(db_index=True)
    lines = models.TextField()
    facility = _seller("Facility")
    home = _seller("Facility")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    alone = models.BooleanField()
    medium = models.UUIDField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_refund_paid"
        indexes: ClassVar = [
            # Those paid without asking are few, however many there were.
            models.Index(fields=["home"], condition=Q(alone=True), name="refund_paid_alone"),
            models.Index(fields=["medium"], condition=Q(alone=True), name="refund_paid_for_card"),
        ]


class RefundRefused(ProjectedModel):
    """A refund that was paid out alone and that the server that sold does not stand for; `reason` is a code."""

    pk = models.CompositePrimaryKey("refund", "origin")
    refund = models.UUIDField()
    order = models.UUIDField()
    facility = _seller("Facility")
    payer = _seller("Facility")
    reason = models.CharField(max_length=64)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_refund_refused"


class Invoice(ProjectedModel):
    """An invoice for an order. `sequence` has no gaps per facility and year. The buyer's data are house data."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="+")
    facility = _seller("Facility")
    year = models.SmallIntegerField()
    sequence = models.IntegerField()
    document = models.CharField(max_length=64)
    buyer = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_invoice"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "year", "sequence"], name="invoice_sequence_unique"),
            models.UniqueConstraint(fields=["facility", "document"], name="invoice_document_unique"),
        ]


class Tab(ProjectedModel):
    """An open sales document. Its balance is that of its account (rules.tabs.tab_account): paid less charged."""

    id = models.UUIDField(primary_key=True)
    document = models.CharField(max_length=64)
    facility = _seller("Facility")
    sales_point = _seller("SalesPoint")
    operator = _seller("Operator")
    sequence = models.IntegerField()
    currency = models.CharField(max_length=3)
    limit_minor = models.BigIntegerField()
    buyer = models.UUIDField(null=True)
    customer = models.UUIDField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_origin = models.SmallIntegerField(null=True)
    closed_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_tab"
        indexes: ClassVar = [
            # Those that are open are few, however many there were.
            models.Index(fields=["facility"], condition=Q(closed_at__isnull=True), name="tab_open"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "document"], name="tab_document_unique"),
            models.UniqueConstraint(fields=["sales_point", "sequence"], name="tab_sequence_unique"),
            models.CheckConstraint(condition=Q(limit_minor__gte=0), name="tab_limit_not_negative"),
        ]


class TabLine(ProjectedModel):
    """Something charged to a tab, or (below zero) taken off it again."""

    id = models.UUIDField(primary_key=True)
    tab = models.UUIDField(db_index=True)
    n = models.IntegerField()
    stay = models.UUIDField(null=True)
    code = models.CharField(max_length=64)
    product = models.UUIDField()
    category = models.CharField(max_length=64)
    quantity = models.IntegerField()
    unit_price = models.BigIntegerField()
    amount = models.BigIntegerField()
    vat_bp = models.IntegerField()
    vat = models.BigIntegerField()
    sales_point = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_tab_line"
        indexes: ClassVar = [
            # What a sales point charged to tabs: its statement, and its limit of the day.
            models.Index(fields=["sales_point", "at"], condition=Q(stay__isnull=True), name="dishes_of_sales_point"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount=models.F("quantity") * models.F("unit_price")), name="tab_line_amount_is_its_product"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, vat__gte=0, vat__lte=models.F("amount"))
                | Q(amount__lte=0, vat__lte=0, vat__gte=models.F("amount")),
                name="tab_line_vat_inside_amount",
            ),
        ]


class TabPayment(ProjectedModel):
    """Money paid on a tab, or (below zero) paid back from it."""

    id = models.UUIDField(primary_key=True)
    tab = models.UUIDField(db_index=True)
    n = models.IntegerField()
    kind = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    tendered = models.BigIntegerField(null=True)
    account = models.UUIDField(null=True)
    shift = models.UUIDField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_tab_payment"
        indexes: ClassVar = [
            models.Index(fields=["shift"], condition=Q(shift__isnull=False), name="tab_payment_of_shift"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=_PAYMENT_KINDS), name="tab_payment_kind_known"),
            models.CheckConstraint(condition=~Q(amount=0), name="tab_payment_is_something"),
            models.CheckConstraint(
                condition=Q(tendered__isnull=True) | Q(tendered__gte=models.F("amount")),
                name="tab_payment_tendered_enough",
            ),
        ]


class TabBill(ProjectedModel):
    """The order that a tab's lines before it ended in (those of lower numbers that no earlier one has)."""

    order = models.UUIDField(primary_key=True)
    tab = models.UUIDField(db_index=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "orders_tab_bill"
