"""Tables of loyalty. Insert-only, written by projections."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from karnet.journal.models import ProjectedModel


class Rule(ProjectedModel):
    """A rule that a facility published. `definition` is its canonical JSON."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    code = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    definition = models.TextField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "loyalty_rule"


class Earned(ProjectedModel):
    """A card reached a rule's threshold for the n-th time: the key lets it happen once."""

    pk = models.CompositePrimaryKey("rule", "medium", "issue", "nth")
    id = models.UUIDField(unique=True)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, db_index=False, related_name="+")
    medium = models.UUIDField(db_index=True)
    issue = models.IntegerField()
    nth = models.IntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "loyalty_earned"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(nth__gte=1), name="earned_from_one")]


class Right(ProjectedModel):
    """A right to one ticket at a discount. `products` is canonical JSON."""

    id = models.UUIDField(primary_key=True)
    medium = models.UUIDField(db_index=True)
    issue = models.IntegerField()
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    discount_bp = models.IntegerField()
    products = models.TextField()
    valid_until = models.DateTimeField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "loyalty_right"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(discount_bp__gt=0, discount_bp__lte=10_000), name="right_takes_something"
            )
        ]


class RightUse(ProjectedModel):
    """A right used up: once, as far as servers know of each other. More rows for one right are a conflict."""

    pk = models.CompositePrimaryKey("right", "origin", "number")
    right = models.ForeignKey(Right, on_delete=models.PROTECT, db_index=False, related_name="+")
    order = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "loyalty_right_use"


class Succession(ProjectedModel):
    """A card, `old`, was replaced with this issue of `medium`: rights and what counts for rewards go over with it."""

    pk = models.CompositePrimaryKey("old", "origin", "number")
    old = models.UUIDField()
    medium = models.UUIDField()
    issue = models.IntegerField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "loyalty_succession"
        indexes: ClassVar = [models.Index(fields=["medium", "issue"], name="succession_to")]
