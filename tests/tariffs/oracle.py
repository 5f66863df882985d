"""A slow, independent reading of docs/tariffs.md: time goes by tick by tick, money is a Fraction, nothing is cached.

Shares nothing with the engine but the data: local times by `datetime`, not by a timeline; units by counting, not by
dividing. A tick is a minute where everything falls on whole minutes, else a second.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from karnet.tariffs.model import Band, Clock, Tariff
from karnet.tariffs.stays import Stay


class Answer(NamedTuple):
    charged: int
    on_top: int
    fees: int
    total: int
    due: int
    returned: int
    kept: int
    clocks: dict[str, Fraction]


def answer(tariff: Tariff, stay: Stay) -> Answer:
    """Return what a stay costs, and what each clock charges after its own caps."""
    return _Oracle(tariff, stay).answer()


class _Unit(NamedTuple):
    price: Fraction
    day: date


class _Tally:
    """One clock while time goes by. With forgiven grace both outcomes are kept until it is known which holds."""

    def __init__(self, clock: Clock, included: int) -> None:
        self.clock, self.included = clock, included
        self.ran = 0
        self.in_zone: dict[str, int] = defaultdict(int)
        self.started: list[_Unit] = []
        self.entry_rate: Fraction | None = None
        self.dearest_exit = Fraction(0)

    @property
    def grid(self) -> int:
        """After how many seconds the first unit starts, for those who stay long enough to have one."""
        return self.included + (self.clock.grace_s if self.clock.grace == "subtracted" else 0)

    def counts(self, ran: int) -> int:
        """How many units are charged to whom the clock ran so long, by adding them up one by one."""
        if self.clock.grace == "forgiven" and ran <= self.included + self.clock.grace_s:
            return 0
        count, left = 0, ran - self.grid
        while left >= (self.clock.unit_s if self.clock.counted == "full" else 1):
            count += 1
            left -= self.clock.unit_s
        return count

    def charges(self) -> dict[date, Fraction]:
        days: dict[date, Fraction] = defaultdict(Fraction)
        if self.clock.rate_of == "exit":
            days[date.min] = self.dearest_exit
            return days
        for unit in self.started[: self.counts(self.ran)]:
            days[unit.day] += unit.price if self.entry_rate is None else self.entry_rate
        return days


class _Oracle:
    def __init__(self, tariff: Tariff, stay: Stay) -> None:
        self.tariff, self.stay = tariff, stay
        self.zone = ZoneInfo(tariff.time_zone)
        self.start, self.end = _whole(stay.moves[0].at), _whole(stay.ended)
        self.clocks_end = self.end
        if stay.stopped is not None:
            stop = _whole(stay.stopped)
            if self.start <= stop <= self.end and self.end - stop <= tariff.stop_hold_s:
                self.clocks_end = stop
        self.moves = [(_whole(move.at), move.zone) for move in stay.moves]
        self.halts = [(_whole(halt.since), None if halt.until is None else _whole(halt.until)) for halt in stay.halts]
        self.step = self._step()
        self._exit_counts: dict[tuple[str, int], int] = {}

    def answer(self) -> Answer:
        tariff, stay = self.tariff, self.stay
        package = next((one for one in tariff.packages if one.code == stay.package), None)
        tallies = [_Tally(clock, package.included_s.get(clock.code, 0) if package else 0) for clock in tariff.clocks]
        for at in range(self.start, self.clocks_end, self.step):
            zone = self._zone(at)
            for tally in tallies:
                self._tick(tally, zone, at)
        below: dict[date, Fraction] = defaultdict(Fraction)
        if package:
            band = self._band(package.bands, self.start)
            below[self._day(self.start)] += band.prices[stay.category] if band else 0
        on_top, clocks = Fraction(0), {}
        for tally in tallies:
            days = self._capped(tally)
            clocks[tally.clock.code] = sum(days.values(), Fraction(0))
            if tally.clock.on_top:
                on_top += clocks[tally.clock.code]
            else:
                for day, amount in days.items():
                    below[day] += amount
        charged, topped, fees = self._round(self._total(below)), self._round(on_top), self._fees()
        left = max(0, stay.prepaid_minor - charged)
        due = max(0, charged - stay.prepaid_minor) + topped + fees
        returned = left if tariff.return_unused else 0
        return Answer(charged, topped, fees, charged + topped + fees, due, returned, left - returned, clocks)

    def _tick(self, tally: _Tally, zone: str, at: int) -> None:
        """One tick of a clock: does it run, does a unit start, what would leaving now cost."""
        clock = tally.clock
        if zone == "" or (clock.zones and zone not in clock.zones):
            return
        waited = tally.in_zone[zone]
        tally.in_zone[zone] += self.step
        for pause in clock.pauses:
            if pause.zone == zone and (pause.at_most_s is None or waited < pause.at_most_s):
                return
        if clock.rate_of == "entry" and tally.entry_rate is None:
            tally.entry_rate = self._unit_price(clock, at)
        position = tally.ran - tally.grid
        if position >= 0 and position % clock.unit_s == 0:
            tally.started.append(_Unit(self._unit_price(clock, at), self._day(at)))
        tally.ran += self.step
        if clock.rate_of == "exit":
            # Leaving in the last second of this tick, and at its end (where another rate may be in force already).
            for leave in (at + self.step - 1, at + self.step):
                units = tally.counts(tally.ran - (at + self.step - leave))
                tally.dearest_exit = max(tally.dearest_exit, units * self._unit_price(clock, leave))

    def _capped(self, tally: _Tally) -> dict[date, Fraction]:
        caps, category = tally.clock.caps, self.stay.category
        days = tally.charges()
        if category in caps.day:
            days = {day: min(amount, Fraction(caps.day[category])) for day, amount in days.items()}
        if category in caps.stay:
            left = Fraction(caps.stay[category])
            for day in sorted(days):
                days[day] = min(days[day], left)
                left -= days[day]
        return days

    def _total(self, days: dict[date, Fraction]) -> Fraction:
        tariff, category = self.tariff, self.stay.category
        if category in tariff.caps.day:
            days = {day: min(amount, Fraction(tariff.caps.day[category])) for day, amount in days.items()}
        total = sum(days.values(), Fraction(0))
        if total > 0:
            total = max(total, Fraction(tariff.minimum.get(category, 0)))
        if category in tariff.caps.stay:
            total = min(total, Fraction(tariff.caps.stay[category]))
        return total

    def _round(self, amount: Fraction) -> int:
        step, mode = self.tariff.rounding.step_minor, self.tariff.rounding.mode
        low = int(amount / step) * step
        rest = amount - low
        if mode == "up":
            return low + step if rest > 0 else low
        if mode == "nearest":
            return low + step if 2 * rest >= step else low
        return low

    def _fees(self) -> int:
        late = self.tariff.late
        if late is None:
            return 0
        wall = time(late.after_minute // 60, late.after_minute % 60)
        today = datetime.fromtimestamp(self.start, self.zone).date()
        deadlines = [self._instant(today + timedelta(days=ahead), wall) for ahead in (0, 1)]
        deadline = min(one for one in deadlines if one >= self.start)
        return late.fee.get(self.stay.category, 0) if self.end > deadline else 0

    def _zone(self, at: int) -> str:
        for since, until in self.halts:
            if at >= since and (until is None or at < until):
                return ""
        return [zone for since, zone in self.moves if since <= at][-1]

    def _unit_price(self, clock: Clock, at: int) -> Fraction:
        band = self._band(clock.bands, at)
        if band is None:
            return Fraction(0)
        return Fraction(band.prices[self.stay.category] * clock.unit_s, clock.price_s or clock.unit_s)

    def _band(self, bands: tuple[Band, ...], at: int) -> Band | None:
        wall = datetime.fromtimestamp(at, self.zone)
        minute, today = wall.hour * 60 + wall.minute, wall.date()
        for band in bands:
            if band.start_minute <= minute < band.end_minute and self._is_on(band, today):
                return band
            if band.start_minute <= minute + 1440 < band.end_minute and self._is_on(band, today - timedelta(days=1)):
                return band
        return None

    def _is_on(self, band: Band, day: date) -> bool:
        def listed(names: tuple[str, ...]) -> bool:
            return any(days.first <= day <= days.last for name in names for days in self.tariff.calendars[name])

        return day.weekday() in band.weekdays and (not band.on or listed(band.on)) and not listed(band.not_on)

    def _day(self, at: int) -> date:
        start = time(self.tariff.day_start_minute // 60, self.tariff.day_start_minute % 60)
        day = datetime.fromtimestamp(at, self.zone).date() - timedelta(days=2)
        while self._instant(day + timedelta(days=1), start) <= at:
            day += timedelta(days=1)
        return day

    def _instant(self, day: date, wall: time) -> int:
        return int(datetime.combine(day, wall, tzinfo=self.zone).timestamp())

    def _step(self) -> int:
        tariff = self.tariff
        marks = [self.start, self.end, self.clocks_end, *(at for at, _ in self.moves)]
        marks += [mark for halt in self.halts for mark in halt if mark is not None]
        for clock in tariff.clocks:
            marks += [clock.unit_s, clock.grace_s, *(pause.at_most_s or 0 for pause in clock.pauses)]
        marks += [included for package in tariff.packages for included in package.included_s.values()]
        return 1 if any(mark % 60 for mark in marks) else 60


def _whole(at: datetime) -> int:
    return int(at.timestamp() // 1)
