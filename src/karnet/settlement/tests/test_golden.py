"""Golden cases N-a … N-f of SPEC, to the grosz, and the decisions around them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from karnet.settlement.rules.division import Division, Visit, divide_points, divide_time, divide_unused
from karnet.settlement.rules.report import DueLine, TaxedAmount, build_report
from karnet.settlement.rules.totals import Totals, difference, has_ended
from karnet.settlement.tests.small import (
    NOW,
    PLACES,
    SEASON_END,
    A,
    B,
    C,
    day_ticket,
    heading,
    line,
    passages,
    points,
    points_ticket,
    report_of,
    terms,
)

SKIED = (
    passages(A, "1.00", "1.00", "1.00", "1.00"),
    passages(B, "1.50", "1.50", "1.50"),
    passages(C, "2.25", "2.25"),
)


def settled(*tickets: tuple, **agreed: object):
    totals = Totals(terms(**agreed))
    for ticket, visits in tickets:
        totals.add_tickets(1, ticket, visits)
    return report_of(totals)


def test_golden_n_a_a_day_ticket_sold_over_price_is_divided_by_weighted_passages() -> None:
    report = settled((day_ticket(17500), SKIED))
    assert [row.time for row in report.facilities] == [4923, 5539, 5538]
    assert line(report, "A").over_price == 1500
    assert [row.balance for row in report.facilities] == [-11077, 5539, 5538]
    assert [(pair.debtor, pair.creditor, pair.tickets, pair.taxed) for pair in report.pairs] == [
        ("A", "B", 5539, (TaxedAmount(vat_bp=800, gross=5539),)),
        ("A", "C", 5538, (TaxedAmount(vat_bp=800, gross=5538),)),
    ]


def test_golden_n_b_points_are_divided_by_points_taken_and_unused_ones_go_to_the_seller() -> None:
    visits = (points(A, 3, 3), points(B, 2, 2, 2), points(C, 1, 1, 1, 1))
    report = settled((points_ticket(ended=True), visits))
    assert [row.points for row in report.facilities] == [520, 520, 347]
    assert (line(report, "A").unused, line(report, "A").deferred) == (1213, 0)
    assert line(report, "A").earned == 520 + 1213


def test_unused_points_stay_deferred_until_the_ticket_ends() -> None:
    visits = (points(A, 3, 3), points(B, 2, 2, 2), points(C, 1, 1, 1, 1))
    report = settled((points_ticket(), visits))
    assert (line(report, "A").unused, line(report, "A").deferred) == (0, 1213)
    assert [row.balance for row in report.facilities] == [-867, 520, 347]


def test_in_a_tie_with_unused_points_the_facility_gets_the_last_grosz() -> None:
    assert divide_points(101, 2, (points(C, 1),), ended=False) == Division(((C, 51),), 0, 50)


def test_a_ticket_with_no_end_of_its_own_ends_with_the_agreement() -> None:
    moment = timedelta(milliseconds=1)
    assert not has_ended(None, terms(), SEASON_END - moment)
    assert has_ended(None, terms(), SEASON_END)
    assert not has_ended(NOW, terms(), NOW - moment)
    assert has_ended(NOW, terms(), NOW)
    assert not has_ended(SEASON_END + moment, terms(), SEASON_END), "its own end counts, where it has one"


@pytest.mark.parametrize(
    ("visits", "shares"),
    [
        (SKIED, ((A, 5334), (B, 5333), (C, 5333))),
        (SKIED[:2], ((A, 8000), (B, 8000))),
    ],
)
def test_golden_n_c_an_equal_split_among_the_places_visited(visits: tuple[Visit, ...], shares: tuple) -> None:
    assert divide_time(16000, "equal_visited", visits, ended=False) == Division(shares, 0, 0)


@pytest.mark.parametrize(("price", "in_all"), [(17500, 6423), (14500, 3423), (0, -11077)])
def test_golden_n_d_the_seller_keeps_or_bears_the_difference_to_the_agreed_price(price: int, in_all: int) -> None:
    report = settled((day_ticket(price), SKIED))
    assert line(report, "A").earned == in_all
    assert [line(report, code).earned for code in "BC"] == [5539, 5538], "the others never feel the seller's price"


def test_golden_n_e_months_are_differences_of_cumulative_amounts() -> None:
    cumulative = []
    for months in range(5):
        totals = Totals(terms())
        totals.add_tickets(1, points_ticket(seller=B), (points(A, *[1] * months),) if months else ())
        cumulative.append(totals.result())
    periods = [
        build_report(heading(), PLACES, difference(later, earlier))
        for earlier, later in zip(cumulative, cumulative[1:], strict=False)
    ]
    assert [line(period, "A").points for period in periods] == [87, 86, 87, 87]
    assert line(build_report(heading(), PLACES, cumulative[-1]), "A").points == 347
    assert [period.payments for period in periods] == [
        (DueLine(debtor="B", creditor="A", amount=amount),) for amount in (87, 86, 87, 87)
    ]


def test_golden_n_f_a_deposit_taken_at_a_and_returned_at_c_is_owed_to_c_and_is_nobodys_revenue() -> None:
    totals = Totals(terms())
    totals.add_deposits(A, 1000, C, 1000)
    report = report_of(totals)
    assert report.dues == report.payments == (DueLine(debtor="A", creditor="C", amount=1000),)
    assert [(row.code, row.deposits, row.earned, row.collected) for row in report.facilities] == [
        ("A", -1000, 0, 0),
        ("B", 0, 0, 0),
        ("C", 1000, 0, 0),
    ]


def test_a_deposit_still_out_is_shown_where_it_was_taken_and_one_returned_at_home_leaves_nothing() -> None:
    totals = Totals(terms())
    totals.add_deposits(A, 1000, None, 0)
    totals.add_deposits(B, 1000, B, 1000)
    report = report_of(totals)
    assert (line(report, "A").deposits_held, line(report, "A").balance, report.pairs) == (1000, 0, ())


def test_who_took_a_deposit_never_owes_more_than_it_took() -> None:
    totals = Totals(terms())
    totals.add_deposits(A, 1000, C, 1200)
    assert line(report_of(totals), "C").deposits == 1000


def test_a_ticket_never_used_is_deferred_until_it_ends_and_then_goes_by_the_agreements_rule() -> None:
    assert line(settled((day_ticket(), ())), "A").deferred == 16000
    ended = (day_ticket(ended=True), ())
    assert line(settled(ended), "A").unused == 16000
    equally = settled(ended, unused="equal_members")
    assert [row.unused for row in equally.facilities] == [5334, 5333, 5333]
    assert [row.balance for row in equally.facilities] == [-10666, 5333, 5333]


def test_unused_value_by_the_members_weights_falls_to_the_seller_where_no_gate_has_a_weight() -> None:
    assert divide_unused(1000, "weights_of_members", seller=B, member_weights={A: 1, B: 0, C: 3}) == (
        (A, 250),
        (C, 750),
    )
    assert divide_unused(1000, "weights_of_members", seller=B, member_weights={A: 0, B: 0}) == ((B, 1000),)


def test_a_time_ticket_still_good_is_divided_over_what_was_taken_so_far() -> None:
    report = settled((day_ticket(), SKIED[:1]))
    assert (line(report, "A").time, line(report, "A").deferred) == (16000, 0)


def test_a_returned_ticket_is_reversed() -> None:
    report = settled((day_ticket(voided=True), ()), (points_ticket(voided=True), ()))
    assert line(report, "A") == line(settled(), "A")


def test_what_was_taken_before_a_return_stays_owed_and_the_seller_who_gave_the_money_back_bears_it() -> None:
    report = settled((points_ticket(voided=True), (points(B, *[1] * 15),)))
    assert (line(report, "B").points, line(report, "B").balance) == (1300, 1300)
    assert (line(report, "A").collected, line(report, "A").earned, line(report, "A").deferred) == (0, -1300, 0)


def test_points_taken_twice_while_a_link_was_down_never_pay_more_than_the_agreed_price() -> None:
    division = divide_points(2600, 30, (points(A, *[1] * 30), points(B, *[1] * 20)), ended=False)
    assert division == Division(((A, 1560), (B, 1040)), 0, 0)


def test_passages_of_weight_zero_do_not_settle() -> None:
    only_weightless = (Visit(A, 0, 0, 0),)
    assert divide_time(16000, "weighted_passages", only_weightless, ended=True) == Division((), 16000, 0)
    assert divide_time(16000, "equal_visited", only_weightless, ended=True) == Division((), 16000, 0)


def test_a_product_without_an_agreed_price_stays_with_the_seller() -> None:
    report = settled(
        (day_ticket()._replace(product_code="our-own"), SKIED), (day_ticket()._replace(currency="EUR"), ())
    )
    assert line(report, "A").local == 32000
    assert [row.balance for row in report.facilities] == [0, 0, 0]
    assert [row.local_passages for row in report.facilities] == [4, 3, 2]


def test_a_seller_who_is_no_member_owes_like_any_other() -> None:
    totals = Totals(terms())
    totals.add_tickets(1, day_ticket(seller=4), SKIED)
    report = report_of(totals)
    assert (line(report, "E").member, line(report, "E").balance) == (False, -16000)


def test_45_group_tickets_at_a_group_price_are_settled_one_by_one() -> None:
    totals = Totals(terms())
    totals.add_tickets(45, day_ticket(12000), SKIED)
    report = report_of(totals)
    assert report == settled(*[(day_ticket(12000), SKIED)] * 45)
    assert [row.time for row in report.facilities] == [4923 * 45, 5539 * 45, 5538 * 45], "per ticket, never pooled"
    assert line(report, "A").over_price == -4000 * 45
