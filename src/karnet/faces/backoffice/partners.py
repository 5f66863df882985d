"""Partners: what each of their sales points may sell, how much a day, and how far it is today."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from karnet.catalogue.operations import Product
from karnet.catalogue.selectors import on_sale
from karnet.faces.backoffice.frame import MANAGES, actor_of, facilities, instant_of, page, request_key, typed
from karnet.faces.base.access import allow
from karnet.faces.base.amounts import minor_units, typed_amount
from karnet.faces.base.clock import now
from karnet.faces.base.words import language, refusal
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import local_day
from karnet.orders.requests import SetTerms
from karnet.orders.rules.counter import Terms
from karnet.orders.selectors import sold_on, terms
from karnet.orders.services import set_terms
from karnet.parties.selectors import names, sales_points, sales_points_of


@allow(*MANAGES)
@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    """Show every partner's sales point with its terms, and a form for them."""
    at = now()
    shown: list[dict[str, Any]] = []
    for facility in facilities():
        points = [point for point in sales_points_of(facility.id) if point.kind == "partner" and not point.retired_at]
        if not points:
            continue
        held, called = terms([point.id for point in points]), names([point.id for point in points])
        products = sorted((v.product for v in on_sale(facility.id, None, at).values()), key=lambda p: p.code)
        for point in points:
            mine = held.get(point.id, Terms())
            sold = sold_on(point.id, local_day(at, facility.time_zone), facility.time_zone)
            shown.append(
                {
                    "id": point.id,
                    "code": f"{facility.code}/{point.code}",
                    "title": called.get(point.id) or point.code,
                    "facility": facility,
                    "sold": sold,
                    "limit": mine.limit_minor,
                    "left": None if mine.limit_minor is None else max(0, mine.limit_minor - sold),
                    "typed": "" if mine.limit_minor is None else typed_amount(mine.limit_minor, facility.currency),
                    "everything": mine.products is None,
                    "products": [(p.code, _name(p), mine.allows(p.code)) for p in products],
                }
            )
    return page(request, "partners.html", "office:partners", {"shown": shown, "no_operator": actor_of(request) is None})


@allow(*MANAGES)
@require_POST
def change(request: HttpRequest, point: UUID) -> HttpResponse:
    """Set the terms of a sales point."""
    found, actor = sales_points([point]).get(point), actor_of(request)
    facility = next((one for one in facilities() if found and one.id == found.facility), None)
    if found is None or facility is None:
        raise Http404
    limit = typed(request.POST, "limit")
    minor = minor_units(limit, facility.currency) if limit else None
    if actor is None or (limit and minor is None):
        wrong = _("Write an amount such as 200 or 12.50.")
        messages.error(
            request, wrong if actor else _("Your log-in belongs to no operator, and terms name who set them.")
        )
        return redirect("office:partners")
    everything = request.POST.get("everything") == "yes"
    (answer,) = set_terms(
        [
            SetTerms(
                key=request_key(request),
                at=instant_of(request),
                actor=actor,
                sales_point=point,
                products=None if everything else tuple(request.POST.getlist("product")),
                limit_minor=minor,
            )
        ]
    )
    if isinstance(answer, Refused):
        messages.error(request, refusal(answer, facility))
    else:
        messages.success(request, _("Saved. Sales keep to it from now on."))
    return redirect("office:partners")


def _name(product: Product) -> str:
    names_ = product.names
    return names_.get(language()) or names_.get("en") or next(iter(names_.values()), product.code)
