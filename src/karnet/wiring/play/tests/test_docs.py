"""docs/scenarios.md tells what the code does: its examples are valid, its table names every step and field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from karnet.wiring.play.player import play
from karnet.wiring.play.reading import read
from karnet.wiring.play.stage import Stage
from karnet.wiring.play.steps import Step, names

PAGE = (Path(__file__).parents[5] / "docs" / "scenarios.md").read_text()
EXAMPLES = [block.encode().splitlines() for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
TABLE = dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\|", PAGE.split("---|---|---|")[1], re.MULTILINE))


def test_the_example_scenario_comes_out_as_it_says(stage: Stage) -> None:
    outcomes = list(play(stage, read(EXAMPLES[0])))
    assert [str(failure) for outcome in outcomes for failure in outcome.failed] == []
    assert len(outcomes) == 12
    shown = {outcome.line.number: outcome.written() for outcome in outcomes}
    for example in EXAMPLES[1]:
        number = int(re.findall(rb'"line": (\d+)', example)[0])
        assert shown[number] == re.sub(rb'(?<=[:,]) (?=["{\w])', b"", example)


def test_the_table_lists_every_step() -> None:
    assert list(TABLE) == list(names())


@pytest.mark.parametrize("name", names())
def test_the_table_names_every_field_and_shows_which_may_be_left_out(name: str) -> None:
    told, common = TABLE[name], {field.name for field in fields(Step)}
    for field in fields(names()[name]):
        if field.name not in common:
            assert f"`{field.encode_name}`" in told, f"{name} has a field {field.encode_name}"
            assert (f"*`{field.encode_name}`*" in told) == (not field.required), f"{field.encode_name} of {name}"
