"""Sections and lockers as decisions see them, folded from one decision of a batch to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.capacity.operations import Claimed, Released
from karnet.lockers.operations import BlockReason, FreedHow, LockerAssigned, LockerFreed, Mode


class LockerState(msgspec.Struct, frozen=True, kw_only=True):
    """A locker. `medium`: the band that belongs to it (static); `block`: the block that lies on it."""

    id: UUID
    section: UUID
    number: str
    aisle: int
    position: int
    row: int
    medium: UUID | None = None
    band: str = ""
    hook: str = ""
    block: UUID | None = None
    block_reason: BlockReason | None = None


class UseState(msgspec.Struct, frozen=True, kw_only=True):
    """A band that has a locker."""

    id: UUID
    locker: UUID
    section: UUID
    medium: UUID
    issue: int
    since: datetime
    party: UUID | None = None

    def freed(self, how: FreedHow) -> LockerFreed:
        """Return the part that ends it."""
        return LockerFreed(id=self.id, how=how)

    def released(self) -> Released:
        """Return the part that ends its claim."""
        return Released(id=self.id)

    def claimed(self) -> Claimed:
        """Return the part that claims its locker."""
        return Claimed(id=self.id, resource=self.section, allotment=self.section, unit=self.locker, holder=self.medium)

    def assigned(self) -> LockerAssigned:
        """Return the part that begins it."""
        return LockerAssigned(
            id=self.id, locker=self.locker, section=self.section, medium=self.medium, issue=self.issue, party=self.party
        )


class SectionState(msgspec.Struct, frozen=True, kw_only=True):
    """A section of lockers and how it works."""

    id: UUID
    facility: UUID
    code: str
    mode: Mode = "dynamic"
    exit_waits: bool = False


class Lockers:
    """Sections with their lockers and who has which, as the decisions of a batch so far leave them.

    `readers`: the section of each. `spare`: how many lockers of each section were free before, to tell who finds one full.
    """

    def __init__(
        self,
        *,
        sections: Iterable[SectionState] = (),
        lockers: Iterable[LockerState] = (),
        uses: Iterable[UseState] = (),
        readers: Mapping[UUID, UUID] | None = None,
        spare: Mapping[UUID, int] | None = None,
    ) -> None:
        self.sections = {section.id: section for section in sections}
        self.lockers = {locker.id: locker for locker in lockers}
        self.readers, self.spare = readers or {}, spare or {}
        self.uses: dict[UUID, UseState] = {}
        self._of_bands: dict[UUID, UUID] = {}
        for use in uses:
            self.begin(use)

    def begin(self, use: UseState) -> None:
        """A band has a locker."""
        self.uses[use.locker] = use
        self._of_bands[use.medium] = use.locker

    def end(self, use: UseState) -> None:
        """A band has its locker no longer."""
        del self.uses[use.locker]
        del self._of_bands[use.medium]

    def of_band(self, medium: UUID) -> UseState | None:
        """Return what a band has."""
        locker = self._of_bands.get(medium)
        return self.uses[locker] if locker is not None else None

    def own_locker(self, medium: UUID) -> LockerState | None:
        """Return the locker that a marked band belongs to."""
        return next((locker for locker in self.lockers.values() if locker.medium == medium), None)
