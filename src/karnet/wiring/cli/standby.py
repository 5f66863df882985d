"""`karnet standby`: copies of the database that follow it, and one that takes over."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_group
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@karnet_group(
    examples="""
    karnet standby make /mnt/other/karnet           a copy of this installation's database that follows it
    karnet serve standby --data /mnt/other/karnet   run it
    karnet standby quorum on                        acknowledge only what is on the standby's disk, too
    karnet standby status
    karnet standby promote --data /mnt/other/karnet the primary is lost: take over
    karnet standby rejoin                           the old primary comes back, as a standby
    """
)
def command() -> None:
    """Copies of the database that follow it, one of which can take over (docs/operating/standby.md)."""


@command.command("make", examples="karnet standby make /mnt/other/karnet --with-keys")
@click.argument("directory", type=_DIRECTORY)
@click.option("--with-keys", is_flag=True, help="Copy the signing keys, too: then it can take over wholly by itself.")
@click.pass_obj
def make(session: Session, directory: Path, with_keys: bool) -> None:
    """Make DIRECTORY a standby of this installation: its database's files and settings, not its keys unless asked."""
    from karnet.wiring import standby
    from karnet.wiring.postgres import running

    installation = session.installation()
    with running(installation, progress=session.say):
        made = standby.make(installation, directory.expanduser().absolute(), with_keys=with_keys, say=session.say)
    session.answer(
        {"standby": str(made.path), "with_keys": with_keys},
        f"{made.path} is a standby of {installation.path}.\n"
        f"Run it with `karnet serve standby --data {made.path}`, and start `karnet serve` here anew: its processes then "
        "know both addresses.",
    )


@command.command("status", examples="karnet standby status --json | jq .standbys")
@click.pass_obj
def status(session: Session) -> Exit:
    """Show who follows, how far behind, and whether commits wait. Ends with 1 if something has to be done."""
    import psycopg

    from karnet.wiring.postgres.standby import record_of
    from karnet.wiring.postgres.standing import standing
    from karnet.wiring.postgres.telling import told

    cluster = record_of(session.installation())
    try:
        found = standing(cluster)
    except psycopg.Error as error:
        raise InstallationProblem(
            "database-unreachable",
            f"The database in {cluster.data} does not answer: {str(error).strip()}",
            "Start it (`karnet serve`, at a standby `karnet serve standby`). If it cannot be started, see "
            "docs/operating/incidents.md.",
        ) from error
    lines, well = told(found)
    marks = {"✓": click.style("✓", fg="green"), "✗": click.style("✗", fg="red")}
    text = "\n".join(marks.get(line[0], line[0]) + line[1:] for line in lines)
    session.answer({"well": well, **msgspec.structs.asdict(found)}, text)
    return Exit.OK if well else Exit.REFUSED


@command.command("quorum", examples="karnet standby quorum on")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.pass_obj
def quorum(session: Session, state: str) -> None:
    """Acknowledge only what is on the disk of one standby, too (on), or go on without (off)."""
    from karnet.wiring.postgres import running
    from karnet.wiring.postgres.standby import set_quorum

    installation = session.installation()
    with running(installation, progress=session.say):
        set_quorum(installation, state == "on")
    session.answer(
        {"quorum": state == "on"},
        "Nothing is acknowledged any more that is not on a standby's disk, too."
        if state == "on"
        else "Commits wait for no standby: what is acknowledged from now on is lost with this machine.",
    )


@command.command("promote", examples="karnet standby promote --data /mnt/other/karnet")
@click.option("--switch", is_flag=True, help="The old primary works: stop it in order first, then take over.")
@click.pass_obj
def promote(session: Session, switch: bool) -> None:
    """Make this standby the primary. Refuses while the old one answers; where it can be reached, fences it."""
    from karnet.wiring import standby

    installation = session.installation()
    lacks = standby.promote(installation, switch=switch, say=session.say)
    session.answer(
        {"primary": str(installation.path), "missing": lacks},
        "\n".join([f"{installation.path} is the primary now.", *(f"! {sentence}" for sentence in lacks)]),
    )


@command.command("fence", examples="karnet standby fence")
@click.pass_obj
def fence(session: Session) -> None:
    """Stop this primary for good, so that a standby may take over: it never starts again as it is."""
    from karnet.wiring import standby

    installation = session.installation()
    standby.fence(installation, session.say)
    session.answer(
        {"fenced": str(installation.path)},
        f"{installation.path} is fenced. Promote a standby; `karnet standby rejoin` lets this one follow it.",
    )


@command.command("rejoin", examples="karnet standby rejoin --data /srv/karnet")
@click.option(
    "--primary", "directory", type=_DIRECTORY, help="The new primary's installation (default: ask its peers)."
)
@click.pass_obj
def rejoin(session: Session, directory: Path | None) -> None:
    """Make a fenced primary a standby of the new one: wound back to where they part, or copied anew."""
    from karnet.wiring import standby

    installation = session.installation()
    primary = None if directory is None else Installation.load(directory)
    rewound = standby.rejoin(installation, primary, session.say)
    how = "its files were wound back" if rewound else "all files were copied"
    session.answer(
        {"standby": str(installation.path), "rewound": rewound},
        f"{installation.path} is a standby now ({how}). Run it with `karnet serve standby`.",
    )


@command.command("forget", examples="karnet standby forget karnet_1a2b3c4d")
@click.argument("name")
@click.pass_obj
def forget(session: Session, name: str) -> None:
    """Forget a standby that is lost for good; its name is in `karnet standby status`."""
    from karnet.wiring.postgres import running
    from karnet.wiring.postgres.standby import forget

    installation = session.installation()
    with running(installation, progress=session.say):
        forget(installation, name)
    session.answer({"forgotten": name}, f"{name} is forgotten.")
