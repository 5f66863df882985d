"""Standbys: copies of an embedded cluster that follow it, and one of which can take its place.

Guarantees: with a quorum, what the primary acknowledged is on the disk of at least one standby (`ANY 1`,
`synchronous_commit = on`). A primary in whose place another was promoted does not start as it is
(`supervisor.refuse_superseded`); cut off from its standbys it acknowledges nothing.
Statements here never wait for a standby themselves: they must work exactly when one is lost.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from karnet.wiring.files import sync_directory, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import cluster as clusters
from karnet.wiring.postgres import supervisor
from karnet.wiring.postgres.account import Account, owner_account
from karnet.wiring.postgres.diagnosis import explain
from karnet.wiring.postgres.place import Cluster, Part, Peer, Progress, Role, load_cluster, place_cluster, save_cluster
from karnet.wiring.postgres.software import software_for
from karnet.wiring.problem import InstallationProblem, explained

_POLL_S = 0.05
_STREAMS_WITHIN_S = 60.0
_PROMOTED_WITHIN_S = 60


def record_of(installation: Installation, *parts: Part) -> Cluster:
    """Return the record of an embedded cluster whose part is one of `parts` (none: any). Raises InstallationProblem."""
    if installation.database_url is not None:
        raise InstallationProblem(
            "external-database",
            "This installation uses an external database.",
            "Its standbys are made and promoted with that server's own tools; name all of them in DATABASE_URL.",
        )
    cluster = load_cluster(installation)
    if cluster is None or (parts and cluster.part not in parts):
        found = "not made yet" if cluster is None else f"the {cluster.part}" if cluster.part != "fenced" else "fenced"
        raise InstallationProblem(
            "other-part",
            f"The database in {installation.path} is {found}; this needs a {' or '.join(parts) or 'database'}.",
            "Name the right installation with --data; `karnet standby status` tells which is which.",
        )
    return cluster


@contextmanager
def administered(conninfo: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection whose commits wait for no standby."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = local")
        yield connection


def local(cluster: Cluster, database: str = "postgres") -> str:
    """The superuser's connection string of the cluster itself."""
    return clusters.conninfo(cluster, Role.SUPERUSER, database)


def copy_to(primary: Installation, standby: Installation, say: Progress) -> Cluster:
    """Make `standby`, an installation without a cluster, a stopped standby of the running `primary`; return its record.

    The primary gets the role that copies (REPLICATION, no table), a slot, and a note of the standby. Raises
    InstallationProblem; then the slot is gone again.
    """
    cluster = record_of(primary, Part.PRIMARY)
    account, name = owner_account(cluster.data), f"karnet_{secrets.token_hex(4)}"
    cluster = with_replica_role(primary, cluster)
    here = Peer("", cluster.host, cluster.port, str(primary.path))
    placed = msgspec.structs.replace(place_cluster(standby, account, say, standby_of=cluster, name=name), peers=(here,))
    save_cluster(standby, placed)
    with administered(local(cluster)) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])
    try:
        _base_backup(cluster, placed, account, say)
    except BaseException:
        _drop_slot(cluster, name)
        raise
    peer = Peer(name, placed.host, placed.port, str(standby.path))
    _configure(primary, msgspec.structs.replace(cluster, peers=(*cluster.peers, peer)))
    return placed


def with_replica_role(primary: Installation, cluster: Cluster) -> Cluster:
    """Give the running primary the role that copies, and its record that role's password; return the record."""
    password = cluster.passwords.get(Role.REPLICA) or secrets.token_urlsafe(24)
    cluster = msgspec.structs.replace(cluster, passwords={**cluster.passwords, Role.REPLICA: password})
    save_cluster(primary, cluster)
    with administered(local(cluster)) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [Role.REPLICA]).fetchone()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN REPLICATION PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(Role.REPLICA), sql.Literal(password)
            )
        )
    return cluster


