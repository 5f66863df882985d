"""Discounts and free entries that the cards in a sale have earned: what they take off, and why (SPEC N11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from karnet.catalogue.selectors import Version
from karnet.entitlements.rules import MediumState, medium_id, usable_medium
from karnet.entitlements.selectors import media, media_held_by
from karnet.faces.base import words as base_words
from karnet.faces.till import carts
from karnet.faces.till.desk import Desk
from karnet.faces.till.words import discount, product_name
from karnet.loyalty.selectors import Offer, open_offers

_SHOWN = 3


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A right to use now, in words: `what` it takes off, `products` (id, name) it is for, `why` it was given, and `more`:
    how many others are on that card."""

    right: UUID
    card: str
    what: str
    why: str
    until: datetime
    products: tuple[tuple[UUID, str], ...]
    more: int


def offered(desk: Desk, cart: carts.Cart, versions: Mapping[str, Version], at: datetime) -> list[Offered]:
    """Return what the cards in the sale, and those that its customer holds, have earned here and can be used now.

    Two statements where there are such cards, whatever their history.
    """
    found = open_here(desk, cart, at)
    used = {right.right for right in cart.rights}
    cheaper = {(right.product, right.card) for right in cart.rights}
    waiting = [(number, offer) for number, offer in found if offer.right.id not in used]
    shown: dict[str, Offered] = {}  # The first of each card: the next one is offered when that is used.
    for number, offer in waiting:
        fitting = [
            version
            for code in offer.right.products
            if (version := versions.get(code)) and (version.product.id, number) not in cheaper
        ]
        if not fitting or number in shown:
            continue
        shown[number] = Offered(
            right=offer.right.id,
            card=number,
            what=discount(offer.right.discount_bp),
            why=reason(offer),
            until=offer.right.valid_until,
            products=tuple((one.product.id, product_name(one.product)) for one in fitting[:_SHOWN]),
            more=sum(other == number for other, _offer in waiting) - 1,
        )
    return list(shown.values())


def open_here(desk: Desk, cart: carts.Cart, at: datetime) -> list[tuple[str, Offer]]:
    """Return the rights of those cards that can be used at this desk, each with the number of its card."""
    cards = {medium.id: medium for medium in _cards(cart)}
    offers = open_offers(cards, at)
    return [
        (cards[medium].number, offer)
        for medium in cards
        for offer in offers.get(medium, ())
        if offer.right.facility == desk.facility.id
    ]


def _cards(cart: carts.Cart) -> Iterable[MediumState]:
    if cart.sold:
        return []
    known = media([medium_id(card.number) for card in cart.cards.values() if not card.issue])
    held = media_held_by([cart.customer])[cart.customer] if cart.customer else []
    return [one for one in (known | {one.id: one for one in held}).values() if usable_medium(one) is None]


def reason(offer: Offer) -> str:
    """Return why a right was given, in words."""
    if offer.event == "passages":
        return ngettext("for %(n)s passage", "for %(n)s passages", offer.threshold) % {"n": offer.threshold}
    amount = {"amount": base_words.money(offer.threshold, offer.currency)}
    if offer.event == "loaded":
        return _("for %(amount)s put on the card") % amount
    return _("for %(amount)s spent with the card") % amount
