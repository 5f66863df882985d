"""What can be asked about lockers, and the answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.lockers.operations import BlockReason, Mode, OpenReason, Spot


class Grid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lockers in even aisles, numbered one after the other: along the aisle, from the lowest row up."""

    aisles: int = 1
    positions: int
    rows: int = 2
    first: int = 1


class Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A section: its lockers one by one, or as a `grid`; what is there already stays. `readers`: gates enrolled in access
    that serve it now. None leaves `mode` and `exit_waits` as they are ("dynamic", no)."""

    code: str
    lockers: tuple[Spot, ...] = ()
    grid: Grid | None = None
    readers: tuple[UUID, ...] = ()
    mode: Mode | None = None
    exit_waits: bool | None = None


class Furnish(msgspec.Struct, frozen=True, kw_only=True):
    """Set sections of a facility: lockers are added, readers and rules set."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    sections: tuple[Section, ...]


class LockersReady(msgspec.Struct, frozen=True, kw_only=True, tag="lockers_furnished"):
    """The sections named, by code, and how many lockers were added."""

    sections: dict[str, UUID]
    added: int


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """A band was held to the reader of a section. `give_up`: its holder leaves the locker for good."""

    key: str
    at: datetime
    actor: UUID
    reader: UUID
    chip: str
    give_up: bool = False

    @property
    def gate(self) -> UUID:
        """The reader, as the gate that it is enrolled as."""
        return self.reader


class LockerShown(msgspec.Struct, frozen=True, kw_only=True, tag="locker", omit_defaults=True):
    """This is the band's locker, and it opens. `new`: assigned just now.

    Why this one: `near` strangers had lockers in its column or next to it, `free` lockers of the section were left to
    choose from; `together`: next to its own people.
    """

    locker: UUID
    section: str
    number: str
    aisle: int
    position: int
    row: int
    new: bool = False
    static: bool = False
    near: int = 0
    free: int = 0
    together: bool = False


class LockerGivenUp(msgspec.Struct, frozen=True, kw_only=True, tag="locker_given_up"):
    """The locker is free for others."""

    locker: UUID
    section: str
    number: str


class BlockLocker(msgspec.Struct, frozen=True, kw_only=True):
    """Take a locker out of use; who has it keeps it."""

    key: str
    at: datetime
    actor: UUID
    locker: UUID
    reason: BlockReason


class UnblockLocker(msgspec.Struct, frozen=True, kw_only=True):
    """Put a locker back into use."""

    key: str
    at: datetime
    actor: UUID
    locker: UUID


class OpenLocker(msgspec.Struct, frozen=True, kw_only=True):
    """Open a locker as staff, with a reason; whose it is stays as it is."""

    key: str
    at: datetime
    actor: UUID
    locker: UUID
    reason: OpenReason


class FreeLocker(msgspec.Struct, frozen=True, kw_only=True):
    """Free a locker as staff: it was cleared."""

    key: str
    at: datetime
    actor: UUID
    locker: UUID


class LockerNow(msgspec.Struct, frozen=True, kw_only=True, tag="locker_now", omit_defaults=True):
    """A locker after what staff did. `medium`: the band that has it."""

    locker: UUID
    section: str
    number: str
    blocked: bool = False
    medium: UUID | None = None
