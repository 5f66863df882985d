"""`karnet restore`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from karnet.wiring import clock
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.installation import Installation, data_directory


@karnet_command(
    examples="""
    karnet restore /mnt/backup/2026-01-17 --data /srv/karnet             a new installation from a backup
    karnet restore /mnt/backup/2026-01-17 --data /srv/karnet --replace   in the place of a damaged database
    """
)
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--replace", is_flag=True, help="Set the database that is there aside (it is not deleted).")
@click.pass_obj
def command(session: Session, backup: Path, replace: bool) -> Exit:
    """Restore BACKUP into the installation meant by --data, making it if there is none.

    Keys and a checkpoint file that are there stay. Ends with 1 if the log may not sign until something is done.
    """
    from karnet.wiring.restoring import restore

    target = data_directory(session.data)
    done = restore(backup.expanduser().absolute(), target, clock.now(), replace=replace, say=session.say)
    lines = [f"{done.manifest.log} of {done.manifest.at:%Y-%m-%d %H:%M:%S %Z} is restored in {done.path}."]
    lines += [f"What was there is now {done.aside}."] if done.aside else []
    lines += [f"! {name} was there and stays: it is not the backup's" for name in done.kept]
    trouble = _trouble(session, target)
    lines += trouble or ["The log may sign. Run `karnet init` (tables of this version), then `karnet serve`."]
    session.answer(
        {"restored": msgspec.structs.asdict(done), "may_sign": not trouble, "trouble": trouble}, "\n".join(lines)
    )
    return Exit.REFUSED if trouble else Exit.OK


def _trouble(session: Session, target: Path) -> list[str]:
    """Why the restored log may not sign, and what to do."""
    from karnet.wiring.boot import boot
    from karnet.wiring.log_keys import key_file
    from karnet.wiring.postgres import running

    installation = Installation.load(target)
    if not key_file(installation).exists():
        return [
            f"✗ The log's signing key is not in the backup, nor in {installation.keys_dir}: nothing is sealed.",
            "→ Bring the keys directory and secret_key from where they are kept, then run `karnet journal recover`.",
        ]
    with running(installation, progress=session.say):
        boot(installation)
        from karnet.journal.guard import MayNotSign
        from karnet.wiring.sealing import examine

        found = examine(installation)
    if isinstance(found, MayNotSign):
        return [f"✗ {found.what}", f"→ {found.do}"]
    return []
