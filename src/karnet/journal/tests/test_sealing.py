"""Sealing on a real database: gap-free, in dependency order, never ahead of what may still commit."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from karnet.journal import recording, sealing
from karnet.journal.founding import found_server
from karnet.journal.models import Checkpoint, Entry, Operation, Tree
from karnet.journal.selectors import progress
from karnet.journal.tests.test_transaction import AT, enrol, request
from karnet.journal.tlog.merkle import leaf_hash, root_of
from karnet.journal.tlog.note import SignatureType, SigningKey

pytestmark = pytest.mark.database

KEY = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)


@pytest.fixture
def server() -> UUID:
    return found_server("karnet.test/log", AT)


def sealer(notes: list[bytes] | None = None) -> sealing.Sealer:
    kept = [] if notes is None else notes
    return sealing.Sealer(
        KEY, clock=lambda: datetime(2026, 1, 17, 9, tzinfo=UTC), witness=lambda at, note: kept.append(note)
    )


def assert_log_is_whole() -> None:
    rows = list(Entry.objects.order_by("index").values_list("index", "leaf", "operation__data"))
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert all(bytes(leaf) == leaf_hash(bytes(data)) for _, leaf, data in rows)
    last = Checkpoint.objects.order_by("-size").first()
    assert last is not None
    assert last.size == len(rows)
    assert bytes(last.root) == root_of([bytes(row[1]) for row in rows])


def test_what_is_recorded_is_sealed_once_with_a_signed_checkpoint(server: UUID) -> None:
    enrol([request(server, f"k{i}", f"gate {i}") for i in range(700)])
    notes: list[bytes] = []
    with sealer(notes) as sealing_now:
        assert sealing_now.seal(300).count == 300  # type: ignore[union-attr]
        assert sealing_now.seal_all() == 401
        assert sealing_now.seal() is None
    assert len(notes) == 2
    assert_log_is_whole()
    assert progress().unsealed == 0
    assert progress().sealed == 701


def test_a_new_sealer_goes_on_where_the_last_one_stopped(server: UUID) -> None:
    for part in range(3):
        enrol([request(server, f"k{part}.{i}", f"gate {part}.{i}") for i in range(150)])
        with sealer() as sealing_now:
            sealing_now.seal_all()
    assert_log_is_whole()


def test_only_one_sealer_at_a_time(server: UUID, superuser: psycopg.Connection) -> None:
    superuser.execute("SELECT pg_advisory_lock(%s)", [sealing.LOCK])
    with pytest.raises(sealing.Busy), sealer():
        pass


def test_an_operation_waits_for_running_transactions_it_might_depend_on(
    server: UUID, superuser: psycopg.Connection
) -> None:
    # A transaction with an old id is still running: what younger transactions committed may not overtake each other.
    with psycopg.connect(superuser.info.dsn, password=superuser.info.password) as running:
        running.execute("SELECT pg_current_xact_id()")
        enrol([request(server, "k", "gate")])
        with sealer() as sealing_now:
            assert sealing_now.seal_all() == 1, "the founding was committed before that transaction began"
            running.rollback()
            assert sealing_now.seal_all() == 1
    assert_log_is_whole()


def test_settled_never_passes_a_number_that_may_still_appear(server: UUID) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            cursor.execute("SELECT nextval('journal_operation_number')")
            (number,) = cursor.fetchone()
            began.set()
            go_on.wait(30)
            cursor.execute(
                "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data)"
                " VALUES (%s, gen_random_uuid(), 1, 'test.late', now(), %s, '{}')",
                [number, server],
            )
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    began.wait(30)
    with sealer() as sealing_now:
        for i in range(4):
            enrol([request(server, f"k{i}", f"gate {i}")])
            sealing_now.seal_all()
        late = Tree.objects.get().settled
        go_on.set()
        thread.join()
        assert late < Operation.objects.get(kind="test.late").number
        sealing_now.seal_all()
        sealing_now.seal_all()
    assert Entry.objects.filter(operation__kind="test.late").count() == 1
    assert_log_is_whole()


def test_writers_and_sealer_at_once_leave_no_gap(server: UUID) -> None:
    done = threading.Event()

    def write(name: str) -> None:
        for i in range(40):
            enrol([request(server, f"{name}.{i}.{j}", f"{name}.{i}.{j}") for j in range(1 + i % 3)])
        connection.close()

    def seal() -> None:
        with sealer() as sealing_now:
            while not done.is_set():
                sealing_now.seal(limit=7)
            # Transactions of other tests' databases hold the horizon back for a moment, too.
            while progress().unsealed:
                sealing_now.seal_all()
        connection.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    sealing_thread = threading.Thread(target=seal)
    for thread in (*writers, sealing_thread):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    sealing_thread.join()
    assert progress().unsealed == 0
    assert Entry.objects.count() == Operation.objects.count()
    assert_log_is_whole()


def test_a_changed_tile_stops_the_sealer(server: UUID, superuser: psycopg.Connection) -> None:
    with sealer() as sealing_now:
        sealing_now.seal_all()
    superuser.execute("UPDATE journal_tile SET hashes = sha256(hashes)")
    enrol([request(server, "k", "gate")])
    with sealer() as sealing_now, pytest.raises(sealing.Altered):
        sealing_now.seal_all()


def test_a_transaction_has_its_id_before_it_draws_a_number(server: UUID) -> None:
    """A sealer that sees the number and not the transaction would take the number for one that never comes."""
    for _ in range(3):  # Now and then a sequence logs ahead, which draws an id by itself: not three times in a row.
        with transaction.atomic(), connection.cursor() as cursor:
            assert recording.open_after_arrivals(cursor, 1)
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            assert cursor.fetchone() == (True,)
        with transaction.atomic(), connection.cursor() as cursor:
            assert recording.open_record(cursor, 1)
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            assert cursor.fetchone() == (True,)


def test_what_was_numbered_before_the_sealer_looked_is_sealed_though_it_commits_after(
    server: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, looked = threading.Event(), threading.Event()
    draw = recording.open_after_arrivals

    def pausing(cursor: Any, count: int) -> Any:
        numbers = draw(cursor, count)
        drawn.set()
        looked.wait()
        return numbers

    def record() -> None:
        enrol([request(server, "slow", "slow")])
        connection.close()

    monkeypatch.setattr(recording, "open_after_arrivals", pausing)
    thread = threading.Thread(target=record)
    with sealer() as sealing_now:
        sealing_now.seal_all()
        thread.start()
        drawn.wait()
        for _ in range(3):
            assert sealing_now.seal() is None
        looked.set()
        thread.join()
        while progress().unsealed:
            sealing_now.seal_all()
    assert Operation.objects.count() == Entry.objects.count() == 2
    assert_log_is_whole()
