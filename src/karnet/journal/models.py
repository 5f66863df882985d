"""Tables of the journal: what was decided, who may decide, what is sealed, what was answered, what came from others.

`operation`, `content`, `entry`, `checkpoint`, `origin`, `log_key` are insert-only (a trigger refuses UPDATE and DELETE to
everyone).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class TransactionIdField(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id (xid8)."""

    def db_type(self, connection: object) -> str:
        return "xid8"


class ProjectedModel(models.Model):
    """A table only projections write: a trigger refuses every other writer (wiring.database installs it).

    Short holds are no operations (ADR 0012). `UNPROJECTED_COLUMN`: the row that has a value there is a hold, which the
    journal does not know; it may be written freely, and a rebuild passes it over. `UNPROJECTED_SUM`: a column that sums up holds.
    """

    UNPROJECTED_COLUMN: ClassVar[str] = ""
    UNPROJECTED_SUM: ClassVar[str] = ""

    class Meta:
        abstract = True


class Actor(ProjectedModel):
    """Who acts or is named: ids and validity only. Names and log-ins belong to parties.

    `origin` is the log that enrolled it: a log enrols only what belongs to its own server.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=16)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    origin = models.SmallIntegerField(db_default=1)
    enrolled_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    retired_origin = models.SmallIntegerField(null=True)
    retired_number = models.BigIntegerField(null=True)

    class Meta:
        db_table = "journal_actor"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=("server", "facility", "sales_point", "operator", "device")),
                name="actor_kind_known",
            )
        ]


class Break(ProjectedModel):
    """What restored backups did to a log: entries applied again from an export, or abandoned (operations.Recovered)."""

    pk = models.CompositePrimaryKey("origin_id", "number")
    origin_id = models.SmallIntegerField()
    number = models.BigIntegerField()
    first = models.BigIntegerField()
    until = models.BigIntegerField()
    root = models.CharField(max_length=64)
    abandoned = models.BooleanField()
    contents_missing = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "journal_break"


class Received(ProjectedModel):
    """How much of another log its server had applied when it went on: `origin` said so of `log` in its operation
    `number`. What the home log has said yet decides whether the next operations must say more."""

    pk = models.CompositePrimaryKey("origin", "log", "size", "number")
    origin = models.SmallIntegerField()
    log = models.CharField(max_length=255)
    size = models.BigIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "journal_received"


class Guard(ProjectedModel):
    """What may happen once: `guard` names the rule, `key` the thing. Of two servers that did not know of each other both
    may have done it: `claims` counts them, and more than one is a conflict, whichever came first."""

    pk = models.CompositePrimaryKey("guard", "key")
    guard = models.CharField(max_length=32)
    key = models.UUIDField()
    claims = models.IntegerField()

    class Meta:
        db_table = "journal_guard"
        indexes: ClassVar = [
            models.Index(fields=["guard", "key"], condition=models.Q(claims__gt=1), name="guard_in_conflict")
        ]


class Origin(models.Model):
    """A server whose log this installation holds; the home server is number 1. The log's name is permanent."""

    id = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=255, unique=True)
    server = models.UUIDField(unique=True)

    class Meta:
        db_table = "journal_origin"


class LogKey(models.Model):
    """A key that signs another server's log from tree size `first` on (a C2SP verifier key): row 0 from its joining.

    `ends`: the keys before it sign nothing above that size (null: they may go on, as while a key is changed).
    """

    pk = models.CompositePrimaryKey("origin_id", "vkey")
    origin_id = models.SmallIntegerField()
    first = models.BigIntegerField()
    vkey = models.CharField(max_length=400)
    at = models.DateTimeField()
    ends = models.BigIntegerField(null=True)

    class Meta:
        db_table = "journal_log_key"


class Arrival(models.Model):
    """An entry of another log, verified and kept verbatim, not applied yet. Moves into Operation and Entry when it is."""

    pk = models.CompositePrimaryKey("origin_id", "index")
    origin_id = models.SmallIntegerField()
    index = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "journal_arrival"


class Applied(models.Model):
    """How far another log is applied here: entries below `size`. Written by the applier, and when somebody is suspended.

    `until`: entries from this index on are kept, not applied (a suspended member's last good index). `waiting`: what
    the next entry waits for, for people; empty while nothing is waited for.
    """

    origin_id = models.SmallIntegerField(primary_key=True)
    size = models.BigIntegerField(default=0)
    until = models.BigIntegerField(null=True)
    waiting = models.CharField(max_length=400, default="")

    class Meta:
        db_table = "journal_applied"


