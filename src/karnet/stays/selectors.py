"""Reading stays. What is asked at gates, tills and displays costs what is going on now, never what went on before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from karnet.catalogue.tariffs import tariff_versions
from karnet.orders.rules.tab_entries import TabState
from karnet.orders.rules.tabs import Tabs
from karnet.orders.selectors import rows, rows_at_once
from karnet.orders.tabs import tab_states
from karnet.parties.selectors import facilities
from karnet.passes.selectors import wallets
from karnet.stays.operations import UNLIMITED, HouseRulesSet
from karnet.stays.requests import Border, HouseRules
from karnet.stays.rules.state import Facility, HaltState, Inside, MoveState, StayState, ZoneState


def facility_states(ids: Collection[UUID]) -> dict[UUID, Facility]:
    """Return facilities as decisions about stays see them; unknown ids are left out."""
    wanted = list(ids)
    known = facilities(wanted)
    zone_rows, rule_rows, halt_rows = rows_at_once(
        ("SELECT facility_id, code, heads, capacity FROM stays_zone WHERE facility_id = ANY(%b::uuid[])", [wanted]),
        (
            "SELECT DISTINCT ON (facility) facility, definition FROM stays_house_rules"
            " WHERE facility = ANY(%b::uuid[]) ORDER BY facility, at DESC, number DESC",
            [wanted],
        ),
        (
            "SELECT facility, id, at, resumed_at FROM stays_halt WHERE facility = ANY(%b::uuid[]) ORDER BY facility, at",
            [wanted],
        ),
    )
    zones, rules, halts = _grouped(zone_rows), dict(rule_rows), _grouped(halt_rows)
    return {
        id_: Facility(
            id_,
            facility.currency,
            [ZoneState(code=code, heads=heads, capacity=capacity) for _, code, heads, capacity in zones.get(id_, ())],
            house_rules(bytes(rules[id_])) if id_ in rules else HouseRules(),
            [HaltState(id=halt, since=since, until=until) for _, halt, since, until in halts.get(id_, ())],
        )
        for id_, facility in known.items()
    }


def house_rules(definition: bytes) -> HouseRules:
    """Return the rules in their canonical JSON, as they were set."""
    kept = msgspec.structs.asdict(msgspec.json.decode(definition, type=HouseRulesSet))
    return HouseRules(**{field: kept[field] for field in HouseRules.__struct_fields__})


def borders(gates: Collection[UUID]) -> dict[UUID, tuple[UUID, Border]]:
    """Return where gates and readers lead, with their facility; those that no border is set for are left out.

    A gate that is here is a matter of `stays.services.read`, any other of `access`.
    """
    return {
        gate: (facility, Border(gate=gate, role=role, out_of=out_of, into=into, keeps_band=keeps))
        for gate, facility, role, out_of, into, keeps in rows(
            "SELECT DISTINCT ON (gate) gate, facility, role, leads_out_of, leads_into, keeps_band FROM stays_border"
            " WHERE gate = ANY(%b::uuid[]) ORDER BY gate, at DESC, number DESC",
            [list(gates)],
        )
    }


def stays_on(media: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Return the stay that goes on and its tab, by the medium it is on."""
    found = rows(
        "SELECT medium, id, tab FROM stays_stay WHERE medium = ANY(%b::uuid[]) AND ended_at IS NULL", [list(media)]
    )
    return {medium: (stay, tab) for medium, stay, tab in found}


_STAY = (
    "SELECT id, tab, facility_id, medium, issue, tariff, category, at, package, prepaid_minor, prepaid_billed, own_card,"
    " paying, zone, greatest(zone_at, stopped_at, settled_at, band_at), stopped_at, settled_until, ended_at, charged_until, how FROM stays_stay"
)


def stay_states(ids: Collection[UUID]) -> dict[UUID, StayState]:
    """Return stays by id; unknown ids are left out. Two statements. To decide by them, hold their tabs' locks."""
    return _stays(f"{_STAY} WHERE id = ANY(%b::uuid[])", [list(ids)])


def stays_of_tabs(tabs: Collection[UUID]) -> dict[UUID, StayState]:
    """Return all stays of tabs, those that are over too. One flight."""
    wanted = [list(tabs)]
    found, moves = rows_at_once(
        (f"{_STAY} WHERE tab = ANY(%b::uuid[]) ORDER BY at, id", wanted),
        (f"{_MOVE} IN (SELECT id FROM stays_stay WHERE tab = ANY(%b::uuid[])) {_IN_ORDER}", wanted),
    )
    return _states(found, moves)


def stays_inside(facility: UUID) -> dict[UUID, StayState]:
    """Return a facility's stays that go on, the earliest first."""
    return _stays(f"{_STAY} WHERE facility_id = %s AND ended_at IS NULL ORDER BY at, id", [facility])


def _stays(sql: str, parameters: Sequence[Any]) -> dict[UUID, StayState]:
    found = rows(sql, parameters)
    return _states(found, rows(f"{_MOVE} = ANY(%b::uuid[]) {_IN_ORDER}", [[row[0] for row in found]]))


_MOVE = "SELECT stay, id, zone, since, gate FROM stays_move WHERE stay"
_IN_ORDER = "AND dropped_at IS NULL ORDER BY stay, since, number"


def _states(found: Sequence[tuple[Any, ...]], moved: Sequence[tuple[Any, ...]]) -> dict[UUID, StayState]:
    moves = _grouped(moved)
    return {
        row[0]: StayState(
            id=row[0], tab=row[1], facility=row[2], medium=row[3], issue=row[4], tariff=row[5], category=row[6],
            begun_at=row[7], package=row[8], prepaid_minor=row[9], prepaid_billed=row[10], own_card=row[11],
            paying=row[12], zone=row[13], changed_at=row[14], stopped_at=row[15], settled_until=row[16],
            ended_at=row[17], charged_until=row[18], how=row[19],
            moves=tuple(
                MoveState(id=move, zone=zone, since=since, gate=gate)
                for _, move, zone, since, gate in moves.get(row[0], ())
            ),
        )
        for row in found
    }  # fmt: skip


