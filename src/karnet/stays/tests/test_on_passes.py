"""Stays on passes: no payment at the desk, money held, the exit draws by itself, what is short goes to the till."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from karnet.accounts.top_ups import Tier
from karnet.kernel.outcomes import Refused
from karnet.orders.operations import Payment
from karnet.orders.receipts import receipt
from karnet.orders.tabs import tabs
from karnet.passes.kinds import Contract, PassKind, Purse
from karnet.passes.requests import BlockPass, ChargePass, KeepUp, KeptUp, OfferPasses, PassesOffered, PassNow, SellPass
from karnet.passes.selectors import PassView, pass_by_number
from karnet.passes.services import block, charge, keep_up, offer, sell
from karnet.stays.bills import bills, owed_together
from karnet.stays.explaining import foreseen
from karnet.stays.requests import Band, Closed, Correct, ForceClose, Let, Mended
from karnet.stays.selectors import stay_states
from karnet.stays.services import correct, enter, force_close, read
from karnet.stays.tests.conftest import (
    ANNA,
    NOON,
    POOL,
    TILL,
    World,
    assert_books_balance,
    assert_rebuilt_alike,
    race,
    refusal,
    set_house,
    state,
    when,
)

pytestmark = pytest.mark.database

PLAIN = PassKind(code="PLAIN", amounts=(10000,), free_amounts=True, tiers=(Tier(from_minor=30000, bonus_bp=1500),))
CHEAP = PassKind(code="CHEAP", free_amounts=True, tariff="pool", categories={"*": "child"}, hold_minor=1000)
YEAR = PassKind(
    code="YEAR", people=1, hold_minor=0, categories={"adult": "child"},
    contract=Contract(months=1, price_minor=20000, vat_bp=800),
)  # fmt: skip
LIMITED = PassKind(
    code="STAYS", free_amounts=True, purses=(Purse(code="money", pays=("stay",)),)
)  # fmt: skip


def sold(world: World, number: str, amount: int, kind: str = "PLAIN", **changes: Any) -> PassNow:
    offered = OfferPasses(
        key="kinds", at=NOON - timedelta(hours=2), actor=ANNA, facility=POOL, kinds=(PLAIN, CHEAP, YEAR, LIMITED)
    )
    assert isinstance(offer([offered])[0], PassesOffered)
    cost = amount + (20000 if kind == "YEAR" else 0)
    asked: dict[str, Any] = {"key": world.key(), "at": NOON - timedelta(hours=1), "actor": ANNA, "sales_point": TILL}
    paid = (Payment(kind="cash", amount=cost),)
    (answer,) = sell([SellPass(kind=kind, number=number, amount=amount, payments=paid, **asked | changes)])
    assert isinstance(answer, PassNow), answer
    return answer


def seen(number: str = "P", at: int = 200) -> PassView:
    found = pass_by_number(number, POOL, when(at))
    assert found is not None
    return found


def in_purse(number: str = "P") -> tuple[int, int]:
    """(balance, held) of the pass's money."""
    money = seen(number).purses[0]
    return money.balance, money.held


