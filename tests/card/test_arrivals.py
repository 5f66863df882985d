"""What one server seals, another keeps verbatim and applies through the same projections: then both say the same."""

from __future__ import annotations

import itertools
import threading

import pytest
from django.db import connection

from karnet.access.operations import Passed
from karnet.access.services import Verdict
from karnet.accounts.selectors import books_balance, discrepancies
from karnet.journal import arrivals, rebuilding
from karnet.journal.applying import apply_all, apply_arrived
from karnet.journal.operations import Received, decode_entry
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import Sold
from tests.card.conftest import MORNING, Server, carry, entry_kinds, facts

pytestmark = pytest.mark.database


def a_morning(server: Server) -> None:
    with server:
        server.sold("P10", f"{server.code}-1")
        server.sold("FIRST", f"{server.code}-2")
        assert isinstance(server.scan(f"{server.code}-1"), Verdict)
        assert isinstance(server.scan(f"{server.code}-2"), Verdict)
        server.give_back(f"{server.code}-1")


def exchange(*servers: Server) -> None:
    """Bring everything everywhere, and once more what says so."""
    for _ in range(3):
        for source in servers:
            for target in servers:
                if source is not target:
                    carry(source, target)


def test_the_rows_of_a_log_are_the_same_wherever_it_is_applied(north: Server, south: Server) -> None:
    a_morning(north)
    before = facts(south)
    carry(north, south)
    with south:
        held = south.held(north)
    assert (held.waiting, held.quarantined) == ("", None)
    assert held.applied == held.size > 0
    ours, after = facts(north), facts(south)
    assert len(after["access_passage"]) == 2
    for table, rows in after.items():
        assert sorted({*rows} - {*before[table]}) == sorted({*ours[table]} - {*before[table]}), table


def test_three_servers_that_exchanged_everything_hold_the_same_rows(servers: dict[str, Server]) -> None:
    everybody = list(servers.values())
    a_morning(servers["NORTH"])
    a_morning(servers["SOUTH"])
    exchange(*everybody)
    said = [facts(server) for server in everybody]
    assert len(said[0]["orders_order"]) == 4
    assert said[0] == said[1] == said[2]


def test_a_rebuild_finds_what_arrived_as_it_is(north: Server, south: Server) -> None:
    a_morning(north)
    a_morning(south)
    exchange(north, south)
    with south:
        found = rebuilding.check()
        assert found.sound, found
        assert found.without_content == 0
        assert discrepancies() == []
        assert set(books_balance().values()) <= {0}


def test_a_card_sold_at_one_server_opens_the_gate_of_another(north: Server, south: Server) -> None:
    with north:
        north.sold("P10", "N-1")
    with south:
        assert isinstance(south.scan("N-1"), Refused)
    carry(north, south)
    with south:
        verdict = south.scan("N-1", minutes=121)
    assert isinstance(verdict, Verdict)
    assert (verdict.points, verdict.points_left) == (3, 7)


def test_a_server_says_what_it_had_received_before_its_next_operation(north: Server, south: Server) -> None:
    carry(north, south)
    with south:
        size = south.held(north).applied
        south.sold("DAY", "S-1")
        south.sold("DAY", "S-2")
        south.seal()
    kinds = entry_kinds(south, south.name)
    assert kinds[-3:] == ["journal.received", "orders.sold", "orders.sold"]
    with south, connection.cursor() as cursor:
        cursor.execute("SELECT log, size FROM journal_received WHERE origin = 1")
        assert cursor.fetchall() == [(north.name, size)]


