"""What a customer's cards have earned is offered when the customer is named, and where it was given (SPEC N11)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import translation

from karnet.catalogue.selectors import on_sale
from karnet.entitlements.requests import NameHolder
from karnet.entitlements.rules import medium_id
from karnet.entitlements.services import name_holders
from karnet.faces.till import carts
from karnet.faces.till.desk import Desk
from karnet.faces.till.offers import Offered, offered
from karnet.kernel.outcomes import Refused
from karnet.loyalty.operations import Reward
from karnet.loyalty.requests import Award, PublishRules, RuleDraft
from karnet.loyalty.services import award, publish_rules
from karnet.parties.operations import facility_id, operator_id
from karnet.parties.people import CustomerDetails, Looking, save_customer
from karnet.parties.selectors import facilities, operators
from karnet.settlement.tests.season import DAY, Season

LATER = DAY + timedelta(hours=5)


def at_desk(code: str, cart: carts.Cart) -> list[Offered]:
    facility, operator = facility_id(code), operator_id(facility_id(code), "anna")
    desk = Desk(
        operator=operators([operator])[operator],
        facility=facilities([facility])[facility],
        points=(),
        running={},
        names={},
    )
    with translation.override("en"):
        return offered(desk, cart, on_sale(facility, None, LATER), LATER)


@pytest.mark.database
def test_a_customer_who_is_named_is_offered_what_their_cards_have_earned_here(database: None) -> None:
    season = Season()
    season.agree()
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("ABC")
    free = Reward(kind="discount", discount_bp=10_000, products=("day",), valid_days=30)
    asked = {"at": LATER, "actor": season.server}
    publish_rules(
        [
            PublishRules(
                key="rules", facility=facility_id("A"), valid_from=DAY - timedelta(days=1), valid_until=LATER + timedelta(days=9),
                rules=(RuleDraft(code="third", event="passages", threshold=3, reward=free),), **asked,
            )
        ]
    )  # fmt: skip
    award([Award(key="award", medium=medium_id(number), **asked)])
    customer = UUID(int=77)
    saved = save_customer(customer, CustomerDetails(surname="Lacka"), Looking(at=DAY, by="anna"), "PL")
    assert not isinstance(saved, Refused), saved
    (held,) = name_holders([NameHolder(key="holder", medium=medium_id(number), customer=customer, **asked)])
    assert not isinstance(held, Refused), held
    (offer,) = at_desk("A", carts.Cart(customer=customer))
    assert (offer.card, offer.what, offer.why, offer.more) == (number, "free", "for 3 passages", 0)
    assert at_desk("B", carts.Cart(customer=customer)) == [], "B gives nothing away for A"
    assert at_desk("A", carts.Cart()) == []
    assert at_desk("A", carts.Cart(customer=customer, sold=UUID(int=1))) == []
