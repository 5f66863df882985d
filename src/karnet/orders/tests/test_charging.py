"""Money on cards: put on at one place, charged at any, and who owes it (SPEC N10)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from karnet.accounts.facts import drawn_sums, load_sums
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances, books_balance, discrepancies
from karnet.entitlements.rules import medium_id
from karnet.journal.cuts import extent
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load, money_on
from karnet.orders.requests import ReplaceCard, SetTerms
from karnet.orders.services import replace_cards, sell, set_terms
from karnet.orders.tests.agreeing import agreed
from karnet.orders.tests.conftest import ANNA, CARLA, MORNING, NORTH, SOUTH, SOUTH_TILL, TILL, World, race, state
from karnet.orders.tests.test_facts import seal

pytestmark = pytest.mark.database
NOON = MORNING + timedelta(hours=4)


@pytest.fixture
def card(world: World) -> World:
    """A card numbered 1 with 30 points on it, sold at NORTH; NORTH and SOUTH charge each other's cards."""
    agreed(world, NORTH, SOUTH)
    world.sold(world.line("P30", "1"), pay=3600)
    return world


def loading(world: World, amount: int, **changes: Any) -> LoadMoney:
    given = {"key": world.key(), "at": NOON, "actor": ANNA, "sales_point": TILL, "number": "1", **changes}
    return LoadMoney(amount=amount, **given)


def charging(world: World, amount: int = 0, **changes: Any) -> ChargeCard:
    given = {"key": world.key(), "at": NOON, "actor": CARLA, "sales_point": SOUTH_TILL, "number": "1", **changes}
    return ChargeCard(amount=amount, **given)


def loaded(world: World, amount: int, **changes: Any) -> MoneyOn:
    (answer,) = load([loading(world, amount, **changes)])
    assert isinstance(answer, MoneyOn), answer
    return answer


def charged(world: World, amount: int = 0, **changes: Any) -> MoneyOn:
    (answer,) = charge([charging(world, amount, **changes)])
    assert isinstance(answer, MoneyOn), answer
    return answer


def house(facility: Any, purpose: Any) -> int:
    account = house_account(facility, purpose, "PLN")
    return balances([account])[account].balance


def test_money_is_put_on_at_one_place_and_spent_at_another_and_every_book_balances(card: World) -> None:
    on = loaded(card, 10000, bonus=1000)
    assert (on.money, on.bonus) == (10000, 1000)
    before = house(SOUTH, "revenue")
    left = charged(card, 3000, vat_bp=800)
    assert (left.money, left.bonus) == (7000, 1000) == money_on("1", "PLN")
    assert (house(SOUTH, "revenue") - before, house(SOUTH, "vat")) == (2778, 222)
    assert (house(NORTH, "stored"), house(SOUTH, "stored")) == (3000, -3000), "NORTH owes what SOUTH has to get"
    assert house(NORTH, "bonuses") == -1000
    facts = extent(seal())
    until = MORNING + timedelta(days=1)
    assert [tuple(row) for row in load_sums(facts, "PLN", None, until)] == [(NORTH, 10000, 1000)]
    assert [tuple(row) for row in drawn_sums(facts, "PLN", None, until)] == [(NORTH, SOUTH, 3000, 0)]
    assert set(books_balance().values()) == {0}
    assert not discrepancies()
    assert check().sound


def test_what_the_charging_facility_holds_itself_is_spent_first_and_bonus_money_last(card: World) -> None:
    loaded(card, 1000, bonus=500)
    loaded(card, 400, actor=CARLA, sales_point=SOUTH_TILL)
    left = charged(card, 1600)
    assert (left.money, left.bonus) == (0, 300)
    facts = extent(seal())
    sums = {
        (row.held_by, row.facility): (row.money, row.bonus)
        for row in drawn_sums(facts, "PLN", None, NOON + timedelta(1))
    }
    assert sums == {(SOUTH, SOUTH): (400, 0), (NORTH, SOUTH): (1000, 200)}


def test_points_are_charged_without_a_gate(card: World) -> None:
    assert charged(card, points=12).points == 18
    (answer,) = charge([charging(card, points=19)])
    assert answer == Refused(Reason.NOT_ENOUGH_POINTS, {"available": 18, "needed": 19})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 1001}, Reason.INSUFFICIENT_FUNDS),
        ({"amount": 0}, Reason.BAD_VALUE),
        ({"amount": -1}, Reason.BAD_VALUE),
        ({"amount": 1, "points": 1}, Reason.BAD_VALUE),
        ({"amount": 1, "number": "9"}, Reason.UNKNOWN_MEDIUM),
        ({"amount": 1, "actor": ANNA}, Reason.UNKNOWN_ACTOR),
        ({"points": 31}, Reason.NOT_ENOUGH_POINTS),
    ],
)
def test_a_charge_that_cannot_be_is_refused_and_changes_nothing(card: World, changes: Any, reason: Reason) -> None:
    loaded(card, 1000)
    before = state()
    (answer,) = charge([charging(card, **changes)])
    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert state() == before


