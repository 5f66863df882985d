"""A log as a directory of static files (C2SP tlog-tiles), which any web server can publish and any tool can verify.

    checkpoint                      the newest signed note; replaced last, so a reader never sees a hash without its data
    tile/<level>/<index>            tiles of hashes, `.p/<width>` where partial
    tile/entries/<index>            entry bundles
    log.vkey                        the verifier key (signed-note) that signed the checkpoint
    contents/<ab>/<sha256>          large shared bodies, named by the hash that their entry names

Contents of house kinds are never written here: of them the log has salted hashes alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from karnet.journal.guard import Witnessed
from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError, SignedCheckpoint
from karnet.journal.tlog.keyring import Keyring, Keys
from karnet.journal.tlog.note import NoteError, VerifierKey
from karnet.journal.tlog.tiles import TILE_WIDTH, TileName, decode_bundle, hashes_at_level, root_from_tiles
from karnet.journal.tlog.verifier import Tampered, verify_log
from karnet.wiring.files import write_atomically
from karnet.wiring.problem import InstallationProblem, explained

Progress = Callable[[int, int], None]


class LogDirectory:
    """The export at `path`: a `LogSource`, and the files it is made of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bundle: tuple[str, list[bytes]] = ("", [])
        self._size: int | None = None

    @property
    def key_file(self) -> Path:
        """The verifier key that lies beside the log."""
        return self.path / "log.vkey"

    def note(self) -> bytes | None:
        """Return the checkpoint's bytes; None if there is none."""
        with explained("read", self.path / "checkpoint"), suppress(FileNotFoundError):
            return (self.path / "checkpoint").read_bytes()
        return None

    def open(self, keys: Keys) -> SignedCheckpoint:
        """Return the checkpoint, believed by the log's key at its size. Raises InstallationProblem."""
        note, keyring = self.note(), Keyring.of(keys)
        if note is None:
            raise InstallationProblem(
                "no-export", f"There is no log in {self.path}.", "Name a directory that `karnet journal export` wrote."
            )
        try:
            opened = keyring.open(note)
        except (NoteError, CheckpointError) as error:
            raise InstallationProblem(
                "export-not-ours",
                f"The checkpoint in {self.path} is not signed by {keyring.name}: {error}.",
                "Check the directory and the verifier key.",
            ) from error
        self._size = opened.checkpoint.size
        return opened

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile of hashes: full, of this width, or as wide as it is in the present checkpoint."""
        now = hashes_at_level(level, self._size or 0) - index * TILE_WIDTH
        for present in dict.fromkeys((TILE_WIDTH, width, now)):
            if 1 <= present <= TILE_WIDTH and (found := self._read(TileName(level, index, present))) is not None:
                return found
        return None

    def entries(self, start: int, stop: int) -> Sequence[bytes | None]:
        """Return entries `[start, stop)`; None where a bundle is absent or damaged."""
        found: list[bytes | None] = []
        while start + len(found) < stop:
            at = start + len(found)
            first = at // TILE_WIDTH * TILE_WIDTH
            bundle = self._entries_of(first // TILE_WIDTH)
            end = min(first + TILE_WIDTH, stop)
            run: list[bytes | None] = list(bundle[at - first : end - first])
            found += run + [None] * (end - at - len(run))
        return found

    def content(self, digest: bytes) -> bytes | None:
        """Return a content by its SHA-256, None if it is absent or is not what its name says."""
        try:
            data = self.content_file(digest).read_bytes()
        except OSError:
            return None
        return data if sha256(data).digest() == digest else None

    def content_file(self, digest: bytes) -> Path:
        """Where a content lies."""
        return self.path / "contents" / digest.hex()[:2] / digest.hex()

    def contents(self) -> Iterator[Path]:
        """Yield the files of all contents."""
        yield from sorted((self.path / "contents").glob("*/*"))

    def put(self, name: TileName, data: bytes) -> None:
        """Write a tile or bundle whole. Not durable until the checkpoint is (`commit`)."""
        _put(self.path / name.path, data)

    def put_content(self, digest: bytes, data: bytes) -> None:
        """Write a content under its hash."""
        _put(self.content_file(digest), data)

    def commit(self, note: bytes, key: VerifierKey) -> None:
        """Make everything written durable, then replace the checkpoint."""
        os.sync()
        write_atomically(self.key_file, key.format().encode() + b"\n")
        write_atomically(self.path / "checkpoint", note)

    def remove(self, name: TileName) -> None:
        """Remove a partial tile that a wider one has replaced."""
        file = self.path / name.path
        with suppress(OSError):
            file.unlink(missing_ok=True)
            file.parent.rmdir()

    def _read(self, name: TileName) -> bytes | None:
        try:
            return (self.path / name.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _entries_of(self, index: int) -> list[bytes]:
        widths = [TILE_WIDTH]
        if self._size is not None and self._size // TILE_WIDTH == index:
            widths.append(self._size % TILE_WIDTH)
        for width in widths:
            name = TileName(None, index, width) if width else None
            if name is None:
                continue
            if self._bundle[0] == name.path:
                return self._bundle[1]
            data = self._read(name)
            if data is None:
                continue
            try:
                self._bundle = (name.path, decode_bundle(data, width))
            except ValueError:
                return []
            return self._bundle[1]
        return []


class ExportVerified(msgspec.Struct, frozen=True, kw_only=True):
    """What an export proves: its checkpoint's size and root (hex), and the first fault if there is one."""

    log: str
    size: int
    root: str
    contents: int
    fault: Tampered | None = None
    damaged_content: str | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.fault is None and self.damaged_content is None


def verify_export(
    directory: LogDirectory, keys: Keys, witnessed: Sequence[Witnessed] = (), progress: Progress | None = None
) -> ExportVerified:
    """Verify an export from its files alone, under `keys`, and against earlier notes one has of that log.

    Raises InstallationProblem where there is no log or its checkpoint is another's.
    """
    keyring = Keyring.of(keys)
    checkpoint = directory.open(keyring).checkpoint
    earlier = [old for line in witnessed if (old := keyring.open(line.note).checkpoint).size <= checkpoint.size]
    source = directory if progress is None else _Reporting(directory, checkpoint.size, progress)
    verdict = verify_log(checkpoint, source, earlier)
    files = list(directory.contents())
    damaged = next((f for f in files if sha256(f.read_bytes()).hexdigest() != f.name), None)
    return ExportVerified(
        log=keyring.name,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        contents=len(files),
        fault=verdict if isinstance(verdict, Tampered) else None,
        damaged_content=None if damaged is None else damaged.name,
    )


def contains(directory: LogDirectory, earlier: Checkpoint) -> bool:
    """Whether the directory's tiles contain an earlier state of the log."""
    try:
        return root_from_tiles(earlier.size, directory.tile) == earlier.root
    except ValueError:
        return False


class _Reporting:
    def __init__(self, directory: LogDirectory, size: int, progress: Progress) -> None:
        self.tile = directory.tile
        self._directory, self._size, self._progress = directory, size, progress

    def entries(self, start: int, stop: int) -> Sequence[bytes | None]:
        self._progress(stop, self._size)
        return self._directory.entries(start, stop)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
