"""A standby as an installation: what it needs beside the database's files, and the commands that change its part.

What takes over needs four things beside the database: `karnet.toml` and `secret_key` (copied when it is made), the keys
(only when asked), and the checkpoint file. The standby keeps a checkpoint file of its own, from the notes that reach its
copy of the database: another witness, and what the rollback guard compares with after a promotion.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

import psycopg

from karnet.journal.tlog.checkpoint import CheckpointError
from karnet.journal.tlog.note import NoteError
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.files import write_atomically
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import earlier_keys_file, key_file, own_keys, verifier_file
from karnet.wiring.postgres import DATABASE, Cluster, Progress, Role, load_cluster, running, stop
from karnet.wiring.postgres import standby as clusters
from karnet.wiring.postgres.cluster import conninfo, conninfo_of
from karnet.wiring.postgres.place import Part, Peer
from karnet.wiring.postgres.supervisor import is_primary
from karnet.wiring.problem import InstallationProblem, explained

_FOLLOW_EVERY_S = 0.5


def make(primary: Installation, directory: Path, *, with_keys: bool, say: Progress) -> Installation:
    """Make `directory` a stopped standby of `primary`, whose server runs. Raises InstallationProblem."""
    clusters.record_of(primary, Part.PRIMARY)
    if directory.exists() and any(directory.iterdir()):
        raise InstallationProblem(
            "not-empty", f"{directory} is not empty.", "Name a directory that does not exist yet."
        )
    standby = Installation.create(directory, name=primary.name, environment={})
    with explained("write in", standby.path):
        write_atomically(standby.config_file, primary.config_file.read_bytes(), mode=0o600)
        write_atomically(standby.secret_key_file, primary.secret_key_file.read_bytes(), mode=0o600)
    bring_keys(primary, standby, private=with_keys)
    clusters.copy_to(primary, standby, say)
    return standby


def bring_keys(source: Installation, target: Installation, *, private: bool) -> None:
    """Copy the log's public key, and with `private` everything in the keys directory; what is there is not replaced."""
    files = source.keys_dir.iterdir() if private else [verifier_file(source), earlier_keys_file(source)]
    for file in files:
        copy = target.keys_dir / file.name
        if file.is_file() and not copy.exists():
            with explained("write", copy):
                write_atomically(copy, file.read_bytes(), mode=file.stat().st_mode & 0o777)


def promote(standby: Installation, *, switch: bool, say: Progress) -> list[str]:
    """Make `standby` the primary; return what it still lacks to do everything that the old one did, in words.

    Refuses while the old primary answers, unless `switch`: then that one is fenced and stopped in order first, which
    sends everything it has. Where its directory can be reached it is fenced in any case. Raises InstallationProblem.
    """
    cluster = clusters.record_of(standby, Part.STANDBY)
    old = _installation_of(cluster)
    with running(standby, progress=say):
        if _primary_answers(cluster):
            if not switch:
                raise InstallationProblem(
                    "primary-answers",
                    f"The primary in {cluster.peers[0].directory} answers: two primaries would be two histories.",
                    "If it is to be replaced, run it with --switch: that stops the old one in order first.",
                )
            if old is None:
                raise InstallationProblem(
                    "primary-out-of-reach",
                    f"The primary answers, but its installation {cluster.peers[0].directory} cannot be reached from here.",
                    "Run `karnet standby fence` there, then promote again.",
                )
        if old is not None:
            clusters.mark_fenced(old)
            say(f"fenced the old primary in {old.path}")
            if _primary_answers(cluster):
                stop(old, progress=say)
        clusters.promote(standby)
    return missing(standby)


def fence(primary: Installation, say: Progress) -> None:
    """Stop the primary for good: it does not start again as it is, whoever keeps it."""
    clusters.mark_fenced(primary)
    stop(primary, progress=say)


def rejoin(fenced: Installation, primary: Installation | None, say: Progress) -> bool:
    """Make a fenced installation's database a standby of the new `primary` (default: the one among its peers that
    answers), which runs; True if its files were wound back, False if all were copied. Raises InstallationProblem."""
    cluster = clusters.record_of(fenced, Part.FENCED)
    found = primary or next(
        (
            Installation.load(Path(peer.directory), environment={})
            for peer in cluster.peers
            if _is_primary(cluster, peer)
        ),
        None,
    )
    if found is None:
        raise InstallationProblem(
            "no-primary",
            "None of the other servers of this database is a primary that answers.",
            "Promote one of them first (`karnet standby promote`), start it, or name it with --primary DIR.",
        )
    stop(fenced, progress=say)
    with running(found, progress=say):
        return clusters.follow(fenced, found, say)


