"""Published vectors (their sources are named in vectors.json) and small builders the tests share."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.tiles import TileBuilder

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
TESSERA: dict[str, Any] = VECTORS["tessera_log"]
TESSERA_ENTRIES = [entry.encode() for entry in TESSERA["entries"]]


def decoded(values: list[str]) -> list[bytes]:
    return [b64decode(value) for value in values]


def numbered(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


class StoredLog:
    """A log in memory: entries, and tiles under (level, index); a `LogSource`, open to tampering."""

    def __init__(self, entries: list[bytes], origin: str = "log.example/karnet") -> None:
        self.origin = origin
        self.stored: list[bytes | None] = []
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.builder = TileBuilder()
        self.append(entries)

    def append(self, entries: list[bytes]) -> None:
        self.stored += entries
        for write in self.builder.append(leaf_hashes(entries)):
            self.tiles[write.level, write.index] = write.hashes

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.origin, self.builder.size, self.builder.root())

    def entries(self, start: int, stop: int) -> list[bytes | None]:
        return self.stored[start:stop]

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        return self.tiles.get((level, index))
