"""`karnet settlement` on an installation that has played SPEC N-a: report, verify, close, list, show, explain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from karnet.wiring import postgres
from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation

Karnet = Callable[..., "subprocess.CompletedProcess[str]"]

GOLDEN = Path(__file__).parents[4] / "scenarios" / "golden" / "n-a.jsonl"


@pytest.fixture
def karnet(made: Installation) -> Iterator[Karnet]:
    def run(*arguments: str | Path, entered: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from karnet.wiring.cli import main; main()", *arguments],
            input=entered,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KARNET_DATA": str(made.path)},
        )

    with postgres.running(made, fsync=False):
        assert run("init").returncode == Exit.OK
        played = run("play", GOLDEN)
        assert played.returncode == Exit.OK, played.stdout + played.stderr
        yield run


def test_a_report_is_shown_recomputed_closed_and_traced(karnet: Karnet, place: Path) -> None:
    shown = karnet("settlement", "report")
    assert shown.returncode == Exit.OK, shown.stderr
    first = next(line.split() for line in shown.stdout.splitlines() if line.startswith("A "))
    assert first == ["A", "1", "4", "175.00", "0.00", "49.23", "0.00", "15.00", "64.23", "0.00", "0.00", "-110.77"]

    report = place / "report.json"
    report.write_text(karnet("settlement", "report", "--json").stdout)
    verified = karnet("settlement", "verify", report)
    assert (verified.returncode, "same to the last byte" in verified.stdout) == (Exit.OK, True), verified.stderr

    closed = karnet("settlement", "close", "--key", "january", "--json")
    assert (closed.returncode, json.loads(closed.stdout)["sequence"]) == (Exit.OK, 1)
    (listed,) = json.loads(karnet("settlement", "list", "--json").stdout)
    assert listed["report_sha256"] == json.loads(report.read_text())["sha256"]
    assert "named by closing 1" in karnet("settlement", "verify", report).stdout
    assert "55.39" in karnet("settlement", "show", "1").stdout
    assert karnet("settlement", "show", "2").returncode == Exit.USAGE

    traced = json.loads(karnet("settlement", "explain", "--ticket", "1001", "--json").stdout)
    (ticket,) = traced["tickets"]
    assert [share["share"] for share in ticket["shares"]] == [4923, 5539, 5538]
    assert len(ticket["passages"]) == 9
    stranger = karnet("settlement", "explain", "--ticket", "9999")
    assert (stranger.returncode, stranger.stdout) == (Exit.REFUSED, "")

    figures = json.loads(report.read_text())
    figures["report"]["facilities"][0]["time"] += 1
    report.write_text(json.dumps(figures))
    assert "somebody changed" in karnet("settlement", "verify", report).stdout
    by_day = karnet("settlement", "report", "--until", "2026-01-17", "--json")
    assert json.loads(by_day.stdout)["report"]["facilities"][0]["tickets"] == 0, "sold on that day, not before it"
    assert karnet("settlement", "report", "--until", "soon").returncode == Exit.USAGE
    assert karnet("settlement", "report", "--cut", "99999").returncode == Exit.REFUSED


def test_an_agreement_is_shown_as_a_file_that_can_be_published_again(karnet: Karnet) -> None:
    table = karnet("settlement", "agreement", "show").stdout
    assert "C/k1       1    2.25" in table
    text = karnet("settlement", "agreement", "show", "--json").stdout
    again = karnet("settlement", "agreement", "publish", "-", entered=text)
    assert (again.returncode, "already" in again.stderr) == (Exit.REFUSED, True)
    next_season = json.loads(text) | {"season": "2026-27", "first_day": "2026-12-01", "last_day": "2027-04-11"}
    wrong = karnet("settlement", "agreement", "publish", "-", entered=json.dumps(next_season | {"members": ["A", "X"]}))
    assert wrong.returncode == Exit.REFUSED
    assert "members[1]: no active facility has the code 'X'" in wrong.stderr
    published = karnet("settlement", "agreement", "publish", "-", "--json", entered=json.dumps(next_season))
    assert published.returncode == Exit.OK, published.stderr
    assert json.loads(published.stdout)["valid_from"] == "2026-11-30T23:00:00Z"
    assert "2026-27" in karnet("settlement", "agreement", "show", "--season", "2026-27").stdout
