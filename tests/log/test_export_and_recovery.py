"""The log as files that need no database, and what gets a server back that was restored from an old backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from karnet.journal.models import Actor, Break, Content, Operation
from karnet.journal.operations import ActorRetired, operation
from karnet.journal.operations import Operation as OperationBody
from karnet.journal.rebuilding import check
from karnet.journal.tests.test_transaction import AT, Done, Enrol, Gone, request
from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.journal.tlog.note import VerifierKey
from karnet.journal.tlog.tiles import bundles_of, decode_bundle, entries_path, tile_path
from karnet.journal.tlog.verifier import Verified, verify_log
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.journal.verification import verify_home
from karnet.kernel.ids import named_id
from karnet.wiring import log_recovery
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_directory import LogDirectory, verify_export
from karnet.wiring.log_export import export
from karnet.wiring.log_keys import verifier_key
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.sealing import sealer_for
from tests.log.conftest import NAME, record, seal


def _transact(server: UUID, key: str, body: OperationBody) -> None:
    def decide(tx: Transaction[Enrol, Done]) -> None:
        tx.record([Outcome(r, Done(server), (body,)) for r in tx.fresh])

    transact([request(server, key, key)], decide, answers=Done)


def _large(text: str) -> OperationBody:
    from karnet.journal.operations import kinds

    struct = kinds().get(("test.big", 1))
    if struct is None:

        @operation("test.big")
        class Big(OperationBody, frozen=True, kw_only=True):
            text: str

        struct = Big
    return struct(text=text)


def _house(name: str) -> OperationBody:
    return Gone(device=ActorRetired(id=named_id("device", name)))


def sound(home: Installation) -> bool:
    found = verify_home(verifier_key(home), CheckpointFile(home.checkpoints_file).read())
    assert found.faults == []
    return found.sound


class Files:
    """A reader that knows the standard's paths and nothing of who wrote the files."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        return (self.path / tile_path(level, index, width)).read_bytes()

    def entries(self, start: int, stop: int) -> list[bytes | None]:
        every: list[bytes | None] = []
        for name in bundles_of(self.size):
            every += decode_bundle((self.path / name.path).read_bytes(), name.width)
        return every[start:stop]


def test_an_export_is_verified_from_its_files_alone(home: Installation, server: UUID, place: Path) -> None:
    record(server, 600)
    _transact(server, "large", _large("x" * 50_000))
    _transact(server, "house", _house("gate 1"))
    seal(home)
    done = export(LogDirectory(place / "log"), verifier_key(home))
    assert (done.before, done.size, done.contents) == (0, 603, 1)
    connection.close()

    files = {str(path.relative_to(place / "log")) for path in (place / "log").rglob("*") if path.is_file()}
    content = next(name for name in files if name.startswith("contents/"))
    assert files == {
        "checkpoint",
        "log.vkey",
        content,
        *(tile_path(0, index) for index in range(2)),
        tile_path(0, 2, 603 - 512),
        tile_path(1, 0, 2),
        *(entries_path(index) for index in range(2)),
        entries_path(2, 603 - 512),
    }
    key = VerifierKey.parse((place / "log" / "log.vkey").read_text().strip())
    signed = open_checkpoint((place / "log" / "checkpoint").read_bytes(), origin=NAME, log_keys=[key])
    assert verify_log(signed.checkpoint, Files(place / "log", 603)) == Verified(603, signed.checkpoint.root)
    assert verify_export(LogDirectory(place / "log"), key).sound


def test_contents_of_house_kinds_are_in_no_file(home: Installation, server: UUID, place: Path) -> None:
    record(server, 2)
    _transact(server, "house", _house("gate 1"))
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    secret = bytes(Content.objects.get().data)
    assert all(secret not in path.read_bytes() for path in (place / "log").rglob("*") if path.is_file())


def test_an_export_is_continued_where_it_ended(home: Installation, server: UUID, place: Path) -> None:
    directory = LogDirectory(place / "log")
    for step, count in enumerate((10, 245, 1, 300, 0)):
        if count:
            record(server, count, f"step {step}")
        seal(home)
        export(directory, verifier_key(home))
        assert verify_export(LogDirectory(place / "log"), verifier_key(home)).sound
    assert not [path for path in (place / "log").rglob("*.p/*") if path.name == "11"], "old partial tiles go away"


