"""A tariff as a form: what people type, and the tariff's document made of it again. Nothing is lost between the two.

A sheet is text in fields, grouped as the form is: general ones, clocks and packages, each with its bands. `sheet_of` fills it
from a document, `typed_sheet` from what was sent, `document_of` reads it; fields that cannot be read are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.utils.translation import gettext as _

from karnet.faces.base.amounts import minor_units, typed_amount
from karnet.tariffs.model import DAY_MINUTES, EVERY_DAY, Band, Caps, Clock, DateRange, Late, Package, Pause, Rounding
from karnet.tariffs.model import Tariff as TariffModel

_FIELD = re.compile(r"([ck])(\d{1,2})-(?:b(\d{1,2})-)?([a-z_]+\d{0,2})")
_TIME = re.compile(r"(\d{1,2}):(\d\d)")
_DURATION = re.compile(r"(\d{1,5})(?::([0-5]\d))?")
_SPLIT = re.compile(r"[,;\s]+")
T = TypeVar("T")


class Part(NamedTuple):
    """A clock or a package: its fields, and those of its bands."""

    fields: dict[str, str]
    bands: list[dict[str, str]]


class Sheet(NamedTuple):
    """The form: fields by name; `currency` and `time_zone` are the facility's."""

    fields: dict[str, str]
    clocks: list[Part]
    packages: list[Part]

    def parts(self, kind: str) -> list[Part]:
        """Return clocks ("c") or packages ("k")."""
        return self.clocks if kind == "c" else self.packages


class Unreadable(ValueError):
    """What was typed into a field is not what belongs there; the message says what does."""


def typed_sheet(sent: Mapping[str, str]) -> Sheet:
    """Return the sheet that a form sent; fields of no sheet are passed over."""
    sheet = Sheet({}, [], [])
    for name in sorted(sent, key=_order):
        value = str(sent[name]).replace("\0", "")[:4000]
        match = _FIELD.fullmatch(name)
        if match is None:
            sheet.fields[name] = value
            continue
        parts, place = sheet.parts(match[1]), int(match[2])
        while len(parts) <= place:
            parts.append(Part({}, []))
        if match[3] is None:
            parts[place].fields[match[4]] = value
            continue
        while len(parts[place].bands) <= int(match[3]):
            parts[place].bands.append({})
        parts[place].bands[int(match[3])][match[4]] = value
    return sheet


def _order(name: str) -> tuple[str, int, int]:
    match = _FIELD.fullmatch(name)
    return (match[1], int(match[2]), int(match[3] or 0)) if match else ("", 0, 0)


def sheet_of(tariff: TariffModel) -> Sheet:
    """Return the sheet of a tariff."""
    money: Callable[[int], str] = lambda minor: typed_amount(minor, tariff.currency)  # noqa: E731
    fields = {
        "code": tariff.code,
        "categories": ", ".join(tariff.categories),
        "zones": ", ".join(tariff.zones),
        "calendars": "\n".join(f"{name}: {_days(days)}" for name, days in tariff.calendars.items()),
        "day_start": clock(tariff.day_start_minute),
        "step": money(tariff.rounding.step_minor),
        "mode": tariff.rounding.mode,
        "stop_hold": lasting(tariff.stop_hold_s) if tariff.stop_hold_s else "",
        "return_unused": "on" if tariff.return_unused else "",
        "late_at": clock(tariff.late.after_minute) if tariff.late else "",
        **_each(tariff, "min", tariff.minimum),
        **_each(tariff, "stay", tariff.caps.stay),
        **_each(tariff, "day", tariff.caps.day),
        **_each(tariff, "late", tariff.late.fee if tariff.late else {}),
    }
    return Sheet(
        fields,
        [Part(_clock_fields(one, tariff), _bands(one.bands, tariff)) for one in tariff.clocks],
        [
            Part(
                {"code": one.code, "included": ", ".join(f"{c} {lasting(s)}" for c, s in one.included_s.items())},
                _bands(one.bands, tariff),
            )
            for one in tariff.packages
        ],
    )


def _clock_fields(one: Clock, tariff: TariffModel) -> dict[str, str]:
    return {
        "code": one.code,
        "zones": ", ".join(one.zones),
        "pauses": ", ".join(
            pause.zone if pause.at_most_s is None else f"{pause.zone} {lasting(pause.at_most_s)}"
            for pause in one.pauses
        ),
        "unit": lasting(one.unit_s),
        "counted": one.counted,
        "per": str(one.price_s),
        "rate_of": one.rate_of,
        "grace": lasting(one.grace_s) if one.grace_s else "",
        "grace_is": one.grace,
        "on_top": "on" if one.on_top else "",
        **_each(tariff, "stay", one.caps.stay),
        **_each(tariff, "day", one.caps.day),
    }


