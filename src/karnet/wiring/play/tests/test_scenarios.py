"""Every scenario that ships is played on an empty installation and must come out as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.play.player import play
from karnet.wiring.play.reading import read
from karnet.wiring.play.stage import Stage

SCENARIOS = Path(__file__).parents[5] / "scenarios"
FILES = sorted(SCENARIOS.rglob("*.jsonl"))


def test_every_golden_case_of_the_settlement_is_a_scenario() -> None:
    assert {f"n-{letter}" for letter in "abcdef"} <= {file.stem for file in (SCENARIOS / "golden").iterdir()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SCENARIOS).with_suffix("")))
def test_a_scenario_comes_out_as_it_says(stage: Stage, file: Path) -> None:
    lines = read(file.read_bytes().splitlines())
    told = []
    for outcome in play(stage, lines):
        told += [f"line {outcome.line.number}: {failure}" for failure in outcome.failed]
        if not outcome.ok and outcome.line.step.expect is None:
            told.append(f"line {outcome.line.number}: refused {outcome.fields}")
    assert told == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SCENARIOS).with_suffix("")))
def test_a_scenario_that_ships_expects_something(file: Path) -> None:
    assert any(line.step.expect for line in read(file.read_bytes().splitlines()))
