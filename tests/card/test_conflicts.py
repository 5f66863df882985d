"""Two servers that did not know of each other did what may happen once: both facts stay, and everybody sees it alike."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from karnet.access.services import Verdict
from karnet.accounts.operations import Moved, Transfer, house_account
from karnet.accounts.selectors import books_balance
from karnet.entitlements.conflicts import conflicts
from karnet.entitlements.requests import Block, BlockPlaced, Replace, Unblock
from karnet.entitlements.rules import medium_id, points_account
from karnet.entitlements.selectors import holdings, media, open_blocks
from karnet.entitlements.services import block, replace, unblock
from karnet.journal import rebuilding
from karnet.journal.applying import apply_all
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, SaleLine, Sell, TakenBack
from karnet.orders.services import sell
from karnet.parties.operations import facility_id
from tests.card.conftest import MORNING, Server, carry, facts
from tests.card.test_arrivals import exchange

pytestmark = pytest.mark.database


def listed(server: Server) -> list[tuple[str, str, int, str, set[str]]]:
    """The conflicts a server shows: kind, number, amount, unit, facilities."""
    codes = {facility_id(code): code for code in ("NORTH", "SOUTH")}
    with server:
        return [
            (found.kind, found.number, found.amount, found.unit, {codes[facility] for facility in found.facilities})
            for found in conflicts()
        ]


def claims(server: Server, guard: str) -> list[int]:
    with server, connection.cursor() as cursor:
        cursor.execute("SELECT claims FROM journal_guard WHERE guard = %s ORDER BY claims DESC", [guard])
        return [count for (count,) in cursor.fetchall()]


def purse(server: Server, number: str) -> tuple[int, int]:
    """Balance of the points on a card, and by how much it is overdrawn."""
    with server, connection.cursor() as cursor:
        (ticket,) = holdings([medium_id(number)])[medium_id(number)]
        cursor.execute("SELECT balance, overdrawn FROM accounts_account WHERE id = %s", [points_account(ticket.id)])
        row: tuple[int, int] = cursor.fetchone()
    return row


def test_one_card_emptied_twice_is_overdrawn_by_what_is_lacking_everywhere(
    north: Server, south: Server, hub: Server
) -> None:
    with north:
        north.sold("P10", "N-1")
    exchange(north, south, hub)
    for server in (north, south):  # the link is down
        with server:
            assert [isinstance(server.scan("N-1", minutes=120 + n), Verdict) for n in range(4)] == [True] * 3 + [False]
    exchange(north, south, hub)
    assert [purse(server, "N-1") for server in (north, south, hub)] == [(-8, 8)] * 3
    shown = [("overdrawn", "N-1", 8, "points", {"NORTH", "SOUTH"})]
    assert [listed(server) for server in (north, south, hub)] == [shown] * 3
    said = [facts(server) for server in (north, south, hub)]
    assert said[0] == said[1] == said[2]
    for server in (north, south):
        with server:
            assert set(books_balance().values()) <= {0}
            assert rebuilding.check().sound
            refused = server.scan("N-1", minutes=200)
            assert isinstance(refused, Refused)
            assert refused.reason == Reason.NOT_ENOUGH_POINTS


def test_a_top_up_of_an_overdrawn_card_lessens_what_it_lacks(north: Server, south: Server) -> None:
    with north:
        north.sold("P10", "N-1")
    exchange(north, south)
    for server in (north, south):
        with server:
            assert [isinstance(server.scan("N-1", minutes=120 + n), Verdict) for n in range(3)] == [True] * 3
    exchange(north, south)
    with north:
        (ticket,) = holdings([medium_id("N-1")])[medium_id("N-1")]
        source = house_account(north.facility, "points_issued", "points")
        for amount in (5, 2, 4):
            transfer = Transfer(source=source, target=points_account(ticket.id), amount=amount, unit="points")
            north.do(Moved(reason="correction", transfers=(transfer,)))
    assert purse(north, "N-1") == (3, 0)
    exchange(north, south)
    assert purse(south, "N-1") == (3, 0)


def test_what_arrives_while_the_last_points_are_spent_here_leaves_nobody_with_more_than_there_was(
    north: Server, south: Server
) -> None:
    """A race: the applier and eight gates want the same card at once. What is decided here is never overdrawn here."""
    with north:
        north.sold("P10", "N-1")
    exchange(north, south)
    with north:
        assert isinstance(north.scan("N-1", minutes=120), Verdict)
    carry(north, south, apply=False)
    answers: list[Any] = []
    with south:
        barrier = threading.Barrier(9)

        def scan(n: int) -> None:
            barrier.wait()
            try:
                answers.append(south.scan("N-1", minutes=130 + n))
            finally:
                connection.close()

        def apply() -> None:
            barrier.wait()
            try:
                apply_all(lambda: MORNING)
            finally:
                connection.close()

        threads = [threading.Thread(target=scan, args=[n]) for n in range(8)] + [threading.Thread(target=apply)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 8
        admitted = sum(isinstance(answer, Verdict) for answer in answers)
        assert admitted in (2, 3)
        assert south.held(north).quarantined is None
    balance, overdrawn = purse(south, "N-1")
    assert balance == 10 - 3 * (admitted + 1)
    assert overdrawn == max(0, -balance)
    with south:
        assert rebuilding.check().sound


def test_a_deposit_paid_out_by_two_servers_is_two_facts_and_one_conflict(north: Server, south: Server) -> None:
    with north:
        north.sold("DAY", "N-1")
    exchange(north, south)
    for server in (north, south):
        with server:
            back = server.give_back("N-1")
            assert isinstance(back, TakenBack), back
            assert back.deposit == 1000
            again = server.give_back("N-1", minutes=301)
            assert isinstance(again, Refused)
    exchange(north, south)
    for server in (north, south):
        assert claims(server, "deposit_returned") == [2]
        assert listed(server) == [("deposit_returned", "N-1", 1000, "PLN", {"NORTH", "SOUTH"})]
        assert len(facts(server)["entitlements_deposit_back"]) == 2
        with server:
            assert server.held(south if server is north else north).quarantined is None
            assert rebuilding.check().sound
    assert facts(north) == facts(south)


def test_a_block_lifted_by_two_servers_is_lifted_once_and_another_block_stands(north: Server, south: Server) -> None:
    card = medium_id("N-1")
    with north:
        north.sold("DAY", "N-1")
        at = {"at": MORNING + timedelta(hours=2)}
        placed = block([Block(**{**north.asked(north.anna), **at}, medium=card, code="lost")])[0]
        assert isinstance(placed, BlockPlaced)
    exchange(north, south)
    for server in (north, south):
        with server:
            asked = {**server.asked(server.anna), "at": MORNING + timedelta(hours=3)}
            (lifted,) = unblock([Unblock(**asked, medium=card, block=placed.block)])
            assert not isinstance(lifted, Refused)
    with south:
        asked = {**south.asked(south.anna), "at": MORNING + timedelta(hours=4)}
        block([Block(**asked, medium=card, code="stolen")])
    exchange(north, south)
    for server in (north, south):
        assert claims(server, "block_lifted") == [2]
        assert listed(server) == [("block_lifted", "N-1", 0, "", set())]
        with server:
            assert media([card])[card].blocks == 1
            assert [found.code for found in open_blocks([card])[card]] == ["stolen"]
            refused = server.scan("N-1", minutes=400)
            assert isinstance(refused, Refused)
            assert refused.reason == Reason.MEDIUM_BLOCKED
            assert rebuilding.check().sound


def test_a_block_wins_wherever_it_was_placed(north: Server, south: Server) -> None:
    with north:
        north.sold("P10", "N-1")
    exchange(north, south)
    with south:
        asked = {**south.asked(south.anna), "at": MORNING + timedelta(hours=2)}
        block([Block(**asked, medium=medium_id("N-1"), code="stolen")])
    with north:
        assert isinstance(north.scan("N-1", minutes=180), Verdict)  # it cannot know
    exchange(north, south)
    with north:
        refused = north.scan("N-1", minutes=240)
    assert isinstance(refused, Refused)
    assert refused.reason == Reason.MEDIUM_BLOCKED


@pytest.mark.parametrize("chip", ["chip-1", "chip-2"])
def test_a_card_given_out_by_two_servers_is_one_card_and_a_conflict(north: Server, south: Server, chip: str) -> None:
    with north:
        north.sold("P10", "N-1", chip="chip-1", minutes=60)
    with south:
        south.sold("DAY", "N-1", chip=chip, minutes=61)
    exchange(north, south)
    for server in (north, south):
        assert claims(server, "medium_issued") == [2]
        assert listed(server) == [("medium_issued", "N-1", 0, "", {"NORTH", "SOUTH"})]
        assert claims(server, "chip_issued") == ([2] if chip == "chip-1" else [1, 1])
        with server:
            medium = media([medium_id("N-1")])[medium_id("N-1")]
            assert (medium.chip, medium.state) == (chip, "in_use")
            assert {ticket.product_code for ticket in holdings([medium.id])[medium.id]} == {"P10", "DAY"}
            assert server.held(south if server is north else north).quarantined is None
            assert rebuilding.check().sound
    assert facts(north) == facts(south)


def test_one_chip_under_two_numbers_opens_for_the_card_given_out_last(north: Server, south: Server) -> None:
    with north:
        north.sold("P10", "N-1", chip="chip", minutes=60)
    with south:
        south.sold("P10", "S-1", chip="chip", minutes=61)
    exchange(north, south)
    for server in (north, south):
        assert claims(server, "chip_issued") == [2]
        assert [found[0] for found in listed(server)] == ["chip_issued"]
        with server:
            verdict = server.scan("chip")
            assert isinstance(verdict, Verdict)
            assert verdict.medium == medium_id("S-1")


def test_of_two_changes_at_one_instant_the_same_one_counts_everywhere(north: Server, south: Server) -> None:
    """Neither servers' numbers here nor the order of arrival decide."""
    with north:
        north.sold("DAY", "N-1")
    exchange(north, south)
    for server in (north, south):
        with server:
            assert isinstance(server.give_back("N-1", minutes=300), TakenBack)
    for server in (north, south):
        with server:
            asked: Any = server.asked(server.anna, MORNING + timedelta(minutes=301))
            line = SaleLine(product=server.products["P10"], cards=(Card(number="N-1", chip="N-1", issue=True),))
            pay = (Payment(kind="cash", amount=3000),)
            (sale,) = sell([Sell(**asked, sales_point=server.till, lines=(line,), payments=pay)])
            assert not isinstance(sale, Refused), sale
    exchange(north, south)
    assert facts(north)["entitlements_medium"] == facts(south)["entitlements_medium"]


def test_a_ticket_put_on_a_card_that_was_replaced_meanwhile_is_shown_to_be_moved(north: Server, south: Server) -> None:
    with north:
        north.sold("DAY", "N-1")
    exchange(north, south)
    with north:
        asked = north.asked(north.anna, MORNING + timedelta(hours=2))
        replace([Replace(**asked, old=medium_id("N-1"), new_number="N-2", sales_point=north.till)])
    with south:
        south.sold("P10", "N-1", issue=False, minutes=130)
    exchange(north, south)
    for server in (north, south):
        assert listed(server) == [("left_on_replaced", "N-1", 0, "", {"SOUTH"})]