def _bands(bands: tuple[Band, ...], tariff: TariffModel) -> list[dict[str, str]]:
    return [
        {
            "code": band.code,
            "from": clock(band.start_minute),
            "until": clock(band.end_minute),
            "on": ", ".join(band.on),
            "not_on": ", ".join(band.not_on),
            **{f"d{day}": "on" for day in band.weekdays},
            **_each(tariff, "p", band.prices),
        }
        for band in bands
    ]


def _each(tariff: TariffModel, name: str, amounts: Mapping[str, int]) -> dict[str, str]:
    return {
        f"{name}{n}": typed_amount(amounts[category], tariff.currency) if category in amounts else ""
        for n, category in enumerate(tariff.categories)
    }


def document_of(sheet: Sheet, currency: str, time_zone: str) -> tuple[TariffModel | None, dict[str, str]]:
    """Return the tariff that a sheet says, or None and what is wrong: field → sentence. Whether it is one that can be
    published is for `tariffs.checking` to say."""
    return _Reader(sheet, currency).tariff(time_zone)


class _Reader:
    """Reads fields, and notes those that cannot be read."""

    def __init__(self, sheet: Sheet, currency: str) -> None:
        self.sheet, self.currency = sheet, currency
        self.wrong: dict[str, str] = {}
        self.categories = tuple(codes(sheet.fields.get("categories", "")))

    def tariff(self, time_zone: str) -> tuple[TariffModel | None, dict[str, str]]:
        fields = self.sheet.fields
        late = fields.get("late_at", "").strip()
        made = TariffModel(
            code=fields.get("code", "").strip(),
            currency=self.currency,
            time_zone=time_zone,
            categories=self.categories,
            zones=tuple(codes(fields.get("zones", ""))),
            clocks=tuple(self._clock(f"c{n}-", part) for n, part in enumerate(self.sheet.clocks)),
            packages=tuple(self._package(f"k{n}-", part) for n, part in enumerate(self.sheet.packages)),
            calendars=self._read("calendars", fields, calendars, {}),
            minimum=self._amounts("", "min", fields),
            caps=Caps(stay=self._amounts("", "stay", fields), day=self._amounts("", "day", fields)),
            day_start_minute=self._read("day_start", fields, minute, 0),
            rounding=Rounding(
                step_minor=self._read("step", fields, self.amount, 1),
                mode=_one_of(fields.get("mode"), ("nearest", "up", "down")),
            ),
            late=Late(after_minute=self._read("late_at", fields, minute, 0), fee=self._amounts("", "late", fields))
            if late
            else None,
            stop_hold_s=self._read("stop_hold", fields, seconds, 0),
            return_unused=bool(fields.get("return_unused")),
        )
        return (None if self.wrong else made), self.wrong

    def _clock(self, at: str, part: Part) -> Clock:
        fields = part.fields
        return Clock(
            code=fields.get("code", "").strip(),
            bands=self._bands(at, part),
            unit_s=self._read("unit", fields, seconds, 60, at),
            zones=tuple(codes(fields.get("zones", ""))),
            pauses=self._read("pauses", fields, _pauses, (), at),
            counted=_one_of(fields.get("counted"), ("full", "started")),
            price_s=self._read("per", fields, int, 0, at),
            rate_of=_one_of(fields.get("rate_of"), ("unit", "entry", "exit")),
            grace_s=self._read("grace", fields, seconds, 0, at),
            grace=_one_of(fields.get("grace_is"), ("subtracted", "forgiven")),
            caps=Caps(stay=self._amounts(at, "stay", fields), day=self._amounts(at, "day", fields)),
            on_top=bool(fields.get("on_top")),
        )

    def _package(self, at: str, part: Part) -> Package:
        return Package(
            code=part.fields.get("code", "").strip(),
            bands=self._bands(at, part),
            included_s=self._read("included", part.fields, _included, {}, at),
        )

    def _bands(self, at: str, part: Part) -> tuple[Band, ...]:
        return tuple(self._band(f"{at}b{n}-", n, fields) for n, fields in enumerate(part.bands))

    def _band(self, at: str, n: int, fields: Mapping[str, str]) -> Band:
        prices = self._amounts(at, "p", fields)
        for place, category in enumerate(self.categories):
            if category not in prices and f"{at}p{place}" not in self.wrong:
                self.wrong[f"{at}p{place}"] = _("A price is missing; 0 is free.")
        return Band(
            code=fields.get("code", "").strip() or f"band-{n + 1}",
            prices=prices,
            weekdays=tuple(day for day in EVERY_DAY if fields.get(f"d{day}")),
            start_minute=self._read("from", fields, minute, 0, at),
            end_minute=self._read("until", fields, minute, DAY_MINUTES, at),
            on=tuple(codes(fields.get("on", ""))),
            not_on=tuple(codes(fields.get("not_on", ""))),
        )

    def _amounts(self, at: str, name: str, fields: Mapping[str, str]) -> dict[str, int]:
        found = {}
        for n, category in enumerate(self.categories):
            if fields.get(f"{name}{n}", "").strip():
                found[category] = self._read(f"{name}{n}", fields, self.amount, 0, at)
        return found

    def amount(self, text: str) -> int:
        minor = minor_units(text, self.currency)
        if minor is None:
            raise Unreadable(_("“%(text)s” is no amount. Write: 12.50") % {"text": text[:40]})
        return minor

    def _read(self, name: str, fields: Mapping[str, str], read: Callable[[str], T], empty: T, at: str = "") -> T:
        text = fields.get(name, "").strip()
        if not text:
            return empty
        try:
            return read(text)
        except Unreadable as wrong:
            self.wrong[f"{at}{name}"] = str(wrong)
        except ValueError:
            self.wrong[f"{at}{name}"] = _("“%(text)s” cannot be read.") % {"text": text[:40]}
        return empty