def inside(
    tabs: Mapping[UUID, TabState],
    *,
    facility_ids: Iterable[UUID] = (),
    tab_ids: Collection[UUID] = (),
    where: Mapping[UUID, tuple[UUID, Border]] | None = None,
    bands: Mapping[str, UUID] | None = None,
    moving: bool = False,
) -> Inside:
    """Return what decisions about these tabs and their stays rest on. Whoever decides holds the tabs' locks.

    `bands`: stay by what was read; `where`: readers that asked. `tab_ids`: tabs whose stays are wanted without their money
    (then nothing can be rated). `moving`: people may change zones, so the zones are locked: of two who come and go at
    once, the one with the higher number came second, and a rebuild finds room where life did.
    """
    stays = stays_of_tabs({*tabs, *tab_ids}) if tabs or tab_ids else {}
    where = where or {}
    wanted = {*facility_ids, *(facility for facility, _ in where.values()), *(tab.facility for tab in tabs.values())}
    versions = tariff_versions({stay.tariff for stay in stays.values()} if tabs else ())
    if moving and wanted:
        rows(
            "SELECT 1 FROM stays_zone WHERE facility_id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE", [list(wanted)]
        )
    return Inside(
        stays=stays.values(),
        tabs=Tabs(tabs.values()),
        facilities=facility_states(wanted),
        raters={id_: version.rater for id_, version in versions.items()},
        borders=where,
        bands=bands,
    )


def look(ids: Collection[UUID]) -> Inside:
    """Return stays with all that rating them needs, to look at and not to decide by: nothing is locked."""
    tabs = {stay.tab for stay in stay_states(ids).values()}
    found = inside(tab_states(tabs)) if tabs else inside({})
    found.wallets = wallets(paying(found))
    return found


def paying(found: Inside) -> set[UUID]:
    """Return the passes that pay for stays that go on."""
    return {stay.paying for stay in found.stays.values() if stay.paying is not None and stay.goes_on}


def people_on(passes: Collection[UUID]) -> dict[UUID, int]:
    """Return how many stays that go on passes pay for; those without any are left out."""
    return dict(
        rows(
            "SELECT paying, count(*) FROM stays_stay WHERE paying = ANY(%b::uuid[]) AND ended_at IS NULL GROUP BY paying",
            [list(passes)],
        )
    )


def goes_on(tabs: Collection[UUID]) -> dict[UUID, int]:
    """Return how many stays of tabs go on; tabs without any are left out."""
    return dict(
        rows(
            "SELECT tab, count(*) FROM stays_stay WHERE tab = ANY(%b::uuid[]) AND ended_at IS NULL GROUP BY tab",
            [list(tabs)],
        )
    )


class Heads(msgspec.Struct, frozen=True, kw_only=True):
    """How many people are in a zone; `capacity` None = no bound. Code "*" is the whole facility."""

    code: str
    heads: int
    capacity: int | None


def heads(facility: UUID) -> list[Heads]:
    """Return the heads of a facility's zones, the whole facility first. Kept sums: costs the same on any day."""
    return heads_by_facility([facility]).get(facility, [])


def heads_by_facility(facilities: Collection[UUID]) -> dict[UUID, list[Heads]]:
    """Return the heads of the zones of metered places, the whole facility first; others are left out. One query."""
    found: dict[UUID, list[Heads]] = {}
    for facility, code, count, capacity in rows(
        "SELECT facility_id, code, heads, capacity FROM stays_zone WHERE facility_id = ANY(%b::uuid[])"
        " ORDER BY code <> '*', code",
        [list(facilities)],
    ):
        bound = None if capacity >= UNLIMITED else capacity
        found.setdefault(facility, []).append(Heads(code=code, heads=count, capacity=bound))
    return found


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is inside: for the list that is printed at an evacuation. No name: a band, and where it was read last."""

    stay: UUID
    tab: UUID
    medium: UUID
    category: str
    zone: str
    since: datetime | None
    begun_at: datetime


def who_is_inside(facility: UUID, zone: str | None = None) -> list[Person]:
    """Return who is in a zone (None = anywhere inside), by zone and the instant they came there."""
    found = rows(
        "SELECT id, tab, medium, category, zone, zone_at, at FROM stays_stay WHERE facility_id = %s"
        " AND ended_at IS NULL AND zone <> '' AND (%s::text IS NULL OR zone = %s) ORDER BY zone, zone_at, id",
        [facility, zone, zone],
    )
    return [_person(row) for row in found]


def latest_stays(facility: UUID, limit: int) -> list[Person]:
    """Return those who came last and whose stays go on, the newest first; also who has not come in yet (zone "")."""
    found = rows(
        "SELECT id, tab, medium, category, zone, zone_at, at FROM stays_stay WHERE facility_id = %s"
        " AND ended_at IS NULL ORDER BY at DESC, id LIMIT %s",
        [facility, limit],
    )
    return [_person(row) for row in found]


def _person(row: tuple[Any, ...]) -> Person:
    return Person(stay=row[0], tab=row[1], medium=row[2], category=row[3], zone=row[4], since=row[5], begun_at=row[6])


def _grouped(found: Iterable[tuple[Any, ...]]) -> dict[UUID, list[tuple[Any, ...]]]:
    groups: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row)
    return groups
