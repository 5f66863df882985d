"""Random tariffs and stays, from a seed: every feature of a tariff turns up, near the changes of the clocks more often than not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

from karnet.kernel.time import local_instant
from karnet.tariffs.model import (
    EVERY_DAY,
    Band,
    Caps,
    Clock,
    DateRange,
    Late,
    Package,
    Pause,
    Rounding,
    Tariff,
)
from karnet.tariffs.stays import Halt, Move, Stay

CATEGORIES = ("adult", "child")
ZONES = ("pool", "sauna", "gym")
# Instants (UTC) around which clocks change: Warsaw, New York, Lord Howe (half an hour), Havana (at midnight), and two
# zones that never change.
CHANGES = {
    "Europe/Warsaw": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),
    "Asia/Kathmandu": ("2026-06-01T12:00", "2026-12-31T18:00"),
    "UTC": ("2026-02-28T23:00", "2027-01-01T00:00"),
}


class Case:
    """Case number `seed`: `tariff`, and as many stays under it as are asked for."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"karnet tariffs {seed}")  # the same in every process, unlike hash()
        self.fine = self.random.random() < 0.2
        """Whether seconds matter in this case (its stays are short then, so that a tick may be a second)."""
        self.zone = self.random.choice(list(CHANGES))
        self.around = datetime.fromisoformat(self.random.choice(CHANGES[self.zone])).replace(tzinfo=UTC)
        if self.random.random() < 0.3:
            self.around += timedelta(hours=self.random.randrange(24 * 300))
        self.tariff = self._tariff()

    # -- tariffs -----------------------------------------------------------------------------------------------------

    def _tariff(self) -> Tariff:
        step = self.random.choice((1, 1, 1, 5, 10, 50, 100))
        clocks = tuple(self._clock(f"c{n}", step) for n in range(self.random.choice((1, 1, 2, 2, 3))))
        exit_below = any(clock.rate_of == "exit" and not clock.on_top for clock in clocks)
        return Tariff(
            code="random",
            currency="PLN",
            time_zone=self.zone,
            categories=CATEGORIES,
            zones=ZONES,
            clocks=clocks,
            packages=tuple(self._package(f"p{n}", clocks) for n in range(self.random.choice((0, 1, 2)))),
            calendars={"holidays": self._days(4, 1), "season": self._days(2, 5)},
            minimum=self._limit(step, 3000, often=0.2),
            caps=Caps(
                stay=self._limit(step, 9000, often=0.2), day={} if exit_below else self._limit(step, 6000, often=0.2)
            ),
            day_start_minute=self.random.choice((0, 0, 0, 240, 90, 1320)),
            rounding=Rounding(step_minor=step, mode=self._mode()),
            late=self._late(),
            stop_hold_s=self._time(0, 20) if self.random.random() < 0.5 else 0,
            return_unused=self.random.random() < 0.3,
        )

    def _clock(self, code: str, step: int) -> Clock:
        random = self.random
        rate_of: Literal["unit", "entry", "exit"] = random.choice(("unit", "unit", "unit", "entry", "exit"))
        zones = tuple(zone for zone in ZONES if random.random() < 0.6) if random.random() < 0.5 else ()
        pauses = tuple(
            Pause(zone=zone, at_most_s=random.choice((None, self._time(0, 30))))
            for zone in zones or ZONES
            if random.random() < 0.15
        )
        return Clock(
            code=code,
            bands=self._bands(600),
            unit_s=random.choice((1, 7, 30, 45, 60, 60, 90, 300))
            if self.fine
            else 60 * random.choice((1, 1, 1, 5, 6, 10, 15, 60)),
            zones=zones,
            pauses=pauses,
            counted=random.choice(("full", "started")),
            price_s=random.choice((0, 0, 0, 60, 3600, 2700)),
            rate_of=rate_of,
            grace_s=self._time(0, 15) if random.random() < 0.4 else 0,
            grace=random.choice(("subtracted", "forgiven")),
            caps=Caps(
                stay=self._limit(step, 6000, often=0.2),
                day={} if rate_of == "exit" else self._limit(step, 4000, often=0.2),
            ),
            on_top=random.random() < 0.3,
        )

    def _package(self, code: str, clocks: tuple[Clock, ...]) -> Package:
        included = {clock.code: self._time(0, 90) for clock in clocks if self.random.random() < 0.7}
        return Package(code=code, bands=self._bands(6000), included_s=included)

    def _bands(self, dearest: int) -> tuple[Band, ...]:
        bands = []
        for n in range(self.random.choice((1, 2, 3, 4, 5))):
            start = self._minute()
            end = min(start + self.random.choice((17, 60, 240, 600, 1440)), start + 1440)
            if self.random.random() < 0.3:
                start, end = 0, 1440
            bands.append(
                Band(
                    code=f"b{n}",
                    prices={
                        category: 0 if self.random.random() < 0.1 else self._price(dearest) for category in CATEGORIES
                    },
                    weekdays=EVERY_DAY
                    if self.random.random() < 0.6
                    else tuple(day for day in EVERY_DAY if self.random.random() < 0.5) or (6,),
                    start_minute=start,
                    end_minute=end,
                    on=self.random.choice(((), (), (), ("holidays",), ("season",), ("holidays", "season"))),
                    not_on=self.random.choice(((), (), (), ("holidays",))),
                )
            )
        if self.random.random() < 0.8:
            bands.append(Band(code="rest", prices={category: self._price(dearest) for category in CATEGORIES}))
        return tuple(bands)

    def _minute(self) -> int:
        """A minute at which a band starts, often near the hours that are skipped or happen twice."""
        if self.random.random() < 0.5:
            return self.random.choice((0, 30, 59, 60, 90, 119, 120, 121, 150, 179, 180, 1380, 1410, 1439))
        return self.random.randrange(1440)

    def _price(self, dearest: int) -> int:
        return self.random.choice((self.random.randrange(dearest), self.random.randrange(dearest // 10)))

    def _limit(self, step: int, most: int, *, often: float) -> dict[str, int]:
        return {
            category: self.random.randrange(most // step + 1) * step
            for category in CATEGORIES
            if self.random.random() < often
        }

    def _late(self) -> Late | None:
        if self.random.random() < 0.8:
            return None
        return Late(after_minute=self._minute(), fee={"adult": 2000})

    def _mode(self) -> Literal["nearest", "up", "down"]:
        return self.random.choice(("nearest", "nearest", "up", "down"))

    def _days(self, count: int, longest: int) -> tuple[DateRange, ...]:
        ranges = []
        for _ in range(self.random.randrange(count + 1)):
            first: date = self.around.date() + timedelta(days=self.random.randrange(-3, 4))
            ranges.append(DateRange(first=first, last=first + timedelta(days=self.random.randrange(longest))))
        return tuple(ranges)

    def _time(self, low: int, high: int) -> int:
        """Seconds between minutes `low` and `high`."""
        if self.fine:
            return self.random.randint(low * 60, high * 60) // 6
        return self.random.randint(low, high) * 60

    # -- stays -------------------------------------------------------------------------------------------------------

    def stay(self) -> Stay:
        """Return a stay near the clocks' change: some moves, now and then a time stop, a halt, a night over."""
        random = self.random
        entry = self.around + timedelta(minutes=random.randint(-60, 30) if self.fine else random.randint(-600, 300))
        if self.fine:
            entry += timedelta(seconds=random.randrange(60), milliseconds=random.choice((0, 0, 999)))
        length = 1500 if self.fine else 60 * random.choice((30, 120, 300, 300, 1500))
        ended = self._at_a_border(entry, entry + self._span(length))
        moves = [Move(at=entry, zone=self._zone())]
        for at in sorted(entry + self._span(length + 60) for _ in range(random.choice((0, 0, 1, 2, 3, 5)))):
            moves.append(Move(at=at, zone=self._zone()))
        more: dict[str, Any] = {}
        if self.tariff.packages and random.random() < 0.6:
            more["package"] = random.choice(self.tariff.packages).code
        if random.random() < 0.3:
            more["stopped"] = ended - self._span(1800)
        if random.random() < 0.1:
            since = entry + self._span(length)
            more["halts"] = (Halt(since=since, until=random.choice((None, since + self._span(3600)))),)
        prepaid = random.choice((0, random.randrange(6000), 2000))
        return Stay(category=random.choice(CATEGORIES), moves=tuple(moves), ended=ended, prepaid_minor=prepaid, **more)

    def _at_a_border(self, entry: datetime, ended: datetime) -> datetime:
        """Move some ends to where a band begins."""
        if self.random.random() > 0.2:
            return ended
        minute = self.random.choice(self.random.choice(self.tariff.clocks).bands).start_minute
        day = ended.astimezone(ZoneInfo(self.zone)).date()
        border = local_instant(day, time(minute // 60, minute % 60), self.zone)
        return border if entry < border < entry + timedelta(minutes=30 if self.fine else 1800) else ended

    def _span(self, longest_s: int) -> timedelta:
        if self.fine:
            return timedelta(seconds=self.random.randint(0, longest_s))
        return timedelta(minutes=self.random.randint(0, longest_s // 60))

    def _zone(self) -> str:
        return self.random.choice((*ZONES, *ZONES, "pool", "pool", "hall", ""))
