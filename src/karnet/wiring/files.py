"""Files that are there whole or not at all, and locks that the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content` so that a crash at any moment leaves the old file or the new one.

    The temporary file is created with `mode`, so that a secret is never readable by others, not even briefly.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)  # The umask may have taken bits away.
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable (a rename is not, until its directory is synced)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_passable(path: Path) -> None:
    """Create `path` and its missing parents so that others may pass through but not list, whatever the umask."""
    if not path.exists():
        make_passable(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o711)


class FileLock:
    """An advisory lock (flock) on a file; the kernel frees it when every holder of the descriptor is gone.

    A process that inherits the descriptor holds the lock too. Taking it twice in one process needs two objects.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def fileno(self) -> int:
        """The open descriptor. Only while the lock is held."""
        assert self._handle is not None, "the lock is not held"
        return self._handle

    def acquire(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock; without `wait`, False if somebody else has it."""
        if self._handle is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._handle = os.open(self.path, flags, 0o600)
        operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._handle, operation if wait else operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give up this process's hold. A process that inherited the descriptor keeps its own."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Exclusive for the length of the block, waiting as long as it takes."""
        self.acquire()
        try:
            yield
        finally:
            self.close()
