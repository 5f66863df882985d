"""What operations do to the tables of lockers."""

from __future__ import annotations

from karnet.capacity.operations import unit_id
from karnet.entitlements.rules import medium_id
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, SetEarlier, Write, projects, stamped
from karnet.lockers import models
from karnet.lockers.operations import (
    BlockLifted,
    LockerAssigned,
    LockerBlocked,
    LockerFreed,
    LockersPlaced,
    Opened,
    ReaderSet,
    SectionMade,
    SectionSet,
)

_FACT = ("at", "origin", "number")

SECTION = Insert(models.Section, ["id", "facility", "code"])
SETTING = Insert(models.SectionSetting, ["section", "mode", "exit_waits", *_FACT])
LOCKER = Insert(models.Locker, ["id", "section", "number", "aisle", "position", "row", "medium", "band", "hook"])
READER = Insert(models.Reader, ["reader", "section", *_FACT])
USE = Insert(models.Use, ["id", "locker", "section", "medium", "issue", "party", *_FACT])
BLOCK = Insert(models.Block, ["id", "locker", "reason", *_FACT])
OPENING = Insert(models.Opening, ["id", "locker", "reason", "use", "actor", *_FACT])
FREED = SetEarlier(models.Use, ["id"], ["how"], "freed")
LIFTED = SetEarlier(models.Block, ["id"], [], "lifted")


@projects(SectionMade)
def section_made(section: SectionMade, recorded: Recorded, write: Write) -> None:
    write(SECTION, (section.id, section.facility, section.code))


@projects(SectionSet)
def section_set(setting: SectionSet, recorded: Recorded, write: Write) -> None:
    write(SETTING, (setting.section, setting.mode, setting.exit_waits, *stamped(recorded)))


@projects(LockersPlaced)
def lockers_placed(placed: LockersPlaced, recorded: Recorded, write: Write) -> None:
    for spot in placed.lockers:
        write(
            LOCKER,
            (
                unit_id(placed.section, spot.number), placed.section, spot.number, spot.aisle, spot.position, spot.row,
                medium_id(spot.band) if spot.band else None, spot.band, spot.hook,
            ),
        )  # fmt: skip


@projects(ReaderSet)
def reader_set(reader: ReaderSet, recorded: Recorded, write: Write) -> None:
    write(READER, (reader.reader, reader.section, *stamped(recorded)))


@projects(LockerAssigned)
def locker_assigned(use: LockerAssigned, recorded: Recorded, write: Write) -> None:
    write(USE, (use.id, use.locker, use.section, use.medium, use.issue, use.party, *stamped(recorded)))


@projects(LockerFreed)
def locker_freed(use: LockerFreed, recorded: Recorded, write: Write) -> None:
    write(FREED, (use.id, use.how, recorded))


@projects(LockerBlocked)
def locker_blocked(block: LockerBlocked, recorded: Recorded, write: Write) -> None:
    write(BLOCK, (block.id, block.locker, block.reason, *stamped(recorded)))


@projects(BlockLifted)
def block_lifted(block: BlockLifted, recorded: Recorded, write: Write) -> None:
    write(LIFTED, (block.id, recorded))


@projects(Opened)
def opened(opening: Opened, recorded: Recorded, write: Write) -> None:
    write(OPENING, (opening.id, opening.locker, opening.reason, opening.use, recorded.entry.actor, *stamped(recorded)))
