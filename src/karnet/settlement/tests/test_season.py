"""The golden cases again, sold, skied and returned through the real services; cuts, closings, late arrivals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances, books_balance
from karnet.journal.cuts import Cut
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties.operations import facility_id
from karnet.settlement import selectors
from karnet.settlement.requests import ClosedPeriod
from karnet.settlement.rules.report import DueLine, Heading, build_report, digest
from karnet.settlement.services import settle
from karnet.settlement.tests.season import DAY, Season, draft, row

pytestmark = pytest.mark.database


@pytest.fixture
def season(database: None) -> Season:
    made = Season()
    made.agree()
    return made


def test_golden_n_a_through_the_services(season: Season) -> None:
    season.sell("day", price=17500)
    season.pass_gates("AAAABBBCC")
    report = season.settle()
    assert [line.time for line in report.facilities] == [4923, 5539, 5538]
    assert [line.passages for line in report.facilities] == [4, 3, 2]
    assert (row(report, "A").over_price, row(report, "A").collected) == (1500, 17500)
    assert report.payments == (
        DueLine(debtor="A", creditor="B", amount=5539),
        DueLine(debtor="A", creditor="C", amount=5538),
    )


def test_golden_n_b_through_the_services_deferred_until_the_season_ends(season: Season) -> None:
    season.sell("points30")
    season.pass_gates("AABBBCCCC")
    report = season.settle()
    assert [line.points for line in report.facilities] == [520, 520, 347]
    assert [line.points_taken for line in report.facilities] == [6, 6, 4]
    assert (row(report, "A").deferred, row(report, "A").unused) == (1213, 0)
    ended = season.settle(as_of=datetime(2027, 4, 5, 22, tzinfo=UTC))
    assert (row(ended, "A").deferred, row(ended, "A").unused) == (0, 1213)


@pytest.mark.parametrize(("price", "in_all"), [(14500, 3423), (0, -11077)])
def test_golden_n_d_through_the_services(season: Season, price: int, in_all: int) -> None:
    season.sell("day", price=price)
    season.pass_gates("AAAABBBCC")
    assert row(season.settle(), "A").earned == in_all


def test_golden_n_e_a_point_in_each_of_four_months(season: Season) -> None:
    season.sell("points30", seller="B", at=DAY - timedelta(days=40))
    closed = []
    for month in range(4):
        season.pass_gates("C", at=DAY + timedelta(days=30 * month - 35))
        closed.append(season.close())
    assert [period.sequence for period in closed] == [1, 2, 3, 4]
    agreement, places = closed[0].agreement, selectors.places()
    c = facility_id("C")
    by_period = [selectors.closed_amounts(agreement, places, sequence) for sequence in (1, 2, 3, 4)]
    assert [amounts[2, "points", -1] for amounts in by_period] == [87, 86, 87, 87]
    assert row(season.settle(), "C").points == 347
    clearing = [house_account(facility, "clearing", "PLN") for facility in (c, facility_id("B"))]
    assert [balances(clearing)[account].balance for account in clearing] == [347, -347]
    assert books_balance()["PLN"] == 0


def test_golden_n_f_a_deposit_taken_at_a_and_returned_at_c(season: Season) -> None:
    season.sell("day")
    season.pass_gates("A")
    season.hand_in(season.numbers[0], facility="C", at=DAY + timedelta(days=2))
    season.sell("day", seller="B")
    report = season.settle()
    assert [line.deposits for line in report.facilities] == [-1000, 0, 1000]
    assert report.payments == (DueLine(debtor="A", creditor="C", amount=1000),)
    assert [line.deposits_held for line in report.facilities] == [0, 1000, 0]
    assert row(report, "C").earned == 0


def test_a_group_of_45_and_local_tickets(season: Season) -> None:
    season.sell("day", price=12000, cards=45)
    for number in season.numbers[:3]:
        season.pass_gates("B", number=number)
    season.sell("local", seller="B")
    season.pass_gates("B")
    report = season.settle()
    assert (row(report, "A").tickets, row(report, "A").collected, row(report, "A").deferred) == (45, 540000, 42 * 16000)
    assert row(report, "B").time == 3 * 16000
    assert (row(report, "B").local, row(report, "B").local_passages) == (9000, 1)


def test_a_returned_ticket_is_reversed(season: Season) -> None:
    sale = season.sell("day", seller="B")
    season.return_order(sale.order, facility="B")
    report = season.settle()
    assert (row(report, "B").tickets, row(report, "B").collected, row(report, "B").deferred) == (0, 0, 0)


def test_the_same_cut_settles_to_the_same_bytes_whatever_came_after(season: Season) -> None:
    season.sell("day", seller="B")
    season.pass_gates("AB")
    cut = season.seal()
    once = canonical.encode(season.settle(cut))
    sale = season.sell("day", seller="C")
    season.pass_gates("CCC")
    season.return_order(season.sell("points30").order, facility="A")
    assert sale
    season.seal()
    assert canonical.encode(season.settle(cut)) == once
    assert canonical.encode(season.settle()) != once


def test_every_cut_settles_and_conserves_money(season: Season) -> None:
    season.sell("day", seller="B", price=17000)
    season.pass_gates("ABBC")
    season.hand_in(season.numbers[0], facility="C", at=DAY + timedelta(days=1))
    season.sell("points30", seller="C")
    season.pass_gates("CAB")
    (log, size), *_ = season.seal().sizes.items()
    settled = [settle(Cut({log: cut}), at=DAY) for cut in range(size + 1)]
    before = [answer for answer in settled if isinstance(answer, Refused)]
    assert {answer.reason for answer in before} == {Reason.NO_AGREEMENT}
    for report in settled[len(before) :]:
        assert sum(line.balance for line in report.facilities) == 0
        assert sum(line.earned + line.deferred for line in report.facilities) == sum(
            line.collected for line in report.facilities
        )


def test_a_period_between_two_instants_is_the_difference_of_both_cumulative_settlements(season: Season) -> None:
    season.sell("points30", seller="B")
    season.pass_gates("C", at=DAY)
    season.pass_gates("C", at=DAY + timedelta(days=1))
    cut, noon = season.seal(), DAY + timedelta(hours=12)
    assert row(season.settle(cut, until=noon), "C").points == 87
    assert row(season.settle(cut, since=noon), "C").points == 86
    assert row(season.settle(cut), "C").points == 173


def test_late_arrivals_appear_as_corrections_and_periods_add_up(season: Season) -> None:
    season.sell("points30", seller="B")
    season.pass_gates("C", at=DAY)
    noon = DAY + timedelta(hours=12)
    first = season.close(until=noon)
    season.pass_gates("C", at=DAY + timedelta(hours=2))
    season.pass_gates("A", at=DAY + timedelta(days=1))
    second = season.close()
    assert isinstance(second, ClosedPeriod)
    places = selectors.places()
    assert selectors.closed_amounts(first.agreement, places, 1)[2, "points", -1] == 87
    assert selectors.closed_amounts(first.agreement, places, 2)[2, "points", -1] == 86
    season_in_all = selectors.closed_amounts(first.agreement, places)
    report = season.settle(Cut(second.cut))
    rebuilt = build_report(_heading_of(report), places, season_in_all)
    assert rebuilt == report
    assert second.report_sha256 == digest(report)


def _heading_of(report):
    return Heading(
        agreement=report.agreement,
        agreement_sha256=report.agreement_sha256,
        season=report.season,
        currency=report.currency,
        members=frozenset(line.facility for line in report.facilities if line.member),
        cut=report.cut,
        since=report.since,
        until=report.until,
        as_of=report.as_of,
    )


def test_a_cut_that_has_not_moved_closes_nothing_and_one_behind_is_closed_already(season: Season) -> None:
    earlier = season.seal()
    season.sell("day")
    cut = season.seal()
    assert isinstance(season.close(cut), ClosedPeriod)
    assert season.close(cut).reason == Reason.NOTHING_TO_CLOSE
    assert season.close(earlier).reason == Reason.PERIOD_CLOSED
    assert isinstance(season.close(), ClosedPeriod), "the closing itself has moved the cut: an empty period is closed"
    assert season.close(Cut({"karnet.test/log": 10_000})).reason == Reason.UNKNOWN_CUT
    assert season.close(Cut({"elsewhere": 1})).reason == Reason.UNKNOWN_CUT


def test_the_season_in_force_is_taken_and_a_ticket_sold_ahead_belongs_to_the_season_it_is_for(season: Season) -> None:
    assert settle(season.seal(), at=datetime(2027, 5, 1, tzinfo=UTC)) == Refused(Reason.NO_AGREEMENT)
    season.sell("day", at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert row(season.settle(), "A").tickets == 1


def test_a_passage_whose_sale_is_not_there_yet_is_counted_apart_until_it_is(season: Season) -> None:
    season.sell("day", at=DAY + timedelta(hours=2))
    season.pass_gates("B", at=DAY)
    early = season.settle(until=DAY + timedelta(hours=1))
    assert early.unmatched_passages == 1
    assert [line.passages for line in early.facilities] == [0, 0, 0]
    late = season.settle()
    assert (late.unmatched_passages, row(late, "B").time) == (0, 16000)


def test_tickets_of_two_seasons_are_settled_apart(season: Season) -> None:
    summer = season.agree(draft(season="summer", first_day="2027-04-06", last_day="2027-09-30"))
    season.sell("day")
    season.sell("day", seller="B", at=datetime(2027, 5, 1, 8, tzinfo=UTC))
    winter_report, summer_report = season.settle(), season.settle(agreement=summer.id)
    assert [line.tickets for line in winter_report.facilities] == [1, 0, 0]
    assert [line.tickets for line in summer_report.facilities] == [0, 1, 0]
