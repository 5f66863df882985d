"""A stay that somebody types to try a tariff: the bill explained, and what it costs over time, before anything is published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from karnet.faces.backoffice.tariff_sheet import Unreadable, minute
from karnet.faces.base.amounts import minor_units
from karnet.faces.base.charts import Stretch, price_strip
from karnet.faces.base.stay_words import LineSaid, clock_time, explained, zone_name
from karnet.faces.base.words import Place, money
from karnet.kernel.time import zone
from karnet.tariffs.bills import Bill
from karnet.tariffs.model import Tariff
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import BadStay, Move, Stay

_OUT = ("out", "exit", "wyjście", "выход", "uscita", "ausgang")
_POINTS = 160
_LONGEST = timedelta(days=3)
_MOVE = re.compile(r"(\d{1,2}:\d\d)\s+(\S.*)")


class Trial(NamedTuple):
    """A tried stay: its bill in words, its price over time. `problem`: why there is none."""

    problem: str = ""
    bill: Bill | None = None
    lines: Sequence[LineSaid] = ()
    chart: str = ""


def usual(tariff: Tariff | None, today: date) -> dict[str, str]:
    """Return a stay to begin with: two hours, all zones of the tariff after one another."""
    zones = list(tariff.zones[:3]) if tariff and tariff.zones else ["pool"]
    zones = [*zones, zones[0]] if len(zones) > 1 else zones
    lines = [f"{clock_time_of(600 + 35 * n)} {code}" for n, code in enumerate(zones)]
    lines.append(f"{clock_time_of(600 + 35 * len(zones) + 20)} out")
    return {
        "try_day": today.isoformat(),
        "try_moves": "\n".join(lines),
        "try_category": tariff.categories[0] if tariff and tariff.categories else "",
        "try_package": "",
        "try_prepaid": "",
    }


def clock_time_of(minutes: int) -> str:
    """Return minutes since midnight as a time: "10:35"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def tried(tariff: Tariff, typed: Mapping[str, str], where: Place) -> Trial:
    """Return the bill of the stay that was typed, by this tariff, which has no problems."""
    try:
        stay = stay_of(tariff, typed)
        rater = Rater(tariff)
        bill = rater.rate(stay)
        return Trial("", bill, explained(bill, where), _chart(rater, stay, bill, where))
    except (Unreadable, BadStay) as wrong:
        return Trial(str(wrong))


def stay_of(tariff: Tariff, typed: Mapping[str, str]) -> Stay:
    """Return the stay that was typed: lines such as "10:40 sauna", the last one "12:15 out". A time that is before the one
    above it is of the next day. Raises Unreadable."""
    try:
        day = date.fromisoformat(typed.get("try_day", "").strip())
    except ValueError:
        raise Unreadable(_("Choose the day of the stay.")) from None
    place, moves, ended = zone(tariff.time_zone), list[Move](), None
    before: datetime | None = None
    for line in filter(str.strip, typed.get("try_moves", "").splitlines()):
        at, code = _move(line.strip(), day, place, before)
        if code.casefold() in _OUT:
            ended = at
            break
        moves.append(Move(at=at, zone=code))
        before = at
    if not moves:
        raise Unreadable(_("Type where somebody goes, a line for each: 10:00 pool"))
    if ended is None:
        raise Unreadable(_("Type when they leave, in the last line: 12:15 out"))
    package = typed.get("try_package", "")
    category = typed.get("try_category", "")
    prepaid = typed.get("try_prepaid", "").strip()
    stay = Stay(
        category=category if category in tariff.categories else tariff.categories[0],
        moves=tuple(moves),
        ended=ended,
        package=package if package in {one.code for one in tariff.packages} else "",
    )
    if prepaid:
        paid = minor_units(prepaid, tariff.currency)
        if paid is None:
            raise Unreadable(_("“%(text)s” is no amount. Write: 12.50") % {"text": prepaid[:40]})
    else:
        # As at the desk: a package is paid in advance.
        paid = (
            Rater(tariff).rate(msgspec.structs.replace(stay, moves=stay.moves[:1], ended=stay.moves[0].at)).total_minor
        )
    return msgspec.structs.replace(stay, prepaid_minor=paid)


def _move(line: str, day: date, place: ZoneInfo, before: datetime | None) -> tuple[datetime, str]:
    match = _MOVE.fullmatch(line)
    if match is None:
        raise Unreadable(_("“%(text)s”: write the time, then the zone: 10:00 pool") % {"text": line[:40]})
    minutes = minute(match[1])
    at = datetime(day.year, day.month, day.day, tzinfo=place) + timedelta(minutes=minutes)
    while before is not None and at < before:
        at += timedelta(days=1)
    if before is not None and at - before > _LONGEST:
        raise Unreadable(_("“%(text)s”: that is more than three days later.") % {"text": line[:40]})
    return at, match[2].strip()


def _chart(rater: Rater, stay: Stay, bill: Bill, where: Place) -> SafeString:
    since, until = stay.moves[0].at, stay.ended
    whole = max(1.0, (until - since).total_seconds())
    step = max(60, int(whole) // _POINTS // 60 * 60 or 60)
    moments = [since + timedelta(seconds=s) for s in range(0, int(whole), step)] + [until]

    def share(at: datetime) -> float:
        return min(1.0, max(0.0, (at - since).total_seconds() / whole))

    curve, last, due_from = list[tuple[float, int]](), -1, None
    for at in moments:
        seen = rater.rate(msgspec.structs.replace(stay, ended=at))
        if seen.total_minor != last:
            curve.append((share(at), seen.total_minor))
            last = seen.total_minor
        if due_from is None and seen.due_minor:
            due_from = share(at)
    ends = [move.at for move in stay.moves[1:]] + [until]
    stretches = [
        Stretch(share(move.at), share(end), zone_name(move.zone)) for move, end in zip(stay.moves, ends, strict=True)
    ]
    ticks = [(share(at), clock_time(at, where)) for at in _apart([move.at for move in stay.moves] + [until], whole)]
    most = money(bill.total_minor, where)
    label = _("What the stay costs over time, up to %(total)s") % {"total": most}
    return price_strip(curve, stretches, ticks, most, label, due_from if stay.prepaid_minor else None)


def _apart(moments: list[datetime], whole: float) -> list[datetime]:
    """Return those moments whose times do not run into each other, the last one always."""
    kept = [moments[0]]
    for at in moments[1:-1]:
        if min((at - kept[-1]).total_seconds(), (moments[-1] - at).total_seconds()) > whole * 0.12:
            kept.append(at)
    return [*kept, moments[-1]]
