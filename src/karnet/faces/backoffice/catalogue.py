"""Price lists: what is on sale, drafts, a draft's consequences, publishing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from karnet.catalogue.selectors import SavedDraft, drafts, on_sale
from karnet.catalogue.selectors import draft as draft_saved
from karnet.catalogue.services import (
    PublishDraft,
    SaveDraft,
    discard_draft,
    preview,
    publish_draft,
    save_draft,
)
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
from karnet.faces.backoffice.product_form import ProductForm, values_of
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.words import language, refusal
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import day_start, local_day, zone

_SHAPE = "%Y-%m-%dT%H:%M"


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show what a facility has on sale and its drafts; POST starts a draft with what is on sale."""
    places = facilities()
    code = request.GET.get("facility", "")
    chosen = next((place for place in places if place.code == code), None if code else (places[0] if places else None))
    if code and chosen is None:
        raise Http404
    if request.method == "POST" and chosen is not None:
        return _started(request, chosen)
    at = now()
    selling = on_sale(chosen.id, None, at) if chosen else {}
    context = {
        "places": places,
        "chosen": chosen,
        "at": at,
        "selling": [(version, _name(version.product.names)) for version in selling.values()],
        "drafts": drafts(chosen.id) if chosen else [],
    }
    return page(request, "catalogue.html", "office:catalogue", context)


def _started(request: HttpRequest, facility: Place) -> HttpResponse:
    at = now()
    tomorrow = day_start(local_day(at, facility.time_zone) + timedelta(days=1), facility.time_zone)
    products = []
    for version in on_sale(facility.id, None, at).values():
        product = msgspec.to_builtins(version.product)
        product.pop("id")
        products.append(product)
    document = {"on_sale_from": tomorrow.isoformat(), "products": products}
    draft = id_of_form(request, at)
    title = typed(request.POST, "title") or _("Price list of %(day)s") % {"day": f"{tomorrow:%Y-%m-%d}"}
    answer = save_draft(SaveDraft(id=draft, facility=facility.id, title=title, document=_text(document), saved_at=at))
    if isinstance(answer, Refused):
        messages.error(request, refusal(answer, facility.time_zone))
        return redirect(f"{reverse('office:catalogue')}?facility={facility.code}")
    return redirect("office:draft", draft)


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show a draft: title, when it goes on sale, its products; POST saves title and times."""
    saved, facility, document = _draft(draft)
    problem = ""
    if request.method == "POST":
        for name in ("on_sale_from", "on_sale_until"):
            at = _local(request.POST.get(name, ""), facility.time_zone)
            document.pop(name, None)
            if at is not None:
                document[name] = at.isoformat()
        answer = _saved(request, saved, document, typed(request.POST, "title"))
        if not isinstance(answer, Refused):
            messages.success(request, _("Saved."))
            return redirect("office:draft", draft)
        problem = refusal(answer, facility.time_zone)
    context = {
        "draft": saved,
        "facility": facility,
        "problem": problem,
        "starts": _shown(document.get("on_sale_from"), facility.time_zone),
        "ends": _shown(document.get("on_sale_until"), facility.time_zone),
        "products": [(n, one, _name(one.get("names") or {})) for n, one in enumerate(_products(document))],
    }
    return page(request, "draft.html", "office:catalogue", context, status=422 if problem else 200)


@allow(*MANAGES)
@require_http_methods(["GET", "HEAD", "POST"])
def product(request: HttpRequest, draft: UUID, place: int) -> HttpResponse:
    """Edit a product of a draft by its place in it; the place after the last adds one. POST with `remove` takes it out."""
    saved, facility, document = _draft(draft)
    products = _products(document)
    if place > len(products):
        raise Http404
    places = [(one.id, one.title) for one in facilities()]
    problem = ""
    if request.method == "POST":
        form = ProductForm(request.POST, places=places)
        if "remove" in request.POST:
            products = products[:place] + products[place + 1 :]
        elif form.is_valid():
            products = [*products[:place], form.product(), *products[place + 1 :]]
        else:
            products = []
        if products or "remove" in request.POST:
            answer = _saved(request, saved, {**document, "products": products}, saved.title)
            if not isinstance(answer, Refused):
                messages.success(request, _("Saved."))
                return redirect("office:draft", draft)
            problem = refusal(answer, facility.time_zone)
    else:
        form = ProductForm(initial=values_of(products[place]) if place < len(products) else None, places=places)
    context = {
        "draft": saved,
        "facility": facility,
        "form": form,
        "problem": problem,
        "new": place == len(_products(document)),
    }
    status = 422 if problem or (request.method == "POST") else 200
    return page(request, "product.html", "office:catalogue", context, status=status)


@allow(*MANAGES)
@require_safe
def consequences(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Show what publishing a draft would change, and what keeps it from being published."""
    saved, facility, document = _draft(draft)
    return _consequences(request, saved, facility, document, "")


