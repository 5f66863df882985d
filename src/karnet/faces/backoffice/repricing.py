"""A past period's stays under a draft of a tariff: what would come in, and who would pay more or less (SPEC S16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from karnet.catalogue.tariffs import SavedTariffDraft, tariff_draft, tariffs_of
from karnet.faces.backoffice import naming
from karnet.faces.backoffice.exporting import Column, Document, Table, amount_text, exported, local_time
from karnet.faces.backoffice.frame import MANAGES, Place, facilities, page, typed
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.stay_words import category_name, package_name, zone_name
from karnet.faces.base.words import day as day_words
from karnet.faces.base.words import language
from karnet.kernel.time import day_start, local_day
from karnet.stays.repricing import Repricing, reprice_period
from karnet.tariffs.checking import problems
from karnet.tariffs.comparing import Compared, Example, Sums
from karnet.tariffs.model import Tariff, UnreadableTariff, from_json
from karnet.tariffs.stays import BadStay

DAYS = 28
"""The period that is offered: four weeks have every day of the week as often."""
MOST_DAYS = 400
FORMATS = ("xlsx", "csv")
_HIGH, _WIDE = 150, 1000
_NAMED = 8


@allow(*MANAGES)
@require_safe
def repriced(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show what the stays of a period would bring in under a draft; with `form`, as a file."""
    saved = tariff_draft(draft)
    place = next((one for one in facilities() if saved is not None and one.id == saved.facility), None)
    if saved is None or place is None:
        raise Http404
    today = local_day(now(), place.time_zone)
    since, until = _day(request, "from", today - timedelta(days=DAYS)), _day(request, "to", today)
    codes = sorted({version.code for version in tariffs_of(place.id)})
    of = typed(request.GET, "of")
    context: dict[str, Any] = {
        "draft": saved, "facility": place, "codes": codes, "of": of if of in codes else "", "from": since, "to": until,
        "today": today.isoformat(),
    }  # fmt: skip
    tariff, faults = _ready(saved, place)
    problem = _wrong_span(since, until)
    if tariff is None or problem:
        context |= {"faults": faults, "problem": problem}
        return page(request, "tariff_reprice.html", "office:tariffs", context, status=422 if problem else 200)
    span = (day_start(since, place.time_zone), day_start(until, place.time_zone))
    try:
        found = reprice_period(place.id, tariff, *span, of=of if of in codes else None)
    except BadStay as error:
        return page(request, "tariff_reprice.html", "office:tariffs", {**context, "faults": [str(error)]})
    form = typed(request.GET, "form")
    if form in FORMATS:
        return exported(document(found, tariff.code), form)
    return page(request, "tariff_reprice.html", "office:tariffs", context | _shown(found, place))


