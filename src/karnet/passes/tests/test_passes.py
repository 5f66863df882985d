"""Passes at the till, over a real database: sold, topped up, spent, held, expired, blocked."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from karnet.accounts.selectors import books_balance
from karnet.orders.receipts import receipt
from karnet.orders.tests.conftest import ANNA, BEN, NORTH, SOUTH, TILL, World, cash
from karnet.passes.requests import (
    BlockPass,
    KeepUp,
    KeptUp,
    OfferPasses,
    PayInstalments,
    UnblockPass,
    UseCredits,
)
from karnet.passes.selectors import due_instalments, pass_by_number
from karnet.passes.services import block, charge, keep_up, offer, pay_instalments, sell, top_up, unblock, use_credits
from karnet.passes.tests.conftest import (
    DAYS,
    LATER,
    VALUE,
    Till,
    assert_books_balance,
    assert_rebuilt_alike,
    days,
    drawer,
    held,
    one,
    race,
    refusal,
    state,
)

pytestmark = pytest.mark.database


def test_a_pass_is_sold_with_its_card_and_first_top_up(till: Till, superuser: psycopg.Connection) -> None:
    """SPEC S-e: 300 with 15 % is 300.00 money and 45.00 bonus; the card is revenue, the rest is nobody's yet."""
    sold = till.sold("VALUE", "P1", 30000, pay=31000)
    assert (sold.purses, sold.paid, sold.bonus) == ({"money": 30000, "bonus": 4500}, 30000, 4500)
    assert drawer(till.world.shifts[TILL]) == 31000
    printed = receipt(sold.order) if sold.order else None
    assert printed is not None
    assert (printed.total, [line.product_code for line in printed.lines]) == (1000, ["pass_card"])
    assert one("SELECT number FROM entitlements_medium WHERE number = 'P1' AND state = 'in_use'") == "P1"
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def test_what_is_spent_empties_money_before_bonus_and_is_billed_with_its_vat(till: Till) -> None:
    till.sold("VALUE", "P1", 10000, pay=11000)
    spent = till.charged("P1", 10)
    assert (spent.drawn, spent.purses) == (9990, {"money": 10, "bonus": 500})
    again = till.charged("P1", 1, [cash(999 - 510)])
    assert (again.drawn, again.purses) == (510, {"money": 0, "bonus": 0})
    printed = receipt(again.order) if again.order else None
    assert printed is not None
    assert [(p.kind, p.amount) for p in printed.payments] == [
        ("internal_account", 10),
        ("internal_account", 500),
        ("cash", 489),
    ]
    assert printed.by_rate == {2300: (999, 187)}
    assert_books_balance()


def test_a_pass_that_lacks_something_says_how_much(till: Till) -> None:
    till.sold("VALUE", "P1", 1000, pay=2000)
    before = state()
    refused = charge([till.charging("P1", 2)])[0]
    assert refusal(refused) == "payment_mismatch"
    assert refused.facts["total_minor"] == 998  # type: ignore[union-attr]
    assert state() == before


def test_each_top_up_reaches_its_tier_by_itself(till: Till) -> None:
    """SPEC S-i: 250 → 25.00; 3 × 100 → 15.00; 99.99 → 0."""
    till.sold("VALUE", "P1", 25000, pay=26000)
    for _ in range(3):
        till.topped("P1", 10000)
    assert till.topped("P1", 9999).purses == {"money": 25000 + 30000 + 9999, "bonus": 2500 + 1500}


@pytest.mark.parametrize(
    ("reason", "kind", "changes"),
    [
        ("bad_value", "VALUE", {"amount": 999, "pay": 1999}),
        ("bad_value", "VALUE", {"amount": 0, "pay": 1000}),
        ("bad_value", "DAYS", {"amount": 20000, "pay": 20000}),
        ("payment_mismatch", "VALUE", {"amount": 10000, "pay": 10000}),
        ("not_on_sale", "NONE", {"amount": 10000, "pay": 10000}),
        ("no_open_shift", "VALUE", {"amount": 10000, "pay": 11000, "actor": BEN}),
    ],
)
def test_what_may_not_be_sold_changes_nothing(till: Till, reason: str, kind: str, changes: dict[str, object]) -> None:
    before = state()
    assert refusal(sell([till.selling(kind, "P1", **changes)])[0]) == reason  # type: ignore[arg-type]
    assert state() == before


def test_a_card_carries_one_pass_of_a_facility_and_one_in_use_costs_no_card(till: Till) -> None:
    world = till.world
    world.sold(world.line("DAY", "C1"), pay=17000)
    assert till.sold("VALUE", "C1", 10000, pay=10000).order is None
    assert refusal(sell([till.selling("VALUE", "C1", 10000, pay=10000)])[0]) == "pass_on_card"
    seen = pass_by_number("chip-C1", NORTH, LATER)
    assert seen is not None
    assert (seen.number, seen.money_minor) == ("C1", 10500)
    assert pass_by_number("C1", SOUTH, LATER) is None


