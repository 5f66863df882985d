"""Views that put right what went wrong: a band that is lost, a reading that was missed or wrong, a stay that never ended.
Each asks for the reason; it is on the record with whoever sat here (SPEC S15)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from karnet.faces.base import words
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.faces.base.stay_words import zone_name
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.pool.coming import uuid_of
from karnet.faces.till.pool.leaving import anew
from karnet.faces.till.selling import find_card
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day, local_instant
from karnet.stays.requests import Correct, ForceClose, LoseBand
from karnet.stays.selectors import stay_states
from karnet.stays.services import correct, force_close, lose_bands

Answer = tuple[Refused | None, str]


@require_POST
@in_shift
def lost(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Block a lost band and charge its fee; the stay goes on on a new one, where one is read."""
    stay, code = _stay(request, tab), request.POST.get("code", "lost")
    new = request.POST.get("new", "").strip()[:64]
    if stay is None:
        return _no_stay(request, desk, tab)
    known = find_card(new) if new else None
    chosen: Any = code
    answer = ask(
        lose_bands,
        lambda at: LoseBand(
            key=key_of(request), at=at, actor=desk.operator.id, sales_point=desk.place, stay=stay, code=chosen,
            new_number=known.number if known else new, new_chip=known.chip if known else "",
        ),
    )  # fmt: skip
    if isinstance(answer, Refused):
        return anew(request, desk, tab, [stay], refusal=answer)
    fee = words.money(answer.fee, desk.facility)
    done = _("The band is blocked. Its fee of %(fee)s is on the tab.") % {"fee": fee}
    if new:
        done = _("The stay goes on on band %(number)s. A fee of %(fee)s is on the tab.") % {"number": new, "fee": fee}
    return anew(request, desk, tab, [stay], done=done)


@require_POST
@in_shift
def missed(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """Put a reading in, or take a wrong one off the meter; the bill follows."""
    stay = _stay(request, tab)
    if stay is None:
        return _no_stay(request, desk, tab)
    drop, since = uuid_of(request.POST.get("drop", "")), None
    zone: str | None = request.POST.get("zone", "")[:64]
    if drop is None or request.POST.get("since", "").strip():
        since = _instant(request.POST.get("since", ""), desk)
        if since is None:
            return anew(request, desk, tab, [stay], note=_("Write the time as 14:05."), status=422)
    else:
        zone = None
    reason: Any = request.POST.get("reason", "")
    answer = ask(
        correct,
        lambda at: Correct(
            key=key_of(request), at=at, actor=desk.operator.id, stay=stay, reason=reason, drop=drop, zone=zone, since=since
        ),
    )  # fmt: skip
    if isinstance(answer, Refused):
        return anew(request, desk, tab, [stay], refusal=answer)
    done = _("Put right. Now: %(zone)s. This is the bill as it follows from it.") % {"zone": zone_name(answer.zone)}
    return anew(request, desk, tab, [stay], done=done)


@require_POST
@in_shift
def forced(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    """End a stay by hand: its band never came back. Only supervisors and managers forgive what is owed."""
    stay = _stay(request, tab)
    if stay is None:
        return _no_stay(request, desk, tab)
    forgiven = request.POST.get("debt") == "forgiven"
    if forgiven and role_of(request) not in (Role.SUPERVISOR, Role.MANAGER):
        return anew(
            request, desk, tab, [stay], note=_("Only a supervisor or manager forgives what is owed."), status=422
        )
    until = None
    if request.POST.get("until", "").strip():
        until = _instant(request.POST["until"], desk)
        if until is None:
            return anew(request, desk, tab, [stay], note=_("Write the time as 14:05."), status=422)
    reason: Any = request.POST.get("reason", "")
    answer = ask(
        force_close,
        lambda at: ForceClose(
            key=key_of(request), at=at, actor=desk.operator.id, stay=stay, reason=reason,
            debt="forgiven" if forgiven else "charged", until=until,
        ),
    )  # fmt: skip
    if isinstance(answer, Refused):
        return anew(request, desk, tab, [stay], refusal=answer)
    owed = words.money(answer.owed, desk.facility)
    done = _("The stay is ended. On the tab is still owed: %(amount)s.") % {"amount": owed}
    return anew(request, desk, tab, [], done=done)


def _stay(request: HttpRequest, tab: UUID) -> UUID | None:
    """Return the stay that a form names, if it is one of this tab."""
    named = uuid_of(request.POST.get("stay", ""))
    state = stay_states([named]).get(named) if named else None
    return state.id if state is not None and state.tab == tab else None


def _no_stay(request: HttpRequest, desk: Desk, tab: UUID) -> HttpResponse:
    return anew(request, desk, tab, [], refusal=refused(Reason.NO_STAY))


def _instant(typed: str, desk: Desk) -> datetime | None:
    """Return the last time before now at which the wall clock showed what was typed: "14:05" or "14:05:30"."""
    try:
        wall = time.fromisoformat(typed.strip())
    except ValueError:
        return None
    if wall.tzinfo is not None:
        return None
    place, today = desk.facility.time_zone, local_day(now(), desk.facility.time_zone)
    at = local_instant(today, wall, place)
    return at if at <= now() else local_instant(today - timedelta(days=1), wall, place)