def test_without_an_agreement_that_names_it_a_facility_charges_only_what_it_holds_itself(world: World) -> None:
    agreed(world, NORTH)
    agreed(world, NORTH, SOUTH, since=NOON + timedelta(hours=2), days=1)
    world.sold(world.line("P30", "1"), pay=3600)
    loaded(world, 1000)
    loaded(world, 400, actor=CARLA, sales_point=SOUTH_TILL)
    before = state()
    for changes, facts in (({"amount": 401}, {"available_minor": 400, "currency": "PLN"}), ({"points": 1}, {})):
        assert charge([charging(world, **changes)]) == [Refused(Reason.MAY_NOT_CHARGE, facts)]
    (answer,) = charge([charging(world, 1401)])
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.MAY_NOT_CHARGE, "it does not say what others hold"
    assert state() == before
    charged(world, 400)
    charged(world, points=12, actor=ANNA, sales_point=TILL)
    later = NOON + timedelta(hours=2)
    charged(world, 500, at=later)
    charged(world, points=1, at=later)
    over = later + timedelta(days=1)
    assert isinstance(charge([charging(world, 100, at=over)])[0], Refused), "it has ended"


def test_what_is_put_on_cards_counts_for_the_days_limit(world: World) -> None:
    world.sold(world.line("P30", "1"), pay=3600)
    asked = {"key": world.key(), "at": MORNING, "actor": ANNA}
    (held,) = set_terms([SetTerms(**asked, sales_point=TILL, products=None, limit_minor=3600 + 2000)])
    assert not isinstance(held, Refused)
    loaded(world, 1400, bonus=100)
    before = state()
    answer = load([loading(world, 501)])[0]
    assert answer == Refused(Reason.LIMIT_REACHED, {"left_minor": 500, "currency": "PLN"})
    assert state() == before
    assert isinstance(sell([world.sale(world.line("WAX"), pay=999)])[0], Refused)
    answers = load([loading(world, 300), loading(world, 300)])
    assert [isinstance(answer, MoneyOn) for answer in answers] == [True, False]
    loaded(world, 501, at=NOON + timedelta(days=1))


def test_money_is_put_on_account_at_a_partners_sales_point_only(card: World) -> None:
    (answer,) = load([loading(card, 100, payment="on_account")])
    assert isinstance(answer, Refused)
    assert "payment" in answer.facts


def test_the_same_charge_sent_twice_is_made_once(card: World) -> None:
    loaded(card, 1000)
    request = charging(card, 600)
    assert charge([request]) == charge([request])
    assert money_on("1", "PLN") == (400, 0)
    twice = charge([charging(card, 300), charging(card, 300)])
    assert isinstance(twice[0], MoneyOn)
    assert isinstance(twice[1], Refused), "the second sees what the first left"


def test_eight_tills_at_once_never_spend_more_than_there_is(card: World) -> None:
    loaded(card, 1000)
    answers = race([lambda: charge([charging(card, 300)])[0]] * 8)
    assert sum(isinstance(answer, MoneyOn) for answer in answers) == 3
    assert money_on("1", "PLN") == (100, 0)


def test_a_card_given_to_somebody_else_carries_none_of_the_former_holders_money(card: World) -> None:
    loaded(card, 1000)
    card.taken_back(cards=("1",))
    card.sold(card.line("P30", "1"), pay=3600, at=NOON + timedelta(hours=2))
    assert money_on("1", "PLN") == (0, 0)


@pytest.mark.parametrize("deposit", ["new", "move"])
def test_a_replaced_card_carries_its_money_and_who_holds_it(card: World, deposit: Any) -> None:
    loaded(card, 1000, bonus=100)
    loaded(card, 400, actor=CARLA, sales_point=SOUTH_TILL)
    request = ReplaceCard(
        key=card.key(), at=NOON + timedelta(hours=1), actor=ANNA, old=medium_id("1"), new_number="2", sales_point=TILL,
        deposit=deposit, deposit_minor=1000 if deposit == "new" else 0,
    )  # fmt: skip
    assert not isinstance(replace_cards([request])[0], Refused)
    assert (money_on("1", "PLN"), money_on("2", "PLN")) == ((0, 0), (1400, 100))
    (answer,) = charge([charging(card, 500, number="2", at=NOON + timedelta(hours=2))])
    assert isinstance(answer, MoneyOn)
    facts = extent(seal())
    sums = {(r.held_by, r.facility): r.money for r in drawn_sums(facts, "PLN", None, NOON + timedelta(1))}
    assert sums == {(SOUTH, SOUTH): 400, (NORTH, SOUTH): 100}
    assert set(books_balance().values()) == {0}
    assert check().sound


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_put_on_and_spent_the_sums_agree(card: World, seed: int) -> None:
    chance = random.Random(seed)
    put = spent = 0
    for _ in range(25):
        who = chance.choice([{"actor": ANNA, "sales_point": TILL}, {"actor": CARLA, "sales_point": SOUTH_TILL}])
        amount = chance.randrange(1, 900)
        if chance.random() < 0.4:
            put += amount + (bonus := chance.choice([0, 50]))
            loaded(card, amount, bonus=bonus, **who)
        elif isinstance(charge([charging(card, amount, **who)])[0], MoneyOn):
            spent += amount
    held = money_on("1", "PLN")
    assert held is not None
    assert sum(held) == put - spent
    assert house(NORTH, "stored") + house(SOUTH, "stored") == 0
    assert set(books_balance().values()) == {0}
    facts = extent(seal())
    assert sum(r.money + r.bonus for r in load_sums(facts, "PLN", None, NOON + timedelta(1))) == put
    assert sum(r.money + r.bonus for r in drawn_sums(facts, "PLN", None, NOON + timedelta(1))) == spent
