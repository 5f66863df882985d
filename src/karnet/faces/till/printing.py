"""Printers at the till: what they have to say above every page, and the papers of a sale. No sale waits for one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from karnet.devices.printers import KnownPrinter, printers
from karnet.devices.queue import STOPPED, jobs_of_orders, open_jobs, print_copy, print_order, retry, settle
from karnet.faces.base import printer_words
from karnet.faces.base.clock import wall_now
from karnet.faces.base.status_lines import StatusLine
from karnet.faces.till.asking import key_of
from karnet.faces.till.desk import Desk, at_desk
from karnet.orders.selectors import orders


def printer_lines(at: datetime, zone: str, facility: UUID | None) -> list[StatusLine]:
    """Say which printers of a facility cannot print, what waits for them, and what waits for somebody to look."""
    found = [one for one in printers(None if facility is None else [facility]) if one.sales_points]
    lines = [_line(one) for one in found if one.state not in ("", "busy")]
    stopped = [one.id for one in found if one.stopped]
    if stopped:
        told = _("Receipt %(number)s needs a look: open the sale. Papers that wait for somebody: %(n)s.")
        first = next((job for job in open_jobs(stopped) if job.state in STOPPED), None)
        if first is not None:
            count = sum(one.stopped for one in found)
            lines.append(StatusLine("warn", told % {"number": first.title, "n": count}))
    return lines


def _line(printer: KnownPrinter) -> StatusLine:
    told = _("Printer %(name)s: %(state)s. %(todo)s Papers waiting: %(n)s; go on selling, they print by themselves.")
    state, todo = printer_words.state(printer.state), printer_words.todo(printer.state)
    return StatusLine("warn", told % {"name": printer.code, "state": state, "todo": todo, "n": printer.waiting})


def papers_of(order: UUID) -> list[dict[str, Any]]:
    """Return the papers of a sale, as its page shows them."""
    return [
        {
            "job": job,
            "name": printer_words.named(job),
            "state": printer_words.JOBS[job.state],
            "why": printer_words.why(job),
            "stopped": job.state in STOPPED,
        }
        for job in jobs_of_orders([order]).get(order, [])
    ]


@require_POST
@at_desk
def print_again(request: HttpRequest, desk: Desk, order: UUID) -> HttpResponse:
    """Print a sale's receipt, or a copy of it once it was printed."""
    _ours(desk, order)
    if not jobs_of_orders([order]) and print_order(order):
        messages.success(request, _("It is being printed."))
    elif print_copy(order, key_of(request)):
        messages.success(request, _("A copy is being printed."))
    else:
        messages.warning(request, _("No printer prints copies here: open the receipt on the screen and print it."))
    return redirect("till:order", order)


@require_POST
@at_desk
def paper(request: HttpRequest, desk: Desk, order: UUID, job: UUID) -> HttpResponse:
    """End what nobody but whoever sees the paper can tell: it is on paper, or it is printed again."""
    _ours(desk, order)
    if job not in {one.id for one in jobs_of_orders([order]).get(order, [])}:
        raise Http404
    what = request.POST.get("what", "")
    done = settle(job, "printed", wall_now()) if what == "seen" else what == "again" and retry(job)
    if done:
        messages.success(request, _("Noted.") if what == "seen" else _("It is being printed."))
    return redirect("till:order", order)


def _ours(desk: Desk, order: UUID) -> None:
    """Raise Http404 for a sale of another facility: its papers come out there."""
    found = orders([order]).get(order)
    if found is None or found.facility != desk.facility.id:
        raise Http404
