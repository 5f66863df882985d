"""Reading a scenario: every line decoded and checked before the first one is played.

Lines are JSON objects (JSON Lines, UTF-8); empty lines are skipped but counted. All problems of a file are found in
one reading, each with its line, field and what to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from karnet.wiring.play.amounts import AMOUNT_PATTERN, PERCENT_PATTERN, WEIGHT_PATTERN
from karnet.wiring.play.steps import AnyStep, Block, Scan, Sell, Step, Take, TopUp, Unblock, names
from karnet.wiring.play.words import (
    CARD_PATTERN,
    CLOCK_PATTERN,
    CODE_PATTERN,
    COUNTRY_PATTERN,
    CURRENCY_PATTERN,
    PLACE_PATTERN,
)

MAX_LINE = 1_000_000
_PATH = re.compile(r" - at (?:`key` in )?`\$?[.]?(?P<path>[^`]*)`$")
_WORDS = {
    repr(AMOUNT_PATTERN): 'is no amount; write it like "160.00"',
    repr(PERCENT_PATTERN): 'is no rate; write percent like "8" or "8.00"',
    repr(WEIGHT_PATTERN): 'is no weight; write an exact decimal of at most six places like "1.50"',
    repr(CODE_PATTERN): "is no code; use up to 32 letters, digits, '-', '_' and '.'",
    repr(PLACE_PATTERN): 'write the facility code, a slash and the code, like "A/till-1"',
    repr(CARD_PATTERN): "is no card number; use up to 64 visible ASCII characters without spaces",
    repr(CURRENCY_PATTERN): 'is no currency; write its three letters, like "PLN"',
    repr(COUNTRY_PATTERN): 'is no country; write its two letters, like "PL"',
    repr(CLOCK_PATTERN): 'is no wall time; write it like "08:30"',
    "timezone component": "give the offset too, as in 2026-01-17T08:00:00+01:00",
    "RFC3339 encoded datetime": "is no instant; write it as 2026-01-17T08:00:00+01:00",
    "RFC3339 encoded date": "is no date; write it as 2026-01-17",
    "got `float`": 'write numbers with a decimal point as text: "160.00"',
}
_TYPES = {
    "str": "text", "int": "a whole number", "bool": "true or false", "object": "an object {…}",
    "array": "a list […]", "null": "null", "datetime": "an instant",
}  # fmt: skip
_decoder = msgspec.json.Decoder(AnyStep)
_encoder = msgspec.json.Encoder(order="sorted")


class Line(msgspec.Struct, frozen=True):
    """A step with its place in the file, its idempotency key, and the line it refers to: the scan whose turn a gate
    reports, the block that is lifted, or the sale that is returned or invoiced."""

    number: int
    step: Step
    key: str
    about: Line | None = None


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a line. `field` is a path such as `lines[0].product`, empty for the line as a whole."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {f'{self.field}: ' if self.field else ''}{self.message}"


class BadScenario(ValueError):
    """The file cannot be played; nothing of it was."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read(lines: Iterable[bytes]) -> list[Line]:
    """Return the steps of a scenario. Raises BadScenario with every problem found."""
    problems: list[Problem] = []
    steps: list[tuple[int, Step]] = []
    for number, raw in enumerate(lines, start=1):
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not text.strip():
            continue
        try:
            steps.append((number, _decoded(text)))
        except _Bad as bad:
            problems.append(Problem(number, bad.field, bad.message))
    problems += _out_of_order(steps)
    problems += _referring_to_nothing(steps)
    if problems:
        raise BadScenario(sorted(problems, key=lambda problem: problem.line))
    return numbered(steps)


