"""Many at work at once, a sealer among them, and somebody is killed by chance, again and again."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from karnet.journal.sealing import Busy
from karnet.kernel import canonical
from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from tests.durability import story
from tests.durability.killing import Lost, Victim, fork, in_child, wait_for
from tests.durability.record import assert_sound, seal

pytestmark = pytest.mark.durability

ROUNDS, CLIENTS, STORIES = 6, 3, 8


def test_whoever_is_killed_in_a_storm_nothing_is_lost_or_doubled(
    home: Installation, tmp_path: Path, chance: random.Random
) -> None:
    sold = in_child(home, story.product)
    told: dict[str, list[bytes]] = {}
    for round_ in range(ROUNDS):
        names = [[f"storm-{round_}-{client}-{n}" for n in range(STORIES)] for client in range(CLIENTS)]
        files = [tmp_path / f"{round_}-{client}" for client in range(CLIENTS)]
        with postgres.running(home):
            _storm(home, chance, [lambda n=n, f=f: _tell_all(n, sold, f) for n, f in zip(names, files, strict=True)])
            for file in files:
                for who, answer in _acknowledged(file):
                    told.setdefault(who, []).append(answer)
        with postgres.running(home):
            flat = [name for client in names for name in client]
            again = in_child(home, lambda flat=flat: [_tell_again(name, sold) for name in flat])
            for name, (answers, state) in zip(flat, again, strict=True):
                assert answers[: len(told.get(name, []))] == told.get(name, []), name
                assert state == story.WHOLE, name
    in_child(home, lambda: assert_sound(home))
    assert told, "nobody ever finished a step: the storm was too fierce to show anything"


def _storm(home: Installation, chance: random.Random, actions: list[Any]) -> None:
    """Run clients and a sealer, kill one of them, a server process or the whole server, and wait for what is left."""
    clients = [fork(home, action) for action in actions]
    sealer = fork(home, lambda: _seal_for_ever(home))
    time.sleep(chance.uniform(0.05, 0.8))
    victim = chance.choice([Victim.CLIENT, Victim.BACKEND, Victim.POSTMASTER, "sealer"])
    if victim in (Victim.BACKEND, Victim.POSTMASTER):
        postmaster = postgres.status(home)
        assert postmaster is not None
        pids = [postmaster.pid] if victim == Victim.POSTMASTER else _backends(postmaster.pid)
        os.kill(chance.choice(pids), signal.SIGKILL)
    else:
        os.kill(sealer[0] if victim == "sealer" else chance.choice(clients)[0], signal.SIGKILL)
    for client in clients:
        _ended(*client)
    os.kill(sealer[0], signal.SIGKILL)
    _ended(*sealer)


def _ended(child: int, reading: int) -> None:
    try:
        wait_for(child, reading)
    except Lost:
        return


def _backends(postmaster: int) -> list[int]:
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [int(pid) for pid in children]


def _tell_all(names: list[str], sold: Any, file: Path) -> None:
    with file.open("ab", buffering=0) as book:
        for name in names:
            for answer in story.tell(name, sold):
                book.write(name.encode() + b" " + canonical.encode(answer) + b"\n")


def _tell_again(name: str, sold: Any) -> tuple[list[bytes], story.State]:
    return [canonical.encode(answer) for answer in story.tell(name, sold)], story.state(name)


def _acknowledged(file: Path) -> list[tuple[str, bytes]]:
    if not file.exists():
        return []
    lines = [line.split(b" ", 1) for line in file.read_bytes().splitlines()]
    return [(who.decode(), answer) for who, answer in lines]


def _seal_for_ever(home: Installation) -> None:
    while True:
        try:
            seal(home)
        except Busy:
            time.sleep(0.05)
        time.sleep(0.01)
