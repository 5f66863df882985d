"""A stay as values: where somebody was from when to when, and what was paid before.

Instants count to the whole second, cut (so that a bill can be checked with what a display shows).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

NOWHERE = ""
"""The zone of time in which no clock runs: outside, or halted."""

MAX_STAY_S = 366 * 86_400
"""No stay is longer: one that seems to be was never closed."""


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody is in `zone` from `at` on. The first move is the entry: the issue of the band, or the entry gate."""

    at: datetime
    zone: str


class Halt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every clock stands still over [since, until), for ever when there is no `until`: an evacuation (SPEC S15)."""

    since: datetime
    until: datetime | None = None


class Stay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One person's stay, settled (or looked at) at `ended`; moves after that count nothing. All instants are aware.

    `stopped` is the last reading of a "time stop" reader. `moves` is not empty and in order of time.
    """

    category: str
    moves: tuple[Move, ...]
    ended: datetime
    package: str = ""
    prepaid_minor: int = 0
    stopped: datetime | None = None
    halts: tuple[Halt, ...] = ()


class BadStay(ValueError):
    """The stay cannot be rated: no move, moves out of order, over a year long, a naive instant, no such category or package."""


class Visit(NamedTuple):
    """Time in one zone, [start_s, end_s) in whole seconds of the epoch, never empty."""

    zone: str
    start_s: int
    end_s: int


def second(at: datetime) -> int:
    """Return an instant as whole seconds since 1970 (UTC), cut; raise BadStay for one without a time zone."""
    if at.tzinfo is None:
        raise BadStay("an instant needs a time zone")
    since = at - _EPOCH
    return since.days * 86_400 + since.seconds


def moment(second: int) -> datetime:
    """Return the instant (UTC) of a whole second since 1970."""
    return datetime.fromtimestamp(second, UTC)


def visits(moves: Sequence[Move], end_s: int, halts: Sequence[Halt] = ()) -> list[Visit]:
    """Return the visits of moves up to `end_s`, in order of time.

    Empty visits are left out, and a move to the zone where one already is changes nothing. A halt cuts a visit.
    """
    found: list[Visit] = []
    before: int | None = None
    zone = NOWHERE
    if moves and end_s - second(moves[0].at) > MAX_STAY_S:
        raise BadStay("a stay is at most 366 days long")
    for move in moves:
        at = second(move.at)
        if before is not None:
            if at < before:
                raise BadStay("moves must be in order of time")
            if before < end_s:
                _append(found, zone, before, min(at, end_s))
        before, zone = at, move.zone
    if before is None:
        raise BadStay("a stay has at least one move, its entry")
    if before < end_s:
        _append(found, zone, before, end_s)
    for halt in halts:
        until = end_s if halt.until is None else second(halt.until)
        found = list(_halted(found, second(halt.since), until))
    return found


def _append(found: list[Visit], zone: str, start_s: int, end_s: int) -> None:
    if start_s == end_s:
        return
    if found and found[-1].zone == zone and found[-1].end_s == start_s:
        start_s = found.pop().start_s
    found.append(Visit(zone, start_s, end_s))


def _halted(found: Sequence[Visit], since_s: int, until_s: int) -> list[Visit]:
    """Return the visits with [since_s, until_s) spent nowhere."""
    cut: list[Visit] = []
    for zone, start_s, end_s in found:
        halt_start, halt_end = max(start_s, since_s), min(end_s, until_s)
        if halt_start >= halt_end:
            _append(cut, zone, start_s, end_s)
            continue
        _append(cut, zone, start_s, halt_start)
        _append(cut, NOWHERE, halt_start, halt_end)
        _append(cut, zone, halt_end, end_s)
    return cut


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
