"""Tables of federation. Who takes part is projected from the hub's log; tokens, cosignatures, evidence and what was
seen of each peer are this server's own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from karnet.journal.models import ProjectedModel


class Hub(ProjectedModel):
    """The server whose word counts here about who takes part: one. What another log says of it points at no row here,
    and the tables refuse it."""

    server = models.UUIDField(primary_key=True)
    log = models.CharField(max_length=255)
    only = models.SmallIntegerField(unique=True)

    class Meta:
        db_table = "federation_hub"


class Member(ProjectedModel):
    """A server that takes part. `good`: suspended from this entry on (null: not suspended)."""

    log = models.CharField(primary_key=True, max_length=255)
    server = models.UUIDField(unique=True)
    cosigner = models.TextField()
    invitation = models.UUIDField(null=True, unique=True)  # Used once.
    is_hub = models.BooleanField()
    at = models.DateTimeField()
    said_by = models.ForeignKey(Hub, on_delete=models.PROTECT, db_index=False, related_name="+")
    good = models.BigIntegerField(null=True)
    standing_at = models.DateTimeField(null=True)
    standing_origin = models.SmallIntegerField(null=True)
    standing_number = models.BigIntegerField(null=True)

    class Meta:
        db_table = "federation_member"


class Key(ProjectedModel):
    """A key that signs checkpoints of a log of sizes above `above`. `ends`: keys before it sign none above that."""

    pk = models.CompositePrimaryKey("log", "vkey")
    log = models.CharField(max_length=255)
    vkey = models.TextField()
    above = models.BigIntegerField()
    ends = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    said_by = models.ForeignKey(Hub, on_delete=models.PROTECT, db_index=False, related_name="+")

    class Meta:
        db_table = "federation_key"


class Invitation(ProjectedModel):
    """A server may join until then."""

    id = models.UUIDField(primary_key=True)
    log = models.CharField(max_length=255)
    until = models.DateTimeField()
    at = models.DateTimeField()
    said_by = models.ForeignKey(Hub, on_delete=models.PROTECT, db_index=False, related_name="+")

    class Meta:
        db_table = "federation_invitation"


class Announcement(ProjectedModel):
    """A key that a log announced in itself."""

    pk = models.CompositePrimaryKey("log", "vkey")
    log = models.CharField(max_length=255)
    vkey = models.TextField()
    operation = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        db_table = "federation_announcement"


class Voucher(ProjectedModel):
    """A member's manager vouches for another member's new key; `above`: for the hub's, which signs above that size."""

    pk = models.CompositePrimaryKey("log", "vkey", "voucher")
    log = models.CharField(max_length=255)
    vkey = models.TextField()
    voucher = models.CharField(max_length=255)
    above = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "federation_voucher"


class Token(models.Model):
    """What opens the hub to somebody: an invitation (used once) or a member. Only its SHA-256 is kept."""

    digest = models.BinaryField(primary_key=True)
    log = models.CharField(max_length=255)
    invitation = models.UUIDField(null=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "federation_token"


class Cosignature(models.Model):
    """The newest cosignature of each cosigner on each log, as a line of a note."""

    pk = models.CompositePrimaryKey("log", "cosigner")
    log = models.CharField(max_length=255)
    cosigner = models.CharField(max_length=255)
    size = models.BigIntegerField()
    root = models.BinaryField()
    line = models.TextField()
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "federation_cosignature"


class Evidence(models.Model):
    """What shows that a log or a sender was not honest. `message` is the evidence as it goes over the wire."""

    digest = models.BinaryField(primary_key=True)
    log = models.CharField(max_length=255)
    message = models.BinaryField()
    found_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "federation_evidence"


class Peer(models.Model):
    """What was seen of a peer: a member by the hub, the hub by a member. For people to look at; nothing depends on it."""

    log = models.CharField(primary_key=True, max_length=255)
    address = models.TextField(default="")
    seen_at = models.DateTimeField(null=True)
    down_since = models.DateTimeField(null=True)
    error = models.TextField(default="")
    error_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "federation_peer"


class Alarm(models.Model):
    """What the relay wants people to know now (core.relaying.Alarm): a row while its cause lasts."""

    pk = models.CompositePrimaryKey("trouble", "log")
    trouble = models.CharField(max_length=32)
    log = models.CharField(max_length=255)
    detail = models.TextField()
    ours = models.BigIntegerField()
    theirs = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "federation_alarm"


class ArchivePull(models.Model):
    """One daily pull of the whole common record: what it held, and whether it was found sound."""

    day = models.DateField(primary_key=True)
    at = models.DateTimeField()
    cut = models.TextField()
    sound = models.BooleanField()
    what = models.TextField()

    class Meta:
        db_table = "federation_archive_pull"


class Delay(models.Model):
    """How long another log's entries lately took from being recorded there to being applied here (federation.delays)."""

    log = models.CharField(primary_key=True, max_length=255)
    p50_ms = models.IntegerField()
    p99_ms = models.IntegerField()
    samples = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "federation_delay"


class Ask(models.Model):
    """What one server alone may do, asked by another: at the asker and at the hub, which passes it on (federation.asks).

    `until`: may be fetched until then; `fetched_at`: the home server has it. Kept for a month, for people to look at.
    """

    pk = models.CompositePrimaryKey("asker", "key")
    asker = models.CharField(max_length=255)
    key = models.CharField(max_length=80)
    home = models.CharField(max_length=255)
    kind = models.CharField(max_length=80)
    body = models.BinaryField()
    signed_at = models.CharField(max_length=40, default="")
    proof = models.BinaryField(default=b"")
    asked_at = models.DateTimeField()
    until = models.DateTimeField()
    given_up = models.BooleanField(default=False)
    fetched_at = models.DateTimeField(null=True)
    answer = models.BinaryField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "federation_ask"
        indexes: ClassVar = [
            models.Index(fields=["home", "asked_at"], condition=models.Q(answered_at=None), name="ask_to_answer"),
            models.Index(fields=["asked_at"], name="ask_asked_at"),
        ]


class RefusedAct(ProjectedModel):
    """What a till of one facility could not do because the server of another alone may do it, and why."""

    id = models.UUIDField(primary_key=True)
    act = models.CharField(max_length=32)
    facility = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    home = models.ForeignKey("parties.Facility", on_delete=models.PROTECT, db_index=False, related_name="+")
    subject = models.UUIDField()
    reason = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    origin = models.SmallIntegerField()
    number = models.BigIntegerField()

    class Meta:
        db_table = "federation_refused_act"
