"""Search: cards, orders, people and companies by what somebody has in hand; a card and an order at a glance."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from karnet.access.selectors import last_passages
from karnet.entitlements.finding import media_starting
from karnet.entitlements.selectors import (
    entitlements,
    holdings,
    media,
    media_by_number,
    media_held_by,
    open_blocks,
    open_deposits,
)
from karnet.faces.backoffice.frame import LOOKS, actor_titles, facilities, gate_titles, page, typed
from karnet.faces.backoffice.naming import product_titles
from karnet.faces.base.access import allow
from karnet.faces.base.clock import now
from karnet.faces.base.looking import looking
from karnet.faces.base.words import refusal
from karnet.journal.browsing import refusals_about
from karnet.orders.figures import lines_of, orders_matching
from karnet.orders.selectors import orders
from karnet.parties.finding import companies_called, parties_called
from karnet.parties.people import customers, find_customers
from karnet.parties.selectors import companies

LEAST = 2
NOBODY = UUID(int=0)
_MOST_PASSAGES, _MOST_REFUSALS = 30, 20


@allow(*LOOKS)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Look a text up everywhere: printed number or chip, order or invoice number, company, tax number, surname, phone."""
    asked = typed(request.GET, "q", 100)
    context: dict[str, object] = {"asked": asked, "least": LEAST}
    if len(asked) >= LEAST:
        places = facilities()
        bought_by = companies_called(asked)
        numbers = list({asked, asked.upper()})
        ids = orders_matching(numbers, [id_ for id_, _, _ in bought_by], [place.id for place in places], 50)
        found = orders(ids)
        buyers = companies({order.buyer for order in found.values() if order.buyer})
        people = find_customers(asked, looking(request))
        held = media_held_by([one.id for one in people]) if people else {}
        context |= {
            "people": [(one, held[one.id]) for one in people],
            "media": media_starting(asked),
            "orders": [(found[id_], buyers.get(found[id_].buyer or NOBODY)) for id_ in ids if id_ in found],
            "parties": parties_called(asked),
            "companies": bought_by,
            "zone": places[0].time_zone if places else "UTC",
        }
        context["nothing"] = not any(context[name] for name in ("people", "media", "orders", "parties", "companies"))
    return page(request, "search.html", "office:search", context)


@allow(*LOOKS)
@require_safe
def card(request: HttpRequest, number: str) -> HttpResponse:
    """Show a card: what is on it, who holds it, deposits, blocks, the last passages and refusals."""
    medium = media_by_number([number]).get(number)
    if medium is None:
        raise Http404
    by_id = {place.id: place for place in facilities()}
    held = holdings([medium.id])[medium.id]
    titles = product_titles({one.product for one in held})
    gates = gate_titles()
    passages = last_passages(medium.id, _MOST_PASSAGES)
    zone = next(iter(by_id.values())).time_zone
    holder = customers([medium.holder], looking(request)) if medium.holder else {}
    context = {
        "holder": holder.get(medium.holder) if medium.holder else None,
        "refusals": [
            (one.at, gates.get(one.place, "") if one.place else "", refusal(one.answer, zone, one.at))
            for one in refusals_about(medium.id, _MOST_REFUSALS)
        ],
        "medium": medium,
        "at": now(),
        "held": [(one, by_id.get(one.facility), titles.get(one.product) or one.product_code) for one in held],
        "blocks": open_blocks([medium.id])[medium.id],
        "deposits": [(one, by_id.get(one.facility)) for one in open_deposits([medium.id])[medium.id]],
        "passages": [(one, by_id[one.facility], gates.get(one.gate, str(one.gate))) for one in passages],
        "zone": zone,
    }
    return page(request, "card.html", "office:search", context)


@allow(*LOOKS)
@require_safe
def order(request: HttpRequest, order: UUID) -> HttpResponse:
    """Show an order: lines, payments, who sold it, the cards its tickets are on."""
    found = orders([order]).get(order)
    if found is None:
        raise Http404
    lines = lines_of(order)
    tickets = entitlements([line.entitlement for line in lines if line.entitlement])
    cards = media({ticket.medium for ticket in tickets.values()})
    facility = next(place for place in facilities() if place.id == found.facility)
    titles = actor_titles([found.operator, found.sales_point])
    context = {
        "order": found,
        "facility": facility,
        "operator": titles[found.operator],
        "sales_point": titles[found.sales_point],
        "buyer": companies([found.buyer]).get(found.buyer) if found.buyer else None,
        "customer": customers([found.customer], looking(request)).get(found.customer) if found.customer else None,
        "lines": [
            (line, cards[tickets[line.entitlement].medium] if line.entitlement in tickets else None) for line in lines
        ],
    }
    return page(request, "order.html", "office:search", context)
