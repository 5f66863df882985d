"""Fetching a log from the hub into a directory of static files: the daily archive, and what `recover` reads.

Nothing the hub sends is believed: the entries must be those of a checkpoint that the log's own key signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from karnet.federation.core.messages import Pull, Pulled, Push
from karnet.federation.http.client import HubClient, Unanswered
from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError
from karnet.journal.tlog.keyring import Keyring, Keys
from karnet.journal.tlog.merkle import leaf_hashes
from karnet.journal.tlog.note import NoteError
from karnet.journal.tlog.tiles import TILE_WIDTH, TileBuilder, TileName, TileWrite, encode_bundle
from karnet.wiring.card_keys import HubLink
from karnet.wiring.log_directory import LogDirectory
from karnet.wiring.problem import InstallationProblem, explained

Progress = Callable[[int, int], None]
_TIMEOUT_MS = 60_000


def fetch_log(
    link: HubLink, keys: Keys, directory: LogDirectory, progress: Progress = lambda done, size: None
) -> Checkpoint:
    """Bring a directory up to everything that the hub holds of the log of `keys`.

    Returns the checkpoint over what is there then. Safe to repeat and to interrupt: the checkpoint comes last. Raises
    InstallationProblem if no node answers, or if what it sends is not what was signed.
    """
    with explained("write", directory.path):
        directory.path.mkdir(parents=True, exist_ok=True)
        fetched = _Fetched(link, Keyring.of(keys), directory)
        fetched.fetch(progress)
        return fetched.finished()


class _Fetched:
    """A log on its way into its directory."""

    def __init__(self, link: HubLink, keys: Keyring, directory: LogDirectory) -> None:
        self._client, self._link = HubClient(link.certificate, link.token), link
        self._keys, self._directory = keys, directory
        self._signed: Checkpoint | None = None
        size = 0
        if directory.note() is not None:
            self._signed = directory.open(keys).checkpoint
            size = self._signed.size
        self._builder = TileBuilder.resume(size, directory.tile)
        start = size // TILE_WIDTH * TILE_WIDTH
        present = directory.entries(start, size)
        self._rest = [entry for entry in present if entry is not None]
        if len(self._rest) < len(present) or (self._signed and self._builder.root() != self._signed.root):
            raise InstallationProblem(
                "archive-damaged", f"{directory.path} is not what was written there.", "Move it away and pull again."
            )
        self._tiles: dict[tuple[int, int], TileWrite] = {}
        self._note = b""

    def fetch(self, progress: Progress) -> None:
        """Take batch after batch until the hub has no more."""
        while (push := self._pulled(self._builder.size)) is not None:
            for write in self._builder.append(leaf_hashes(push.entries)):
                self._tiles[write.level, write.index] = write
            for content in push.contents:
                self._directory.put_content(sha256(content).digest(), content)
            self._bundle(push.entries)
            signed = self._opened(push.note)
            if signed.size == self._builder.size:
                self._note, self._signed = push.note, signed
            progress(self._builder.size, max(self._builder.size, signed.size))

    def finished(self) -> Checkpoint:
        """Check the whole against the newest checkpoint, write what is left, then the checkpoint."""
        signed, size = self._signed, self._builder.size
        if signed is None or signed.size != size or signed.root != self._builder.root():
            raise self._not_what_was_signed()
        if self._note:
            if self._rest:
                self._directory.put(TileName(None, size // TILE_WIDTH, len(self._rest)), encode_bundle(self._rest))
            for write in self._tiles.values():
                self._directory.put(TileName(write.level, write.index, write.width), write.hashes)
            self._directory.commit(self._note, self._keys.open(self._note).log_signatures[0].key)
        return signed

    def _bundle(self, entries: Sequence[bytes]) -> None:
        """Write bundles that are full; keep the entries that fill none yet."""
        self._rest += entries
        first = (self._builder.size - len(self._rest)) // TILE_WIDTH
        while len(self._rest) >= TILE_WIDTH:
            self._directory.put(TileName(None, first, TILE_WIDTH), encode_bundle(self._rest[:TILE_WIDTH]))
            self._rest, first = self._rest[TILE_WIDTH:], first + 1

    def _pulled(self, have: int) -> Push | None:
        log, tried = self._keys.name, []
        for address in self._link.addresses:
            try:
                reply = self._client.call(address, Pull(have={log: have}), _TIMEOUT_MS)
            except Unanswered as error:
                tried.append(str(error))
                continue
            if isinstance(reply, Pulled):
                return next((push for push in reply.pushes if push.log == log and push.first == have), None)
            tried.append(f"{address} answers {type(reply).__name__}")
        raise InstallationProblem(
            "hub-unreachable",
            "No address of the hub answers:\n" + "\n".join(tried),
            "Check the network and that the hub runs; then run this again.",
        )

    def _opened(self, note: bytes) -> Checkpoint:
        try:
            return self._keys.open(note).checkpoint
        except (NoteError, CheckpointError) as error:
            raise self._not_what_was_signed() from error

    def _not_what_was_signed(self) -> InstallationProblem:
        return InstallationProblem(
            "hub-faulty",
            f"What the hub sends of {self._keys.name} is not what that log's key signed.",
            "Keep what was fetched: it is evidence. Tell the hub's people; other copies are at the other members.",
        )
