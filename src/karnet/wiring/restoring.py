"""Restoring a backup: into a new installation, or in the place of a lost database of one that is still there.

What is there is set aside, never deleted. A checkpoint file or key that is there stays: the file knows what was signed
after the backup was made, and the rollback guard (journal.guard) then lets nothing be signed until
`karnet journal recover` has brought that back.
"""

from __future__ import annotations

import shutil
import tarfile
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from karnet.wiring.backup import BASE, DUMP, PASSWORDS, Manifest, files_in, read_manifest, run_client
from karnet.wiring.files import FileLock, sync_directory, write_atomically
from karnet.wiring.installation import CONFIG_FILE, Installation
from karnet.wiring.postgres import (
    DATABASE,
    Progress,
    Role,
    create_database,
    dsn,
    ensure_cluster,
    load_cluster,
    running,
)
from karnet.wiring.postgres.account import server_account
from karnet.wiring.postgres.place import Part, place_cluster, save_cluster
from karnet.wiring.postgres.software import MAJOR, software_for
from karnet.wiring.postgres.standby import unfinished
from karnet.wiring.problem import InstallationProblem, explained


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `aside` names what was there before, `kept` the files of the installation that stayed."""

    manifest: Manifest
    path: str
    aside: str
    kept: tuple[str, ...]


def restore(backup: Path, target: Path, at: datetime, *, replace: bool, say: Progress) -> Restored:
    """Restore `backup` into the installation at `target`, making it if it is not there. The database is left stopped,
    unless somebody else uses it.

    With `replace`, a database that is there is set aside. Raises InstallationProblem; nothing is replaced then.
    """
    say("comparing the backup's files with its manifest")
    manifest = read_manifest(backup)
    if manifest.postgres != MAJOR and manifest.kind == "base":
        raise InstallationProblem(
            "foreign-version",
            f"The base backup is of PostgreSQL {manifest.postgres}; this Karnet runs {MAJOR}.",
            "Restore it with the Karnet that made it, and take a dump there.",
        )
    installation, kept = _installation(backup, target, manifest)
    if installation.database_url is not None:
        raise InstallationProblem(
            "external-database",
            "This installation uses an external database.",
            f"Restore {backup / DUMP} there with pg_restore, then run `karnet init`.",
        )
    _refuse_in_use(installation)
    restored = _restore_base if manifest.kind == "base" else _restore_dump
    aside = restored(backup, installation, f"{at:%Y%m%dT%H%M%SZ}", replace, say)
    return Restored(manifest=manifest, path=str(installation.path), aside=aside, kept=tuple(kept))


def _installation(backup: Path, target: Path, manifest: Manifest) -> tuple[Installation, list[str]]:
    """The installation at `target`, made if need be; and which of the backup's files it had already."""
    if not (target / CONFIG_FILE).exists():
        Installation.create(target, name=manifest.log, environment={})
        for name in (CONFIG_FILE, "secret_key"):
            if (backup / name).exists():
                with explained("write", target / name):
                    write_atomically(target / name, (backup / name).read_bytes(), mode=0o600)
    installation = Installation.load(target)
    if installation.name != manifest.log:
        raise InstallationProblem(
            "name-differs",
            f"The backup is of {manifest.log!r}; the installation in {target} is {installation.name!r}.",
            "Name the right one with --data.",
        )
    kept = []
    files = [backup / "checkpoints", *sorted(files_in(backup / "keys"))]
    for file in (file for file in files if file.exists()):
        copy = installation.path / file.relative_to(backup)
        if copy.exists():
            kept += [str(file.relative_to(backup))] if copy.read_bytes() != file.read_bytes() else []
            continue
        with explained("write", copy):
            public = file.suffix in (".vkey", ".crt") or file.name == "checkpoints"
            write_atomically(copy, file.read_bytes(), mode=0o644 if public and file.parent == backup else 0o600)
    return installation, kept


