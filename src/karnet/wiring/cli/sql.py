"""`karnet sql`."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import click
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.postgres import Role, dsn, running
from karnet.wiring.postgres.software import client_program

_ROLES = {"read": Role.READ, "app": Role.APP, "owner": Role.OWNER, "superuser": Role.SUPERUSER}


@karnet_command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
    examples="""
    karnet sql                                         look around; nothing can be changed
    karnet sql -c 'SELECT count(*) FROM journal_entry'
    karnet sql --role owner -- --file repair.sql       everything after -- goes to psql
    """,
)
@click.option("--role", type=click.Choice(list(_ROLES)), default="read", show_default=True, help="The database role.")
@click.option("--database", metavar="NAME", help="Another database of the same server.")
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(session: Session, role: str, database: str | None, psql_arguments: tuple[str, ...]) -> Exit:
    """Open psql on the installation's database, read-only unless --role says otherwise.

    Options that `karnet sql` does not know are passed to psql. Ends with 1 if psql ends with an error.
    """
    installation = session.installation()
    program = client_program("psql")
    with running(installation, progress=session.say):
        parts: dict[str, Any] = conninfo_to_dict(dsn(installation, _ROLES[role], database))
        # A password on the command line would be seen by every user of the machine.
        environment = {**os.environ, "PGPASSWORD": str(parts.pop("password", None) or "")}
        before = signal.signal(signal.SIGINT, lambda number, frame: None)  # Ctrl-C is psql's: it cancels the query.
        try:
            address = f"--dbname={make_conninfo(**parts)}"
            code = subprocess.run([program, address, *psql_arguments], env=environment, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
    return Exit.OK if code == 0 else Exit.REFUSED
