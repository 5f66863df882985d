"""What a sales point may sell, as its facility says: a partner's own products and its own limit (SPEC N8)."""

from __future__ import annotations

from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import TermsSet
from karnet.orders.requests import SetTerms, TermsHold
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import MAX_AMOUNT

MAX_PRODUCTS = 500
MAX_CODE = 64


def decide_terms(request: SetTerms, place: Place | None) -> tuple[TermsHold | Refused, tuple[TermsSet, ...]]:
    """Set the terms of a sales point. Who may is for the face to say: managers. Refuses an unknown sales point, a limit
    out of bounds, and products that are no codes."""
    if place is None:
        return refused(Reason.UNKNOWN_SALES_POINT, sales_point=str(request.sales_point)), ()
    problems = {}
    if request.limit_minor is not None and not 0 <= request.limit_minor <= MAX_AMOUNT:
        problems["limit_minor"] = f"must be 0 to {MAX_AMOUNT} minor units"
    if request.products is not None and (
        len(request.products) > MAX_PRODUCTS
        or any(not 0 < len(code) <= MAX_CODE or " " in code for code in request.products)
    ):
        problems["products"] = f"must be at most {MAX_PRODUCTS} product codes"
    if problems:
        return bad_values(problems), ()
    terms = TermsSet(
        id=made_id(request, "terms"),
        facility=place.facility,
        sales_point=place.sales_point,
        products=None if request.products is None else tuple(sorted(set(request.products))),
        limit_minor=request.limit_minor,
    )
    return TermsHold(id=terms.id, sales_point=place.sales_point), (terms,)
