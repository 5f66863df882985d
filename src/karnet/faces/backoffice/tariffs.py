"""Tariffs of stays: what is in force, drafts as a form with a live preview, what a draft changes, publishing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.catalogue.calendars import UnknownCountry, public_holidays
from karnet.catalogue.drafts import SaveDraft
from karnet.catalogue.tariffs import (
    PublishTariffDraft,
    SavedTariffDraft,
    discard_tariff_draft,
    publish_tariff_draft,
    save_tariff_draft,
    tariff_draft,
    tariff_drafts,
    tariffs_in_force,
    tariffs_of,
)
from karnet.faces.backoffice import tariff_trial
from karnet.faces.backoffice.frame import (
    MANAGES,
    Place,
    actor_of,
    facilities,
    id_of_form,
    instant_of,
    page,
    request_key,
    typed,
)
from karnet.faces.backoffice.tariff_comparing import compared
from karnet.faces.backoffice.tariff_fields import changed, tree
from karnet.faces.backoffice.tariff_sheet import (
    Sheet,
    Unreadable,
    calendars,
    document_of,
    read_document,
    sheet_of,
    typed_sheet,
)
from karnet.faces.backoffice.tariff_words import gathered, problem
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.words import refusal
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import day_start, local_day, zone
from karnet.tariffs.advice import advice
from karnet.tariffs.checking import problems
from karnet.tariffs.model import Band, Clock, Tariff, to_json

_SHAPE = "%Y-%m-%dT%H:%M"
_SECTION = "office:tariffs"
COUNTRIES = ("PL", "DE", "AT", "IT", "CZ", "SK", "UA", "CH")


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def tariffs(request: HttpRequest) -> HttpResponse:
    """Show a facility's tariffs and drafts; POST starts a draft, from a tariff in force (`code`) or from nothing."""
    places = facilities()
    code = request.GET.get("facility", "")
    chosen = next((one for one in places if one.code == code), None if code else _first(places))
    if code and chosen is None:
        raise Http404
    if request.method == "POST" and chosen is not None:
        return _started(request, chosen)
    at = now()
    force = tariffs_in_force(chosen.id, at) if chosen else {}
    coming = [one for one in tariffs_of(chosen.id) if one.in_force_from > at] if chosen else []
    context = {
        "places": places,
        "chosen": chosen,
        "in_force": list(force.values()),
        "coming": coming,
        "drafts": tariff_drafts(chosen.id) if chosen else [],
    }
    return page(request, "tariffs.html", _SECTION, context)


def _first(places: list[Place]) -> Place | None:
    """Return the first facility that has tariffs, else the first."""
    return next((one for one in places if tariffs_of(one.id)), places[0] if places else None)


def _started(request: HttpRequest, facility: Place) -> HttpResponse:
    at = now()
    code = typed(request.POST, "code")
    found = tariffs_in_force(facility.id, at, [code]).get(code) if code else None
    tariff = found.tariff if found else _beginning(facility)
    draft = id_of_form(request, at)
    title = typed(request.POST, "title") or _("Tariff %(code)s") % {"code": tariff.code}
    asked = SaveDraft(id=draft, facility=facility.id, title=title, document=to_json(tariff).decode(), saved_at=at)
    answer = save_tariff_draft(asked)
    if isinstance(answer, Refused):
        messages.error(request, refusal(answer, facility.time_zone))
        return redirect(f"{reverse(_SECTION)}?facility={facility.code}")
    return redirect("office:tariff-draft", draft)


