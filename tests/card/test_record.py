"""The record of every server, in everybody's possession: verified, cut and counted alike wherever it is held."""

from __future__ import annotations

import pytest
from django.db import connection

from karnet.journal import arrivals
from karnet.journal.cuts import Cut, UnknownCut, extent, instant_of, latest_cut
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.journal.tlog.verifier import What
from karnet.journal.verification import verify_held
from tests.card.conftest import MORNING, Server, carry, superuser
from tests.card.test_arrivals import a_morning, exchange

pytestmark = pytest.mark.database


def passages(server: Server, cut: Cut) -> int:
    with server, connection.cursor() as cursor:
        where, parameters = extent(cut).where("p")
        cursor.execute(f"SELECT count(*) FROM access_passage p WHERE {where}", parameters)
        return int(cursor.fetchone()[0])


def test_a_log_held_of_another_server_is_what_that_server_signed(north: Server, south: Server) -> None:
    a_morning(north)
    carry(north, south)
    a_morning_more = carry_more(north, south)
    with south:
        found = verify_held(north.name)
        held = south.held(north)
    assert found.faults == []
    assert (found.size, found.checkpoints > 0) == (held.size, True)
    assert held.applied == held.size - a_morning_more


def carry_more(north: Server, south: Server) -> int:
    """Some more entries, kept and not applied."""
    with north:
        north.sold("DAY", "N-9")
    return carry(north, south, apply=False)


@pytest.mark.parametrize(
    ("attack", "what", "back"),
    [
        ("UPDATE journal_operation SET data = data || ' '::bytea WHERE number = {number}", What.ENTRY_ALTERED, 3),
        ("UPDATE journal_operation SET at = at + interval '1 hour' WHERE number = {number}", "column_altered", 3),
        ("UPDATE journal_operation SET origin_id = 1 WHERE number = {number}", What.ENTRY_MISSING, 3),
        ("UPDATE journal_arrival SET data = '{{}}' WHERE origin_id = 2 AND index = {kept}", What.ENTRY_ALTERED, 1),
        ("DELETE FROM journal_arrival WHERE origin_id = 2 AND index = {kept}", What.ENTRY_MISSING, 1),
    ],
)
def test_whoever_alters_what_is_held_of_another_server_is_found_out_at_that_entry(
    north: Server, south: Server, attack: str, what: str, back: int
) -> None:
    a_morning(north)
    carry(north, south)
    assert carry_more(north, south) == 1
    with south, superuser(south) as attacker:
        size = south.held(north).size
        index = size - back
        attacker.execute("SET session_replication_role = replica")
        row = attacker.execute("SELECT operation_id FROM journal_entry WHERE origin_id = 2 AND index = %s", [index])
        number = (row.fetchone() or (0,))[0]
        attacker.execute(attack.format(number=number, kept=size - 1))
        found = verify_held(north.name)
    assert not found.sound
    assert (found.faults[0].index, found.faults[0].what) == (index, what)


@pytest.mark.parametrize(("ends", "faults"), [(None, 0), (True, 1)])
def test_a_log_held_under_several_keys_is_believed_by_each_for_its_own_sizes(
    north: Server, south: Server, ends: bool | None, faults: int
) -> None:
    """North goes on with its old key: as it may while that is changed, not once it was replaced."""
    a_morning(north)
    carry(north, south)
    with south:
        size = south.held(north).size
        new = SigningKey(north.name, SignatureType.ED25519, bytes(32)).verifier.format()
        for _ in range(2):
            arrivals.change_key(north.name, size + 1, new, MORNING, ends=size if ends else None)
        assert verify_held(north.name).sound, "what the old key signed before stays believed"
    carry_more(north, south)
    with south:
        found = [fault for fault in verify_held(north.name).faults if fault.what == "checkpoint_altered"]
    assert len(found) == faults


def test_a_cut_selects_the_same_facts_on_every_server_whatever_came_since(servers: dict[str, Server]) -> None:
    everybody = list(servers.values())
    north, south = servers["NORTH"], servers["SOUTH"]
    a_morning(north)
    a_morning(south)
    exchange(*everybody)
    with north:
        cut = latest_cut()
    before = passages(north, cut)
    with south:
        assert south.scan("NORTH-2", minutes=200)
    exchange(*everybody)
    assert [passages(server, cut) for server in everybody] == [before] * 3 == [4] * 3
    instants = []
    for server in everybody:
        with server:
            instants.append(instant_of(cut))
            assert passages(server, latest_cut()) == 5
    assert len(set(instants)) == 1


def test_a_cut_beyond_what_is_applied_is_unknown_though_it_is_kept(north: Server, south: Server) -> None:
    a_morning(north)
    count = carry(north, south, apply=False)
    with south, pytest.raises(UnknownCut, match="up to size 0"):
        extent(Cut({north.name: count}))
