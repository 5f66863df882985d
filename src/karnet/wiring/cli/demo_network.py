"""`karnet demo --network`: where it lives, what it prints, and leaving it up."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path

from karnet.wiring import postgres
from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session
from karnet.wiring.demo.common_card import Weekend, play_weekend
from karnet.wiring.installation import Installation, data_directory
from karnet.wiring.network.servers import Card
from karnet.wiring.problem import InstallationProblem, explained

_MARK = "network-demo"


def weekend(session: Session, *, once: bool, skiers: int, seed: int) -> Exit:
    """Play the weekend, print what it came to, and without `once` leave all servers up until Ctrl-C."""
    place = _fresh_place(session.data)
    session.say(f"the demo's installations are in {place}")
    began = time.monotonic()

    def say(what: str) -> None:
        session.say(f"{time.monotonic() - began:5.0f} s  {what}")

    def stay(card: Card) -> None:
        addresses = {server.name: server.installation.config.http.port for server in card.servers}
        told = [f"{name}  http://127.0.0.1:{port}" for name, port in addresses.items()]
        session.line({"ready": addresses}, "\n".join([*told, "Ctrl-C stops everything."]))
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()

    found = play_weekend(
        place,
        say,
        seed=seed,
        skiers=skiers,
        shown=lambda weekend: session.answer(_as_data(weekend), _in_words(weekend)),
        stay=None if once else stay,
    )
    if once and found.sound:
        _remove(place)
    return Exit.OK if found.sound else Exit.REFUSED


def _in_words(found: Weekend) -> str:
    lines = [
        f"{found.steps:,} steps played at three servers, {found.refused:,} refused as they should or for want of a link"
    ]
    if found.latencies_s:
        lines.append(
            f"from the sale at Jawor to the first passage at Polana: p50 {found.quantile(0.5):.2f} s,"
            f" p99 {found.quantile(0.99):.2f} s ({len(found.latencies_s)} cards)"
        )
    lines.append(f"the cut: {', '.join(f'{log} {size:,}' for log, size in sorted(found.cut.items()))}")
    lines += [f"{digest}  {name}" for name, digest in found.hashes.items()]
    lines += [f"! {fault}" for fault in found.faults]
    lines.append("Four servers, one settlement." if found.sound else "NOT as it should be.")
    return "\n".join(lines)


def _as_data(found: Weekend) -> dict[str, object]:
    latency = {"p50_s": found.quantile(0.5), "p99_s": found.quantile(0.99)} if found.latencies_s else {}
    return {
        "steps": found.steps,
        "refused": found.refused,
        "sale_to_passage": {**latency, "cards": len(found.latencies_s)},
        "incidents": found.incidents,
        "cut": found.cut,
        "settlements": found.hashes,
        "faults": found.faults,
        "sound": found.sound,
    }


def _fresh_place(named: Path | None) -> Path:
    usual = data_directory(named)
    chosen = named is not None or bool(os.environ.get("KARNET_DATA"))
    place = usual if chosen else usual.with_name(f"{usual.name}-network-demo")
    if place.exists():
        if any(place.iterdir()) and not (place / _MARK).exists():
            raise InstallationProblem(
                "not-a-demo", f"{place} was not made by this demo.", "Name a directory that does not exist with --data."
            )
        _remove(place)
    with explained("create", place):
        place.mkdir(parents=True, mode=0o711)
        place.chmod(0o711)
        (place / _MARK).touch()
    return place


def _remove(place: Path) -> None:
    for file in place.glob("*/cluster.json"):
        postgres.remove(Installation.load(file.parent, environment={}))
    shutil.rmtree(place, ignore_errors=True)
