"""The worked example in docs/tariffs.md comes to what it says."""

from __future__ import annotations

import re
from pathlib import Path

from karnet.kernel.decimals import money
from karnet.tariffs.advice import advice
from karnet.tariffs.bills import Line, LineCode, amount_text
from karnet.tariffs.checking import problems
from karnet.tariffs.model import from_json
from karnet.tariffs.rating import rate
from karnet.tariffs.tests.making import WARSAW, stay

PAGE = (Path(__file__).parents[4] / "docs" / "tariffs.md").read_text(encoding="utf-8")


def _block(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def _said(line: Line, denominator: int) -> str:
    times = [f"{one.astimezone(WARSAW):%H:%M}" for one in (line.since, line.until) if one]
    when = "-".join(times) if len(times) == 2 else ""
    words = [line.code.value, line.clock, line.zone, when, line.band, amount_text(line.amount, denominator, "PLN")]
    if line.units:
        hourly = " an hour" if line.price_s == 3600 else ""
        words.append(f"{line.units} × {money(line.price_minor, 'PLN')}{hourly}{' (on top)' if line.on_top else ''}")
    return " ".join(word for word in words if word)


def test_the_worked_example_is_right_to_the_line() -> None:
    tariff = from_json(_block("json"))
    assert problems(tariff) == {}
    assert advice(tariff) != []  # 22.00 an hour is no whole number of grosze a minute
    moves = (("14:30", "pool"), ("15:20", "sauna"), ("15:42", "pool"))
    bill = rate(tariff, stay(*moves, ended="16:20", package="1h", prepaid_minor=1800))
    said = [_said(line, bill.denominator) for line in bill.lines]
    total, prepaid, due = (money(one, "PLN") for one in (bill.total_minor, bill.prepaid_minor, bill.due_minor))
    said.append(f"total {total}, prepaid {prepaid}, due {due}")
    assert said == [" ".join(row.split()) for row in _block("text").splitlines()]


def test_every_code_of_a_line_is_explained() -> None:
    assert {code for code in LineCode if f"`{code.value}`" not in PAGE} == set()
