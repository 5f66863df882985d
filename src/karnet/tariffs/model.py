"""A tariff as data: frozen structs, one canonical JSON form. Money is whole minor units, durations are whole seconds.

Fields are added, never renamed or reused; `format` grows only if the meaning of an old one had to change.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from karnet.kernel import canonical

FORMAT = 1
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
DAY_MINUTES = 24 * 60


class DateRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Local calendar days from `first` to `last`, both included: a holiday, school holidays, a season."""

    first: date
    last: date


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Prices in force at some local times. Of several bands that match, the first of the list counts.

    It matches [start_minute, end_minute) since local midnight of a day that is one of `weekdays` (0 = Monday), lies in
    one of the calendars `on` (any day when empty) and in none of `not_on`. `end_minute` may exceed 1440 by up to a day:
    such a band runs past midnight and belongs to the day on which it began. `prices`: category → minor units.
    """

    code: str
    prices: dict[str, int]
    weekdays: tuple[int, ...] = EVERY_DAY
    start_minute: int = 0
    end_minute: int = DAY_MINUTES
    on: tuple[str, ...] = ()
    not_on: tuple[str, ...] = ()


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A clock stands still in a zone: always, or for the first `at_most_s` seconds there, all visits taken together."""

    zone: str
    at_most_s: int | None = None


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most that is charged: category → minor units, for a stay and for each local day of it. None where absent."""

    stay: dict[str, int] = {}
    day: dict[str, int] = {}


class Clock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A meter. It runs in `zones` (everywhere when empty), but for its `pauses`; the time of all visits accumulates on one
    continuous grid of units (SPEC S4).

    `unit_s`        what is counted: each `full` unit, or each `started` one
    `price_s`       the time to which the bands' prices refer: 3600 for prices an hour; 0: one unit. A unit costs
                    price × unit_s / price_s, exactly
    `rate_of`       `unit`: each unit costs the rate in force when it started; `entry`: all of them the rate when the clock
                    first ran; `exit`: the rate when it last ran, never less than leaving earlier would have cost
    `grace_s`       time after what is included that costs nothing: `subtracted` always, or `forgiven` only to those
                    who stay within it (who stays longer pays for that time, too)
    `on_top`        False: compared with the prepayment, SPEC S5 (a); True: always charged on top of it, S5 (b)
    """

    code: str
    bands: tuple[Band, ...]
    unit_s: int
    zones: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()
    counted: Literal["full", "started"] = "full"
    price_s: int = 0
    rate_of: Literal["unit", "entry", "exit"] = "unit"
    grace_s: int = 0
    grace: Literal["subtracted", "forgiven"] = "subtracted"
    caps: Caps = Caps()
    on_top: bool = False


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A price that includes time of some clocks ("1 h", "2 h", "whole day"), chosen on entry.

    The price is that of the band in force at the first move of the stay, in minor units. `included_s`: clock → seconds.
    """

    code: str
    bands: tuple[Band, ...]
    included_s: dict[str, int] = {}


class Rounding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a total is rounded, once: to multiples of `step_minor`; `nearest` takes halves up."""

    step_minor: int = 1
    mode: Literal["nearest", "up", "down"] = "nearest"


class Late(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fee for settling after the first `after_minute` (since local midnight) that follows the entry. Category → minor
    units; a category without one pays none."""

    after_minute: int
    fee: dict[str, int]


class Tariff(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="format",
    tag=FORMAT,
):
    """What a stay costs. Valid only if `checking.problems` finds none.

    `zones`             the zones of the place; moves to others are allowed and run only the clocks that run everywhere
    `calendars`         name → days, in order: holidays and seasons, resolved
    `minimum`           category → the least that is due once anything is (of what is compared with the prepayment)
    `caps`              on the sum of all that is compared with the prepayment, the package included
    `day_start_minute`  when a day begins, for caps per day (240: at four in the morning)
    `stop_hold_s`       how long a "time stop" reading holds; who settles later is charged as if there had been none
    `return_unused`     whether prepayment that was not needed is given back (SPEC S18: no, unless the tariff says so)
    """

    code: str
    currency: str
    time_zone: str
    categories: tuple[str, ...]
    zones: tuple[str, ...]
    clocks: tuple[Clock, ...]
    packages: tuple[Package, ...] = ()
    calendars: dict[str, tuple[DateRange, ...]] = {}
    minimum: dict[str, int] = {}
    caps: Caps = Caps()
    day_start_minute: int = 0
    rounding: Rounding = Rounding()
    late: Late | None = None
    stop_hold_s: int = 0
    return_unused: bool = False


class UnreadableTariff(ValueError):
    """The bytes are no tariff; the message says which field is at fault and what is wrong with it."""


def to_json(tariff: Tariff) -> bytes:
    """Return the canonical JSON of a tariff: equal tariffs, equal bytes. Fields at their defaults are left out."""
    return canonical.encode(tariff)


def from_json(data: bytes | str) -> Tariff:
    """Return the tariff written as JSON (canonical or laid out for people); raise UnreadableTariff for anything else.

    Only the shape is checked here: `checking.problems` tells whether the tariff is one.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableTariff(str(error)) from None


_DECODER = msgspec.json.Decoder(Tariff)
