"""Tables of the API: house data, not operations."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from karnet.faces.base.models import DeviceToken


class Token(models.Model):
    """What a device's or partner's token reaches. Digest, name, scopes and end of the token are the foundation's.

    `facility`, `sales_point`, `operator` and `gates` are ids of enrolled parties, checked when the token is made.
    """

    device = models.OneToOneField(DeviceToken, on_delete=models.CASCADE, primary_key=True, related_name="+")
    kind = models.CharField(max_length=16)
    facility = models.UUIDField(null=True)
    sales_point = models.UUIDField(null=True)
    operator = models.UUIDField(null=True)
    gates = ArrayField(models.UUIDField(), null=True)
    per_minute = models.IntegerField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_token"


class Webhook(models.Model):
    """A subscription. `secret` is encrypted with a key made of the installation's; `since` is the journal index it
    starts at, so that a new subscriber is not told the past."""

    id = models.UUIDField(primary_key=True)
    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="+", null=True)
    facility = models.UUIDField(null=True)
    url = models.CharField(max_length=1000)
    events = ArrayField(models.CharField(max_length=32))
    secret = models.BinaryField()
    since = models.BigIntegerField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_webhook"


class Delivery(models.Model):
    """An event on its way to a subscriber. `state`: "waiting", "delivered" or "dead" (given up; can be sent again)."""

    id = models.UUIDField(primary_key=True)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="+")
    index = models.BigIntegerField()
    event = models.CharField(max_length=32)
    body = models.BinaryField()
    state = models.CharField(max_length=16, default="waiting")
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    error = models.CharField(max_length=300, default="")

    class Meta:
        db_table = "api_delivery"
        indexes: ClassVar = [
            models.Index(fields=["next_at"], name="api_delivery_due", condition=models.Q(state="waiting")),
            models.Index(fields=["webhook", "-index"], name="api_delivery_of"),
            models.Index(fields=["delivered_at"], name="api_delivery_old", condition=models.Q(state="delivered")),
        ]


class Cursor(models.Model):
    """How far the journal has been turned into deliveries: `index` is the next entry of the home log. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    index = models.BigIntegerField()

    class Meta:
        db_table = "api_cursor"
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="api_one_cursor")]
