"""Whoever has every right on the database changes the record by SQL: verification names where."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from karnet.journal.models import Checkpoint, Entry
from karnet.journal.operations import ActorRetired
from karnet.journal.tests.test_transaction import AT, Done, Enrol, Gone, request
from karnet.journal.tlog.checkpoint import Checkpoint as TreeHead
from karnet.journal.tlog.checkpoint import sign_checkpoint
from karnet.journal.tlog.merkle import leaf_hash
from karnet.journal.tlog.tiles import TileBuilder
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.journal.verification import Verification, verify_home
from karnet.kernel.ids import named_id
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import signing_key, verifier_key
from tests.log.conftest import NAME, record, seal

SIZE = 604
HOUSE = 601
"""Index of the one entry whose content is kept apart."""


def verified(home: Installation) -> Verification:
    return verify_home(verifier_key(home), CheckpointFile(home.checkpoints_file).read())


@pytest.fixture
def sealed(home: Installation, server: UUID, superuser: psycopg.Connection) -> Installation:
    """A log of 604 entries under three checkpoints; the superuser's session passes every trigger over."""
    record(server, 299)
    assert seal(home) == 300
    record(server, 301, "more")

    def retire(tx: Transaction[Enrol, Done]) -> None:
        gone = Gone(device=ActorRetired(id=named_id("device", "gate 0")))
        tx.record([Outcome(r, Done(server), (gone,)) for r in tx.fresh])

    transact([request(server, "retire", "gate 0")], retire, answers=Done)
    seal(home)
    record(server, 2, "last")
    seal(home)
    found = verified(home)
    assert (found.size, found.faults, found.checkpoints, found.witnessed) == (SIZE, [], 3, 3)
    superuser.execute("SET session_replication_role = replica")
    return home


def number_at(index: int) -> int:
    return Entry.objects.get(index=index).operation_id


def assert_fault(home: Installation, index: int, until: int, what: str, where: str) -> None:
    faults = verified(home).faults
    assert faults, "the tampering went unnoticed"
    assert (faults[0].index, faults[0].until, faults[0].what, faults[0].where) == (index, until, what, where), faults


@pytest.mark.parametrize("index", [0, 255, 256, 400, SIZE - 1])
def test_a_flipped_byte_of_an_entry_is_named(sealed: Installation, superuser: psycopg.Connection, index: int) -> None:
    superuser.execute(
        "UPDATE journal_operation SET data = set_byte(data, 40, get_byte(data, 40) # 1) WHERE number = %s",
        [number_at(index)],
    )
    found = verified(sealed)
    assert {(f.index, f.until) for f in found.faults} == {(index, index + 1)}
    assert "entry_altered" in {f.what for f in found.faults}


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("id = gen_random_uuid()", "id"),
        ("kind = 'test.other'", "kind"),
        ("at = at + interval '1 microsecond'", "at"),
        ("actor_id = gen_random_uuid()", "actor_id"),
        ("content = sha256('x')", "content"),
    ],
)
def test_a_column_that_differs_from_its_entry_is_named(
    sealed: Installation, superuser: psycopg.Connection, change: str, column: str
) -> None:
    superuser.execute(f"UPDATE journal_operation SET {change} WHERE number = {number_at(77)}")
    assert_fault(sealed, 77, 78, "column_altered", f"journal_operation.{column}")


def test_a_hash_that_was_taken_away_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute(f"UPDATE journal_operation SET content = NULL WHERE number = {number_at(HOUSE)}")
    assert_fault(sealed, HOUSE, HOUSE + 1, "column_altered", "journal_operation.content")


def test_an_altered_leaf_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("UPDATE journal_entry SET leaf = sha256(leaf) WHERE index = 300")
    assert_fault(sealed, 300, 301, "leaf_altered", "journal_entry.leaf")


@pytest.mark.parametrize("change", ["data = data || ' '", "salt = 'another'"])
def test_an_altered_content_is_named(sealed: Installation, superuser: psycopg.Connection, change: str) -> None:
    superuser.execute(f"UPDATE journal_content SET {change}")
    assert_fault(sealed, HOUSE, HOUSE + 1, "content_altered", "journal_content")


def test_an_absent_content_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("DELETE FROM journal_content")
    assert_fault(sealed, HOUSE, HOUSE + 1, "content_missing", "journal_content")


