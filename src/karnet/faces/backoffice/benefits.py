"""Passes in the back office: whom to remind of instalments, and what issuers of benefit cards owe (SPEC S10, S17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from karnet.faces.backoffice.exporting import FORMATS, Column, Document, Table, exported
from karnet.faces.backoffice.frame import LOOKS, READS_PASSES, facilities, page
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.faces.base.words import day, language, money
from karnet.kernel.time import local_day
from karnet.parties.selectors import EnrolledFacility, all_facilities
from karnet.passes.benefits import BenefitEntry, entries, programmes
from karnet.passes.selectors import due_instalments, kinds_offered, passes


def document(
    facility: EnrolledFacility, programme: str, first: date, last: date, listed: Sequence[BenefitEntry]
) -> Document:
    """Return the list of a programme's entries from one day to another, to be exported."""
    total, vat = sum(one.amount for one in listed), sum(one.vat for one in listed)
    columns = (
        Column(_("Time"), "time"), Column(_("Card")), Column(_("Category")), Column(_("Amount"), "money"),
        Column(_("VAT"), "money"),
    )  # fmt: skip
    rows = [(one.at, one.number, one.category, one.amount, one.vat) for one in listed]
    sums = _("%(count)s entries, %(amount)s, of that VAT %(vat)s") % {
        "count": len(listed), "amount": money(total, facility.currency), "vat": money(vat, facility.currency),
    }  # fmt: skip
    return Document(
        name=f"{programme}-{first:%Y-%m}",
        title=_("Entries on %(programme)s cards") % {"programme": programme},
        tables=[Table(_("Entries"), columns, rows)],
        time_zone=facility.time_zone,
        lines=[facility.code, f"{day(first)} – {day(last)}", sums],
    )


@allow(*READS_PASSES)
@require_safe
def passes_page(request: HttpRequest) -> HttpResponse:
    """Show whom to remind of instalments, and what issuers of benefit cards owe for a month, facility by facility."""
    at = now()
    shown = []
    for place in facilities():
        here = local_day(at, place.time_zone)
        first, last = _month(request.GET.get("month", ""), here)
        due = due_instalments(place.id, here + timedelta(days=_REMIND_DAYS))
        seen = passes({one.of for one in due}, at)
        owing = [
            {
                "programme": programme,
                "name": programme.names.get(language()) or programme.code,
                "entries": len(listed := entries(place.id, programme.code, first, last)),
                "amount": sum(one.amount for one in listed),
            }
            for programme in programmes([place.id]).values()
        ]
        if due or owing or kinds_offered(place.id):
            rows = [
                {"due": one, "number": seen[one.of].number, "days_late": max(0, (here - one.due_on).days)}
                for one in due
            ]
            shown.append({"place": place, "due": rows, "owing": owing, "first": first, "month": f"{first:%Y-%m}"})
    context = {
        "shown": shown,
        "month": request.GET.get("month", ""),
        # An accountant reads who is late, and has no pages of cards.
        "opens_cards": role_of(request) in (*LOOKS, Role.AUDITOR),
    }
    return page(request, "passes.html", "office:passes", context)


@allow(*READS_PASSES)
@require_safe
def benefit_file(request: HttpRequest, facility: UUID, programme: str, month: str, form: str) -> HttpResponse:
    """Export the month's entries on cards of a programme."""
    place = next((one for one in all_facilities() if one.id == facility), None)
    if place is None or form not in FORMATS:
        raise Http404
    first, last = _month(month, date.min)
    if first == date.min:
        raise Http404
    return exported(document(place, programme, first, last, entries(place.id, programme, first, last)), form)


_REMIND_DAYS = 14


def _month(text: str, otherwise: date) -> tuple[date, date]:
    """Return the first and last day of a month written as 2026-01, or of that of a day."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = otherwise.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
