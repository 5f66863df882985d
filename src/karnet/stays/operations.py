"""Stays, zones and readers. What happens inside stays at home; that a band was given out or came back travels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from karnet.entitlements.operations import IncludedStayUsed, MediumIssued, MediumReturned
from karnet.journal.operations import Operation, Part, operation
from karnet.kernel.ids import named_id
from karnet.orders.operations import TabChange
from karnet.passes.operations import BenefitUsed, PassChange

OUTSIDE = ""
"""Where somebody is who has not come in yet, or has left: no zone, and no clock runs there."""

WHOLE = "*"
"""The zone that stands for the whole facility: its heads are everybody inside, its capacity bounds them."""

UNLIMITED = 1_000_000
"""The capacity of a zone that has none."""

BorderRole = Literal["way", "both_ways", "time_stop"]
"""`way`: a gate that leads one way. `both_ways`: a lone reader at a border; each reading changes the side. `time_stop`: stops
the clocks of who goes to pay."""

EndHow = Literal["till", "gate", "forced"]
CorrectionReason = Literal["missed_read", "wrong_read", "reader_fault", "guest_complaint", "other"]
ForceReason = Literal["left_without_return", "closing_time", "medical", "staff_error", "other"]
Forgiven = Literal["charged", "forgiven"]


class ZoneSized(Part, frozen=True, kw_only=True):
    """A zone of a facility: its capacity grows `by` so many heads (from 0, when it is new)."""

    id: UUID
    facility: UUID
    code: str
    by: int
    new: bool = False


class BorderSet(Part, frozen=True, kw_only=True):
    """Where a gate or reader leads, from now on. `into` "" = out of the place: only who owes nothing passes, and the stay
    ends. `keeps_band`: the gate swallows the band."""

    gate: UUID
    facility: UUID
    role: BorderRole
    out_of: str = OUTSIDE
    into: str = OUTSIDE
    keeps_band: bool = False


class HouseRulesSet(Part, frozen=True, kw_only=True):
    """What a facility does with stays, from now on (stays.rules.state.HouseRules says what the fields mean)."""

    id: UUID
    facility: UUID
    metered_from: str = OUTSIDE
    exit_grace_s: int = 600
    vat_bp: int = 0
    on_top_vat_bp: int = 0
    receipt: Literal["exit", "entry"] = "exit"
    prepayments: tuple[int, ...] = ()
    lost_band_minor: int = 0
    unpaid_limit_minor: int | None = None
    warn_s: int = 600


@operation("stays.furnished", scope="house")
class Furnished(Operation, frozen=True, kw_only=True):
    """Zones, readers and rules of a facility were set."""

    facility: UUID
    zones: tuple[ZoneSized, ...] = ()
    borders: tuple[BorderSet, ...] = ()
    rules: HouseRulesSet | None = None

    def parts(self) -> Iterable[Part]:
        return (*self.zones, *self.borders, *((self.rules,) if self.rules else ()))


class StayBegun(Part, frozen=True, kw_only=True):
    """A stay on a band: by which version of which tariff, in which category, with what package and prepayment.

    `prepaid_billed`: the prepayment has its document already, or a bundle paid it; the stay charges what exceeds it. `own_card`: the medium
    is its holder's own and is not taken back. `paying`: the pass that pays what is owed when they leave.
    """

    id: UUID
    tab: UUID
    facility: UUID
    medium: UUID
    issue: int
    tariff: UUID
    category: str
    package: str = ""
    prepaid_minor: int = 0
    prepaid_billed: bool = False
    own_card: bool = False
    paying: UUID | None = None


class Moved(Part, frozen=True, kw_only=True):
    """A fact for the meter: from `since` on the stay's person is in `zone`."""

    id: UUID
    stay: UUID
    zone: str
    since: datetime
    gate: UUID | None = None


class MoveDropped(Part, frozen=True, kw_only=True):
    """A move never was: a wrong reading, taken off the meter."""

    id: UUID


class Located(Part, frozen=True, kw_only=True):
    """Where somebody is from now on, and which zone is one head lighter for it."""

    stay: UUID
    facility: UUID
    before: str
    zone: str


class ClockStopped(Part, frozen=True, kw_only=True):
    """A "time stop" reading: it counts if the stay is settled soon enough (docs/tariffs.md)."""

    stay: UUID


class StaySettled(Part, frozen=True, kw_only=True):
    """Everything up to `until` is paid; who leaves within the grace pays nothing more."""

    stay: UUID
    until: datetime


class StayEnded(Part, frozen=True, kw_only=True):
    """The stay is over: charged up to `until`."""

    stay: UUID
    until: datetime
    how: EndHow


class BandChanged(Part, frozen=True, kw_only=True):
    """The stay goes on on another band."""

    stay: UUID
    medium: UUID
    issue: int


@operation("stays.bands_issued")
class BandsIssued(Operation, frozen=True, kw_only=True):
    """Bands were given out. A fact of its own, because media are known everywhere, and stays are not."""

    facility: UUID
    media: tuple[MediumIssued, ...]

    def parts(self) -> Iterable[Part]:
        return self.media


