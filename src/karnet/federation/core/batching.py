"""What a sender sends: the next entries of a log with the note and the proofs that a receiver wants to see."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.federation.core.cosigning import noted_size
from karnet.federation.core.messages import MAX_ENTRIES, TARGET_BYTES, Push
from karnet.federation.core.store import Store
from karnet.journal.tlog.checkpoint import CheckpointError
from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import NoteError


def next_push(
    store: Store, log: str, first: int, limit_bytes: int = TARGET_BYTES, *, keys: Sequence[LogKey] = ()
) -> Push | None:
    """Return a batch of a log from index `first` on, or None where nothing beyond it is signed.

    It ends at a signed size where one is within reach, so that the receiver can cosign; else within the next note.
    `keys` of the log: whoever does not hold the entry yet that tells of a key gets no note by that key, so a hub that
    changed its own is believed by members that come back from afar. Nor is one sent by the next key where the earlier one
    went on signing: what the hub says of a key may rest on all that came before the hub said it.
    """
    kept = store.entries(log, first, MAX_ENTRIES, max(1, min(limit_bytes, TARGET_BYTES)))
    if not kept:
        return None
    reach = min((key.above for key in keys if key.above > first), default=first + len(kept))
    note = _by_the_earlier_key(store, log, first, keys) or store.note_within(log, first, min(reach, first + len(kept)))
    if note is None:
        note = store.note_after(log, first)
    if note is None:
        return None
    size = noted_size(note)
    kept = kept[: size - first]
    end = first + len(kept)
    return Push(
        log=log,
        first=first,
        entries=tuple(entry.data for entry in kept),
        contents=tuple(dict.fromkeys(entry.content for entry in kept if entry.content is not None)),
        note=note,
        proof=store.proof(log, first, size),
        rest=store.proof(log, end, size) if end < size else (),
    )


def _by_the_earlier_key(store: Store, log: str, first: int, keys: Sequence[LogKey]) -> bytes | None:
    """Return the next note of a log where it is not by the newest key that may have signed it."""
    possible = [key for key in keys if key.above <= first]
    note = store.note_after(log, first) if len(possible) > 1 else None
    if note is None:
        return None
    try:
        Keyring((possible[-1],)).open(note)
    except (NoteError, CheckpointError):
        return note
    return None


def size_of(push: Push) -> int:
    """Return about how many bytes a batch takes on the wire."""
    return sum(map(len, push.entries)) + sum(map(len, push.contents)) + len(push.note) + 2048
