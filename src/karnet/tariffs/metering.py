"""One clock, made ready: where it runs, how many units that makes, what each of them costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm
from typing import NamedTuple

from karnet.tariffs.model import Clock, Tariff
from karnet.tariffs.stays import NOWHERE, Visit
from karnet.tariffs.timeline import Timeline

NEVER = -1
"""In place of the seconds after which a clock runs in a zone: it does not."""


class Run(NamedTuple):
    """A stretch of time in which a clock ran, [start_s, end_s); `before_s` is how long it had run until then."""

    zone: str
    start_s: int
    end_s: int
    before_s: int


def denominator(tariff: Tariff) -> int:
    """Return into how many parts a minor unit must be cut so that a unit of every clock costs a whole number of them."""
    return lcm(*(_price_s(clock) // gcd(clock.unit_s, _price_s(clock)) for clock in tariff.clocks))


class Meter:
    """A clock made ready: its prices as whole parts, its bands as a timeline."""

    def __init__(self, clock: Clock, tariff: Tariff, scale: int) -> None:
        self.clock, self.code, self.on_top = clock, clock.code, clock.on_top
        self.unit_s = clock.unit_s
        self.price_s = _price_s(clock)
        self.timeline = Timeline(clock.bands, tariff.calendars, tariff.time_zone, tariff.day_start_minute)
        # The last entry is that of GAP: nothing.
        self.charges = {
            category: [*(band.prices[category] * clock.unit_s * scale // self.price_s for band in clock.bands), 0]
            for category in tariff.categories
        }
        self._elsewhere = NEVER if clock.zones else 0
        self._zones = dict.fromkeys(clock.zones, 0)
        self._zones |= {
            pause.zone: NEVER if pause.at_most_s is None else pause.at_most_s
            for pause in clock.pauses
            if not clock.zones or pause.zone in clock.zones
        }
        self._zones[NOWHERE] = NEVER

    def runs_after_s(self, zone: str) -> int:
        """Return after how many seconds in a zone the clock runs there; NEVER if it does not."""
        return self._zones.get(zone, self._elsewhere)

    def runs(self, spent: Sequence[Visit]) -> list[Run]:
        """Return when the clock ran, in order of time."""
        found: list[Run] = []
        total = 0
        waited: dict[str, int] = {}
        for zone, start_s, end_s in spent:
            after = self._zones.get(zone, self._elsewhere)
            if after == NEVER:
                continue
            if after:
                so_far = waited.get(zone, 0)
                waited[zone] = so_far + end_s - start_s
                start_s += max(after - so_far, 0)
                if start_s >= end_s:
                    continue
            found.append(Run(zone, start_s, end_s, total))
            total += end_s - start_s
        return found

    def free_s(self, ran_s: int, included_s: int) -> int:
        """Return how much of the time a clock ran costs nothing before its grid of units begins."""
        if self.clock.grace == "subtracted" or ran_s <= included_s + self.clock.grace_s:
            return included_s + self.clock.grace_s
        return included_s

    def units(self, ran_s: int, included_s: int) -> int:
        """Return how many units are charged when the clock ran so long."""
        metered = ran_s - self.free_s(ran_s, included_s)
        if metered <= 0:
            return 0
        return -(-metered // self.unit_s) if self.clock.counted == "started" else metered // self.unit_s


def _price_s(clock: Clock) -> int:
    return clock.price_s or clock.unit_s