def test_eight_tills_draw_on_one_pass_at_once_and_none_draws_what_is_not_there(till: Till) -> None:
    till.sold("VALUE", "P1", 5000, pay=6000)
    asked = [till.charging("P1", 1) for _ in range(8)]
    answers = race([lambda r=r: charge([r])[0] for r in asked])
    assert sum(hasattr(answer, "drawn") for answer in answers) == 5
    assert held(top_up([till.topping("P1", 1000)])[0]).purses == {"money": 5000 - 5 * 999 + 1000, "bonus": 0}
    assert_books_balance()


def test_two_tills_sell_one_card_once(till: Till) -> None:
    asked = [till.selling("VALUE", "P1", 10000, pay=11000) for _ in range(4)]
    answers = race([lambda r=r: sell([r])[0] for r in asked])
    assert sum(hasattr(answer, "purses") for answer in answers) == 1
    assert drawer(till.world.shifts[TILL]) == 11000


def test_value_cards_end_so_many_days_after_the_top_up_and_a_top_up_prolongs_them(
    till: Till, superuser: psycopg.Connection
) -> None:
    """100 buys 110 for 90 days, 300 buys 345 for 180 (a pool's published price list)."""
    sold = till.sold("DAYS", "D1", 10000, pay=10000)
    assert sold.purses == {"money": 10000, "bonus": 1000}
    assert sold.good_until is not None
    assert (sold.good_until - LATER).days == 90
    more = till.topped("D1", 30000, at=days(60))
    assert more.good_until is not None
    assert (more.good_until - days(60)).days in (179, 180)
    assert held(charge([till.charging("D1", 1, at=days(200))])[0]).drawn == 999
    before = state()
    assert refusal(charge([till.charging("D1", 1, at=days(260))])[0]) == "payment_mismatch"
    assert state() == before
    assert kept(KeepUp(key="day", at=days(200), actor=ANNA, facility=NORTH)).expired == 0
    assert kept(KeepUp(key="end", at=days(260), actor=ANNA, facility=NORTH)).expired == 1
    assert kept(KeepUp(key="end 2", at=days(261), actor=ANNA, facility=NORTH)).expired == 0
    seen = pass_by_number("D1", NORTH, days(260))
    assert seen is not None
    assert [purse.balance for purse in seen.purses] == [0, 0]
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def kept(request: KeepUp) -> KeptUp:
    answer = keep_up(request)
    assert isinstance(answer, KeptUp), answer
    return answer


def test_classes_and_money_are_on_one_pass_and_classes_are_taxed_when_they_are_paid_for(till: Till) -> None:
    """SPEC S11: n group classes and money for extra time."""
    sold = till.sold("CLASSES", "K1", pack="TEN", pay=35000)
    assert sold.purses == {"classes": 10, "money": 5000}
    printed = receipt(sold.order) if sold.order else None
    assert printed is not None
    assert printed.by_rate == {800: (30000, 2222)}
    asked = UseCredits(number="K1", purse="classes", credits=9, code="YOGA", **till.asked())
    assert held(use_credits([asked])[0]).purses == {"classes": 1, "money": 5000}
    assert held(use_credits([asked])[0]).purses == {"classes": 1, "money": 5000}
    two = UseCredits(number="K1", purse="classes", credits=2, **till.asked())
    assert refusal(use_credits([two])[0]) == "no_credits"
    assert till.charged("K1", 1).purses == {"classes": 1, "money": 4001}
    assert books_balance()["credits"] == 0
    assert_books_balance()


def test_what_was_taxed_when_it_came_in_is_not_billed_again(till: Till) -> None:
    """SPEC S17, a single-purpose voucher: VAT at the top-up, none when it is used; bonus money is billed as it is used."""
    sold = till.sold("TAXED", "T1", 10000, pay=10000)
    printed = receipt(sold.order) if sold.order else None
    assert printed is not None
    assert printed.by_rate == {2300: (10000, 1870)}
    assert till.charged("T1", 3).order is None
    spent = till.charged("T1", 8)
    assert (spent.drawn, spent.purses) == (7992, {"money": 0, "bonus": 1000 - (11 * 999 - 10000)})
    printed = receipt(spent.order) if spent.order else None
    assert printed is not None
    assert printed.total == 11 * 999 - 10000
    assert one("SELECT sum(total) FROM orders_order") == 10000 + 989
    assert one("SELECT sum(vat) FROM orders_order") == 1870 + 185
    assert_books_balance()


def test_a_purse_pays_only_what_it_is_for(till: Till) -> None:
    till.sold("BAR", "B1", pack="BOTH", pay=1500)
    refused = charge([till.charging("B1", 1)])[0]
    assert refusal(refused) == "payment_mismatch"
    assert refused.facts["total_minor"] == 499  # type: ignore[union-attr]
    assert till.charged("B1", 1, [cash(499)]).purses == {"soup": 1000, "money": 0}


