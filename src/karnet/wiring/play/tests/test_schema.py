"""The JSON Schema in docs: current, and of one mind with the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from karnet.wiring.demo.day import generate
from karnet.wiring.play.reading import BadScenario, read
from karnet.wiring.play.schema import schema, text

ROOT = Path(__file__).parents[5]
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_in_docs_is_current() -> None:
    file = ROOT / "docs" / "scenarios.schema.json"
    assert file.read_text() == text(), "run: python -m karnet.wiring.play.schema > docs/scenarios.schema.json"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_step_of_a_generated_day_is_valid() -> None:
    for step in generate(seed=3, skiers=60):
        VALIDATOR.validate(json.loads(msgspec.json.encode(step)))


SCAN: dict[str, Any] = {"do": "scan", "at": "2026-01-17T09:00:00+01:00", "gate": "A/k1", "card": "1"}


@pytest.mark.parametrize("change", [{"do": "sel"}, {"gate": "A"}, {"card": 1}, {"kard": "1"}, {"key": ""}])
def test_what_the_reader_refuses_the_schema_refuses(change: dict[str, Any]) -> None:
    wrong = SCAN | change
    assert VALIDATOR.is_valid(SCAN)
    assert not VALIDATOR.is_valid(wrong)
    with pytest.raises(BadScenario):
        read([json.dumps(wrong).encode()])
