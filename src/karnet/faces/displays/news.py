"""How a display learns what was decided elsewhere: by another display, by the API, by another web process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import connection

from karnet.access.requests import Scan, Verdict
from karnet.access.selectors import latest_at_gate
from karnet.faces.displays.models import Refusal
from karnet.faces.displays.scenes import Scene, of_event, of_refusal
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

FRESH = timedelta(minutes=2)
"""Older news is no news. More than people stand at a gate, because a demonstration's clock runs at 60 times our speed."""


def latest(gate: UUID, at: datetime) -> Scene | None:
    """Return what happened at a gate last, if it is fresh at `at`. Its cost does not grow with history."""
    since = at - FRESH
    event = latest_at_gate(gate, since)
    row = Refusal.objects.filter(gate=gate, at__gte=since).first()
    if row is not None and (event is None or row.at > event.at):
        return of_refusal(msgspec.json.decode(bytes(row.answer), type=Refused), row.at)
    return of_event(event) if event else None


def note_refusals(scans: Sequence[Scan], answers: Sequence[Verdict | Refused]) -> None:
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
