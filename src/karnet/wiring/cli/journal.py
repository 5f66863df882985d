"""`karnet journal`: seal, verify, export, recover."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.cli.progress import counting
from karnet.wiring.postgres import Role
from karnet.wiring.problem import InstallationProblem

if TYPE_CHECKING:
    from karnet.journal.verification import Verification
    from karnet.wiring.installation import Installation

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@karnet_group(
    examples="""
    karnet journal verify                          is the record what was signed?
    karnet journal export /srv/www/log             publish it as static files
    karnet journal verify --from /srv/www/log      verify those, without a database
    karnet journal recover                         after a backup was restored
    """
)
def command() -> None:
    """Verify, export and recover the journal (docs/trust.md)."""


@command.command("seal", examples="karnet journal seal")
@click.pass_obj
def seal(session: Session) -> None:
    """Seal what is recorded. `karnet serve` does so by itself, all the time."""
    with session.database() as installation:
        from karnet.journal.sealing import Busy
        from karnet.wiring.sealing import sealer_for

        try:
            with sealer_for(installation) as sealer:
                count = sealer.seal_all()
        except Busy:
            raise InstallationProblem(
                "sealer-runs", "The sealer of this installation is running.", "Nothing has to be done: it seals."
            ) from None
    session.answer({"sealed": count}, f"{count:,} operations sealed")


@command.command(
    "verify",
    examples="""
    karnet journal verify
    karnet journal verify --json | jq '.faults[0].index'
    karnet journal verify --from DIR --key partner.vkey
    """,
)
@click.option("--from", "directory", type=_DIRECTORY, help="Verify an export (tlog-tiles files), without a database.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="With --from: the log's verifier key.")
@click.pass_obj
def verify(session: Session, directory: Path | None, key: Path | None) -> Exit:
    """Verify the record, and every log held of other servers, against what was signed; name the first entry that differs.

    Ends with 4 if anything was altered, removed, inserted or swapped.
    """
    if directory is not None:
        return _verify_export(session, directory, key)
    with session.database() as installation:
        from karnet.journal.arrivals import held_logs
        from karnet.journal.verification import verify_held, verify_home
        from karnet.wiring.checkpoint_file import CheckpointFile, DamagedCheckpointFile
        from karnet.wiring.log_keys import own_keys

        try:
            witnessed = CheckpointFile(installation.checkpoints_file).read()
        except DamagedCheckpointFile as error:
            raise InstallationProblem(
                "log-witness-damaged", f"The checkpoint file is damaged: {error}.", "Restore it from a backup."
            ) from error
        began = time.monotonic()
        with counting(session, "entries") as progress:
            found = verify_home(own_keys(installation), witnessed, progress)
        told = [_told(found, time.monotonic() - began)]
        others = []
        for name in held_logs():
            began = time.monotonic()
            with counting(session, "entries") as progress:
                others.append(verify_held(name, progress))
            told.append(_told(others[-1], time.monotonic() - began, home=False))
    sound = found.sound and all(other.sound for other in others)
    answer = {"sound": sound, **msgspec.structs.asdict(found), "held": [msgspec.structs.asdict(o) for o in others]}
    session.answer(answer, "\n\n".join(told))
    return Exit.OK if sound else Exit.TAMPERED


def _told(found: Verification, seconds: float, *, home: bool = True) -> str:
    rate = found.size / seconds if seconds else 0
    witnessed = f", {found.witnessed:,} of them witnessed outside the database" if home else ""
    lines = [
        f"{found.log}: {found.size:,} entries under {found.checkpoints:,} checkpoints{witnessed} "
        f"({seconds:.1f} s, {rate:,.0f}/s)",
        f"root {found.root}",
    ]
    for fault in found.faults:
        span = f"{fault.index}" if fault.until <= fault.index + 1 else f"{fault.index} to {fault.until - 1}"
        lines.append(f"{click.style('✗', fg='red')} entry {span}: {fault.what}, {fault.where}: {fault.detail}")
    if found.unsealed and found.oldest_unsealed_at is not None:
        age = (clock.now() - found.oldest_unsealed_at).total_seconds()
        lines.append(f"! {found.unsealed:,} operations are not sealed yet, the oldest from {age:,.0f} s ago")
    if home and not found.witnessed and found.size:
        lines.append("! no checkpoint file: whoever holds the signing key could have rewritten all of it")
    if found.sound:
        lines.append(f"{click.style('✓', fg='green')} the record is what was signed")
    return "\n".join(lines)


def _verify_export(session: Session, directory: Path, key_file: Path | None) -> Exit:
    from karnet.wiring.log_directory import LogDirectory, verify_export
    from karnet.wiring.log_keys import read_verifier_key

    source = LogDirectory(directory)
    key = read_verifier_key(key_file or source.key_file)
    with counting(session, "entries") as progress:
        found = verify_export(source, key, progress=progress)
    lines = [f"{found.log}: {found.size:,} entries, {found.contents:,} contents", f"root {found.root}"]
    if key_file is None:
        lines.append(f"! the key was taken from the export itself ({key.format()}): compare it with the one you know")
    if found.fault is not None:
        fault = found.fault
        lines.append(f"✗ entry {fault.index} (before {fault.until}): {fault.what}: {fault.detail}")
    if found.damaged_content is not None:
        lines.append(f"✗ content {found.damaged_content} is not what its hash says")
    lines += ["✓ the export is what was signed"] if found.sound else []
    session.answer({"sound": found.sound, **msgspec.structs.asdict(found)}, "\n".join(lines))
    return Exit.OK if found.sound else Exit.TAMPERED


@command.command(
    "export",
    examples="""
    karnet journal export /srv/www/log             again and again: only what is new is written
    karnet journal export /mnt/backup/log          every night: what `recover --from` needs
    """,
)
@click.argument("directory", type=_DIRECTORY)
@click.pass_obj
def export(session: Session, directory: Path) -> None:
    """Write the sealed log as static files (C2SP tlog-tiles), with the verifier key. Contents of house kinds stay."""
    with session.database() as installation:
        from karnet.wiring.log_directory import LogDirectory
        from karnet.wiring.log_export import export as write
        from karnet.wiring.log_keys import own_keys

        with counting(session, "entries") as progress:
            done = write(LogDirectory(directory), own_keys(installation), progress)
    session.answer(
        done,
        f"{done.size - done.before:,} entries added, {done.size:,} in all; {done.contents:,} contents added\n"
        f"Verify it with `karnet journal verify --from {directory}`.",
    )


@command.command(
    "recover",
    examples="""
    karnet journal recover                         what is wrong, and what can be done
    karnet journal recover --from /mnt/backup/log  apply what the database lacks from an export
    karnet journal recover --rewrite-checkpoints   the checkpoint file is lost, the database is not
    karnet journal recover --abandon 17            nobody has the 17 lost entries any more: say so, and go on
    """,
)
@click.option("--from", "directory", type=_DIRECTORY, help="An export that has the lost entries.")
@click.option("--without-contents", is_flag=True, help="With --from: go on where contents kept apart are lost.")
@click.option("--rewrite-checkpoints", is_flag=True, help="Write the checkpoint file anew from the database.")
@click.option("--abandon", type=int, metavar="COUNT", help="Give up exactly so many signed entries, openly.")
@click.option("--yes", is_flag=True, help="Do not ask before giving anything up.")
@click.pass_obj
def recover(
    session: Session,
    directory: Path | None,
    without_contents: bool,
    rewrite_checkpoints: bool,
    abandon: int | None,
    yes: bool,
) -> Exit:
    """After a backup was restored: let the log sign again without ever contradicting what it signed.

    Without options it only looks, and ends with 1 if something has to be done. Stop `karnet serve` first.
    """
    if sum((directory is not None, rewrite_checkpoints, abandon is not None)) > 1:
        raise click.UsageError("--from, --rewrite-checkpoints and --abandon exclude each other.")
    with session.database(Role.OWNER if directory is not None else Role.APP) as installation:
        from karnet.wiring import log_recovery
        from karnet.wiring.log_directory import LogDirectory

        if directory is not None:
            with counting(session, "entries") as progress:
                applied = log_recovery.recover_from(
                    installation, LogDirectory(directory), without_contents=without_contents, progress=progress
                )
            text = f"entries {applied.first:,} to {applied.until - 1:,} applied again; the log may sign"
            if applied.contents_missing:
                text += f"\n! {applied.contents_missing:,} contents are lost; the log says so itself"
            session.answer(applied, text)
        elif rewrite_checkpoints:
            _ask(yes, "Is this database certainly not an older backup? The file that could tell is gone.")
            count = log_recovery.rewrite_checkpoints(installation)
            session.answer({"checkpoints": count}, f"{count:,} checkpoints written")
        elif abandon is not None:
            _ask(yes, f"{abandon} signed entries will be lost for good. Are there really no export and no mirror?")
            history = log_recovery.abandon(installation, abandon)
            session.answer(
                history, f"entries {history.first:,} to {history.until - 1:,} given up; the log says so itself"
            )
        else:
            return _state(session, installation)
    return Exit.OK


def _ask(yes: bool, question: str) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _state(session: Session, installation: Installation) -> Exit:
    from karnet.journal.guard import MayNotSign, Why
    from karnet.wiring.sealing import examine

    found = examine(installation)
    if not isinstance(found, MayNotSign):
        session.answer({"may_sign": True}, "The log may sign: there is nothing to recover.")
        return Exit.OK
    lines = [f"{click.style('✗', fg='red')} {found.what}", f"→ {found.do}"]
    if found.why is Why.BEHIND and found.witnessed_size is not None:
        lost = found.witnessed_size - found.stored_size
        lines += [
            "→ Best: restore a newer backup of the database, if there is one.",
            "→ Else: karnet journal recover --from DIR, with an export that has "
            f"entries {found.stored_size:,} to {found.witnessed_size - 1:,} (your own, or a partner's mirror).",
            f"→ Only if nobody has them: karnet journal recover --abandon {lost} (docs/trust.md says what that means).",
        ]
    session.answer({"may_sign": False, **msgspec.structs.asdict(found)}, "\n".join(lines))
    return Exit.REFUSED