def missing(installation: Installation) -> list[str]:
    """What an installation lacks to seal and to serve members: sentences for the operator."""
    lacks = []
    if not key_file(installation).exists():
        lacks.append(
            f"There is no signing key in {installation.keys_dir}: `karnet serve` here sells and admits, and seals when "
            "the key is brought there (from its backup, or from the old primary's keys directory)."
        )
    role = installation.config.federation.role
    needed = {"hub": ("cosigner.key", "tls.key", "tls.crt"), "member": ("cosigner.key", "hub.json")}.get(role, ())
    absent = [name for name in needed if not (installation.keys_dir / name).exists()]
    if absent:
        lacks.append(f"For the common card bring {', '.join(absent)} into {installation.keys_dir}, too.")
    return lacks


def refuse_standby(installation: Installation) -> None:
    """Raise InstallationProblem where `karnet serve` would work on another's database: at a standby."""
    cluster = None if installation.database_url is not None else load_cluster(installation)
    if cluster is not None and cluster.part is Part.STANDBY:
        raise InstallationProblem(
            "is-standby",
            f"{installation.path} is a standby of {cluster.peers[0].directory}.",
            "Run it with `karnet serve standby`. To take over: `karnet standby promote`, then `karnet serve`.",
        )


class Following:
    """Keeps the checkpoint file of a standby up to date from the notes that reach its copy of the database."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._file = CheckpointFile(installation.checkpoints_file)
        self._keys = own_keys(installation)

    def catch_up(self) -> bool | None:
        """Append what is new; return whether the primary is followed, None once this server is no standby any more.

        Raises psycopg.Error while the server does not answer, InstallationProblem for a note that our log did not sign.
        """
        self._keys = own_keys(self._installation)  # They may have been brought anew.
        cluster = clusters.record_of(self._installation)
        with psycopg.connect(conninfo(cluster, Role.SUPERUSER, DATABASE), autocommit=True) as connection:
            row = connection.execute(
                "SELECT pg_is_in_recovery(), coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false)"
            ).fetchone()
            assert row is not None
            if not row[0]:
                return None
            last = self._file.tail(1)
            size = self._size(last[0].note) if last else -1
            notes = connection.execute(
                "SELECT at, note FROM journal_checkpoint WHERE origin_id = 1 AND size > %s ORDER BY size", [size]
            ).fetchall()
        new = [(at, note.encode()) for at, note in notes]
        for _, note in new:
            self._size(note)
        with explained("write", self._file.path):
            self._file.extend(new)
        return bool(row[1])

    def _size(self, note: bytes) -> int:
        try:
            return self._keys.open(note).checkpoint.size
        except (NoteError, CheckpointError) as error:
            raise InstallationProblem(
                "log-not-ours",
                f"A checkpoint in the copied database is not signed by this log's key: {error}.",
                "If its key was changed, copy `log.vkey` and `log.earlier` from the primary's keys directory. Else run "
                "`karnet journal verify` at the primary.",
            ) from error


def follow(installation: Installation, stop: Event, say: Callable[[str, bool], None]) -> None:
    """Follow until `stop`; `say(what, well)` hears each change in how it goes."""
    told = ""
    following = Following(installation)
    while not stop.is_set():
        try:
            follows = following.catch_up()
        except psycopg.Error as error:
            what, well = f"the standby's database does not answer: {str(error).strip()}", False
        else:
            what, well = {
                True: ("following the primary", True),
                False: ("the primary is away; what it sent until then is here", False),
                None: ("promoted: this is the primary now; `karnet serve` here serves it", True),
            }[follows]
        if what != told:
            say(what, well)
            told = what
        stop.wait(_FOLLOW_EVERY_S)


def _primary_answers(cluster: Cluster) -> bool:
    return any(_is_primary(cluster, peer) for peer in cluster.peers)


def _is_primary(cluster: Cluster, peer: Peer) -> bool:
    return bool(is_primary(conninfo_of(cluster, peer, Role.SUPERUSER, dbname="postgres")))


def _installation_of(cluster: Cluster) -> Installation | None:
    """The old primary's installation, where it can be reached and is the one that is meant."""
    for peer in cluster.peers:
        with suppress(InstallationProblem, OSError):
            found = Installation.load(Path(peer.directory), environment={})
            theirs = load_cluster(found)
            if theirs is not None and (theirs.host, theirs.port) == (peer.host, peer.port):
                return found
    return None
