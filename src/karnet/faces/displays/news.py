"""How a display learns what was decided elsewhere: by another display, by the API, by another web process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from django.db import connection

from karnet.access.requests import Verdict
from karnet.access.selectors import latest_at_gate
from karnet.faces.displays.models import Reading, Refusal
from karnet.faces.displays.scenes import Scene, of_event, of_let, of_locker, of_refusal
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.lockers.requests import LockerGivenUp, LockerShown, Touch
from karnet.stays.bills import Standing
from karnet.stays.requests import Let, Read

FRESH = timedelta(minutes=2)
"""Older news is no news. More than people stand at a gate, because a demonstration's clock runs at 60 times our speed."""


def latest(gate: UUID, at: datetime) -> Scene | None:
    """Return what happened at a gate last, if it is fresh at `at`. Its cost does not grow with history."""
    since = at - FRESH
    event = latest_at_gate(gate, since)
    found = [of_event(event)] if event else []
    refusal = Refusal.objects.filter(gate=gate, at__gte=since).first()
    if refusal is not None:
        found.append(of_refusal(msgspec.json.decode(bytes(refusal.answer), type=Refused), refusal.at))
    reading = Reading.objects.filter(gate=gate, at__gte=since).first()
    if reading is not None:
        found.append(_of_reading(reading))
    return max(found, key=lambda scene: scene.at, default=None)


def _of_reading(reading: Reading) -> Scene:
    answer = msgspec.json.decode(bytes(reading.answer), type=Let | LockerShown | LockerGivenUp)
    if not isinstance(answer, Let):
        return of_locker(answer, reading.at)
    known = None if reading.standing is None else msgspec.json.decode(bytes(reading.standing), type=Standing)
    return of_let(answer, known, reading.at)


def note_touches(touches: Sequence[Touch], answers: Sequence[LockerShown | LockerGivenUp | Refused]) -> None:
    """Keep the last answer of each reader of lockers for the displays of its section."""
    note_refusals(touches, answers)
    last = {
        touch.reader: (touch.at, msgspec.json.encode(answer), None)
        for touch, answer in zip(touches, answers, strict=True)
        if not isinstance(answer, Refused)
    }
    _keep(last)


def note_readings(
    readings: Sequence[Read], answers: Sequence[Let | Refused], standings: Mapping[UUID, Standing]
) -> None:
    """Keep the last answer of each border for its displays: one statement for who was let through, one for who was not."""
    note_refusals(readings, answers)
    last = {
        reading.gate: (reading.at, msgspec.json.encode(answer), _encoded(standings.get(answer.stay)))
        for reading, answer in zip(readings, answers, strict=True)
        if isinstance(answer, Let)
    }
    _keep(last)


def _keep(last: Mapping[UUID, tuple[datetime, bytes, bytes | None]]) -> None:
    if last:
        rows = [(gate, *last[gate]) for gate in sorted(last)]
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_READING, [list(column) for column in zip(*rows, strict=True)])


def _encoded(standing: Standing | None) -> bytes | None:
    return None if standing is None else msgspec.json.encode(standing)


_NOTE_READING = """
INSERT INTO displays_reading (gate, at, answer, standing)
SELECT * FROM unnest(%b::uuid[], %b::timestamptz[], %b::bytea[], %b::bytea[])
ON CONFLICT (gate) DO UPDATE SET at = excluded.at, answer = excluded.answer, standing = excluded.standing
WHERE excluded.at >= displays_reading.at
"""


Answer = Verdict | Let | LockerShown | LockerGivenUp | Refused


class _AtGate(Protocol):
    @property
    def gate(self) -> UUID: ...
    @property
    def at(self) -> datetime: ...


def note_refusals(scans: Sequence[_AtGate], answers: Sequence[Answer]) -> None:
    """Keep the last refusal of each gate for its displays: one statement for all of them, none when there is none.

    A gate that is flooding us (TOO_MANY_REFUSALS) is not written down each time.
    """
    last = {
        scan.gate: (scan.at, msgspec.json.encode(answer))
        for scan, answer in zip(scans, answers, strict=True)
        if isinstance(answer, Refused) and answer.reason not in (Reason.TOO_MANY_REFUSALS, Reason.UNKNOWN_GATE)
    }
    if not last:
        return
    # One order everywhere: two batches cannot wait for each other.
    rows = [(gate, *last[gate]) for gate in sorted(last)]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [list(column) for column in zip(*rows, strict=True)])


# What a gate reports late does not push out what it refused meanwhile.
_NOTE = """
INSERT INTO displays_refusal (gate, at, answer)
SELECT * FROM unnest(%b::uuid[], %b::timestamptz[], %b::bytea[])
ON CONFLICT (gate) DO UPDATE SET at = excluded.at, answer = excluded.answer WHERE excluded.at >= displays_refusal.at
"""
