"""Tables of passes. Only projections write them (`at`, `origin`, `number` say which operation made a row), but for the two at
the end: what only we know of a card is no operation."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from karnet.journal.models import ProjectedModel

ENTRY_ONCE_A_DAY = "benefit_entry_once_a_day"
"""The last guard of a benefit card's day; a service words its refusal as BENEFIT_USED."""


class Kind(ProjectedModel):
    """A kind of pass, each time it was published, as canonical JSON; the latest row of a code holds."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField()
    code = models.CharField(max_length=64)
    definition = models.BinaryField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_kind"
        indexes: ClassVar = [models.Index(fields=["facility", "code", "-at"], name="pass_kind_latest")]


class Pass(ProjectedModel):
    """A pass. Its row is the lock of its accounts, holds, blocks and terms. `good_until`: of what is on it; null = for ever, if
    ever it was set. `runs_until`: of its contract, for an open pass."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=64)
    medium = models.UUIDField()
    issue = models.IntegerField()
    sales_point = models.UUIDField()
    operator = models.UUIDField()
    customer = models.UUIDField(null=True)
    good_until = models.DateTimeField(null=True)
    good_at = models.DateTimeField(null=True)
    good_origin = models.SmallIntegerField(null=True)
    good_number = models.BigIntegerField(null=True)
    runs_until = models.DateTimeField(null=True)
    runs_at = models.DateTimeField(null=True)
    runs_origin = models.SmallIntegerField(null=True)
    runs_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_pass"
        indexes: ClassVar = [
            models.Index(fields=["facility", "good_until"], name="pass_money_ends"),
            models.Index(fields=["customer"], condition=Q(customer__isnull=False), name="pass_of_customer"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["medium", "issue", "facility"], name="pass_one_on_a_card"),
        ]


class TopUp(ProjectedModel):
    """A payment onto a pass: minor units."""

    id = models.UUIDField(primary_key=True)
    of = models.UUIDField()
    paid = models.BigIntegerField()
    bonus = models.BigIntegerField()
    pack = models.CharField(max_length=64)
    sales_point = models.UUIDField()
    until = models.DateTimeField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_top_up"
        indexes: ClassVar = [models.Index(fields=["of", "at"], name="pass_top_ups")]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(paid__gte=0, bonus__gte=0), name="top_up_positive")]


class Hold(ProjectedModel):
    """Money of a purse that is held for somebody inside. Its id is the reservation's."""

    id = models.UUIDField(primary_key=True)
    of = models.UUIDField()
    holder = models.UUIDField()
    account = models.UUIDField()
    amount = models.BigIntegerField()
    expires_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True)
    over_origin = models.SmallIntegerField(null=True)
    over_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_hold"
        # Holds that stand are few, however many there were.
        indexes: ClassVar = [
            models.Index(fields=["of"], condition=Q(over_at__isnull=True), name="pass_holds"),
            models.Index(fields=["expires_at"], condition=Q(over_at__isnull=True), name="pass_holds_lapse"),
        ]


class Block(ProjectedModel):
    """Why a pass pays nothing; it stands until it is lifted."""

    id = models.UUIDField(primary_key=True)
    of = models.UUIDField()
    code = models.CharField(max_length=16)
    lifted_at = models.DateTimeField(null=True)
    lifted_origin = models.SmallIntegerField(null=True)
    lifted_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_block"
        indexes: ClassVar = [models.Index(fields=["of"], condition=Q(lifted_at__isnull=True), name="pass_blocks")]


class Instalment(ProjectedModel):
    """A part of a contract's price, due on a local day."""

    id = models.UUIDField(primary_key=True)
    of = models.UUIDField(db_index=True)
    facility = models.UUIDField()
    n = models.IntegerField()
    due_on = models.DateField()
    amount = models.BigIntegerField()
    paid_at = models.DateTimeField(null=True)
    paid_origin = models.SmallIntegerField(null=True)
    paid_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_instalment"
        indexes: ClassVar = [
            models.Index(fields=["facility", "due_on"], condition=Q(paid_at__isnull=True), name="instalments_due"),
        ]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_positive")]


class CreditUse(ProjectedModel):
    """Credits taken, and for what."""

    id = models.UUIDField(primary_key=True)
    of = models.UUIDField()
    purse = models.CharField(max_length=32)
    credits = models.IntegerField()
    code = models.CharField(max_length=64)
    sales_point = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_credit_use"
        indexes: ClassVar = [models.Index(fields=["of", "at"], name="pass_credits_used")]


class Replacement(ProjectedModel):
    """A card was replaced by another: passes on it are found by the new one."""

    pk = models.CompositePrimaryKey("new", "origin", "number")
    new = models.UUIDField()
    new_issue = models.IntegerField()
    old = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_replacement"
        indexes: ClassVar = [models.Index(fields=["old"], name="pass_card_replaced")]


class Programme(ProjectedModel):
    """What a facility agreed with an issuer of benefit cards, each time it was set; the latest row of a code holds."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField()
    code = models.CharField(max_length=64)
    definition = models.BinaryField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_programme"
        indexes: ClassVar = [models.Index(fields=["facility", "code", "-at"], name="programme_latest")]


class BenefitEntry(ProjectedModel):
    """An entry on a benefit card, owed by its issuer. `card` stands for the card's number, which is kept elsewhere."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField()
    programme = models.CharField(max_length=64)
    card = models.UUIDField()
    day = models.DateField()
    category = models.CharField(max_length=64)
    amount = models.BigIntegerField()
    vat_bp = models.IntegerField()
    stay = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "passes_benefit_entry"
        indexes: ClassVar = [models.Index(fields=["facility", "programme", "day"], name="benefit_entries_by_day")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "programme", "card", "day"], name=ENTRY_ONCE_A_DAY),
            models.CheckConstraint(condition=Q(amount__gte=0), name="benefit_entry_not_negative"),
        ]


class Secret(models.Model):
    """The code with which the holder of a pass looks at it: its hash only."""

    of = models.UUIDField(primary_key=True)
    hash = models.CharField(max_length=256)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "passes_secret"


class BenefitCard(models.Model):
    """The number of a benefit card, for the list that its issuer gets. Erased when nobody asks for it any more."""

    id = models.UUIDField(primary_key=True)
    number = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "passes_benefit_card"
