"""Reading access. What decisions are made on is read in a fixed handful of statements, however many scans there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.access.operations import Gate, GateTerms, Granted
from karnet.access.requests import Scan
from karnet.access.rules import Card, GateState, Grant, State, Terms
from karnet.entitlements.operations import Activated, DayUsed
from karnet.entitlements.selectors import holders_by_chip, lock_media_by_chip
from karnet.journal.cuts import Extent

Rows = list[tuple[Any, ...]]


def lock_state(scans: Sequence[Scan]) -> State:
    """Lock the media that were scanned, by id, and return everything their scans are decided on.

    The locks come first and the reads after them: what was decided elsewhere while we waited is seen.
    """
    chips = {scan.chip for scan in scans}
    lock_media_by_chip(chips)
    holders = holders_by_chip(chips)
    gates = gate_states({scan.gate for scan in scans}, [scan.at for scan in scans])
    waiting = waiting_grants({medium.id for medium, _ in holders.values()})
    passed = _passed_near(
        (holders[scan.chip][0].id, gates[scan.gate].gate, scan.at)
        for scan in scans
        if scan.chip in holders and scan.gate in gates
    )
    cards = {
        chip: Card(medium, tuple(held), passed.get(medium.id, {}), waiting.get(medium.id, ()))
        for chip, (medium, held) in holders.items()
    }
    return State(gates, cards)


_GATES = """
SELECT g.id, g.facility_id, g.code, g.direction, g.passback_s, g.reports_turn, g.grant_s,
       t.points, t.weight, t.valid_from, t.valid_until
FROM access_gate g
LEFT JOIN access_terms t ON t.gate_id = g.id AND t.valid_from <= %s AND t.valid_until > %s
WHERE g.id = ANY(%b)
ORDER BY g.id, t.at DESC, t.origin DESC, t.number DESC
"""


def gate_states(ids: Collection[UUID], instants: Sequence[datetime]) -> dict[UUID, GateState]:
    """Return gates with the terms in force at any of the instants; unknown gates are left out."""
    states: dict[UUID, GateState] = {}
    for row in _rows(_GATES, [max(instants), min(instants), list(ids)]):
        terms = Terms(row[9], row[10], GateTerms(gate=row[0], points=row[7], weight=row[8])) if row[9] else None
        state = states.get(row[0])
        if state is None:
            state = GateState(_gate(row))
        states[row[0]] = GateState(state.gate, (*state.terms, terms)) if terms else state
    return states


_PASSED = """
SELECT p.medium, p.gate, p.at
FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::timestamptz[]) AS d(medium, gate, after, before)
JOIN access_passage p ON p.medium = d.medium AND p.gate = d.gate AND p.at > d.after AND p.at < d.before
"""


def _passed_near(
    wanted: Iterable[tuple[UUID, Gate, datetime]],
) -> dict[UUID, dict[UUID, tuple[datetime, ...]]]:
    """Return, by medium and gate, the passages nearer to a wanted instant than the gate's anti-passback time."""
    spans = []
    for medium, gate, at in wanted:
        passback = timedelta(seconds=gate.passback_s)
        if passback:
            spans.append((medium, gate.id, at - passback, at + passback))
    passed: dict[UUID, dict[UUID, tuple[datetime, ...]]] = {}
    for medium_id, gate_id, at in _rows(_PASSED, _columns(spans)) if spans else ():
        gates = passed.setdefault(medium_id, {})
        gates[gate_id] = (*gates.get(gate_id, ()), at)
    return passed


_GRANT = """
SELECT g.id, g.gate, g.facility, g.medium, g.entitlement, g.direction, g.points, g.weight, g.expires_at, g.chosen_by,
       g.valid_from, g.valid_until, g.day, g.at, CASE WHEN p.id IS NOT NULL THEN 'taken' ELSE g.outcome END
FROM access_grant g LEFT JOIN access_passage p ON p.id = g.id
"""


