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
    behind = karnet("settlement", "explain", "--facility", "B", "--figure", "time").stdout.splitlines()
    assert (len(behind), behind[-1]) == (2, "1 facts, together 55.39")
    assert karnet("settlement", "explain", "--facility", "B", "--figure", "luck").returncode == Exit.USAGE

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


def test_a_text_is_proposed_compared_signed_and_tried_before_it_is_in_force(karnet: Karnet, place: Path) -> None:
    agreed = json.loads(karnet("settlement", "agreement", "show", "--json").stdout)
    gates = {**agreed["gates"], "A/k1": {"points": 3, "weight": "1.10"}}
    text = place / "next.json"
    text.write_text(
        json.dumps({**agreed, "season": "next", "first_day": "2026-11-01", "last_day": "2027-04-01", "gates": gates})
    )
    proposed = karnet("settlement", "agreement", "propose", text, "--json")
    assert proposed.returncode == Exit.OK, proposed.stdout + proposed.stderr
    sha256 = json.loads(proposed.stdout)["sha256"]

    changed = json.loads(karnet("settlement", "agreement", "diff", sha256[:10], "--json").stdout)
    assert {(one["subject"], one["name"], one["old"], one["new"]) for one in changed} >= {
        ("weight", "A/k1", "1.00", "1.10")
    }
    assert "becomes" in karnet("settlement", "agreement", "diff", sha256).stdout
    refused = karnet("settlement", "agreement", "sign", sha256, "--as", "A/anna")
    assert (refused.returncode, "manager" in refused.stderr) == (Exit.REFUSED, True)
    for code, name in (("A", "anna"), ("B", "basia"), ("C", "celina")):
        added = karnet(
            "user", "add", name, "--role", "manager", "--operator", f"{code}/{name}", entered="long enough 1\n"
        )
        assert added.returncode == Exit.OK, added.stderr
        signed = karnet("settlement", "agreement", "sign", sha256[:12], "--as", f"{code}/{name}")
        assert signed.returncode == Exit.OK, signed.stderr
    assert "in force" in signed.stdout
    listed = json.loads(karnet("settlement", "agreement", "list", "--json").stdout)
    assert [(one["season"], one["missing"]) for one in listed] == [("2025-26", []), ("next", [])]

    tried = json.loads(karnet("settlement", "what-if", "--season", "2025-26", "--json").stdout)
    effects = {one["name"]: {effect["code"]: effect["change"] for effect in one["effects"]} for one in tried["tried"]}
    assert effects["weighted_passages"] == {"A": 0, "B": 0, "C": 0}
    assert effects["equal_visited"] == {"A": 5334 - 4923, "B": 5333 - 5539, "C": 5333 - 5538}
    assert "Winners" in karnet("settlement", "what-if", "--season", "2025-26", "--division", "first_entries").stdout
    assert "Winners" in karnet("settlement", "what-if", "--season", "2025-26", "--text", text).stdout

    made = json.loads(karnet("settlement", "statement", "A", "B", "--season", "2025-26", "--json").stdout)
    assert (made["payer"], made["amount"], made["sides"][0]["invoice"][0]["vat"]) == ("A", 5539, 410)
    assert "after set-off" in karnet("settlement", "statement", "A", "B", "--season", "2025-26").stdout.lower()


def test_weights_come_from_the_price_lists_on_sale(karnet: Karnet) -> None:
    weighed = karnet("settlement", "agreement", "weights", "--product", "day", "A=16")
    assert (weighed.returncode, "1.00" in weighed.stdout) == (Exit.OK, True), weighed.stderr
    assert karnet("settlement", "agreement", "weights", "--product", "day", "B=8").returncode == Exit.USAGE


def test_rules_of_loyalty_are_published_and_listed(karnet: Karnet, place: Path) -> None:
    rules = [
        {"code": "third", "event": "passages", "threshold": 3, "bonus": "5.00"},
        {
            "code": "free",
            "event": "loaded",
            "threshold": "100.00",
            "discount": "100",
            "products": ["day"],
            "valid_days": 9,
        },
    ]
    text = place / "rules.json"
    text.write_text(json.dumps({"facility": "A", "first_day": "2020-01-01", "last_day": "2099-12-31", "rules": rules}))
    published = karnet("loyalty", "publish", text)
    assert published.returncode == Exit.OK, published.stderr
    assert karnet("loyalty", "publish", text).returncode == Exit.REFUSED, "they are there already"
    assert "A  third: after 3 passages, bonus" in karnet("loyalty", "list").stdout
    text.write_text(text.read_text().replace('"100.00"', "100"))
    assert karnet("loyalty", "publish", text).returncode == Exit.USAGE


def test_a_report_is_written_for_people(karnet: Karnet, place: Path) -> None:
    for form, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        file = place / f"report.{form}"
        made = karnet("settlement", "report", "--file", file, "--language", "pl")
        assert made.returncode == Exit.OK, made.stderr
        assert file.read_bytes().startswith(begins), form
    page = (place / "report.html").read_text()
    assert "Dokąd idą pieniądze" in page
    assert "<svg" in page
    assert karnet("settlement", "report", "--file", place / "report.doc").returncode == Exit.USAGE
