"""The keys of one log over time: which of them may have signed a note over how many entries."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from karnet.journal.tlog.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from karnet.journal.tlog.note import Note, VerifierKey


class LogKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs notes of a log over more than `above` entries, and at most `until` (None: no end yet).

    The keys of a log may overlap while one is changed for the next; one that was lost or stolen ends where it is replaced.
    """

    key: VerifierKey
    above: int = 0
    until: int | None = None

    def signs_at(self, size: int) -> bool:
        """Whether a note over `size` entries may be signed by this key (the note over nothing: by the first)."""
        return (self.above < size or size == self.above == 0) and (self.until is None or size <= self.until)


class Keyring(msgspec.Struct, frozen=True):
    """The keys of one log, the newest last; at least one."""

    keys: tuple[LogKey, ...]

    @classmethod
    def of(cls, keys: Keys) -> Keyring:
        """Return what is a keyring already, or that of a log which never changed its key."""
        return keys if isinstance(keys, Keyring) else cls((LogKey(key=keys),))

    @property
    def name(self) -> str:
        """The name of the log."""
        return self.newest.name

    @property
    def newest(self) -> VerifierKey:
        """The key that signs now."""
        return self.keys[-1].key

    def at(self, size: int) -> Sequence[VerifierKey]:
        """Return the keys that may sign a note over `size` entries."""
        return [one.key for one in self.keys if one.signs_at(size)]

    def open(self, note: bytes) -> SignedCheckpoint:
        """Believe a note of this log if a key signed it that might at its size (`open_checkpoint`).

        Raises NoteError, CheckpointError.
        """
        size = Checkpoint.parse(Note.parse(note).text).size
        return open_checkpoint(note, origin=self.name, log_keys=self.at(size))


Keys = Keyring | VerifierKey
"""A log's keys, or the only one that it ever had."""
