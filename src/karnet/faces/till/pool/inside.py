"""Views of who is inside: by zone, by tab; and the evacuation, with the list that is printed for it (SPEC S15)."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.entitlements.selectors import media
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.faces.base.stay_words import category_name, clock_time, zone_name
from karnet.faces.base.words import language, moment
from karnet.faces.till import papers
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, at_desk, in_shift
from karnet.faces.till.pool.coming import to_bill
from karnet.faces.till.pool.screen import zone_heads
from karnet.kernel.outcomes import Refused
from karnet.orders.tabs import TabSummary, tab_by_number, tabs, unsettled_tabs
from karnet.stays.explaining import evacuated_since
from karnet.stays.requests import Evacuate, Resume
from karnet.stays.selectors import stays_inside
from karnet.stays.services import evacuate, resume

SHOWN = 500


class Present(NamedTuple):
    """Somebody whose stay goes on. `zone` in words; `code`: as it is kept ("" = not in yet)."""

    number: str
    category: str
    code: str
    zone: str
    since: str
    tab: UUID
    tab_number: str
    stay: UUID


@require_safe
@at_desk
def people(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Who is inside, by zone; open tabs that nobody is on any more. `?q=`: a band, or a tab by its number."""
    searched = request.GET.get("q", "").strip()[:64]
    if searched:
        found = tab_by_number(desk.facility.id, searched) or tab_by_number(desk.facility.id, searched.upper())
        if found is not None:
            return to_bill(request, found, [])
    listed = present(desk)
    if searched:
        listed = [one for one in listed if searched.lower() in one.number.lower()]
    context = {
        "desk": desk, "people": listed[:SHOWN], "searched": searched, "zones": zone_heads(desk.facility.id),
        "left": _left(desk, {one.tab for one in listed}) if not searched else [],
        "evacuated": evacuated_since(desk.facility.id),
    }  # fmt: skip
    return render(request, "till/pool/people.html", context)


@require_safe
@at_desk
def heads_now(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Heads per zone alone: a part of the page that is asked for again and again. `?here=inside`: it stands on that page."""
    return render(request, "till/pool/zones.html", {"desk": desk, "zones": zone_heads(desk.facility.id)})


def present(desk: Desk) -> list[Present]:
    """Return whose stays go on at the facility, those who are in a zone first, by zone and since when."""
    going_on = list(stays_inside(desk.facility.id).values())
    bands = media([stay.medium for stay in going_on])
    numbers = {id_: tab.number for id_, tab in tabs({stay.tab for stay in going_on}).items()} if going_on else {}
    found = [
        Present(
            number=bands[stay.medium].number,
            category=category_name(stay.category),
            code=stay.zone,
            zone=zone_name(stay.zone),
            since=clock_time(stay.moves[-1].since if stay.moves else stay.begun_at, desk.facility)[:5],
            tab=stay.tab,
            tab_number=numbers[stay.tab],
            stay=stay.id,
        )
        for stay in going_on
    ]
    return sorted(found, key=lambda one: (not one.code, one.zone, one.since, one.number))


def _left(desk: Desk, busy: set[UUID]) -> list[TabSummary]:
    """Return open tabs on which nobody's stay goes on: something is still to be paid, or to be paid back."""
    idle = [tab for tab in unsettled_tabs(desk.facility.id) if tab not in busy]
    return list(tabs(idle[:SHOWN]).values()) if idle else []


@require_http_methods(["GET", "HEAD", "POST"])
@at_desk
def evacuation(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Begin an evacuation, said twice: gates stand open, clocks stand still. Shows who is inside until it is over."""
    refusal: Refused | None = None
    note = ""
    if request.method == "POST":
        if request.POST.get("sure") != "yes":
            note = _("Tick the box as well: nobody evacuates by mistake.")
        else:
            answer = ask(
                evacuate,
                lambda at: Evacuate(key=key_of(request), at=at, actor=desk.operator.id, facility=desk.facility.id),
            )
            if not isinstance(answer, Refused):
                return redirect("till:pool-evacuation")
            refusal = answer
    since = evacuated_since(desk.facility.id)
    context = {
        "desk": desk, "refusal": refusal, "note": note, "since": since, "zones": zone_heads(desk.facility.id),
        "people": [one for one in present(desk) if one.code],
        "may_end": role_of(request) in (Role.SUPERVISOR, Role.MANAGER),
    }  # fmt: skip
    return render(request, "till/pool/evacuation.html", context, status=422 if note or refusal else 200)


@require_POST
@in_shift
def end_evacuation(request: HttpRequest, desk: Desk) -> HttpResponse:
    """End an evacuation: clocks run again for who is inside. For supervisors and managers."""
    if role_of(request) in (Role.SUPERVISOR, Role.MANAGER):
        ask(
            resume,
            lambda at: Resume(key=key_of(request), at=at, actor=desk.operator.id, facility=desk.facility.id),
        )
    return redirect("till:pool-evacuation")


@require_safe
@at_desk
def paper(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Who is inside, as a list to tick: by zone, band, since when."""
    at, since = now(), evacuated_since(desk.facility.id)
    zones: dict[str, list[Any]] = {}
    for one in present(desk):
        if one.code:
            zones.setdefault(one.zone, []).append([one.number, one.category, one.since, one.tab_number])
    said = {
        "language": language(),
        "facility": desk.facility_name,
        "at": moment(at, desk.facility),
        "since": moment(since, desk.facility) if since else "",
        "zones": [{"name": name, "people": listed} for name, listed in zones.items()],
        "count": str(sum(len(listed) for listed in zones.values())),
        "words": {
            "title": _("Who is inside"), "as_of": _("As of"), "evacuated": _("Evacuation since"),
            "people": _("People inside"), "band": _("Band"), "category": _("Category"), "since": _("Here since"),
            "tab": _("Tab"), "out": _("Out"), "nobody": _("Nobody is inside."),
        },
    }  # fmt: skip
    headers = {"Content-Disposition": 'inline; filename="inside.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(papers.set_sheet("inside", said), content_type="application/pdf", headers=headers)
