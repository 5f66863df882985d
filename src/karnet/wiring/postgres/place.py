"""Where a cluster lives, and the record that remembers it (`cluster.json`)."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from karnet.wiring.files import make_passable, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.postgres.account import Account, cannot_lend
from karnet.wiring.problem import InstallationProblem, explained

Progress = Callable[[str], None]

# The kernel's limit is 107 bytes on Linux and 103 elsewhere; the server adds "/.s.PGSQL.5432".
_LONGEST_SOCKET_DIRECTORY = 103 - len("/.s.PGSQL.65535")
# libpq splits a host at commas, and the server's own list at commas and spaces.
_PLAIN = re.compile(r"/[A-Za-z0-9/._-]+")
_ELSEWHERE = (Path("/var/lib/karnet/clusters"), Path("/var/tmp/karnet-clusters"))  # noqa: S108
_OWNER_FILE = "installation"


class Role(StrEnum):
    """The database roles of an installation."""

    SUPERUSER = "postgres"
    OWNER = "karnet_owner"
    """Owns the schema and runs migrations."""
    APP = "karnet_app"
    """The application: reads and writes rows, changes no schema."""
    READ = "karnet_read"
    """Reads, in transactions that cannot write."""
    REPLICA = "karnet_replica"
    """Copies the whole cluster to a standby; made with the first standby, sees no table by SQL."""


class Part(StrEnum):
    """The part of a cluster among those that hold the same database."""

    PRIMARY = "primary"
    STANDBY = "standby"
    FENCED = "fenced"
    """It was the primary, another one is now: it must never start as it is."""


class Peer(msgspec.Struct, frozen=True):
    """Another cluster that holds this database: `name` is its slot and application name, `directory` its installation."""

    name: str
    host: str
    port: int
    directory: str


class Cluster(msgspec.Struct, frozen=True):
    """The record of an embedded cluster. `host` is a socket directory or, where sockets cannot work, 127.0.0.1.

    `name` is what its primary calls it, while it is a standby. `quorum`: as a primary it acknowledges nothing that is
    not on the disk of one standby, too.
    """

    home: str
    host: str
    port: int
    passwords: dict[str, str]
    provisioned: bool = False
    part: Part = Part.PRIMARY
    name: str = ""
    quorum: bool = False
    peers: tuple[Peer, ...] = ()

    @property
    def home_dir(self) -> Path:
        return Path(self.home)

    @property
    def data(self) -> Path:
        """PGDATA."""
        return Path(self.home) / "postgres"

    @property
    def by_socket(self) -> bool:
        return self.host.startswith("/")


def record_file(installation: Installation) -> Path:
    return installation.path / "cluster.json"


def load_cluster(installation: Installation) -> Cluster | None:
    """The recorded cluster, or None if none was ever placed. Raises InstallationProblem if the record is damaged."""
    file = record_file(installation)
    try:
        with explained("read", file):
            return msgspec.json.decode(file.read_bytes(), type=Cluster)
    except InstallationProblem as problem:
        if isinstance(problem.__cause__, FileNotFoundError):
            return None
        raise
    except msgspec.DecodeError as error:
        raise InstallationProblem(
            "bad-cluster-record",
            f"{file} is damaged: {error}.",
            "Restore it from a backup: it holds the passwords of the database roles.",
        ) from error


def save_cluster(installation: Installation, cluster: Cluster) -> None:
    """Record `cluster`, whole or not at all, readable by its owner only."""
    file = record_file(installation)
    with explained("write", file):
        write_atomically(file, msgspec.json.format(msgspec.json.encode(cluster)) + b"\n", mode=0o600)


def place_cluster(
    installation: Installation, account: Account, say: Progress, *, standby_of: Cluster | None = None, name: str = ""
) -> Cluster:
    """Choose and record where a new cluster lives: in the data directory, or elsewhere if `account` cannot reach it.

    A standby has the passwords of its primary, which come with the data.
    """
    if (installation.path / "postgres").exists():
        raise _passwords_lost(installation, installation.path / "postgres")
    if not account.can_enter(Path("/")):  # Everybody can, so it is the lending that does not work.
        raise cannot_lend(account, "this system does not let us")
    home = _home(installation, account, say)
    if home != installation.path:
        say(f"{account.name} cannot reach {installation.path}, so the database lives in {home}")
    host, port = choose_address(home, account)
    cluster = Cluster(str(home), host, port, {role: secrets.token_urlsafe(24) for role in Role})
    if standby_of is not None:
        cluster = msgspec.structs.replace(
            cluster, passwords=standby_of.passwords, provisioned=True, part=Part.STANDBY, name=name
        )
    save_cluster(installation, cluster)
    return cluster


def choose_address(home: Path, account: Account) -> tuple[str, int]:
    """A socket directory that `account` owns and the kernel can bind in, or a free port of 127.0.0.1.

    Preferred is `home`/run/socket; a private directory in /tmp if that path is too long, holds characters that a
    connection string cannot, or lies on a file system without sockets.
    """
    near = home / "run" / "socket"
    if _PLAIN.fullmatch(str(near)) and len(os.fsencode(near)) <= _LONGEST_SOCKET_DIRECTORY:
        with explained("create", near):
            near.parent.mkdir(exist_ok=True, mode=0o711 if account.lent else 0o700)
            near.mkdir(exist_ok=True, mode=0o700)
        account.give(near)
        if _can_bind(near):
            return str(near), 5432
    with suppress(OSError):
        far = Path(tempfile.mkdtemp(prefix="karnet-", dir="/tmp"))
        account.give(far)
        if _can_bind(far):
            return str(far), 5432
        far.rmdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1", probe.getsockname()[1]


def address_is_usable(cluster: Cluster, account: Account) -> bool:
    """Whether the recorded socket directory is still there and still only the server's (cleaners empty /tmp).

    Of a port, whether it is free. To be asked when no server of the cluster runs.
    """
    if not cluster.by_socket:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((cluster.host, cluster.port))
            except OSError:
                return False
        return True
    try:
        status = os.lstat(cluster.host)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and not stat.S_IMODE(status.st_mode) & 0o077


def _home(installation: Installation, account: Account, say: Progress) -> Path:
    if account.can_enter(installation.path):
        return installation.path
    _look_for_earlier(installation, say)
    name = re.sub(r"[^A-Za-z0-9.-]", "-", installation.name)[:40]
    for shelf in _ELSEWHERE:
        # A new directory for every new record: whatever an earlier installation left there is not ours to reuse.
        home = shelf / f"{name}-{secrets.token_hex(4)}"
        try:
            make_passable(home)
            (home / _OWNER_FILE).write_text(_owner(installation))
        except OSError:
            continue
        if account.can_enter(home):
            return home
        with suppress(OSError):
            (home / _OWNER_FILE).unlink()
            home.rmdir()
    raise InstallationProblem(
        "no-place",
        f"PostgreSQL runs as {account.name}, who can reach neither {installation.path} nor {_ELSEWHERE[0]}.",
        "Choose a directory that other users may pass through with --data, or run Karnet as an ordinary user.",
    )


def _owner(installation: Installation) -> str:
    """What tells one installation from another that was made later at the same path: its secret."""
    mark = hashlib.sha256(installation.secret_key_file.read_bytes()).hexdigest()
    return f"{installation.path}\n{mark}\n"


def _look_for_earlier(installation: Installation, say: Progress) -> None:
    """A database of ours whose record was lost is never passed over; one of a deleted installation is pointed out."""
    for shelf in _ELSEWHERE:
        for file in sorted(shelf.glob(f"*/{_OWNER_FILE}")):
            owner = file.read_text()
            if owner == _owner(installation):
                raise _passwords_lost(installation, file.parent / "postgres")
            if owner.partition("\n")[0] == str(installation.path):
                say(f"an earlier installation in {installation.path} left its database in {file.parent}: delete it")


def _passwords_lost(installation: Installation, data: Path) -> InstallationProblem:
    record = record_file(installation)
    return InstallationProblem(
        "passwords-lost",
        f"{data} holds this installation's database, but its passwords ({record}) are gone.",
        f"Restore {record.name} from a backup. If the data may go, delete {data.parent if data.parent != record.parent else data}.",
    )


def _can_bind(directory: Path) -> bool:
    path = directory / f".probe-{secrets.token_hex(3)}"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError:
            return False
    path.unlink()
    return True
