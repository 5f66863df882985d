"""Start, share and stop the embedded server.

Every `karnet` process that uses the database holds `run/users.lock` shared. Whoever comes first starts the server, and
whoever leaves last stops it, no matter which of them was killed in between: the kernel drops a dead user's lock.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg

from karnet.wiring.files import FileLock
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import cluster as clusters
from karnet.wiring.postgres.account import Account, owner_account, server_account, server_environment
from karnet.wiring.postgres.diagnosis import explain, log_since
from karnet.wiring.postgres.place import (
    Cluster,
    Part,
    Progress,
    Role,
    address_is_usable,
    choose_address,
    load_cluster,
    place_cluster,
    save_cluster,
)
from karnet.wiring.postgres.process import Postmaster, find_postmaster, processes_of
from karnet.wiring.postgres.software import MAJOR, Software, software_for
from karnet.wiring.problem import InstallationProblem, explained

_POLL_S = 0.02
_SAY_EVERY_S = 5.0
_ORPHANS_MAY_TAKE_S = 10.0
_ORPHANS_MUST_END_S = 30.0
_FAST_MAY_TAKE_S = 30.0
_LOG_LIMIT_BYTES = 20 * 2**20


def _silent(message: str) -> None:
    """The progress callback of callers that have nobody to tell."""


@dataclass
class Server:
    """A use of the running server, from `start`. While it is open, no other process's leaving stops the server.

    If the server died meanwhile (not `alive`), another `start` brings it back.
    """

    installation: Installation
    cluster: Cluster
    started_here: bool
    _user: FileLock
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether the server process exists right now."""
        return find_postmaster(self.cluster.data) is not None

    def leave(self, say: Progress = _silent, *, at_once: bool = False) -> bool:
        """End this use; the last user stops the server. True if it was stopped. Harmless when repeated.

        `at_once` does not wait for open pages to be written: the next start recovers what was committed from the log.
        """
        with locked_against_starting(self.installation, say):
            self._user.close()
            last = FileLock(self._user.path)
            if not last.acquire(wait=False):
                return False
            try:
                _stop(self.cluster, self._child, say, at_once=at_once)
            finally:
                last.close()
        return True


def ensure_cluster(installation: Installation, *, fsync: bool = True, progress: Progress | None = None) -> Cluster:
    """Place and make the cluster if it is not there yet; does not start it. Returns its record.

    Raises InstallationProblem, in particular for data of another major version.
    """
    say = progress or _silent
    with locked_against_starting(installation, say):
        return _ensure(installation, fsync=fsync, say=say)[0]


def start(installation: Installation, *, fsync: bool = True, progress: Progress | None = None) -> Server:
    """Join the running server, or start it (making the cluster first if need be), and wait until it answers.

    Recovery is waited for as long as it takes, with word to `progress` every few seconds. `fsync=False` is for tests:
    a crash of the machine then destroys the cluster. Raises InstallationProblem with the end of the server's log, or
    `database-fenced` where another cluster has become the primary of this database.
    """
    say = progress or _silent
    with locked_against_starting(installation, say):
        cluster, software, account = _ensure(installation, fsync=fsync, say=say)
        user = FileLock(installation.run_dir / "users.lock")
        user.acquire(shared=True)
        child: subprocess.Popen[bytes] | None = None
        try:
            postmaster, lock = _wait_for_turn(cluster, say)
            log = clusters.log_file(installation)
            offset = log.stat().st_size if log.exists() else 0
            if postmaster is None:
                assert lock is not None
                try:
                    refuse_superseded(installation, cluster)
                    cluster = _with_usable_address(installation, cluster, account)
                    clusters.write_settings(cluster, account)
                    child, offset = _launch(cluster, software, account, lock, log, fsync=fsync)
                finally:
                    lock.close()  # The server's processes hold it from here on.
            cluster = _wait_until_ready(installation, cluster, child, log, offset, say)
        except BaseException:
            if child is not None:
                _stop(cluster, child, say)
            user.close()
            raise
    return Server(installation, cluster, child is not None, user, child)


