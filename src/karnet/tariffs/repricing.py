"""Rating a period's stays through another tariff at once (SPEC S16): the same rules as `rating`, over columns.

Every figure is that of `Rater.rate`, to the same bit: whole numbers only, the same order of passes, one rounding. Lines are
not made; ask `Rater` about the stays one wants explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karnet.kernel.time import zone
from karnet.tariffs.columns import NONE, Integers, Stays
from karnet.tariffs.limits import rounded_columns
from karnet.tariffs.metering_columns import (
    UNLIMITED,
    Charges,
    MeterColumns,
    Pieces,
    capped_days,
    merged,
)
from karnet.tariffs.model import Tariff
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import BadStay, moment

MAX_PERIOD_S = 100 * 366 * 86_400
PART = 32_768
"""Stays worked on at once: few enough that their columns stay in a core's cache."""


class Repriced(NamedTuple):
    """What each stay costs, in minor units; the columns are those of `Bill`."""

    charged_minor: Integers
    on_top_minor: Integers
    fees_minor: Integers
    total_minor: Integers
    due_minor: Integers
    returned_minor: Integers
    kept_minor: Integers


def reprice(tariff: Tariff, stays: Stays, *, workers: int = 1) -> Repriced:
    """Return what stays cost under a tariff, by so many threads.

    Raises BadStay when the tariff lacks a category or package that some stay has, or the period is over a century, and OverflowError when a stay is so
    long and dear that its exact charge does not fit in 62 bits (`Rater` has no such limit).
    """
    if not len(stays.category):
        return Repriced(*(np.zeros(0, dtype=np.int64) for _ in Repriced._fields))
    rater = _Columns(tariff, stays)
    if workers == 1:
        parts = [rater.part(part) for part in stays.parts(PART)]
    else:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(rater.part, stays.parts(PART)))
    return Repriced(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class _Columns:
    """A tariff made ready for the columns of one period."""

    def __init__(self, tariff: Tariff, stays: Stays) -> None:
        self.tariff = tariff
        rater = Rater(tariff)
        self.scale = rater.denominator
        low, high = int(stays.entry_s.min()), int(stays.ended_s.max()) + 2
        if high - low > MAX_PERIOD_S:
            raise BadStay("the stays lie more than a century apart")
        category = _indices(stays.categories, tariff.categories, "category")
        package = _indices(stays.packages, tuple(rater.packages), "package")
        self.names = [tariff.categories[index] for index in category]
        self.meters = []
        for meter in rater.meters:
            included = [tariff.packages[index].included_s.get(meter.code, 0) for index in package]
            keep_days = bool(tariff.caps.day) and not meter.on_top
            pieces = Pieces(meter.timeline, low, high)
            self.meters.append(
                MeterColumns(meter, pieces, self.names, stays.zones, [*included, 0], self.scale, keep_days=keep_days)
            )
        self.packages = []
        for index in package:
            bands, timeline = tariff.packages[index].bands, rater.packages[tariff.packages[index].code][1]
            prices = [[*(band.prices[name] for band in bands), 0] for name in self.names]
            self.packages.append((Pieces(timeline, low, high), np.array(prices, dtype=np.int64) * self.scale))
        self.total_caps = self._limits(tariff.caps.stay, UNLIMITED, self.scale)
        self.day_caps = self._limits(tariff.caps.day, UNLIMITED, self.scale)
        self.minima = self._limits(tariff.minimum, 0, self.scale)
        self.fees = self._limits(tariff.late.fee if tariff.late else {}, 0, 1)
        self.deadlines = _deadlines(rater, low, high) if tariff.late else None

    def part(self, stays: Stays) -> Repriced:
        """Return what some of the stays cost."""
        holds = stays.entry_s <= stays.stopped_s
        holds &= (stays.stopped_s <= stays.ended_s) & (stays.ended_s - stays.stopped_s <= self.tariff.stop_hold_s)
        stopping = bool(holds.any())
        clocks_end = np.where(holds, stays.stopped_s, stays.ended_s) if stopping else None
        owner = np.repeat(np.arange(len(stays.category)), np.diff(stays.first_visit))
        end_s = np.minimum(stays.end_s, clocks_end[owner]) if clocks_end is not None else stays.end_s
        charges = self._package(stays)
        on_top = np.zeros(len(stays.category), dtype=np.int64)
        for meter in self.meters:
            found = meter.charges(stays, owner, end_s)
            if meter.on_top:
                on_top += found.sums(len(on_top))
            else:
                charges = charges.with_others(found)
        return self._bill(stays, charges, on_top)

    def _package(self, stays: Stays) -> Charges:
        amount = np.zeros(len(stays.category), dtype=np.int64)
        day = amount.copy() if self.tariff.caps.day else None
        for index, (pieces, prices) in enumerate(self.packages):
            those = np.flatnonzero(stays.package == index)
            place = pieces.places(stays.entry_s[those])
            amount[those] = prices[stays.category[those], pieces.bands[place]]
            if day is not None:
                day[those] = pieces.days[place]
        if day is None:
            return Charges(amount, None, None)
        those = np.flatnonzero(stays.package != NONE)
        return Charges(amount[those], those, day[those])

    def _bill(self, stays: Stays, charges: Charges, on_top: Integers) -> Repriced:
        """Return the bills from exact charges, by the passes of `Rater` in their order."""
        category, prepaid = stays.category, stays.prepaid_minor
        if charges.day is not None:
            charges = capped_days(merged(charges), self.day_caps[category])
        total = charges.sums(len(category))
        least = self.minima[category]
        total = np.where((total > 0) & (total < least), least, total)
        np.minimum(total, self.total_caps[category], out=total)
        charged = rounded_columns(total, self.scale, self.tariff.rounding)
        topped = rounded_columns(on_top, self.scale, self.tariff.rounding)
        fees = self._fees(stays)
        unused = np.maximum(prepaid - charged, 0)
        none = np.zeros_like(unused)
        returned, kept = (unused, none) if self.tariff.return_unused else (none, unused)
        due = np.maximum(charged - prepaid, 0) + topped + fees
        return Repriced(charged, topped, fees, charged + topped + fees, due, returned, kept)

    def _fees(self, stays: Stays) -> Integers:
        if self.deadlines is None:
            return np.zeros(len(stays.category), dtype=np.int64)
        deadline = self.deadlines[np.searchsorted(self.deadlines, stays.entry_s)]
        return np.where(stays.ended_s > deadline, self.fees[stays.category], 0)

    def _limits(self, limits: Mapping[str, int], absent: int, scale: int) -> Integers:
        return np.array([limits[name] * scale if name in limits else absent for name in self.names], dtype=np.int64)


def _indices(names: tuple[str, ...], known: tuple[str, ...], what: str) -> list[int]:
    missing = [name for name in names if name not in known]
    if missing:
        raise BadStay(f"the tariff has no {what} {', '.join(map(repr, missing))}")
    return [known.index(name) for name in names]


def _deadlines(rater: Rater, low: int, high: int) -> NDArray[np.int64]:
    """Return the deadline of each day of a span, and one after it."""
    day = moment(low).astimezone(zone(rater.tariff.time_zone)).date()
    found: list[int] = []
    while not found or found[-1] < high:
        found.append(rater.deadline_of(day))
        day += timedelta(days=1)
    return np.array(found, dtype=np.int64)