@pytest.mark.parametrize("index", [0, 299, 511, SIZE - 1])
def test_a_deleted_row_is_named(sealed: Installation, superuser: psycopg.Connection, index: int) -> None:
    number = number_at(index)
    superuser.execute(f"DELETE FROM journal_entry WHERE index = {index}")
    assert_fault(sealed, index, index + 1, "entry_missing", "log")
    superuser.execute(f"DELETE FROM journal_operation WHERE number = {number}")
    assert_fault(sealed, index, index + 1, "entry_missing", "log")


def test_an_operation_deleted_under_its_entry_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute(f"DELETE FROM journal_operation WHERE number = {number_at(9)}")
    assert (verified(sealed).faults[0].index, verified(sealed).faults[0].what) == (9, "entry_missing")


def _shift(superuser: psycopg.Connection, start: int, by: int) -> None:
    superuser.execute(f"UPDATE journal_entry SET index = -index WHERE index >= {start}")
    superuser.execute(f"UPDATE journal_entry SET index = -index + {by} WHERE index < 0")


def test_a_row_taken_out_and_the_rest_moved_up_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("DELETE FROM journal_entry WHERE index = 123")
    _shift(superuser, 124, -1)
    assert_fault(sealed, 123, 124, "entry_missing", "log")


def test_an_inserted_row_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    _shift(superuser, 123, 1)
    superuser.execute(
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data)"
        " SELECT 99999, gen_random_uuid(), 1, kind, at, actor_id, data || ' ' FROM journal_operation WHERE number = %s",
        [number_at(5)],
    )
    superuser.execute("INSERT INTO journal_entry (origin_id, index, operation_id, leaf) VALUES (1, 123, 99999, '')")
    found = verified(sealed).faults
    assert {f.index for f in found if f.index < SIZE} == {123}
    assert "entry_inserted" in {f.what for f in found}


def test_swapped_rows_are_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute(
        "UPDATE journal_entry SET index = CASE index WHEN 200 THEN -590 ELSE -200 END WHERE index IN (200, 590)"
    )
    superuser.execute("UPDATE journal_entry SET index = -index WHERE index < 0")
    assert_fault(sealed, 200, 201, "entries_swapped", "log")


def test_a_tail_cut_off_with_all_that_told_of_it_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("DELETE FROM journal_entry WHERE index >= 300")
    superuser.execute("DELETE FROM journal_checkpoint WHERE size > 300")
    superuser.execute(
        "DELETE FROM journal_operation o WHERE NOT EXISTS (SELECT 1 FROM journal_entry WHERE operation_id = number)"
    )
    superuser.execute("DELETE FROM journal_tile WHERE level = 0 AND index > 1")
    superuser.execute("UPDATE journal_tile SET hashes = substr(hashes, 1, 44 * 32) WHERE level = 0 AND index = 1")
    superuser.execute("UPDATE journal_tile SET hashes = substr(hashes, 1, 32) WHERE level = 1")
    superuser.execute("UPDATE journal_tree SET size = 300")
    found = verified(sealed).faults
    assert (found[0].index, found[0].until, found[0].what) == (300, SIZE, "entry_missing")
    assert len(found) == 1


def test_rows_past_the_end_of_the_tree_are_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("INSERT INTO journal_entry (origin_id, index, operation_id, leaf) VALUES (1, 1000, 99999, '')")
    assert_fault(sealed, 1000, 1001, "entry_inserted", "journal_entry")


def test_an_operation_put_in_behind_the_sealer_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("UPDATE journal_operation SET number = -number WHERE number = 1")
    superuser.execute("UPDATE journal_entry SET operation_id = -1 WHERE operation_id = 1")
    superuser.execute("UPDATE journal_tree SET settled = 5")
    superuser.execute(
        "INSERT INTO journal_operation (number, id, origin_id, kind, at, actor_id, data)"
        " SELECT 1, gen_random_uuid(), 1, kind, at, actor_id, data FROM journal_operation WHERE number = 2"
    )
    assert_fault(sealed, SIZE, SIZE, "operation_inserted", "journal_operation")