@operation("stays.bands_returned")
class BandsReturned(Operation, frozen=True, kw_only=True):
    """Bands came back."""

    facility: UUID
    media: tuple[MediumReturned, ...]

    def parts(self) -> Iterable[Part]:
        return self.media


@operation("stays.bundles_used")
class BundlesUsed(Operation, frozen=True, kw_only=True):
    """Stays that bundles include have begun. Everybody is told, so that whoever sold a bundle does not take it back."""

    facility: UUID
    used: tuple[IncludedStayUsed, ...]

    def parts(self) -> Iterable[Part]:
        return self.used


def _held(change: PassChange | None) -> Iterable[Part]:
    return change.parts() if change is not None else ()


@operation("stays.begun", scope="house")
class Begun(Operation, frozen=True, kw_only=True):
    """People came: their stays begin, and what they paid is on the tab."""

    change: TabChange
    stays: tuple[StayBegun, ...]
    moves: tuple[Moved, ...] = ()
    located: tuple[Located, ...] = ()
    passes: PassChange | None = None
    benefits: tuple[BenefitUsed, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.change.parts(), *self.stays, *self.moves, *self.located, *_held(self.passes), *self.benefits)


@operation("stays.passed", scope="house")
class Passed(Operation, frozen=True, kw_only=True):
    """A band was read at a border. `missed`: it came from where no reading had put it. `evacuated`: gates stood open."""

    stay: UUID
    gate: UUID
    moved: Moved | None = None
    located: Located | None = None
    stopped: ClockStopped | None = None
    ended: StayEnded | None = None
    change: TabChange | None = None
    missed: bool = False
    evacuated: bool = False
    passes: PassChange | None = None

    def parts(self) -> Iterable[Part]:
        optional = tuple(part for part in (self.moved, self.located, self.stopped, self.ended) if part)
        return (*(self.change.parts() if self.change else ()), *optional, *_held(self.passes))


@operation("stays.settled", scope="house")
class Settled(Operation, frozen=True, kw_only=True):
    """Stays were charged and paid at a till; those that are `ended` are over."""

    change: TabChange
    settled: tuple[StaySettled, ...] = ()
    ended: tuple[StayEnded, ...] = ()
    located: tuple[Located, ...] = ()
    passes: PassChange | None = None

    def parts(self) -> Iterable[Part]:
        return (*self.change.parts(), *self.settled, *self.ended, *self.located, *_held(self.passes))


@operation("stays.corrected", scope="house")
class Corrected(Operation, frozen=True, kw_only=True):
    """A reading that was missed or wrong was put right by hand."""

    stay: UUID
    reason: CorrectionReason
    dropped: MoveDropped | None = None
    moved: Moved | None = None
    located: Located | None = None

    def parts(self) -> Iterable[Part]:
        return tuple(part for part in (self.dropped, self.moved, self.located) if part)


@operation("stays.force_closed", scope="house")
class ForceClosed(Operation, frozen=True, kw_only=True):
    """A stay was ended by hand, with a reason: what is owed stays on the tab, or is forgiven."""

    reason: ForceReason
    debt: Forgiven
    ended: StayEnded
    change: TabChange | None = None
    located: Located | None = None
    passes: PassChange | None = None

    def parts(self) -> Iterable[Part]:
        located = (self.located,) if self.located else ()
        return (*(self.change.parts() if self.change else ()), self.ended, *located, *_held(self.passes))


@operation("stays.band_lost", scope="house")
class BandLost(Operation, frozen=True, kw_only=True):
    """A band was lost: its fee is on the tab, and the stay goes on, on another band where one was given."""

    stay: UUID
    lost: UUID
    change: TabChange | None = None
    changed: BandChanged | None = None

    def parts(self) -> Iterable[Part]:
        return (*(self.change.parts() if self.change else ()), *((self.changed,) if self.changed else ()))


@operation("stays.charged", scope="house")
class BandCharged(Operation, frozen=True, kw_only=True):
    """Goods or services were charged through a band."""

    stay: UUID
    change: TabChange

    def parts(self) -> Iterable[Part]:
        return self.change.parts()


@operation("stays.evacuated", scope="house")
class Evacuated(Operation, frozen=True, kw_only=True):
    """An evacuation: from now on gates stand open and every clock of the facility stands still."""

    id: UUID
    facility: UUID


@operation("stays.resumed", scope="house")
class Resumed(Operation, frozen=True, kw_only=True):
    """The evacuation is over: clocks run again for who is inside."""

    id: UUID
    facility: UUID


def zone_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's zone with this code."""
    return named_id("zone", facility, code)


def heads_of(before: str, zone: str) -> dict[str, int]:
    """Return how many heads more each zone has when somebody goes from one to the other."""
    changes = {WHOLE: (before == OUTSIDE) - (zone == OUTSIDE)}
    for code, heads in ((before, -1), (zone, 1)):
        if code != OUTSIDE:
            changes[code] = changes.get(code, 0) + heads
    return {code: heads for code, heads in changes.items() if heads}
