"""Facilities with their gates, sales points and operators: enrolling, naming, retiring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.access.selectors import gates
from karnet.access.services import EnrolGate, enrol_gates
from karnet.accounts.services import OpenBooks, open_books
from karnet.faces.backoffice.frame import MANAGES, actor_of, facilities, instant_of, page, request_key, typed
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused, bad_values
from karnet.parties.finding import all_parties
from karnet.parties.invoicing import save_seller, sellers
from karnet.parties.operations import SalesPointKind
from karnet.parties.selectors import actors, names
from karnet.parties.services import (
    CompanyDetails,
    EnrolFacility,
    Enrolled,
    EnrolOperator,
    EnrolSalesPoint,
    Retire,
    enrol_facilities,
    enrol_operators,
    enrol_sales_points,
    rename,
    retire,
)

Common = dict[str, Any]


@allow(*MANAGES)
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """Show every facility with what belongs to it."""
    parties, all_gates = all_parties(), gates()
    ids = [party.id for party in parties] + [gate.id for gate in all_gates]
    acting, gate_names = actors(ids), names([gate.id for gate in all_gates])
    shown, known = [], facilities()
    companies = sellers([facility.id for facility in known], now())
    for facility in known:
        below = [party for party in parties if party.code.startswith(f"{facility.code}/")]
        shown.append(
            {
                "facility": facility,
                "company": companies.get(facility.id),
                "gates": [
                    (gate, gate_names.get(gate.id, ""), acting[gate.id].retired_at)
                    for gate in all_gates
                    if gate.facility == facility.id
                ],
                "groups": [
                    (kind, [(party, acting[party.id].retired_at) for party in below if party.kind == kind])
                    for kind in ("sales_point", "operator")
                ],
            }
        )
    context = {"shown": shown, "kinds": get_args(SalesPointKind), "no_operator": actor_of(request) is None}
    return page(request, "places.html", "office:places", context)


@allow(*MANAGES)
@require_POST
def enrol(request: HttpRequest, kind: str) -> HttpResponse:
    """Enrol a facility (and open its books), a gate, a sales point or an operator."""
    make = _ENROLMENTS.get(kind)
    actor = actor_of(request)
    if make is None:
        raise Http404
    if actor is None:
        return _told(request, _("Your log-in belongs to no operator, and an enrolment names who did it."))
    answer = make(request, {"key": request_key(request), "at": instant_of(request), "actor": actor})
    if isinstance(answer, Refused):
        return _told(request, refusal(answer))
    messages.success(request, _("Enrolled."))
    return redirect("office:places")


@allow(*MANAGES)
@require_POST
def name(request: HttpRequest, party: UUID) -> HttpResponse:
    """Give a party another display name; an empty one erases it."""
    if party not in actors([party]):
        raise Http404
    rename(party, _text(request, "name"))
    messages.success(request, _("Saved."))
    return redirect("office:places")


@allow(*MANAGES)
@require_POST
def company(request: HttpRequest, facility: UUID) -> HttpResponse:
    """Write down the company behind a facility: what its invoices and receipts say from now on."""
    if facility not in {one.id for one in facilities()}:
        raise Http404
    details = CompanyDetails(
        name=_text(request, "name"),
        tax_number=_text(request, "tax_number"),
        address=_text(request, "address"),
        country=_text(request, "country"),
    )
    answer = save_seller(facility, details, now())
    if isinstance(answer, Refused):
        wrong = {
            "name": _("Write the name."),
            "address": _("Write the address."),
            "country": _("Write the two letters of the country, such as PL."),
            "tax_number": _("This is no valid tax number: a NIP has ten digits, and the last one checks the others."),
        }
        return _told(request, " ".join(wrong[field] for field in wrong if field in answer.facts))
    messages.success(request, _("Saved."))
    return redirect("office:places")


@allow(*MANAGES)
@require_POST
def end(request: HttpRequest, party: UUID) -> HttpResponse:
    """Let a party act no more, with all that belongs to it."""
    actor = actor_of(request)
    if actor is None:
        return _told(request, _("Your log-in belongs to no operator, and an enrolment names who did it."))
    (answer,) = retire([Retire(key=request_key(request), at=instant_of(request), actor=actor, party=party)])
    if isinstance(answer, Refused):
        return _told(request, refusal(answer))
    messages.success(request, _("It acts no more."))
    return redirect("office:places")


def _told(request: HttpRequest, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return redirect("office:places")


def _facility(request: HttpRequest, common: Common) -> object:
    asked = EnrolFacility(
        **common,
        code=_text(request, "code"),
        currency=_text(request, "currency").upper(),
        time_zone=_text(request, "time_zone"),
        name=_text(request, "name"),
    )
    (answer,) = enrol_facilities([asked])
    if isinstance(answer, Enrolled):
        at: datetime = common["at"]
        books = OpenBooks(
            key=f"{common['key']}:books"[:200],
            at=at,
            actor=common["actor"],
            facility=answer.id,
            currency=asked.currency,
        )
        (opened,) = open_books([books])
        return opened
    return answer


def _gate(request: HttpRequest, common: Common) -> object:
    passback_s, grant_s = _whole(request, "passback_s"), _whole(request, "grant_s")
    if passback_s is None or grant_s is None:
        return bad_values({"passback_s": "must be whole seconds", "grant_s": "must be whole seconds"})
    direction = _text(request, "direction")
    asked = EnrolGate(
        **common,
        facility=_id(request),
        code=_text(request, "code"),
        direction="out" if direction == "out" else "in",
        passback_s=passback_s,
        reports_turn="reports_turn" in request.POST,
        grant_s=grant_s,
        name=_text(request, "name"),
    )
    return enrol_gates([asked])[0]


def _sales_point(request: HttpRequest, common: Common) -> object:
    kind: Any = _text(request, "kind")
    asked = EnrolSalesPoint(
        **common, facility=_id(request), code=_text(request, "code"), kind=kind, name=_text(request, "name")
    )
    return enrol_sales_points([asked])[0]


def _operator(request: HttpRequest, common: Common) -> object:
    asked = EnrolOperator(**common, facility=_id(request), code=_text(request, "code"), name=_text(request, "name"))
    return enrol_operators([asked])[0]


_ENROLMENTS: dict[str, Callable[[HttpRequest, Common], object]] = {
    "facility": _facility,
    "gate": _gate,
    "sales_point": _sales_point,
    "operator": _operator,
}


def _text(request: HttpRequest, field: str) -> str:
    return typed(request.POST, field)


def _whole(request: HttpRequest, field: str) -> int | None:
    text = _text(request, field)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _id(request: HttpRequest) -> UUID:
    try:
        return UUID(_text(request, "facility"))
    except ValueError:
        return UUID(int=0)