def test_whatever_a_decision_saw_of_others_is_said_before_it_whoever_races(north: Server, south: Server) -> None:
    """Gates admit on cards of another server while its log is being applied: a passage may not stand in the log before
    what its ticket rests on is said to have been received. Other servers would meet it without the ticket."""
    count = 12
    with north:
        for n in range(count):
            north.sold("FIRST", f"N-{n}")
    carry(north, south, apply=False)
    with south:
        barrier = threading.Barrier(3)

        def apply() -> None:
            barrier.wait()
            try:
                while apply_arrived(MORNING, limit=2).more:
                    pass
            finally:
                connection.close()

        def scan(first: int) -> None:
            barrier.wait()
            minutes = itertools.count(
                120 * 20
            )  # Three seconds between tries: the gate is no flood, however fast we are
            try:
                for n in range(first, count, 2):
                    while not isinstance(south.scan(f"N-{n}", minutes=next(minutes) / 20), Verdict):
                        pass
            finally:
                connection.close()

        threads = [threading.Thread(target=apply), *(threading.Thread(target=scan, args=[n]) for n in (0, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        south.seal()
        entries = [
            decode_entry(kept.data) for kept in arrivals.kept_entries(south.name, 0, 1000) if kept.content is None
        ]
    with north:
        sold_at = {
            entry.body.entitlements[0].id: index
            for index, kept in enumerate(arrivals.kept_entries(north.name, 0, 1000))
            if isinstance((entry := decode_entry(kept.data, kept.content)).body, Sold)
        }
    said = passages = 0
    for entry in entries:
        if isinstance(entry.body, Received):
            said = max(said, entry.body.sizes[north.name])
        elif isinstance(entry.body, Passed):
            passages += 1
            assert sold_at[entry.body.passage.entitlement] < said
    assert passages == count


def test_an_entry_waits_for_what_its_server_had_received(north: Server, south: Server, hub: Server) -> None:
    with north:
        north.sold("P10", "N-1")
    carry(north, south)
    with south:
        assert isinstance(south.scan("N-1"), Verdict)
    carry(south, hub)
    with hub:
        held = hub.held(south)
        assert held.applied < held.size
        assert held.waiting == f"waits for {carried(south, north)} entries of {north.name}"
    carry(north, hub)
    with hub:
        held = hub.held(south)
        assert (held.applied, held.waiting) == (held.size, "")


def carried(server: Server, other: Server) -> int:
    with server:
        return server.held(other).applied


def test_receiving_never_waits_for_applying_and_repeats_are_told(north: Server, south: Server) -> None:
    count = carry(north, south, apply=False)
    with south:
        assert (south.held(north).size, south.held(north).applied) == (count, 0)
        with pytest.raises(arrivals.Moved):
            arrivals.receive(north.name, 0, [b"{}"], {}, [], note=b"", noted=1, note_root=b"", at=MORNING)
        assert apply_all(lambda: MORNING) == count
        assert apply_arrived(MORNING).count == 0


def test_entries_are_applied_in_portions_as_well_as_all_at_once(north: Server, south: Server) -> None:
    a_morning(north)
    count = carry(north, south, apply=False)
    with south:
        portions = 0
        while apply_arrived(MORNING, limit=3).more:
            portions += 1
        assert portions == -(-count // 3)
    ours, theirs = facts(north), facts(south)
    assert {*theirs["access_passage"]} == {*ours["access_passage"]}


def test_what_is_kept_is_handed_on_as_it_came(north: Server, south: Server, hub: Server) -> None:
    a_morning(north)
    carry(north, hub, apply=False)
    carry(hub, south, of=north)
    with north:
        ours = arrivals.kept_entries(north.name, 0, 1000)
    with south:
        assert arrivals.kept_entries(north.name, 0, 1000) == ours


def test_a_house_operation_tells_others_that_it_happened_and_nothing_more(north: Server, south: Server) -> None:
    from karnet.orders.operations import CashMoved
    from karnet.orders.requests import MoveCash
    from karnet.orders.services import move_cash

    with north, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM orders_shift")
        (shift,) = cursor.fetchone()
        (moved,) = move_cash([MoveCash(**north.asked(north.anna, MORNING), shift=shift, amount=5000)])
        assert not isinstance(moved, Refused), moved
    carry(north, south)
    with south, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM journal_operation WHERE kind = %s", [CashMoved.KIND])
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM journal_content WHERE salt <> ''")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM orders_cash_movement")
        assert cursor.fetchone() == (0,)
        found = rebuilding.check()
        assert (found.sound, found.without_content) == (True, 0)


def test_nobody_acts_here_in_the_name_of_another_servers_people(north: Server, south: Server) -> None:
    carry(north, south)
    with south:
        verdict = south.scan("N-1")
        assert isinstance(verdict, Refused)
        assert verdict.reason != Reason.UNKNOWN_ACTOR
        south.gate, own = north.gate, south.gate
        try:
            verdict = south.scan("N-1", minutes=121)
        finally:
            south.gate = own
    assert isinstance(verdict, Refused)
    assert verdict.reason == Reason.UNKNOWN_ACTOR
