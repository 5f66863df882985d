"""Bills of metered stays in the words of whoever reads them: what each line is, why, and unit by unit (SPEC S14).

The engine gives codes and facts (`tariffs.bills`); a till, an info point, the editor's preview show them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from karnet.faces.base import words
from karnet.kernel.time import zone
from karnet.tariffs.bills import Bill, Line, LineCode, amount_text

ZONES: Mapping[str, Promise] = {
    "*": gettext_lazy("Whole facility"),
    "": gettext_lazy("Outside"),
    "pool": gettext_lazy("Pool"),
    "leisure": gettext_lazy("Leisure pool"),
    "leisure pool": gettext_lazy("Leisure pool"),
    "lap": gettext_lazy("Lap pool"),
    "lap pool": gettext_lazy("Lap pool"),
    "sauna": gettext_lazy("Sauna"),
    "saunas": gettext_lazy("Sauna"),
    "spa": gettext_lazy("Spa"),
    "gym": gettext_lazy("Gym"),
    "machine room": gettext_lazy("Machine room"),
    "machines": gettext_lazy("Machine room"),
    "restaurant": gettext_lazy("Restaurant"),
    "bar": gettext_lazy("Bar"),
    "changing": gettext_lazy("Changing rooms"),
    "changing rooms": gettext_lazy("Changing rooms"),
    "hall": gettext_lazy("Hall"),
    "rink": gettext_lazy("Ice rink"),
    "court": gettext_lazy("Court"),
    "playground": gettext_lazy("Playground"),
    "solarium": gettext_lazy("Solarium"),
}
CATEGORIES: Mapping[str, Promise] = {
    "adult": gettext_lazy("Adult"),
    "reduced": gettext_lazy("Reduced"),
    "child": gettext_lazy("Child"),
    "youth": gettext_lazy("Youth"),
    "student": gettext_lazy("Student"),
    "senior": gettext_lazy("Senior"),
    "family": gettext_lazy("Family"),
    "group": gettext_lazy("Group"),
    "school": gettext_lazy("School"),
}
_DECIMAL_POINT = {"en": "."}


class StepSaid(NamedTuple):
    """One unit of a line: when it began, and what it costs."""

    at: str
    amount: str


class LineSaid(NamedTuple):
    """A line of a bill in words. `amount` is "" where nothing is charged; `steps`: its units, where there are several."""

    code: str
    what: str
    why: str
    amount: str
    on_top: bool = False
    steps: Sequence[StepSaid] = ()


def zone_name(code: str) -> str:
    """Return what a zone or clock is called; one that has no usual name is its own."""
    return _called(ZONES, code)


def category_name(code: str) -> str:
    """Return what a category of a price list is called."""
    return _called(CATEGORIES, code)


def package_name(code: str) -> str:
    """Return what a package is called: hours by their number ("1h"), others as they are written."""
    if code.endswith("h") and code[:-1].isdigit():
        return _("%(n)s h") % {"n": code[:-1]}
    if code.endswith("min") and code[:-3].isdigit():
        return _("%(n)s min") % {"n": code[:-3]}
    return _plain(code)


def duration(seconds: int) -> str:
    """Return a time in hours, minutes and, where there are any, seconds: "1 h 23 min"."""
    hours, rest = divmod(max(0, seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [_("%(n)s h") % {"n": hours}] if hours else []
    if minutes or not (hours or left):
        parts.append(_("%(n)s min") % {"n": minutes})
    if left:
        parts.append(_("%(n)s s") % {"n": left})
    return " ".join(parts)


def clock_time(at: datetime, where: words.Place | str) -> str:
    """Return the time of day, with its seconds where there are any: bills count whole seconds."""
    local = at.astimezone(zone(where if isinstance(where, str) else where.time_zone))
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


def explained(bill: Bill, where: words.Place) -> list[LineSaid]:
    """Return the lines of a bill in words, in the order of the engine. They add up to the total."""
    return [_said(line, bill, where) for line in bill.lines]


def _said(line: Line, bill: Bill, where: words.Place) -> LineSaid:
    steps: list[StepSaid] = []
    if line.units > 1:
        steps = [
            StepSaid(clock_time(step.since, where), _amount(step.amount, bill.denominator, where))
            for step in line.steps()
        ]
    return LineSaid(
        code=line.code.value,
        what=_what(line),
        why=_why(line, where),
        amount=_amount(line.amount, bill.denominator, where) if line.amount else "",
        on_top=line.on_top,
        steps=steps,
    )


def _what(line: Line) -> str:
    named = {"zone": zone_name(line.zone), "clock": zone_name(line.clock)}
    match line.code:
        case LineCode.PACKAGE:
            return _("Package %(package)s") % {"package": package_name(line.clock)}
        case LineCode.INCLUDED:
            return _("%(zone)s: included in the package") % named
        case LineCode.GRACE:
            return _("%(zone)s: free time") % named
        case LineCode.TIME | LineCode.HELD:
            return named["zone"] if line.zone else named["clock"]
        case LineCode.FREE:
            return _("%(zone)s: free of charge") % named
        case LineCode.OPEN_UNIT:
            return _("%(zone)s: time not counted") % named
        case LineCode.CAP_DAY | LineCode.CAP_STAY:
            return _("%(clock)s: no more than the limit") % named
        case LineCode.TOTAL_CAP_DAY | LineCode.TOTAL_CAP_STAY:
            return _("No more than the limit")
        case LineCode.MINIMUM:
            return _("At least the minimum")
        case LineCode.ROUNDING:
            return _("Rounding")
        case LineCode.LATE:
            return _("Fee for settling late")


def _why(line: Line, where: words.Place) -> str:
    span = _span(line, where)
    limit = words.money(line.limit_minor, where)
    match line.code:
        case LineCode.PACKAGE:
            return _("the price on entry at %(time)s") % {"time": clock_time(line.since, where)} if line.since else ""
        case LineCode.TIME:
            return f"{span}: {_rate(line, where)}" if span else _rate(line, where)
        case LineCode.HELD:
            at = clock_time(line.until, where) if line.until else ""
            return _("%(rate)s, as leaving at %(time)s would have cost") % {"rate": _rate(line, where), "time": at}
        case LineCode.OPEN_UNIT:
            return _("%(span)s: a unit counts when it is full") % {"span": span}
        case LineCode.CAP_DAY | LineCode.TOTAL_CAP_DAY:
            day = words.day(line.day) if line.day else ""
            return _("at most %(limit)s on %(day)s") % {"limit": limit, "day": day}
        case LineCode.CAP_STAY | LineCode.TOTAL_CAP_STAY:
            return _("at most %(limit)s for a stay") % {"limit": limit}
        case LineCode.MINIMUM:
            return _("at least %(limit)s for a stay") % {"limit": limit}
        case LineCode.ROUNDING:
            return _("to %(limit)s") % {"limit": limit}
        case LineCode.LATE:
            return _("settled after %(time)s") % {"time": clock_time(line.since, where)} if line.since else ""
        case _:
            return span


def _span(line: Line, where: words.Place) -> str:
    """Say when, and how long: "15:20–15:42, 22 min"; the day where it is another than that of the beginning."""
    if line.since is None or line.until is None:
        return duration(line.time_s) if line.time_s else ""
    first, last = clock_time(line.since, where), clock_time(line.until, where)
    days = [words.moment(at, where, "day") for at in (line.since, line.until)]
    if days[0] != days[1]:
        last = f"{days[1]} {last}"
    return f"{first}–{last}, {duration(line.time_s)}"


def _rate(line: Line, where: words.Place) -> str:
    facts = {
        "units": line.units,
        "unit": duration(line.unit_s),
        "price": words.money(line.price_minor, where),
        "per": duration(line.price_s),
    }
    if not line.price_s or line.price_s == line.unit_s:
        return _("%(units)s × %(unit)s at %(price)s") % facts
    if line.price_s == 3600:
        return _("%(units)s × %(unit)s at %(price)s an hour") % facts
    return _("%(units)s × %(unit)s at %(price)s for %(per)s") % facts


def _amount(amount: int, denominator: int, where: words.Place) -> str:
    """Say an exact amount: as money where it is whole minor units, else with all its places."""
    if amount % denominator == 0:
        return words.money(amount // denominator, where)
    point = _DECIMAL_POINT.get(words.language(), ",")
    return f"{amount_text(amount, denominator, where.currency).replace('.', point)}\u00a0{where.currency}"


def _called(names: Mapping[str, Promise], code: str) -> str:
    plain = code.lower().replace("-", " ").replace("_", " ")
    return str(names[plain]) if plain in names else _plain(code)


def _plain(code: str) -> str:
    text = code.replace("-", " ").replace("_", " ")
    return text[:1].upper() + text[1:]
