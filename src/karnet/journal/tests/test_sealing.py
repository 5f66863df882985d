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

    draw = recording.open_record

    def pausing(cursor: Any, count: int) -> list[int]:
        numbers = draw(cursor, count)
        drawn.set()
        looked.wait()
        return numbers

    def recorder() -> None:
        recording.open_record = pausing
        try:
            enrol([request(server, "slow", "slow")])
        finally:
            recording.open_record = draw
            connection.close()

    with sealer() as log:
        log.seal_all()
        thread = threading.Thread(target=recorder)
        thread.start()
        drawn.wait()
        for _ in range(3):
            assert log.seal() is None
        looked.set()
        thread.join()
        for _ in range(2):
            log.seal_all()
    assert progress().unsealed == 0
    assert Operation.objects.count() == Entry.objects.count() == 2
    assert_log_is_whole()
