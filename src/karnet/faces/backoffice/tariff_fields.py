"""The fields of a tariff's form as templates show them: name, value and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from karnet.faces.backoffice.tariff_sheet import Part, Sheet, codes
from karnet.faces.base.stay_words import category_name
from karnet.tariffs.model import EVERY_DAY


class Field(NamedTuple):
    """A field: its name in the form, what is in it, what is wrong with that."""

    name: str
    value: str
    error: str = ""


GENERAL = (
    "code",
    "categories",
    "zones",
    "calendars",
    "day_start",
    "step",
    "mode",
    "stop_hold",
    "return_unused",
    "late_at",
)
CLOCK = ("code", "zones", "pauses", "unit", "counted", "per", "rate_of", "grace", "grace_is", "on_top")
PACKAGE = ("code", "included")
BAND = ("code", "from", "until", "on", "not_on")
NEW_BAND = {"from": "00:00", "until": "24:00", **{f"d{day}": "on" for day in EVERY_DAY}}
NEW_CLOCK = {"unit": "1", "counted": "full", "per": "0", "rate_of": "unit", "grace_is": "subtracted"}


def tree(sheet: Sheet, wrong: Mapping[str, str]) -> dict[str, Any]:
    """Return everything the form shows."""
    categories = codes(sheet.fields.get("categories", ""))
    names = [(category, category_name(category)) for category in categories]

    def field(at: str, fields: Mapping[str, str], name: str) -> Field:
        return Field(f"{at}{name}", fields.get(name, ""), wrong.get(f"{at}{name}", ""))

    def each(at: str, fields: Mapping[str, str], name: str) -> list[tuple[str, Field]]:
        return [(said, field(at, fields, f"{name}{n}")) for n, (_code, said) in enumerate(names)]

    def part(kind: str, n: int, one: Part) -> dict[str, Any]:
        at = f"{kind}{n}-"
        made = {name: field(at, one.fields, name) for name in (CLOCK if kind == "c" else PACKAGE)}
        bands = [
            {
                "id": f"{kind}{n}-b{place}",
                "first": place == 0,
                **{name: field(f"{at}b{place}-", band, name) for name in BAND},
                "days": [(said, field(f"{at}b{place}-", band, f"d{day}")) for day, said in weekdays()],
                "prices": each(f"{at}b{place}-", band, "p"),
            }
            for place, band in enumerate(one.bands)
        ]
        limits = {"stay": each(at, one.fields, "stay"), "day": each(at, one.fields, "day")} if kind == "c" else {}
        return {"id": f"{kind}{n}", **made, **limits, "bands": bands}

    return {
        "general": {name: field("", sheet.fields, name) for name in GENERAL},
        "amounts": [
            (_("Minimum"), "min", each("", sheet.fields, "min")),
            (_("At most for a stay"), "stay", each("", sheet.fields, "stay")),
            (_("At most a day"), "day", each("", sheet.fields, "day")),
            (_("Fee for settling late"), "late", each("", sheet.fields, "late")),
        ],
        "categories": names,
        "clocks": [part("c", n, one) for n, one in enumerate(sheet.clocks)],
        "packages": [part("k", n, one) for n, one in enumerate(sheet.packages)],
        "pers": _pers(sheet),
    }


def weekdays() -> list[tuple[int, str]]:
    """Return the days of the week with their short names, Monday first."""
    # 2024 began on a Monday.
    return [(day, date_format(date(2024, 1, 1 + day), "D")) for day in EVERY_DAY]


def _pers(sheet: Sheet) -> list[tuple[str, str]]:
    """Return what a price may be for; also what somebody set by hand."""
    known = {
        "0": _("one unit"),
        "60": _("a minute"),
        "600": _("10 minutes"),
        "900": _("a quarter of an hour"),
        "1800": _("half an hour"),
        "3600": _("an hour"),
        "86400": _("a day"),
    }
    for one in sheet.clocks:
        set_so = one.fields.get("per", "0")
        if set_so.isdigit():
            known.setdefault(set_so, _("%(n)s seconds") % {"n": set_so})
    return list(known.items())


def changed(sheet: Sheet, do: str) -> Sheet:
    """Return the sheet after a button: "add-clock", "add-package", "add-band:c0", "drop:c0", "drop:c0-b1", "up:c0-b1".
    One that makes no sense changes nothing."""
    what, _colon, target = do.partition(":")
    clocks, packages = list(sheet.clocks), list(sheet.packages)
    if what == "add-clock":
        clocks.append(Part({**NEW_CLOCK, "code": f"clock-{len(clocks) + 1}"}, [{**NEW_BAND, "code": "any"}]))
    elif what == "add-package":
        packages.append(Part({"code": f"{len(packages) + 1}h"}, [{**NEW_BAND, "code": "any"}]))
    elif target:
        place, _dash, band = target.partition("-b")
        parts = clocks if place[:1] == "c" else packages
        if not place[1:].isdigit() or int(place[1:]) >= len(parts) or (band and not band.isdigit()):
            return sheet
        n = int(place[1:])
        if what == "drop" and not band:
            del parts[n]
        else:
            parts[n] = Part(parts[n].fields, _bands_after(parts[n].bands, what, int(band) if band else -1))
    return Sheet(sheet.fields, clocks, packages)


def _bands_after(bands: list[dict[str, str]], what: str, n: int) -> list[dict[str, str]]:
    made = list(bands)
    if what == "add-band":
        # A new band begins as the last one, to be changed: most differ in their hours only.
        made.append({**(made[-1] if made else NEW_BAND), "code": f"band-{len(made) + 1}"})
    elif what == "drop" and 0 <= n < len(made):
        del made[n]
    elif what == "up" and 0 < n < len(made):
        made[n - 1], made[n] = made[n], made[n - 1]
    return made
