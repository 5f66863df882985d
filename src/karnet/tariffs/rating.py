"""Rating one stay: `Rater(tariff).rate(stay)` is the bill, exact and explained.

The shape: visits → per clock, the time it ran → units on one grid → charges, exactly → caps → one rounding. Every number is
whole: charges count parts of a minor unit, so many that each unit of each clock costs a whole number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from karnet.kernel.time import local_instant, zone
from karnet.tariffs.bills import Bill, Line, LineCode
from karnet.tariffs.charging import Charging
from karnet.tariffs.limits import ByDay, cap_days, cap_stay, rounded
from karnet.tariffs.metering import Meter, denominator
from karnet.tariffs.model import Tariff
from karnet.tariffs.stays import BadStay, Stay, moment, second, visits
from karnet.tariffs.timeline import GAP, Timeline


class Rater:
    """A tariff made ready for rating. Keep it: what it works out about days serves all stays after.

    `tariff` must be one in which `checking.problems` finds none; what is promised here is promised for those.
    """

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.denominator = denominator(tariff)
        self.daily = bool(tariff.caps.day) or any(clock.caps.day for clock in tariff.clocks)
        self.meters = [Meter(clock, tariff, self.denominator) for clock in tariff.clocks]
        self.packages = {
            package.code: (
                package,
                Timeline(package.bands, tariff.calendars, tariff.time_zone, tariff.day_start_minute),
            )
            for package in tariff.packages
        }
        self._deadlines: dict[date, int] = {}

    def rate(self, stay: Stay) -> Bill:
        """Return the bill of a stay as of `stay.ended`. Raises BadStay for one that cannot be rated.

        Same tariff, same stay, same bill. Of two looks at one stay the later one never shows a smaller total.
        """
        tariff, scale, category = self.tariff, self.denominator, stay.category
        if category not in tariff.categories:
            raise BadStay(f"the tariff has no category {category!r}")
        entry_s, end_s = second(stay.moves[0].at) if stay.moves else 0, second(stay.ended)
        stop_s = self.stopped_s(stay, entry_s, end_s)
        spent = visits(stay.moves, stop_s, stay.halts)
        lines: list[Line] = []
        by_day: ByDay = {}
        included = self._package(stay, entry_s, lines, by_day)
        on_top = 0
        for meter in self.meters:
            charging = Charging(meter, category, spent, included.get(meter.code, 0), daily=self.daily)
            self._cap(charging)
            lines += charging.lines
            if meter.on_top:
                on_top += sum(charging.by_day.values())
                continue
            for day, amount in charging.by_day.items():
                by_day[day] = by_day.get(day, 0) + amount
        charged_minor = self._total(category, by_day, lines)
        on_top_minor = rounded(on_top, scale, tariff.rounding)
        if on_top_minor * scale != on_top:
            lines.append(self._rounding(on_top_minor * scale - on_top, on_top=True))
        fees_minor = self._late_fee(category, entry_s, end_s)
        if fees_minor:
            deadline = moment(self.deadline_s(entry_s))
            lines.append(Line(LineCode.LATE, fees_minor * scale, True, since=deadline, limit_minor=fees_minor))
        unused = max(stay.prepaid_minor - charged_minor, 0)
        returned = unused if tariff.return_unused else 0
        return Bill(
            tuple(lines),
            scale,
            charged_minor,
            on_top_minor,
            fees_minor,
            charged_minor + on_top_minor + fees_minor,
            stay.prepaid_minor,
            max(charged_minor - stay.prepaid_minor, 0) + on_top_minor + fees_minor,
            returned,
            unused - returned,
            moment(stop_s),
        )

    def stopped_s(self, stay: Stay, entry_s: int, end_s: int) -> int:
        """Return when the clocks stop: at a "time stop" that still holds, else at the end."""
        if stay.stopped is None:
            return end_s
        stop_s = second(stay.stopped)
        return stop_s if entry_s <= stop_s <= end_s <= stop_s + self.tariff.stop_hold_s else end_s

    def deadline_s(self, entry_s: int) -> int:
        """Return the last second at which settling is not late: the first such wall time at or after the entry."""
        day = moment(entry_s).astimezone(zone(self.tariff.time_zone)).date()
        deadline = self.deadline_of(day)
        return deadline if deadline >= entry_s else self.deadline_of(day + timedelta(days=1))

    def deadline_of(self, day: date) -> int:
        """Return the second at which the wall clock shows the hour of `late` on a local day."""
        found = self._deadlines.get(day)
        if found is None:
            assert self.tariff.late is not None
            minute = self.tariff.late.after_minute
            wall = time(minute // 60, minute % 60)
            found = self._deadlines[day] = second(local_instant(day, wall, self.tariff.time_zone))
        return found

    def _package(self, stay: Stay, entry_s: int, lines: list[Line], by_day: ByDay) -> dict[str, int]:
        """Charge the package to the day of entry; return what it includes."""
        if not stay.package:
            return {}
        found = self.packages.get(stay.package)
        if found is None:
            raise BadStay(f"the tariff has no package {stay.package!r}")
        package, timeline = found
        index, day = timeline.at(entry_s)
        band = None if index == GAP else package.bands[index]
        price = band.prices[stay.category] if band else 0
        by_day[day if self.daily else 0] = price * self.denominator
        lines.append(
            Line(
                LineCode.PACKAGE,
                price * self.denominator,
                clock=package.code,
                band=band.code if band else "",
                since=moment(entry_s),
                price_minor=price,
            )
        )
        return package.included_s

    def _cap(self, charging: Charging) -> None:
        """Apply the caps of one clock to its charges."""
        meter, lines = charging.meter, charging.lines
        caps, category, scale = meter.clock.caps, charging.category, self.denominator
        if category in caps.day:
            cap = caps.day[category]
            for day, change in cap_days(charging.by_day, cap, scale):
                lines.append(
                    Line(LineCode.CAP_DAY, change, meter.on_top, meter.code, day=date.fromordinal(day), limit_minor=cap)
                )
        if category in caps.stay and (change := cap_stay(charging.by_day, caps.stay[category], scale)):
            lines.append(Line(LineCode.CAP_STAY, change, meter.on_top, meter.code, limit_minor=caps.stay[category]))

    def _total(self, category: str, by_day: ByDay, lines: list[Line]) -> int:
        """Return what is compared with the prepayment: capped, lifted to the minimum, rounded."""
        tariff, scale = self.tariff, self.denominator
        if category in tariff.caps.day:
            cap = tariff.caps.day[category]
            for day, change in cap_days(by_day, cap, scale):
                lines.append(Line(LineCode.TOTAL_CAP_DAY, change, day=date.fromordinal(day), limit_minor=cap))
        total = sum(by_day.values())
        least = tariff.minimum.get(category, 0)
        if 0 < total < least * scale:
            lines.append(Line(LineCode.MINIMUM, least * scale - total, limit_minor=least))
            total = least * scale
        if category in tariff.caps.stay and total > (cap := tariff.caps.stay[category]) * scale:
            lines.append(Line(LineCode.TOTAL_CAP_STAY, cap * scale - total, limit_minor=cap))
            total = cap * scale
        total_minor = rounded(total, scale, tariff.rounding)
        if total_minor * scale != total:
            lines.append(self._rounding(total_minor * scale - total, on_top=False))
        return total_minor

    def _rounding(self, change: int, *, on_top: bool) -> Line:
        return Line(LineCode.ROUNDING, change, on_top, limit_minor=self.tariff.rounding.step_minor)

    def _late_fee(self, category: str, entry_s: int, end_s: int) -> int:
        late = self.tariff.late
        if late is None or not (fee := late.fee.get(category, 0)):
            return 0
        return fee if end_s > self.deadline_s(entry_s) else 0


def rate(tariff: Tariff, stay: Stay) -> Bill:
    """Return the bill of one stay. For more than one keep a `Rater`."""
    return Rater(tariff).rate(stay)


def price_curve(rater: Rater, stay: Stay, ends: Sequence[datetime]) -> list[int]:
    """Return the total in minor units if the stay ended at each of `ends`: the chart beside a tariff editor."""
    return [rater.rate(_ended(stay, end)).total_minor for end in ends]


def covered_until(rater: Rater, stay: Stay, budget_minor: int, latest: datetime) -> datetime | None:
    """Return the last whole second up to `latest` at which no more than `budget_minor` would be charged in all.

    None when it is exceeded at once, on entry; `latest` when it is not exceeded until then. So displays warn near the
    end of paid time (SPEC S15). By halving: right because totals are monotone in time; some 20 bills a call.
    """
    low, high = second(stay.moves[0].at), second(latest)
    if rater.rate(_ended(stay, moment(low))).total_minor > budget_minor:
        return None
    if rater.rate(_ended(stay, moment(high))).total_minor <= budget_minor:
        return latest
    while high - low > 1:
        middle = (low + high) // 2
        if rater.rate(_ended(stay, moment(middle))).total_minor <= budget_minor:
            low = middle
        else:
            high = middle
    return moment(low)


def _ended(stay: Stay, end: datetime) -> Stay:
    # Not structs.replace: this is called in loops, and the call costs as much as a bill.
    return Stay(
        category=stay.category,
        moves=stay.moves,
        ended=end,
        package=stay.package,
        prepaid_minor=stay.prepaid_minor,
        stopped=stay.stopped,
        halts=stay.halts,
    )
