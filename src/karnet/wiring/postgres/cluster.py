"""The cluster on disk: made whole or not at all, configured, and given its roles and its database."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from karnet.wiring.files import sync_directory, write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.postgres.account import Account
from karnet.wiring.postgres.diagnosis import explain
from karnet.wiring.postgres.place import Cluster, Part, Peer, Progress, Role, record_file, save_cluster
from karnet.wiring.postgres.software import MAJOR, Software
from karnet.wiring.problem import InstallationProblem, explained

DATABASE = "karnet"
_UNFINISHED = ".postgres.new-"

# Two cores and a few hundred megabytes are enough. What a user adds in local.conf wins.
_SETTINGS = """\
# Written by Karnet at every start. Your own settings belong in local.conf beside this file.
max_connections = 100
shared_buffers = {shared_buffers_mb}MB
work_mem = 8MB
maintenance_work_mem = 128MB
wal_compression = on
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
# Two cores gain nothing from parallel plans.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
# Shared memory in files of its own: /dev/shm is small in containers, and cleaned under us when a user logs out.
dynamic_shared_memory_type = mmap
io_method = sync
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
logging_collector = off
# Servers exchange journal entries, not rows. Standbys of one server are copies of its files.
max_logical_replication_workers = 0
wal_level = replica
hot_standby = on
# A lost standby keeps no more log than this from being cleared away; after that it has to be made anew.
max_slot_wal_keep_size = 4GB
# Passwords are 192 random bits: nothing is gained by making each guess, and each connection, slower.
scram_iterations = 64
password_encryption = 'scram-sha-256'
"""


def check_version(data: Path) -> None:
    """Refuse data of another major version, with the way to bring it over. Raises InstallationProblem."""
    file = data / "PG_VERSION"
    with explained("read", file):
        version = file.read_text().strip()
    if version != str(MAJOR):
        raise InstallationProblem(
            "foreign-version",
            f"The database in {data} was made by PostgreSQL {version}; this Karnet runs PostgreSQL {MAJOR}.",
            f"Bring it over with a dump and a restore:\n"
            f"  1. with PostgreSQL {version}:  pg_ctl -D '{data}' start && pg_dumpall -U postgres --file karnet.sql\n"
            f"  2. stop it and move '{data}' and cluster.json away; then `karnet init`\n"
            f"  3. `karnet sql --role superuser -- --file karnet.sql`",
        )


def make_data(cluster: Cluster, software: Software, account: Account, *, fsync: bool, say: Progress) -> None:
    """Run initdb beside the final place and rename the result into it, so that a half-made cluster never counts."""
    home = cluster.home_dir
    with explained("write in", home):
        for leftover in home.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # What account owns it can rename inside; the directory around it stays ours.
        around = home / f"{_UNFINISHED}{secrets.token_hex(4)}"
        around.mkdir(mode=0o700)
    try:
        account.give(around)
        password_file = around / "password"
        with explained("write", password_file):
            write_atomically(password_file, cluster.passwords[Role.SUPERUSER].encode() + b"\n", mode=0o600)
        account.give(password_file)
        say("making a new PostgreSQL cluster")
        _initdb(software, account, around, password_file, fsync=fsync)
        made = around / "data"
        with explained("configure", made), (made / "postgresql.conf").open("a") as file:
            file.write("\n# Karnet's settings, then yours.\n")
            file.write("include = 'karnet.conf'\ninclude_if_exists = 'local.conf'\n")
            file.flush()
            os.fsync(file.fileno())
        with explained("configure", made):
            local = made / "local.conf"
            write_atomically(local, b"# Your own PostgreSQL settings. They win over karnet.conf.\n", mode=0o600)
        account.give(local)
        with explained("create", cluster.data):
            made.rename(cluster.data)
            sync_directory(home)
    finally:
        shutil.rmtree(around, ignore_errors=True)


def _initdb(software: Software, account: Account, around: Path, password_file: Path, *, fsync: bool) -> None:
    # The builtin collation is the same on every machine and never changes under an index. LC_CTYPE is the
    # libc's: trigram search looks there for what a letter is; a libc without C.UTF-8 gets plain C.
    for ctype in ("C.UTF-8", "C"):
        answer = account.run(
            [
                software.program("initdb"),
                f"--pgdata={around / 'data'}",
                f"--username={Role.SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                f"--lc-ctype={ctype}",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--set=scram_iterations=64",
                "--no-instructions",
                *([] if fsync else ["--no-sync"]),
            ]
        )
        if answer.returncode == 0:
            return
        if "invalid locale name" not in answer.stdout:
            break
        shutil.rmtree(around / "data", ignore_errors=True)
    raise explain(answer.stdout, "make", around / "data")


def write_settings(cluster: Cluster, account: Account) -> None:
    """Write karnet.conf into the data directory."""
    file = cluster.data / "karnet.conf"
    text = _SETTINGS.format(shared_buffers_mb=_shared_buffers_mb()) + replication_settings(cluster)
    with explained("write", file):
        if file.exists() and file.read_text() == text:
            return
        write_atomically(file, text.encode(), mode=0o600)
    account.give(file)


def replication_settings(cluster: Cluster) -> str:
    """What the cluster's part among those of the same database adds to its settings."""
    if cluster.part is Part.STANDBY and cluster.peers:
        primary = conninfo_of(cluster, cluster.peers[0], Role.REPLICA, application_name=cluster.name)
        quoted = primary.replace("'", "''")
        return f"primary_conninfo = '{quoted}'\nprimary_slot_name = '{cluster.name}'\n"
    if cluster.quorum and cluster.peers:
        names = ", ".join(peer.name for peer in cluster.peers)
        return f"synchronous_standby_names = 'ANY 1 ({names})'\n"
    return ""


