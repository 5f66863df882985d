"""What holds for every history: money is conserved, every cut settles, periods add up, order does not matter."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel import canonical
from karnet.settlement.rules.division import Visit, divide_points, divide_time, divide_unused
from karnet.settlement.rules.netting import net_balances, net_pairs, payments
from karnet.settlement.rules.report import build_report
from karnet.settlement.rules.totals import Amounts, Ticket, Totals, difference
from karnet.settlement.tests.small import DAY, PLACES, POINTS, heading, line, terms

places = st.integers(0, 4)
kinds = st.sampled_from([("points", POINTS), ("time", DAY), ("time", "our-own")])
divisions = st.sampled_from(["weighted_passages", "equal_visited"])
unused_rules = st.sampled_from(["seller", "equal_members", "weights_of_members"])
agreements = st.builds(terms, division=divisions, unused=unused_rules, weights=st.tuples(*[st.integers(0, 10**8)] * 3))


@st.composite
def visits(draw: st.DrawFn) -> tuple[Visit, ...]:
    where = draw(st.lists(places, unique=True, max_size=5))
    return tuple(
        Visit(place, draw(st.integers(1, 50)), draw(st.integers(0, 40)), draw(st.integers(1, 10**9))) for place in where
    )


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    kind, code = draw(kinds)
    ended = draw(st.booleans())
    return Ticket(
        draw(places), code, "adult", kind, "PLN", draw(st.integers(0, 50_000)), 30 if kind == "points" else 0, ended,
        draw(st.booleans()),
    )  # fmt: skip


histories = st.lists(st.tuples(tickets(), visits()), max_size=12)
deposits = st.lists(st.tuples(places, st.integers(1, 5000), st.none() | places, st.integers(1, 5000)), max_size=6)


def settled(agreement, history, taken=()) -> dict:
    totals = Totals(agreement)
    for ticket, done in history:
        totals.add_tickets(1, ticket, done)
    for deposit in taken:
        totals.add_deposits(*deposit)
    return totals.result()


@given(st.integers(0, 10**9), st.integers(1, 200), visits(), st.booleans())
def test_a_points_ticket_is_divided_exactly(agreed: int, points: int, done: tuple[Visit, ...], ended: bool) -> None:
    shares, unused, deferred = divide_points(agreed, points, done, ended=ended)
    assert sum(share for _, share in shares) + unused + deferred == agreed
    assert not (unused if not ended else deferred)


@given(st.integers(0, 10**9), divisions, visits(), st.booleans())
def test_a_time_ticket_is_divided_exactly_and_only_among_those_visited(
    agreed: int, rule, done: tuple[Visit, ...], ended: bool
) -> None:
    shares, unused, deferred = divide_time(agreed, rule, done, ended=ended)
    assert sum(share for _, share in shares) + unused + deferred == agreed
    assert {place for place, _ in shares} <= {visit.place for visit in done}


@given(st.integers(0, 10**9), unused_rules, places, st.dictionaries(places, st.integers(0, 10**9), min_size=1))
def test_what_nobody_used_is_divided_exactly(unused: int, rule, seller: int, weights: dict[int, int]) -> None:
    assert sum(share for _, share in divide_unused(unused, rule, seller=seller, member_weights=weights)) == unused


@given(agreements, histories, deposits)
def test_money_is_conserved_and_all_balances_add_up_to_zero(agreement, history, taken) -> None:
    report = build_report(heading(), PLACES, settled(agreement, history, taken))
    assert sum(row.earned + row.deferred for row in report.facilities) == sum(
        row.collected for row in report.facilities
    )
    assert sum(row.balance for row in report.facilities) == 0
    assert sum(row.deposits for row in report.facilities) == 0


@given(agreements, histories, deposits, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter_to_a_single_byte(
    agreement, history, taken, chance: random.Random
) -> None:
    mixed = [(ticket, tuple(chance.sample(done, len(done)))) for ticket, done in chance.sample(history, len(history))]
    once = build_report(heading(), PLACES, settled(agreement, history, taken))
    again = build_report(heading(), PLACES, settled(agreement, mixed, chance.sample(taken, len(taken))))
    assert canonical.encode(once) == canonical.encode(again)


@given(agreements, histories, st.lists(st.integers(0, 50_000), min_size=12, max_size=12))
def test_what_others_get_never_depends_on_the_price_a_ticket_was_sold_at(agreement, history, prices) -> None:
    sold_otherwise = [
        (ticket._replace(price=price), done) for (ticket, done), price in zip(history, prices, strict=False)
    ]
    once = build_report(heading(5), PLACES, settled(agreement, history))
    again = build_report(heading(5), PLACES, settled(agreement, sold_otherwise))
    assert [(row.points, row.time, row.unused, row.balance) for row in once.facilities] == [
        (row.points, row.time, row.unused, row.balance) for row in again.facilities
    ]


@given(agreements, histories, st.data())
def test_periods_add_up_to_the_season_wherever_they_are_closed(agreement, history, data) -> None:
    """A growing history is closed at random points; late passages and returns arrive in between."""
    closings = data.draw(st.integers(1, 5))
    before: Amounts = {}
    sums: dict = {}
    for closing in range(closings):
        last = closing == closings - 1
        known = history if last else _some(data, history)
        cumulative = settled(agreement, known)
        for key, amount in difference(cumulative, before).items():
            sums[key] = sums.get(key, 0) + amount
        assert build_report(heading(), PLACES, difference(cumulative, before))
        before = cumulative
    assert {key: amount for key, amount in sums.items() if amount} == settled(agreement, history)


def _some(data, history):
    kept = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    return [
        (ticket._replace(ended=False, voided=False), done[: data.draw(st.integers(0, len(done)))])
        for (ticket, done), keep in zip(history, kept, strict=True)
        if keep
    ]


@given(st.dictionaries(st.tuples(places, places), st.integers(-(10**9), 10**9)))
def test_dues_and_payments_lead_to_the_same_balances_with_few_payments(owed) -> None:
    dues = net_pairs(owed)
    balances = net_balances(dues, 5)
    paid = payments(balances)
    assert sum(balances) == 0
    assert net_balances(paid, 5) == balances
    assert len(paid) <= max(sum(1 for balance in balances if balance) - 1, 0)
    assert all(due.amount > 0 for due in (*dues, *paid))
    assert len({frozenset((due.debtor, due.creditor)) for due in dues}) == len(dues)


def test_the_largest_debtor_pays_the_largest_creditor_first() -> None:
    assert payments([-11077, 5539, 5538]) == [(0, 1, 5539), (0, 2, 5538)]
    assert payments([-5, -5, 10]) == [(0, 2, 5), (1, 2, 5)]


def test_a_line_says_what_its_identity_promises() -> None:
    history = [(Ticket(0, DAY, "adult", "time", "PLN", 17500, 0, False, False), (Visit(1, 1, 0, 1),))]
    row = line(build_report(heading(), PLACES, settled(terms(), history)), "A")
    assert (row.earned, row.balance) == (1500, -16000)