def one(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def band(number: str, held: int | None = 4000, category: str = "adult") -> Band:
    return Band(number=number, prepaid_minor=held, category=category)


def inside(world: World, *numbers: str, **changes: Any) -> Any:
    came = world.came(*(band(number) for number in numbers), pass_number="P", **changes)
    for number in numbers:
        world.passes("in", number, 0)
    return came


def test_three_come_on_one_pass_and_the_third_pays_the_rest_at_the_till(
    world: World, superuser: psycopg.Connection
) -> None:
    """SPEC S-j: pass with 100.00, three bands, 40.00 each → the third pays 20.00 at the till."""
    sold(world, "P", 10000)
    came = inside(world, "1", "2", "3", tariff="S-c")
    assert (came.prepaid, came.held, in_purse()) == (0, 10000, (10000, 10000))
    # S-c: 0.40 a minute until 16:00, so 100 minutes from noon are 40.00.
    assert {bills([stay], when(100))[stay].bill.total_minor for stay in came.stays} == {4000}
    assert world.passes("out", "1", 100).drawn == world.passes("out", "2", 100).drawn == 4000
    owed = bills([came.stays[2]], when(100))[came.stays[2]]
    assert (owed.pass_minor, owed.owed_minor) == (2000, 2000)
    refused = world.reads("out", "3", 100)
    assert (refusal(refused), refused.facts["owed_minor"]) == ("pass_short", 2000)  # type: ignore[union-attr]
    done = world.settled(came.stays[2], at=100, pay=2000)
    assert (done.drawn, done.paid, done.closed) == (2000, 2000, True)
    assert in_purse() == (0, 0)
    printed = receipt(done.order) if done.order else None
    assert printed is not None
    assert sorted((p.kind, p.amount) for p in printed.payments) == [("cash", 2000), ("internal_account", 10000)]
    assert_books_balance()
    assert_rebuilt_alike(superuser)


def test_who_comes_on_a_pass_leaves_without_a_cashier(world: World) -> None:
    sold(world, "P", 30000)
    (stay,) = inside(world, "1").stays
    assert bills([stay], when(60))[stay].owed_minor == 0
    left = world.passes("out", "1", 60)
    assert (left.ended, left.drawn) == (True, 1800)
    assert [purse.balance for purse in seen().purses] == [30000 - 1800, 4500]
    assert in_purse() == (28200, 0)
    assert left.document is not None


def test_a_pass_with_nothing_on_it_lets_nobody_in_and_one_with_little_does(world: World) -> None:
    sold(world, "P", 100)
    before = state()
    refused = world.enters(band("1"), band("2"), pass_number="P")
    assert (refusal(refused), state()) == ("insufficient_funds", before)
    assert world.came(band("1"), pass_number="P").held == 100
    assert refusal(world.enters(band("2"), pass_number="P")) == "insufficient_funds"


def test_nobody_draws_what_is_held_for_people_inside(world: World) -> None:
    """Six tills and bands want the last 100.00 at once; the holds stand, and never two draw the same money."""
    sold(world, "P", 10000)
    inside(world, "1", "2")
    entries = [world.entry(band(str(n), held=1000), pass_number="P") for n in range(10, 14)]
    soup = [
        ChargePass(
            key=world.key(), at=NOON, actor=ANNA, sales_point=TILL, number="P",
            lines=(world_line(world),),
        )
        for _ in range(2)
    ]  # fmt: skip
    race([*(lambda e=e: enter([e])[0] for e in entries), *(lambda s=s: charge([s])[0] for s in soup)])
    balance, held = in_purse()
    assert 8000 <= held <= balance <= 10000
    assert one("SELECT sum(amount) FROM passes_hold WHERE over_at IS NULL") == held
    leaving = [world.reading("out", number, 133) for number in ("1", "2")]
    answers = race([lambda r=r: read([r])[0] for r in leaving])
    assert [answer.drawn for answer in answers if isinstance(answer, Let)] == [3990, 3990]
    assert_books_balance()


def world_line(world: World) -> Any:
    from karnet.orders.requests import SaleLine

    return SaleLine(product=world.goods["SOUP"])


def test_eight_leave_through_one_exit_on_one_pass_and_it_is_drawn_once_for_each(world: World) -> None:
    sold(world, "P", 10000)
    numbers = [str(n) for n in range(8)]
    world.came(*(band(number, held=1000) for number in numbers), pass_number="P")
    for number in numbers:
        world.passes("in", number, 0)
    leaving = [world.reading("out", number, 50) for number in numbers]
    answers = race([lambda r=r: read([r])[0] for r in leaving])
    through = [answer for answer in answers if isinstance(answer, Let)]
    # 50 minutes are 15.00 each, 10.00 of it held: what nobody holds is enough for four of them.
    assert len(through) == 4
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"pass_short"}
    assert in_purse() == (10000 - 4 * 1500, 4 * 1000)
    assert_books_balance()


def test_a_pass_may_have_a_price_list_of_its_own(world: World) -> None:
    """SPEC S7, S9: entry by a cheaper list."""
    sold(world, "P", 10000, "CHEAP")
    (stay,) = world.came(band("1", held=None), pass_number="P", tariff="S-g").stays
    assert in_purse() == (10000, 1000)
    world.passes("in", "1", 0)
    assert world.total(stay, 30) == 600


def test_an_open_pass_admits_one_at_a_time_while_its_contract_runs(world: World) -> None:
    sold(world, "P", 0, "YEAR")
    world.came(band("1", held=0), pass_number="P")
    assert refusal(world.enters(band("2", held=0), pass_number="P")) == "pass_in_use"
    later = NOON + timedelta(days=40)
    assert refusal(world.enters(band("3", held=0), pass_number="P", at=later)) == "pass_expired"


