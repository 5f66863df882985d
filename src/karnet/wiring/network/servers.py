"""Servers of a common card as this process sees them: installations, their `karnet serve`, their hands, their links."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec

from karnet.wiring.card_keys import hub_link, save_hub_link
from karnet.wiring.installation import Installation
from karnet.wiring.network.links import Link
from karnet.wiring.postgres import load_cluster
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.serve.report import State, read_report

KARNET = (sys.executable, "-P", "-m", "karnet.wiring.cli")
_MAY_TAKE_S = 180.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on now, below those that connections are given by chance."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def karnet(path: Path, *arguments: str, given: str = "", succeed: bool = True) -> str:
    """Run a `karnet` command on the installation at `path`; return its answer. Raises InstallationProblem if it fails."""
    done = subprocess.run(
        [*KARNET, *arguments, "--data", str(path)],
        input=given,
        text=True,
        capture_output=True,
        env=_environment(),
        check=False,
    )
    if succeed and done.returncode:
        raise InstallationProblem(
            "command-failed",
            f"`karnet {' '.join(arguments)}` in {path.name} ended with {done.returncode}: {done.stderr or done.stdout}",
            f"Look into {path / 'logs'}.",
        )
    return done.stdout


class Server:
    """One server: its installation at `path`, and while they run, its `karnet serve` and its hand."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.links: list[Link] = []
        self._served: subprocess.Popen[str] | None = None
        self._hand: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def installation(self) -> Installation:
        """The installation as it is configured now."""
        return Installation.load(self.path, environment={})

    def make(self) -> None:
        """Make the installation, unless it is there, at a free port of its own."""
        if (self.path / "karnet.toml").exists():
            return
        karnet(self.path, "init", "--name", self.name)
        file = self.path / "karnet.toml"
        file.write_text(re.sub(r"^port = \d+$", f"port = {free_port()}", file.read_text(), flags=re.M))

    def serve(self) -> None:
        """Start `karnet serve` and wait until it is ready."""
        log = (self.path / "logs" / "serve.out").open("ab")
        self._served = subprocess.Popen(
            [*KARNET, "serve", "--data", str(self.path)],
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
            env=_environment(),
            start_new_session=True,
        )
        log.close()
        assert self._served.stdout is not None
        line = self._served.stdout.readline()
        if not line.startswith("ready"):
            raise InstallationProblem(
                "not-served", f"{self.name} does not start.", f"Look into {self.path / 'logs' / 'serve.out'}."
            )

    def stop(self) -> None:
        """Stop the hand, then everything in order."""
        self.put_hand_down()
        if self._served is not None:
            self._served.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._served.wait(60)
            self._served.kill()
            self._served.wait()
            self._served = None

    def kill(self, role: str) -> int:
        """Kill the process of a role (kill -9, not its children); return its number."""
        report = read_report(self.installation, role)
        assert report is not None, f"{role} of {self.name} never ran"
        os.kill(report.pid, signal.SIGKILL)
        return report.pid

    def wait_for(self, role: str, *, other_than: int = 0) -> None:
        """Wait until the process of a role runs (again)."""

        def runs() -> bool:
            report = read_report(self.installation, role)
            return report is not None and report.state is State.RUNNING and report.pid != other_than

        until(runs, f"{role} of {self.name}")

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Let the hand do something; return its answer. One after the other; threads wait for their turn."""
        with self._lock:
            hand = self._hand or self._take_up_hand()
            assert hand.stdin is not None
            assert hand.stdout is not None
            hand.stdin.write(msgspec.json.encode({"do": do, **arguments}) + b"\n")
            hand.stdin.flush()
            line = hand.stdout.readline()
        if not line:
            raise InstallationProblem(
                "hand-ended", f"The hand at {self.name} has ended while it should {do}.", "See what it printed above."
            )
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer

    def put_hand_down(self) -> None:
        """End the hand; the next `ask` takes up another."""
        with self._lock:
            hand, self._hand = self._hand, None
        if hand is not None and hand.stdin is not None:
            with suppress(BrokenPipeError):
                hand.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                hand.wait(30)
            hand.kill()
            hand.wait()

    def _take_up_hand(self) -> subprocess.Popen[bytes]:
        self._hand = subprocess.Popen(
            [sys.executable, "-P", "-m", "karnet.wiring.network.hand", str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        return self._hand

    def cut(self) -> None:
        """Cut this member off from the hub."""
        for link in self.links:
            link.cut()

    def mend(self) -> None:
        """Connect this member with the hub again."""
        for link in self.links:
            link.mend()


class Card:
    """A hub and members in directories below `place`. As a context it ends everything that runs."""

    def __init__(
        self,
        place: Path,
        members: Sequence[str],
        *,
        nodes: int = 2,
        domain: str = "example",
        link: Callable[[tuple[str, int]], Link] = Link,
    ) -> None:
        self.hub = Server(place / "hub", f"{domain}/hub")
        self.members = {name: Server(place / name, f"{domain}/{name}") for name in members}
        self._nodes, self._link = nodes, link

    @property
    def servers(self) -> list[Server]:
        """The hub and the members."""
        return [self.hub, *self.members.values()]

    def __enter__(self) -> Card:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:  # Each is stopped, whatever happens to the others; the hub last.
            for server in self.servers:
                stack.callback(server.stop)
                for link in server.links:
                    stack.callback(link.close)

    def make(self, say: Callable[[str], None]) -> None:
        """Make the installations, the hub with its nodes, and join the members: what docs/operating tells people."""
        say(f"making {len(self.servers)} installations, each with a database of its own")
        at_once([server.make for server in self.servers], 2)
        places = [f"127.0.0.1:{free_port()}" for _ in range(self._nodes)]
        addresses = [argument for place in places for argument in ("--address", f"https://{place}")]
        listen = [argument for place in places for argument in ("--listen", place)]
        karnet(self.hub.path, "hub", "init", *addresses, *listen)
        say(f"the hub answers at {' and '.join(places)}")
        self.hub.serve()
        for server in self.members.values():
            self.join(server)
            say(f"{server.name} has joined by invitation")
        at_once([server.serve for server in self.members.values()], 2)

    def join(self, server: Server) -> None:
        """Invite a server and let it join, then put links that can be cut between it and the hub's nodes."""
        from karnet.federation.membership.fingerprints import key_words
        from karnet.wiring.log_keys import verifier_key

        invitation = karnet(self.hub.path, "federation", "invite", server.name)
        words = key_words(verifier_key(self.hub.installation).format())
        karnet(server.path, "federation", "join", "-", "--hub-words", words, given=invitation)
        link = hub_link(server.installation)
        targets = [address.removeprefix("https://").rpartition(":") for address in link.addresses]
        server.links = [self._link((host, int(port))) for host, _, port in targets]
        addresses = tuple(one.address for one in server.links)
        save_hub_link(server.installation, msgspec.structs.replace(link, addresses=addresses))

    def settled_cut(self, wait_s: float = _MAY_TAKE_S) -> dict[str, int]:
        """Wait until everything recorded anywhere is sealed and applied everywhere; return the cut over it."""

        def cut() -> dict[str, int] | None:
            told = [server.ask("logs") for server in self.servers]
            same = all(one["applied"] == told[0]["applied"] and not one["unsealed"] for one in told)
            return told[0]["applied"] if same else None

        found: dict[str, int] = until(cut, lambda: f"all to agree: {self.where()}", wait_s)
        return found

    def where(self) -> dict[str, Any]:
        """Return how far everybody is, for messages."""
        return {server.name: server.ask("logs") for server in self.servers}


