"""What operations inside a metered place do to the tables of stays."""

from __future__ import annotations

from karnet.journal.operations import Recorded
from karnet.journal.projection import Add, Insert, SetEarlier, SetLater, Write, projects, stamped
from karnet.kernel import canonical
from karnet.stays import models
from karnet.stays.operations import (
    BandChanged,
    BorderSet,
    ClockStopped,
    Evacuated,
    HouseRulesSet,
    Located,
    Moved,
    MoveDropped,
    Resumed,
    StayBegun,
    StayEnded,
    StaySettled,
    ZoneSized,
    heads_of,
    zone_id,
)

_FACT = ("at", "origin", "number")

ZONE = Insert(models.Zone, ["id", "facility", "code"])
# Capacity and heads in one statement: between two of them the guard could not hold.
HEADS = Add(models.Zone, ["id"], ["capacity", "heads"])
BORDER = Insert(models.Border, ["gate", "facility", "role", "leads_out_of", "leads_into", "keeps_band", *_FACT])
RULES = Insert(models.HouseRules, ["id", "facility", "definition", *_FACT])
STAY = Insert(
    models.Stay,
    [
        "id", "tab", "facility", "tariff", "category", "package", "prepaid_minor", "prepaid_billed", "own_card", "medium", "issue",
        "paying", *_FACT,
    ],
)  # fmt: skip
MOVE = Insert(models.Move, ["id", "stay", "zone", "since", "gate", *_FACT])
HALT = Insert(models.Halt, ["id", "facility", *_FACT])
DROPPED = SetEarlier(models.Move, ["id"], [], "dropped")
BAND = SetLater(models.Stay, ["id"], ["medium", "issue"], "band")
LOCATED = SetLater(models.Stay, ["id"], ["zone"], "zone")
STOPPED = SetLater(models.Stay, ["id"], [], "stopped")
SETTLED = SetLater(models.Stay, ["id"], ["settled_until"], "settled")
ENDED = SetEarlier(models.Stay, ["id"], ["charged_until", "how"], "ended")
RESUMED = SetEarlier(models.Halt, ["id"], [], "resumed")


@projects(ZoneSized)
def zone_sized(zone: ZoneSized, recorded: Recorded, write: Write) -> None:
    if zone.new:
        write(ZONE, (zone.id, zone.facility, zone.code))
    write(HEADS, (zone.id, zone.by, 0))


@projects(BorderSet)
def border_set(border: BorderSet, recorded: Recorded, write: Write) -> None:
    write(
        BORDER,
        (
            border.gate, border.facility, border.role, border.out_of, border.into, border.keeps_band,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(HouseRulesSet)
def house_rules_set(rules: HouseRulesSet, recorded: Recorded, write: Write) -> None:
    write(RULES, (rules.id, rules.facility, canonical.encode(rules), *stamped(recorded)))


@projects(StayBegun)
def stay_begun(stay: StayBegun, recorded: Recorded, write: Write) -> None:
    write(
        STAY,
        (
            stay.id, stay.tab, stay.facility, stay.tariff, stay.category, stay.package, stay.prepaid_minor,
            stay.prepaid_billed, stay.own_card, stay.medium, stay.issue, stay.paying, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(Moved)
def moved(move: Moved, recorded: Recorded, write: Write) -> None:
    write(MOVE, (move.id, move.stay, move.zone, move.since, move.gate, *stamped(recorded)))


@projects(MoveDropped)
def move_dropped(move: MoveDropped, recorded: Recorded, write: Write) -> None:
    write(DROPPED, (move.id, recorded))


@projects(Located)
def located(person: Located, recorded: Recorded, write: Write) -> None:
    write(LOCATED, (person.stay, person.zone, recorded))
    for zone, heads in heads_of(person.before, person.zone).items():
        write(HEADS, (zone_id(person.facility, zone), 0, heads))


@projects(ClockStopped)
def clock_stopped(stop: ClockStopped, recorded: Recorded, write: Write) -> None:
    write(STOPPED, (stop.stay, recorded))


@projects(StaySettled)
def stay_settled(settled: StaySettled, recorded: Recorded, write: Write) -> None:
    write(SETTLED, (settled.stay, settled.until, recorded))


@projects(StayEnded)
def stay_ended(ended: StayEnded, recorded: Recorded, write: Write) -> None:
    write(ENDED, (ended.stay, ended.until, ended.how, recorded))


@projects(BandChanged)
def band_changed(band: BandChanged, recorded: Recorded, write: Write) -> None:
    write(BAND, (band.stay, band.medium, band.issue, recorded))


@projects(Evacuated)
def evacuated(halt: Evacuated, recorded: Recorded, write: Write) -> None:
    write(HALT, (halt.id, halt.facility, *stamped(recorded)))


@projects(Resumed)
def resumed(halt: Resumed, recorded: Recorded, write: Write) -> None:
    write(RESUMED, (halt.id, recorded))
