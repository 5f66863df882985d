"""What is wrong, or worth a look, in a tariff: in the words of whoever edits it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from karnet.faces.backoffice.tariff_sheet import clock, lasting
from karnet.faces.base.stay_words import category_name
from karnet.faces.base.words import money
from karnet.tariffs.advice import Advice, AdviceCode
from karnet.tariffs.model import Tariff

_PLACE = re.compile(r"(clocks|packages)\[(\d+)\](?:\.bands\[(\d+)\])?")


def where(path: str, tariff: Tariff) -> str:
    """Return where a path points: "Clock pool, band evening"; "" for the tariff as a whole."""
    match = _PLACE.match(path)
    if match is None:
        return ""
    parts = tariff.clocks if match[1] == "clocks" else tariff.packages
    part = parts[int(match[2])]
    told = (_("Clock %(code)s") if match[1] == "clocks" else _("Package %(code)s")) % {"code": part.code}
    if match[3] is not None:
        told += ", " + _("band %(code)s") % {"code": part.bands[int(match[3])].code}
    return told


def advised(advice: Advice, tariff: Tariff) -> str:
    """Return a point of advice as a sentence."""
    facts, place = advice.facts, where(advice.path, tariff)
    said: dict[AdviceCode, Callable[[], str]] = {
        AdviceCode.UNEVEN_RATE: lambda: (
            _(
                "%(price)s for %(per)s min does not divide evenly into units of %(unit)s min: guests cannot check the sum."
            )
            % {
                "price": money(int(facts["price_minor"]), tariff.currency),
                "per": lasting(int(facts["price_s"])),
                "unit": lasting(int(facts["unit_s"])),
            }
        ),
        AdviceCode.GAP: lambda: (
            _("No price on %(day)s from %(since)s until %(until)s: that time is free.")
            % {
                "day": _day(int(facts["weekday"]), str(facts["calendars"])),
                "since": clock(int(facts["start_minute"])),
                "until": clock(int(facts["end_minute"])),
            }
        ),
        AdviceCode.OVERLAP: lambda: _("It overlaps with %(above)s, which stands above it and wins.") % facts,
        AdviceCode.UNREACHABLE_BAND: lambda: _("It is never in force: bands above it always win."),
        AdviceCode.CAP_BELOW_MINIMUM: lambda: (
            _("The limit (%(cap)s) is below the minimum (%(least)s) for %(category)s.")
            % {
                "cap": money(int(facts["cap_minor"]), tariff.currency),
                "least": money(int(facts["minimum_minor"]), tariff.currency),
                "category": category_name(str(facts["category"])),
            }
        ),
        AdviceCode.CAP_BELOW_PACKAGE: lambda: (
            _("The limit (%(cap)s) is below the price of the package (%(price)s) for %(category)s.")
            % {
                "cap": money(int(facts["cap_minor"]), tariff.currency),
                "price": money(int(facts["price_minor"]), tariff.currency),
                "category": category_name(str(facts["category"])),
            }
        ),
        AdviceCode.FREE_ZONE: lambda: _("No clock runs in zone %(zone)s: time there is free.") % facts,
    }
    sentence = said[advice.code]()
    return f"{place}: {sentence}" if place else sentence


def gathered(advices: list[Advice], tariff: Tariff, most: int = 8) -> list[str]:
    """Return advice as sentences, each once, the first few."""
    told = list(dict.fromkeys(advised(one, tariff) for one in advices))
    more = len(told) - most
    if more <= 0:
        return told
    return [*told[:most], ngettext("%(n)s more of this kind.", "%(n)s more of this kind.", more) % {"n": more}]


def _day(weekday: int, calendars: str) -> str:
    # 2024 began on a Monday.
    day = date_format(date(2024, 1, 1 + weekday), "l")
    return f"{day} ({calendars})" if calendars else day


def problem(path: str, text: str, tariff: Tariff) -> str:
    """Return what keeps a tariff from being published as a sentence; rare ones are told in English."""
    for pattern, said in _problems().items():
        match = re.fullmatch(pattern, text)
        if match:
            sentence = said % match.groupdict()
            break
    else:
        sentence = f"{path}: {text}"
    place = where(path, tariff)
    return f"{place}: {sentence}" if place else sentence


def _problems() -> dict[str, str]:
    return {
        r"there is none": _("There is none yet: add one."),
        r"neither clocks nor packages: .*": _("Add a clock or a package: nothing would ever be charged."),
        r"'(?P<code>[^']*)' is no code: .*": _(
            "“%(code)s” is no code. Use letters, digits, dots, dashes; at most 64 of them."
        ),
        r"the same code twice": _("The same code is there twice."),
        r"'(?P<zone>[^']*)' is not one of the tariff's zones": _("Zone %(zone)s is not in the list of zones."),
        r"the clock does not run in '(?P<zone>[^']*)' anyway": _(
            "It does not run in %(zone)s anyway: no pause is needed."
        ),
        r"two pauses for one zone": _("Two pauses name one zone."),
        r"the tariff has no such clock": _("It includes time of a clock that is not there."),
        r"the tariff has no calendar '(?P<name>[^']*)'": _("There is no calendar %(name)s."),
        r"no price for (?P<what>.*)": _("No price for %(what)s."),
        r"weekdays are .*": _("Choose at least one weekday."),
        r"a band ends after .*": _("It must end after it starts, at most a day later."),
        r"a band starts at .*": _("It must start within the day."),
        r"a unit is between .*": _("A unit is between a second and a day."),
        r"must be a multiple of .*": _("Limits and minimum must be multiples of what totals are rounded to."),
        r"a clock charged at the exit's rate .*": _(
            "A limit a day does not go with the price in force on leaving; use one for the stay."
        ),
        r"ends before it begins": _("A calendar has days that end before they begin."),
    }
