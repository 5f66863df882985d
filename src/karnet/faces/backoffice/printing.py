"""Printers of the house: how each is, what waits at it, where its papers come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.devices.posnet.characters import CodePage
from karnet.devices.printers import (
    KnownPrinter,
    Role,
    Settings,
    add_printer,
    assign,
    printers,
    retire_printer,
)
from karnet.devices.queue import STOPPED, KnownJob, last_jobs, open_jobs, print_report, print_test, retry, settle
from karnet.faces.backoffice.frame import LOOKS, MANAGES, facilities, page, request_key, typed
from karnet.faces.base import printer_words
from karnet.faces.base.access import allow
from karnet.faces.base.clock import wall_now
from karnet.faces.base.guard import role_of
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.parties.selectors import names, sales_points, sales_points_of

_ROLES: dict[str, Role] = {"posnet": "fiscal", "escpos": "slips"}
_PAGES: tuple[CodePage, ...] = get_args(CodePage)


@allow(*LOOKS)
@require_safe
def printers_page(request: HttpRequest) -> HttpResponse:
    """Show every printer, and every paper that waits for somebody."""
    found, places = printers(), facilities()
    by_id = {one.id: one for one in found}
    waiting = [job for job in open_jobs(list(by_id)) if job.state in STOPPED]
    context = {
        "shown": [
            {
                "facility": place,
                "printers": _shown([one for one in found if one.facility == place.id]),
                "points": _points(place.id),
            }
            for place in places
            if place.retired_at is None
        ],
        "stopped": [_job(job) | {"printer": by_id[job.printer].code} for job in waiting],
        "kinds": tuple(_ROLES),
        "pages": _PAGES,
    }
    return page(request, "printers.html", "office:printers", context)


@allow(*LOOKS)
@require_safe
def printer(request: HttpRequest, printer: UUID) -> HttpResponse:
    """Show one printer with its last papers."""
    one = _found(printer)
    place = next(place for place in facilities() if place.id == one.facility)
    context = {
        "one": _shown([one])[0],
        "facility": place,
        "points": [(point, name, point.id in one.sales_points) for point, name in _points(place.id)],
        "manages": role_of(request) in MANAGES,
        "jobs": [_job(job) for job in last_jobs(printer)],
    }
    return page(request, "printer.html", "office:printers", context)


@allow(*MANAGES)
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Write a printer down, for sales points."""
    place = next((place for place in facilities() if str(place.id) == typed(request.POST, "facility")), None)
    if place is None:
        raise Http404
    kind, columns = typed(request.POST, "kind"), typed(request.POST, "columns")
    settings = Settings(
        page=next((name for name in _PAGES if name == typed(request.POST, "page")), "cp1250"),
        columns=int(columns) if columns.isascii() and columns.isdigit() and len(columns) < 4 else 42,
        drawer="drawer" in request.POST,
    )
    made = add_printer(
        place.id, typed(request.POST, "code"), kind, typed(request.POST, "address"), wall_now(), settings
    )
    if isinstance(made, Refused):
        wrong = {
            "code": _("Give it a code of letters, digits, - or _ that no other printer here has."),
            "address": _("Write where it is, such as tcp://10.0.0.7:6666 or serial:///dev/ttyUSB0?baud=9600."),
            "kind": _("Choose what kind of printer it is."),
            "settings": _("A line has 20 to 64 characters."),
        }
        told = [wrong[field] for field in wrong if field in made.facts]
        messages.error(request, " ".join(told) or refusal(made))
        return redirect("office:printers")
    _assign(request, place.id, made, _ROLES[kind])
    messages.success(request, _("Added. It is asked how it is within half a minute."))
    return redirect("office:printer", made)


@allow(*LOOKS)
@require_POST
def change(request: HttpRequest, printer: UUID) -> HttpResponse:
    """Make the daily report; for managers: change whose papers come out there, print a test, use it no more."""
    one, what = _found(printer), typed(request.POST, "what")
    if what != "report" and role_of(request) not in MANAGES:
        raise PermissionDenied
    if what == "points":
        _assign(request, one.facility, one.id, _ROLES[one.kind])
        messages.success(request, _("Saved."))
    elif what == "test" and print_test(one.id, wall_now()):
        messages.success(request, _("A test slip is being printed."))
    elif what == "report" and print_report(one.id, wall_now(), request_key(request)):
        messages.success(request, _("The daily report is being printed."))
    elif what == "end" and retire_printer(one.id, wall_now()):
        messages.success(request, _("It is used no more."))
        return redirect("office:printers")
    return redirect("office:printer", printer)


@allow(*LOOKS)
@require_POST
def paper(request: HttpRequest, job: UUID) -> HttpResponse:
    """End a paper that stands still: print it again, or note that it is on paper, or that it is not printed."""
    what = typed(request.POST, "what")
    if what == "again":
        done = retry(job)
    else:
        done = what in ("printed", "dropped") and settle(job, what, wall_now())  # type: ignore[arg-type]
    if done:
        messages.success(request, _("It is being printed.") if what == "again" else _("Noted."))
    else:
        messages.error(request, _("Somebody was faster: it does not wait for anybody any more."))
    return redirect("office:printers")


def _assign(request: HttpRequest, facility: UUID, printer: UUID, role: Role) -> None:
    chosen = set(request.POST.getlist("point"))
    held = next((one.sales_points for one in printers([facility]) if one.id == printer), {})
    for point in sales_points_of(facility):
        if str(point.id) in chosen:
            assign(point.id, role, printer)
        elif point.id in held:
            assign(point.id, role, None)


def _points(facility: UUID) -> list[tuple[Any, str]]:
    found = [point for point in sales_points_of(facility) if not point.retired_at]
    called = names([point.id for point in found])
    return [(point, called.get(point.id) or point.code) for point in found]


def _found(printer: UUID) -> KnownPrinter:
    found = next((one for one in printers() if one.id == printer), None)
    if found is None:
        raise Http404
    return found


def _shown(found: Sequence[KnownPrinter]) -> list[dict[str, Any]]:
    points = sales_points({point for one in found for point in one.sales_points})
    return [
        {
            "id": one.id,
            "code": one.code,
            "kind": one.kind,
            "address": one.address,
            "seen": one.looked_at,
            "since": one.state_since,
            "ready": one.looked_at is not None and not one.state,
            "state": printer_words.state(one.state) if one.looked_at else _("not asked yet"),
            "todo": printer_words.todo(one.state),
            "points": ", ".join(points[point].code for point in one.sales_points if point in points),
            "waiting": one.waiting,
            "stopped": one.stopped,
        }
        for one in found
    ]


def _job(job: KnownJob) -> dict[str, Any]:
    return {
        "job": job,
        "name": printer_words.named(job),
        "state": printer_words.JOBS[job.state],
        "why": printer_words.why(job),
        "stopped": job.state in STOPPED,
    }
