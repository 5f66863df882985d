"""Runs the ```console blocks of a page of docs/operating and compares what the commands say with what the page shows.

`$ command` is run; the lines below it must appear in what it says, in that order (`…` stands for anything in a line). A
command must succeed, unless the page shows `✗` or `karnet:`. `… &` keeps running, `kill %1` ends the first such one.
`/srv` and `/mnt` are directories of the test's own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).parents[2]
PAGES = REPOSITORY / "docs" / "operating"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_MAY_TAKE_S = 300.0


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Return each command of a page with the lines that it is to say."""
    found: list[tuple[str, list[str]]] = []
    for block in _BLOCK.findall((PAGES / page).read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip():
                found[-1][1].append(line)
    return found


def missing(shown: list[str], said: str) -> str | None:
    """Return the first line shown by the page that is not said, in this order; None if all are."""
    lines = iter(said.splitlines())
    for line in shown:
        pattern = re.compile(".*".join(re.escape(part.rstrip()) for part in line.split("…")))
        if not any(pattern.match(candidate.strip()) for candidate in lines):
            return line
    return None


class Terminal:
    """Where a page's commands are typed, one after the other."""

    def __init__(self, place: Path, port: int) -> None:
        self._place, self._port = place, port
        for name in ("srv", "mnt"):
            (place / name).mkdir(exist_ok=True)
            (place / name).chmod(0o711)
        programs = place / "bin"
        programs.mkdir()
        (programs / "karnet").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m karnet.wiring.cli "$@"\n')
        (programs / "karnet").chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KARNET_", "DJANGO_", "PG", "DATABASE_"))}
        self._environment = {**kept, "PATH": f"{programs}:{kept['PATH']}", "KARNET_HTTP_PORT": str(port)}
        self._jobs: list[tuple[subprocess.Popen[str], IO[bytes]]] = []

    def type(self, command: str, shown: list[str]) -> None:
        """Run a command and look for what the page shows of it."""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self._environment[name] = self._here(value)
        elif command.startswith("kill %"):
            self._end(self._jobs[int(command.removeprefix("kill %")) - 1][0])
        elif command.endswith(" &"):
            self._start(command.removesuffix(" &"), shown)
        else:
            self._run(command, shown)

    def close(self) -> None:
        """End what still runs."""
        for process, output in self._jobs:
            self._end(process)
            output.close()

    def _here(self, text: str) -> str:
        return re.sub(r"/(srv|mnt)/", rf"{self._place}/\1/", text).replace("127.0.0.1:8000", f"127.0.0.1:{self._port}")

    def _there(self, text: str) -> str:
        return text.replace(str(self._place), "").replace(str(self._port), "8000")

    def _run(self, command: str, shown: list[str]) -> None:
        until = time.monotonic() + _MAY_TAKE_S
        while True:
            done = subprocess.run(
                ["bash", "-c", self._here(command)],
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            said = self._there(done.stdout)
            # What looks at a running server looks again: processes may need a moment after a promotion.
            if not command.startswith("curl ") or missing(shown, said) is None or time.monotonic() > until:
                break
            time.sleep(0.5)
        assert (lacking := missing(shown, said)) is None, f"$ {command}\nthe page shows {lacking!r}; it said:\n{said}"
        trouble = any(line.startswith(("✗", "karnet:")) for line in shown)
        assert (done.returncode != 0) is trouble, f"$ {command}\nended with {done.returncode}:\n{said}"

    def _start(self, command: str, shown: list[str]) -> None:
        path = self._place / f"job-{len(self._jobs)}"
        output = path.open("wb")
        process = subprocess.Popen(
            ["bash", "-c", f"exec {self._here(command)}"],
            cwd=REPOSITORY,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )
        self._jobs.append((process, output))
        until = time.monotonic() + _MAY_TAKE_S
        while (lacking := missing(shown, said := self._there(path.read_text()))) is not None:
            alive = process.poll() is None and time.monotonic() < until
            assert alive, f"$ {command} &\nthe page shows {lacking!r}; it said:\n{said}"
            time.sleep(0.2)

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_MAY_TAKE_S)
            finally:
                process.kill()
