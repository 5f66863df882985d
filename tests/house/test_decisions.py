"""The list of decisions is whole: every page is listed once, in order, under its own title, with a line on it."""

from __future__ import annotations

import re
from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"


def test_every_decision_is_listed_in_order_under_its_own_title() -> None:
    pages = sorted(page for page in DECISIONS.glob("*.md") if page.name != "README.md")
    titles = [(page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "), page.name) for page in pages]
    listed = re.findall(r"^- \[(.+)\]\((\S+\.md)\): \S", (DECISIONS / "README.md").read_text(encoding="utf-8"), re.M)
    assert listed == titles


def test_the_number_of_a_decision_is_that_of_its_file_and_no_other_has_it() -> None:
    numbers = []
    for page in sorted(DECISIONS.glob("[0-9]*.md")):
        number, _ = page.read_text(encoding="utf-8").removeprefix("# ").split(".", 1)
        assert page.name.startswith(f"{int(number):04d}-"), page.name
        numbers.append(int(number))
    assert numbers == list(range(1, len(numbers) + 1))
