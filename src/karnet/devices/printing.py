"""Printing what is queued: one driver per printer, first come first printed.

A session lock of the database (no transaction is open while a printer prints) keeps a second worker away. A job's mark
is committed before the printer is asked for anything that counts, so whoever comes after a crash knows what to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
import structlog
from django.db import connection

from karnet.devices import documents
from karnet.devices.escpos.slips import slip
from karnet.devices.escpos.talking import look as look_at_slips
from karnet.devices.escpos.talking import print_slip
from karnet.devices.links import DEFAULT_PORTS, Link, connect
from karnet.devices.models import Job, Printer
from karnet.devices.posnet.driving import (
    Declined,
    Mark,
    Outcome,
    Printed,
    Unclear,
    Waits,
    look_only,
    print_document,
)
from karnet.devices.posnet.talking import Patience, Talk, run
from karnet.devices.printers import note_state, settings_of

PAUSES_S = (1, 2, 5, 10, 20, 30)
"""The pause after each try that a printer had no paper for, or did not answer; the last one again and again: a receipt
is never given up."""

ECHOES = (2005, 2038, 2039, 2054, 2062, 2801, 2802, 2805, 2806, 2808, 2809, 41)
"""Refusals that a late echo of an earlier command can cause: the receipt is begun again, a few times."""
MAX_DECLINED = 3
CONNECT_S = 3.0

_log = structlog.get_logger()

Clock = Callable[[], datetime]


def due(at: datetime) -> list[UUID]:
    """Return the printers whose first paper is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT printer_id FROM (SELECT DISTINCT ON (printer_id) printer_id, next_at FROM devices_job"
            " WHERE state IN ('queued', 'printing') ORDER BY printer_id, mark IS NULL, n) AS first WHERE next_at <= %s",
            [at],
        )
        return [row[0] for row in cursor.fetchall()]


def unseen(since: datetime) -> list[UUID]:
    """Return the printers in use that were not looked at since an instant, and print nothing now."""
    rows = Printer.objects.filter(retired_at__isnull=True).exclude(looked_at__gte=since)
    busy = Job.objects.filter(state__in=("queued", "printing")).values("printer_id")
    return list(rows.exclude(id__in=busy).values_list("id", flat=True))


def work(printer: UUID, clock: Clock, patience: Patience, stop: Callable[[], bool] = lambda: False) -> int:
    """Print what is due at a printer until nothing is, or it cannot; return how many papers ended. Does nothing while
    somebody else drives it."""
    ended = 0
    with _driving(printer) as ours:
        while ours and not stop():
            row = Printer.objects.filter(id=printer, retired_at__isnull=True).first()
            first = _first(printer)
            if row is None or first is None or first.next_at > clock():
                break
            try:
                outcome = _print(row, first, patience)
            except (ValueError, LookupError, AssertionError) as fault:
                # Ours, not the printer's: the next paper must not wait for it.
                ended += _failed(first, fault)
                continue
            note_state(printer, outcome.state if isinstance(outcome, Waits) else "", clock())
            ended += settle(first, outcome, clock())
            if isinstance(outcome, Waits):
                break
    return ended


def _first(printer: UUID) -> Job | None:
    """Return what is printed next: the paper that was begun, else the oldest one. An older one may be queued again at
    any time; printed in between, it would be taken for the one that was begun."""
    waiting = Job.objects.filter(printer_id=printer, state__in=("queued", "printing"))
    return waiting.filter(mark__isnull=False).order_by("n").first() or waiting.order_by("n").first()


def look(printer: UUID, clock: Clock, patience: Patience) -> str:
    """Ask a printer how it is, keep it and return it ("" = ready). Prints nothing. While somebody else drives it, it
    is what they found last: many printers take one connection."""
    with _driving(printer) as ours:
        row = Printer.objects.get(id=printer)
        if not ours:
            return row.state
        state = _asked(row, patience)
        note_state(printer, state, clock())
    return state


def _asked(row: Printer, patience: Patience) -> str:
    try:
        link = _connected(row)
        try:
            if row.kind == "escpos":
                return look_at_slips(link, patience) or ""
            outcome = run(look_only(), Talk(link, patience), lambda mark: None)
            return outcome.state if isinstance(outcome, Waits) else ""
        finally:
            link.close()
    except OSError:
        return "silent"


def settle(job: Job, outcome: Outcome, at: datetime) -> int:
    """Write down what came of a try; return 1 where the job is over, printed or not. Pure of printers: whatever they
    said is in `outcome`."""
    changes: dict[str, object] = {"attempts": job.attempts + 1}
    if isinstance(outcome, Printed):
        changes |= {"state": "printed", "number": outcome.number, "mark": None, "error": "", "ended_at": at}
    elif isinstance(outcome, Waits):
        pause = PAUSES_S[min(job.attempts, len(PAUSES_S) - 1)]
        changes |= {"next_at": at + timedelta(seconds=pause), "error": outcome.state}
    elif isinstance(outcome, Declined):
        again = outcome.code in ECHOES and job.attempts + 1 < MAX_DECLINED
        error = f"declined:{outcome.code}:{outcome.command}"
        changes |= {"state": "queued" if again else "failed", "mark": None, "error": error}
    elif isinstance(outcome, Unclear):
        changes |= {"state": "needs_look", "error": outcome.why}
    else:
        changes |= {"state": "failed", "mark": None, "error": f"{outcome.why}:{outcome.detail}"}
    Job.objects.filter(n=job.n, state__in=("queued", "printing")).update(**changes)
    return int(not isinstance(outcome, Waits) and changes.get("state") != "queued")


def _failed(job: Job, fault: Exception) -> int:
    _log.error("a paper cannot be made", job=str(job.id), fault=f"{type(fault).__name__}: {fault}")
    # What had been begun may be on paper.
    rows = Job.objects.filter(n=job.n, state__in=("queued", "printing"))
    begun = rows.filter(mark__isnull=False).update(state="needs_look", error="fault")
    return begun or rows.update(state="failed", error="fault")


def _print(row: Printer, job: Job, patience: Patience) -> Outcome:
    mark = msgspec.json.decode(bytes(job.mark), type=Mark) if job.mark else None

    def remember(new: Mark | None) -> None:
        kept = None if new is None else msgspec.json.encode(new)
        state = "queued" if new is None else "printing"
        if not Job.objects.filter(n=job.n, state__in=("queued", "printing")).update(mark=kept, state=state):
            raise _TakenAway

    try:
        document, settings = documents.decode(bytes(job.document)), settings_of(row)
        link = _connected(row)
        try:
            if row.kind == "posnet":
                machine = print_document(document, settings.paper, mark)
                return run(machine, Talk(link, patience, job.attempts * 100), remember)
            return print_slip(link, slip(document, settings.layout), mark, patience, remember)
        finally:
            link.close()
    except _TakenAway:
        return Waits("busy")
    except OSError:
        return Waits("silent")


class _TakenAway(Exception):
    """Somebody dropped the job meanwhile."""


def _connected(row: Printer) -> Link:
    return connect(row.address, DEFAULT_PORTS[row.kind], CONNECT_S)


@contextmanager
def _driving(printer: UUID) -> Iterator[bool]:
    """Hold a printer against other workers while the block runs; False: another one drives it."""
    key = int.from_bytes(sha256(f"printer {printer}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        row = cursor.fetchone()
    ours = bool(row and row[0])
    try:
        yield ours
    finally:
        # A connection that died took its lock along.
        if ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
