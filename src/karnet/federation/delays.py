"""How long what another server recorded takes until it is applied here: what N2 promises, shown as it is now.

Measured between two clocks, the other server's and ours, so it is as true as these agree. What was caught up after a cut
is part of it, and passes out of it with the next few hundred batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from django.db import connection

from karnet.federation.models import Delay

_SAMPLES = 300
_WRITE_EVERY = timedelta(seconds=5)
_LONGEST = timedelta(days=1)
"""A demonstration's clock, or one that is wrong, tells nothing."""


class Quantiles(msgspec.Struct, frozen=True):
    """Of the last batches: milliseconds from recorded there to applied here, half of them and 99 of 100 at most so."""

    p50_ms: int
    p99_ms: int
    samples: int


class Delays:
    """The last delays of each log, in memory; written down every few seconds for whoever looks."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[timedelta]] = {}
        self._written: datetime | None = None

    def note(self, counts: Mapping[str, int], at: datetime) -> None:
        """Take note that entries of these logs were applied just before `at`."""
        for log, recorded in _last_recorded(list(counts)).items():
            if timedelta(0) <= at - recorded < _LONGEST:
                self._kept.setdefault(log, deque(maxlen=_SAMPLES)).append(at - recorded)
        if self._kept and (self._written is None or not timedelta(0) <= at - self._written < _WRITE_EVERY):
            self._written = at
            for log, kept in sorted(self._kept.items()):
                found = quantiles(list(kept))
                Delay.objects.update_or_create(
                    log=log,
                    defaults={"p50_ms": found.p50_ms, "p99_ms": found.p99_ms, "samples": found.samples, "at": at},
                )


def quantiles(delays: list[timedelta]) -> Quantiles:
    """Return the quantiles of at least one delay."""
    ordered = sorted(delays)

    def at(share: float) -> int:
        return int(ordered[min(len(ordered) - 1, int(share * len(ordered)))] / timedelta(milliseconds=1))

    return Quantiles(at(0.5), at(0.99), len(ordered))


def delays() -> dict[str, Quantiles]:
    """Return what was written down last, by log."""
    return {row.log: Quantiles(row.p50_ms, row.p99_ms, row.samples) for row in Delay.objects.all()}


def _last_recorded(logs: list[str]) -> dict[str, datetime]:
    """When the newest applied entry of each log was recorded at its server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.name, p.at FROM journal_origin o JOIN journal_applied a ON a.origin_id = o.id"
            " JOIN journal_entry e ON e.origin_id = o.id AND e.index = a.size - 1"
            " JOIN journal_operation p ON p.number = e.operation_id WHERE o.name = ANY(%s)",
            [logs],
        )
        return dict(cursor.fetchall())
