"""Views of lockers: the plan of a section, one locker with who had it, and what staff do: open, block, free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.faces.displays.changing import Cell, Plan, drawn
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, at_desk
from karnet.faces.till.lockers.wording import BLOCKED, FREED, OPENED
from karnet.faces.till.selling import find_card
from karnet.faces.till.words import called
from karnet.kernel.outcomes import Refused
from karnet.lockers import selectors
from karnet.lockers.requests import BlockLocker, FreeLocker, LockerNow, OpenLocker, UnblockLocker
from karnet.lockers.selectors import LockerSeen, SectionSeen
from karnet.lockers.services import block_lockers, free_lockers, open_lockers, unblock_lockers
from karnet.orders.tabs import tabs
from karnet.parties.selectors import names


class Door(NamedTuple):
    """A locker on the drawing."""

    cell: Cell
    seen: LockerSeen


class Taken(NamedTuple):
    """Who is where. `tab_number`: of the tab, where the locker was given to somebody on one."""

    seen: LockerSeen
    tab_number: str


class Past(NamedTuple):
    """What happened at a locker, in words."""

    at: datetime
    until: datetime | None
    band: str
    what: str
    by: str


@require_safe
@at_desk
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the plan of a section (`?section=`, else the first). `?q=`: a locker or a band by its number; one found is shown."""
    sections = selectors.sections(desk.facility.id)
    searched, found = request.GET.get("q", "").strip()[:64], []
    if searched:
        card = find_card(searched)
        found = selectors.find(desk.facility.id, card.number if card else searched)
        if len(found) == 1:
            return redirect("till:locker", found[0][0])
    asked = request.GET.get("section", "")
    chosen = next((one for one in sections if one.section.code == asked), sections[0] if sections else None)
    context = {"desk": desk, "sections": sections, "chosen": chosen, "searched": searched, "found": found}
    return render(request, "till/lockers/home.html", context | (_drawing(chosen) if chosen else {}))


@require_safe
@at_desk
def one(request: HttpRequest, desk: Desk, locker: UUID) -> HttpResponse:
    """Show a locker: who has it, what may be done, who had it."""
    return _show(request, desk, locker)


@require_POST
@at_desk
def act(request: HttpRequest, desk: Desk, locker: UUID) -> HttpResponse:
    """Open, block, unblock or free a locker, in the name of whoever is signed in."""
    _known(desk, locker)
    answer, done = _done(request, desk, locker)
    refusal = answer if isinstance(answer, Refused) else None
    return _show(request, desk, locker, refusal=refusal, done="" if refusal else done, status=422 if refusal else 200)


def _done(request: HttpRequest, desk: Desk, locker: UUID) -> tuple[LockerNow | Refused | None, str]:
    given: dict[str, Any] = {"key": key_of(request), "actor": desk.operator.id, "locker": locker}
    reason: Any = request.POST.get("reason", "")
    answer: LockerNow | Refused
    match request.POST.get("do"):
        case "open" if reason in OPENED:
            answer = ask(open_lockers, lambda at: OpenLocker(at=at, reason=reason, **given))
            return answer, _("The locker opens. That it was opened is on the record.")
        case "block" if reason in BLOCKED:
            answer = ask(block_lockers, lambda at: BlockLocker(at=at, reason=reason, **given))
            return answer, _("The locker is blocked: nobody is given it.")
        case "unblock":
            answer = ask(unblock_lockers, lambda at: UnblockLocker(at=at, **given))
            return answer, _("The locker is in use again.")
        case "free":
            answer = ask(free_lockers, lambda at: FreeLocker(at=at, **given))
            return answer, _("The locker is free.")
    raise Http404


def _drawing(chosen: SectionSeen) -> dict[str, Any]:
    seen = {one.locker.id: one for one in selectors.plan(chosen.section.id)}
    plan: Plan = drawn(one.locker for one in seen.values())
    return {
        "plan": plan,
        "doors": [Door(cell, seen[cell.id]) for cell in plan.cells],
        "taken": _taken([one for one in seen.values() if one.state == "taken"]),
        "blocked": [(one, called(BLOCKED, one.locker.block_reason or "")) for one in seen.values() if one.locker.block],
    }


def _taken(seen: Sequence[LockerSeen]) -> list[Taken]:
    parties = {one.party for one in seen if one.party is not None}
    known = tabs(parties) if parties else {}
    return [Taken(one, known[one.party].number if one.party is not None and one.party in known else "") for one in seen]


def _known(desk: Desk, locker: UUID) -> tuple[Any, LockerSeen]:
    found = selectors.locker(locker)
    if found is None or found[0].facility != desk.facility.id:
        raise Http404
    return found


def _show(
    request: HttpRequest, desk: Desk, locker: UUID, *, refusal: Refused | None = None, done: str = "", status: int = 200
) -> HttpResponse:
    section, seen = _known(desk, locker)
    used = selectors.history(locker)
    said = names({one.actor for one in used if one.actor is not None})
    past = [
        Past(
            at=one.at,
            until=one.until,
            band=one.band,
            what=called(OPENED, one.what) if one.opened else called(FREED, one.what) if one.what else "",
            by=(said.get(one.actor) or str(one.actor)) if one.actor else "",
        )
        for one in used
    ]
    context = {
        "desk": desk, "section": section, "seen": seen, "past": past, "refusal": refusal, "done": done,
        "taken": _taken([seen])[0], "why_blocked": called(BLOCKED, seen.locker.block_reason or ""),
        "open_reasons": [(code, called(OPENED, code)) for code in OPENED],
        "block_reasons": [(code, called(BLOCKED, code)) for code in BLOCKED],
    }  # fmt: skip
    return render(request, "till/lockers/locker.html", context, status=status)
