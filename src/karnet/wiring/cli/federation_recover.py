"""`karnet federation recover`: after a backup was restored, get the lost entries back from the hub."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from karnet.federation.core.relaying import Inbound
from karnet.federation.http.client import HubClient
from karnet.wiring import clock
from karnet.wiring.card_keys import cosigner_key, hub_link
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.federation import command
from karnet.wiring.cli.frame import Session
from karnet.wiring.cli.progress import counting
from karnet.wiring.log_keys import own_keys


@command.command(
    "recover",
    examples="""
    karnet federation recover
    """,
)
@click.pass_obj
def recover(session: Session) -> Exit:
    """After a backup was restored: fetch this server's own log from the hub and apply what the database lacks.

    Stop `karnet serve` first. What the backup lost of other servers' logs is fetched first: own entries rest on them.
    Contents that never leave this server (cash counts) are lost unless another backup has them; the log says so itself.
    """
    link = hub_link(session.installation())
    with session.database("karnet_owner") as installation, tempfile.TemporaryDirectory() as scratch:
        from karnet.federation.relay import catch_up
        from karnet.federation.store import PostgresStore
        from karnet.wiring.log_directory import LogDirectory
        from karnet.wiring.log_fetch import fetch_log
        from karnet.wiring.log_recovery import recover_from

        directory = LogDirectory(Path(scratch) / "log")
        with counting(session, "entries fetched") as progress:
            signed = fetch_log(link, own_keys(installation), directory, progress)
        session.say("fetching what other servers sealed")
        lane = Inbound(link.addresses, lambda: 0.5, hub=link.hub, cosigner=cosigner_key(installation))
        catch_up(
            lane, PostgresStore(installation.name, clock.now), HubClient(link.certificate, link.token).call, clock.now
        )
        with counting(session, "entries") as progress:
            applied = recover_from(installation, directory, without_contents=True, progress=progress)
    session.answer(
        applied,
        f"The hub holds {signed.size:,} entries; {applied.first:,} to {applied.until - 1:,} are applied again. "
        f"The log may sign.",
    )
    return Exit.OK
