"""What a draft changes for usual stays: how long, when and who, at the price of now and of the draft."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.formats import date_format

from karnet.tariffs.model import Tariff
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import BadStay, Move, Stay

_LASTING = (30, 60, 90, 120, 180, 300)
_HOURS = (10, 17)


class Usual(NamedTuple):
    """A stay of `minutes` in one zone without a package, entered at any of these instants: minor units by each tariff;
    `before` None = nothing is in force, or it has no such category."""

    zone: str
    category: str
    minutes: int
    before: int | None
    after: int
    entered: tuple[datetime, ...]

    @property
    def when(self) -> str:
        """When they enter, by the wall clock: "Mon 10:00, Sat 10:00"."""
        return ", ".join(date_format(at.replace(tzinfo=None), "D H:i") for at in self.entered)

    @property
    def change(self) -> int | None:
        """How much dearer it gets."""
        return None if self.before is None else self.after - self.before


def compared(tariff: Tariff, before: Rater | None, day: datetime) -> list[Usual]:
    """Return usual stays on the next working day and the next Saturday from `day` on (a local midnight), in each zone:
    those of the first category, and of the others where they stay two hours. What costs the same is one."""
    rater = Rater(tariff)
    following = [day + timedelta(days=n) for n in range(7)]
    days = [next(one for one in following if one.weekday() in wanted) for wanted in ((0, 1, 2, 3), (5,))]
    found: dict[tuple[str, str, int, int | None, int], list[datetime]] = {}
    for zone in tariff.zones or ("",):
        for category in tariff.categories:
            for minutes in _LASTING if category == tariff.categories[0] else (120,):
                for entered in (one.replace(hour=hour, minute=0) for one in days for hour in _HOURS):
                    move, ended = Move(at=entered, zone=zone), entered + timedelta(minutes=minutes)
                    stay = Stay(category=category, moves=(move,), ended=ended)
                    totals = _total(before, stay), rater.rate(stay).total_minor
                    found.setdefault((zone, category, minutes, *totals), []).append(entered)
    return [Usual(*known, tuple(entered)) for known, entered in found.items()]


def _total(rater: Rater | None, stay: Stay) -> int | None:
    if rater is None:
        return None
    try:
        return rater.rate(stay).total_minor
    except BadStay:
        return None
