"""One clock over columns of stays: what `metering` and `charging` do for one stay, for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from karnet.tariffs.columns import Integers, Stays
from karnet.tariffs.metering import NEVER, Meter
from karnet.tariffs.timeline import Timeline

UNLIMITED = 2**62
"""In place of a cap: none. No exact charge is as large (`MeterColumns.charges` sees to it)."""


class Pieces:
    """A timeline over [low, high] as columns: piece i begins at `starts[i]`; `bands` and `days` are those in force."""

    def __init__(self, timeline: Timeline, low: int, high: int) -> None:
        found = list(timeline.pieces(low, high + 1))
        self.starts = np.array([start for start, _, _ in found] + [2**61], dtype=np.int64)
        self.bands = np.array([band for _, band, _ in found], dtype=np.int64)
        self.days = np.array([day for _, _, day in found], dtype=np.int64)

    def places(self, at: Integers) -> Integers:
        """Return which piece each instant lies in."""
        return np.searchsorted(self.starts, at, side="right") - 1


class Charges(NamedTuple):
    """Exact charges. Without `stay` one for each stay, in order; else any number for stay `stay[i]`, on `day[i]`."""

    amount: Integers
    stay: Integers | None
    day: Integers | None

    def sums(self, count: int) -> Integers:
        """Return the sum for each of `count` stays."""
        return self.amount if self.stay is None else by_stay(self.amount, self.stay, count)

    def with_others(self, others: Charges) -> Charges:
        """Return both together: added where neither tells days, else one after the other."""
        if self.stay is None or others.stay is None or self.day is None or others.day is None:
            assert self.stay is None
            assert others.stay is None
            return Charges(self.amount + others.amount, None, None)
        return Charges(
            np.concatenate([self.amount, others.amount]),
            np.concatenate([self.stay, others.stay]),
            np.concatenate([self.day, others.day]),
        )


def by_stay(amount: Integers, stay: Integers, count: int) -> Integers:
    """Return for each of `count` stays the sum of its amounts; `stay` need not be in order."""
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, stay, amount)
    return sums


def merged(charges: Charges) -> Charges:
    """Return charges with one amount for each stay and day, in order of stays and days."""
    assert charges.stay is not None
    assert charges.day is not None
    if not len(charges.amount):
        return charges
    order = np.lexsort((charges.day, charges.stay))
    stay, day, amount = charges.stay[order], charges.day[order], charges.amount[order]
    begins = np.flatnonzero(np.concatenate([[True], (stay[1:] != stay[:-1]) | (day[1:] != day[:-1])]))
    return Charges(np.add.reduceat(amount, begins), stay[begins], day[begins])


def capped_days(charges: Charges, cap: Integers) -> Charges:
    """Return merged charges with each day brought down to `cap` (one for each stay)."""
    assert charges.stay is not None
    return charges._replace(amount=np.minimum(charges.amount, cap[charges.stay]))


def capped_stays(charges: Charges, cap: Integers) -> Charges:
    """Return charges with each stay's sum brought down to `cap`, the last days first (as `limits.cap_stay`)."""
    if charges.stay is None:
        return charges._replace(amount=np.minimum(charges.amount, cap))
    if not len(charges.amount):
        return charges
    upto = np.cumsum(charges.amount)
    before = upto - charges.amount
    begins = np.flatnonzero(np.concatenate([[True], charges.stay[1:] != charges.stay[:-1]]))
    base = np.repeat(before[begins], np.diff(np.append(begins, len(before))))
    limit = cap[charges.stay]
    return charges._replace(amount=np.minimum(upto - base, limit) - np.minimum(before - base, limit))


class _Runs(NamedTuple):
    """When a clock ran: columns as of `metering.Run`, `stay` whose; those of stay i are `first[i]` to `first[i + 1]`."""

    stay: Integers
    start_s: Integers
    length_s: Integers
    before_s: Integers
    first: Integers
    total_s: Integers


