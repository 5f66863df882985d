"""Every command of docs/operating/common-card.md, in its order, on real servers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import key_file
from karnet.wiring.network.servers import Server, free_port, until
from karnet.wiring.tests.conftest import _shelf

PAGE = Path(__file__).parents[2] / "docs" / "operating" / "common-card.md"
COMMAND = re.compile(r"^(?P<server>\w+)\$ (?P<command>karnet .+)$", re.M)
NEW_KEY = "karnet federation key replace > "
# What ends otherwise than with 0, and why that is right here.
ENDS_WITH = {"karnet federation release jawor.example/log": 1}  # it is in no quarantine


@pytest.fixture
def servers() -> Iterator[dict[str, Server]]:
    place = Path(tempfile.mkdtemp(prefix="kd-", dir=_shelf()))
    place.chmod(0o711)
    made = {name: Server(place / name, "") for name in ("hub", "jawor")}
    yield made
    for server in reversed(made.values()):
        server.stop()
    for record in place.rglob("cluster.json"):
        postgres.remove(Installation.load(record.parent, environment={}))
    shutil.rmtree(place, ignore_errors=True)


def test_every_command_of_the_page_works(servers: dict[str, Server]) -> None:
    ports = {"8443": str(free_port()), "8444": str(free_port())}
    commands = [(found["server"], found["command"]) for found in COMMAND.finditer(PAGE.read_text())]
    assert len(commands) > 10
    for name, written in commands:
        server = servers[name]
        if written == "karnet serve":
            _own_port(server)
            server.serve()
            until(
                lambda: _run(servers["hub"], "karnet federation status", ports).returncode == 0, "the card to be well"
            )
        elif written == "karnet federation recover":
            server.stop()
            done = _run(server, written, ports)
            assert "has all" in done.stderr, done.stderr  # nothing was lost here; tests/network has what was
            server.serve()
        else:
            if written.startswith(NEW_KEY):
                _lose_key(server, written, ports)
            done = _run(server, written, ports)
            assert done.returncode == ENDS_WITH.get(written, 0), f"{name}$ {written}\n{done.stdout}{done.stderr}"


def _run(server: Server, written: str, ports: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, the hub at addresses of this machine."""
    command = re.sub(r"hub\.tatry\.example|0\.0\.0\.0", "127.0.0.1", written)
    command = command.replace("--from archive", f"--from {server.path}/archive")
    for port, own in ports.items():
        command = command.replace(port, own)
    karnet = f'karnet() {{ "{sys.executable}" -P -m karnet.wiring.cli "$@" --data "{server.path}"; }}'
    return subprocess.run(
        ["bash", "-c", f"{karnet}\n{command}"],
        input="y\n",
        text=True,
        capture_output=True,
        cwd=server.path.parent,
        check=False,
    )


def _lose_key(server: Server, written: str, ports: dict[str, str]) -> None:
    server.stop()
    key_file(server.installation).unlink()
    server.serve()
    until(lambda: _run(server, written, ports).returncode == 0, "the hub to hold all")


def _own_port(server: Server) -> None:
    file = server.path / "karnet.toml"
    file.write_text(re.sub(r"^port = \d+$", f"port = {free_port()}", file.read_text(), flags=re.M))
