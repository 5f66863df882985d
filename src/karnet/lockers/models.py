"""Tables of lockers. Only projections write them; who has a locker now is also a claim in `capacity`, which guards it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from karnet.journal.models import ProjectedModel


class Section(ProjectedModel):
    """A section of lockers. Its row is the lock of all that is decided in it."""

    id = models.UUIDField(primary_key=True)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=32)

    class Meta:
        db_table = "lockers_section"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "code"], name="locker_section_unique"),
        ]


class SectionSetting(ProjectedModel):
    """How a section works, each time it was set; the latest row holds."""

    pk = models.CompositePrimaryKey("section", "origin", "number")
    section = models.UUIDField()
    mode = models.CharField(max_length=16)
    exit_waits = models.BooleanField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "lockers_section_setting"


class Locker(ProjectedModel):
    """A locker and where it stands. `medium`: the band that belongs to it."""

    id = models.UUIDField(primary_key=True)
    section = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=32)
    aisle = models.SmallIntegerField()
    position = models.SmallIntegerField()
    row = models.SmallIntegerField()
    medium = models.UUIDField(null=True, unique=True)
    band = models.CharField(max_length=64)
    hook = models.CharField(max_length=32)

    class Meta:
        db_table = "lockers_locker"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["section", "aisle", "position", "row"], name="locker_stands_alone"),
        ]


class Reader(ProjectedModel):
    """Which section a reader serves, each time it was set; the latest row holds."""

    pk = models.CompositePrimaryKey("reader", "origin", "number")
    reader = models.UUIDField()
    section = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "lockers_reader"


class Use(ProjectedModel):
    """A band's time with a locker. Over when `freed_at`."""

    id = models.UUIDField(primary_key=True)
    locker = models.UUIDField()
    section = models.UUIDField()
    medium = models.UUIDField()
    issue = models.IntegerField()
    party = models.UUIDField(null=True)
    how = models.CharField(max_length=16, null=True)
    freed_at = models.DateTimeField(null=True)
    freed_origin = models.SmallIntegerField(null=True)
    freed_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "lockers_use"
        # Uses that go on are few, however many there were; who had a locker when is asked of one locker.
        indexes: ClassVar = [
            models.Index(fields=["section"], condition=Q(freed_at__isnull=True), name="locker_use_now"),
            models.Index(fields=["medium"], condition=Q(freed_at__isnull=True), name="locker_use_of_band"),
            models.Index(fields=["locker", "-at"], name="locker_uses"),
        ]


class Block(ProjectedModel):
    """A block of a locker, until it is lifted."""

    id = models.UUIDField(primary_key=True)
    locker = models.UUIDField()
    reason = models.CharField(max_length=16)
    lifted_at = models.DateTimeField(null=True)
    lifted_origin = models.SmallIntegerField(null=True)
    lifted_number = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "lockers_block"
        indexes: ClassVar = [
            models.Index(fields=["locker"], condition=Q(lifted_at__isnull=True), name="locker_block_now"),
        ]


class Opening(ProjectedModel):
    """Staff opened a locker."""

    id = models.UUIDField(primary_key=True)
    locker = models.UUIDField()
    reason = models.CharField(max_length=16)
    use = models.UUIDField(null=True)
    actor = models.UUIDField()
    at = models.DateTimeField()
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "lockers_opening"
        indexes: ClassVar = [models.Index(fields=["locker", "-at"], name="locker_openings")]
