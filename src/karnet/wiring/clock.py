"""The wall clock. Rules receive time as a value; only faces and wiring ask this module for it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec

SHOW = "KARNET_SHOW"
"""Names the file that says at what time a demonstration stands, and how fast it runs (`Show` as JSON)."""


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """A demonstration's time: it was `starts` at the real instant `since`, and runs `speed` times as fast."""

    starts: datetime
    since: datetime
    speed: float

    def at(self, real: datetime) -> datetime:
        """Return the demonstration's time at a real instant."""
        return self.starts + (real - self.since) * self.speed


def now() -> datetime:
    """The present moment, aware, in UTC. The only place that reads the wall clock."""
    return datetime.now(UTC)


def business_now() -> datetime:
    """The moment at which what people do now happens: the present one, or a demonstration's.

    The journal's own clock (sealing, checkpoints) is always the real one.
    """
    file = os.environ.get(SHOW)
    return now() if file is None else _show(file, Path(file).stat().st_mtime_ns).at(now())


@lru_cache(maxsize=4)
def _show(file: str, changed: int) -> Show:
    return msgspec.json.decode(Path(file).read_bytes(), type=Show)