@pytest.mark.parametrize("name", [entries_path(0), tile_path(0, 0), tile_path(1, 0, 1), "contents"])
def test_an_altered_file_is_named(home: Installation, server: UUID, place: Path, name: str) -> None:
    record(server, 299)
    _transact(server, "large", _large("y" * 50_000))
    seal(home)
    directory = LogDirectory(place / "log")
    export(directory, verifier_key(home))
    file = next(directory.contents()) if name == "contents" else place / "log" / name
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.write_bytes(data)
    found = verify_export(LogDirectory(place / "log"), verifier_key(home))
    assert not found.sound
    assert (found.damaged_content is not None) == (name == "contents")


def test_the_files_of_another_history_are_not_overwritten(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 5)
    seal(home)
    backup = Backup(superuser)
    record(server, 5, "later")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    backup.restore()
    with pytest.raises(InstallationProblem) as caught:
        export(LogDirectory(place / "log"), verifier_key(home))
    assert caught.value.code == "export-differs"


class Backup:
    """The whole database as it was: every table's rows, put back by a superuser as a restored dump would."""

    def __init__(self, superuser: psycopg.Connection) -> None:
        self.superuser = superuser
        self.tables = [
            name
            for (name,) in superuser.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " AND relname NOT LIKE 'django%' AND relname NOT LIKE 'auth%' AND relname NOT LIKE '%.kept'"
            ).fetchall()
        ]
        superuser.execute("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        for table in self.tables:
            superuser.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
        (self.number,) = superuser.execute("SELECT last_value FROM journal_operation_number").fetchone() or (1,)

    def restore(self) -> None:
        connection.close()
        self.superuser.execute("SET session_replication_role = replica")
        for table in self.tables:
            self.superuser.execute(
                f'DELETE FROM public."{table}"; INSERT INTO public."{table}" SELECT * FROM kept."{table}"'
            )
        self.superuser.execute("SELECT setval('journal_operation_number', %s)", [self.number])
        self.superuser.execute("SET session_replication_role = origin; DROP SCHEMA kept CASCADE")


@contextmanager
def as_owner(superuser: psycopg.Connection) -> Iterator[None]:
    """Django connected with rights over the tables' locks, as `karnet journal recover --from` is."""
    parts = conninfo_to_dict(superuser.info.dsn)
    kept = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=parts["user"], PASSWORD=superuser.info.password)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(kept)


def recover(home: Installation, directory: Path, superuser: psycopg.Connection, **options: bool) -> object:
    with as_owner(superuser):
        options = {"without_contents": False, **options}
        return log_recovery.recover_from(home, LogDirectory(directory), progress=lambda done, size: None, **options)


def refused(home: Installation) -> str:
    with pytest.raises(InstallationProblem) as caught, sealer_for(home) as sealer:
        sealer.seal_all()
    return caught.value.code


def _operations() -> list[tuple[object, bytes]]:
    return [(identity, bytes(data)) for identity, data in _sealed_rows()]