def until(condition: Callable[[], Any], what: str | Callable[[], str], wait_s: float = _MAY_TAKE_S) -> Any:
    """Wait for something true and return it. Raises InstallationProblem after a time no machine should need."""
    end = time.monotonic() + wait_s
    while not (found := condition()):
        if time.monotonic() > end:
            told = what if isinstance(what, str) else what()
            raise InstallationProblem("waited", f"Waited in vain for {told}.", "Look into the servers' logs.")
        time.sleep(0.1)
    return found


def at_once(jobs: Sequence[Callable[[], None]], width: int) -> None:
    """Run jobs, some at once; raise the first problem."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(width) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()


def copy_cluster(server: Server, to: Path) -> None:
    """Copy the stopped database of a server: a backup as people make them."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", str(_data_of(server)), str(to)], check=True)


def restore_cluster(server: Server, backup: Path) -> None:
    """Put a backup in the place of a server's stopped database."""
    data = _data_of(server)
    shutil.rmtree(data)
    subprocess.run(["cp", "-a", str(backup), str(data)], check=True)


def _data_of(server: Server) -> Path:
    cluster = load_cluster(server.installation)
    assert cluster is not None, f"{server.name} has a database of its own"
    return cluster.data


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG", "DATABASE_URL"))}
    if "KARNET_DEBUG" in os.environ:
        kept["KARNET_DEBUG"] = os.environ["KARNET_DEBUG"]
    return kept
