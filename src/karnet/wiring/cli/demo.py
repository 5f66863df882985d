"""`karnet demo`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time as wall_time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command

if TYPE_CHECKING:
    from karnet.wiring.demo.place import Day
    from karnet.wiring.installation import Installation

SEED, SKIERS, NETWORK_SKIERS = 2026, 2000, 150


@karnet_command(
    examples="""
    karnet demo                         a day and its proof; then the server stays up, and the next day runs live
    karnet demo --once                  the same, and ends
    karnet demo --once --skiers 100     a quiet day
    karnet demo --write day.jsonl       only write the day as a scenario for `karnet play`
    karnet demo --network --once        a weekend on four servers: a hub with two nodes, and one for each facility
    """
)
@click.option("--network", is_flag=True, help="A weekend on a hub and three servers, with what goes wrong in life.")
@click.option("--once", is_flag=True, help="End after the day; do not leave the server running.")
@click.option(
    "--skiers",
    type=click.IntRange(1, 20_000),
    help=f"How many come a day (default: {SKIERS}; with --network {NETWORK_SKIERS}).",
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="The same seed makes the same day.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the day as a scenario (- for standard output) and end.",
)
@click.pass_obj
def command(session: Session, network: bool, once: bool, skiers: int | None, seed: int, write: Path | None) -> Exit:
    """Play a ski day on three facilities of one card, then settle it and prove the record.

    The demo has an installation of its own, in a directory it prints; --data or KARNET_DATA chooses another. Run again
    it plays the next day; interrupted, it goes on from where it was. Delete the directory to forget it all. Ends with
    1 if anything came out otherwise than it should.
    """
    if network:
        from karnet.wiring.cli.demo_network import weekend

        return weekend(session, once=once, skiers=skiers or NETWORK_SKIERS, seed=seed)
    skiers = skiers or SKIERS
    if write is not None:
        _write(write, seed, skiers)
        return Exit.OK
    from karnet.wiring.cli.init import migrate
    from karnet.wiring.demo.place import demo_directory, demo_installation, read_diary, write_diary

    session.data = demo_directory(session.data)
    installation = demo_installation(session.data)
    diary = read_diary(session.data)
    day = diary.next(seed, skiers)
    session.say(f"the demo's installation is in {session.data}")
    if day in diary.days:
        session.say(f"going on with {day.day:%d %B}, which was interrupted")
    write_diary(session.data, diary.noting(day))
    from karnet.wiring.postgres import running

    with running(installation, progress=session.say):
        migrate(session, installation)
        code = _play(session, installation, day)
        write_diary(session.data, diary.noting(msgspec.structs.replace(day, done=True)))
        if not once:
            _serve(session, installation, day)
    return code


def _write(file: Path, seed: int, skiers: int) -> None:
    from karnet.wiring.demo.day import whole

    with click.open_file(str(file), "wb") as target:
        for step in whole(seed, skiers):
            target.write(msgspec.json.encode(step) + b"\n")


def _play(session: Session, installation: Installation, day: Day) -> Exit:
    from karnet.wiring.boot import boot

    boot(installation)
    from rich.console import Console

    from karnet.wiring.demo import showing
    from karnet.wiring.demo.running import play_day

    session.say(f"{day.skiers:,} skiers come to Jawor, Kopa and Polana on {day.day:%A, %d %B %Y}")
    played = play_day(installation, day, session.say, show_bar=sys.stderr.isatty())
    if session.json:
        session.answer(showing.as_data(played), "")
    else:
        showing.show(Console(), played, day)
    return Exit.OK if played.sound else Exit.REFUSED


def _serve(session: Session, installation: Installation, day: Day) -> None:
    """Leave the server running, the next day playing live on it, until somebody ends it."""
    from django.db import connection

    from karnet.journal.founding import server_id
    from karnet.wiring.clock import SHOW
    from karnet.wiring.demo import live, network
    from karnet.wiring.demo.holders import name_some
    from karnet.wiring.demo.log_ins import ensure_log_ins
    from karnet.wiring.demo.place import free_port
    from karnet.wiring.serve.supervisor import supervise

    closing = network.instant(day.day, wall_time(23, 59))
    server = server_id(installation.name)
    log_ins, password = ensure_log_ins(installation, server, closing)
    name_some(server, closing)
    connection.close()
    if "KARNET_HTTP_PORT" not in os.environ:
        http = installation.config.http
        os.environ["KARNET_HTTP_PORT"] = str(free_port(http.host, http.port))
    live.set_time(installation, closing)
    os.environ[SHOW] = str(live.show_file(installation))

    def ready(address: str) -> None:
        told = [f"{log_in.username} ({log_in.role})" for log_in in log_ins]
        session.line(
            {"ready": address, "log_ins": log_ins, "password": password},
            f"The server is up at {address}; the next day runs on it, sixty times as fast as life.\n"
            f"Log in as {', '.join(told)}; password {password}\nCtrl-C stops everything.",
        )

    with _playing_on(installation):
        supervise(session.installation(), ready)


@contextmanager
def _playing_on(installation: Installation) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "karnet.wiring.demo.live", str(installation.path)]
    # It ends when the pipe does, however this process ends. Ctrl-C at the terminal is ours.
    player = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        player.terminate()
        player.wait()