def numbered(steps: Iterable[tuple[int, Step]]) -> list[Line]:
    """Return lines with their keys: a step's own, or one derived from what it says.

    Derived keys do not depend on `expect`, `note`, the spelling of the JSON, or other lines, so that a scenario that
    was corrected or continued can be played again: what was played stays played. Equal steps are told apart by order.
    """
    seen: Counter[bytes] = Counter()
    scans: dict[tuple[str, str | None], Line] = {}
    blocks: dict[str, Line] = {}
    labelled: dict[str, Line] = {}
    lines = []
    for number, step in steps:
        key = step.key
        if key is None:
            said = _said(step)
            seen[said] += 1
            key = f"play:{said.hex()}:{seen[said]}"
        if isinstance(step, Take):
            about = scans.get((step.gate, step.card))
        elif isinstance(step, Unblock):
            about = blocks.get(step.card)
        else:
            about = labelled.get(getattr(step, "order", None) or "")
        line = Line(number, step, key, about)
        lines.append(line)
        if isinstance(step, Scan):
            scans[step.gate, None] = scans[step.gate, step.card] = line
        if isinstance(step, Block):
            blocks[step.card] = line
        if step.label is not None:
            labelled[step.label] = line
    return lines


def _said(step: Step) -> bytes:
    return sha256(_encoder.encode(replace(step, expect=None, note="", label=None))).digest()[:15]


class _Bad(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def _decoded(text: bytes) -> Step:
    if len(text) > MAX_LINE:
        raise _Bad("", f"longer than {MAX_LINE} bytes; a step is one line of JSON")
    try:
        step: Step = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _in_words(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Bad(
            "", f"not JSON ({str(error).removeprefix('JSON is malformed: ')}); a step is one line of JSON"
        ) from None
    except RecursionError:
        raise _Bad("", "nested too deeply") from None
    return step


def _in_words(message: str) -> _Bad:
    """Turn msgspec's words into those of a person who writes scenarios."""
    path = _PATH.search(message)
    field = path["path"] if path else ""
    what = message[: path.start()] if path else message
    if unknown := re.fullmatch(r"Object contains unknown field `(?P<name>.*)`", what):
        return _Bad(f"{field}.{unknown['name']}".lstrip("."), "there is no such field here")
    if missing := re.fullmatch(r"Object missing required field `(?P<name>.*)`", what):
        return _Bad(f"{field}.{missing['name']}".lstrip("."), "is missing")
    if invalid := re.fullmatch(r"Invalid (?:enum )?value '(?P<value>.*)'", what):
        if field == "do":
            close = get_close_matches(invalid["value"], names(), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names())}"
            return _Bad(field, f"there is no step {invalid['value']!r}{hint}")
        return _Bad(field, f"{invalid['value']!r} is not allowed here")
    for sign, words in _WORDS.items():
        if sign in what:
            return _Bad(field, words)
    return _Bad(field, re.sub(r"`([a-z]+)`", lambda match: _TYPES.get(match[1], match[0]), what[:1].lower() + what[1:]))


def _out_of_order(steps: list[tuple[int, Step]]) -> list[Problem]:
    problems, latest = [], None
    for number, step in steps:
        if latest is not None and step.at < latest[1]:
            earlier = f"{step.at.isoformat()} is before {latest[1].isoformat()} of line {latest[0]}"
            problems.append(Problem(number, "at", f"time must not run backwards: {earlier}"))
        else:
            latest = (number, step.at)
    return problems


def _referring_to_nothing(steps: list[tuple[int, Step]]) -> list[Problem]:
    problems = []
    labels: dict[str, int] = {}
    sales: set[str] = set()
    scanned: set[tuple[str, str | None]] = set()
    for number, step in steps:
        order: str | None = getattr(step, "order", None)
        if order is not None and order not in sales:
            problems.append(Problem(number, "order", f'no sale before this line has "as": "{order}"'))
        if isinstance(step, Scan):
            scanned |= {(step.gate, None), (step.gate, step.card)}
        if isinstance(step, Sell | TopUp) and step.label is not None:
            sales.add(step.label)
        if isinstance(step, Take) and (step.gate, step.card) not in scanned:
            what = "a card" if step.card is None else f"card {step.card}"
            problems.append(Problem(number, "gate", f"{what} was not scanned at {step.gate} before this line"))
        if step.label is not None and labels.setdefault(step.label, number) != number:
            problems.append(Problem(number, "as", f"line {labels[step.label]} is called {step.label!r} already"))
    return problems
