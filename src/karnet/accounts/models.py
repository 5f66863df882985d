"""Tables of the ledger.

Nothing here can be unbalanced: a transfer is one row, and its two sides are accounts of the transfer's own unit, which
composite foreign keys see to (migration). Sums are kept by the projection, never by hand.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from karnet.journal.models import ProjectedModel

NOT_OVERDRAWN = "account_not_overdrawn"
"""The guard of every bounded account; a service words its refusal as INSUFFICIENT_FUNDS."""

_UNIT = "^([A-Z]{3}|points|credits)$"


class Account(ProjectedModel):
    """An account and its sums. `balance` of a hot account lacks what `Unfolded` still holds for it.

    `overdrawn`: by how much servers that did not know of each other spent more than there was (SPEC N14); never raised
    by what is decided here.
    """

    id = models.UUIDField(primary_key=True)
    owner = models.UUIDField()
    purpose = models.CharField(max_length=32)
    unit = models.CharField(max_length=8)
    overdraft = models.BigIntegerField(null=True)
    hot = models.BooleanField()
    balance = models.BigIntegerField(db_default=0)
    reserved = models.BigIntegerField(db_default=0)
    overdrawn = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "accounts_account"
        indexes: ClassVar = [
            models.Index(fields=["owner"], name="account_owner"),
            models.Index(fields=["id"], condition=Q(overdrawn__gt=0), name="account_overdrawn"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["id", "unit"], name="account_in_unit"),
            models.CheckConstraint(condition=Q(unit__regex=_UNIT), name="account_unit_known"),
            models.CheckConstraint(condition=Q(overdraft__isnull=True) | Q(overdraft__gte=0), name="account_overdraft"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="account_reserved_not_negative"),
            models.CheckConstraint(
                condition=Q(overdraft__isnull=True) | Q(overdraft__gte=F("reserved") - F("balance") - F("overdrawn")),
                name=NOT_OVERDRAWN,
            ),
            # A hot account's sums lag behind, so nothing can be decided by them: it has no bound and reserves nothing.
            models.CheckConstraint(
                condition=Q(hot=False) | (Q(overdraft__isnull=True) & Q(reserved=0)), name="account_hot_is_unbounded"
            ),
        ]


class Transfer(ProjectedModel):
    """A posted transfer: a fact that settles. `n` is its place in its operation."""

    pk = models.CompositePrimaryKey("origin", "number", "n")
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()
    n = models.SmallIntegerField()
    source = models.UUIDField(db_index=True)
    target = models.UUIDField(db_index=True)
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=8)
    at = models.DateTimeField()

    class Meta:
        db_table = "accounts_transfer"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="transfer_between_two_accounts"),
        ]


class Stored(ProjectedModel):
    """An account of money or bonus money on an issue of a medium, held by the facility that took it."""

    account = models.UUIDField(primary_key=True)
    medium = models.UUIDField(db_index=True)
    issue = models.IntegerField()
    facility = models.UUIDField()
    kind = models.CharField(max_length=8)
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "accounts_stored"


class Load(ProjectedModel):
    """Money put on a medium: a fact that settles. `bonus` was given with it."""

    id = models.UUIDField(primary_key=True)
    medium = models.UUIDField()
    facility = models.UUIDField()
    currency = models.CharField(max_length=3)
    money = models.BigIntegerField()
    bonus = models.BigIntegerField()
    sales_point = models.UUIDField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_load"
        indexes: ClassVar = [
            models.Index(fields=["medium", "at"], name="load_on_medium"),
            models.Index(fields=["sales_point", "at"], name="load_at_sales_point"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(money__gte=0, bonus__gte=0), name="load_not_negative"),
        ]


class CardTerms(ProjectedModel):
    """What an agreement says of cards, once no signature is `missing`. `facilities`: ids in hexadecimal, a space between."""

    agreement = models.UUIDField(primary_key=True)
    facilities = models.TextField()
    refund_minor = models.BigIntegerField()
    replacements = models.IntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    missing = models.IntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_card_terms"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(refund_minor__gte=0, replacements__gte=0), name="card_terms_not_negative"
            ),
        ]


class Drawn(ProjectedModel):
    """What a charge at `facility` took of the money that `held_by` holds on a medium: a fact that settles."""

    pk = models.CompositePrimaryKey("charge", "n")
    charge = models.UUIDField()
    n = models.SmallIntegerField()
    medium = models.UUIDField()
    facility = models.UUIDField()
    held_by = models.UUIDField()
    currency = models.CharField(max_length=3)
    money = models.BigIntegerField()
    bonus = models.BigIntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_drawn"
        indexes: ClassVar = [
            models.Index(fields=["medium", "at"], name="drawn_from_medium"),
            models.Index(fields=["facility", "at", "charge", "medium"], name="drawn_at_facility"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(money__gte=0, bonus__gte=0), name="drawn_not_negative"),
        ]


class PointsCharge(ProjectedModel):
    """Points of a ticket charged at a facility without a gate: a fact that settles."""

    charge = models.UUIDField(primary_key=True)
    medium = models.UUIDField()
    entitlement = models.UUIDField(db_index=True)
    facility = models.UUIDField()
    points = models.IntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_points_charge"
        indexes: ClassVar = [models.Index(fields=["facility", "at", "charge", "medium"], name="points_at_facility")]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(points__gt=0), name="points_charge_positive")]


class Unfolded(ProjectedModel):
    """What an operation added to a hot account and sealing has not folded into its balance yet."""

    pk = models.CompositePrimaryKey("number", "account")
    number = models.BigIntegerField()
    account = models.UUIDField()
    amount = models.BigIntegerField()

    class Meta:
        db_table = "accounts_unfolded"


class Reservation(ProjectedModel):
    """A pending transfer, for ever; whether it still pends is told by `ReservationEnd`."""

    id = models.UUIDField(primary_key=True)
    source = models.UUIDField()
    target = models.UUIDField()
    amount = models.BigIntegerField()
    unit = models.CharField(max_length=8)
    expires_at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_reservation"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="reservation_amount_positive"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="reservation_between_two_accounts"),
        ]


class ReservationEnd(ProjectedModel):
    """The one end of a reservation: posted (drawn) or given back. Its key is the reservation's, so there is no second."""

    reservation = models.UUIDField(primary_key=True)
    posted = models.BooleanField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "accounts_reservation_end"
