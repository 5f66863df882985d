"""Metered stays: rating one by one, with every line, and re-pricing a period in columns. No database takes part.

A pool as they are: prices by day of week, hour and holiday, an hour included, ten minutes free, a sauna on top. A third of
the guests go to the sauna and come back; one in four has no package but prepaid money.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from karnet.tariffs.columns import NEVER_S, NONE, Stays
from karnet.tariffs.model import Band, Clock, DateRange, Package, Rounding, Tariff
from karnet.tariffs.rating import Rater
from karnet.tariffs.repricing import reprice
from karnet.tariffs.stays import Move, Stay, moment
from karnet.wiring.bench.measure import Figure, Yardstick, profiled, rate, rate_with_latency, timed
from karnet.wiring.bench.world import World

BILLS = 40_000
STAYS = 2_000_000
SAMPLE = 2_000
CORES = 2
ROUNDS = 5
_SEED = 20_260_101
_FIRST_DAY = date(2026, 1, 1)
_DAYS = 120


def bills(world: World, against: Yardstick, out: Path) -> Figure:
    """Bills of single stays, each with all its lines: what a till and an info point wait for."""
    rater = Rater(tariff(1))
    stays = _stays(BILLS)
    rater.rate(stays[0])
    took = [timed(lambda one=one: rater.rate(one)) for one in stays]  # type: ignore[misc]
    with profiled(out / "profile-bills.txt"):
        for one in stays[:5_000]:
            rater.rate(one)
    return rate_with_latency(took, against, "one stay, explained line by line", aim=">= 20,000/s")


def reprice_stays(world: World, against: Yardstick, out: Path) -> Figure:
    """Two million stays of four months through another tariff; some are compared with their bills."""
    stays, other = made(STAYS), tariff(2)
    sample = stays.part(0, SAMPLE)
    rater = Rater(other)
    by_hand = [rater.rate(stay(sample, index)).total_minor for index in range(SAMPLE)]
    if by_hand != reprice(other, sample).total_minor.tolist():
        raise RuntimeError("columns and bills differ")
    # It takes a second: the best of some rounds is that of the least disturbed.
    seconds = min(timed(lambda: reprice(other, stays, workers=CORES)) for _ in range(ROUNDS))
    with profiled(out / "profile-reprice.txt"):
        reprice(other, stays.part(0, STAYS // 10))
    return rate(STAYS, seconds, against, f"{STAYS} stays through another tariff, {CORES} threads", aim=">= 1,000,000/s")


def tariff(level: int) -> Tariff:
    """Return a pool's tariff, dearer by `level`."""
    hour = _bands(1700 + 100 * level, 2100, 2500, 2900 + 100 * level)
    return Tariff(
        code=f"pool-{level}",
        currency="PLN",
        time_zone="Europe/Warsaw",
        categories=("adult", "child"),
        zones=("pool", "sauna"),
        calendars={"holidays": (DateRange(first=date(2026, 1, 6), last=date(2026, 1, 6)),)},
        clocks=(
            Clock(code="pool", zones=("pool",), unit_s=60, price_s=3600, counted="started", grace_s=600, bands=hour),
            Clock(code="sauna", zones=("sauna",), unit_s=60, on_top=True, bands=_bands(30, 35, 40, 40 + 5 * level)),
        ),
        packages=(Package(code="1h", included_s={"pool": 3600}, bands=hour),),
        rounding=Rounding(step_minor=10),
    )


def _bands(morning: int, day: int, evening: int, weekend: int) -> tuple[Band, ...]:
    def band(code: str, price: int, start_minute: int = 0, end_minute: int = 1440, *, work: bool = True) -> Band:
        return Band(
            code=code,
            prices={"adult": price, "child": price * 2 // 3},
            weekdays=(0, 1, 2, 3, 4) if work else (0, 1, 2, 3, 4, 5, 6),
            not_on=("holidays",) if work else (),
            start_minute=start_minute,
            end_minute=end_minute,
        )

    return (
        band("morning", morning, 0, 480),
        band("day", day, 480, 960),
        band("evening", evening, 960),
        band("weekend", weekend, work=False),
    )


def made(count: int) -> Stays:
    """Return stays in order of days, the same for the same count."""
    chance = np.random.default_rng(_SEED)
    opening = int((_FIRST_DAY - date(1970, 1, 1)) / timedelta(seconds=1))
    day = np.sort(chance.integers(0, _DAYS, count))
    entry = opening + day * 86_400 + chance.integers(5 * 3600, 19 * 3600, count)
    visits = chance.choice([1, 1, 3], count)
    first = np.concatenate([[0], np.cumsum(visits)])
    lengths = chance.integers(1200, 5400, int(first[-1]))
    to_sauna = np.flatnonzero(visits == 3)
    zone = np.zeros(int(first[-1]), dtype=np.int64)
    zone[first[to_sauna] + 1] = 1
    lengths[first[to_sauna] + 1] //= 3
    upto = np.concatenate([[0], np.cumsum(lengths)])
    start = np.repeat(entry - upto[first[:-1]], visits) + upto[:-1]
    end = start + lengths
    return Stays(
        categories=("adult", "child"),
        packages=("1h",),
        zones=("pool", "sauna"),
        category=chance.integers(0, 2, count),
        package=np.where(chance.integers(0, 4, count) > 0, 0, NONE),
        prepaid_minor=np.full(count, 2500, dtype=np.int64),
        entry_s=entry,
        ended_s=end[first[1:] - 1],
        stopped_s=np.full(count, NEVER_S, dtype=np.int64),
        first_visit=first,
        zone=zone,
        start_s=start,
        end_s=end,
    )


def stay(stays: Stays, index: int) -> Stay:
    """Return one of such stays by itself."""
    those = range(int(stays.first_visit[index]), int(stays.first_visit[index + 1]))
    return Stay(
        category=stays.categories[stays.category[index]],
        moves=tuple(Move(at=moment(int(stays.start_s[one])), zone=stays.zones[stays.zone[one]]) for one in those),
        ended=moment(int(stays.ended_s[index])),
        package="" if stays.package[index] == NONE else stays.packages[stays.package[index]],
        prepaid_minor=int(stays.prepaid_minor[index]),
    )


def _stays(count: int) -> list[Stay]:
    stays = made(count)
    return [stay(stays, index) for index in range(count)]
