"""What holds for every history: money is conserved, every cut settles, periods add up, order does not matter."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel import canonical
from karnet.settlement.rules.division import DIVISIONS, Visit, divide_points, divide_time, divide_unused
from karnet.settlement.rules.netting import net_balances, net_pairs, payments
from karnet.settlement.rules.report import build_report
from karnet.settlement.rules.statements import statements
from karnet.settlement.rules.totals import Amounts, BundlePart, Priced, Terms, Ticket, Totals, difference
from karnet.settlement.tests.small import DAY, PLACES, POINTS, heading, line, terms

places = st.integers(0, 4)
BUNDLE = "sleep-and-ski"
kinds = st.sampled_from([("points", POINTS), ("time", DAY), ("time", BUNDLE), ("points", BUNDLE), ("time", "our-own")])
divisions = st.sampled_from(list(DIVISIONS))
unused_rules = st.sampled_from(["seller", "equal_members", "weights_of_members"])


@st.composite
def agreements_of(draw: st.DrawFn) -> Terms:
    """Any agreement there can be of three members and their products."""
    agreed = terms(
        division=draw(divisions),
        unused=draw(unused_rules),
        weights=draw(st.tuples(*[st.integers(0, 10**8)] * 3)),
        floor_bp=draw(st.integers(0, 10_000)),
        overdrawn=draw(st.sampled_from(["shared", "seller"])),
        unreturned=draw(st.sampled_from(["held", "taker", "equal_members"])),
        second_payout=draw(st.sampled_from(["payer", "taker"])),
        bonus=draw(st.sampled_from(["giver", "spender", "members"])),
    )
    parts = draw(st.lists(st.builds(BundlePart, places, st.integers(0, 5000), st.integers(0, 2300)), max_size=3))
    gross = sum(part.amount for part in parts) + draw(st.integers(0, 20_000))
    bundle = Priced(gross, draw(st.sampled_from([0, 500, 800, 2300])), tuple(parts), draw(st.none() | divisions))
    return agreed._replace(prices={**agreed.prices, (BUNDLE, "adult"): bundle})


agreements = agreements_of()


@st.composite
def visits(draw: st.DrawFn) -> tuple[Visit, ...]:
    where = draw(st.lists(places, unique=True, max_size=5))
    return tuple(
        Visit(
            place, draw(st.integers(1, 50)), draw(st.integers(0, 40)), draw(st.integers(1, 10**9)),
            draw(st.integers(0, 9)), draw(st.integers(0, 99)),
        )
        for place in where
    )  # fmt: skip


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
money = st.lists(st.tuples(places, places, st.integers(0, 9999), st.integers(0, 999)), max_size=6)


def settled(agreement, history, taken=(), spent=(), ended=False) -> dict:
    totals = Totals(agreement)
    for ticket, done in history:
        totals.add_tickets(1, ticket, done)
    for deposit in taken:
        totals.add_deposits(*deposit, count=2, ended=ended)
        if deposit[2] is not None:
            totals.add_second_payouts(deposit[0], (deposit[2] + 1) % 5, deposit[3])
    # As settlements do: what is alike is added up first.
    sums: dict = {}
    for held_by, spent_at, amount, bonus in spent:
        done = sums.get((held_by, spent_at), (0, 0))
        sums[held_by, spent_at] = (done[0] + amount, done[1] + bonus)
    for (held_by, spent_at), (amount, bonus) in sums.items():
        totals.add_stored(held_by, money=2 * amount, bonus=bonus)
        totals.add_spent(held_by, spent_at, money=amount, bonus=bonus)
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


@given(st.integers(0, 10**9), divisions, visits(), st.sets(places, min_size=1), st.integers(0, 10_000))
def test_no_member_gets_less_than_its_part_of_the_solidarity_floor(
    agreed: int, rule, done: tuple[Visit, ...], members: set[int], floor_bp: int
) -> None:
    division = divide_time(agreed, rule, done, ended=True, members=members, floor_bp=floor_bp)
    assert sum(share for _, share in division.shares) + division.unused == agreed
    got = dict(division.shares)
    if division.shares:
        assert min(got.get(member, 0) for member in members) >= agreed * floor_bp // 10_000 // len(members)


@given(st.integers(0, 10**9), unused_rules, places, st.dictionaries(places, st.integers(0, 10**9), min_size=1))
def test_what_nobody_used_is_divided_exactly(unused: int, rule, seller: int, weights: dict[int, int]) -> None:
    assert sum(share for _, share in divide_unused(unused, rule, seller=seller, member_weights=weights)) == unused


@given(agreements, histories, deposits, money, st.booleans())
def test_money_is_conserved_and_all_balances_add_up_to_zero(agreement, history, taken, spent, ended) -> None:
    report = build_report(heading(), PLACES, settled(agreement, history, taken, spent, ended))
    assert sum(row.earned + row.deferred for row in report.facilities) == sum(
        row.collected for row in report.facilities
    )
    assert sum(row.balance for row in report.facilities) == 0
    assert sum(row.deposits for row in report.facilities) == 0
    assert sum(row.stored for row in report.facilities) == sum(row.bonus for row in report.facilities) == 0
    for made in statements(report):
        there, back = made.sides
        assert there.gross - back.gross == (made.amount if made.payer == there.debtor else -made.amount)
        assert all(one.net + one.vat == one.gross for side in made.sides for one in (*side.invoice, *side.passing))
        assert all(sum(one.gross for one in (*side.invoice, *side.passing)) == side.gross for side in made.sides), (
            "every grosz of a statement is on a line"
        )


@given(agreements, histories, deposits, money, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter_to_a_single_byte(
    agreement, history, taken, spent, chance: random.Random
) -> None:
    mixed = [(ticket, tuple(chance.sample(done, len(done)))) for ticket, done in chance.sample(history, len(history))]
    once = build_report(heading(), PLACES, settled(agreement, history, taken, spent))
    again = build_report(
        heading(),
        PLACES,
        settled(agreement, mixed, chance.sample(taken, len(taken)), chance.sample(spent, len(spent))),
    )
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