def stop(installation: Installation, *, progress: Progress | None = None) -> bool:
    """Stop the server whoever uses it: clients are cut off, committed work is kept. True if one was running."""
    say = progress or _silent
    with locked_against_starting(installation, say):
        cluster = load_cluster(installation)
        return cluster is not None and _stop(cluster, None, say)


def status(installation: Installation) -> Postmaster | None:
    """The live server of this installation, or None. Starts and changes nothing."""
    cluster = load_cluster(installation)
    return None if cluster is None else find_postmaster(cluster.data)


@contextmanager
def running(
    installation: Installation, *, fsync: bool = True, progress: Progress | None = None
) -> Iterator[Server | None]:
    """The database is up within the block; the last process to leave such a block stops the embedded server.

    With an external database (DATABASE_URL), or where another cluster has become the primary, this only makes sure that
    it answers, and yields None.
    """
    if runs_elsewhere(installation):
        yield None
        return
    server = start(installation, fsync=fsync, progress=progress)
    try:
        yield server
    finally:
        server.leave(progress or _silent)


def remove(installation: Installation, *, progress: Progress | None = None) -> None:
    """Stop the server and delete the cluster with all data, wherever it was placed. There is no way back."""
    say = progress or _silent
    with locked_against_starting(installation, say):
        cluster = load_cluster(installation)
        if cluster is not None:
            _stop(cluster, None, say)
            with explained("delete", cluster.home_dir):
                clusters.remove_files(installation, cluster)


def check_external(url: str) -> None:
    """Raise InstallationProblem unless the server at `url` answers and is new enough."""
    do = "Check DATABASE_URL (or postgres.url in karnet.toml), and that the server is up and lets this host in."
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise InstallationProblem(
            "database-unreachable", f"The external database does not answer: {str(error).strip()}", do
        ) from error
    if version < MAJOR * 10_000:
        raise InstallationProblem(
            "foreign-version",
            f"The external database is PostgreSQL {version // 10_000}; Karnet needs {MAJOR}.",
            "Point DATABASE_URL at a newer server, or unset it to use the embedded one.",
        )


def runs_elsewhere(installation: Installation) -> bool:
    """Whether the database is another's to keep up: an external one, or the primary that took over from a fenced cluster.

    Raises InstallationProblem if that one does not answer.
    """
    if installation.database_url is not None:
        check_external(installation.database_url)
        return True
    cluster = load_cluster(installation)
    if cluster is None or cluster.part is not Part.FENCED:
        return False
    try:
        psycopg.connect(clusters.conninfo_of_primary(cluster, Role.APP, clusters.DATABASE)).close()
    except psycopg.Error as error:
        raise _fenced(cluster, f"and no other server of it answers: {str(error).strip().splitlines()[-1]}") from error
    return True


def refuse_superseded(installation: Installation, cluster: Cluster) -> None:
    """Raise InstallationProblem for a primary in whose place another has been promoted; mark it fenced for good.

    A peer that cannot be asked is no obstacle: with a quorum, a primary without its standby acknowledges nothing.
    """
    if cluster.part is Part.PRIMARY:
        for peer in cluster.peers:
            if is_primary(clusters.conninfo_of(cluster, peer, Role.SUPERUSER, dbname="postgres")):
                cluster = msgspec.structs.replace(cluster, part=Part.FENCED)
                save_cluster(installation, cluster)
                break
    if cluster.part is Part.FENCED:
        raise _fenced(cluster, "and is not started again as it is")


def is_primary(conninfo: str) -> bool | None:
    """Whether a primary answers there; False for a standby, None if nobody answers."""
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
    except psycopg.Error:
        return None
    return bool(row and row[0])


def _fenced(cluster: Cluster, more: str) -> InstallationProblem:
    return InstallationProblem(
        "database-fenced",
        f"The database in {cluster.data} is not the primary any more {more}.",
        "`karnet standby rejoin` makes it a standby of the new primary.",
    )


