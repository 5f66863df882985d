"""Tables of printers: house data, beside the journal. A sale is decided without them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

KINDS = ("posnet", "escpos")
ROLES = ("fiscal", "slips")
JOB_STATES = ("queued", "printing", "printed", "failed", "needs_look", "dropped")


class Printer(models.Model):
    """A printer and how it is set. `settings` is a Settings as JSON; `state` what it said when it was last looked at
    ("" = ready), `state_since` since when, `looked_at` when that was; null before the first look."""

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField()
    code = models.CharField(max_length=32)
    kind = models.CharField(max_length=8)
    address = models.CharField(max_length=200)
    settings = models.BinaryField()
    state = models.CharField(max_length=16, default="")
    state_since = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "devices_printer"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["facility", "code"], condition=models.Q(retired_at__isnull=True), name="printer_code_unique"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="printer_kind_known"),
        ]


class Assignment(models.Model):
    """Where the papers of a sales point come out: fiscal receipts on one printer, slips on one (maybe another)."""

    sales_point = models.UUIDField()
    role = models.CharField(max_length=8)
    printer = models.ForeignKey(Printer, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "devices_assignment"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sales_point", "role"], name="assignment_one_printer_per_role"),
            models.CheckConstraint(condition=models.Q(role__in=ROLES), name="assignment_role_known"),
        ]


class Job(models.Model):
    """A paper to print, in the order of `n` at its printer. `document` is frozen (documents.Document as JSON).

    `state`: queued; printing (begun: `mark` holds what the printer had done before); printed; failed (the printer
    refuses it, nothing is on paper); needs_look (nobody can tell); dropped (somebody decided that it is not printed).
    `id` is made of what is printed, so that nothing is queued twice. `number`: the printer's own of a fiscal receipt.
    """

    n = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    printer = models.ForeignKey(Printer, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    sales_point = models.UUIDField(null=True)
    order = models.UUIDField(null=True)
    title = models.CharField(max_length=64)
    document = models.BinaryField()
    state = models.CharField(max_length=12, default="queued")
    mark = models.BinaryField(null=True)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    error = models.CharField(max_length=64, default="")
    number = models.CharField(max_length=32, default="")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "devices_job"
        indexes: ClassVar = [
            # Those that wait are few, however many were printed.
            models.Index(
                fields=["printer", "n"],
                name="job_waiting",
                condition=models.Q(state__in=("queued", "printing", "failed", "needs_look")),
            ),
            models.Index(fields=["order"], name="job_of_order", condition=models.Q(order__isnull=False)),
            models.Index(fields=["printer", "-n"], name="job_latest"),
            # What is still remembered of papers that ended.
            models.Index(
                fields=["ended_at"],
                name="job_remembered",
                condition=models.Q(ended_at__isnull=False) & ~models.Q(document=b""),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=JOB_STATES), name="job_state_known"),
        ]


class Cursor(models.Model):
    """How far the journal has been turned into jobs: `index` is the next entry of the home log. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    index = models.BigIntegerField()

    class Meta:
        db_table = "devices_cursor"
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="devices_one_cursor")]
