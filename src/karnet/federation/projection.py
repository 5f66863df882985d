"""Projection of membership."""

from __future__ import annotations

from uuid import UUID

from karnet.federation import models
from karnet.federation.operations import (
    Admitted,
    Invited,
    Joined,
    KeyAnnounced,
    KeyVouched,
    LogKey,
    Member,
    Opened,
    Standing,
)
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, SetLater, Write, projects

_MEMBER = ["log", "server", "cosigner", "invitation", "is_hub", "at"]
MEMBER = Insert(models.Member, _MEMBER)
# The hub stands in its own log and in that of a server that joined it.
HUB = Insert(models.Member, _MEMBER, present_ok=True)
KEY = Insert(models.Key, ["log", "vkey", "above", "at"], present_ok=True)
INVITATION = Insert(models.Invitation, ["id", "log", "until", "at"])
ANNOUNCEMENT = Insert(models.Announcement, ["log", "vkey", "operation", "at"], present_ok=True)
VOUCHER = Insert(models.Voucher, ["log", "vkey", "voucher", "at"], present_ok=True)
STANDING = SetLater(models.Member, ["log"], ["good"], "standing")


@projects(Opened)
def opened(part: Opened, recorded: Recorded, write: Write) -> None:
    write(HUB, (*_row(part.member), None, True, recorded.entry.at))


@projects(Joined)
def joined(part: Joined, recorded: Recorded, write: Write) -> None:
    write(HUB, (*_row(part.member), None, True, recorded.entry.at))


@projects(Admitted)
def admitted(part: Admitted, recorded: Recorded, write: Write) -> None:
    write(MEMBER, (*_row(part.member), part.invitation, False, recorded.entry.at))


def _row(member: Member) -> tuple[str, UUID, str]:
    return member.log, member.server, member.cosigner


@projects(Member)
def member(part: Member, recorded: Recorded, write: Write) -> None:
    """Written with the operation that says how the server came to be a member."""


@projects(LogKey)
def key(part: LogKey, recorded: Recorded, write: Write) -> None:
    write(KEY, (part.log, part.vkey, part.above, recorded.entry.at))


@projects(Invited)
def invited(part: Invited, recorded: Recorded, write: Write) -> None:
    write(INVITATION, (part.id, part.log, part.until, recorded.entry.at))


@projects(KeyAnnounced)
def announced(part: KeyAnnounced, recorded: Recorded, write: Write) -> None:
    write(ANNOUNCEMENT, (part.log, part.vkey, recorded.entry.id, recorded.entry.at))


@projects(KeyVouched)
def vouched(part: KeyVouched, recorded: Recorded, write: Write) -> None:
    write(VOUCHER, (part.log, part.vkey, part.voucher, recorded.entry.at))


@projects(Standing)
def standing(part: Standing, recorded: Recorded, write: Write) -> None:
    write(STANDING, (part.log, part.good, recorded))
