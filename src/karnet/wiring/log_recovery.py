"""What an operator can do when the log may not sign: see why, get lost entries back, or say openly that they are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import Error

from karnet.journal import applying, arrivals, recovery
from karnet.journal.guard import MayNotSign, MaySign, Why, Witnessed
from karnet.journal.log_tables import LogTables, snapshot
from karnet.journal.operations import HistoryBreak, Received, UnknownKind, decode_entry, entry_head
from karnet.journal.projection import Conflict
from karnet.journal.recovery import Applied, CannotApply, Lost
from karnet.journal.rules.arrivals import waits_for
from karnet.journal.sealing import Busy, Sealer
from karnet.journal.tlog.checkpoint import Checkpoint, SignedCheckpoint
from karnet.journal.tlog.keyring import Keyring
from karnet.journal.tlog.tiles import root_from_tiles
from karnet.journal.verification import verify_home
from karnet.kernel.canonical import NotCanonical
from karnet.wiring import clock
from karnet.wiring.checkpoint_file import CheckpointFile, DamagedCheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.log_directory import LogDirectory, verify_export
from karnet.wiring.log_keys import own_keys, signing_key
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.sealing import catch_up, examine

Progress = Callable[[int, int], None]


def recover_from(
    installation: Installation, directory: LogDirectory, *, without_contents: bool, progress: Progress
) -> Applied:
    """Apply the entries that the database lacks from an export, so that the log may sign again.

    What rests on other servers' entries is applied after those, which must have been received before: the backup lost
    them, too. Django must be connected as the tables' owner. A server with no others gets all or nothing; with others,
    it may stop in between and be run again. Raises InstallationProblem saying what is in the way: the export is damaged,
    of another history, too short, or lacks contents (unless `without_contents`), or others' entries have not come.
    """
    key = own_keys(installation)
    witnessed = _witnessed(installation)
    verdict = examine(installation)
    if isinstance(verdict, MayNotSign) and verdict.why is not Why.BEHIND:
        raise InstallationProblem(f"log-{verdict.why}", verdict.what, verdict.do)
    signed = _sound_export(directory, key, witnessed)
    size = _stored_size(directory, signed.checkpoint)
    missing = _missing_contents(directory, size, signed.checkpoint.size)
    if missing and not without_contents:
        raise InstallationProblem(
            "contents-missing",
            f"The contents of {missing} of the entries to recover are not in {directory.path}: contents of house kinds "
            f"(cash counts, for example) never leave the server.",
            "If no newer backup of the database has them, run it again with --without-contents: their entries are "
            "recovered, what they did to tables is not.",
        )
    notes = _notes(key, witnessed, size, signed)
    try:
        applied = _apply_in_turn(directory, size, notes, progress)
    except Busy:
        raise _busy() from None
    except (CannotApply, Conflict, NotCanonical, UnknownKind, Error) as error:
        raise InstallationProblem(
            "cannot-recover",
            f"The lost entries do not fit this database, and nothing was changed: {str(error).strip()}",
            "Something was recorded after the backup was restored, or Karnet is older than the entries. Restore the "
            "backup once more (or a newer one), start nothing, and run this command first.",
        ) from error
    file = CheckpointFile(installation.checkpoints_file)
    catch_up(installation, MaySign(_last_size(key, file.tail(1))))
    root = signed.checkpoint.root.hex()
    history = HistoryBreak(
        first=applied.first, until=applied.until, root=root, abandoned=False, contents_missing=applied.contents_missing
    )
    recovery.confess(installation.name, clock.now(), history)
    return applied


def _apply_in_turn(
    directory: LogDirectory, size: int, notes: list[tuple[datetime, Checkpoint, bytes]], progress: Progress
) -> Applied:
    """Apply from one signed size to the next that rests on nothing missing, and others' entries in between."""
    first, missing, final = size, 0, notes[-1][1].size
    while size < final:
        reached = _reached(directory, size, final)
        upto = [note for note in notes if size < note[1].size <= reached]
        if upto:
            applied = recovery.apply_lost(_lost(directory, size, upto[-1][1].size), upto[-1][1], upto, progress)
            size, missing = applied.until, missing + applied.contents_missing
        elif not applying.apply_all(clock.now):
            raise InstallationProblem(
                "others-missing",
                f"Entry {reached} of the log rests on entries of other servers that are not here.",
                "Run `karnet federation recover`: it fetches them from the hub first.",
            )
    return Applied(first, final, missing)


