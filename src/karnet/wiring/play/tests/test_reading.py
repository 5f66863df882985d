"""Reading scenarios: what is wrong is told with line, field and what to do, and nothing else happens."""

from __future__ import annotations

import pytest

from karnet.wiring.play.reading import BadScenario, Line, read
from karnet.wiring.play.steps import Scan

SCAN = b'{"at": "2026-01-17T09:00:00+01:00", "do": "scan", "gate": "A/k1", "card": "1"}'


def problems(*lines: bytes) -> list[str]:
    with pytest.raises(BadScenario) as caught:
        read(lines)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{}", "line 1: do: is missing"),
        (b"[]", "line 1: expected an object {…}, got a list […]"),
        (b'{"do": ', "line 1: not JSON (Input data was truncated); a step is one line of JSON"),
        (b"\xff", "line 1: not JSON (invalid character (byte 0)); a step is one line of JSON"),
        (SCAN[:-1] + b', "expect": ' + b'{"a":' * 50_000, "line 1: nested too deeply"),
        (b'{"do": "sel"}', "line 1: do: there is no step 'sel'; did you mean 'sell'?"),
        (SCAN.replace(b"+01:00", b""), "line 1: at: give the offset too, as in 2026-01-17T08:00:00+01:00"),
        (SCAN.replace(b"2026-01-17T", b""), "line 1: at: is no instant; write it as 2026-01-17T08:00:00+01:00"),
        (SCAN.replace(b"A/k1", b"A"), 'line 1: gate: write the facility code, a slash and the code, like "A/till-1"'),
        (SCAN.replace(b"A/k1", b"A/k1\\n"), 'line 1: gate: write the facility code, a slash and the code, like "A/till-1"'),
        (SCAN.replace(b'"1"', b"1"), "line 1: card: expected text, got a whole number"),
        (SCAN.replace(b'"card"', b'"kard"'), "line 1: kard: there is no such field here"),
            (SCAN.replace(b', "card": "1"', b""), "line 1: card: is missing"),
        (SCAN.replace(b'"1"}', b'"1", "cards": 2}'), "line 1: cards: there is no such field here"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_with_its_field_and_what_to_do(line: bytes, told: str) -> None:
    assert problems(line) == [told]


@pytest.mark.parametrize(
    ("fragment", "told"),
    [
        (b'"pay": [{"kind": "cash", "amount": 1.5}]', 'pay[0].amount: write numbers with a decimal point as text: "160.00"'),
        (b'"pay": [{"kind": "cash", "amount": "1,50"}]', 'pay[0].amount: is no amount; write it like "160.00"'),
        (b'"pay": [{"kind": "cash", "amount": -1}]', "pay[0].amount: expected a whole number >= 0"),
        (b'"pay": "gold"', "pay: 'gold' is not allowed here"),
        (b'"lines": []', "lines: expected a list […] of length >= 1"),
        (b'"lines": [{"product": "day"}, {"product": "day", "quantity": 0}]', "lines[1].quantity: expected a whole number >= 1"),
    ],
)  # fmt: skip
def test_a_bad_value_deep_inside_is_told_with_its_path(fragment: bytes, told: str) -> None:
    sale = b'{"at": "2026-01-17T09:00:00Z", "do": "sell", "sales_point": "A/t", "operator": "A/a"'
    if b'"lines"' not in fragment:
        sale += b', "lines": [{"product": "day"}]'
    assert problems(sale + b", " + fragment + b"}") == [f"line 1: {told}"]


def test_all_problems_of_a_file_are_found_at_once_and_empty_lines_count() -> None:
    assert [told.split(":")[0] for told in problems(b"{}", b"", SCAN, b"{}")] == ["line 1", "line 4"]


def test_time_must_not_run_backwards() -> None:
    (told,) = problems(SCAN, SCAN.replace(b"09:00", b"08:59"), SCAN)
    assert told == (
        "line 2: at: time must not run backwards:"
        " 2026-01-17T08:59:00+01:00 is before 2026-01-17T09:00:00+01:00 of line 1"
    )


def test_time_is_compared_as_instants_so_the_hour_that_happens_twice_is_no_step_back() -> None:
    lines = read(
        [
            SCAN.replace(b"2026-01-17T09:00:00+01:00", at)
            for at in (b"2026-10-25T02:30:00+02:00", b"2026-10-25T02:10:00+01:00")
        ]
    )
    assert len(lines) == 2  # fmt: skip


def test_a_turn_needs_a_scan_at_its_gate_and_a_return_needs_its_sale() -> None:
    turn = b'{"at": "2026-01-17T09:00:00+01:00", "do": "take", "gate": "A/k2"}'
    back = b'{"at": "2026-01-17T09:00:00+01:00", "do": "return", "sales_point": "A/t", "operator": "A/a", "order": "s"}'
    assert problems(SCAN, turn, back) == [
        "line 2: gate: a card was not scanned at A/k2 before this line",
        'line 3: order: no sale before this line has "as": "s"',
    ]


def test_two_steps_of_one_name_are_refused() -> None:
    named = SCAN.replace(b'"do"', b'"as": "x", "do"')
    assert problems(named, named) == ["line 2: as: line 1 is called 'x' already"]


def test_a_turn_is_that_of_the_last_scan_at_its_gate_or_of_the_card_it_names() -> None:
    at = b'{"at": "2026-01-17T09:00:00+01:00", "do": '
    lines = read([
        SCAN,
        SCAN.replace(b'"1"', b'"2"'),
        at + b'"take", "gate": "A/k1"}',
        at + b'"take", "gate": "A/k1", "card": "1"}',
    ])  # fmt: skip
    assert [line.about.number for line in lines[2:] if line.about] == [2, 1]


def keys(*lines: bytes) -> list[str]:
    return [line.key for line in read(lines)]


def test_the_key_of_a_step_depends_on_what_it_says_only() -> None:
    spelled = b'{"card":"1","gate":"A/k1","do":"scan","at":"2026-01-17T09:00:00+01:00","expect":{"ok":true},"note":"!"}'
    assert keys(SCAN) == keys(spelled) == keys(b"", SCAN)
    assert keys(SCAN) != keys(SCAN.replace(b'"1"', b'"2"'))


def test_equal_steps_of_a_file_have_keys_of_their_own_and_a_given_key_is_kept() -> None:
    assert len(set(keys(SCAN, SCAN, SCAN))) == 3
    assert keys(SCAN.replace(b'"do"', b'"key": "mine", "do"')) == ["mine"]


def test_a_byte_order_mark_and_line_ends_of_any_kind_do_no_harm() -> None:
    (line,) = read([b"\xef\xbb\xbf" + SCAN + b"\r\n"])
    assert isinstance(line, Line)
    assert isinstance(line.step, Scan)