def codes(text: str) -> list[str]:
    """Return the codes in a list that people typed: between commas or spaces."""
    return [code for code in _SPLIT.split(text.strip()) if code]


def minute(text: str) -> int:
    """Return a time of day as minutes since midnight; 24:00 and later are of the night after."""
    match = _TIME.fullmatch(text)
    if match is None or int(match[2]) > 59 or int(match[1]) > 48:
        raise Unreadable(_("“%(text)s” is no time of day. Write: 16:00") % {"text": text[:40]})
    return int(match[1]) * 60 + int(match[2])


def clock(minutes: int) -> str:
    """Return minutes since midnight as people write them: "16:00"."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def seconds(text: str) -> int:
    """Return a duration of minutes, "5" or "0:30", in seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Unreadable(
            _("“%(text)s” is no number of minutes. Write: 5, or 0:30 for half of one") % {"text": text[:40]}
        )
    return int(match[1]) * 60 + int(match[2] or 0)


def lasting(duration_s: int) -> str:
    """Return a duration as minutes: "5", "0:30"."""
    whole, rest = divmod(duration_s, 60)
    return f"{whole}:{rest:02d}" if rest else str(whole)


def calendars(text: str) -> dict[str, tuple[DateRange, ...]]:
    """Return calendars, one a line: "holidays: 2026-01-01, 2026-07-01..2026-08-31"."""
    found = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, days = line.partition(":")
        if not colon or not name.strip():
            raise Unreadable(_("“%(text)s” is no calendar. Write: holidays: 2026-01-01") % {"text": line[:40]})
        found[name.strip()] = tuple(map(_range, codes(days)))
    return found


def _range(text: str) -> DateRange:
    first, _dots, last = text.partition("..")
    try:
        return DateRange(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
    except ValueError:
        wrong = _("“%(text)s” is no day. Write: 2026-01-01, or 2026-07-01..2026-08-31") % {"text": text[:40]}
        raise Unreadable(wrong) from None


def _days(ranges: tuple[DateRange, ...]) -> str:
    return ", ".join(f"{one.first}" if one.first == one.last else f"{one.first}..{one.last}" for one in ranges)


def _pauses(text: str) -> tuple[Pause, ...]:
    """Read "sauna, restaurant 30": the clock stands still in the sauna, in the restaurant for 30 minutes."""
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        zone, *rest = item.split()
        found.append(Pause(zone=zone, at_most_s=seconds(rest[0]) if rest else None))
    return tuple(found)


def _included(text: str) -> dict[str, int]:
    """Read "pool 60, sauna 30": minutes by clock."""
    found = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        what, *rest = item.split()
        if len(rest) != 1:
            raise Unreadable(_("“%(text)s”: name a clock and its minutes. Write: pool 60") % {"text": item[:40]})
        found[what] = seconds(rest[0])
    return found


def _one_of(text: str | None, known: tuple[Any, ...]) -> Any:
    return text if text in known else known[0]


def read_document(document: str) -> TariffModel | None:
    """Return the tariff of a draft's document, None where it is none."""
    try:
        return msgspec.json.decode(document, type=TariffModel)
    except msgspec.MsgspecError:
        return None