class Quarantine(models.Model):
    """Another log's entry `index` is not applied, nor any after it, until `released_at`: why, for programs and people.
    Of several in force the lowest counts.

    `evidence`: bytes that prove it to a third party, such as two signed notes that contradict each other.
    """

    pk = models.CompositePrimaryKey("origin_id", "at")
    origin_id = models.SmallIntegerField()
    at = models.DateTimeField()
    index = models.BigIntegerField()
    code = models.CharField(max_length=64)
    detail = models.TextField()
    evidence = models.BinaryField(default=b"")
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "journal_quarantine"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["origin_id", "index"], condition=models.Q(released_at__isnull=True), name="quarantine_in_force"
            )
        ]


class Operation(models.Model):
    """One recorded operation. `data` is the entry's canonical bytes, verbatim; `number` was drawn after its locks;
    `transaction` tells the sealer which numbers no running transaction can still undercut."""

    number = models.BigIntegerField(primary_key=True)
    id = models.UUIDField(unique=True)
    origin = models.ForeignKey(Origin, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    kind = models.CharField(max_length=64)
    at = models.DateTimeField()
    # NOT NULL with a foreign key: nothing enters the record without who did it (SPEC N7).
    actor = models.ForeignKey(Actor, on_delete=models.PROTECT, db_index=False, related_name="+")
    data = models.BinaryField()
    # SHA-256 of the body where it is kept in Content, as the entry says in its member "sha256".
    content = models.BinaryField(null=True)
    transaction = TransactionIdField(db_default=models.Func(function="pg_current_xact_id"), editable=False)

    class Meta:
        db_table = "journal_operation"
        indexes: ClassVar = [BrinIndex(fields=["at"], name="operation_by_time", pages_per_range=32, autosummarize=True)]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.lookups.LessThanOrEqual(
                    models.Func("data", function="octet_length", output_field=models.IntegerField()), 32 * 1024
                ),
                name="operation_at_most_32_kib",
            )
        ]


class Content(models.Model):
    """A body named by hash: large contents (which travel beside their entry) and salted house contents (which do not).
    `digest` is SHA-256 of `salt` followed by `data`."""

    digest = models.BinaryField(primary_key=True)
    salt = models.BinaryField()
    data = models.BinaryField()

    class Meta:
        db_table = "journal_content"


class Request(models.Model):
    """A request answered once: the same key gets the same answer, for ever or until pruned.

    `subject` and `place` are set for refusals that somebody may ask about later: which card, at which gate.
    """

    key = models.CharField(primary_key=True, max_length=200)
    digest = models.BinaryField()
    answer = models.BinaryField()
    at = models.DateTimeField()
    subject = models.UUIDField(null=True)
    place = models.UUIDField(null=True)

    class Meta:
        db_table = "journal_request"
        indexes: ClassVar = [
            # Of refusals alone: what is admitted or sold costs this index nothing.
            models.Index(fields=["subject", "at"], condition=models.Q(subject__isnull=False), name="request_by_subject")
        ]


class Entry(models.Model):
    """A sealed operation: its gap-free index in its origin's log and its RFC 6962 leaf hash."""

    pk = models.CompositePrimaryKey("origin_id", "index")
    origin_id = models.SmallIntegerField()
    index = models.BigIntegerField()
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="+")
    leaf = models.BinaryField()

    class Meta:
        db_table = "journal_entry"


class Tile(models.Model):
    """Hashes of one tile (C2SP tlog-tiles): 32 bytes times its present width, 256 at most."""

    pk = models.CompositePrimaryKey("origin_id", "level", "index")
    origin_id = models.SmallIntegerField()
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        db_table = "journal_tile"


class Tree(models.Model):
    """How far an origin's log is sealed; the sealer moves it by compare-and-swap. `settled` is a number up to which
    every operation is known to be sealed or never to come."""

    origin_id = models.SmallIntegerField(primary_key=True)
    size = models.BigIntegerField(default=0)
    settled = models.BigIntegerField(default=0)

    class Meta:
        db_table = "journal_tree"


class Checkpoint(models.Model):
    """A signed note over a tree size and its root (C2SP tlog-checkpoint)."""

    pk = models.CompositePrimaryKey("origin_id", "size")
    origin_id = models.SmallIntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "journal_checkpoint"
