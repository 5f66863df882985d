"""The hub's PostgreSQL is killed while members push; a quorum standby takes over under its nodes, which go on."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from karnet.wiring.network.servers import Card, karnet, until
from karnet.wiring.postgres.standby import mark_fenced
from tests.durability.standbys import kill_postmaster, load, standby_served
from tests.network.conftest import sale
from tests.network.test_common_card import _rows, admitted, hashes

pytestmark = pytest.mark.durability

SALES = 60


def test_a_hub_whose_database_is_promoted_under_load_keeps_every_entry_it_cosigned(card: Card) -> None:
    hub, jawor = card.hub, card.members["jawor"]
    standby = hub.path.parent / "hub-standby"
    hub.stop()
    karnet(hub.path, "standby", "make", str(standby), "--with-keys")
    with standby_served(standby):
        hub.serve()
        try:
            karnet(hub.path, "standby", "quorum", "on")
            sold: list[bool] = []
            selling = threading.Thread(
                target=lambda: sold.extend(jawor.ask("sell", step=sale(n, f"push-{n}"))["ok"] for n in range(SALES))
            )
            selling.start()
            until(lambda: _cosigned(card) > 0, "the hub to cosign what Jawor pushes")
            before = _cosigned(card)
            until(lambda: _cosigned(card) > before, "the hub to cosign more")
            # What keeps the hub would start its database again within half a second: the machine is lost for good.
            mark_fenced(load(hub.path))
            kill_postmaster(load(hub.path))
            jawor.cut()
            cosigned = _cosigned(card)
            karnet(standby, "standby", "promote")
            # Nothing can be pushed again now: what the hub had vouched for must be in the promoted database.
            held = hub.ask("logs")["held"]
            assert held["karnet.test/jawor"] >= cosigned > before
            selling.join()
            assert sold == [True] * SALES, "selling goes on without the hub"
            jawor.mend()
            assert all(admitted(card, n, f"push-{n}")["ok"] for n in (0, SALES // 2, SALES - 1))
            assert len(hashes(card)) == 1
            for server in card.servers:
                assert not server.ask("logs")["quarantined"], server.name
            assert "the record is what was signed" in karnet(hub.path, "journal", "verify")
        finally:
            # Its database lives on in the standby, which ends with this test.
            hub.stop()


def _cosigned(card: Card) -> int:
    """How much of Jawor's log the hub has cosigned, as Jawor knows it."""
    sql = "SELECT size FROM federation_cosignature WHERE log = 'karnet.test/jawor' AND cosigner = 'karnet.test/hub'"
    rows: list[list[Any]] = _rows(card.members["jawor"], sql)
    return int(rows[0][0]) if rows else 0
