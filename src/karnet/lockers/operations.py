"""Sections of lockers, and who has which. All of it stays at home, as stays do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from karnet.capacity.operations import Claimed, Released, ResourceDefined, UnitsDefined
from karnet.journal.operations import Operation, Part, operation
from karnet.kernel.ids import named_id

KIND = "lockers"
"""The kind of the capacity that a section of lockers is."""

Mode = Literal["dynamic", "static"]
"""`dynamic`: any band, and the system chooses. `static`: every locker has a band that bears its number (SPEC S12)."""

FreedHow = Literal["returned", "given_up", "staff", "lost_band", "stay_over"]
BlockReason = Literal["broken", "dirty", "reserved", "key_lost", "other"]
OpenReason = Literal["forgotten", "guest_request", "cleaning", "emergency", "other"]


class Spot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A locker and where it stands: `position` along its aisle, `row` above the floor (1 is the lowest).

    `band`: the printed number of the band that belongs to it, and `hook` where that hangs (static sections).
    """

    number: str
    aisle: int = 1
    position: int = 1
    row: int = 1
    band: str = ""
    hook: str = ""


class SectionMade(Part, frozen=True, kw_only=True):
    """A section of a facility; its id is that of its capacity."""

    id: UUID
    facility: UUID
    code: str


class SectionSet(Part, frozen=True, kw_only=True):
    """How a section works from now on. `exit_waits`: nobody leaves who has not given the locker up."""

    section: UUID
    mode: Mode = "dynamic"
    exit_waits: bool = False


class LockersPlaced(Part, frozen=True, kw_only=True):
    """Lockers of a section and where they stand; their ids are those of its units."""

    section: UUID
    lockers: tuple[Spot, ...]


class ReaderSet(Part, frozen=True, kw_only=True):
    """Which section a reader serves, from now on."""

    reader: UUID
    section: UUID


class LockerAssigned(Part, frozen=True, kw_only=True):
    """A band has a locker; `id` is that of its claim. `party`: who belongs together (a tab)."""

    id: UUID
    locker: UUID
    section: UUID
    medium: UUID
    issue: int
    party: UUID | None = None


class LockerFreed(Part, frozen=True, kw_only=True):
    """A band has its locker no longer."""

    id: UUID
    how: FreedHow


class LockerBlocked(Part, frozen=True, kw_only=True):
    """Nobody is given this locker until the block is lifted."""

    id: UUID
    locker: UUID
    reason: BlockReason


class BlockLifted(Part, frozen=True, kw_only=True):
    """The block is no more."""

    id: UUID


@operation("lockers.furnished", scope="house")
class Furnished(Operation, frozen=True, kw_only=True):
    """Sections, lockers and readers of a facility were set."""

    facility: UUID
    resources: tuple[ResourceDefined, ...] = ()
    units: tuple[UnitsDefined, ...] = ()
    sections: tuple[SectionMade, ...] = ()
    settings: tuple[SectionSet, ...] = ()
    lockers: tuple[LockersPlaced, ...] = ()
    readers: tuple[ReaderSet, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.resources, *self.units, *self.sections, *self.settings, *self.lockers, *self.readers)


@operation("lockers.assigned", scope="house")
class Assigned(Operation, frozen=True, kw_only=True):
    """A band touched the reader of a section and was given a locker. The counts say why it was this one (docs/lockers.md)."""

    reader: UUID
    claim: Claimed
    use: LockerAssigned
    near: int = 0
    free: int = 0

    def parts(self) -> Iterable[Part]:
        return (self.claim, self.use)


@operation("lockers.freed", scope="house")
class Freed(Operation, frozen=True, kw_only=True):
    """Lockers are free again: the bands are back, or were touched to give them up, or staff saw to it."""

    facility: UUID
    claims: tuple[Released, ...]
    uses: tuple[LockerFreed, ...]

    def parts(self) -> Iterable[Part]:
        return (*self.claims, *self.uses)


@operation("lockers.handed_on", scope="house")
class HandedOn(Operation, frozen=True, kw_only=True):
    """A locker goes on with another band, because the one that had it is lost."""

    freed: LockerFreed
    released: Released
    claim: Claimed
    use: LockerAssigned

    def parts(self) -> Iterable[Part]:
        return (self.released, self.freed, self.claim, self.use)


@operation("lockers.blocked", scope="house")
class Blocked(Operation, frozen=True, kw_only=True):
    """Staff took a locker out of use."""

    block: LockerBlocked

    def parts(self) -> Iterable[Part]:
        return (self.block,)


@operation("lockers.unblocked", scope="house")
class Unblocked(Operation, frozen=True, kw_only=True):
    """Staff put a locker back into use."""

    lifted: BlockLifted

    def parts(self) -> Iterable[Part]:
        return (self.lifted,)


@operation("lockers.opened", scope="house")
class Opened(Operation, frozen=True, kw_only=True):
    """Staff opened a locker. `use`: whose it was then."""

    id: UUID
    locker: UUID
    reason: OpenReason
    use: UUID | None = None


def section_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's section of lockers with this code."""
    return named_id("lockers", facility, code)
