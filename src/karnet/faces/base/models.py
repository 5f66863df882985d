"""Tables of the faces: log-in failures, second factors, device tokens. House data, beside the journal."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from karnet.journal.models import Actor


class LogInFailures(models.Model):
    """Failed log-ins of one user name or from one address, in the window that began at `since`."""

    subject = models.CharField(primary_key=True, max_length=160)
    failures = models.IntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "faces_log_in_failures"


class RecoveryCode(models.Model):
    """A recovery code of a log-in's second factor, by its SHA-256. The row goes when the code is used."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "faces_recovery_code"


class LogInEvent(models.Model):
    """What was done about the second factor of a log-in, and by whom. Rows are only ever added."""

    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=24)

    class Meta:
        db_table = "faces_log_in_event"
        indexes: ClassVar = [models.Index(fields=["-at"], name="log_in_event_latest")]


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
