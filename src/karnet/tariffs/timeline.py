"""Which band is in force at an instant: local times laid out as pieces of elapsed time, once, for all stays after.

Bands are matched by the wall clock of the tariff's zone, second by second: where an hour happens twice, its bands happen
twice; where one is skipped, so are they (SPEC X2). A *day* (for caps) begins at the first instant its wall clock shows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from karnet.kernel.time import local_instant, zone
from karnet.tariffs.model import DAY_MINUTES, Band, DateRange

GAP = -1
"""The index of no band: nothing is charged."""

DAY_S = 86_400
BLOCK_S = 32 * DAY_S
_KEPT_BLOCKS = 64
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Block:
    """The pieces of 32 days: piece i begins at `starts[i]` and ends where the next begins (the last one at `end_s`)."""

    __slots__ = ("bands", "days", "end_s", "starts")

    def __init__(self, pieces: Sequence[tuple[int, int, int]], end_s: int) -> None:
        self.starts = [start for start, _, _ in pieces]
        self.bands = [band for _, band, _ in pieces]
        self.days = [day for _, _, day in pieces]
        self.starts.append(end_s)
        self.end_s = end_s


class Timeline:
    """One list of bands in one time zone. Blocks are made when asked for, and kept."""

    def __init__(
        self,
        bands: Sequence[Band],
        calendars: Mapping[str, Sequence[DateRange]],
        zone_name: str,
        day_start_minute: int = 0,
    ) -> None:
        self._bands = [(band, _days(band.on, calendars), _days(band.not_on, calendars) or ()) for band in bands]
        self._zone_name, self._day_start = zone_name, day_start_minute
        self._blocks: dict[int, Block] = {}

    def at(self, second: int) -> tuple[int, int]:
        """Return the index of the band in force at an instant (GAP for none), and the ordinal of its day."""
        block = self.block(second)
        place = bisect_right(block.starts, second) - 1
        return block.bands[place], block.days[place]

    def block(self, second: int) -> Block:
        """Return the block in which an instant lies."""
        number = second // BLOCK_S
        found = self._blocks.get(number)
        if found is None:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            found = self._blocks[number] = self._made(number * BLOCK_S)
        return found

    def pieces(self, start_s: int, end_s: int) -> Iterator[tuple[int, int, int]]:
        """Yield (start, band, day) of the pieces that touch [start_s, end_s), in order; starts are not cut to it."""
        while start_s < end_s:
            block = self.block(start_s)
            place = bisect_right(block.starts, start_s) - 1
            while place < len(block.bands) and block.starts[place] < end_s:
                yield block.starts[place], block.bands[place], block.days[place]
                place += 1
            start_s = block.end_s

    def _made(self, start_s: int) -> Block:
        end_s = start_s + BLOCK_S
        pieces: list[tuple[int, int, int]] = []
        marks = self._day_marks(start_s, end_s)
        for band_start, band in self._band_starts(start_s, end_s):
            while len(marks) > 1 and marks[1][0] < band_start:
                marks.pop(0)
                pieces.append((marks[0][0], pieces[-1][1], marks[0][1]))
            if len(marks) > 1 and marks[1][0] == band_start:
                marks.pop(0)
            pieces.append((band_start, band, marks[0][1]))
        pieces += [(mark, pieces[-1][1], day) for mark, day in marks[1:]]
        return Block(pieces, end_s)

    def _day_marks(self, start_s: int, end_s: int) -> list[tuple[int, int]]:
        """Return (first second, ordinal) of each day in a span; the first may begin before it."""
        day = date.fromordinal(_EPOCH_DAY + start_s // DAY_S - 2)
        marks: list[tuple[int, int]] = []
        wall = time(self._day_start // 60, self._day_start % 60)
        while (first := _epoch(local_instant(day, wall, self._zone_name))) < end_s:
            if first <= start_s:
                marks.clear()
            marks.append((first, day.toordinal()))
            day += timedelta(days=1)
        return marks

    def _band_starts(self, start_s: int, end_s: int) -> list[tuple[int, int]]:
        """Return (second, band) for each change of band in a span, and for its beginning."""
        starts: list[tuple[int, int]] = []
        spans = offsets(self._zone_name, start_s, end_s)
        for (begin, offset), (finish, _) in zip(spans, [*spans[1:], (end_s, 0)], strict=True):
            for day in range((begin + offset) // DAY_S, (finish + offset - 1) // DAY_S + 1):
                plan = self._plan(_EPOCH_DAY + day)
                midnight = day * DAY_S - offset
                for place, (minute, band) in enumerate(plan):
                    until = plan[place + 1][0] if place + 1 < len(plan) else DAY_MINUTES
                    first, last = max(begin, midnight + minute * 60), min(finish, midnight + until * 60)
                    if first < last and (not starts or starts[-1][1] != band):
                        starts.append((first, band))
        return starts

    def _plan(self, ordinal: int) -> list[tuple[int, int]]:
        """Return (minute since midnight, band) for each stretch of a local day; the whole day is covered."""
        weekday = (ordinal + 6) % 7
        spans = [
            (band.start_minute - shift, band.end_minute - shift, index)
            for index, (band, on, not_on) in enumerate(self._bands)
            for shift in (0, DAY_MINUTES)
            if (weekday if not shift else (weekday - 1) % 7) in band.weekdays
            and (on is None or _within(on, ordinal - bool(shift)))
            and not _within(not_on, ordinal - bool(shift))
        ]
        cuts = sorted({0, *(cut for start, end, _ in spans for cut in (start, end) if 0 < cut < DAY_MINUTES)})
        return [(cut, min((index for start, end, index in spans if start <= cut < end), default=GAP)) for cut in cuts]


@lru_cache(maxsize=1024)
def offsets(zone_name: str, start_s: int, end_s: int) -> tuple[tuple[int, int], ...]:
    """Return (second from which it holds, seconds to add to UTC for the wall clock) for each part of a span."""
    found = [(start_s, _offset(zone_name, start_s))]
    for low in range(start_s, end_s, DAY_S // 4):
        high = min(low + DAY_S // 4, end_s)
        after = _offset(zone_name, high)
        if after == found[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone_name, middle) == after:
                high = middle
            else:
                low = middle
        found.append((high, after))
    return tuple(part for part in found if part[0] < end_s)


def _offset(zone_name: str, second: int) -> int:
    ahead = datetime.fromtimestamp(second, UTC).astimezone(zone(zone_name)).utcoffset()
    assert ahead is not None
    return ahead.days * DAY_S + ahead.seconds


def _epoch(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * DAY_S + since.seconds


def _days(names: Sequence[str], calendars: Mapping[str, Sequence[DateRange]]) -> tuple[tuple[int, int], ...] | None:
    """Return the ordinals of the named calendars' ranges; None when none is named."""
    if not names:
        return None
    return tuple((days.first.toordinal(), days.last.toordinal()) for name in names for days in calendars[name])


def _within(ranges: Sequence[tuple[int, int]], ordinal: int) -> bool:
    return any(first <= ordinal <= last for first, last in ranges)