@contextmanager
def locked_against_starting(installation: Installation, say: Progress = _silent) -> Iterator[None]:
    """Nobody starts or stops the server of `installation` within the block."""
    with explained("write in", installation.path):
        installation.run_dir.mkdir(exist_ok=True)
        lock = FileLock(installation.run_dir / "start.lock")
        if not lock.acquire(wait=False):
            say("waiting for another command that is starting or stopping PostgreSQL")
            lock.acquire()
    try:
        yield
    finally:
        lock.close()


def _ensure(installation: Installation, *, fsync: bool, say: Progress) -> tuple[Cluster, Software, Account]:
    cluster = load_cluster(installation)
    if cluster is None:
        cluster = place_cluster(installation, server_account(), say)
    made = cluster.data.exists()
    account = owner_account(cluster.data) if made else server_account()
    if made:
        clusters.check_version(cluster.data)
    software = software_for(account, cluster.home_dir)
    if not made and cluster.part is not Part.PRIMARY:
        raise InstallationProblem(
            "standby-not-made",
            f"The standby in {installation.path} was not made to its end: {cluster.data} is missing.",
            "Delete the directory and run `karnet standby make` again.",
        )
    if not made:
        clusters.make_data(cluster, software, account, fsync=fsync, say=say)
    return cluster, software, account


def _with_usable_address(installation: Installation, cluster: Cluster, account: Account) -> Cluster:
    if address_is_usable(cluster, account):
        return cluster
    host, port = choose_address(cluster.home_dir, account)
    cluster = msgspec.structs.replace(cluster, host=host, port=port)
    save_cluster(installation, cluster)
    return cluster


def _cluster_lock(cluster: Cluster) -> FileLock:
    (cluster.home_dir / "run").mkdir(exist_ok=True, mode=0o711)
    return FileLock(cluster.home_dir / "run" / "cluster.lock")


def _wait_for_turn(cluster: Cluster, say: Progress) -> tuple[Postmaster | None, FileLock | None]:
    """A live server to join, or else the proof that none of its processes is left: the cluster lock.

    Processes whose postmaster was killed end by themselves within moments; those that do not are told to.
    """
    lock = _cluster_lock(cluster)
    since = time.monotonic()
    told = False
    while True:
        postmaster = find_postmaster(cluster.data)
        if postmaster is not None and postmaster.status != "stopping":
            lock.close()
            return postmaster, None
        if postmaster is None and lock.acquire(wait=False):
            orphans = processes_of(cluster.data)  # Of a server that was started by hand, without our lock.
            if not orphans:
                (cluster.data / "postmaster.pid").unlink(missing_ok=True)
                if cluster.by_socket:
                    for name in (f".s.PGSQL.{cluster.port}", f".s.PGSQL.{cluster.port}.lock"):
                        (Path(cluster.host) / name).unlink(missing_ok=True)
                return None, lock
        if postmaster is not None:  # It is shutting down, may have much to write, and is waited for.
            since = time.monotonic()
        waited = time.monotonic() - since
        if waited > _ORPHANS_MUST_END_S:
            lock.close()
            raise InstallationProblem(
                "cluster-busy",
                f"Processes that cannot be seen from here still use the database in {cluster.data}.",
                "If another container or host shares this directory, stop it there; one database has one server.",
            )
        if waited > _ORPHANS_MAY_TAKE_S and not told:
            told = True
            say("ending the processes of a server that was killed")
            for pid in processes_of(cluster.data):
                Postmaster(pid, "orphaned").send(signal.SIGQUIT)
        time.sleep(_POLL_S)


