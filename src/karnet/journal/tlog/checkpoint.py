"""Checkpoints (C2SP tlog-checkpoint): a log's name, size and root as the text of a signed note."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from karnet.journal.tlog.merkle import HASH_SIZE
from karnet.journal.tlog.note import (
    Note,
    NoteError,
    NoteFault,
    Signature,
    SigningKey,
    VerifiedSignature,
    VerifierKey,
    check_text,
    decode_base64,
    open_note,
    sign_note,
)

MAX_SIZE = (1 << 63) - 1

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class CheckpointError(ValueError):
    """A text that is not a checkpoint, or a checkpoint of another log than the one meant."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin (permanent name), number of entries and root hash.

    Extension lines are carried and signed, but nobody vouches for them (tlog-cosignature); Karnet writes none.
    Raises CheckpointError if the values cannot stand in a checkpoint.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise CheckpointError("the origin and extension lines are single, non-empty lines")
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointError(f"a tree size is 0 to 2**63 - 1, not {self.size}")
        if len(self.root) != HASH_SIZE:
            raise CheckpointError(f"a root hash is {HASH_SIZE} bytes, not {len(self.root)}")
        try:
            check_text(self.format())
        except NoteError as error:
            raise CheckpointError(str(error)) from error

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From the text of a note. Raises CheckpointError for anything but the exact format."""
        if not text.endswith("\n"):
            raise CheckpointError("the checkpoint does not end in a newline")
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3:
            raise CheckpointError("a checkpoint has at least three lines: origin, size, root")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise CheckpointError(f"not a tree size: {size[:40]!r}")
        try:
            decoded = decode_base64(root)
        except ValueError as error:
            raise CheckpointError(f"the root hash is {error}: {root[:80]!r}") from error
        return cls(origin, int(size), decoded, tuple(extensions))

    def format(self) -> str:
        """The text that is signed."""
        extensions = "".join(f"{line}\n" for line in self.extensions)
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{extensions}"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that the log's key signed. `cosignatures` are those of known cosigners, one a key, verified."""

    checkpoint: Checkpoint
    log_signatures: tuple[VerifiedSignature, ...]
    cosignatures: tuple[VerifiedSignature, ...]
    note: Note


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The checkpoint as a signed note. Raises CheckpointError unless the key bears the log's name.

    The caller guarantees that the log never signed anything inconsistent with it.
    """
    if key.name != checkpoint.origin:
        raise CheckpointError(f"the key of {key.name!r} does not sign for {checkpoint.origin!r}")
    return sign_note(checkpoint.format(), [key])


def cosign_checkpoint(checkpoint: Checkpoint, key: SigningKey, *, timestamp: int) -> Signature:
    """A cosignature line (cosignature/v1) for the checkpoint, at POSIX seconds `timestamp`.

    The caller has verified the log's signature and that the checkpoint extends the last one it cosigned.
    """
    return key.cosign(checkpoint.format(), timestamp=timestamp)


def add_cosignatures(note: bytes, cosignatures: Sequence[Signature]) -> bytes:
    """The note with more signature lines; one by the same key replaces its older one. Raises NoteError."""
    parsed = Note.parse(note)
    newer = {(line.name, line.key_id) for line in cosignatures}
    kept = [line for line in parsed.signatures if (line.name, line.key_id) not in newer]
    return Note(parsed.text, (*kept, *cosignatures)).format()


def open_checkpoint(
    note: bytes, *, origin: str, log_keys: Sequence[VerifierKey], cosigners: Sequence[VerifierKey] = ()
) -> SignedCheckpoint:
    """Parse a checkpoint and believe it: it is of the log `origin` and one of the log's keys signed it.

    Several log keys serve a change of key. Raises NoteError for a malformed note, for a wrong signature by any
    known key and if no log key signed; CheckpointError for a text that is no checkpoint or one of another log.
    How many cosignatures are enough is the caller's policy.
    """
    parsed = Note.parse(note)
    opened = open_note(parsed, [*log_keys, *cosigners])
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise CheckpointError(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    by_log = tuple(found for found in opened.verified if found.key in log_keys)
    if not by_log:
        raise NoteError(NoteFault.NO_KNOWN_SIGNATURE, f"no key of {origin!r} signed this checkpoint")
    by_others = tuple(found for found in opened.verified if found.key not in log_keys)
    return SignedCheckpoint(checkpoint, by_log, by_others, parsed)
