"""The one exception that tells a person what happened to an installation and what to do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InstallationProblem(Exception):
    """Something about this machine or installation that a person has to put right.

    `code` is stable and meant for programs, `what` says what happened, `do` says what to do next.
    Both texts are whole sentences in English and may span several lines.
    """

    def __init__(self, code: str, what: str, do: str) -> None:
        super().__init__(code, what, do)
        self.code = code
        self.what = what
        self.do = do

    def __str__(self) -> str:
        return f"{self.what}\n{self.do}"


_DO = {
    errno.EACCES: (
        "permission",
        "Run the command as the user who owns {path}, or choose another directory with --data.",
    ),
    errno.EPERM: (
        "permission",
        "Run the command as the user who owns {path}, or choose another directory with --data.",
    ),
    errno.EROFS: ("read-only", "{path} is on a read-only file system. Choose another directory with --data."),
    errno.ENOSPC: (
        "disk-full",
        "Free some space on the file system of {path} (df -h shows it), then run the command again.",
    ),
    errno.EDQUOT: ("disk-full", "Your disk quota is used up. Free some space, then run the command again."),
    errno.ENOTDIR: (
        "not-a-directory",
        "A part of {path} is a file. Move it away, or choose another directory with --data.",
    ),
    errno.EEXIST: (
        "not-a-directory",
        "Something else stands at {path}. Move it away, or choose another directory with --data.",
    ),
    errno.ENAMETOOLONG: ("path-too-long", "Choose a shorter directory with --data."),
}


def from_os_error(error: OSError, doing: str, path: Path) -> InstallationProblem:
    """Turn an operating system error met while `doing` something at `path` into words."""
    code, do = _DO.get(
        error.errno or 0, ("system", "Check {path}, then run the command again; `karnet doctor` looks closer.")
    )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return InstallationProblem(code, f"Could not {doing} {path}: {reason}.", do.format(path=path))


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Within the block, an `OSError` becomes an `InstallationProblem` about `path`."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, doing, path) from error