@pytest.mark.parametrize(("level", "index", "first"), [(0, 0, 3), (0, 1, 259), (0, 2, 515), (1, 0, 256)])
def test_an_altered_tile_is_named(
    sealed: Installation, superuser: psycopg.Connection, level: int, index: int, first: int
) -> None:
    at = (3 if level == 0 else 1) * 32
    superuser.execute(
        "UPDATE journal_tile SET hashes = set_byte(hashes, %s, get_byte(hashes, %s) # 1)"
        " WHERE level = %s AND index = %s",
        [at, at, level, index],
    )
    assert_fault(sealed, first, first + 256**level, "tile_altered", "log")


@pytest.mark.parametrize("size", [300, 602, SIZE])
@pytest.mark.parametrize(
    "change",
    [
        "note = replace(note, E'\\n{size}\\n', E'\\n299\\n')",
        "note = left(note, -3) || CASE WHEN right(note, 3) = E'A=\\n' THEN 'E=' ELSE 'A=' END || E'\\n'",
        "root = sha256(root)",
        "note = 'gone'",
    ],
)
def test_an_altered_checkpoint_is_named(
    sealed: Installation, superuser: psycopg.Connection, size: int, change: str
) -> None:
    superuser.execute(f"UPDATE journal_checkpoint SET {change.format(size=size)} WHERE size = {size}")
    assert_fault(sealed, size - 1, size, "checkpoint_altered", verified(sealed).faults[0].where)
    assert f"checkpoint {size}" in verified(sealed).faults[0].detail


def test_a_deleted_checkpoint_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("DELETE FROM journal_checkpoint WHERE size = 300")
    assert_fault(sealed, 299, 300, "checkpoint_missing", "journal_checkpoint")


def test_a_tree_that_claims_another_size_is_named(sealed: Installation, superuser: psycopg.Connection) -> None:
    superuser.execute("UPDATE journal_tree SET size = 590")
    assert verified(sealed).faults
    superuser.execute("UPDATE journal_tree SET size = 700")
    assert verified(sealed).faults


def test_a_log_rewritten_and_signed_anew_by_its_own_key_contradicts_the_checkpoint_file(
    sealed: Installation, superuser: psycopg.Connection
) -> None:
    key = signing_key(sealed)
    number = number_at(450)
    superuser.execute(
        "UPDATE journal_operation SET data = convert_to(replace(convert_from(data, 'UTF8'), 'device', 'server'), 'UTF8')"
        f" WHERE number = {number}"
    )
    builder = TileBuilder()
    rows = list(Entry.objects.order_by("index").values_list("index", "operation__data"))
    sizes = set(Checkpoint.objects.values_list("size", flat=True))
    tiles = {}
    for index, data in rows:
        leaf = leaf_hash(bytes(data))
        superuser.execute("UPDATE journal_entry SET leaf = %s WHERE index = %s", [leaf, index])
        tiles.update({(t.level, t.index): t.hashes for t in builder.append([leaf])})
        if builder.size in sizes:
            note = sign_checkpoint(TreeHead(NAME, builder.size, builder.root()), key).decode()
            superuser.execute(
                "UPDATE journal_checkpoint SET root = %s, note = %s WHERE size = %s",
                [builder.root(), note, builder.size],
            )
    for (level, index), hashes in tiles.items():
        superuser.execute("UPDATE journal_tile SET hashes = %s WHERE level = %s AND index = %s", [hashes, level, index])
    assert verify_home(verifier_key(sealed), []).sound, "without a witness, a key holder's forgery is not seen"
    found = verified(sealed).faults
    assert found[0].index >= 300, "what the first checkpoint vouches for is not in question"
    assert found[0].index <= 450 < found[0].until or found[0].what == "history_rewritten"


def test_what_is_not_sealed_yet_is_told_by_count_and_age(sealed: Installation, server: UUID) -> None:
    record(server, 3, "unsealed")
    found = verified(sealed)
    assert found.sound
    assert (found.unsealed, found.oldest_unsealed_at) == (3, AT)


def test_an_empty_log_is_sound(home: Installation, server: UUID) -> None:
    seal(home)
    assert verified(home).sound


def test_a_database_without_a_log_is_sound_and_empty(home: Installation, database: None) -> None:
    from karnet.wiring.log_keys import ensure_log_key

    ensure_log_key(home)
    assert (verified(home).size, verified(home).faults) == (0, [])
