"""A bill that explains itself: lines as codes and facts, in exact parts of a minor unit, that add up to the total.

Words for the codes, in every language, come from whoever shows the bill.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from karnet.kernel.decimals import places


class LineCode(StrEnum):
    """What a line says. Add, never rename or reuse."""

    PACKAGE = "package"  # the price of the package, by the band in force on entry
    INCLUDED = "included"  # time the package includes
    GRACE = "grace"  # free time after what is included
    TIME = "time"  # units at the rate of a band
    FREE = "free"  # units at a time to which no band applies
    OPEN_UNIT = "open_unit"  # time of a unit that is not full: not charged
    HELD = "held"  # units at the exit's rate, held at what leaving at `until` would have cost
    CAP_DAY = "cap_day"  # down to a clock's cap of a day
    CAP_STAY = "cap_stay"  # down to a clock's cap of a stay
    TOTAL_CAP_DAY = "total_cap_day"  # down to the cap of a day on everything compared with the prepayment
    MINIMUM = "minimum"  # up to the least that is due
    TOTAL_CAP_STAY = "total_cap_stay"  # down to the cap of a stay on everything compared with the prepayment
    ROUNDING = "rounding"  # to the total's step
    LATE = "late"  # the fee for settling late


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. `amount` counts parts of a minor unit (`Bill.denominator` of them make one); below zero for a cap.

    `clock`, `zone`, `band` name what it is about; [`since`, `until`) is when, in that zone; `units` how many were
    charged, one after another of `unit_s`, at `price_minor` each `price_s` seconds; `time_s` the time on the clock that
    the line accounts for: the lines of a clock account for all the time it ran. `limit_minor` is the cap (of `day`),
    minimum, step or fee applied.
    """

    code: LineCode
    amount: int = 0
    on_top: bool = False
    clock: str = ""
    zone: str = ""
    band: str = ""
    since: datetime | None = None
    until: datetime | None = None
    units: int = 0
    price_minor: int = 0
    price_s: int = 0
    time_s: int = 0
    limit_minor: int = 0
    day: date | None = None
    unit_s: int = 0

    def steps(self) -> Iterator[Step]:
        """Yield the units of a line one by one: minute by minute where a unit is a minute. They add up to the line.

        Only of lines that say `since` when: not of those charged at the exit's rate.
        """
        if self.since is not None:
            for number in range(self.units):
                yield Step(self.since + timedelta(seconds=number * self.unit_s), self.amount // self.units)


class Step(NamedTuple):
    """One unit: when it started, and what it costs, in the parts of its bill."""

    since: datetime
    amount: int


class Bill(msgspec.Struct, frozen=True):
    """What a stay costs, in minor units, and why.

    `charged_minor`     compared with the prepayment (SPEC S5 (a)), rounded
    `on_top_minor`      always charged on top of it (S5 (b)), rounded
    `fees_minor`        flat fees, on top too
    `total_minor`       the three together: what the stay costs
    `due_minor`         what is still to be paid: max(0, charged - prepaid) + on_top + fees
    `returned_minor`    what is given back of the prepayment
    `kept_minor`        prepayment neither needed nor given back (SPEC S18)

    Always: prepaid + due = total + returned + kept, none of them below zero; the amounts of `lines` add up to
    total × denominator. `ended` is when the clocks stopped.
    """

    lines: tuple[Line, ...]
    denominator: int
    charged_minor: int
    on_top_minor: int
    fees_minor: int
    total_minor: int
    prepaid_minor: int
    due_minor: int
    returned_minor: int
    kept_minor: int
    ended: datetime


def amount_text(amount: int, denominator: int, currency: str) -> str:
    """Return a line's amount as decimal text, exact where it has at most six more places, else cut after them with "…".

    >>> amount_text(3, 2, "PLN"), amount_text(-9000, 1, "PLN"), amount_text(100, 3, "PLN")
    ('0.015', '-90.00', '0.33333333…')
    """
    usual = places(currency)
    scaled, rest = divmod(abs(amount) * 10**6, denominator)
    whole, part = divmod(scaled, 10 ** (6 + usual))
    digits = f"{part:0{6 + usual}d}"
    digits = digits if rest else digits[:usual] + digits[usual:].rstrip("0")
    return f"{'-' if amount < 0 else ''}{whole}{'.' if digits else ''}{digits}{'…' if rest else ''}"
