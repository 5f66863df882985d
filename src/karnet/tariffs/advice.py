"""What a tariff editor points out: allowed, but perhaps not meant. Codes and facts; words come from whoever shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from karnet.tariffs.model import DAY_MINUTES, Band, Clock, Tariff
from karnet.tariffs.timeline import GAP

Fact = str | int


class AdviceCode(StrEnum):
    """What may not be meant. Add, never rename or reuse."""

    UNEVEN_RATE = "uneven_rate"  # a unit costs no whole number of minor units (SPEC S4)
    GAP = "gap"  # a time without a band: free of charge
    OVERLAP = "overlap"  # a band that another one above cuts short
    UNREACHABLE_BAND = "unreachable_band"  # a band that is never in force
    CAP_BELOW_MINIMUM = "cap_below_minimum"  # the cap wins, the minimum is never reached
    CAP_BELOW_PACKAGE = "cap_below_package"  # the cap wins, the package never costs its price
    FREE_ZONE = "free_zone"  # no clock runs there


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One point: the path of the field ("clocks[0].bands[1]") and the facts that fill the sentence.

    A time is told as `weekday` (0 = Monday), `calendars` (those the day is in, with commas) and minutes since midnight.
    """

    code: AdviceCode
    path: str
    facts: dict[str, Fact]


class _Day(msgspec.Struct, frozen=True):
    """A kind of day: its weekday, the calendars it is in, and those the day before is in."""

    weekday: int
    calendars: frozenset[str]
    before: frozenset[str]


def advice(tariff: Tariff) -> list[Advice]:
    """Return what is worth a look in a tariff without problems, in the order of its fields."""
    days = _kinds_of_days(tariff)
    found: list[Advice] = []
    for index, clock in enumerate(tariff.clocks):
        found += _uneven(f"clocks[{index}]", clock)
        found += _bands(f"clocks[{index}].bands", clock.bands, days)
    for index, package in enumerate(tariff.packages):
        found += _bands(f"packages[{index}].bands", package.bands, days)
    return [*found, *_limits(tariff), *_free_zones(tariff)]


def _uneven(path: str, clock: Clock) -> Iterator[Advice]:
    price_s = clock.price_s or clock.unit_s
    for index, band in enumerate(clock.bands):
        for category, price in band.prices.items():
            if price * clock.unit_s % price_s:
                yield Advice(
                    code=AdviceCode.UNEVEN_RATE,
                    path=f"{path}.bands[{index}].prices.{category}",
                    facts={"price_minor": price, "price_s": price_s, "unit_s": clock.unit_s},
                )


def _bands(path: str, bands: Sequence[Band], days: Sequence[_Day]) -> Iterator[Advice]:
    """Yield gaps, overlaps and bands that are never in force."""
    in_force: set[int] = set()
    for day in days:
        stretches = _stretches(bands, day)
        in_force |= {index for _, _, index in stretches}
        for start, end, index in stretches:
            if index == GAP:
                yield Advice(
                    code=AdviceCode.GAP,
                    path=path,
                    facts={
                        "weekday": day.weekday,
                        "calendars": ",".join(sorted(day.calendars)),
                        "start_minute": start,
                        "end_minute": end,
                    },
                )
    for index, band in enumerate(bands):
        if index not in in_force:
            yield Advice(code=AdviceCode.UNREACHABLE_BAND, path=f"{path}[{index}]", facts={"band": band.code})
            continue
        for above in bands[:index]:
            if _cuts_short(above, band):
                facts: dict[str, Fact] = {"band": band.code, "above": above.code}
                yield Advice(code=AdviceCode.OVERLAP, path=f"{path}[{index}]", facts=facts)


def _stretches(bands: Sequence[Band], day: _Day) -> list[tuple[int, int, int]]:
    """Return (start, end, band) for the minutes of a day; consecutive ones differ."""
    spans = [(band.start_minute, band.end_minute, index) for index, band in enumerate(bands) if _matches(band, day)]
    spans += [
        (band.start_minute - DAY_MINUTES, band.end_minute - DAY_MINUTES, index)
        for index, band in enumerate(bands)
        if _matches(band, _Day((day.weekday - 1) % 7, day.before, frozenset()))
    ]
    cuts = sorted({0, DAY_MINUTES, *(cut for span in spans for cut in span[:2] if 0 < cut < DAY_MINUTES)})
    found: list[tuple[int, int, int]] = []
    for start, end in pairwise(cuts):
        band = min((index for first, last, index in spans if first <= start < last), default=GAP)
        if found and found[-1][2] == band:
            start = found.pop()[0]
        found.append((start, end, band))
    return found


def _matches(band: Band, day: _Day) -> bool:
    return (
        day.weekday in band.weekdays
        and (not band.on or bool(day.calendars.intersection(band.on)))
        and not day.calendars.intersection(band.not_on)
    )


def _cuts_short(above: Band, band: Band) -> bool:
    """Tell whether two bands for the same days overlap in part; one inside the other is how exceptions are written."""
    if (set(above.weekdays), set(above.on), set(above.not_on)) != (set(band.weekdays), set(band.on), set(band.not_on)):
        return False
    first, second = (above.start_minute, above.end_minute), (band.start_minute, band.end_minute)
    apart = first[1] <= second[0] or second[1] <= first[0]
    nested = (first[0] <= second[0] and second[1] <= first[1]) or (second[0] <= first[0] and first[1] <= second[1])
    return not apart and not nested


def _kinds_of_days(tariff: Tariff) -> list[_Day]:
    """Return every kind of day there is: seven ordinary ones, and those in calendars or after one that is."""
    members: dict[date, set[str]] = {}
    for name, ranges in tariff.calendars.items():
        for days in ranges:
            for ahead in range((days.last - days.first).days + 1):
                members.setdefault(days.first + timedelta(days=ahead), set()).add(name)
    kinds = {_Day(weekday, frozenset(), frozenset()): None for weekday in range(7)}
    for member in sorted(members):
        for day in (member, member + timedelta(days=1)):
            before = frozenset(members.get(day - timedelta(days=1), ()))
            kinds[_Day(day.weekday(), frozenset(members.get(day, ())), before)] = None
    return list(kinds)


def _limits(tariff: Tariff) -> Iterator[Advice]:
    for category, cap in tariff.caps.stay.items():
        least = tariff.minimum.get(category, 0)
        if cap < least:
            facts: dict[str, Fact] = {"category": category, "cap_minor": cap, "minimum_minor": least}
            yield Advice(code=AdviceCode.CAP_BELOW_MINIMUM, path=f"caps.stay.{category}", facts=facts)
        for index, package in enumerate(tariff.packages):
            price = max((band.prices[category] for band in package.bands), default=0)
            if cap < price:
                facts = {"category": category, "cap_minor": cap, "price_minor": price, "package": package.code}
                yield Advice(code=AdviceCode.CAP_BELOW_PACKAGE, path=f"packages[{index}]", facts=facts)


def _free_zones(tariff: Tariff) -> Iterator[Advice]:
    for index, zone in enumerate(tariff.zones):
        if not any(_runs(clock, zone) for clock in tariff.clocks):
            yield Advice(code=AdviceCode.FREE_ZONE, path=f"zones[{index}]", facts={"zone": zone})


def _runs(clock: Clock, zone: str) -> bool:
    always_paused = any(pause.zone == zone and pause.at_most_s is None for pause in clock.pauses)
    return (not clock.zones or zone in clock.zones) and not always_paused
