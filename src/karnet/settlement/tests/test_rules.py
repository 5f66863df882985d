"""The other rules of N9 and N13, bundles, stored money, deposits and conflicts: tables worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from karnet.settlement.rules.division import Visit, divide_points, divide_time
from karnet.settlement.rules.report import Report, TaxedAmount
from karnet.settlement.rules.statements import statement, statements
from karnet.settlement.rules.totals import BundlePart, Priced, Ticket, Totals
from karnet.settlement.tests.small import A, B, C, D, day_ticket, line, points, points_ticket, report_of, terms

EACH = {"A": A, "B": B, "C": C, "D": D}


def visit(place: int, passages: int = 1, *, firsts: int = 0, lift: int = 0, weight: int = 1) -> Visit:
    return Visit(place, passages, 0, passages * weight * 1_000_000, firsts, lift)


def shares(*divided: tuple[int, int]) -> dict[int, int]:
    return dict(divided)


@pytest.mark.parametrize(
    ("rule", "visits", "expected"),
    [
        # A six-day ticket: four days began at A, one at B, one at C; C was visited most.
        ("first_entries", (visit(A, 9, firsts=4), visit(B, 3, firsts=1), visit(C, 30, firsts=1)), [10667, 2667, 2666]),
        ("first_entries", (visit(A, 9, firsts=1), visit(B, 3)), [16000, 0, 0]),
        # Lift points × frequency: 10 × 3 + 25 × 2 at A, 40 × 2 at B, and a magic carpet of 0 at C.
        ("points_frequency", (visit(A, 5, lift=80), visit(B, 2, lift=80), visit(C, 4)), [8000, 8000, 0]),
        ("points_frequency", (visit(A, 1, lift=1), visit(B, 1, lift=2)), [5333, 10667, 0]),
        ("equal_visited", (visit(A, 40), visit(B), visit(C)), [5334, 5333, 5333]),
        ("weighted_passages", (visit(A, 4), visit(C, 1, weight=4)), [8000, 0, 8000]),
    ],
)
def test_each_rule_divides_a_time_ticket_by_its_own_measure(rule: Any, visits: Any, expected: list[int]) -> None:
    division = divide_time(16000, rule, visits, ended=False)
    assert [shares(*division.shares).get(place, 0) for place in (A, B, C)] == expected
    assert sum(expected) == 16000


def test_the_solidarity_floor_gives_every_member_a_part_of_each_ticket_that_was_used() -> None:
    used = divide_time(16000, "weighted_passages", (visit(A, 3),), ended=False, members=(A, B, C), floor_bp=1000)
    assert used.shares == ((A, 14400 + 534), (B, 533), (C, 533))
    nobody = divide_time(16000, "weighted_passages", (), ended=True, members=(A, B, C), floor_bp=1000)
    assert nobody.unused == 16000


@pytest.mark.parametrize(
    ("rule", "expected", "seller_bears"),
    [
        # 30 points for 26.00; 30 taken at A and 30 at B, the card having been emptied twice while a link was down.
        ("shared", [1300, 1300], 0),
        ("seller", [2600, 2600], 2600),
    ],
)
def test_points_taken_twice_are_charged_by_the_agreements_rule(rule: Any, expected: Any, seller_bears: int) -> None:
    division = divide_points(2600, 30, (points(A, 30), points(B, 30)), ended=True, overdrawn=rule)
    assert [share for _, share in division.shares] == expected
    totals = Totals(terms(overdrawn=rule))
    totals.add_tickets(1, points_ticket(seller=C), (points(A, 30), points(B, 30)))
    report = report_of(totals)
    assert line(report, "C").overdrawn == 30, "and the conflict is shown"
    assert line(report, "C").over_price == -seller_bears


def bundle() -> Any:
    """A night with skiing at 300.00: 220.00 for D's bed at 8 %, the rest by passages at 23 %."""
    priced = Priced(30000, 2300, (BundlePart(D, 22000, 800),))
    return terms()._replace(prices={("sleep-and-ski", "adult"): priced})


def bundled_ticket(**changes: Any) -> Ticket:
    ticket = Ticket(D, "sleep-and-ski", "adult", "time", "PLN", 28000, 0, True, False)
    return ticket._replace(**changes)


