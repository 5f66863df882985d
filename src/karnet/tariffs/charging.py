"""One clock's charges for one stay, and the lines that explain them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from karnet.tariffs.bills import Line, LineCode
from karnet.tariffs.limits import ByDay
from karnet.tariffs.metering import Meter, Run
from karnet.tariffs.stays import Visit, moment
from karnet.tariffs.timeline import GAP


class Charging:
    """What one clock charges for one stay: `by_day` (exact; all under day 0 unless `daily`) and `lines`, before caps.

    A *position* is how many seconds of the grid have passed: time the clock ran, less what is free before its first unit.
    """

    __slots__ = ("by_day", "category", "count", "daily", "free_s", "included_s", "lines", "meter", "metered_s")

    def __init__(self, meter: Meter, category: str, spent: Sequence[Visit], included_s: int, *, daily: bool) -> None:
        self.meter, self.category, self.daily, self.included_s = meter, category, daily, included_s
        self.by_day: ByDay = {}
        self.lines: list[Line] = []
        runs = meter.runs(spent)
        if not runs:
            return
        ran_s = runs[-1].before_s + runs[-1].end_s - runs[-1].start_s
        self.free_s = meter.free_s(ran_s, included_s)
        self.count = meter.units(ran_s, included_s)
        self.metered_s = ran_s - self.free_s
        if meter.clock.rate_of == "exit":
            self._at_exit(runs)
        else:
            self._unit_by_unit(runs)

    def _unit_by_unit(self, runs: Sequence[Run]) -> None:
        meter = self.meter
        entry_band = meter.timeline.at(runs[0].start_s)[0] if meter.clock.rate_of == "entry" else None
        for run in runs:
            if run.before_s < self.free_s:
                self._free_time(run)
            until = run.before_s + run.end_s - run.start_s - self.free_s
            if until > 0:
                self._charge(run, until, entry_band)
                self._open_unit(run, until)

    def _charge(self, run: Run, until: int, entry_band: int | None) -> None:
        """Charge the units that start in a run, whose end is at position `until`."""
        unit = self.meter.unit_s
        begin = until - (run.end_s - run.start_s)
        number = -(-begin // unit) if begin > 0 else 0
        stop = min(-(-until // unit), self.count)
        if number >= stop:
            return
        at = run.start_s + number * unit - begin
        block = self.meter.timeline.block(at)
        place = bisect_right(block.starts, at) - 1
        # Units of one band and day make one line: `first` is the number of its first unit, which starts at `since`.
        first, since, said = number, at, (GAP, 0)
        while number < stop:
            if at >= block.end_s:
                block = self.meter.timeline.block(at)
                place = bisect_right(block.starts, at) - 1
            elif at >= block.starts[place + 1]:
                place += 1
                continue
            now = (block.bands[place] if entry_band is None else entry_band, block.days[place] if self.daily else 0)
            if now != said:
                if number > first:
                    self._units(run, said, since, first, number)
                first, since, said = number, at, now
            units = min(stop - number, -(-(block.starts[place + 1] - at) // unit))
            number += units
            at += units * unit
        self._units(run, said, since, first, number)

    def _units(self, run: Run, band_and_day: tuple[int, int], since_s: int, first: int, stop: int) -> None:
        """Charge the units `first` to `stop` to their day, in a line."""
        meter = self.meter
        index, day = band_and_day
        amount = (stop - first) * meter.charges[self.category][index]
        self.by_day[day] = self.by_day.get(day, 0) + amount
        band = None if index == GAP else meter.clock.bands[index]
        length = (stop - first) * meter.unit_s
        self.lines.append(
            Line(
                LineCode.TIME if band else LineCode.FREE,
                amount,
                meter.on_top,
                meter.code,
                run.zone,
                band.code if band else "",
                moment(since_s),
                moment(min(since_s + length, run.end_s)),
                stop - first,
                band.prices[self.category] if band else 0,
                meter.price_s,
                min(length, self.metered_s - first * meter.unit_s),
                unit_s=meter.unit_s,
            )
        )

    def _free_time(self, run: Run) -> None:
        """Say which part of a run is included, and which is grace."""
        zone, start_s, end_s, before_s = run
        spans = ((LineCode.INCLUDED, 0, self.included_s), (LineCode.GRACE, self.included_s, self.free_s))
        for code, low, high in spans:
            first, last = start_s + max(low - before_s, 0), min(start_s + high - before_s, end_s)
            if first < last:
                self._uncharged(code, zone, first, last, last - first)

    def _open_unit(self, run: Run, until: int) -> None:
        """Say, in the run in which it started, that the last unit is not full."""
        position = self.count * self.meter.unit_s
        begin = until - (run.end_s - run.start_s)
        if position < self.metered_s and max(begin, 0) <= position < until:
            since_s = run.start_s + position - begin
            self._uncharged(LineCode.OPEN_UNIT, run.zone, since_s, run.end_s, self.metered_s - position)

    def _uncharged(self, code: LineCode, zone: str, since_s: int, until_s: int, time_s: int) -> None:
        meter = self.meter
        since, until = moment(since_s), moment(until_s)
        self.lines.append(Line(code, 0, meter.on_top, meter.code, zone, since=since, until=until, time_s=time_s))

    def _at_exit(self, runs: Sequence[Run]) -> None:
        """Charge all units at the rate in force when the clock last ran; or, if that is more, what leaving at any earlier
        second would have cost: so waiting for a cheaper band never pays, and the total never falls."""
        meter = self.meter
        charges = meter.charges[self.category]
        best = units = at = 0
        index, zone = GAP, ""
        for run in runs:
            if run.before_s < self.free_s:
                self._free_time(run)
            # Units only grow: within a piece its last second is the dearest.
            pieces = list(meter.timeline.pieces(run.start_s, run.end_s + 1))
            ends = [*(start - 1 for start, _, _ in pieces[1:]), run.end_s]
            for last, (_, band, _) in zip(ends, pieces, strict=True):
                count = meter.units(run.before_s + last - run.start_s, self.included_s)
                if count * charges[band] >= best:
                    best, units, at, index, zone = count * charges[band], count, last, band, run.zone
        self.by_day[0] = best
        left = runs[-1]
        charged_s = min(self.count * meter.unit_s, max(self.metered_s, 0))
        if charged_s:
            held = at < left.end_s
            found = None if index == GAP else meter.clock.bands[index]
            self.lines.append(
                Line(
                    LineCode.HELD if held else LineCode.TIME if found else LineCode.FREE,
                    best,
                    meter.on_top,
                    meter.code,
                    zone,
                    found.code if found else "",
                    None,
                    moment(at),
                    units,
                    found.prices[self.category] if found else 0,
                    meter.price_s,
                    charged_s,
                    unit_s=meter.unit_s,
                )
            )
        if self.metered_s > charged_s:
            open_s = self.metered_s - charged_s
            self._uncharged(LineCode.OPEN_UNIT, left.zone, max(left.end_s - open_s, left.start_s), left.end_s, open_s)
