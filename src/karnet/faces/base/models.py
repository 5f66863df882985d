"""Tables of the faces: log-in failures and device tokens. House data, beside the journal."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from karnet.journal.models import Actor


class LogInFailures(models.Model):
    """Failed log-ins of one user name or from one address, in the window that began at `since`."""

    subject = models.CharField(primary_key=True, max_length=160)
    failures = models.IntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "faces_log_in_failures"


class DeviceToken(models.Model):
    """A token of a device or partner: its SHA-256, and what it opens (`scopes`, words with spaces between)."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.CharField(max_length=400)
    actor = models.ForeignKey(Actor, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "faces_device_token"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(scopes=""), name="device_token_opens_something"),
        ]