def _reached(directory: LogDirectory, size: int, final: int) -> int:
    """Return how far the log's own entries rest on nothing that is not applied here yet."""
    sizes = arrivals.applied_sizes()
    for at in range(size, final, recovery.BATCH):
        for n, data in enumerate(directory.entries(at, min(at + recovery.BATCH, final))):
            assert data is not None, "the export was verified"
            if entry_head(data).kind == Received.KIND and waits_for(decode_entry(data), sizes):
                return at + n
    return final


def abandon(installation: Installation, count: int) -> HistoryBreak:
    """Give up `count` signed entries that nobody has any more: say so in the log itself, then let it sign again.

    The log gets two histories, openly: its next entries name the lost ones by their root, and the notes over them are
    kept beside the checkpoint file. Whoever cosigned the lost history will not follow. Raises InstallationProblem.
    """
    key, verdict = own_keys(installation), examine(installation)
    if not isinstance(verdict, MayNotSign) or verdict.why is not Why.BEHIND or verdict.witnessed_size is None:
        raise _nothing_to_do(verdict)
    lost = verdict.witnessed_size - verdict.stored_size
    if count != lost or verdict.stored_size == 0:
        raise InstallationProblem(
            "not-that-many",
            f"{lost} signed entries are missing ({verdict.stored_size} to {verdict.witnessed_size}), not {count}.",
            "Run `karnet journal recover` to see the state; abandon exactly as many as it says. "
            "An empty database has nothing to go on from: restore a backup or an export.",
        )
    witnessed = _witnessed(installation)
    opened = [(line, key.open(line.note).checkpoint) for line in witnessed]
    kept = [line for line, checkpoint in opened if checkpoint.size <= verdict.stored_size]
    _check_sound(key, kept)
    history = HistoryBreak(
        first=verdict.stored_size, until=verdict.witnessed_size, root=opened[-1][1].root.hex(), abandoned=True
    )
    with _sealers_lock(installation):
        recovery.confess(installation.name, clock.now(), history)
        _set_aside(installation, f"abandoned-{verdict.witnessed_size}")
        CheckpointFile(installation.checkpoints_file).extend([(line.at, line.note) for line in kept])
    return history


def rewrite_checkpoints(installation: Installation) -> int:
    """Write a lost or damaged checkpoint file anew from the database, once that verifies; return how many notes.

    The file's own evidence is gone with it: the operator vouches that the database is no restored backup.
    """
    verdict = examine(installation)
    if not isinstance(verdict, MayNotSign) or verdict.why not in (Why.WITNESS_MISSING, Why.WITNESS_DAMAGED):
        raise _nothing_to_do(verdict)
    _check_sound(own_keys(installation), [])
    with _sealers_lock(installation):
        _set_aside(installation, "damaged")
        return catch_up(installation, MaySign(0))


def _witnessed(installation: Installation) -> list[Witnessed]:
    try:
        return CheckpointFile(installation.checkpoints_file).read()
    except DamagedCheckpointFile as error:
        raise InstallationProblem(
            "log-witness-damaged",
            f"The checkpoint file is damaged: {error}.",
            "Restore it from a backup, or see `karnet journal recover --rewrite-checkpoints`.",
        ) from error