def _beginning(facility: Place) -> Tariff:
    """Return what a new tariff begins with: one zone, a price for each full minute."""
    band = Band(code="any", prices={"adult": 50, "child": 30})
    clock = Clock(code="pool", zones=("pool",), unit_s=60, bands=(band,))
    return Tariff(
        code="pool", currency=facility.currency, time_zone=facility.time_zone, categories=("adult", "child"),
        zones=("pool",), clocks=(clock,),
    )  # fmt: skip


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show a draft as a form beside the preview of a stay. POST saves it; `do` adds, moves and removes clocks, packages
    and bands without saving."""
    saved, facility = _draft(draft)
    if request.method != "POST":
        tariff = read_document(saved.document)
        sheet = sheet_of(tariff) if tariff else Sheet({}, [], [])
        trial = tariff_trial.usual(tariff, local_day(now(), facility.time_zone))
        return _edited(request, saved, facility, sheet, {}, trial, status=200)
    sheet = typed_sheet(request.POST.dict())
    do = request.POST.get("do", "save")
    if do != "save":
        sheet = _with_holidays(request, sheet) if do == "holidays" else changed(sheet, do)
        _tariff, wrong = document_of(sheet, facility.currency, facility.time_zone)
        return _edited(request, saved, facility, sheet, wrong, request.POST.dict(), status=200)
    tariff, wrong = document_of(sheet, facility.currency, facility.time_zone)
    if tariff is None:
        told = _("Not saved: %(n)s fields cannot be read. They are marked.") % {"n": len(wrong)}
        return _edited(request, saved, facility, sheet, wrong, request.POST.dict(), told, status=422)
    answer = _save(request, saved, tariff)
    if isinstance(answer, Refused):
        told = refusal(answer, facility.time_zone)
        return _edited(request, saved, facility, sheet, {}, request.POST.dict(), told, status=422)
    messages.success(request, _("Saved."))
    return redirect("office:tariff-consequences" if "next" in request.POST else "office:tariff-draft", draft)


@allow(*MANAGES)
@require_POST
def preview(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show what the form says now costs, without saving it."""
    _saved, facility = _draft(draft)
    return page(
        request,
        "tariff_preview.html",
        _SECTION,
        _previewed(typed_sheet(request.POST.dict()), facility, request.POST.dict()),
    )


