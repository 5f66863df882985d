"""Reading access. What decisions are made on is read in a fixed handful of statements, however many scans there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from karnet.access.operations import Gate, GateTerms, Granted
from karnet.access.requests import Scan
from karnet.access.rules import Card, GateState, Grant, State, Terms
from karnet.entitlements.operations import Activated, DayUsed
from karnet.entitlements.selectors import Holders
from karnet.journal.cuts import Extent
from karnet.journal.flight import in_one_flight
from karnet.kernel.ids import milliseconds

Rows = list[tuple[Any, ...]]


def lock_state(scans: Sequence[Scan]) -> State:
    """Lock the media that were scanned, by id, and return everything their scans are decided on.

    The locks come first and the reads after them: what was decided elsewhere while we waited is seen.
    """
    asked_gates = {scan.gate for scan in scans}
    instants = [scan.at for scan in scans]
    with in_one_flight(connection) as send:
        holders = Holders(send, {scan.chip for scan in scans})
        found_gates = send(_GATES, [max(instants), min(instants), list(asked_gates)])
    gates = _gate_states(found_gates.rows())
    with in_one_flight(connection) as send:
        holders.go_on(send)
        media = holders.media
        found_grants = send(f"{_GRANT} {_WAITING}", [list(media.values())])
        spans = _passback_spans(scans, media, gates)
        found_passed = send(_PASSED, _columns(spans)) if spans else None
    waiting = _by_medium(found_grants.rows())
    passed = _passed(found_passed.rows() if found_passed else ())
    cards = {
        chip: Card(medium, tuple(held), passed.get(medium.id, {}), waiting.get(medium.id, ()))
        for chip, (medium, held) in holders.read().items()
    }
    return State(gates, cards)


_GATES = """
SELECT g.id, g.facility_id, g.code, g.direction, g.passback_s, g.reports_turn, g.grant_s,
       t.points, t.weight, t.valid_from, t.valid_until
FROM access_gate g
LEFT JOIN access_terms t ON t.gate_id = g.id AND t.valid_from <= %s AND t.valid_until > %s AND t.missing <= 0
WHERE g.id = ANY(%b::uuid[])
ORDER BY g.id, t.at DESC, t.origin DESC, t.number DESC
"""


def _gate_states(rows: Rows) -> dict[UUID, GateState]:
    """Return gates with the terms that were read, the agreement recorded last first."""
    states: dict[UUID, GateState] = {}
    for row in rows:
        state = states.get(row[0]) or GateState(_gate(row))
        if row[9] is not None:
            terms = Terms(row[9], row[10], GateTerms(gate=row[0], points=row[7], weight=row[8]))
            state = GateState(state.gate, (*state.terms, terms))
        states[row[0]] = state
    return states


_PASSED = """
SELECT p.medium, p.gate, p.at
FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::timestamptz[]) AS d(medium, gate, after, before)
JOIN access_passage p ON p.medium = d.medium AND p.gate = d.gate AND p.at > d.after AND p.at < d.before
"""


def _passback_spans(
    scans: Sequence[Scan], media: Mapping[str, UUID], gates: Mapping[UUID, GateState]
) -> list[tuple[UUID, UUID, datetime, datetime]]:
    """Return where passages matter: medium, gate, and the instants between which they are too near to a scan."""
    spans = []
    for scan in scans:
        medium, state = media.get(scan.chip), gates.get(scan.gate)
        if medium is not None and state is not None and state.gate.passback_s:
            passback = timedelta(seconds=state.gate.passback_s)
            spans.append((medium, scan.gate, scan.at - passback, scan.at + passback))
    return spans


def _passed(rows: Iterable[tuple[UUID, UUID, datetime]]) -> dict[UUID, dict[UUID, tuple[datetime, ...]]]:
    passed: dict[UUID, dict[UUID, tuple[datetime, ...]]] = {}
    for medium, gate, at in rows:
        gates = passed.setdefault(medium, {})
        gates[gate] = (*gates.get(gate, ()), at)
    return passed


_GRANT = """
SELECT g.id, g.gate, g.facility, g.medium, g.entitlement, g.direction, g.points, g.weight, g.expires_at, g.chosen_by,
       g.valid_from, g.valid_until, g.day, g.at, CASE WHEN p.id IS NOT NULL THEN 'taken' ELSE g.outcome END,
       g.origin = 1
