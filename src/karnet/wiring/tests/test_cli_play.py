"""`karnet play` and `karnet demo` as programs: what they print, how they end, and what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from karnet.wiring import postgres
from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation

GOLDEN = Path(__file__).parents[4] / "scenarios" / "golden"
KARNET = [sys.executable, "-m", "karnet.wiring.cli"]

Karnet = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def karnet(made: Installation) -> Karnet:
    """Run `karnet` on an installation of its own whose cluster is made."""

    def run(*arguments: str | Path, entered: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*KARNET, *map(str, arguments)],
            input=entered,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KARNET_DATA": str(made.path)},
        )

    return run


def test_a_scenario_is_played_and_played_again_with_the_same_outcomes(karnet: Karnet) -> None:
    assert karnet("init").returncode == Exit.OK
    first = karnet("play", "--strict", GOLDEN / "n-a.jsonl")
    assert first.returncode == Exit.OK, first.stderr
    outcomes = list(map(json.loads, first.stdout.splitlines()))
    assert [outcome["line"] for outcome in outcomes] == list(range(1, len(outcomes) + 1))
    assert outcomes[-1]["facilities"]["A"]["time"] == "49.23"
    assert karnet("play", "-", entered=(GOLDEN / "n-a.jsonl").read_text()).stdout == first.stdout
    wrong = karnet("play", "-", entered=(GOLDEN / "n-a.jsonl").read_text().replace('"49.23"', '"49.24"'))
    assert wrong.returncode == Exit.REFUSED
    assert f'line {len(outcomes)}: facilities.A.time: expected "49.24", got "49.23"' in wrong.stderr
    unforeseen = karnet("play", "--strict", "-", entered='{"do":"inspect","at":"2026-01-18T00:00:00Z","card":"9"}\n')
    assert unforeseen.returncode == Exit.REFUSED
    assert "line 1: refused: unknown_medium" in unforeseen.stderr


def test_mistakes_are_told_with_their_lines_and_nothing_is_played(karnet: Karnet, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text((GOLDEN / "n-a.jsonl").read_text() + '{"do": "scn"}\n{}\n')
    # There is no database yet: the file alone is looked at.
    for checking in ([], ["--check"]):
        told = karnet("play", *checking, file)
        assert told.returncode == Exit.USAGE
        assert told.stdout == ""
        assert f"{file}: line 36: do: there is no step 'scn'; did you mean 'scan'?" in told.stderr
        assert "2 mistake(s); nothing was played" in told.stderr
    problem = json.loads(karnet("play", "--json", file).stdout)
    assert problem["problem"]["code"] == "bad-scenario"
    assert [line["line"] for line in problem["lines"]] == [36, 37]
    assert karnet("play", "--check", GOLDEN / "n-a.jsonl").returncode == Exit.OK
    missing = karnet("play", tmp_path / "missing.jsonl")
    assert missing.returncode == Exit.USAGE
    assert "No such file" in missing.stderr


def test_the_demo_writes_its_day_as_a_scenario(karnet: Karnet) -> None:
    written = karnet("demo", "--write", "-", "--skiers", "30", "--seed", "4")
    assert written.returncode == Exit.OK, written.stderr
    assert karnet("play", "--check", "-", entered=written.stdout).returncode == Exit.OK


def test_the_demo_does_not_touch_an_installation_that_is_not_its_own(karnet: Karnet) -> None:
    refused = karnet("demo", "--once")
    assert refused.returncode == Exit.INSTALLATION
    assert "was not made by the demo" in refused.stderr


def demo(place: Path, *arguments: str) -> list[str]:
    return [*KARNET, "demo", "--once", "--data", str(place / "demo"), *arguments]


def test_the_demo_ends_by_itself_and_plays_the_next_day_when_run_again(place: Path) -> None:
    for day in (17, 18):
        done = subprocess.run(
            demo(place, "--skiers", "25", "--json"), capture_output=True, text=True, check=False, env=_bare()
        )
        assert done.returncode == Exit.OK, done.stderr
        assert f"{day} January 2026" in done.stderr
        told = json.loads(done.stdout)
        assert told["sound"]
        assert told["day"]["surprises"] == []
    assert postgres.status(Installation.load(place / "demo", environment={})) is None


def killed_amid(place: Path, how: signal.Signals) -> int:
    """Start a demo and end it while it plays; return its exit code."""
    running = subprocess.Popen(
        demo(place, "--skiers", "300"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_bare()
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "skiers come" in line:
            break
    with psycopg.connect(postgres.dsn(Installation.load(place / "demo", environment={})), autocommit=True) as looking:
        while looking.execute("SELECT count(*) FROM journal_operation").fetchone() < (200,):
            assert running.poll() is None, "the day was over before it could be interrupted"
    running.send_signal(how)
    running.communicate()
    return running.returncode


def goes_on(place: Path) -> bool:
    again = subprocess.run(demo(place, "--json"), capture_output=True, text=True, check=False, env=_bare())
    assert again.returncode == Exit.OK, again.stderr
    assert "going on with 17 January" in again.stderr
    return bool(json.loads(again.stdout)["sound"])


def test_an_interrupted_demo_stops_what_it_started_and_goes_on_when_run_again(place: Path) -> None:
    assert killed_amid(place, signal.SIGINT) == Exit.INTERRUPTED
    assert postgres.status(Installation.load(place / "demo", environment={})) is None
    assert goes_on(place)


def test_a_demo_that_was_killed_goes_on_when_run_again(place: Path) -> None:
    assert killed_amid(place, signal.SIGKILL) == -signal.SIGKILL
    assert goes_on(place)
    assert postgres.status(Installation.load(place / "demo", environment={})) is None


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("KARNET_")}