@allow(*MANAGES)
@require_safe
def consequences(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show what a draft would change for usual stays, and what keeps it from being published."""
    saved, facility = _draft(draft)
    return _consequences(request, saved, facility)


@allow(*MANAGES)
@require_POST
def publish(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Publish a draft as it was when its consequences were shown."""
    saved, facility = _draft(draft)
    actor = actor_of(request)
    if actor is None:
        told = _("Your log-in belongs to no operator, and a tariff names who published it. Give it one under Staff.")
        return _consequences(request, saved, facility, told)
    at = _local(request.POST.get("in_force_from", ""), facility.time_zone)
    if at is None:
        return _consequences(request, saved, facility, _("Choose from when on it is in force."))
    answer = publish_tariff_draft(
        PublishTariffDraft(
            key=request_key(request),
            at=instant_of(request),
            actor=actor,
            draft=draft,
            revision=_revision(request),
            in_force_from=at,
        )
    )
    if isinstance(answer, Refused):
        return _consequences(request, saved, facility, refusal(answer, facility.time_zone))
    messages.success(request, _("Published."))
    return redirect(f"{reverse(_SECTION)}?facility={facility.code}")


@allow(*MANAGES)
@require_POST
def discard(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Delete a draft that was not published."""
    _saved, facility = _draft(draft)
    if discard_tariff_draft(draft):
        messages.success(request, _("The draft is gone."))
    return redirect(f"{reverse(_SECTION)}?facility={facility.code}")


def _edited(
    request: HttpRequest,
    saved: SavedTariffDraft,
    facility: Place,
    sheet: Sheet,
    wrong: dict[str, str],
    trial: dict[str, str],
    told: str = "",
    *,
    status: int,
) -> HttpResponse:
    context = {
        "draft": saved,
        "facility": facility,
        "problem": told,
        "title": request.POST.get("title", saved.title),
        "revision": _revision(request) if request.method == "POST" else saved.revision,
        "countries": COUNTRIES,
        "year": local_day(now(), facility.time_zone).year,
        "reprice": _reprice(saved.id),
        **tree(sheet, wrong),
        **_previewed(sheet, facility, trial),
    }
    template = "tariff_sheet.html" if request.headers.get("HX-Request") else "tariff.html"
    return page(request, template, _SECTION, context, status=status)


def _previewed(sheet: Sheet, facility: Place, trial: dict[str, str]) -> dict[str, Any]:
    tariff, wrong = document_of(sheet, facility.currency, facility.time_zone)
    faults = {} if tariff is None else problems(tariff)
    fit = tariff is not None and not faults
    return {
        "facility": facility,
        "trial": trial,
        "unread": len(wrong),
        "faults": [problem(path, text, tariff) for path, text in faults.items()] if tariff else [],
        "advices": gathered(advice(tariff), tariff) if tariff is not None and fit else [],
        "tried": tariff_trial.tried(tariff, trial, facility) if tariff is not None and fit else None,
        "packages_known": [part.fields.get("code", "") for part in sheet.packages],
    }


def _with_holidays(request: HttpRequest, sheet: Sheet) -> Sheet:
    """Add the public holidays of a country and year to the calendar of that name."""
    country, year = request.POST.get("country", ""), request.POST.get("year", "")
    try:
        known = calendars(sheet.fields.get("calendars", ""))
        found = public_holidays(country, [int(year)])
    except (Unreadable, UnknownCountry, ValueError):
        messages.error(request, _("Choose a country and a year, and see to it that the calendars can be read."))
        return sheet
    days = {one.first for one in known.get("holidays", ())} | {one.first for one in found}
    lines = [line for line in sheet.fields.get("calendars", "").splitlines() if not line.startswith("holidays:")]
    lines.append(f"holidays: {', '.join(map(str, sorted(days)))}")
    return sheet._replace(fields={**sheet.fields, "calendars": "\n".join(filter(None, lines))})


def _consequences(request: HttpRequest, saved: SavedTariffDraft, facility: Place, told: str = "") -> HttpResponse:
    tariff = read_document(saved.document)
    faults = problems(tariff) if tariff else {}
    at = now()
    before = tariffs_in_force(facility.id, at, [tariff.code]).get(tariff.code) if tariff else None
    tomorrow = day_start(local_day(at, facility.time_zone) + timedelta(days=1), facility.time_zone)
    tomorrow = tomorrow.astimezone(zone(facility.time_zone))
    fit = tariff is not None and not faults
    context = {
        "draft": saved,
        "facility": facility,
        "problem": told or ("" if tariff else _("The draft is no tariff.")),
        "faults": [problem(path, text, tariff) for path, text in faults.items()] if tariff else [],
        "advices": gathered(advice(tariff), tariff) if tariff is not None and fit else [],
        "tariff": tariff,
        "fit": fit,
        "before": before,
        "compared": [
            one
            for one in (compared(tariff, before.rater if before else None, tomorrow) if tariff and fit else ())
            if one.change != 0 and (one.after or one.change)
        ],
        "starts": tomorrow.strftime(_SHAPE),
        "reprice": _reprice(saved.id),
    }
    return page(request, "tariff_consequences.html", _SECTION, context, status=422 if told else 200)


def _reprice(id_: UUID) -> str:
    """Return where a period's stays are charged by the draft; "" where there is no such page."""
    try:
        return reverse("office:tariff-reprice", args=[id_])
    except NoReverseMatch:
        return ""


def _draft(id_: UUID) -> tuple[SavedTariffDraft, Place]:
    saved = tariff_draft(id_)
    if saved is None:
        raise Http404
    return saved, next(place for place in facilities() if place.id == saved.facility)


def _save(request: HttpRequest, saved: SavedTariffDraft, tariff: Tariff) -> object:
    return save_tariff_draft(
        SaveDraft(
            id=saved.id,
            facility=saved.facility,
            title=typed(request.POST, "title") or saved.title,
            document=to_json(tariff).decode(),
            saved_at=now(),
            # The one that was edited: who saves over somebody else's change is told so. Never 0, which means a new one.
            revision=_revision(request) or -1,
        )
    )


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _local(text: str, time_zone: str) -> datetime | None:
    try:
        return datetime.strptime(text, _SHAPE).replace(tzinfo=zone(time_zone))
    except ValueError:
        return None