def _shared_buffers_mb() -> int:
    """An eighth of the memory, between 32 and 512 MB."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 128
    return max(32, min(512, total // 8 // 2**20))


def provision(installation: Installation, cluster: Cluster, connection: psycopg.Connection) -> Cluster:
    """Create roles and the database, once; repeated after an interruption, it completes what is missing."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        present = {name for (name,) in cursor.fetchall()}
        for role, attributes in _ROLES:
            verb = "ALTER" if role in present else "CREATE"
            cursor.execute(
                sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.SQL(attributes), sql.Literal(cluster.passwords[role])
                )
            )
        cursor.execute(
            sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(Role.READ))
        )
        cursor.execute("SELECT datname FROM pg_database")
        if DATABASE not in {name for (name,) in cursor.fetchall()}:
            create_database_with(cursor, DATABASE, None)
    grant(cluster, DATABASE)  # Apart, because an interruption may have come just before it.
    done = msgspec.structs.replace(cluster, provisioned=True)
    save_cluster(installation, done)
    return done


_ROLES = (
    (Role.OWNER, "LOGIN CREATEDB"),
    (Role.APP, "LOGIN"),
    (Role.READ, "LOGIN"),
)


def create_database_with(cursor: psycopg.Cursor, name: str, template: str | None) -> None:
    """CREATE DATABASE for the owner's role; a clone of `template` has everything that one has, grants included."""
    cursor.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY {}").format(
            sql.Identifier(name),
            sql.Identifier(Role.OWNER),
            sql.Identifier(template or "template0"),
            # Copying the files of a migrated template is faster than writing each of its pages to the WAL.
            sql.SQL("FILE_COPY" if template else "WAL_LOG"),
        )
    )
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    cursor.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            sql.Identifier(name), sql.Identifier(Role.APP), sql.Identifier(Role.READ)
        )
    )
    cursor.execute(
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(Role.APP))
    )


def grant(cluster: Cluster, database: str) -> None:
    """Let the roles see the schema of `database`; what they may do with each table, migrations say."""
    with psycopg.connect(conninfo(cluster, Role.OWNER, database), autocommit=True) as connection:
        for statement in _GRANTS:
            connection.execute(statement)


_GRANTS: Iterable[str] = (
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO karnet_app, karnet_read",
)


def conninfo(cluster: Cluster, role: Role, database: str) -> str:
    """A libpq connection string for the embedded cluster itself, whatever its part."""
    return psycopg.conninfo.make_conninfo(
        host=cluster.host,
        port=cluster.port,
        user=str(role),
        password=cluster.passwords[role],
        dbname=database,
        sslmode="disable",
        connect_timeout=10,
        application_name="karnet",
    )


def conninfo_of(cluster: Cluster, peer: Peer, role: Role, *, dbname: str = "", application_name: str = "karnet") -> str:
    """A libpq connection string for another cluster of the same database: its passwords are the same."""
    return psycopg.conninfo.make_conninfo(
        host=peer.host,
        port=peer.port,
        user=str(role),
        password=cluster.passwords[role],
        **({"dbname": dbname} if dbname else {}),
        sslmode="disable",
        connect_timeout=5,
        application_name=application_name,
    )


def conninfo_of_primary(cluster: Cluster, role: Role, database: str) -> str:
    """A libpq connection string that finds whichever cluster of this database is the primary now.

    `primary`, not `read-write`: the role that only reads has to find it, too.
    """
    if not cluster.peers:
        return conninfo(cluster, role, database)
    places: list[Cluster | Peer] = [cluster, *cluster.peers]
    return psycopg.conninfo.make_conninfo(
        conninfo(cluster, role, database),
        host=",".join(place.host for place in places),
        port=",".join(str(place.port) for place in places),
        target_session_attrs="primary",
        connect_timeout=3,
    )


def log_file(installation: Installation) -> Path:
    return installation.logs_dir / "postgres.log"


def remove_files(installation: Installation, cluster: Cluster) -> None:
    """Delete the cluster and its record. Only when no server runs. The data goes first: a record without data is harmless."""
    if cluster.data.exists():
        doomed = cluster.data.with_name(f"{_UNFINISHED}{secrets.token_hex(4)}")
        cluster.data.rename(doomed)
        shutil.rmtree(doomed)
    if cluster.by_socket:
        shutil.rmtree(cluster.host, ignore_errors=True)
    shutil.rmtree(cluster.home_dir / "software", ignore_errors=True)
    if cluster.home_dir != installation.path:
        shutil.rmtree(cluster.home_dir)
    record_file(installation).unlink(missing_ok=True)
