"""Tables of the catalogue: published versions (projected, insert-only) and drafts (edited freely)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from karnet.journal.models import ProjectedModel


class ProductVersion(ProjectedModel):
    """One published version of a product. `definition` is its canonical JSON, as the journal has it."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    currency = models.CharField(max_length=3)
    on_sale_from = models.DateTimeField()
    on_sale_until = models.DateTimeField(null=True)
    definition = models.BinaryField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "catalogue_product_version"
        indexes: ClassVar = [
            models.Index(fields=["facility", "code", "on_sale_from", "number"], name="product_version_on_sale"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(on_sale_until__isnull=True) | models.Q(on_sale_until__gt=models.F("on_sale_from")),
                name="product_version_on_sale_for_a_while",
            ),
        ]


class Drafted(models.Model):
    """Something in the making: a document, possibly unfinished. `revision` grows with every save."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    document = models.TextField()
    revision = models.IntegerField(default=1)
    saved_at = models.DateTimeField()
    # Set when it was published; what was published is in the journal, and the draft is kept as it was.
    published_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Draft(Drafted):
    """A price list in the making."""

    class Meta:
        db_table = "catalogue_draft"


class TariffVersion(ProjectedModel):
    """One published version of a tariff. `definition` is its canonical JSON, as the journal has it."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=64)
    in_force_from = models.DateTimeField()
    definition = models.BinaryField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "catalogue_tariff_version"
        indexes: ClassVar = [
            models.Index(fields=["facility", "code", "in_force_from", "number"], name="tariff_version_in_force"),
        ]


class TariffDraft(Drafted):
    """A tariff in the making."""

    class Meta:
        db_table = "catalogue_tariff_draft"
