"""Cosignatures (C2SP tlog-cosignature): who vouches for having stored a log up to a size, and until when.

A cosignature is made only over what is stored for good, so the hub's is a member's receipt. One that vouches for another
tree than the one held is evidence: somebody was shown another history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from karnet.federation.core.messages import Code, Cosigned, Evidence
from karnet.federation.core.store import LogView
from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError, cosign_checkpoint
from karnet.journal.tlog.note import Note, NoteError, SigningKey, VerifierKey, open_note


def cosign(checkpoint: Checkpoint, key: SigningKey, now: datetime) -> Cosigned:
    """Return the cosignature over a checkpoint whose entries are stored. `now` to the second; never before 1970."""
    signature = cosign_checkpoint(checkpoint, key, timestamp=max(0, int(now.timestamp())))
    return Cosigned(log=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, line=signature.line)


def noted_size(note: bytes) -> int:
    """Return over how many entries a note is that was verified when it was stored; 0 for none.

    Its second line (C2SP tlog-checkpoint): asked for with every question, so it is not parsed whole.
    """
    return int(note.split(b"\n", 2)[1]) if note else 0


def newest_checkpoint(view: LogView) -> Checkpoint | None:
    """Return the newest checkpoint over entries that are all held, or None."""
    return Checkpoint.parse(Note.parse(view.note).text) if view.note else None


def signer(cosigned: Cosigned, cosigners: Sequence[VerifierKey]) -> VerifierKey | None:
    """Return which of the cosigners made a cosignature; None if it is malformed, wrong, or by nobody known."""
    try:
        text = Checkpoint(cosigned.log, cosigned.size, cosigned.root).format()
        note = Note.parse(f"{text}\n{cosigned.line}".encode())
        opened = open_note(note, cosigners)
    except (NoteError, CheckpointError, UnicodeEncodeError):
        return None
    return opened.verified[0].key if len(note.signatures) == 1 else None


def contradiction(cosigned: Cosigned, by: VerifierKey, view: LogView) -> Evidence:
    """Return what a verified cosignature over another tree than ours shows: somebody was shown another history."""
    return Evidence(
        log=view.name,
        code=Code.FORK,
        index=min(cosigned.size, view.size),
        held=view.note,
        detail=f"{by.name} cosigned another tree of {cosigned.size} entries: {cosigned.line.strip()}",
    )
