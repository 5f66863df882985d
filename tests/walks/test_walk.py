"""docs/walk.md tells the truth: every function it names is where the link says, and its story runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK = ROOT / "docs" / "walk.md"
LINKS = re.findall(r"\[`(\w+)`\]\(\.\./([^)]+)\)", WALK.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "file"), LINKS, ids=[name for name, _ in LINKS])
def test_every_name_in_the_walk_is_defined_where_its_link_leads(name: str, file: str) -> None:
    assert re.search(rf"^(?:def|class) {name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_walk_names_something() -> None:
    assert len(LINKS) > 25
