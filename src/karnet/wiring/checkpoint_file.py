"""The checkpoint file: every note the log signed, one JSON line each, outside the database.

It is the log's own memory of what it promised. A restored database backup does not take it back, so the sealer compares
the two before it signs (journal.guard). Only the sealer appends, after its commit and while it holds the sealer's lock.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from karnet.journal.guard import Witnessed
from karnet.wiring.files import sync_directory

_BLOCK = 64 * 1024


class _Line(msgspec.Struct, frozen=True):
    at: datetime
    note: str


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class DamagedCheckpointFile(ValueError):
    """A whole line of the file is not a checkpoint line. A torn last line is no damage: it was never promised."""


class CheckpointFile:
    """The file at `path`, which may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, at: datetime, note: bytes) -> None:
        """Add a note and make it durable before returning. A torn last line, left by a crash, is cut off first."""
        self.extend([(at, note)])

    def extend(self, notes: Sequence[tuple[datetime, bytes]]) -> None:
        """Add notes, in order of their sizes, durable when it returns."""
        if not notes:
            return
        data = b"".join(_encoder.encode(_Line(at, note.decode())) + b"\n" for at, note in notes)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            end = _whole_length(handle)
            os.ftruncate(handle, end)
            os.pwrite(handle, data, end)
            os.fsync(handle)
        finally:
            os.close(handle)
        if end == 0:
            sync_directory(self.path.parent)

    def tail(self, count: int = 8) -> list[Witnessed]:
        """Return up to `count` last notes, oldest first, reading only the file's end. Raises DamagedCheckpointFile."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                start = max(0, end - _BLOCK)
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            return []
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        if start:
            lines = lines[1:]
        return [self._witnessed(line, "near its end") for line in lines[-count:]]

    def read(self) -> list[Witnessed]:
        """Return every note, oldest first; an absent file has none. Raises DamagedCheckpointFile naming the line."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        return [self._witnessed(line, f"line {number}") for number, line in enumerate(lines, 1)]

    def _witnessed(self, line: bytes, where: str) -> Witnessed:
        try:
            found = _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise DamagedCheckpointFile(f"{self.path}, {where}: {error}") from error
        if found.at.tzinfo is None:
            raise DamagedCheckpointFile(f"{self.path}, {where}: the time has no offset from UTC")
        return Witnessed(at=found.at, note=found.note.encode())


def _whole_length(handle: int) -> int:
    """Length of the file up to and including its last newline."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _BLOCK)
        newline = os.pread(handle, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