def _refuse_in_use(installation: Installation) -> None:
    with explained("write in", installation.run_dir):
        lock = FileLock(installation.run_dir / "users.lock")
        free = lock.acquire(wait=False)
    lock.close()
    if not free:
        raise InstallationProblem(
            "in-use", f"Somebody uses the database of {installation.path}.", "Stop `karnet serve` there first."
        )


def _restore_dump(backup: Path, installation: Installation, stamp: str, replace: bool, say: Progress) -> str:
    ensure_cluster(installation, progress=say)
    with running(installation, progress=say):
        with psycopg.connect(dsn(installation, Role.SUPERUSER, DATABASE)) as connection:
            row = connection.execute("SELECT to_regclass('journal_operation') IS NOT NULL").fetchone()
        aside = f"{DATABASE}_before_{stamp.lower()}"
        if row == (True,) and not replace:
            raise _there_already(installation)
        say("restoring the database")
        new = f"{DATABASE}_restored"
        with psycopg.connect(dsn(installation, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(new)))
        create_database(installation, new)
        address = dsn(installation, Role.SUPERUSER, new)
        run_client(
            "pg_restore", address, "--single-transaction", "--exit-on-error", "--no-password", str(backup / DUMP)
        )
        _settle(address)
        with psycopg.connect(dsn(installation, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
            _rename(connection, DATABASE, aside)
            _rename(connection, new, DATABASE)
            if row != (True,):  # Nothing was in it.
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(aside)))
                return ""
    return f"the database {aside} (`karnet sql --database {aside}`)"


def _settle(address: str) -> None:
    """Let the sealer take what was recorded and not sealed: the dump's transactions have all ended, but their numbers may
    be ahead of this cluster's, which would look as if they were still to come. Then let the planner know the tables."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE journal_operation SET transaction = pg_current_xact_id() WHERE transaction > pg_current_xact_id()"
        )
        connection.execute("ANALYZE")


def _rename(connection: psycopg.Connection, old: str, new: str) -> None:
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


def _restore_base(backup: Path, installation: Installation, stamp: str, replace: bool, say: Progress) -> str:
    there = load_cluster(installation)
    if there is not None and there.data.exists() and not replace:
        raise _there_already(installation)
    account = server_account()
    placed = there or place_cluster(installation, account, say)
    with explained("read", backup):
        passwords = msgspec.json.decode((backup / PASSWORDS).read_bytes(), type=dict[str, str])
    aside = ""
    with unfinished(placed, account) as around:
        data = around / "data"
        say("unpacking the database's files")
        with explained("unpack", backup / BASE):
            data.mkdir(mode=0o700)
            with tarfile.open(backup / BASE) as archive:
                archive.extractall(data, filter="data")
            for path in [data, *data.rglob("*")]:
                path.chmod(0o700 if path.is_dir() else 0o600)
                account.give(path)
        checked = account.run([software_for(account, placed.home_dir).program("pg_verifybackup"), "-n", data])
        if checked.returncode != 0:
            raise InstallationProblem("backup-damaged", checked.stdout.strip(), "Use another backup.")
        with explained("replace", placed.data):
            if placed.data.exists():
                aside = f"{placed.data.with_name(f'postgres.before-{stamp}')}"
                placed.data.rename(aside)
            shutil.move(data, placed.data)
            sync_directory(placed.home_dir)
    # The copy is nobody's standby and has none: who followed the lost one follows no copy of it.
    own = msgspec.structs.replace(
        placed, passwords=passwords, provisioned=True, part=Part.PRIMARY, name="", quorum=False, peers=()
    )
    save_cluster(installation, own)
    return aside


def _there_already(installation: Installation) -> InstallationProblem:
    return InstallationProblem(
        "database-there",
        f"{installation.path} has a database already.",
        "Add --replace: it is set aside, not deleted. Or name another directory with --data.",
    )
