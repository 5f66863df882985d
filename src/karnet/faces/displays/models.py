"""Tables of displays: house data, beside the journal. Nothing is decided on them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from karnet.faces.base.models import DeviceToken


class Display(models.Model):
    """A display and its settings. `languages`: three, the first one the largest. `reads`: a reader types into it.

    Until it is claimed, `code` is the digest of the one-time code that pairs it; afterwards `device` is its token.
    """

    id = models.UUIDField(primary_key=True)
    gate = models.UUIDField()
    languages = ArrayField(models.CharField(max_length=2))
    reads = models.BooleanField(default=False)
    code = models.BinaryField(max_length=32, null=True, unique=True)
    code_until = models.DateTimeField(null=True)
    device = models.OneToOneField(DeviceToken, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "displays_display"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(languages__len=3), name="display_three_languages"),
        ]


class Refusal(models.Model):
    """The last refusal of a gate, so that its displays can show it. `answer` is the Refused as JSON.

    Passages and grants stand in tables of access; refusals change nothing and leave no row anywhere else.
    """

    gate = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    answer = models.BinaryField()

    class Meta:
        db_table = "displays_refusal"


class Reading(models.Model):
    """The last band that a border of a metered place let through, so that its displays can show it. `answer` is the Let,
    `standing` the Standing of who passed, both as JSON; there is none where nobody could be found any more."""

    gate = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    answer = models.BinaryField()
    standing = models.BinaryField(null=True)

    class Meta:
        db_table = "displays_reading"
