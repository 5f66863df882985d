"""`karnet backup`."""

from __future__ import annotations

from pathlib import Path

import click

from karnet.wiring import clock
from karnet.wiring.cli.frame import Session, karnet_command


@karnet_command(
    examples="""
    karnet backup /mnt/backup/2026-01-17                a dump: for any machine and later versions
    karnet backup /mnt/backup/2026-01-17 --base         the database's files: faster where there is much
    karnet backup /mnt/safe/keys-and-all --with-keys    to a place as closed as the server itself
    """
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--base", is_flag=True, help="Copy the database's files (pg_basebackup) instead of dumping it.")
@click.option("--with-keys", is_flag=True, help="Include the signing keys and secret_key.")
@click.pass_obj
def command(session: Session, directory: Path, base: bool, with_keys: bool) -> None:
    """Back this installation up into DIRECTORY, which must not exist yet, while it works.

    The database is of one moment, and never behind the checkpoint file beside it. docs/operating/backup.md
    """
    from karnet.wiring.backup import back_up, not_in
    from karnet.wiring.postgres import running

    installation = session.installation()
    target = directory.expanduser().absolute()
    with running(installation, progress=session.say):
        manifest = back_up(installation, target, clock.now(), base=base, with_keys=with_keys)
    lacks = not_in(manifest)
    session.answer(
        {"backup": str(target), "manifest": manifest, "not_in_it": lacks},
        f"{manifest.log}, {manifest.sealed:,} sealed entries, is backed up in {target}.\n"
        + "\n".join(f"! not in it: {one}" for one in lacks),
    )
