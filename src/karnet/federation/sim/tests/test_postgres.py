"""What forms mean in memory is what their SQL does: simulated logs, applied by the real applier to a real database."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from karnet.federation.sim import invariants
from karnet.federation.sim.history import play_out
from karnet.federation.sim.memory import MemoryLog
from karnet.federation.sim.schema import schema_of
from karnet.federation.sim.world import EPOCH
from karnet.journal import applying, arrivals
from karnet.journal.founding import found_server
from karnet.journal.models import ProjectedModel
from karnet.journal.tlog.note import Note
from karnet.journal.tlog.tiles import TileWrite

pytestmark = pytest.mark.database

ONLOOKER = "onlooker.example/log"


def _receive(log: MemoryLog) -> None:
    arrivals.join_log(log.name, log.keys[0].key.format(), EPOCH)
    note = log.notes[log.size]
    assert int(Note.parse(note).text.split("\n")[1]) == log.size
    contents = {
        bytes.fromhex(kept.data.split(b'"sha256":"')[1][:64].decode()): kept.content
        for kept in log.entries
        if kept.content is not None
    }
    arrivals.receive(
        log.name,
        0,
        [kept.data for kept in log.entries],
        contents,
        [TileWrite(level, index, hashes) for (level, index), hashes in log.tiles.items()],
        note=note,
        noted=log.size,
        note_root=log.root,
        at=EPOCH,
    )


def _facts() -> dict[str, Counter[tuple[Any, ...]]]:
    """The rows of the database, as `invariants.facts` tells those in memory; the onlooker itself left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM journal_origin")
        logs = dict(cursor.fetchall())
        cursor.execute("SELECT origin_id, operation_id, index FROM journal_entry")
        places = {(origin, number): index for origin, number, index in cursor.fetchall()}
    found = {}
    for model in apps.get_models():
        if issubclass(model, ProjectedModel):
            schema = schema_of(model)
            rows = [_plain(row) for row in model._default_manager.values(*schema.defaults)]
            told = Counter(row for row in invariants.plain(schema, rows, logs, places) if ONLOOKER not in row)
            if told:
                found[model._meta.db_table] = told
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}


@pytest.mark.parametrize("seed", range(24))
def test_the_tables_of_a_database_are_those_of_the_simulator(seed: int) -> None:
    _, servers = play_out(seed, attack="")
    found_server(ONLOOKER, EPOCH)
    for server in servers:
        _receive(server.store.log(server.name))
    applying.apply_all(lambda: EPOCH)
    assert arrivals.quarantines() == []
    assert {name: log.applied for name, log in arrivals.held_logs().items()} == {
        server.name: server.store.log(server.name).size for server in servers
    }
    expected, found = invariants.facts(servers[0].disk), _facts()
    for table in sorted({*expected, *found}):
        assert found.get(table) == expected.get(table), table