def _base_backup(source: Cluster, placed: Cluster, account: Account, say: Progress) -> None:
    """Copy the files beside their final place and rename them into it: a half-made copy never counts."""
    with unfinished(placed, account) as around:
        copy_files(source, account, around / "data", placed.home_dir, say, slot=placed.name)
        with explained("write in", around):
            (around / "data" / "standby.signal").touch(mode=0o600)
            account.give(around / "data" / "standby.signal")
            (around / "data").rename(placed.data)
            sync_directory(placed.home_dir)


@contextmanager
def unfinished(placed: Cluster, account: Account) -> Iterator[Path]:
    """A directory of the server's account beside the data, gone at the end."""
    around = placed.home_dir / f".postgres.new-{secrets.token_hex(4)}"
    with explained("write in", placed.home_dir):
        around.mkdir(mode=0o700)
    try:
        account.give(around)
        yield around
    finally:
        shutil.rmtree(around, ignore_errors=True)


def copy_files(
    source: Cluster, account: Account, target: Path, home: Path, say: Progress, *, slot: str | None = None
) -> None:
    """Run pg_basebackup from the running `source` into `target`, whose directory belongs to `account`. Synced to disk."""
    password_file = target.parent / "password"
    _write_password(password_file, source, Role.REPLICA, account)
    address = make_conninfo(
        host=source.host, port=source.port, user=str(Role.REPLICA), passfile=str(password_file), sslmode="disable"
    )
    say("copying the database's files")
    answer = account.run(
        [
            software_for(account, home).program("pg_basebackup"),
            f"--pgdata={target}",
            f"--dbname={address}",
            "--no-password",
            "--checkpoint=fast",
            "--wal-method=stream",
            *([f"--slot={slot}"] if slot else []),
        ]
    )
    password_file.unlink()
    if answer.returncode != 0:
        raise explain(answer.stdout, "copy the files of", source.data)


def _write_password(file: Path, cluster: Cluster, role: Role, account: Account) -> None:
    """Passwords go by file: every user of the machine sees command lines."""
    with explained("write", file):
        write_atomically(file, f"*:*:*:*:{cluster.passwords[role]}\n".encode(), mode=0o600)
    account.give(file)


def _configure(installation: Installation, cluster: Cluster) -> None:
    """Record `cluster` and let its running server follow what that changes in its settings."""
    save_cluster(installation, cluster)
    clusters.write_settings(cluster, owner_account(cluster.data))
    with administered(local(cluster)) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _drop_slot(cluster: Cluster, name: str) -> None:
    with administered(local(cluster)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", [name]
        )
        for _ in range(100):
            row = connection.execute("SELECT active FROM pg_replication_slots WHERE slot_name = %s", [name]).fetchone()
            if row is None:
                return
            if row == (False,):
                connection.execute("SELECT pg_drop_replication_slot(%s)", [name])
                return
            time.sleep(_POLL_S)


def forget(installation: Installation, name: str) -> None:
    """Let the running primary forget a standby that is lost for good. Without any left, there is no quorum either."""
    cluster = record_of(installation, Part.PRIMARY)
    peers = tuple(peer for peer in cluster.peers if peer.name != name)
    if peers == cluster.peers:
        known = ", ".join(peer.name for peer in cluster.peers) or "none"
        raise InstallationProblem(
            "no-such-standby", f"There is no standby called {name}.", f"Known are: {known} (`karnet standby status`)."
        )
    _configure(installation, msgspec.structs.replace(cluster, peers=peers, quorum=cluster.quorum and bool(peers)))
    _drop_slot(cluster, name)


def set_quorum(installation: Installation, on: bool) -> None:
    """Let the running primary wait for one standby with every commit, or no longer.

    Switching it on waits until a standby has caught up, so that no commit is held up by it. Raises InstallationProblem.
    """
    cluster = record_of(installation, Part.PRIMARY)
    with administered(local(cluster)) as connection:
        if on and not _within(_STREAMS_WITHIN_S, connection, _CAUGHT_UP):
            raise InstallationProblem(
                "no-standby",
                "No standby follows this database, so every commit would wait for ever.",
                "Start one with `karnet serve standby --data DIR`, then try again; `karnet standby status` shows them.",
            )
        _configure(installation, msgspec.structs.replace(cluster, quorum=on))
        _within(_STREAMS_WITHIN_S, connection, _QUORUM_HOLDS if on else _NO_QUORUM)


