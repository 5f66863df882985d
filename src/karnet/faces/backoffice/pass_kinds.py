"""Kinds of passes on offer: what is sold, a kind as a form with what its top-ups bring, what a version changes, publishing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.faces.backoffice.frame import (
    MANAGES,
    READS_PASSES,
    Place,
    actor_of,
    facilities,
    instant_of,
    page,
    request_key,
    sent_again,
    typed,
)
from karnet.faces.backoffice.pass_sheet import (
    GROUPS,
    PassSheet,
    changed_pass,
    fields_of,
    kind_of,
    sheet_of_pass,
    typed_pass,
)
from karnet.faces.backoffice.pass_words import (
    advices,
    brings,
    differences,
    facts,
    faults,
    fixed_categories,
    kind_name,
)
from karnet.faces.backoffice.product_form import LANGUAGES
from karnet.faces.backoffice.tariff_fields import Field
from karnet.faces.base.access import allow
from karnet.faces.base.amounts import minor_units, typed_amount
from karnet.faces.base.clock import now
from karnet.faces.base.guard import role_of
from karnet.faces.base.roles import Role
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.passes.kinds import PassKind
from karnet.passes.requests import OfferPasses
from karnet.passes.selectors import kinds_offered
from karnet.passes.services import offer

SECTION = "office:passes"


@allow(*READS_PASSES)
@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    """Show what kinds of passes a facility sells, and what their top-ups bring."""
    places = facilities()
    chosen = chosen_place(request, places, lambda place: bool(kinds_offered(place.id)))
    shown = []
    for kind in kinds_offered(chosen.id) if chosen else ():
        assert chosen is not None
        said = facts(kind, chosen)
        shown.append(
            {
                "kind": kind,
                "name": kind_name(kind),
                "facts": said,
                "contract": said.get(_("Contract"), ""),
                "brings": brings(kind),
            }
        )
    context = {"places": places, "chosen": chosen, "shown": shown, "may_change": may_change(request)}
    return page(request, "pass_kinds.html", SECTION, context)


def chosen_place(request: HttpRequest, places: list[Place], has: Callable[[Place], bool]) -> Place | None:
    """Return the facility that the address names, else the first that has something to show, else the first."""
    code = request.GET.get("facility", "")
    if code:
        found = next((one for one in places if one.code == code), None)
        if found is None:
            raise Http404
        return found
    return next((one for one in places if has(one)), places[0] if places else None)


def may_change(request: HttpRequest) -> bool:
    """Return whether who looks may change what passes are sold."""
    return role_of(request) is Role.MANAGER


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def kind(request: HttpRequest, facility: UUID, code: str = "") -> HttpResponse:
    """Show a kind of pass as a form; a new one without a code. POST: `do` adds, moves and removes rows, "look" shows what
    publishing would change, "edit" goes back to the form, "publish" publishes what was shown."""
    place = _place(facility)
    offered = {one.code: one for one in kinds_offered(place.id)}
    before = offered.get(code)
    if code and before is None:
        raise Http404
    if request.method != "POST":
        sheet = sheet_of_pass(before or _beginning(), place.currency)
        return _form(request, place, before, sheet, {}, based_on=_mark(before))
    sheet = typed_pass(request.POST.dict())
    if code:
        sheet.fields["code"] = code
    do = request.POST.get("do", "look")
    if do not in ("look", "publish"):
        sheet = changed_pass(sheet, do)
        return _form(request, place, before, sheet, {}, based_on=typed(request.POST, "based_on"))
    made, wrong = kind_of(sheet, place.currency)
    if not code and sheet.fields.get("code") in offered and not sent_again(request):
        made, wrong = None, {**wrong, "code": _("There is a kind with this code already: change that one.")}
    based_on = typed(request.POST, "based_on")
    if made is None:
        told = _("Some fields cannot be read. They are marked.")
        return _form(request, place, before, sheet, wrong, told, based_on=based_on)
    if do == "look":
        return _looked_at(request, place, before, made, sheet, based_on=based_on)
    return _published(request, place, before, made, sheet)


def _published(
    request: HttpRequest, place: Place, before: PassKind | None, made: PassKind, sheet: PassSheet
) -> HttpResponse:
    based_on = typed(request.POST, "based_on")
    actor, told = actor_of(request), ""
    if actor is None:
        told = _(
            "Your log-in belongs to no operator, and a kind of pass names who published it. Give it one under Staff."
        )
    elif based_on != _mark(before) and not sent_again(request):
        told = _("Somebody published another version meanwhile. What it changes now is shown below.")
        based_on = _mark(before)
    else:
        asked = OfferPasses(
            key=request_key(request), at=instant_of(request), actor=actor, facility=place.id, kinds=(made,)
        )
        (answer,) = offer([asked])
        if not isinstance(answer, Refused):
            messages.success(request, _("Published."))
            return redirect(f"{reverse('office:pass-kinds')}?facility={place.code}")
        told = refusal(answer, place.time_zone)
    return _looked_at(request, place, before, made, sheet, told, based_on=based_on)


def _looked_at(
    request: HttpRequest,
    place: Place,
    before: PassKind | None,
    made: PassKind,
    sheet: PassSheet,
    told: str = "",
    *,
    based_on: str,
) -> HttpResponse:
    """Show what a kind changes; it travels in the form, so that what is published is what was shown."""
    at = now()
    offered = {one.code: one for one in kinds_offered(place.id)}
    wrong = faults(made, place.id, offered, at)
    context = {
        "facility": place,
        "kind": made,
        "name": kind_name(made),
        "before": before,
        "problem": told,
        "faults": wrong,
        "advices": [] if wrong else advices(made, place.id, at),
        "differences": [] if wrong else differences(before, made, place),
        "brings": [] if wrong else brings(made, before),
        "hidden": {**fields_of(sheet), "based_on": based_on}.items(),
        "may_change": may_change(request),
    }
    return page(request, "pass_kind_changes.html", SECTION, context, status=422 if told else 200)


@allow(*MANAGES)
@require_POST
def preview(request: HttpRequest, facility: UUID) -> HttpResponse:
    """Show what top-ups of the kind that the form says now bring, without saving anything."""
    sheet = typed_pass(request.POST.dict())
    return page(request, "pass_kind_preview.html", SECTION, _previewed(request, _place(facility), sheet))


def _previewed(request: HttpRequest, place: Place, sheet: PassSheet) -> dict[str, Any]:
    made, wrong = kind_of(sheet, place.currency)
    at, tried = now(), minor_units(typed(request.POST, "try_amount") or "", place.currency)
    offered = {one.code: one for one in kinds_offered(place.id)}
    known = faults(made, place.id, offered, at) if made else []
    fit = made is not None and not known
    return {
        "facility": place,
        "unread": len(wrong),
        "faults": known,
        "advices": advices(made, place.id, at) if made is not None and fit else [],
        "brings": brings(made, offered.get(made.code), tried) if made is not None and fit else [],
        "contract": facts(made, place).get(_("Contract"), "") if made is not None and fit else "",
    }


def _form(
    request: HttpRequest,
    place: Place,
    before: PassKind | None,
    sheet: PassSheet,
    wrong: dict[str, str],
    told: str = "",
    *,
    based_on: str,
) -> HttpResponse:
    tariffs, categories = fixed_categories(place.id, now())
    names = ["code", "amounts", "free", "least", "card_price", "card_vat", "tariff", "hold", "hold_hours", "people"]
    names += ["months", "price", "contract_vat", "instalments", "grace"]
    context = {
        "before": before,
        "based_on": based_on,
        "address": _address(place, before),
        "problem": told,
        "try_amount": request.POST.get("try_amount", typed_amount(20000, place.currency)),
        "general": {name: Field(name, sheet.fields.get(name, ""), wrong.get(name, "")) for name in names},
        "names": [(said, Field(f"name_{one}", sheet.fields.get(f"name_{one}", ""), "")) for one, said in LANGUAGES],
        "rows": {group: _rows(sheet, group, wrong) for group in GROUPS},
        "tariffs_known": tariffs,
        "categories_known": categories,
        "may_change": may_change(request),
        **_previewed(request, place, sheet),
    }
    template = "pass_kind_sheet.html" if request.headers.get("HX-Request") else "pass_kind.html"
    return page(request, template, SECTION, context, status=422 if told else 200)


def _rows(sheet: PassSheet, group: str, wrong: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{group}{n}",
            "first": n == 0,
            **{
                name: Field(f"{group}{n}-{name}", row.get(name, ""), wrong.get(f"{group}{n}-{name}", ""))
                for name in GROUPS[group]
            },
        }
        for n, row in enumerate(sheet.rows[group])
    ]


def _address(place: Place, before: PassKind | None) -> str:
    if before is None:
        return reverse("office:pass-kind-new", args=[place.id])
    return reverse("office:pass-kind", args=[place.id, before.code])


def _beginning() -> PassKind:
    """Return what a new kind begins with: any amount, money spent before bonus."""
    return PassKind(code="", free_amounts=True)


def _mark(kind: PassKind | None) -> str:
    """Return what tells versions of a kind apart, "" where there is none."""
    return hashlib.sha256(msgspec.json.encode(kind)).hexdigest() if kind else ""


def _place(facility: UUID) -> Place:
    found = next((one for one in facilities() if one.id == facility), None)
    if found is None:
        raise Http404
    return found