def _launch(
    cluster: Cluster, software: Software, account: Account, lock: FileLock, log: Path, *, fsync: bool
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the postmaster in a session of its own, so that Ctrl-C at our terminal does not reach it before us."""
    unsafe = () if fsync else ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
    if cluster.by_socket:
        address = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={cluster.host}")
    else:
        address = ("-c", f"listen_addresses={cluster.host}", "-c", "unix_socket_directories=")
    program = str(software.program("postgres"))
    with explained("write", log):
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        output = log.open("ab")
    with output, explained("run", Path(program)):
        offset = output.tell()
        child = subprocess.Popen(
            [program, "-D", str(cluster.data), "-p", str(cluster.port), *address, *unsafe],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=server_environment(),
            umask=0o077,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
            **account.popen,
        )
    return child, offset


def _wait_until_ready(
    installation: Installation,
    cluster: Cluster,
    child: subprocess.Popen[bytes] | None,
    log: Path,
    offset: int,
    say: Progress,
) -> Cluster:
    """Until the server answers as our superuser, as long as its process lives. Provisions it at the first time."""
    since = said = time.monotonic()
    while True:
        if child is not None and child.poll() is not None:
            raise explain(log_since(log, offset), "start", cluster.data, log=log)
        postmaster = find_postmaster(cluster.data)
        if child is None and postmaster is None:
            raise explain(log_since(log, offset), "join the server of", cluster.data, log=log)
        if postmaster is not None and postmaster.status == "ready":
            try:
                with psycopg.connect(clusters.conninfo(cluster, Role.SUPERUSER, "postgres")) as connection:
                    if not cluster.provisioned:
                        cluster = clusters.provision(installation, cluster, connection)
                    return cluster
            except psycopg.OperationalError as error:
                if not _is_passing(error):
                    raise _refused(error, cluster) from error
        now = time.monotonic()
        if now - said > _SAY_EVERY_S:
            said = now
            last = log_since(log, offset).strip().rpartition("\n")[2]
            say(f"PostgreSQL has been starting for {now - since:.0f} s: {last or 'no word yet'}")
        time.sleep(_POLL_S)


def _is_passing(error: psycopg.OperationalError) -> bool:
    """Whether the server only is not ready: starting up, recovering after one of its processes was killed, or ending
    (all 57P03), or no listener yet."""
    text = str(error)
    return "the database system is" in text or "Connection refused" in text or "No such file" in text


def _is_recovering(cluster: Cluster) -> bool:
    try:
        with psycopg.connect(clusters.conninfo(cluster, Role.SUPERUSER, "postgres")):
            return False
    except psycopg.OperationalError as error:
        return "recovery" in str(error)


def _refused(error: psycopg.OperationalError, cluster: Cluster) -> InstallationProblem:
    text = str(error).strip()
    if "password authentication failed" in text:
        return InstallationProblem(
            "passwords-differ",
            f"The database in {cluster.data} does not accept the passwords recorded in cluster.json.",
            "Restore data directory and cluster.json from the same backup.",
        )
    if "No space left" in text:
        return explain(text, "prepare", cluster.data)
    return InstallationProblem(
        "database-unreachable", f"The database server runs but refuses us: {text}", "`karnet doctor` looks closer."
    )


def _stop(cluster: Cluster, child: subprocess.Popen[bytes] | None, say: Progress, *, at_once: bool = False) -> bool:
    """Fast shutdown, waiting for the last process to end; immediate shutdown (the WAL keeps all) if that hangs.

    A server that is recovering, after one of its processes was killed, is ended at once: told to shut down fast in that
    moment, PostgreSQL 18 forgets its checkpointer and waits for it for ever. It has nothing to lose yet.
    """
    postmaster = find_postmaster(cluster.data)
    if postmaster is None and (child is None or child.poll() is not None):
        return False
    pid = postmaster.pid if postmaster is not None else child.pid if child is not None else 0
    server = Postmaster(pid, "")
    hurried = at_once or _is_recovering(cluster)
    server.send(signal.SIGQUIT if hurried else signal.SIGINT)
    since = said = time.monotonic()
    lock = _cluster_lock(cluster)
    try:
        while True:
            if child is not None:
                child.poll()  # Reaps it; a zombie would keep its number.
            if find_postmaster(cluster.data) is None and lock.acquire(wait=False):
                return True
            now = time.monotonic()
            if now - said > _SAY_EVERY_S:
                said = now
                say(f"PostgreSQL has been stopping for {now - since:.0f} s")
            if now - since > _FAST_MAY_TAKE_S and not hurried:
                hurried = True
                say("PostgreSQL does not stop; ending it at once (nothing committed is lost)")
                server.send(signal.SIGQUIT)
            time.sleep(_POLL_S)
    finally:
        lock.close()