_CAUGHT_UP: LiteralString = (
    "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name LIKE 'karnet\\_%'"
)
_QUORUM_HOLDS: LiteralString = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'quorum'"
_NO_QUORUM: LiteralString = "SELECT 1 WHERE current_setting('synchronous_standby_names') = ''"


def _within(seconds: float, connection: psycopg.Connection, question: LiteralString) -> bool:
    until = time.monotonic() + seconds
    while connection.execute(question).fetchone() is None:
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


def mark_fenced(installation: Installation) -> None:
    """Let the cluster of `installation` never start again as it is. A server that runs is not stopped by this."""
    with supervisor.locked_against_starting(installation):
        cluster = record_of(installation, Part.PRIMARY, Part.FENCED)
        save_cluster(installation, msgspec.structs.replace(cluster, part=Part.FENCED))


def promote(installation: Installation) -> None:
    """Make the running standby of `installation` the primary, with everything it received. Returns when it is.

    Whoever calls has made sure that the old primary answers nobody any more.
    """
    cluster = record_of(installation, Part.STANDBY)
    with administered(local(cluster)) as connection:
        row = connection.execute("SELECT pg_promote(true, %s)", [_PROMOTED_WITHIN_S]).fetchone()
    if row != (True,):
        raise InstallationProblem(
            "not-promoted",
            f"The standby did not become the primary within {_PROMOTED_WITHIN_S} s.",
            f"Look into {clusters.log_file(installation)}; then run the command again.",
        )
    _configure(installation, msgspec.structs.replace(cluster, part=Part.PRIMARY, name="", peers=(), quorum=False))


def follow(fenced: Installation, primary: Installation, say: Progress) -> bool:
    """Make a fenced, stopped cluster a standby of `primary`, which runs; True if its files could be wound back.

    What only the fenced one had (it was never acknowledged, if there was a quorum) is wound back (pg_rewind); where that
    cannot be, all files are copied anew.
    """
    cluster, source = record_of(fenced, Part.FENCED), record_of(primary, Part.PRIMARY)
    account, name = owner_account(cluster.data), f"karnet_{secrets.token_hex(4)}"
    source = with_replica_role(primary, source)
    with administered(local(source)) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])
    there = Peer("", source.host, source.port, str(primary.path))
    placed = msgspec.structs.replace(
        cluster, part=Part.STANDBY, name=name, peers=(there,), quorum=False, passwords=source.passwords
    )
    try:
        rewound = _rewind(cluster, source, account, say)
        if not rewound:
            cluster.data.rename(cluster.data.with_name(f"postgres.fenced-{secrets.token_hex(4)}"))
            _base_backup(source, placed, account, say)
        signal_file = cluster.data / "standby.signal"
        signal_file.touch(mode=0o600)
        account.give(signal_file)
        sync_directory(cluster.data)
    except BaseException:
        _drop_slot(source, name)
        raise
    save_cluster(fenced, placed)
    peer = Peer(name, placed.host, placed.port, str(fenced.path))
    _configure(primary, msgspec.structs.replace(source, peers=(*source.peers, peer)))
    return rewound


def _rewind(cluster: Cluster, source: Cluster, account: Account, say: Progress) -> bool:
    with unfinished(cluster, account) as around:
        password_file = around / "password"
        _write_password(password_file, source, Role.SUPERUSER, account)
        address = make_conninfo(
            host=source.host,
            port=source.port,
            user=str(Role.SUPERUSER),
            dbname="postgres",
            passfile=str(password_file),
            sslmode="disable",
        )
        say("winding back what the new primary does not have")
        answer = account.run(
            [
                software_for(account, cluster.home_dir).program("pg_rewind"),
                f"--target-pgdata={cluster.data}",
                f"--source-server={address}",
            ]
        )
    if answer.returncode != 0:
        say(f"that is not possible: {answer.stdout.strip().splitlines()[-1]}")
    return answer.returncode == 0
