"""The record: operations by kind, who and day; one operation with the proof of its place."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from karnet.faces.backoffice.frame import LOOKS, actor_titles, facilities, gates_called, page, typed
from karnet.faces.base.access import allow
from karnet.journal.browsing import browse, kinds_recorded, whole
from karnet.kernel.time import day_end, day_start
from karnet.parties.finding import parties_called


@allow(*LOOKS)
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    """List operations, the latest first."""
    kind, who = typed(request.GET, "kind", 64), typed(request.GET, "who", 100)
    day, before = _day(request.GET.get("day", "")), request.GET.get("before", "")
    places = facilities()
    time_zone = places[0].time_zone if places else "UTC"
    found = browse(
        kind=kind,
        actors=_actors(who) if who else None,
        since=day_start(day, time_zone) if day else None,
        until=day_end(day, time_zone) if day else None,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )
    titles = actor_titles(list({operation.actor for operation in found.operations}))
    query = request.GET.copy()
    query["before"] = str(found.before)
    context = {
        "operations": [(operation, titles[operation.actor]) for operation in found.operations],
        "older": query.urlencode() if found.before is not None else "",
        "kinds": kinds_recorded(),
        "kind": kind,
        "who": who,
        "day_asked": day.isoformat() if day else "",
        "zone": time_zone,
    }
    return page(request, "record.html", "office:record", context)


@allow(*LOOKS)
@require_safe
def operation(request: HttpRequest, operation: UUID) -> HttpResponse:
    """Show an operation: its entry, who and when, its place in the log and the checkpoint over it."""
    found = whole(operation)
    if found is None:
        raise Http404
    places = facilities()
    context = {
        "found": found,
        "who": actor_titles([found.listed.actor])[found.listed.actor],
        "entry": _pretty(found.entry),
        "body": _pretty(found.body) if found.body else "",
        "zone": places[0].time_zone if places else "UTC",
    }
    return page(request, "operation.html", "office:record", context)


def _actors(text: str) -> list[UUID]:
    """Return whoever a text means: part of a code or name, a gate, or an id."""
    found = [party.id for party in parties_called(text)]
    found += gates_called(text)
    with suppress(ValueError):
        found.append(UUID(text))
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _pretty(data: bytes) -> str:
    """Return JSON with one member a line, for eyes; what is sealed are the bytes without the spaces."""
    return json.dumps(json.loads(data), indent=2, ensure_ascii=False)