FROM access_grant g LEFT JOIN access_passage p ON p.id = g.id
"""


# Flat in history: the grants that have ended are not looked at.
_WAITING = "WHERE g.medium = ANY(%b::uuid[]) AND g.ended_at IS NULL ORDER BY g.at, g.id"


def _by_medium(rows: Rows) -> dict[UUID, tuple[Grant, ...]]:
    found: dict[UUID, tuple[Grant, ...]] = {}
    for row in rows:
        found[row[3]] = (*found.get(row[3], ()), _grant(row))
    return found


def grants(ids: Collection[UUID]) -> dict[UUID, Grant]:
    """Return grants by id, ended ones too. One that lapsed and was taken late counts as taken."""
    return {row[0]: _grant(row) for row in _rows(f"{_GRANT} WHERE g.id = ANY(%b)", [list(ids)])}


def grants_to_lapse(at: datetime, limit: int) -> list[Grant]:
    """Return grants of gates here that wait though their time is over at `at`, the oldest first. To end them, lock their
    media."""
    return [
        _grant(row)
        for row in _rows(
            f"{_GRANT} WHERE g.ended_at IS NULL AND g.origin = 1 AND g.expires_at <= %s ORDER BY g.expires_at, g.id LIMIT %s",
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
    return Grant(granted, row[13], row[14], row[15])


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


def last_passages(medium: UUID, limit: int, before: tuple[datetime, UUID] | None = None) -> list[Passed]:
    """Return the last passages on a medium, the newest first; with `before` (instant and id of one), those older."""
    at, id_ = before or (None, None)
    return [
        Passed._make(row)
        for row in _rows(
            "SELECT id, at, gate, facility, medium, entitlement, direction, points, weight FROM access_passage"
            " WHERE medium = %s AND (%s::timestamptz IS NULL OR (at, id) < (%s::timestamptz, %s::uuid))"
            " ORDER BY at DESC, id DESC LIMIT %s",
            [medium, at, at, id_, limit],
        )
    ]


class AtGate(NamedTuple):
    """What happened at a gate. `state`: waiting (for its turn), at_once (the gate reports none), taken, not_taken.
    `at`: the scan's instant, or the turn's where it was reported. `valid_until`: of a ticket that starts with it."""

    id: UUID
    entitlement: UUID
    direction: str
    points: int
    expires_at: datetime | None
    valid_until: datetime | None
    state: Literal["waiting", "at_once", "taken", "not_taken"]
    at: datetime


_LATEST = """
SELECT g.id, g.entitlement, g.direction, g.points, g.expires_at, g.valid_until,
       CASE WHEN p.id IS NOT NULL THEN 'taken' WHEN g.outcome = 'not_taken' THEN 'not_taken' ELSE 'waiting' END,
       CASE WHEN p.id IS NOT NULL THEN p.at WHEN g.outcome = 'not_taken' THEN g.ended_at ELSE g.at END AS said
FROM access_grant g LEFT JOIN access_passage p ON p.id = g.id WHERE g.gate = %s AND g.id >= %s
UNION ALL
SELECT p.id, p.entitlement, p.direction, p.points, NULL, NULL, 'at_once', p.at
FROM access_passage p WHERE p.gate = %s AND p.id >= %s AND NOT EXISTS (SELECT FROM access_grant g WHERE g.id = p.id)
ORDER BY said DESC, id DESC LIMIT 1
"""


def latest_at_gate(gate: UUID, since: datetime) -> AtGate | None:
    """Return what happened at a gate last, of scans since an instant; None for nothing.

    Ids begin with their scan's instant, so only what is as fresh is looked at, however long the history.
    """
    first = UUID(int=milliseconds(since) << 80)
    rows = _rows(_LATEST, [gate, first, gate, first])
    return AtGate._make(rows[0]) if rows else None


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