def _sound_export(directory: LogDirectory, key: Keyring, witnessed: list[Witnessed]) -> SignedCheckpoint:
    found = verify_export(directory, key, witnessed)
    if not found.sound:
        what = found.fault.detail if found.fault else f"content {found.damaged_content} is not what its hash says"
        raise InstallationProblem(
            "export-damaged", f"The export in {directory.path} is not what was signed: {what}.", "Use another copy."
        )
    last = _last_size(key, witnessed)
    if found.size < last:
        raise InstallationProblem(
            "export-too-short",
            f"The export in {directory.path} ends at {found.size} entries, but {last} were signed.",
            "Find a newer export (a partner's mirror, another disk). If there is none anywhere, docs/trust.md says "
            "what giving up the rest means.",
        )
    return directory.open(key)


def _stored_size(directory: LogDirectory, exported: Checkpoint) -> int:
    with snapshot() as cursor:
        log = LogTables(cursor)
        size = log.size() or 0
        if size >= exported.size:
            raise InstallationProblem(
                "nothing-to-recover",
                f"The database has all {exported.size} entries of the export.",
                "Nothing has to be done.",
            )
        if size and log.root_at(size) != root_from_tiles(size, directory.tile):
            raise InstallationProblem(
                "export-differs",
                f"The first {size} entries in the database are not those of the export.",
                "Run `karnet journal verify` and `karnet journal verify --from DIR`: one of them was altered.",
            )
    return size


def _lost(directory: LogDirectory, start: int, stop: int) -> Iterator[list[Lost]]:
    for at in range(start, stop, recovery.BATCH):
        batch = []
        for data in directory.entries(at, min(at + recovery.BATCH, stop)):
            assert data is not None, "the export was verified"
            digest = entry_head(data).sha256
            batch.append(Lost(data, None if digest is None else directory.content(digest)))
        yield batch


def _missing_contents(directory: LogDirectory, start: int, stop: int) -> int:
    return sum(
        lost.content is None and entry_head(lost.data).sha256 is not None
        for batch in _lost(directory, start, stop)
        for lost in batch
    )


def _notes(
    key: Keyring, witnessed: list[Witnessed], size: int, signed: SignedCheckpoint
) -> list[tuple[datetime, Checkpoint, bytes]]:
    """The signed notes above `size` up to the export's own, which is among them."""
    final = signed.checkpoint
    notes = {final.size: (clock.now(), final, signed.note.format())}
    for line in witnessed:
        checkpoint = key.open(line.note).checkpoint
        if size < checkpoint.size <= final.size:
            notes[checkpoint.size] = (line.at, checkpoint, line.note)
    return [notes[size] for size in sorted(notes)]


def _last_size(key: Keyring, witnessed: list[Witnessed]) -> int:
    if not witnessed:
        return 0
    return key.open(witnessed[-1].note).checkpoint.size


def _check_sound(key: Keyring, witnessed: list[Witnessed]) -> None:
    found = verify_home(key, witnessed)
    if not found.sound:
        raise InstallationProblem(
            "log-damaged",
            f"The log in the database is not sound: {found.faults[0].detail}.",
            "Run `karnet journal verify` for the whole list. Restore another backup.",
        )


@contextmanager
def _sealers_lock(installation: Installation) -> Iterator[None]:
    """The sealer's lock without its guard: nobody signs meanwhile."""
    try:
        with Sealer(signing_key(installation), clock=clock.now, witness=lambda at, note: None):
            yield
    except Busy:
        raise _busy() from None


def _set_aside(installation: Installation, why: str) -> None:
    file = installation.checkpoints_file
    if file.exists():
        stamp = f"{clock.now():%Y%m%dT%H%M%SZ}"
        file.rename(file.with_name(f"{file.name}.{why}.{stamp}"))


def _busy() -> InstallationProblem:
    return InstallationProblem(
        "sealer-runs", "The sealer of this installation is running.", "Stop `karnet serve` first, then run it again."
    )


def _nothing_to_do(verdict: MaySign | MayNotSign) -> InstallationProblem:
    if isinstance(verdict, MaySign):
        return InstallationProblem(
            "nothing-to-recover", "The log may sign: there is nothing to recover.", "Nothing has to be done."
        )
    return InstallationProblem(f"log-{verdict.why}", verdict.what, verdict.do)
