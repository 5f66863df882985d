"""Where the demo lives, and which day it plays next: an installation of its own, so that nothing real is touched."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import msgspec

from karnet.wiring.demo import network
from karnet.wiring.files import write_atomically
from karnet.wiring.installation import CONFIG_FILE, Installation, data_directory
from karnet.wiring.problem import InstallationProblem, explained

NAME = "karnet.demo/log"
MARK = "demo.json"
FIRST_DAY = date(2026, 1, 17)
_PORTS_TRIED = 20


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the demo: what it is generated from. `done`: it was played to its end."""

    day: date
    seed: int
    skiers: int
    done: bool = False


class Diary(msgspec.Struct, frozen=True):
    """The days this demo has played, in order; its file also marks the installation as a demo."""

    days: tuple[Day, ...] = ()

    def next(self, seed: int, skiers: int) -> Day:
        """Return the day to play: the one that was interrupted, as it was, else a new one."""
        if not self.days:
            return Day(day=FIRST_DAY, seed=seed, skiers=skiers)
        last = self.days[-1]
        if not last.done:
            return last
        day = last.day + timedelta(days=1)
        if day > network.season(FIRST_DAY)[1]:
            raise InstallationProblem(
                "demo-over",
                f"The demo's season ended on {last.day}: every day of it was played.",
                "Delete the demo's directory and start again, or name another one with --data.",
            )
        return Day(day=day, seed=seed, skiers=skiers)

    def noting(self, day: Day) -> Diary:
        """Return the diary with a day begun, or changed."""
        return Diary((*(other for other in self.days if other.day != day.day), day))


def demo_directory(path: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """Return the demo's data directory: the one named with --data or KARNET_DATA, else one beside the usual place."""
    environment = os.environ if environment is None else environment
    named = data_directory(path, environment)
    return named if path is not None or environment.get("KARNET_DATA") else named.with_name(f"{named.name}-demo")


def demo_installation(path: Path) -> Installation:
    """Make the demo's installation, or return the one that is there. Raises InstallationProblem for one of another kind."""
    if (path / CONFIG_FILE).exists() and not (path / MARK).exists():
        raise InstallationProblem(
            "not-a-demo",
            f"The installation in {path} was not made by the demo, and the demo's day must not get into its record.",
            "Run `karnet demo --data DIR` with a directory that does not exist yet.",
        )
    with explained("create", path):
        path.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    if not (path / MARK).exists():
        write_diary(path, Diary())
    return Installation.create(path, name=NAME)


def read_diary(path: Path) -> Diary:
    """Return the demo's diary. Raises InstallationProblem for a file that is damaged."""
    file = path / MARK
    try:
        with explained("read", file):
            return msgspec.json.decode(file.read_bytes(), type=Diary)
    except msgspec.DecodeError as error:
        raise InstallationProblem(
            "bad-demo", f"{file} cannot be read: {error}.", f"Delete {path} and start the demo again."
        ) from error


def write_diary(path: Path, diary: Diary) -> None:
    """Keep the diary."""
    with explained("write in", path):
        write_atomically(path / MARK, msgspec.json.encode(diary) + b"\n")


def free_port(host: str, wanted: int) -> int:
    """Return the wanted port, or if something listens there already, the next free one."""
    for port in range(wanted, wanted + _PORTS_TRIED):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    return wanted
