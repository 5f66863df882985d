"""Tables of media and entitlements. Only projections write them; rows of facts are never changed (`at`, `origin`,
`number` say which operation made them, so that a cut can select them)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from karnet.journal.models import ProjectedModel


class Medium(ProjectedModel):
    """A card, wristband or code. Its row is the lock of everything on it: entitlements, their days and points.

    `issue` counts how often it was given out again: what was put on it for an earlier issue is somebody else's.
    `blocks` counts blocks that no unblock has lifted. `holder`: the customer who has it, on its issue `holder_issue`:
    an id without a foreign key, for customers of other servers are not kept here, and any may be erased.
    """

    id = models.UUIDField(primary_key=True)
    number = models.CharField(max_length=64, unique=True)
    chip = models.CharField(max_length=128, db_index=True)
    kind = models.CharField(max_length=16)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    issue = models.IntegerField(default=0)
    issued_at = models.DateTimeField()
    issued_origin = models.SmallIntegerField()
    issued_number = models.BigIntegerField()
    state = models.CharField(max_length=16)
    state_at = models.DateTimeField()
    state_origin = models.SmallIntegerField()
    state_number = models.BigIntegerField()
    blocks = models.IntegerField(default=0)
    holder = models.UUIDField(null=True)
    holder_issue = models.IntegerField(null=True)
    holder_at = models.DateTimeField(null=True)
    holder_origin = models.SmallIntegerField(null=True)
    holder_number = models.BigIntegerField(null=True)

    class Meta:
        db_table = "entitlements_medium"
        indexes: ClassVar = [
            models.Index(fields=["holder"], condition=Q(holder__isnull=False), name="medium_by_holder"),
            models.Index(fields=["id"], condition=Q(state="replaced"), name="medium_replaced"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=("card", "wristband", "barcode", "qr", "phone")), name="medium_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("in_use", "returned", "replaced")), name="medium_state_known"
            ),
            models.CheckConstraint(condition=~Q(number="") & ~Q(chip=""), name="medium_has_number_and_chip"),
        ]


class Block(ProjectedModel):
    """One reason why a medium is on the hotlist. It stands until a lift names it."""

    id = models.UUIDField(primary_key=True)
    medium = models.ForeignKey(Medium, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=16)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_block"


class Lift(ProjectedModel):
    """The end of exactly one block. Two servers that did not know of each other may both have ended it."""

    pk = models.CompositePrimaryKey("block", "origin", "number")
    block = models.ForeignKey(Block, on_delete=models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_lift"


class ReplacedAlone(ProjectedModel):
    """A card of `home` that another facility replaced while the home server did not answer."""

    pk = models.CompositePrimaryKey("medium", "origin", "number")
    medium = models.ForeignKey(Medium, on_delete=models.PROTECT, db_index=False, related_name="+")
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    home = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_replaced_alone"
        indexes: ClassVar = [models.Index(fields=["facility", "at"], name="replaced_alone_by_day")]


class Deposit(ProjectedModel):
    """A card deposit taken (SPEC N3): minor units, owed to whoever hands the medium in."""

    id = models.UUIDField(primary_key=True)
    medium = models.ForeignKey(Medium, on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_deposit"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(amount__gt=0), name="deposit_positive")]


class DepositBack(ProjectedModel):
    """A card deposit paid back, by whichever facility took the medium in: once, as far as servers know of each other.
    More rows for one deposit are a conflict, which the agreement charges."""

    pk = models.CompositePrimaryKey("deposit", "origin", "number")
    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, db_index=False, related_name="+")
    medium = models.UUIDField()
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_deposit_back"


# The first 48 bits of the id are the milliseconds of `at` (kernel.ids.derived_id): a settlement finds the tickets of its
# season by their ids, so an id that tells another instant must not get in, whoever made it.
_ID_TELLS_THE_SALE = RawSQL(
    "left(replace(id::text, '-', ''), 12) = lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')",
    (),
    output_field=models.BooleanField(),
)


class Entitlement(ProjectedModel):
    """A right of access. Who sold it stands in columns that cannot be empty or invented (SPEC N7).

    `placed_*` is the operation that put it on its medium (for that `issue` of it); `activated_*` its first passage; `voided_*` its end by hand.
    `valid_*` is its span as sold (null = it starts at the first passage), `active_*` the span its first passage gave it.
    `validity` and `facilities` are canonical JSON, as sold.
    """

    id = models.UUIDField(primary_key=True)
    medium = models.ForeignKey(Medium, on_delete=models.PROTECT, related_name="+")
    issue = models.IntegerField()
    placed_at = models.DateTimeField()
    placed_origin = models.SmallIntegerField()
    placed_number = models.BigIntegerField()
    operator = models.ForeignKey("parties.Operator", on_delete=models.PROTECT, db_index=False, related_name="+")
    sales_point = models.ForeignKey("parties.SalesPoint", on_delete=models.PROTECT, db_index=False, related_name="+")
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    product = models.ForeignKey("catalogue.ProductVersion", on_delete=models.PROTECT, db_index=False, related_name="+")
    product_code = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    category = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    price = models.BigIntegerField()
    list_price = models.BigIntegerField()
    points = models.IntegerField()
    time_zone = models.CharField(max_length=64)
    validity = models.TextField()
    facilities = models.TextField()
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    active_from = models.DateTimeField(null=True)
    active_until = models.DateTimeField(null=True)
    activated_at = models.DateTimeField(null=True)
    activated_origin = models.SmallIntegerField(null=True)
    activated_number = models.BigIntegerField(null=True)
    voided_at = models.DateTimeField(null=True)
    voided_origin = models.SmallIntegerField(null=True)
    voided_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_entitlement"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=("points", "time")), name="entitlement_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="points", points__gt=0) | Q(kind="time", points=0), name="entitlement_points_by_kind"
            ),
            models.CheckConstraint(condition=Q(price__gte=0, list_price__gte=0), name="entitlement_price_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_from__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="entitlement_validity_not_empty",
            ),
            models.CheckConstraint(condition=_ID_TELLS_THE_SALE, name="entitlement_id_tells_its_sale"),
        ]


class IncludedStay(ProjectedModel):
    """Metered stays that a bundle includes at a facility, as sold (catalogue.operations.IncludedStay)."""

    pk = models.CompositePrimaryKey("entitlement", "facility")
    entitlement = models.UUIDField()
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    tariff = models.CharField(max_length=64)
    package = models.CharField(max_length=64)
    prepaid_minor = models.BigIntegerField()
    times = models.IntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_included_stay"


class IncludedStayUse(ProjectedModel):
    """A stay of a bundle that has begun: the `nth` at its facility, once, as the one server of that facility sees to."""

    pk = models.CompositePrimaryKey("entitlement", "facility", "nth", "origin", "number")
    entitlement = models.UUIDField()
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    nth = models.IntegerField()
    stay = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_included_use"


class Activation(ProjectedModel):
    """A first passage that an operation reported. Of several (gates without a link), the earliest in a cut counts."""

    pk = models.CompositePrimaryKey("entitlement", "origin", "number")
    entitlement = models.UUIDField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "entitlements_activation"


class EntitlementDay(ProjectedModel):
    """A calendar day on which a k-of-n ticket was used."""

    pk = models.CompositePrimaryKey("entitlement", "day")
    entitlement = models.UUIDField()
    day = models.DateField()

    class Meta:
        db_table = "entitlements_day"
