"""`karnet init`."""

from __future__ import annotations

import click

from karnet.wiring import clock
from karnet.wiring.boot import boot
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.cli.progress import counting
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import ensure_log_key
from karnet.wiring.postgres import Role, running


@karnet_command(
    examples="""
    karnet init                                        in the usual place of this user
    karnet init --data /srv/karnet --name tatry.example/hub
    DATABASE_URL=postgresql://… karnet init            on a database server of your own
    """
)
@click.option("--name", metavar="NAME", help="The server's name: permanent, signed into its journal.")
@click.pass_obj
def command(session: Session, name: str | None) -> None:
    """Make an installation, its database, its tables, its log's key and the log's first operation.

    Safe to repeat: what is there is kept, what is missing is added, tables are brought up to date. Where a new version
    derives more from the journal than the last one did, the journal is replayed.
    """
    installation = Installation.create(session.data, name=name)
    with running(installation, progress=session.say):
        migrate(session, installation)
        found(installation)
    session.answer(
        {
            "name": installation.name,
            "data": str(installation.path),
            "database": installation.config.postgres.mode,
        },
        f"Karnet {installation.name} is ready in {installation.path}.\nCheck it with `karnet doctor`.",
    )


def migrate(session: Session, installation: Installation) -> None:
    """Bring the tables up to date as their owner, and fill new ones from the journal. The database must be running."""
    boot(installation, Role.OWNER)
    from karnet.wiring.database import migrate  # Needs Django's models, which `boot` has just loaded.

    session.say("bringing the tables up to date")
    if migrate():
        _fill(session)


def _fill(session: Session) -> None:
    """Replay the journal into tables that are newer than it: what they say follows from operations recorded long ago."""
    from karnet.journal import rebuilding

    session.say("filling new tables from the journal")
    with counting(session, "operations") as progress:
        found = rebuilding.repair(progress)
    for table in found.tables:
        if table.different:
            session.say(f"{table.table}: {table.different:,} rows put right")
    if found.stopped is not None:
        session.say("the journal cannot be replayed: `karnet rebuild --check` says where it stops")


def found(installation: Installation) -> None:
    """Make the log's signing key and record the log's first operation, unless they are there."""
    ensure_log_key(installation)
    boot(installation, Role.APP)
    from karnet.journal.founding import found_server  # Needs Django's models.

    found_server(installation.name, clock.now())
