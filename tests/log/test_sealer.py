"""The sealer with its key and its checkpoint file: what it promises, and when it refuses to promise more."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from karnet.journal.founding import found_server
from karnet.journal.models import Checkpoint
from karnet.journal.selectors import progress
from karnet.journal.tests.test_transaction import AT
from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.wiring import clock
from karnet.wiring.checkpoint_file import CheckpointFile, DamagedCheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import ensure_log_key, key_file, signing_key, verifier_file, verifier_key
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.sealing import run_sealer, sealer_for
from tests.log.conftest import NAME, record, seal


def refusal(home: Installation) -> str:
    before = Checkpoint.objects.count()
    with pytest.raises(InstallationProblem) as caught, sealer_for(home) as sealer:
        sealer.seal_all()
    assert Checkpoint.objects.count() == before
    with connection.cursor() as cursor:  # It let go of the sealer's lock.
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
    return caught.value.code


def test_a_key_is_made_once_and_only_its_owner_can_read_it(home: Installation) -> None:
    key = ensure_log_key(home)
    assert key == ensure_log_key(home) == signing_key(home)
    assert key.name == NAME
    assert key_file(home).stat().st_mode & 0o077 == 0
    assert key.verifier == verifier_key(home)
    assert verifier_file(home).read_text().strip() == key.verifier.format()


def test_a_lost_key_is_not_replaced_silently_once_something_was_signed(home: Installation, server: UUID) -> None:
    seal(home)
    key_file(home).unlink()
    with pytest.raises(InstallationProblem) as caught:
        ensure_log_key(home)
    assert caught.value.code == "log-key-lost"


def test_every_checkpoint_is_in_the_file_signed(home: Installation, server: UUID) -> None:
    record(server, 5)
    assert seal(home) == 6
    record(server, 3, "more")
    assert seal(home) == 3
    notes = CheckpointFile(home.checkpoints_file).read()
    opened = [open_checkpoint(w.note, origin=NAME, log_keys=[verifier_key(home)]).checkpoint for w in notes]
    assert [o.size for o in opened] == [6, 9]
    assert [w.note.decode() for w in notes] == list(Checkpoint.objects.order_by("size").values_list("note", flat=True))


def test_what_a_crash_kept_from_the_file_is_written_before_anything_is_signed(home: Installation, server: UUID) -> None:
    seal(home)
    record(server, 2)
    seal(home)
    whole = home.checkpoints_file.read_bytes()
    torn = whole[: len(whole) - 7]
    home.checkpoints_file.write_bytes(torn)
    assert len(CheckpointFile(home.checkpoints_file).read()) == 1
    assert seal(home) == 0
    assert home.checkpoints_file.read_bytes() == whole


def test_a_database_behind_the_file_may_not_sign(
    home: Installation, server: UUID, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    record(server, 3, "later")
    seal(home)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("DELETE FROM journal_checkpoint WHERE size > 4")
    superuser.execute("DELETE FROM journal_entry WHERE index >= 4")
    superuser.execute("UPDATE journal_tile SET hashes = substr(hashes, 1, 4 * 32)")
    superuser.execute("UPDATE journal_tree SET size = 4")
    assert refusal(home) == "log-behind"


def test_another_history_of_the_same_length_may_not_sign(
    home: Installation, server: UUID, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    promised = home.checkpoints_file.read_bytes()
    superuser.execute("SET session_replication_role = replica")
    for table in ("entry", "checkpoint", "tile", "operation", "content", "request", "actor", "origin", "tree"):
        superuser.execute(f"DELETE FROM journal_{table}")
    home.checkpoints_file.unlink()
    found_server(NAME, AT)
    record(server, 3, "other")
    seal(home)
    home.checkpoints_file.write_bytes(promised)
    assert refusal(home) == "log-contradicts"


def test_a_missing_checkpoint_file_is_a_question_for_a_person(home: Installation, server: UUID) -> None:
    seal(home)
    home.checkpoints_file.unlink()
    assert refusal(home) == "log-witness-missing"


def test_notes_of_a_strange_key_are_not_believed(home: Installation, server: UUID) -> None:
    seal(home)
    key_file(home).unlink()
    verifier_file(home).unlink()
    kept = home.checkpoints_file.read_bytes()
    home.checkpoints_file.unlink()
    ensure_log_key(home)
    home.checkpoints_file.write_bytes(kept)
    assert refusal(home) == "log-witness-damaged"


def test_a_damaged_line_is_named(home: Installation, server: UUID) -> None:
    seal(home)
    with home.checkpoints_file.open("ab") as file:
        file.write(b"scribble\n")
    with pytest.raises(DamagedCheckpointFile, match="line 2"):
        CheckpointFile(home.checkpoints_file).read()
    assert refusal(home) == "log-witness-damaged"


def test_nothing_is_signed_while_the_clock_is_behind_the_last_checkpoint(home: Installation, server: UUID) -> None:
    seal(home)
    line = json.loads(home.checkpoints_file.read_text())
    line["at"] = (clock.now() + timedelta(hours=1)).isoformat()
    home.checkpoints_file.write_text(json.dumps(line) + "\n")
    record(server, 1)
    assert refusal(home) == "log-clock-behind"


def test_the_tail_is_read_without_reading_the_whole_file(home: Installation) -> None:
    file = CheckpointFile(home.checkpoints_file)
    at = datetime(2026, 1, 17, tzinfo=UTC)
    file.extend([(at, b"note %d" % n) for n in range(5000)])
    assert [w.note for w in file.tail(3)] == [b"note 4997", b"note 4998", b"note 4999"]
    assert len(file.read()) == 5000


def test_the_loop_seals_what_comes_and_ends_when_told(home: Installation, server: UUID) -> None:
    stop, said = threading.Event(), []  # type: ignore[var-annotated]

    def run() -> None:
        run_sealer(home, stop, said.append)
        connection.close()

    loop = threading.Thread(target=run)
    loop.start()
    for i in range(5):
        record(server, 2, f"gate {i}")
    stop.set()
    loop.join()
    assert progress().unsealed == 0
    assert progress().sealed == 11
    assert said == []


def test_a_second_loop_waits_for_its_turn(home: Installation, server: UUID) -> None:
    stop, waiting = threading.Event(), threading.Event()

    def run() -> None:
        run_sealer(home, stop, lambda text: waiting.set())
        connection.close()

    with sealer_for(home):
        loop = threading.Thread(target=run)
        loop.start()
        assert waiting.wait(60)
        assert progress().sealed == 0
    while progress().sealed == 0:
        stop.wait(0.05)
    stop.set()
    loop.join()