def test_an_open_pass_is_paid_in_instalments_and_who_is_late_is_blocked(
    till: Till, superuser: psycopg.Connection
) -> None:
    """SPEC S10: validity dates and terms of payment."""
    sold = till.sold("OPEN", "O1", 5000, pay=15000)
    assert sold.runs_until is not None
    assert (sold.runs_until - LATER).days == 364
    due = due_instalments(NORTH, days(40).date())
    assert [(one.amount, one.due_on.isoformat()) for one in due] == [(10000, "2026-02-17")]
    late = days(31 + 8)
    assert kept(KeepUp(key="in grace", at=late - timedelta(days=1), actor=ANNA, facility=NORTH)).blocked == 0
    assert kept(KeepUp(key="late", at=late, actor=ANNA, facility=NORTH)).blocked == 1
    assert refusal(charge([till.charging("O1", 1, at=late)])[0]) == "pass_blocked"
    paying = PayInstalments(number="O1", payments=(cash(20000),), **till.asked(at=late + timedelta(hours=1)))
    paid = held(pay_instalments([paying])[0])
    assert (paid.blocked, len(due_instalments(NORTH, days(365).date()))) == (False, 9)
    assert till.charged("O1", 1, at=late + timedelta(hours=2)).drawn == 999
    wrong = PayInstalments(number="O1", payments=(cash(9000),), **till.asked(at=late + timedelta(hours=2)))
    assert refusal(pay_instalments([wrong])[0]) == "payment_mismatch"
    renewed = till.topped("O1", 0, renew=True, pay=10000, at=late + timedelta(hours=3))
    assert renewed.runs_until is not None
    assert (renewed.runs_until - LATER).days in (729, 730)
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def test_staff_block_a_pass_and_lift_the_block(till: Till) -> None:
    till.sold("VALUE", "P1", 10000, pay=11000)
    asked = BlockPass(key="block", at=LATER, actor=ANNA, number="P1", code="lost")
    assert held(block([asked])[0]).purses == {"money": 0, "bonus": 0}
    assert refusal(charge([till.charging("P1")])[0]) == "pass_blocked"
    assert till.topped("P1", 10000).blocked
    freed = UnblockPass(key="free", at=LATER, actor=ANNA, number="P1")
    assert held(unblock([freed])[0]).purses == {"money": 20000, "bonus": 1000}


def test_a_kind_keeps_the_purses_in_which_people_have_money(till: Till) -> None:
    changed = [
        VALUE.__class__(code="VALUE", free_amounts=True, purses=VALUE.purses[:1]),
        DAYS.__class__(code="DAYS", amounts=(1,), tiers=DAYS.tiers, purses=(DAYS.purses[0],)),
    ]
    for kind in changed:
        asked = OfferPasses(key=till.world.key(), at=LATER, actor=ANNA, facility=NORTH, kinds=(kind,))
        assert refusal(offer([asked])[0]) == "bad_value"


def test_a_top_up_that_claims_to_precede_the_last_is_refused(till: Till) -> None:
    till.sold("DAYS", "D1", 10000, pay=10000)
    before = state()
    assert refusal(top_up([till.topping("D1", 30000, at=LATER - timedelta(minutes=1))])[0]) == "bad_value"
    assert state() == before


def test_a_sale_sent_twice_is_one_sale(till: Till) -> None:
    asked = till.selling("VALUE", "P1", 10000, pay=11000)
    assert sell([asked]) == sell([asked])
    assert one("SELECT count(*) FROM passes_top_up") == 1


def test_the_pass_goes_over_to_the_card_that_replaces_its_own(till: Till, world: World) -> None:
    from karnet.orders.requests import ReplaceCard
    from karnet.orders.services import replace_cards

    sold = till.sold("VALUE", "P1", 10000, pay=11000)
    old = one("SELECT id FROM entitlements_medium WHERE number = 'P1'")
    for n, (before, new) in enumerate((("P1", "P2"), ("P2", "P3"))):
        old = one("SELECT id FROM entitlements_medium WHERE number = %s", before)
        asked = ReplaceCard(old=old, new_number=new, **till.asked(at=LATER + timedelta(minutes=n)))
        assert refusal_or_none(replace_cards([asked])[0]) is None
    later = LATER + timedelta(hours=1)
    seen = pass_by_number("P3", NORTH, later)
    assert seen is not None
    assert (seen.id, seen.number, seen.money_minor) == (sold.id, "P3", 10500)
    assert refusal(charge([till.charging("P1", at=later)])[0]) == "medium_replaced"
    assert till.charged("P3", at=later).drawn == 999
    assert refusal(sell([till.selling("VALUE", "P3", 10000, pay=10000, at=later)])[0]) == "pass_on_card"


def refusal_or_none(answer: object) -> str | None:
    return getattr(answer, "reason", None)
