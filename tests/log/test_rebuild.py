"""The journal replayed into empty tables: what it makes is what the tables hold, and every other row is found."""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from karnet.journal.models import Actor, Operation
from karnet.journal.rebuilding import check, projected_models, repair
from karnet.kernel.ids import named_id
from karnet.wiring.bench.world import World
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn
from tests.log.conftest import record, seal

pytestmark = pytest.mark.database


@pytest.fixture
def busy(home: Installation, database: None) -> World:
    """A day in small: enrolments, prices, an agreement, sales with deposits, passages charged in points; half sealed."""
    from karnet.access.services import admit
    from karnet.orders.services import sell

    world = World(home, lambda text: None)
    world.sold(sell(world.sales(40)))
    seal(home)
    world._chips = world._chips[:40]
    gates = list(_scans(world, 120))
    world.admitted(admit(gates))
    return world


def _scans(world: World, count: int) -> list[object]:
    from datetime import timedelta

    from karnet.access.services import Scan

    asked = []
    for n in range(count):
        at = world._at + timedelta(seconds=90 * (1 + n // 40))
        gate = world._gates[n % len(world._gates)]
        asked.append(Scan(**world._asked(gate, at), gate=gate, chip=world._chips[n % 40]))
    return asked


def _rows() -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with connection.cursor() as cursor:
        for model in projected_models():
            cursor.execute(f"SELECT to_jsonb(t)::text FROM public.{model._meta.db_table} t ORDER BY 1")
            found[model._meta.db_table] = cursor.fetchall()
    return found


def test_a_mixed_day_is_rebuilt_to_the_row_and_changes_nothing(busy: World) -> None:
    before = _rows()
    found = check()
    assert found.sound, found
    assert found.operations == Operation.objects.count()
    assert {t.table: t.rows for t in found.tables} == {table: len(rows) for table, rows in before.items()}
    assert sum(1 for t in found.tables if t.rows) >= 15
    assert _rows() == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()")
        assert cursor.fetchone() == (0,)
    assert check().sound, "once more in the same session"


def test_a_changed_row_is_found_in_any_table(
    busy: World, superuser: psycopg.Connection, installation: Installation
) -> None:
    superuser.execute("SET session_replication_role = replica")
    filled = [table for table, rows in _rows().items() if rows]
    for table in filled:
        column = superuser.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relname = %s AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"
            " AND format_type(a.atttypid, NULL) = ANY(%s)"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c')"
            "                 AND a.attnum = ANY(k.conkey)) ORDER BY a.attnum LIMIT 1",
            [table, ["timestamp with time zone", "uuid", "bigint", "text", "character varying", "boolean", "integer"]],
        ).fetchone()
        if column is None:
            continue
        name, kind = column
        change = {
            "timestamp with time zone": f"coalesce({name} + interval '1 millisecond', now())",
            "uuid": "gen_random_uuid()",
            "bigint": f"coalesce({name} + 1, 7)",
            "integer": f"coalesce({name} + 1, 7)",
            "boolean": f"NOT {name}",
        }.get(kind, "'x'")
        where = f"ctid = (SELECT min(ctid) FROM public.{table})"
        superuser.execute(
            f'UPDATE {table} SET "{name}" = {change.replace(name, chr(34) + name + chr(34))} WHERE {where}'
        )
        found = check()
        assert [(t.table, t.different) for t in found.tables if t.different] == [(table, 1)]
        (difference,) = found.differences
        assert (difference.table, difference.column) == (table, name)
        assert repair_as_owner(installation).differences == [difference]
        assert check().sound


def test_a_missing_row_and_one_too_many_are_found_and_repaired(
    home: Installation, server: UUID, superuser: psycopg.Connection, installation: Installation
) -> None:
    record(server, 20)
    superuser.execute("SET session_replication_role = replica")
    gone, added = named_id("device", "gate 3"), named_id("device", "smuggled")
    superuser.execute("DELETE FROM journal_actor WHERE id = %s", [gone])
    superuser.execute("INSERT INTO journal_actor (id, kind, enrolled_at) VALUES (%s, 'operator', now())", [added])
    found = check()
    assert not found.sound
    assert {(d.key, d.column, d.expected is None, d.found is None) for d in found.differences} == {
        (str(gone), None, False, True),
        (str(added), None, True, False),
    }
    repair_as_owner(installation)
    assert check().sound
    assert Actor.objects.filter(id=gone).exists()
    assert not Actor.objects.filter(id=added).exists()


def test_a_replay_that_the_tables_refuse_names_the_operation(
    home: Installation, server: UUID, superuser: psycopg.Connection
) -> None:
    record(server, 20)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        "UPDATE journal_operation SET data = (SELECT data FROM journal_operation WHERE number = 9) WHERE number = 15"
    )
    found = check()
    assert not found.sound
    assert found.stopped is not None
    assert found.stopped.number == 15


def test_writers_go_on_while_the_tables_are_compared(home: Installation, server: UUID) -> None:
    record(server, 200)
    stop = threading.Event()

    def write() -> None:
        round_number = 0
        while not stop.is_set():
            record(server, 10, f"meanwhile {round_number}")
            round_number += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert check().sound
    finally:
        stop.set()
        writer.join()
    assert check().sound


def repair_as_owner(cluster: Installation):  # type: ignore[no-untyped-def]
    """Repair in a connection of the tables' owner; the test's own is closed meanwhile."""
    from django.conf import settings

    from karnet.wiring.settings import database as described

    before = settings.DATABASES["default"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
    connection.close()
    owner = described(dsn(cluster, Role.OWNER, name))
    kept = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.settings_dict.update({key: owner[key] for key in kept})
    try:
        return repair()
    finally:
        connection.close()
        connection.settings_dict.update(kept)
        assert settings.DATABASES["default"] is before
