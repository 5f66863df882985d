"""docs/walk.md tells the truth: every function it names is where the link says, and its story runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from karnet.journal.selectors import entries_after
from karnet.wiring.installation import Installation
from karnet.wiring.play.player import play
from karnet.wiring.play.reading import read
from karnet.wiring.play.staging import staged

ROOT = Path(__file__).parents[2]
WALK = ROOT / "docs" / "walk.md"
LINKS = re.findall(r"\[`(\w+)`\]\(\.\./([^)]+)\)", WALK.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "file"), LINKS, ids=[name for name, _ in LINKS])
def test_every_name_in_the_walk_is_defined_where_its_link_leads(name: str, file: str) -> None:
    assert re.search(rf"^(?:def|class) {name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_walk_names_something() -> None:
    assert len(LINKS) > 25


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return Installation.create(tmp_path / "home", name="karnet.test/log", environment={})


@pytest.mark.database
def test_the_walks_story_runs_and_ends_as_it_says(home: Installation) -> None:
    scenario = (ROOT / "scenarios" / "golden" / "n-a.jsonl").read_bytes()
    outcomes = list(play(staged(home), read(scenario.splitlines())))
    assert [failure for outcome in outcomes for failure in outcome.failed] == []
    kinds = {recorded.entry.body.KIND for recorded in entries_after(0)}
    assert kinds >= {"orders.sold", "access.granted", "access.taken", "settlement.agreement_published"}
    earned = outcomes[-1].fields["facilities"]
    assert [earned[code]["time"] for code in "ABC"] == ["49.23", "55.39", "55.38"]
    assert earned["A"]["over_price"] == "15.00"
