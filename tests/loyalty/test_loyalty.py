"""Rewards for use and top-ups (SPEC N11): given once, used once, settled by the agreement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from karnet.entitlements.selectors import media_by_number
from karnet.journal.rebuilding import check
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.loyalty import selectors
from karnet.loyalty.operations import LoyaltyRule, Reward
from karnet.loyalty.requests import Award, Awarded, PublishedRules, PublishRules, RightOnLine, RuleDraft, SellWithRights
from karnet.loyalty.rules import Progress, _due
from karnet.loyalty.services import award, award_active, publish_rules, sell_with_rights
from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn, charge, load, money_on
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, ReplaceCard, Sale, SaleLine, Sell
from karnet.orders.services import replace_cards
from karnet.parties.operations import facility_id, operator_id, sales_point_id
from karnet.settlement.tests.season import DAY, Season, draft, row
from karnet.settlement.tests.test_races import together

pytestmark = pytest.mark.database
A = facility_id("A")
BONUS = Reward(kind="bonus", amount=500)
FREE = Reward(kind="discount", discount_bp=10_000, products=("day",), valid_days=30)


@pytest.fixture
def season(database: None) -> Season:
    season = Season()
    season.agree()
    return season


def rules(season: Season, *drafts: RuleDraft, facility: UUID = A, **changes: Any) -> Any:
    asked = {
        "key": season.key(), "at": DAY, "actor": season.server, "facility": facility,
        "valid_from": DAY - timedelta(days=1), "valid_until": DAY + timedelta(days=90), "rules": drafts, **changes,
    }  # fmt: skip
    return publish_rules([PublishRules(**asked)])[0]


def published(season: Season, *drafts: RuleDraft) -> None:
    answer = rules(season, *drafts)
    assert isinstance(answer, PublishedRules), answer


def medium(number: str) -> UUID:
    return media_by_number([number])[number].id


def awarded(season: Season, number: str, at: datetime = DAY + timedelta(hours=5)) -> Awarded:
    (answer,) = award([Award(key=season.key(), at=at, actor=season.server, medium=medium(number))])
    assert isinstance(answer, Awarded), answer
    return answer


def test_every_third_passage_earns_bonus_money_once_however_often_it_is_asked(season: Season) -> None:
    published(season, RuleDraft(code="third", event="passages", threshold=3, reward=BONUS))
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("AB", number=number)
    assert awarded(season, number).bonus == 0
    season.pass_gates("CABCA", number=number, at=DAY + timedelta(hours=2))
    assert awarded(season, number).bonus == 1000, "seven passages: twice three"
    assert awarded(season, number).bonus == 0
    assert money_on(number, "PLN") == (0, 1000)
    assert check().sound


def test_many_workers_at_once_give_a_reward_once(season: Season) -> None:
    published(season, RuleDraft(code="third", event="passages", threshold=3, reward=BONUS))
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("ABC", number=number)
    card = medium(number)
    request = {"at": DAY + timedelta(hours=5), "actor": season.server, "medium": card}
    answers = together(lambda n: award([Award(key=f"worker {n}", **request)])[0])
    assert sum(answer.bonus for answer in answers) == 500
    assert money_on(number, "PLN") == (0, 500)


def test_the_worker_finds_the_cards_that_earned_something(season: Season) -> None:
    published(season, RuleDraft(code="third", event="passages", threshold=3, reward=BONUS))
    for visits in ("ABC", "A", "BBBBBB"):
        season.sell("day", seller="A")
        season.pass_gates(visits)
    until = DAY + timedelta(hours=6)
    assert award_active(DAY, until, actor=season.server) == 3
    assert award_active(DAY, until + timedelta(seconds=1), actor=season.server) == 0
    assert award_active(until, until + timedelta(hours=1), actor=season.server) == 0


def sale(season: Season, number: str, amount: int, at: datetime = DAY + timedelta(hours=6)) -> Sell:
    return Sell(
        key=season.key(), at=at, actor=operator_id(A, "anna"), sales_point=sales_point_id(A, "till"),
        lines=(SaleLine(product=season.products["A"]["day"], cards=(Card(number=number),)),),
        payments=(Payment(kind="card", amount=amount),) if amount else (),
    )  # fmt: skip


def with_rights(plain: Sell, *rights: UUID) -> Sale | Refused:
    used = tuple(RightOnLine(right=right, line=n) for n, right in enumerate(rights))
    return sell_with_rights([SellWithRights(key=plain.key, at=plain.at, actor=plain.actor, rights=used, sale=plain)])[0]


def test_top_ups_earn_a_free_entry_which_is_used_with_its_sale_and_once(season: Season) -> None:
    published(season, RuleDraft(code="hundred", event="loaded", threshold=10_000, reward=FREE))
    season.sell("points30", seller="A")
    (number,) = season.numbers
    asked = {"at": DAY, "actor": operator_id(A, "anna"), "sales_point": sales_point_id(A, "till"), "number": number}
    for _ in range(2):
        assert isinstance(load([LoadMoney(key=season.key(), amount=6000, **asked)])[0], MoneyOn)
    (right,) = awarded(season, number).rights
    assert [one.id for one in selectors.open_rights(medium(number), DAY + timedelta(hours=6))] == [right]

    def sold(amount: int) -> Any:
        plain = sale(season, number, amount)
        return with_rights(plain, right)

    assert sold(16000).reason == Reason.PAYMENT_MISMATCH, "it costs nothing"
    assert selectors.open_rights(medium(number), DAY + timedelta(hours=6)), "a sale refused uses nothing up"
    answers = together(lambda n: sold(0))
    assert sum(isinstance(answer, Sale) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {Reason.RIGHT_USED}
    report = season.settle()
    assert row(report, "A").over_price == -16000, "who gives it away bears the agreed price"
    assert check().sound


def replaced(season: Season, number: str, by: str, at: datetime) -> None:
    asked = {"actor": operator_id(A, "anna"), "sales_point": sales_point_id(A, "till")}
    request = ReplaceCard(key=season.key(), at=at, old=medium(number), new_number=by, deposit="move", **asked)
    assert not isinstance(replace_cards([request])[0], Refused)


def test_rights_and_what_counts_for_rewards_follow_a_replaced_card(season: Season) -> None:
    third = RuleDraft(code="third", event="passages", threshold=3, reward=BONUS)
    published(season, third, RuleDraft(code="five", event="passages", threshold=5, reward=FREE))
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("ABCAB", number=number)
    awarded(season, number)
    later = DAY + timedelta(hours=6)
    (right,) = selectors.open_rights(medium(number), later)
    for minute, (old, new) in enumerate(((number, "R-1"), ("R-1", "R-2"))):
        replaced(season, old, new, DAY + timedelta(hours=5, minutes=minute))
    assert money_on("R-2", "PLN") == (0, 500)
    assert selectors.open_rights(medium(number), later) == []
    assert [(one.id, one.medium) for one in selectors.open_rights(medium("R-2"), later)] == [(right.id, medium("R-2"))]
    assert selectors.rights([right.id])[right.id].medium == medium("R-2")
    season.pass_gates("C", number="R-2", at=later)
    assert awarded(season, number, later + timedelta(hours=1)).rewards == (), "nothing goes to the lost card"
    assert awarded(season, "R-2", later + timedelta(hours=1)).bonus == 500, "five passages before and one now"
    assert awarded(season, "R-2", later + timedelta(hours=2)).rewards == ()
    plain = sale(season, "R-2", 0, later + timedelta(hours=3))
    assert isinstance(with_rights(plain, right.id), Sale)
    assert check().sound


def test_what_was_earned_before_a_card_was_replaced_is_given_on_the_new_one(season: Season) -> None:
    published(season, RuleDraft(code="third", event="passages", threshold=3, reward=BONUS))
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("ABC", number=number)
    replaced(season, number, "R-1", DAY + timedelta(hours=5))
    assert award_active(DAY, DAY + timedelta(hours=6), actor=season.server) == 1
    assert (money_on(number, "PLN"), money_on("R-1", "PLN")) == ((0, 0), (0, 500))


@pytest.mark.parametrize(("bearer", "owed"), [("giver", 500), ("spender", 0)])
def test_a_bonus_spent_elsewhere_is_borne_as_agreed(database: None, bearer: str, owed: int) -> None:
    season = Season()
    season.agree(draft(bonus=bearer))
    published(season, RuleDraft(code="third", event="passages", threshold=3, reward=BONUS))
    season.sell("day", seller="A")
    (number,) = season.numbers
    season.pass_gates("AAA", number=number)
    awarded(season, number)
    c = facility_id("C")
    spent = ChargeCard(
        key=season.key(), at=DAY + timedelta(hours=6), actor=operator_id(c, "anna"),
        sales_point=sales_point_id(c, "till"), number=number, amount=500,
    )  # fmt: skip
    assert isinstance(charge([spent])[0], MoneyOn)
    report = season.settle()
    assert (row(report, "C").bonus, row(report, "A").bonus, row(report, "A").bonus_given) == (owed, -owed, 500)


@pytest.mark.parametrize(
    ("rule", "progress", "due"),
    [
        ({"threshold": 3}, (2, 0), []),
        ({"threshold": 3}, (3, 0), [1]),
        ({"threshold": 3}, (7, 1), [2]),
        ({"threshold": 3, "at_most": 2}, (30, 1), [2]),
        ({"threshold": 3, "at_most": 2}, (30, 2), []),
        ({"threshold": 3, "window_days": 7}, (7, 0), [1]),
        ({"threshold": 3, "window_days": 7}, (3, 4), [5]),
    ],
)
def test_what_is_due_follows_from_what_was_counted_and_given(rule: Any, progress: Any, due: list[int]) -> None:
    made = LoyaltyRule(id=UUID(int=1), code="x", event="passages", reward=BONUS, **rule)
    assert list(_due(made, Progress(counted=progress[0], given=progress[1]))) == due


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "no spaces"}, "rules[0].code"),
        ({"threshold": 0}, "rules[0].threshold"),
        ({"reward": Reward(kind="bonus")}, "rules[0].reward.amount"),
        ({"reward": Reward(kind="discount", discount_bp=10_001, products=("day",))}, "rules[0].reward.discount_bp"),
    ],
)
def test_a_rule_without_sense_is_refused_with_its_field(season: Season, changes: Any, field: str) -> None:
    plain = {"code": "x", "event": "passages", "threshold": 3, "reward": BONUS}
    answer = rules(season, RuleDraft(**{**plain, **changes}))
    assert isinstance(answer, Refused)
    assert field in answer.facts


def test_a_rule_is_published_once_and_only_for_a_facility_that_is_there(season: Season) -> None:
    plain = RuleDraft(code="third", event="passages", threshold=3, reward=BONUS)
    published(season, plain)
    assert rules(season, plain).reason == Reason.ALREADY_EXISTS
    assert rules(season, plain, facility=UUID(int=9)).reason == Reason.UNKNOWN_FACILITY
    assert rules(season, plain, valid_until=datetime(2020, 1, 1, tzinfo=UTC)).reason == Reason.BAD_VALUE