@allow(*MANAGES)
@require_POST
def publish(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Publish a draft as it was when its consequences were shown."""
    saved, facility, document = _draft(draft)
    actor = actor_of(request)
    if actor is None:
        problem = _(
            "Your log-in belongs to no operator, and a price list names who published it. Give it one under Staff."
        )
        return _consequences(request, saved, facility, document, problem)
    revision = request.POST.get("revision", "")
    answer = publish_draft(
        PublishDraft(
            key=request_key(request),
            at=instant_of(request),
            actor=actor,
            draft=draft,
            revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 9 else 0,
        )
    )
    if isinstance(answer, Refused):
        return _consequences(request, saved, facility, document, refusal(answer, facility.time_zone))
    messages.success(request, _("Published."))
    return redirect(f"{reverse('office:catalogue')}?facility={facility.code}")


@allow(*MANAGES)
@require_POST
def discard(request: HttpRequest, draft: UUID) -> HttpResponse:
    """Delete a draft that was not published."""
    _saved_draft, facility, _document = _draft(draft)
    if discard_draft(draft):
        messages.success(request, _("The draft is gone."))
    return redirect(f"{reverse('office:catalogue')}?facility={facility.code}")


def _consequences(
    request: HttpRequest, saved: SavedDraft, facility: Place, document: dict[str, Any], problem: str
) -> HttpResponse:
    found = preview(saved.id, now())
    refused = refusal(found, facility.time_zone) if isinstance(found, Refused) else ""
    changes = () if isinstance(found, Refused) else found.changes
    context = {
        "draft": saved,
        "facility": facility,
        "problem": problem or refused,
        "preview": None if isinstance(found, Refused) else found,
        "changes": [change for change in changes if change.does != "repeats"],
        "repeats": [change.code for change in changes if change.does == "repeats"],
        "starts": _instant(document.get("on_sale_from")),
    }
    return page(request, "consequences.html", "office:catalogue", context, status=422 if problem else 200)


def _draft(id_: UUID) -> tuple[SavedDraft, Place, dict[str, Any]]:
    saved = draft_saved(id_)
    if saved is None:
        raise Http404
    facility = next(place for place in facilities() if place.id == saved.facility)
    document = json.loads(saved.document)
    return saved, facility, document if isinstance(document, dict) else {}


def _saved(request: HttpRequest, saved: SavedDraft, document: dict[str, Any], title: str) -> object:
    revision = request.POST.get("revision", "")
    return save_draft(
        SaveDraft(
            id=saved.id,
            facility=saved.facility,
            title=title,
            document=_text(document),
            saved_at=now(),
            # The one that was edited: who saved over somebody else's change is told so. Never 0, which means a new one.
            revision=int(revision) if revision.isascii() and revision.isdigit() and 0 < len(revision) < 9 else -1,
        )
    )


def _products(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = document.get("products")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _name(names: Any) -> str:
    named = names if isinstance(names, dict) else {}
    return str(named.get(language()) or named.get("en") or "")


def _local(text: str, time_zone: str) -> datetime | None:
    try:
        return datetime.strptime(text, _SHAPE).replace(tzinfo=zone(time_zone))
    except ValueError:
        return None


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _shown(text: Any, time_zone: str) -> str:
    at = _instant(text)
    return at.astimezone(zone(time_zone)).strftime(_SHAPE) if at else ""
