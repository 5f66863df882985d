"""Finding at the till what somebody has in mind: a card by its number or chip, a sale by its receipt, a person by
surname or phone, with the cards they hold and what they bought last."""

from __future__ import annotations

import msgspec

from karnet.entitlements.finding import Found, media_starting
from karnet.entitlements.rules import MediumState
from karnet.entitlements.selectors import media_held_by
from karnet.faces.till.desk import Desk
from karnet.orders.figures import orders_matching
from karnet.orders.selectors import OrderSummary, orders, orders_of_customers
from karnet.parties.people import KnownCustomer, Looking, find_customers

PEOPLE, CARDS, SALES = 12, 12, 5
LEAST = 2


class FoundPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A person with the cards they hold and their last sales."""

    customer: KnownCustomer
    cards: list[MediumState]
    orders: list[OrderSummary]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a text may mean."""

    cards: list[Found]
    orders: list[OrderSummary]
    people: list[FoundPerson]

    def __bool__(self) -> bool:
        return bool(self.cards or self.orders or self.people)


def find(text: str, desk: Desk, looking: Looking) -> Finding:
    """Return what a text may mean: the beginning of a card's number, a receipt or invoice of the facility, a person.

    A fixed handful of statements, each answered by an index; people who are shown are noted as found.
    """
    if len(text) < LEAST:
        return Finding(cards=[], orders=[], people=[])
    matching = orders_matching(list({text, text.upper()}), [], [desk.facility.id], SALES)
    people = find_customers(text, looking, PEOPLE)
    ids = [one.id for one in people]
    held = media_held_by(ids) if ids else {}
    bought = orders_of_customers(ids, SALES) if ids else {}
    known = orders({*matching, *(order for some in bought.values() for order in some)})
    return Finding(
        cards=media_starting(text, CARDS),
        orders=[known[order] for order in matching],
        people=[
            FoundPerson(customer=one, cards=held[one.id], orders=[known[order] for order in bought[one.id]])
            for one in people
        ],
    )