def _sealed_rows() -> list[tuple[object, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id, o.data FROM journal_entry e JOIN journal_operation o ON o.number = e.operation_id"
            " ORDER BY e.index"
        )
        return cursor.fetchall()


def test_a_restored_backup_does_not_sign_until_the_lost_entries_are_back(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 300)
    seal(home)
    record(server, 4, "not sealed when the backup was made")
    backup = Backup(superuser)
    record(server, 300, "later")
    _transact(server, "large", _large("z" * 50_000))
    seal(home)
    record(server, 7, "last")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    signed, actors = _operations(), Actor.objects.count()
    backup.restore()
    assert refused(home) == "log-behind"
    assert Operation.objects.count() == 305

    assert recover(home, place / "log", superuser) == log_recovery.Applied(301, len(signed), 0)
    assert _operations() == signed
    assert Actor.objects.count() == actors
    assert seal(home) == 1, "the confession"
    assert sound(home)
    assert check().sound
    told = Break.objects.get()
    assert (told.first, told.until, told.abandoned, told.contents_missing) == (301, len(signed), False, 0)
    record(server, 2, "life goes on")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    assert verify_export(LogDirectory(place / "log"), verifier_key(home)).size == len(signed) + 3


def test_an_empty_database_is_filled_from_an_export(
    home: Installation, place: Path, superuser: psycopg.Connection, database: None
) -> None:
    from karnet.journal.founding import found_server

    backup = Backup(superuser)
    server = found_server(NAME, AT)
    record(server, 400)
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    backup.restore()
    assert refused(home) == "log-behind"
    recover(home, place / "log", superuser)
    seal(home)
    assert sound(home)
    assert check().sound
    assert Actor.objects.filter(kind="device").count() == 400


def test_contents_that_never_left_the_server_are_asked_about_and_confessed(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    backup = Backup(superuser)
    _transact(server, "house", _house("gate 1"))
    record(server, 3, "later")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    backup.restore()
    with pytest.raises(InstallationProblem) as caught:
        recover(home, place / "log", superuser)
    assert caught.value.code == "contents-missing"
    assert refused(home) == "log-behind"
    recover(home, place / "log", superuser, without_contents=True)
    seal(home)
    assert sound(home)
    assert Break.objects.get().contents_missing == 1
    found = check()
    assert (found.sound, found.without_content) == (True, 1)


def test_an_export_that_ends_too_early_recovers_nothing(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    backup = Backup(superuser)
    record(server, 3, "later")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    record(server, 3, "last")
    seal(home)
    backup.restore()
    with pytest.raises(InstallationProblem) as caught:
        recover(home, place / "log", superuser)
    assert caught.value.code == "export-too-short"
    assert refused(home) == "log-behind"


def test_a_forged_export_recovers_nothing(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    backup = Backup(superuser)
    record(server, 3, "later")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    bundle = place / "log" / entries_path(0, 7)
    bundle.write_bytes(bundle.read_bytes().replace(b'"kind":"device"', b'"kind":"server"'))
    backup.restore()
    before = Operation.objects.count()
    with pytest.raises(InstallationProblem) as caught:
        recover(home, place / "log", superuser)
    assert caught.value.code == "export-damaged"
    assert Operation.objects.count() == before


def test_what_was_sold_after_the_restore_stays_and_a_conflict_changes_nothing(
    home: Installation, server: UUID, place: Path, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    backup = Backup(superuser)
    record(server, 3, "later")
    seal(home)
    export(LogDirectory(place / "log"), verifier_key(home))
    backup.restore()
    record(server, 1, "after the restore")
    from karnet.journal.tests.test_transaction import enrol

    enrol([request(server, "another key", "later 1")])  # the same device as in a lost entry, by another request
    before = Operation.objects.count()
    with pytest.raises(InstallationProblem) as caught:
        recover(home, place / "log", superuser)
    assert caught.value.code == "cannot-recover"
    assert Operation.objects.count() == before


def test_entries_that_nobody_has_are_given_up_openly_or_not_at_all(
    home: Installation, server: UUID, superuser: psycopg.Connection
) -> None:
    record(server, 3)
    seal(home)
    backup = Backup(superuser)
    record(server, 3, "later")
    seal(home)
    backup.restore()
    promised = home.checkpoints_file.read_bytes()
    for wrong in (1, 4):
        with pytest.raises(InstallationProblem) as caught:
            log_recovery.abandon(home, wrong)
        assert caught.value.code == "not-that-many"
    assert refused(home) == "log-behind"
    history = log_recovery.abandon(home, 3)
    assert (history.first, history.until, history.abandoned) == (4, 7, True)
    (aside,) = home.path.glob("checkpoints.abandoned-7.*")
    assert aside.read_bytes() == promised, "the notes over the lost history are kept"
    record(server, 1, "new")
    seal(home)
    assert sound(home)
    told = Break.objects.get()
    assert (
        told.root
        == open_checkpoint(
            CheckpointFile(aside).read()[-1].note, origin=NAME, log_keys=[verifier_key(home)]
        ).checkpoint.root.hex()
    )


def test_a_lost_checkpoint_file_is_written_anew_only_on_demand(home: Installation, server: UUID) -> None:
    record(server, 3)
    seal(home)
    record(server, 3, "later")
    seal(home)
    with pytest.raises(InstallationProblem) as caught:
        log_recovery.rewrite_checkpoints(home)
    assert caught.value.code == "nothing-to-recover"
    before = home.checkpoints_file.read_bytes()
    home.checkpoints_file.unlink()
    assert log_recovery.rewrite_checkpoints(home) == 2
    assert home.checkpoints_file.read_bytes() == before
    assert seal(home) == 0
    assert sound(home)
