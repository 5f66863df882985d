"""Backups by `karnet backup`, restored by `karnet restore`: pg_dump, pg_restore and pg_basebackup for real."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from karnet.kernel import canonical
from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, dsn
from tests.durability import story
from tests.durability.killing import in_child
from tests.durability.record import assert_sound
from tests.durability.standbys import karnet, load


def tell(home: Installation, *names: str) -> None:
    sold = in_child(home, story.product)
    in_child(home, lambda: [canonical.encode(answer) for name in names for answer in story.tell(name, sold)])


def record(home: Installation) -> list[tuple[object, ...]]:
    """Every operation, in order, with its index if it is sealed."""
    with psycopg.connect(dsn(home, Role.SUPERUSER)) as connection:
        return connection.execute(
            "SELECT o.number, o.id, o.data, e.index FROM journal_operation o"
            " LEFT JOIN journal_entry e ON e.operation_id = o.number ORDER BY 1"
        ).fetchall()


@pytest.mark.parametrize("kind", [(), ("--base",)])
def test_a_backup_becomes_the_same_installation_elsewhere_and_goes_on(place: Path, kind: tuple[str, ...]) -> None:
    home = load(place / "home")
    with postgres.running(home):
        with psycopg.connect(dsn(home, Role.SUPERUSER), autocommit=True) as connection:
            for _ in range(2000):  # A server that has worked for a while counts transactions far above a new one.
                connection.execute("SELECT pg_current_xact_id()")
        tell(home, "sealed")
        karnet(home.path, "journal", "seal")
        tell(home, "tail")
        karnet(home.path, "backup", str(place / "backup"), "--with-keys", *kind)
        before = record(home)
        assert any(row[3] is None for row in before), "a tail that is not sealed yet"
    told = karnet(place / "new", "restore", str(place / "backup"))
    assert "The log may sign" in told
    new = load(place / "new")
    with postgres.running(new):
        assert record(new) == before
        karnet(new.path, "init")
        in_child(new, lambda: assert_sound(new))
        assert in_child(new, lambda: story.state("tail")) == story.WHOLE
        tell(new, "afterwards")
        in_child(new, lambda: assert_sound(new))


@pytest.mark.parametrize("kind", [(), ("--base",)])
def test_an_older_backup_in_the_place_of_the_database_does_not_sign_until_the_lost_entries_are_back(
    place: Path, kind: tuple[str, ...]
) -> None:
    home = load(place / "home")
    with postgres.running(home):
        tell(home, "early")
        karnet(home.path, "journal", "seal")
        karnet(home.path, "backup", str(place / "backup"), *kind)
        tell(home, "late")
        karnet(home.path, "journal", "seal")
        karnet(home.path, "journal", "export", str(place / "export"))
        signed = record(home)
        refused = karnet(home.path, "restore", str(place / "backup"), "--replace", succeed=False)
        assert "Stop `karnet serve` there first" in refused
    assert "Add --replace" in karnet(home.path, "restore", str(place / "backup"), succeed=False)
    promised = home.checkpoints_file.read_bytes()
    told = karnet(home.path, "restore", str(place / "backup"), "--replace", succeed=False)
    assert "What was there is now" in told
    assert "checkpoints was there and stays" in told
    assert "karnet journal recover" in told
    assert home.checkpoints_file.read_bytes() == promised
    with postgres.running(home):
        assert in_child(home, lambda: story.state("late")).requests == 0
        assert "two histories" in karnet(home.path, "journal", "seal", succeed=False)
        karnet(home.path, "journal", "recover", "--from", str(place / "export"))
        # An export has no house contents; those of these stories are none. Operations come back byte by byte.
        assert [row[1:3] for row in record(home)][: len(signed)] == [row[1:3] for row in signed]
        in_child(home, lambda: assert_sound(home))


@pytest.mark.parametrize("kind", [(), ("--base",)])
def test_keys_are_in_a_backup_only_when_asked(place: Path, kind: tuple[str, ...]) -> None:
    home = load(place / "home")
    secrets = [(home.keys_dir / "log.key").read_bytes().strip(), home.secret_key_file.read_bytes().strip()]
    with postgres.running(home):
        told = karnet(home.path, "backup", str(place / "backup"), *kind)
    assert "not in it: the keys and secret_key" in told
    files = [path for path in (place / "backup").rglob("*") if path.is_file()]
    assert not [path for path in files for secret in secrets if secret in path.read_bytes()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in [place / "backup", *files])
    told = karnet(place / "new", "restore", str(place / "backup"), succeed=False)
    assert "signing key is not in the backup" in told
    # Whoever brings the keys from where they are kept goes on.
    for name in ("log.key", "log.vkey"):
        (place / "new" / "keys" / name).write_bytes((home.keys_dir / name).read_bytes())
        (place / "new" / "keys" / name).chmod(0o600)
    new = load(place / "new")
    with postgres.running(new):
        tell(new, "afterwards")
        in_child(new, lambda: assert_sound(new))


def test_a_damaged_backup_restores_nothing(place: Path) -> None:
    home = load(place / "home")
    with postgres.running(home):
        karnet(home.path, "backup", str(place / "backup"), "--with-keys")
    file = place / "backup" / "database.dump"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    told = karnet(place / "new", "restore", str(place / "backup"), succeed=False)
    assert "database.dump is not what was backed up" in told
    assert not (place / "new").exists()


def test_a_backup_is_whole_or_absent(place: Path) -> None:
    home = load(place / "home")
    told = karnet(home.path, "backup", str(place / "home"), succeed=False)
    assert "exists already" in told
    (home.keys_dir / "log.key").rename(home.keys_dir / "kept")
    (home.keys_dir / "log.key").mkdir()
    with postgres.running(home), psycopg.connect(dsn(home, Role.SUPERUSER), autocommit=True) as connection:
        connection.execute("ALTER TABLE journal_tree RENAME TO not_there")
        assert "journal_tree" in karnet(home.path, "backup", str(place / "backup"), succeed=False)
    assert not list(place.glob("*backup*"))
    assert not list(place.glob(".*backup*"))
