"""The rollback guard: may this log sign, after what it has promised before?

A log must never sign two histories. A database restored from a backup does not know what it signed after the backup was
made; the checkpoint file does. So whoever is about to sign compares the two, and refuses where the database lacks or
contradicts a signed state. Pure: values in, a refusal or the go-ahead out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from karnet.journal.tlog.checkpoint import Checkpoint, CheckpointError
from karnet.journal.tlog.keyring import Keyring, Keys
from karnet.journal.tlog.note import NoteError

CLOCK_TOLERANCE = timedelta(seconds=2)
"""Clocks that a time service disciplines differ by milliseconds; what is behind by more would sign a lie."""


class Witnessed(msgspec.Struct, frozen=True):
    """A note out of the checkpoint file, and when it was signed. Not believed yet."""

    at: datetime
    note: bytes


class Why(StrEnum):
    """Why a log may not sign."""

    BEHIND = "behind"
    CONTRADICTS = "contradicts"
    WITNESS_MISSING = "witness-missing"
    WITNESS_DAMAGED = "witness-damaged"
    NOT_OURS = "not-ours"
    CLOCK_BEHIND = "clock-behind"


class MayNotSign(msgspec.Struct, frozen=True):
    """A refusal to sign: what is wrong and what to do, in whole sentences."""

    why: Why
    what: str
    do: str
    stored_size: int
    witnessed_size: int | None = None


class MaySign(msgspec.Struct, frozen=True):
    """The go-ahead. Notes of the database above `witnessed_size` have to be appended to the file first."""

    witnessed_size: int


def may_sign(
    *,
    keys: Keys,
    size: int,
    newest: bytes | None,
    witnessed: Sequence[Witnessed],
    root_at: Callable[[int], bytes],
    now: datetime,
) -> MaySign | MayNotSign:
    """Decide whether the log of `size` entries may sign more.

    `newest` is the newest note in the database, `witnessed` the last notes of the checkpoint file, oldest first,
    `root_at` gives the database's tree head at a size (ValueError if its tiles are missing).
    """
    try:
        promised = [_opened(w.note, keys) for w in witnessed]
    except (NoteError, CheckpointError) as error:
        return MayNotSign(
            Why.WITNESS_DAMAGED,
            f"The checkpoint file holds a note that no key of this log signed: {error}.",
            "Restore the file, or the right key, from a backup; `karnet journal verify` tells what is whole.",
            size,
        )
    refusal = _contradiction(keys, size, newest, promised, root_at)
    if refusal is not None:
        return refusal
    if witnessed and now < witnessed[-1].at - CLOCK_TOLERANCE:
        return MayNotSign(
            Why.CLOCK_BEHIND,
            f"The clock shows {now.isoformat(timespec='seconds')}, before the last checkpoint "
            f"({witnessed[-1].at.isoformat(timespec='seconds')}).",
            "Set the clock right (timedatectl set-ntp true). Nothing is signed until then.",
            size,
            promised[-1].size,
        )
    return MaySign(promised[-1].size if promised else 0)


def _contradiction(
    keys: Keys,
    size: int,
    newest: bytes | None,
    promised: Sequence[Checkpoint],
    root_at: Callable[[int], bytes],
) -> MayNotSign | None:
    if not promised:
        if size == 0:
            return None
        return MayNotSign(
            Why.WITNESS_MISSING,
            f"The log has {size} sealed entries, but its checkpoint file is missing or empty.",
            "Put the file back from where it was. If it is lost and this database is no restored backup, "
            "run `karnet journal recover --rewrite-checkpoints`.",
            size,
        )
    last = promised[-1]
    if size < last.size:
        return MayNotSign(
            Why.BEHIND,
            f"The database has {size} sealed entries, but {last.size} were signed: it was restored from an older "
            f"backup, or entries were deleted.",
            "Run `karnet journal recover` and do what it says. Signing now would make two histories of one log.",
            size,
            last.size,
        )
    for earlier in promised:
        if _root(root_at, earlier.size) != earlier.root:
            return MayNotSign(
                Why.CONTRADICTS,
                f"The database's log is not the one that was signed at {earlier.size} entries.",
                "Run `karnet journal verify`: it names the first entry that differs.",
                size,
                last.size,
            )
    return _foreign(keys, size, newest, root_at, last.size)


def _foreign(
    keys: Keys, size: int, newest: bytes | None, root_at: Callable[[int], bytes], witnessed_size: int
) -> MayNotSign | None:
    """The newest note of the database must be ours, and over the tree that is there."""
    try:
        checkpoint = _opened(newest or b"", keys)
        if (checkpoint.size, checkpoint.root) == (size, _root(root_at, size)):
            return None
        detail = f"it is over {checkpoint.size} entries and another root"
    except (NoteError, CheckpointError) as error:
        detail = str(error)
    return MayNotSign(
        Why.NOT_OURS,
        f"The newest checkpoint in the database is not this log's signature over its {size} entries: {detail}.",
        "Run `karnet journal verify`. If the key was exchanged, put the old one back.",
        size,
        witnessed_size,
    )


def _root(root_at: Callable[[int], bytes], size: int) -> bytes | None:
    try:
        return root_at(size)
    except ValueError:
        return None


def _opened(note: bytes, keys: Keys) -> Checkpoint:
    return Keyring.of(keys).open(note).checkpoint
