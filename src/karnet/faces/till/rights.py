"""The view that uses a discount or a free entry which a card has earned (SPEC N11)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from karnet.entitlements.selectors import media
from karnet.faces.base.clock import now
from karnet.faces.till import carts
from karnet.faces.till.desk import Desk, in_shift
from karnet.faces.till.offers import offered, open_here
from karnet.faces.till.screen import price_list, show


@require_POST
@in_shift
def use_right(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Use a right for a ticket of a product: the ticket that is in the sale, else one more."""
    cart = carts.load(request)
    at, versions = now(), price_list(desk)
    wanted, product = request.POST.get("right", ""), request.POST.get("product", "")
    offer = next((one for one in offered(desk, cart, versions, at) if str(one.right) == wanted), None)
    version = next((v for v in versions.values() if str(v.product.id) == product), None)
    if offer is None or version is None or version.product.id not in dict(offer.products):
        note = _("This discount cannot be used any more. What is still open is shown here.")
        return show(request, desk, cart, note=note, status=422)
    opened = next(one for number, one in open_here(desk, cart, at) if one.right.id == offer.right)
    medium = media([opened.right.medium])[opened.right.medium]
    if not carts.use(cart, version, medium, offer.right, opened.right.discount_bp):
        return show(
            request, desk, cart, note=_("A sale takes at most 1000 tickets. Finish this one first."), status=422
        )
    carts.save(request, cart)
    return show(request, desk, cart)