def _day(request: HttpRequest, name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(typed(request.GET, name))
    except ValueError:
        return otherwise


def _wrong_span(since: date, until: date) -> str:
    if until <= since:
        return _("Choose a first day before the last one.")
    if (until - since).days > MOST_DAYS:
        return _("Choose at most %(days)s days.") % {"days": MOST_DAYS}
    return ""


def _ready(saved: SavedTariffDraft, place: Place) -> tuple[Tariff | None, list[str]]:
    """Return the draft's tariff if stays can be charged by it, else what is wrong with it."""
    try:
        tariff = from_json(saved.document)
    except UnreadableTariff as error:
        return None, [str(error)]
    faults = [f"{where}: {naming.problem_in_words(what)}" for where, what in problems(tariff).items()]
    if tariff.currency != place.currency or tariff.time_zone != place.time_zone:
        faults.append(_("Its currency and time zone must be those of the facility."))
    return (None, faults) if faults else (tariff, [])


def _shown(found: Repricing, place: Place) -> dict[str, Any]:
    compared = found.compared
    whole = compared.whole
    return {
        "found": found,
        "whole": whole,
        "same": whole.stays - whole.more - whole.less,
        "percent": _percent(whole),
        "picture": pairs([(_short(one.name), one) for one in compared.days], _("What comes in by day"), place.currency),
        "hours_picture": pairs(
            [(one.name, one) for one in compared.hours], _("What comes in by hour of entry"), place.currency
        ),
        "groups": [(group, [(name, one, _percent(one)) for name, one in group.rows]) for group in _groups(compared)],
        "examples": [
            (_("Whose price rises most"), [_example(one) for one in compared.dearer]),
            (_("Whose price falls most"), [_example(one) for one in compared.cheaper]),
        ],
        "left_out": _left_out(found),
    }


class _Group(NamedTuple):
    """Rows of one kind, each with what it is called; `head` names their first column."""

    key: str
    title: str
    head: str
    rows: list[tuple[str, Sums]]


def _groups(compared: Compared) -> list[_Group]:
    days = [(day_words(date.fromisoformat(one.name)), one) for one in compared.days]
    hours = [(f"{one.name}:00", one) for one in compared.hours]
    categories = [(category_name(one.name), one) for one in compared.categories]
    zones = [(zones_words(one.name), one) for one in compared.zones]
    return [
        _Group("zones", _("By zones seen"), _("Zones"), zones),
        _Group("categories", _("By category"), _("Category"), categories),
        _Group("hours", _("By hour of entry"), _("Hour"), hours),
        _Group("days", _("By day"), _("Day"), days),
    ]


def zones_words(name: str) -> str:
    """Return the zones that stays saw, in words."""
    return " + ".join(zone_name(code) for code in name.split(" + ")) if name else _("none")


def _short(day: str) -> str:
    return f"{int(day[8:])}.{day[5:7]}"


def _percent(sums: Sums) -> str:
    """Return the change in percent of what came in, with its sign; "" where nothing did."""
    if not sums.before:
        return ""
    tenths = round(1000 * sums.change / sums.before)
    sign = "+" if tenths > 0 else "−" if tenths < 0 else ""
    point = "." if language() == "en" else ","
    return f"{sign}{abs(tenths) // 10}{point}{abs(tenths) % 10}\u00a0%"


def _example(one: Example) -> dict[str, Any]:
    stay = one.known.stay
    zones = dict.fromkeys(move.zone for move in stay.moves if move.zone)
    return {
        "at": stay.moves[0].at,
        "minutes": int((stay.ended - stay.moves[0].at).total_seconds()) // 60,
        "category": category_name(stay.category),
        "package": package_name(stay.package) if stay.package else "",
        "zones": " + ".join(zone_name(zone) for zone in zones),
        "before": one.before,
        "after": one.after,
        "change": one.change,
    }


def _left_out(found: Repricing) -> list[tuple[str, int]]:
    kinds = {"category": _("category %(name)s"), "package": _("package %(name)s")}
    named = (what.partition(" ") for what in found.left_out)
    return [
        (kinds[kind] % {"name": category_name(name) if kind == "category" else package_name(name)}, count)
        for (kind, _space, name), count in zip(named, found.left_out.values(), strict=True)
    ]


def pairs(rows: Sequence[tuple[str, Sums]], label: str, currency: str) -> SafeString:
    """Return a chart of pairs of columns: what came in, and beside it what would. Read from left to right.

    Screen readers get the label and every pair; a pointer over a pair shows it.
    """
    most = max((max(one.before, one.after) for _name, one in rows), default=0) or 1
    step = _WIDE / max(1, len(rows))
    every = max(1, -(-len(rows) // _NAMED))

    def high(amount: int) -> int:
        return round(_HIGH * max(0, amount) / most)

    told = [f"{name}: {amount_text(one.before)} → {amount_text(one.after)} {currency}" for name, one in rows]
    drawn = format_html_join(
        "",
        '<g><title>{}</title><rect class="reprice-before" x="{}%" y="{}" width="{}%" height="{}"/>'
        '<rect class="reprice-after" x="{}%" y="{}" width="{}%" height="{}"/></g>',
        (
            (
                said,
                round((n * step + step * 0.12) / 10, 2), 20 + _HIGH - high(one.before), round(step * 0.036, 2), high(one.before),
                round((n * step + step * 0.5) / 10, 2), 20 + _HIGH - high(one.after), round(step * 0.036, 2), high(one.after),
            )
            for n, ((_name, one), said) in enumerate(zip(rows, told, strict=True))
        ),
    )  # fmt: skip
    names = format_html_join(
        "",
        '<text class="chart-value" x="{}%" y="{}">{}</text>',
        (
            (round((n * step + step * 0.12) / 10, 2), _HIGH + 38, name)
            for n, (name, _one) in enumerate(rows)
            if n % every == 0
        ),
    )
    return format_html(
        '<svg class="reprice" role="img" aria-label="{}: {}"><text class="chart-value" x="0" y="13">{}</text>'
        '<line class="chart-line" x1="0" x2="100%" y1="20" y2="20"/>{}'
        '<line class="chart-line" x1="0" x2="100%" y1="{}" y2="{}"/>{}</svg>',
        label, "; ".join(told), f"{amount_text(most)} {currency}", drawn, 20 + _HIGH, 20 + _HIGH, names,
    )  # fmt: skip


def document(found: Repricing, code: str) -> Document:
    """Return a comparison as tables for other programs: by day first, as CSV holds one table."""
    columns = [
        Column(_("Stays"), "count"), Column(_("Came in"), "money"), Column(_("Would come in"), "money"),
        Column(_("Change"), "money"), Column(_("Pay more"), "count"), Column(_("Pay less"), "count"),
        Column(_("More in all"), "money"), Column(_("Less in all"), "money"),
    ]  # fmt: skip
    tables = [
        Table(
            group.title,
            [Column(group.head), *columns],
            [*(_row(name, one) for name, one in group.rows), _row(_("All"), found.compared.whole)],
        )
        for group in reversed(_groups(found.compared))
    ]
    return Document(
        name=f"reprice-{code}-{_stamp(found.since, found)}-{_stamp(found.until, found)}",
        title=_("Stays under tariff %(code)s") % {"code": code},
        tables=tables,
        time_zone=found.time_zone,
        lines=[
            _("Stays that began from %(since)s until %(until)s")
            % {"since": local_time(found.since, found.time_zone), "until": local_time(found.until, found.time_zone)},
            *(f"{_('Left out')}: {what} ({count})" for what, count in _left_out(found)),
        ],
    )


def _row(name: str, one: Sums) -> list[Any]:
    return [name, one.stays, one.before, one.after, one.change, one.more, one.less, one.rise, one.fall]


def _stamp(at: datetime, found: Repricing) -> str:
    return local_day(at, found.time_zone).isoformat()