def test_a_pass_that_is_blocked_pays_what_was_held_and_nothing_else(world: World) -> None:
    sold(world, "P", 10000)
    inside(world, "1")
    (answer,) = block([BlockPass(key="lost", at=NOON, actor=ANNA, number="P", code="lost")])
    assert isinstance(answer, PassNow)
    assert refusal(world.enters(band("2"), pass_number="P")) == "pass_blocked"
    assert refusal(world.reads("out", "1", 150)) == "pass_short"
    assert world.passes("out", "1", 133).drawn == 3990


def test_a_purse_for_stays_pays_no_soup(world: World) -> None:
    sold(world, "P", 10000, "STAYS")
    (stay,) = inside(world, "1").stays
    from karnet.stays.requests import ChargeBand
    from karnet.stays.services import charge_bands

    asked = ChargeBand(key="soup", at=when(10), actor=ANNA, sales_point=TILL, band="1", lines=(world_line(world),))
    assert not isinstance(charge_bands([asked])[0], Refused)
    refused = world.reads("out", "1", 60)
    assert (refusal(refused), refused.facts["owed_minor"]) == ("pass_short", 1500)  # type: ignore[union-attr]
    done = world.settled(stay, at=60, pay=1500)
    assert (done.drawn, in_purse()) == (1800, (8200, 0))


def test_a_hold_that_nobody_drew_lapses_and_the_exit_draws_what_is_there(
    world: World, superuser: psycopg.Connection
) -> None:
    sold(world, "P", 10000)
    inside(world, "1")
    tomorrow = NOON + timedelta(hours=25)
    done = keep_up(KeepUp(key="day", at=tomorrow, actor=ANNA, facility=POOL))
    assert isinstance(done, KeptUp)
    assert (done.lapsed, in_purse()) == (1, (10000, 0))
    assert refusal(world.reads("out", "1", tomorrow)) == "pass_short"
    assert_rebuilt_alike(superuser)


def test_a_pass_that_is_shown_at_the_till_pays_for_who_came_without_it(world: World) -> None:
    sold(world, "P", 10000)
    (stay,) = world.came("1", pay=1800).stays
    world.passes("in", "1", 0)
    known = pass_by_number("P", POOL, when(70))
    assert known is not None
    (tab,) = {one.tab for one in stay_states([stay]).values()}
    seen = [foreseen(tab, (stay,), when(70), shown) for shown in (None, known.id)]
    assert [(one.by_pass, one.owed) for one in seen if one] == [(0, 300), (300, 0)]
    done = world.settled(stay, at=70, pass_number="P")
    assert (done.drawn, done.paid, done.closed) == (300, 0, True)
    assert refusal(world.settles(stay, at=70, pass_number="nobody's")) in ("stay_ended", "unknown_pass")


def test_what_was_drawn_too_much_goes_back_to_the_pass_and_bonus_never_into_cash(world: World) -> None:
    sold(world, "P", 30000)
    (stay,) = inside(world, "1").stays
    world.settled(stay, at=60, mode="pay")
    assert in_purse()[0] == 30000 - 1800
    (move,) = moves(stay)
    mended = Correct(
        key="mend", at=when(61), actor=ANNA, stay=stay, reason="wrong_read", drop=move, zone="pool", since=when(50)
    )
    assert isinstance(correct([mended])[0], Mended)
    done = world.settled(stay, at=62)
    assert (done.refund, done.closed) == (0, True)
    assert in_purse()[0] == 30000 - 300
    assert tabs([done.tab])[done.tab].paid == {"internal_account": 300}
    assert_books_balance()


def moves(stay: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM stays_move WHERE stay = %s", [stay])
        return [row[0] for row in cursor.fetchall()]


def test_a_stay_ended_by_hand_is_paid_by_its_pass(world: World) -> None:
    sold(world, "P", 10000)
    (stay,) = inside(world, "1").stays
    asked = ForceClose(key="force", at=when(60), actor=ANNA, stay=stay, reason="closing_time")
    (closed,) = force_close([asked])
    assert isinstance(closed, Closed)
    assert (closed.owed, in_purse()) == (0, (8200, 0))


def test_a_family_on_one_pass_is_settled_together(world: World) -> None:
    set_house(world, receipt="entry")
    sold(world, "P", 5000)
    came = inside(world, "1", "2")
    assert owed_together(came.stays, when(100)) == 1000
    done = world.settled(*came.stays, at=100, pay=1000)
    assert (done.drawn, done.balance, in_purse()) == (5000, 0, (0, 0))
