"""Tables of displays: house data, beside the journal. Nothing is decided on them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from karnet.faces.base.models import DeviceToken


class Display(models.Model):
    """A display and its settings. `languages`: three, the first one the largest. `reads`: a reader types into it. `kind`: the
    whole screen for the gate, half of it (slides on the other), or an info point (pairing.KINDS).

    Until it is claimed, `code` is the digest of the one-time code that pairs it; afterwards `device` is its token.
    """

    id = models.UUIDField(primary_key=True)
    gate = models.UUIDField()
    kind = models.CharField(max_length=16, default="gate", db_default="gate")
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


class Slide(models.Model):
    """A slide beside what split displays of a facility show: words, an own picture, or somebody else's page or picture.

    `title`, `text`: by language. Shown on these `weekdays` (0 = Monday; none = all), from `from_minute` up to `until_minute` of
    the day, from `first_day` to `last_day`, `seconds` at a time, in the order of `place`.
    """

    id = models.UUIDField(primary_key=True)
    facility = models.UUIDField(db_index=True)
    place = models.IntegerField()
    kind = models.CharField(max_length=16)
    title = models.JSONField(default=dict)
    text = models.JSONField(default=dict)
    picture = models.BinaryField(null=True)
    picture_type = models.CharField(max_length=32, default="")
    address = models.CharField(max_length=500, default="")
    seconds = models.IntegerField(default=10)
    weekdays = ArrayField(models.SmallIntegerField(), default=list)
    from_minute = models.SmallIntegerField(default=0)
    until_minute = models.SmallIntegerField(default=1440)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)

    class Meta:
        db_table = "displays_slide"