class MeterColumns:
    """A clock made ready for the columns of a period; names of categories and zones are those of the stays, and so
    are the packages of which `included_s` tells what each includes of it (the last entry is for none). With `keep_days`
    charges tell days, for a cap of a day on the sum."""

    def __init__(
        self,
        meter: Meter,
        pieces: Pieces,
        categories: Sequence[str],
        zones: Sequence[str],
        included_s: Sequence[int],
        scale: int,
        *,
        keep_days: bool,
    ) -> None:
        self.clock, self.on_top, self.unit_s, self.keep_days = meter.clock, meter.on_top, meter.unit_s, keep_days
        self.daily = keep_days or bool(meter.clock.caps.day)
        self.pieces = pieces
        self.prices = np.array([meter.charges[name] for name in categories], dtype=np.int64)
        self.runs_after_s = np.array([*(meter.runs_after_s(name) for name in zones), NEVER], dtype=np.int64)
        self.everywhere = bool((self.runs_after_s[:-1] == 0).all())
        self.waits = [index for index, after in enumerate(self.runs_after_s) if after > 0]
        self.included_s = np.array(included_s, dtype=np.int64)
        caps = meter.clock.caps
        self.day_caps = _caps(caps.day, categories, scale)
        self.stay_caps = _caps(caps.stay, categories, scale)

    def charges(self, stays: Stays, owner: Integers, end_s: Integers) -> Charges:
        """Return what the clock charges, after its caps. `owner` is the stay of each visit, `end_s` when it really ended."""
        count = len(stays.category)
        runs = self._runs(stays, owner, end_s, count)
        self._check_size(runs)
        included = self.included_s[stays.package] if len(self.included_s) > 1 else np.zeros(count, dtype=np.int64)
        if self.clock.rate_of == "exit":
            found = Charges(self._at_exit(stays, runs, included), None, None)
        else:
            found = self._by_unit(stays, runs, included)
        if self.clock.caps.day:
            found = capped_days(found, self.day_caps[stays.category])
        if self.clock.caps.stay:
            found = capped_stays(found, self.stay_caps[stays.category])
        if self.keep_days or found.stay is None:
            return found
        return Charges(found.sums(count), None, None)

    def _runs(self, stays: Stays, owner: Integers, end_s: Integers, count: int) -> _Runs:
        start_s = stays.start_s
        if self.waits:
            start_s = self._after_waiting(stays, end_s)
        length = end_s - start_s
        running = length > 0
        if not self.everywhere:
            running &= self.runs_after_s[stays.zone] != NEVER
        if running.all():
            stay, first = owner, stays.first_visit
        else:
            kept = np.flatnonzero(running)
            stay, start_s, length = owner[kept], start_s[kept], length[kept]
            first = np.concatenate([[0], np.cumsum(np.bincount(stay, minlength=count))])
        upto = np.concatenate([[0], np.cumsum(length)])
        base = upto[first[:-1]]
        return _Runs(stay, start_s, length, upto[:-1] - base[stay], first, upto[first[1:]] - base)

    def _after_waiting(self, stays: Stays, end_s: Integers) -> Integers:
        """Return visits' starts, later by what is still to be waited in zones where the clock runs only after a time."""
        start_s = stays.start_s.copy()
        for zone in self.waits:
            there = stays.zone == zone
            spent = np.where(there, np.maximum(end_s - stays.start_s, 0), 0)
            upto = np.concatenate([[0], np.cumsum(spent)])
            before = upto[:-1] - np.repeat(upto[stays.first_visit[:-1]], np.diff(stays.first_visit))
            start_s += np.where(there, np.maximum(self.runs_after_s[zone] - before, 0), 0)
        return start_s

    def _check_size(self, runs: _Runs) -> None:
        longest = int(runs.total_s.max(initial=0))
        if int(self.prices.max(initial=0)) * (longest // self.unit_s + 1) >= UNLIMITED // 256:
            raise OverflowError("a stay is too long and dear to be re-priced in columns")

    def _units(self, ran_s: Integers, included_s: Integers) -> tuple[Integers, Integers]:
        """Return how many units are charged, and how much is free before the first (`Meter.units`, `Meter.free_s`)."""
        free = included_s + self.clock.grace_s
        if self.clock.grace == "forgiven" and self.clock.grace_s:
            free = np.where(ran_s <= free, free, included_s)
        metered = np.maximum(ran_s - free, 0)
        if self.clock.counted == "started":
            metered += self.unit_s - 1
        return metered // self.unit_s, free

    def _by_unit(self, stays: Stays, runs: _Runs, included_s: Integers) -> Charges:
        """Charge each unit at the rate in force when it started, or when the clock first ran."""
        count, unit, pieces = len(stays.category), self.unit_s, self.pieces
        units, free = self._units(runs.total_s, included_s)
        begin = runs.before_s - free[runs.stay]
        number = np.maximum(begin + (unit - 1), 0) // unit
        left = np.minimum((begin + runs.length_s + (unit - 1)) // unit, units[runs.stay]) - number
        active = np.flatnonzero(left > 0)
        left, stay = left[active], runs.stay[active]
        at = runs.start_s[active] + number[active] * unit - begin[active]
        entry_band = self._entry_bands(runs, count)[stay] if self.clock.rate_of == "entry" else None
        category = stays.category[stay]
        whose, days, amounts = [], [], []
        while len(left):
            place = pieces.places(at)
            now = np.minimum(left, (pieces.starts[place + 1] - at + (unit - 1)) // unit)
            band = pieces.bands[place] if entry_band is None else entry_band
            whose.append(stay)
            amounts.append(now * self.prices[category, band])
            if self.daily:
                days.append(pieces.days[place])
            left = left - now
            more = np.flatnonzero(left)
            if not len(more):
                break
            at = (at + now * unit)[more]
            left, stay, category = left[more], stay[more], category[more]
            entry_band = None if entry_band is None else entry_band[more]
        if not whose:
            empty = np.zeros(0, dtype=np.int64)
            return Charges(empty, empty, empty) if self.daily else Charges(np.zeros(count, dtype=np.int64), None, None)
        if self.daily:
            return merged(Charges(np.concatenate(amounts), np.concatenate(whose), np.concatenate(days)))
        sums = np.zeros(count, dtype=np.int64)
        for who, amount in zip(whose, amounts, strict=True):
            np.add.at(sums, who, amount)
        return Charges(sums, None, None)

    def _entry_bands(self, runs: _Runs, count: int) -> Integers:
        """Return the band in force when the clock first ran (any where it never did)."""
        found = np.zeros(count, dtype=np.int64)
        ran = np.flatnonzero(np.diff(runs.first))
        found[ran] = self.pieces.bands[self.pieces.places(runs.start_s[runs.first[ran]])]
        return found

    def _at_exit(self, stays: Stays, runs: _Runs, included_s: Integers) -> Integers:
        """Charge at the rate in force when the clock last ran, or what leaving at an earlier second would have cost."""
        best = np.zeros(len(stays.category), dtype=np.int64)
        stay, at, end_s = runs.stay, runs.start_s, runs.start_s + runs.length_s
        before, begin = runs.before_s, runs.start_s
        while len(stay):
            place = self.pieces.places(at)
            following = self.pieces.starts[place + 1]
            last = np.minimum(following - 1, end_s)
            units, _ = self._units(before + last - begin, included_s[stay])
            np.maximum.at(best, stay, units * self.prices[stays.category[stay], self.pieces.bands[place]])
            more = np.flatnonzero(following <= end_s)
            stay, at, end_s, before, begin = stay[more], following[more], end_s[more], before[more], begin[more]
        return best


def _caps(caps: dict[str, int], categories: Sequence[str], scale: int) -> Integers:
    return np.array([caps[name] * scale if name in caps else UNLIMITED for name in categories], dtype=np.int64)
