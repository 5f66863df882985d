"""What a tariff must be before it can be published. What is refused here could break a promise of the engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from karnet.kernel.time import UnknownZone, zone
from karnet.tariffs.metering import denominator
from karnet.tariffs.model import DAY_MINUTES, Band, Caps, Clock, DateRange, Package, Tariff

MAX_PRICE_MINOR = 10_000_000
MAX_DURATION_S = 31 * 86_400
MAX_DENOMINATOR = 86_400
MAX_ITEMS = 100
MAX_RANGES = 1_000
MAX_RANGE_DAYS = 400

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CURRENCY = re.compile(r"[A-Z]{3}")

Problem = tuple[str, str]
"""Where (path of a field, "clocks[0].bands[1].prices.adult"), and what is wrong there."""


def problems(tariff: Tariff) -> dict[str, str]:
    """Return what keeps a tariff from being published: path of the field → what is wrong, in English. Empty: nothing."""
    found = dict(_frame(tariff))
    if not found:
        for index, clock in enumerate(tariff.clocks):
            found |= _clock(f"clocks[{index}]", clock, tariff)
        for index, package in enumerate(tariff.packages):
            found |= _package(f"packages[{index}]", package, tariff)
        found |= _totals(tariff)
    if not found and denominator(tariff) > MAX_DENOMINATOR:
        found["clocks"] = "the prices of a unit have no small common denominator; use simpler units or price_s"
    return found


def _frame(tariff: Tariff) -> Iterator[Problem]:
    """Yield what is wrong with what everything else refers to."""
    yield from _codes("code", [tariff.code])
    if not _CURRENCY.fullmatch(tariff.currency):
        yield "currency", f"{tariff.currency!r} is no currency code such as PLN"
    try:
        zone(tariff.time_zone)
    except UnknownZone as error:
        yield "time_zone", str(error)
    if not tariff.categories:
        yield "categories", "there is none"
    if not tariff.clocks and not tariff.packages:
        yield "clocks", "neither clocks nor packages: nothing would ever be charged"
    lists: Mapping[str, Sequence[str]] = {
        "categories": tariff.categories,
        "zones": tariff.zones,
        "clocks": [clock.code for clock in tariff.clocks],
        "packages": [package.code for package in tariff.packages],
        "calendars": list(tariff.calendars),
    }
    for path, codes in lists.items():
        yield from _codes(path, codes)
    for name, ranges in tariff.calendars.items():
        yield from _ranges(f"calendars.{name}", ranges)
    if tariff.rounding.step_minor not in range(1, MAX_PRICE_MINOR + 1):
        yield "rounding.step_minor", f"must be between 1 and {MAX_PRICE_MINOR}"


def _codes(path: str, codes: Sequence[str]) -> Iterator[Problem]:
    for code in codes:
        if not _CODE.fullmatch(code):
            yield path, f"{code!r} is no code: letters, digits, dot, dash, underscore, at most 64"
    if len(set(codes)) < len(codes):
        yield path, "the same code twice"
    if len(codes) > MAX_ITEMS:
        yield path, f"more than {MAX_ITEMS}"


def _ranges(path: str, ranges: Sequence[DateRange]) -> Iterator[Problem]:
    if len(ranges) > MAX_RANGES:
        yield path, f"more than {MAX_RANGES} ranges of days"
    for index, days in enumerate(ranges):
        if days.first > days.last:
            yield f"{path}[{index}]", "ends before it begins"
        elif (days.last - days.first).days >= MAX_RANGE_DAYS:
            yield f"{path}[{index}]", f"longer than {MAX_RANGE_DAYS} days; give each year's days"


def _clock(path: str, clock: Clock, tariff: Tariff) -> Iterator[Problem]:
    if clock.unit_s not in range(1, 86_401):
        yield f"{path}.unit_s", "a unit is between a second and a day"
    if clock.price_s not in range(86_401):
        yield f"{path}.price_s", "prices refer to at most a day"
    yield from _duration(f"{path}.grace_s", clock.grace_s)
    for zone_name in clock.zones:
        if zone_name not in tariff.zones:
            yield f"{path}.zones", f"{zone_name!r} is not one of the tariff's zones"
    for index, pause in enumerate(clock.pauses):
        if pause.zone not in (clock.zones or tariff.zones):
            yield f"{path}.pauses[{index}].zone", f"the clock does not run in {pause.zone!r} anyway"
        if pause.at_most_s is not None:
            yield from _duration(f"{path}.pauses[{index}].at_most_s", pause.at_most_s)
    if len({pause.zone for pause in clock.pauses}) < len(clock.pauses):
        yield f"{path}.pauses", "two pauses for one zone"
    yield from _bands(f"{path}.bands", clock.bands, tariff)
    yield from _caps(f"{path}.caps", clock.caps, tariff)
    if clock.caps.day and clock.rate_of == "exit":
        yield f"{path}.caps.day", "a clock charged at the exit's rate has no charges of single days to cap"


def _package(path: str, package: Package, tariff: Tariff) -> Iterator[Problem]:
    yield from _bands(f"{path}.bands", package.bands, tariff)
    for clock, included_s in package.included_s.items():
        if clock not in {known.code for known in tariff.clocks}:
            yield f"{path}.included_s.{clock}", "the tariff has no such clock"
        yield from _duration(f"{path}.included_s.{clock}", included_s)


def _bands(path: str, bands: Sequence[Band], tariff: Tariff) -> Iterator[Problem]:
    if not bands:
        yield path, "there is none"
    yield from _codes(path, [band.code for band in bands])
    for index, band in enumerate(bands):
        here = f"{path}[{index}]"
        if not band.weekdays or not set(band.weekdays) <= set(range(7)) or len(set(band.weekdays)) < len(band.weekdays):
            yield f"{here}.weekdays", "weekdays are 0 (Monday) to 6, at least one, each once"
        if band.start_minute not in range(DAY_MINUTES):
            yield f"{here}.start_minute", "a band starts at a minute of the day: 0 to 1439"
        elif not band.start_minute < band.end_minute <= band.start_minute + DAY_MINUTES:
            yield f"{here}.end_minute", "a band ends after it starts, at most a day later"
        for field, names in (("on", band.on), ("not_on", band.not_on)):
            for name in names:
                if name not in tariff.calendars:
                    yield f"{here}.{field}", f"the tariff has no calendar {name!r}"
        if missing := [category for category in tariff.categories if category not in band.prices]:
            yield f"{here}.prices", f"no price for {', '.join(missing)}"
        yield from _amounts(f"{here}.prices", band.prices, tariff.categories)


def _caps(path: str, caps: Caps, tariff: Tariff) -> Iterator[Problem]:
    yield from _limit(f"{path}.stay", caps.stay, tariff)
    yield from _limit(f"{path}.day", caps.day, tariff)


def _totals(tariff: Tariff) -> Iterator[Problem]:
    yield from _caps("caps", tariff.caps, tariff)
    if tariff.caps.day:
        for index, clock in enumerate(tariff.clocks):
            if clock.rate_of == "exit" and not clock.on_top:
                yield (
                    "caps.day",
                    f"clocks[{index}] is charged at the exit's rate: it has no charges of single days to cap",
                )
    yield from _limit("minimum", tariff.minimum, tariff)
    if tariff.day_start_minute not in range(DAY_MINUTES):
        yield "day_start_minute", "a day starts at a minute of the day: 0 to 1439"
    yield from _duration("stop_hold_s", tariff.stop_hold_s)
    if tariff.late is not None:
        if tariff.late.after_minute not in range(DAY_MINUTES):
            yield "late.after_minute", "a minute of the day: 0 to 1439"
        yield from _amounts("late.fee", tariff.late.fee, tariff.categories)


def _limit(path: str, amounts: Mapping[str, int], tariff: Tariff) -> Iterator[Problem]:
    yield from _amounts(path, amounts, tariff.categories)
    step = tariff.rounding.step_minor
    for category, amount in amounts.items():
        if amount % step:
            yield f"{path}.{category}", f"must be a multiple of {step}, to which totals are rounded"


def _amounts(path: str, amounts: Mapping[str, int], categories: Collection[str]) -> Iterator[Problem]:
    for category, amount in amounts.items():
        if category not in categories:
            yield f"{path}.{category}", "the tariff has no such category"
        if amount not in range(MAX_PRICE_MINOR + 1):
            yield f"{path}.{category}", f"an amount is between 0 and {MAX_PRICE_MINOR} minor units"


def _duration(path: str, seconds: int) -> Iterator[Problem]:
    if seconds not in range(MAX_DURATION_S + 1):
        yield path, "a duration is between 0 seconds and 31 days"
