"""A cut selects exactly the operations sealed below it, though entries are not sealed in the order of their numbers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from karnet.journal.cuts import Cut, Extent, UnknownCut, extent, home_cut, instant_of, latest_cut
from karnet.journal.founding import found_server
from karnet.journal.tests.test_sealing import sealer
from karnet.journal.tests.test_transaction import AT, enrol, request

pytestmark = pytest.mark.database

LOG = "karnet.test/log"


@pytest.fixture
def server() -> UUID:
    return found_server(LOG, AT)


def selected(extent: Extent) -> list[int]:
    where, parameters = extent.where("t")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM (SELECT origin_id AS origin, number, at FROM journal_operation) t"
            f" WHERE {where} ORDER BY number",
            parameters,
        )
        return [number for (number,) in cursor.fetchall()]


def indices(superuser: psycopg.Connection) -> dict[int, int]:
    return dict(superuser.execute("SELECT operation_id, index FROM journal_entry").fetchall())


@pytest.mark.parametrize("settled", [0, 5, 8, 100])
def test_a_cut_selects_what_is_sealed_below_it_wherever_the_settled_number_is(
    server: UUID, superuser: psycopg.Connection, settled: int
) -> None:
    enrol([request(server, f"k{i}", f"gate {i}") for i in range(9)])
    with sealer() as sealing:
        sealing.seal_all()
    superuser.execute("SET session_replication_role = replica")
    # As if operations 4, 5 and 8 had been sealed the other way round, which late commits make happen.
    for number, other in ((4, -4), (8, 4), (5, 8), (-4, 5)):
        superuser.execute("UPDATE journal_entry SET operation_id = %s WHERE operation_id = %s", [other, number])
    superuser.execute("UPDATE journal_tree SET settled = %s", [settled])
    enrol([request(server, "unsealed", "unsealed gate")])
    index_of = indices(superuser)
    for size in range(11):
        below = sorted(number for number, index in index_of.items() if index < size)
        assert selected(extent(Cut({LOG: size}))) == below


def test_what_is_sealed_later_never_enters_an_extent_made_before(server: UUID) -> None:
    enrol([request(server, "a", "gate a")])
    with sealer() as sealing:
        sealing.seal_all()
    made = extent(latest_cut())
    before = selected(made)
    enrol([request(server, f"b{i}", f"gate b{i}") for i in range(3)])
    with sealer() as sealing:
        sealing.seal_all()
    assert selected(made) == before
    assert len(selected(extent(latest_cut()))) == len(before) + 3


def test_until_leaves_out_what_happened_at_that_instant_or_later(server: UUID) -> None:
    enrol([request(server, "a", "gate a")])
    with sealer() as sealing:
        sealing.seal_all()
    assert selected(extent(latest_cut(), AT)) == []
    assert len(selected(extent(latest_cut(), AT + timedelta(milliseconds=1)))) == 2
    assert instant_of(latest_cut()) == AT
    assert instant_of(Cut({LOG: 0})) is None


@pytest.mark.parametrize("cut", [Cut({LOG: 3}), Cut({LOG: -1}), Cut({"elsewhere": 0})])
def test_a_cut_that_is_not_held_here_is_unknown(server: UUID, cut: Cut) -> None:
    with sealer() as sealing:
        sealing.seal_all()
    with pytest.raises(UnknownCut):
        extent(cut)
    assert home_cut(1) == latest_cut() == Cut({LOG: 1})
