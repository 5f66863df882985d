"""Is this installation sound? Each check looks at one thing and says what to do if it is not as it should be.

Nothing is changed, with one exception: `trial_start` starts the stopped database as any command would, and stops it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import psycopg

from karnet.wiring.installation import CONFIG_FILE, Installation, data_directory
from karnet.wiring.postgres import Role, dsn, load_cluster, running, status
from karnet.wiring.postgres.account import owner_account, server_account
from karnet.wiring.postgres.cluster import check_version
from karnet.wiring.postgres.software import software_for
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.report import State, read_report

_PYTHON = (3, 11)
_SPACE_NEEDED_MB = 256
# Clocks that a time service disciplines differ by milliseconds; what is behind by more would sign a lie.
_CLOCK_TOLERANCE = timedelta(seconds=2)


class Check(msgspec.Struct, frozen=True):
    """The outcome of one check. `do` is empty when `ok`."""

    name: str
    ok: bool
    what: str
    do: str = ""


def examine(
    path: Path | None = None,
    *,
    now: datetime,
    environment: Mapping[str, str] | None = None,
    trial_start: bool = True,
    progress: Callable[[str], None] | None = None,
) -> list[Check]:
    """Check the installation at `path` (default as for every command), in the order in which to repair it.

    `now` is what the clock check compares the last checkpoint with. Checks that cannot be made because an earlier one
    failed are left out. Never raises for the state of the installation.
    """
    environment = os.environ if environment is None else environment
    path = data_directory(path, environment)
    checks = [_checked("python", _python), _checked("data-directory", lambda: _data_directory(path))]
    try:
        installation = Installation.load(path, environment=environment)
    except InstallationProblem as problem:
        return [*checks, Check("configuration", False, problem.what, problem.do)]
    checks.append(Check("configuration", True, f"{CONFIG_FILE} of {installation.name}"))
    checks.append(_checked("secrets", lambda: _secrets(installation)))
    if installation.database_url is None:
        checks.append(_checked("postgres-programs", lambda: _programs(installation)))
        checks.append(_checked("database-version", lambda: _version(installation)))
        checks.append(_checked("database-server", lambda: _server(installation)))
    checks.append(_checked("http-port", lambda: _http_port(installation)))
    checks.append(_checked("clock", lambda: _clock(installation, now)))
    may_connect = trial_start or installation.database_url is not None or status(installation) is not None
    if may_connect and all(check.ok for check in checks if check.name not in ("http-port", "clock")):
        stopped: list[tuple[str, int, str, str]] = []
        checks.append(_checked("database-connection", lambda: _connection(installation, progress, stopped)))
        checks += [_checked("other-servers", partial(_followed, *one)) for one in stopped]
        checks += _standbys(installation)
    return checks


def last_checkpoint_at(file: Path) -> datetime | None:
    """The time in the last whole line of the checkpoint file; None if there is no line yet.

    A line is a JSON object whose "at" is an ISO 8601 time with an offset. Raises ValueError for any other.
    """
    try:
        with file.open("rb") as lines:
            end = lines.seek(0, os.SEEK_END)
            lines.seek(max(0, end - 65_536))
            tail = lines.read().splitlines(keepends=True)
    except FileNotFoundError:
        return None
    whole = [line for line in tail if line.endswith(b"\n") and line.strip()]
    if not whole:
        return None
    try:
        at = datetime.fromisoformat(json.loads(whole[-1])["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the last line has no usable time: {error}") from error
    if at.tzinfo is None:
        raise ValueError("the time in the last line has no offset from UTC")
    return at


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except InstallationProblem as problem:
        return Check(name, False, problem.what, problem.do)
    except OSError as error:
        return Check(name, False, f"Could not look: {error}.", "Run the command as the user who owns the installation.")


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _PYTHON:
        raise InstallationProblem("python", f"Python is {version}.", "Karnet needs Python 3.11 or newer.")
    return f"Python {version}"


def _data_directory(path: Path) -> str:
    if not path.is_dir():
        raise InstallationProblem("no-installation", f"There is no directory {path}.", "Make it with `karnet init`.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise InstallationProblem(
            "permission", f"You may not write in {path}.", "Run the command as the user who owns it."
        )
    free_mb = shutil.disk_usage(path).free // 2**20
    if free_mb < _SPACE_NEEDED_MB:
        raise InstallationProblem(
            "disk-full",
            f"Only {free_mb} MB are free for {path}.",
            f"Free some space: below {_SPACE_NEEDED_MB} MB the database may stop at any moment.",
        )
    return f"{path}, {free_mb:,} MB free"


def _secrets(installation: Installation) -> str:
    keys = sorted(installation.keys_dir.iterdir()) if installation.keys_dir.is_dir() else []
    files = [installation.secret_key_file, installation.config_file, installation.path / "cluster.json", *keys]
    present = [file for file in files if file.exists()]
    if installation.secret_key_file not in present:
        raise InstallationProblem(
            "secret-missing", f"{installation.secret_key_file} is missing.", "Run `karnet init`: it makes a new one."
        )
    for file in (*present, installation.keys_dir):
        found = stat.S_IMODE(file.stat().st_mode)
        if found & 0o077:
            mode = "700" if file.is_dir() else "600"
            raise InstallationProblem(
                "secret-open",
                f"Other users of this machine can read {file} (mode {found:o}).",
                f"Close it with `chmod {mode} {file}`, and consider what others may have copied.",
            )
    return f"{len(present)} files, closed to others"


def _programs(installation: Installation) -> str:
    cluster = load_cluster(installation)
    if cluster is None or not cluster.data.exists():
        account, home = server_account(), installation.path
    else:
        account, home = owner_account(cluster.data), cluster.home_dir
    if cluster is None:
        return f"PostgreSQL will run as {account.name}"
    return f"{software_for(account, home).bin}, run as {account.name}"


def _version(installation: Installation) -> str:
    cluster = load_cluster(installation)
    if cluster is None or not cluster.data.exists():
        raise InstallationProblem("no-cluster", "The installation has no database yet.", "Make it with `karnet init`.")
    check_version(cluster.data)
    free_mb = shutil.disk_usage(cluster.data).free // 2**20
    if free_mb < _SPACE_NEEDED_MB:
        raise InstallationProblem(
            "disk-full", f"Only {free_mb} MB are free for {cluster.data}.", "Free some space on that file system."
        )
    return f"{cluster.data}"


def _server(installation: Installation) -> str:
    cluster = load_cluster(installation)
    if cluster is None:
        return "not made yet"
    where = cluster.host if cluster.by_socket else f"{cluster.host} port {cluster.port}"
    postmaster = status(installation)
    if postmaster is not None:
        return f"{postmaster.status}, process {postmaster.pid}, at {where}"
    if (cluster.data / "postmaster.pid").exists():
        return f"stopped; a killed server left its pid file, which the next start clears away (address {where})"
    return f"stopped; starts with the first command that needs it (address {where})"


def _http_port(installation: Installation) -> str:
    http = installation.config.http
    holder = listener(http.host, http.port)
    if holder is None:
        return f"{http.host} port {http.port} is free"
    report = read_report(installation, "web")
    if report is not None and report.state == State.RUNNING:
        return f"{http.host} port {http.port} is Karnet's (process {report.pid})"
    raise InstallationProblem(
        "http-port-taken",
        f"Karnet cannot listen on port {http.port} of {http.host}: {holder}.",
        f"Stop the program that has it, or choose another port in {installation.config_file} or with KARNET_HTTP_PORT.",
    )


def _clock(installation: Installation, now: datetime) -> str:
    try:
        last = last_checkpoint_at(installation.checkpoints_file)
    except ValueError as error:
        raise InstallationProblem(
            "checkpoints-damaged",
            f"{installation.checkpoints_file}: {error}.",
            "Compare the file with a backup; `karnet journal verify` tells whether the journal still matches it.",
        ) from error
    if last is None:
        return "no checkpoint to compare with yet"
    if now < last - _CLOCK_TOLERANCE:
        raise InstallationProblem(
            "clock-behind",
            f"The clock shows {now.isoformat(timespec='seconds')}, but the last checkpoint was signed at "
            f"{last.isoformat(timespec='seconds')}.",
            "Set the clock right (timedatectl set-ntp true) before selling: times of sale are signed and settle money.",
        )
    return f"after the last checkpoint ({last.isoformat(timespec='seconds')})"


def _connection(
    installation: Installation,
    progress: Callable[[str], None] | None,
    stopped: list[tuple[str, int, str, str]],
) -> str:
    with running(installation, progress=progress):
        try:
            with psycopg.connect(dsn(installation, Role.APP), connect_timeout=10) as connection:
                version = connection.info.server_version
                if connection.execute("SELECT to_regclass('journal_quarantine')").fetchone() != (None,):
                    stopped += connection.execute(_IN_QUARANTINE).fetchall()
        except psycopg.Error as error:
            raise InstallationProblem(
                "database-unreachable",
                f"The application cannot connect: {str(error).strip()}",
                "Run `karnet init`, which completes roles and tables.",
            ) from error
    return f"the application connects (PostgreSQL {version // 10_000}.{version % 10_000})"


def _standbys(installation: Installation) -> list[Check]:
    """How this database and those that follow it stand to each other; nothing where it stands alone or is stopped."""
    from karnet.wiring.postgres.place import Part
    from karnet.wiring.postgres.standing import standing
    from karnet.wiring.postgres.telling import told

    cluster = None if installation.database_url is not None else load_cluster(installation)
    if cluster is None or (cluster.part is Part.PRIMARY and not cluster.peers):
        return []
    if cluster.part is not Part.FENCED and status(installation) is None:
        return []
    try:
        lines, well = told(standing(cluster))
    except psycopg.Error as error:
        return [
            Check("standbys", False, f"Could not look: {str(error).strip()}", "`karnet standby status` looks again.")
        ]
    what = "; ".join(line for line in lines if not line.startswith("→"))
    return [Check("standbys", well, what, " ".join(line[2:] for line in lines if line.startswith("→")))]


_IN_QUARANTINE = """
SELECT o.name, q.index, q.code, q.detail FROM journal_quarantine q JOIN journal_origin o ON o.id = q.origin_id
WHERE q.released_at IS NULL ORDER BY o.name, q.index
"""


def _followed(log: str, index: int, code: str, detail: str) -> str:
    raise InstallationProblem(
        f"log-{code.replace('_', '-')}",
        f"Of the log {log} nothing is applied from entry {index} on: {detail}.",
        f"Speak with its keepers; when the cause is mended: karnet federation release {log}",
    )


def listener(host: str, port: int) -> str | None:
    """Who listens on `host`:`port`: the command line of the process, or less if it is another user's. None if free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            return f"{host} is no address of this machine ({error.strerror})"
        except PermissionError:
            return "only root may use ports below 1024"
        except OSError as error:
            return _process_listening(port) or str(error.strerror or error)
    return None


def _process_listening(port: int) -> str | None:
    """Find the process by the socket's inode; only our own processes can be looked into."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:  # 0A is LISTEN.
                inodes.add(f"socket:[{columns[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {process.name}, {command[:80]}"
        except OSError:
            continue
    return None
