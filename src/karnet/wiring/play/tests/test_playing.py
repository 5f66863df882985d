"""Playing through the services: in order, once, and the rest of a batch unharmed by a bad line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from django.db import connection

from karnet.journal.selectors import progress
from karnet.wiring.demo.day import generate
from karnet.wiring.play.player import Outcome, play
from karnet.wiring.play.reading import Line, numbered, read
from karnet.wiring.play.stage import Stage

GOLDEN = Path(__file__).parents[5] / "scenarios" / "golden"


def golden(name: str) -> list[bytes]:
    return (GOLDEN / f"{name}.jsonl").read_bytes().splitlines()


def step(**fields: Any) -> bytes:
    return msgspec.json.encode({"at": "2026-02-01T09:00:00+01:00", **fields})


def played(stage: Stage, lines: list[bytes]) -> list[Outcome]:
    return list(play(stage, read(lines)))


def test_outcomes_come_one_a_line_in_the_order_of_the_lines(stage: Stage) -> None:
    lines = numbered(enumerate(generate(seed=5, skiers=40), start=1))
    outcomes = list(play(stage, lines))
    assert [outcome.line for outcome in outcomes] == lines
    assert [outcome.failed for outcome in outcomes if outcome.failed] == []
    told = msgspec.json.decode(outcomes[-1].written())
    assert told["line"] == len(lines)
    assert told["do"] == "close_shift"


def test_playing_a_scenario_again_records_nothing_and_tells_the_same(stage: Stage) -> None:
    day = numbered(enumerate(generate(seed=5, skiers=40), start=1))
    first = [outcome.written() for outcome in play(stage, day)]
    recorded = progress().recorded
    again = Stage(stage.installation, stage.server)
    assert [outcome.written() for outcome in play(again, day)] == first
    assert progress().recorded == recorded


def test_a_scenario_that_was_interrupted_goes_on_where_it_was(stage: Stage) -> None:
    day = numbered(enumerate(generate(seed=5, skiers=40), start=1))
    half = len(day) // 2
    before = [outcome.written() for outcome in play(stage, day[:half])]
    outcomes = list(play(Stage(stage.installation, stage.server), day))
    assert [outcome.written() for outcome in outcomes[:half]] == before
    assert [outcome.failed for outcome in outcomes if outcome.failed] == []


def test_a_scenario_continued_in_a_second_file_finds_what_the_first_left(stage: Stage) -> None:
    lines = golden("n-f")
    opens = next(place for place, line in enumerate(lines) if b'"return"' in line)
    played(stage, lines[:opens])
    rest = played(Stage(stage.installation, stage.server), lines[opens:])
    assert [str(failure) for outcome in rest for failure in outcome.failed] == []


def test_step_by_step_a_day_comes_out_as_it_does_in_batches(stage: Stage) -> None:
    day = numbered(enumerate(generate(seed=6, skiers=25), start=1))
    singly = [outcome for line in day for outcome in play(stage, [line])]
    assert [outcome.failed for outcome in singly if outcome.failed] == []


def test_a_failed_expectation_is_told_in_the_outcome_and_the_run_goes_on(stage: Stage) -> None:
    lines = [line.replace(b'"49.23"', b'"49.24"') for line in golden("n-a")]
    outcomes = played(stage, lines)
    assert [str(failure) for outcome in outcomes for failure in outcome.failed] == [
        'facilities.A.time: expected "49.24", got "49.23"'
    ]
    assert msgspec.json.decode(outcomes[-1].written())["failed"] == [
        {"field": "facilities.A.time", "expected": "49.24", "got": "49.23"}
    ]


def test_names_nobody_has_are_refused_with_the_name_and_change_nothing(stage: Stage) -> None:
    played(stage, golden("n-f")[:14])
    recorded = progress().recorded
    desk = {"sales_point": "A/till-1", "operator": "A/anna"}
    outcomes = played(
        stage,
        [
            step(do="open_shift", sales_point="Z/till-1", operator="A/anna"),
            step(do="sell", **desk, lines=[{"product": "unheard-of", "cards": ["1"]}]),
            step(do="scan", gate="A/none", card="1"),
            step(do="block", card="1", **desk),
            step(do="unblock", card="2", **desk),
            step(do="inspect", card="1"),
            step(do="balance", facility="Z", account="vat"),
            step(do="close_shift", sales_point="C/till-1", operator="A/anna", counted="1"),
            step(do="settle", season="1999"),
        ],
    )
    assert [outcome.fields["refused"] for outcome in outcomes] == [
        "unknown_facility", "unknown_product", "unknown_actor", "unknown_medium", "not_blocked", "unknown_medium",
        "unknown_facility", "no_open_shift", "no_agreement",
    ]  # fmt: skip
    assert outcomes[0].fields["facts"] == {"facility": "Z"}
    assert progress().recorded == recorded


def test_one_bad_line_of_a_batch_leaves_the_others_alone(stage: Stage) -> None:
    played(stage, golden("n-f")[:16])
    desk = {"do": "sell", "sales_point": "A/till-1", "operator": "A/anna"}
    outcomes = played(
        stage,
        [
            step(**desk, lines=[{"product": "card", "cards": ["7"]}]),
            step(**desk, lines=[{"product": "unheard-of", "cards": ["8"]}]),
            step(**desk, lines=[{"product": "card", "cards": ["9"]}], pay=[{"kind": "cash", "amount": "0.005"}]),
            step(**desk, lines=[{"product": "card", "cards": ["10"]}]),
        ],
    )
    assert [outcome.fields.get("refused", "sold") for outcome in outcomes] == [
        "sold", "unknown_product", "bad_value", "sold",
    ]  # fmt: skip
    assert outcomes[2].fields["facts"]["problem"] == "'0.005' has more than 2 decimal places (an amount in PLN)"


def test_what_remains_to_be_paid_is_reckoned_with_deposits(stage: Stage) -> None:
    played(stage, golden("n-f")[:16])
    desk = {"do": "sell", "sales_point": "A/till-1", "operator": "A/anna"}
    pay = [{"kind": "voucher", "amount": "3.00"}, {"kind": "cash"}]
    (outcome,) = played(stage, [step(**desk, lines=[{"product": "card", "cards": ["7", "8"]}], pay=pay)])
    assert outcome.fields["deposit"] == "20.00"
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, amount FROM orders_payment ORDER BY n")
        assert cursor.fetchall() == [("voucher", 300), ("cash", 1700)]


def test_a_shift_may_be_closed_by_another_run(stage: Stage) -> None:
    played(stage, golden("n-f")[:15])
    close = step(do="close_shift", sales_point="A/till-1", operator="A/anna", counts={"100.00": 1, "50": 2})
    (outcome,) = played(Stage(stage.installation, stage.server), [close])
    assert outcome.fields["difference"] == "0.00"


def test_a_second_turn_of_one_grant_is_refused(stage: Stage) -> None:
    played(stage, golden("n-a")[:-2])
    turn = step(do="take", gate="C/k1")
    scan = step(do="scan", gate="C/k1", card="1001").replace(b"2026-02-01", b"2026-01-17").replace(b"09:00", b"15:00")
    lines = read([scan, turn, turn.replace(b"09:00:00", b"09:00:01")])
    assert isinstance(lines[0], Line)
    assert [outcome.fields.get("refused") for outcome in play(stage, lines)] == [None, None, "grant_ended"]
