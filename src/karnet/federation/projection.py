"""Projection of membership. Every row names who said it, and only the hub's word has a row to point at (models.Hub)."""

from __future__ import annotations

from uuid import UUID

from karnet.federation import models
from karnet.federation.operations import (
    ActRefused,
    Admitted,
    Invited,
    Joined,
    KeyAnnounced,
    KeyChanged,
    KeyReplaced,
    KeyVouched,
    LogKey,
    Member,
    Opened,
    Reinstated,
    Suspended,
)
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, SetLater, Write, projects, stamped

# The hub stands in its own log, and in that of a server that joined it.
HUB = Insert(models.Hub, ["server", "log", "only"], present_ok=True)
_MEMBER = ["log", "server", "cosigner", "invitation", "is_hub", "at", "said_by"]
MEMBER = Insert(models.Member, _MEMBER)
HUB_MEMBER = Insert(models.Member, _MEMBER, present_ok=True)
KEY = Insert(models.Key, ["log", "vkey", "above", "ends", "at", "said_by"], present_ok=True)
INVITATION = Insert(models.Invitation, ["id", "log", "until", "at", "said_by"])
ANNOUNCEMENT = Insert(models.Announcement, ["log", "vkey", "operation", "at"], present_ok=True)
VOUCHER = Insert(models.Voucher, ["log", "vkey", "voucher", "above", "at"], present_ok=True)
REFUSED_ACT = Insert(
    models.RefusedAct, ["id", "act", "facility", "home", "subject", "reason", "at", "origin", "number"]
)
STANDING = SetLater(models.Member, ["log"], ["good", "said_by"], "standing")


@projects(Opened)
def opened(part: Opened, recorded: Recorded, write: Write) -> None:
    _hub(part, recorded, write)


@projects(Joined)
def joined(part: Joined, recorded: Recorded, write: Write) -> None:
    _hub(part, recorded, write)


def _hub(part: Opened | Joined, recorded: Recorded, write: Write) -> None:
    hub = part.member.server
    write(HUB, (hub, part.member.log, 1))
    write(HUB_MEMBER, (*_row(part.member), None, True, recorded.entry.at, hub))
    for key in (*(part.earlier if isinstance(part, Joined) else ()), part.key):
        _key(key, recorded, write, hub)


@projects(Admitted)
def admitted(part: Admitted, recorded: Recorded, write: Write) -> None:
    hub = recorded.entry.actor
    write(MEMBER, (*_row(part.member), part.invitation, False, recorded.entry.at, hub))
    _key(part.key, recorded, write, hub)


@projects(KeyChanged)
def key_changed(part: KeyChanged, recorded: Recorded, write: Write) -> None:
    _key(part.key, recorded, write, recorded.entry.actor)


@projects(KeyReplaced)
def key_replaced(part: KeyReplaced, recorded: Recorded, write: Write) -> None:
    _key(part.key, recorded, write, recorded.entry.actor)


@projects(Invited)
def invited(part: Invited, recorded: Recorded, write: Write) -> None:
    write(INVITATION, (part.id, part.log, part.until, recorded.entry.at, recorded.entry.actor))


@projects(KeyAnnounced)
def announced(part: KeyAnnounced, recorded: Recorded, write: Write) -> None:
    write(ANNOUNCEMENT, (part.log, part.vkey, recorded.entry.id, recorded.entry.at))


@projects(KeyVouched)
def vouched(part: KeyVouched, recorded: Recorded, write: Write) -> None:
    write(VOUCHER, (part.log, part.vkey, part.voucher, part.above, recorded.entry.at))


@projects(Suspended)
def suspended(part: Suspended, recorded: Recorded, write: Write) -> None:
    _standing(part, recorded, write)


@projects(Reinstated)
def reinstated(part: Reinstated, recorded: Recorded, write: Write) -> None:
    _standing(part, recorded, write)


@projects(ActRefused)
def act_refused(part: ActRefused, recorded: Recorded, write: Write) -> None:
    write(
        REFUSED_ACT,
        (part.id, part.act, part.facility, part.home, part.subject, part.reason, *stamped(recorded)),
    )


def _standing(part: Suspended | Reinstated, recorded: Recorded, write: Write) -> None:
    write(STANDING, (part.standing.log, part.standing.good, recorded.entry.actor, recorded))


def _row(member: Member) -> tuple[str, UUID, str]:
    return member.log, member.server, member.cosigner


def _key(key: LogKey, recorded: Recorded, write: Write, hub: UUID) -> None:
    write(KEY, (key.log, key.vkey, key.above, key.ends, recorded.entry.at, hub))