def waiting_grants(media: Collection[UUID]) -> dict[UUID, tuple[Grant, ...]]:
    """Return the grants that have not ended, by medium, the oldest first. Flat in history: ended ones are no matter."""
    found: dict[UUID, tuple[Grant, ...]] = {}
    for row in _rows(f"{_GRANT} WHERE g.medium = ANY(%b) AND g.ended_at IS NULL ORDER BY g.at, g.id", [list(media)]):
        found[row[3]] = (*found.get(row[3], ()), _grant(row))
    return found


def grants(ids: Collection[UUID]) -> dict[UUID, Grant]:
    """Return grants by id, ended ones too. One that lapsed and was taken late counts as taken."""
    return {row[0]: _grant(row) for row in _rows(f"{_GRANT} WHERE g.id = ANY(%b)", [list(ids)])}


def grants_to_lapse(at: datetime, limit: int) -> list[Grant]:
    """Return grants that wait though their time is over at `at`, the oldest first. To end them, lock their media."""
    return [
        _grant(row)
        for row in _rows(
            f"{_GRANT} WHERE g.ended_at IS NULL AND g.expires_at <= %s ORDER BY g.expires_at, g.id LIMIT %s",
            [at, limit],
        )
    ]


def _grant(row: tuple[Any, ...]) -> Grant:
    entitlement, points, valid_from, day = row[4], row[6], row[10], row[12]
    granted = Granted(
        grant=row[0], gate=row[1], facility=row[2], medium=row[3], entitlement=entitlement, direction=row[5],
        points=points, weight=row[7], expires_at=row[8], by=row[9],
        activated=Activated(id=entitlement, valid_from=valid_from, valid_until=row[11]) if valid_from else None,
        day_used=DayUsed(id=entitlement, day=day) if day else None,
    )  # fmt: skip
    return Grant(granted, row[13], row[14])


class Visits(NamedTuple):
    """What one ticket did at one facility, entries only: `passages` whose gate has a weight (SPEC N16), the sum of
    their `weight` in millionths, and the `points` that were taken."""

    entitlement: UUID
    facility: UUID
    passages: int
    points: int
    weight: int


def passages_by_ticket(extent: Extent) -> Iterator[Visits]:
    """Yield what every ticket did at every facility inside a cut, by ticket, then facility. Summed by the database."""
    where, parameters = extent.where("p")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.entitlement, p.facility, count(*) FILTER (WHERE p.weight > 0),"
            " sum(p.points)::bigint, sum(p.weight)::bigint FROM access_passage p"
            f" WHERE p.direction = 'in' AND {where} GROUP BY p.entitlement, p.facility"
            " ORDER BY p.entitlement, p.facility",
            parameters,
        )
        yield from map(Visits._make, cursor)


class Passed(NamedTuple):
    """One passage, as a statement of a ticket shows it. `weight` in millionths."""

    id: UUID
    at: datetime
    gate: UUID
    facility: UUID
    medium: UUID
    entitlement: UUID
    direction: str
    points: int
    weight: int


def passages_of(entitlements: Collection[UUID], extent: Extent | None = None) -> list[Passed]:
    """Return every passage of these tickets (inside an extent), the oldest first: what a settlement's figures are
    traced to."""
    where, parameters = extent.where("p") if extent else ("true", [])
    return [
        Passed._make(row)
        for row in _rows(
            "SELECT id, at, gate, facility, medium, entitlement, direction, points, weight FROM access_passage p"
            f" WHERE entitlement = ANY(%s) AND {where} ORDER BY at, id",
            [list(entitlements), *parameters],
        )
    ]


def gates(facility: UUID | None = None) -> list[Gate]:
    """Return the gates of a facility, or all, by facility and code."""
    rows = _rows(
        "SELECT id, facility_id, code, direction, passback_s, reports_turn, grant_s FROM access_gate"
        " WHERE %s::uuid IS NULL OR facility_id = %s ORDER BY facility_id, code",
        [facility, facility],
    )
    return [_gate(row) for row in rows]


def _gate(row: tuple[Any, ...]) -> Gate:
    return Gate(
        id=row[0], facility=row[1], code=row[2], direction=row[3], passback_s=row[4], reports_turn=row[5],
        grant_s=row[6],
    )  # fmt: skip


def _rows(sql: str, parameters: Sequence[Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: Rows = cursor.fetchall()
        return rows


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
