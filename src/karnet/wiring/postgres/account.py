"""The operating system account that PostgreSQL runs under. It refuses to run as root, so root lends it another."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from karnet.wiring.problem import InstallationProblem


@dataclass(frozen=True)
class Account:
    """Who runs the server. `lent` when that is not ourselves (we are root)."""

    uid: int
    gid: int
    name: str
    lent: bool

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child run as this account and nobody else."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.lent else {}

    def give(self, path: Path) -> None:
        """Make this account the owner of `path`."""
        if self.lent:
            try:
                os.chown(path, self.uid, self.gid)
            except OSError as error:
                raise cannot_lend(self, f"{path}: {error.strerror}") from error

    def run(self, command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end as this account, output captured as text. Never raises for the child's exit code."""
        try:
            return subprocess.run(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=server_environment(),
                cwd="/",
                umask=0o077,
                text=True,
                errors="replace",
                check=False,
                **self.popen,
                **options,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return subprocess.CompletedProcess(list(map(str, command)), 126, f"{command[0]}: {error}")

    def can_enter(self, directory: Path) -> bool:
        """Whether this account can pass through every directory down to `directory`. Asks the kernel, not the bits."""
        return self.run(["/bin/sh", "-c", 'cd -- "$0"', directory]).returncode == 0


def cannot_lend(account: Account, why: str) -> InstallationProblem:
    """The problem of a root that cannot become another user, as in a container with one user only."""
    return InstallationProblem(
        "cannot-lend",
        f"PostgreSQL must not run as root, and could not be handed to the user {account.name} ({why}).",
        "Run Karnet as an ordinary user (in a container: USER, or --user), on a directory of that user.",
    )


def server_account() -> Account:
    """The account for a new cluster: ourselves, or for root the user `postgres` if there is one, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), _name(os.geteuid()), lent=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, lent=True)
    return Account(65534, 65534, "65534", lent=True)


def owner_account(data: Path) -> Account:
    """The account that owns an existing cluster's data; the server refuses any other."""
    status = data.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        return Account(status.st_uid, status.st_gid, _name(status.st_uid), lent=True)
    if status.st_uid == os.geteuid() and status.st_uid != 0:
        return Account(status.st_uid, status.st_gid, _name(status.st_uid), lent=False)
    raise InstallationProblem(
        "wrong-user",
        f"The database in {data} belongs to {_name(status.st_uid)}, and you are {_name(os.geteuid())}.",
        "PostgreSQL runs only as the owner of its data, and never as root. Run the command as the user who made the "
        "installation.",
    )


def server_environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of server processes: no PG* variable of the caller, messages in English, so that we can read them."""
    inherited = os.environ if inherited is None else inherited
    kept = {name: inherited[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in inherited}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