def test_a_bundles_fixed_part_goes_where_it_was_agreed_and_the_rest_by_use() -> None:
    totals = Totals(bundle())
    totals.add_tickets(1, bundled_ticket(seller=A), (visit(A, 1), visit(B, 3)))
    report = report_of(totals)
    assert (line(report, "D").bundles, line(report, "A").time, line(report, "B").time) == (22000, 2000, 6000)
    assert line(report, "A").over_price == -2000, "sold for 280.00: the seller bears the difference"
    taxed = {pair.creditor: pair.taxed for pair in report.pairs}
    assert taxed == {"D": (TaxedAmount(vat_bp=800, gross=22000),), "B": (TaxedAmount(vat_bp=2300, gross=6000),)}


def test_a_bundle_that_was_returned_owes_nobody_a_fixed_part() -> None:
    totals = Totals(bundle())
    totals.add_tickets(1, bundled_ticket(seller=A, voided=True, price=28000), ())
    assert report_of(totals).pairs == ()


def test_money_taken_at_one_place_and_spent_at_another_is_owed_at_what_was_charged() -> None:
    totals = Totals(terms())
    totals.add_stored(A, money=10000, bonus=1000)
    totals.add_spent(A, C, money=3000, bonus=0)
    totals.add_spent(A, A, money=2000, bonus=0)
    report = report_of(totals)
    assert [row.stored for row in report.facilities] == [-3000, 0, 3000]
    assert [row.balance for row in report.facilities] == [-3000, 0, 3000]
    assert (line(report, "A").stored_taken, line(report, "C").stored_spent, line(report, "A").stored_spent) == (
        10000, 3000, 2000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "balances"), [("giver", [-1000, 0, 1000]), ("spender", [0, 0, 0]), ("members", [-334, -333, 667])]
)
def test_the_agreement_says_who_bears_bonus_money(rule: Any, balances: list[int]) -> None:
    totals = Totals(terms(bonus=rule))
    totals.add_spent(A, C, money=0, bonus=1000)
    assert [row.bonus for row in report_of(totals).facilities] == balances


@pytest.mark.parametrize(
    ("rule", "ended", "held", "kept"),
    [
        ("held", True, 3000, [0, 0, 0]),
        ("taker", False, 3000, [0, 0, 0]),
        ("taker", True, 0, [3000, 0, 0]),
        ("equal_members", True, 0, [1002, 999, 999]),
    ],
)
def test_deposits_that_nobody_returned_go_by_the_agreements_rule_at_its_end(
    rule: Any, ended: bool, held: int, kept: list[int]
) -> None:
    totals = Totals(terms(unreturned=rule))
    totals.add_deposits(A, 1000, None, 0, count=3, ended=ended)
    report = report_of(totals)
    assert line(report, "A").deposits_held == held
    assert [row.deposits_kept for row in report.facilities] == kept
    assert [row.balance for row in report.facilities] == [-kept[1] - kept[2], kept[1], kept[2]]


def test_a_deposit_paid_out_twice_is_borne_by_who_paid_second_or_by_who_took_it_as_agreed() -> None:
    for rule, balances in (("payer", [-1000, 1000, 0]), ("taker", [-2000, 1000, 1000])):
        totals = Totals(terms(second_payout=rule))
        totals.add_deposits(A, 1000, B, 1000)
        totals.add_second_payouts(A, C, 1000)
        assert [row.balance for row in report_of(totals).facilities] == balances


def pair_of_seasons() -> Report:
    totals = Totals(terms())
    totals.add_tickets(1, day_ticket(), (visit(A, 1), visit(B, 1)))
    totals.add_tickets(1, points_ticket(seller=B), (points(A, 15),))
    totals.add_deposits(A, 1000, B, 1000)
    return report_of(totals)


def test_a_statement_says_what_each_invoices_with_vat_and_what_is_left_to_pay() -> None:
    made = statement(pair_of_seasons(), "A", "B")
    there, back = made.sides
    assert [(one.vat_bp, one.net, one.vat, one.gross) for one in there.invoice] == [(800, 7407, 593, 8000)]
    assert [(one.what, one.vat, one.gross) for one in there.passing] == [("deposits", 0, 1000)]
    assert [(one.vat_bp, one.net, one.vat, one.gross) for one in back.invoice] == [(800, 1204, 96, 1300)]
    assert (made.payer, made.payee, made.amount) == ("A", "B", 7700)
    assert statement(pair_of_seasons(), "B", "A").amount == 7700
    assert statements(pair_of_seasons()) == (made,)
