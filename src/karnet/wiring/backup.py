"""Backups: one directory, whole or absent, with the database and what belongs to it, and a manifest that names it all.

The database goes as a dump (`pg_dump`, any machine and later version) or as a base backup (`pg_basebackup`, the same
major version; faster where there is much). The checkpoint file is copied before the database's snapshot is taken, so a
backup is never behind what it says was signed itself. Signing keys are in it only when asked: a copy of the key is
somebody who can sign. The directory holds everything about everybody: it is 0700, its files 0600.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from karnet.wiring.files import sync_directory, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import earlier_keys_file, verifier_file
from karnet.wiring.postgres import Role, dsn
from karnet.wiring.postgres.place import Part
from karnet.wiring.postgres.software import MAJOR, client_program
from karnet.wiring.postgres.standby import record_of, with_replica_role
from karnet.wiring.problem import InstallationProblem, explained

MANIFEST = "backup.json"
DUMP, BASE, PASSWORDS = "database.dump", "base.tar", "passwords.json"
Kind = Literal["dump", "base"]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is: the log and how much of it was sealed, and SHA-256 of each file by its path."""

    format: Literal[1] = 1
    log: str
    kind: Kind
    karnet: str
    postgres: int
    at: datetime
    sealed: int
    with_keys: bool
    files: dict[str, str]


def back_up(installation: Installation, directory: Path, at: datetime, *, base: bool, with_keys: bool) -> Manifest:
    """Write a backup into `directory`, which must not exist. The database must be running. Raises InstallationProblem."""
    if directory.exists():
        raise InstallationProblem("not-empty", f"{directory} exists already.", "Name a directory that does not.")
    with explained("create", directory.parent):
        directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.tmp")
    with explained("create", unfinished):
        unfinished.mkdir(mode=0o700)
    try:
        _copy_files(installation, unfinished, with_keys=with_keys)
        sealed = (_base_backup if base else _dump)(installation, unfinished)
        manifest = Manifest(
            log=installation.name,
            kind="base" if base else "dump",
            karnet=importlib.metadata.version("karnet"),
            postgres=MAJOR,
            at=at,
            sealed=sealed,
            with_keys=with_keys,
            files={str(file.relative_to(unfinished)): digest(file) for file in sorted(files_in(unfinished))},
        )
        with explained("write", unfinished):
            write_atomically(unfinished / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)), mode=0o600)
            unfinished.rename(directory)
            sync_directory(directory.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def not_in(manifest: Manifest) -> list[str]:
    """What such a backup does not have, in words for who relies on it."""
    lacks = ["what was done after it was made (karnet journal export to another disk keeps entries apart)", "logs"]
    if not manifest.with_keys:
        lacks.insert(0, "the keys and secret_key (--with-keys): without log.key nothing is sealed after a restore")
    if manifest.kind == "dump":
        lacks.append("PostgreSQL's local.conf")
    return lacks


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest of a backup after comparing every file with it. Raises InstallationProblem."""
    file = directory / MANIFEST
    with explained("read", file):
        data = file.read_bytes()
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise InstallationProblem(
            "backup-damaged", f"{file} cannot be read: {error}.", "Use another backup."
        ) from error
    for name, expected in manifest.files.items():
        with explained("read", directory / name):
            if digest(directory / name) != expected:
                raise InstallationProblem(
                    "backup-damaged", f"{directory / name} is not what was backed up.", "Use another backup."
                )
    return manifest


def files_in(directory: Path) -> Iterator[Path]:
    """Every file below a directory."""
    return (path for path in directory.rglob("*") if path.is_file())


def digest(file: Path) -> str:
    """SHA-256 of a file, as hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _copy_files(installation: Installation, target: Path, *, with_keys: bool) -> None:
    present = [installation.config_file, installation.checkpoints_file]
    keys = [verifier_file(installation), earlier_keys_file(installation)]
    if with_keys:
        present.append(installation.secret_key_file)
        keys = sorted(file for file in installation.keys_dir.iterdir() if file.is_file())
    with explained("copy to", target):
        (target / "keys").mkdir(mode=0o700)
        for file in (file for file in present if file.exists()):
            write_atomically(target / file.name, file.read_bytes(), mode=0o600)
        for file in (file for file in keys if file.exists()):
            write_atomically(target / "keys" / file.name, file.read_bytes(), mode=0o600)


def _dump(installation: Installation, target: Path) -> int:
    """pg_dump from one snapshot, in which the sealed entries are counted, too."""
    role = Role.SUPERUSER if installation.database_url is None else Role.APP
    with psycopg.connect(dsn(installation, role)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot, sealed = _one(
            connection, "SELECT pg_export_snapshot(), coalesce((SELECT size FROM journal_tree WHERE origin_id = 1), 0)"
        )
        run_client(
            "pg_dump",
            make_conninfo(**_address_of(connection, dsn(installation, role))),
            f"--snapshot={snapshot}",
            "--format=custom",
            f"--file={target / DUMP}",
            "--no-password",
        )
    return int(sealed)


def _base_backup(installation: Installation, target: Path) -> int:
    cluster = with_replica_role(installation, record_of(installation, Part.PRIMARY))
    with psycopg.connect(dsn(installation, Role.SUPERUSER)) as connection:
        (sealed,) = _one(connection, "SELECT coalesce((SELECT size FROM journal_tree WHERE origin_id = 1), 0)")
    address = make_conninfo(
        host=cluster.host, port=cluster.port, user=str(Role.REPLICA), password=cluster.passwords[Role.REPLICA]
    )
    with private_file(target / BASE) as handle:
        run_client(
            "pg_basebackup", address, "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast",
            "--no-password", stdout=handle,
        )  # fmt: skip
    with explained("copy to", target):
        # The files hold the roles' passwords as they are now: who brings them back needs these.
        write_atomically(target / PASSWORDS, msgspec.json.encode(cluster.passwords), mode=0o600)
    return int(sealed)


@contextmanager
def private_file(path: Path) -> Iterator[int]:
    """A new file that only its owner may read, on disk when the block is left."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield handle
        os.fsync(handle)
    finally:
        os.close(handle)


def run_client(program: str, address: str, *arguments: str, stdout: int = subprocess.DEVNULL) -> None:
    """Run one of PostgreSQL's own tools on a database. Raises InstallationProblem with what it said."""
    parts: dict[str, Any] = conninfo_to_dict(address)
    # A password on the command line would be seen by every user of the machine.
    environment = {**os.environ, "PGPASSWORD": str(parts.pop("password", None) or ""), "LC_ALL": "C"}
    done = subprocess.run(
        [client_program(program), f"--dbname={make_conninfo(**parts)}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment,
        umask=0o077,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise InstallationProblem(
            "tool-failed", f"{program} ended with {done.returncode}:\n{said}", "Put right what it says, and try again."
        )


def _address_of(connection: psycopg.Connection, address: str) -> dict[str, Any]:
    """The parts of `address`, with the one server among several that the connection reached: snapshots are its own."""
    parts = conninfo_to_dict(address)
    parts.update(host=connection.info.host, port=connection.info.port)
    parts.pop("target_session_attrs", None)
    return parts


def _one(connection: psycopg.Connection, query: Any) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row
