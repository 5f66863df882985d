"""Steps of changing rooms: sections of lockers, bands at their readers, staff. Played by acts_lockers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from karnet.wiring.play.step import Step
from karnet.wiring.play.words import Card, Code, Count, FacilityCode, Place

Number = Annotated[str, Meta(min_length=1, max_length=32, description="What is written on a locker.")]
Size = Annotated[int, Meta(ge=1, le=500)]


class Grid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lockers in even aisles, numbered from `first` on along the aisle, from the lowest row up."""

    positions: Size
    aisles: Size = 1
    rows: Size = 2
    first: Count = 1


class Marked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A locker by itself: where it stands; the band that bears its number and the hook that hangs on, if it has one."""

    number: Number
    aisle: Size = 1
    position: Size = 1
    row: Size = 1
    band: str = ""
    hook: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A section of lockers; `readers`: gates that serve it."""

    code: Code
    grid: Grid | None = None
    lockers: tuple[Marked, ...] = ()
    readers: tuple[Place, ...] = ()
    mode: Literal["dynamic", "static"] | None = None
    exit_waits: bool | None = None


class FurnishLockers(Step, frozen=True, kw_only=True, tag="furnish_lockers"):
    """A facility's sections of lockers (docs/lockers.md): lockers are added, readers and rules set."""

    facility: FacilityCode
    sections: Annotated[tuple[Section, ...], Meta(min_length=1)]


class TouchLocker(Step, frozen=True, kw_only=True, tag="touch_locker"):
    """A band is held to the reader of a section; with `give_up` its holder leaves the locker for good."""

    reader: Place
    card: Card
    give_up: bool = False


class KeepLocker(Step, frozen=True, kw_only=True, tag="keep_locker"):
    """Staff open, block, unblock or free a locker of a section. `reason`: why it is opened or blocked."""

    operator: Place
    section: Code
    locker: Number
    action: Literal["open", "block", "unblock", "free"]
    reason: Literal[
        "forgotten", "guest_request", "cleaning", "emergency", "broken", "dirty", "reserved", "key_lost", "other"
    ] = "other"


class Lockers(Step, frozen=True, kw_only=True, tag="lockers"):
    """How many lockers of each section are free, taken and blocked. Changes nothing."""

    facility: FacilityCode


LockerStep = FurnishLockers | TouchLocker | KeepLocker | Lockers
