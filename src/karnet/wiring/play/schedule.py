"""Which steps may share a transaction: the order of dependent steps is kept, the rest is batched.

Steps depend on each other when they touch the same card, tab or pass, or when one reports the turn another's scan asked for.
Everything else (enrolments, shifts, settlements…) waits for all before it and is waited for by all after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from karnet.wiring.play.reading import Line
from karnet.wiring.play.steps import Block, Charge, Load, Replace, Return, Scan, Sell, Step, Take, TopUp, Unblock
from karnet.wiring.play.steps_lockers import TouchLocker
from karnet.wiring.play.steps_stays import ChargeBand, Enter, LoseBand, ReadBand, SettleStays

WINDOW = 4096
"""How many lines may be on their way at once: bounds memory and the delay of outcomes."""

MAX_BATCH = 512
"""The largest transaction: beyond it, batches gain little and make others wait."""

_BATCHED = (
    Sell, TopUp, Load, Charge, Scan, Take, Block, Unblock, Replace, Return, Enter, ReadBand, ChargeBand, SettleStays,
    TouchLocker,
)  # fmt: skip


def batches(lines: Iterable[Line]) -> Iterator[list[list[Line]]]:
    """Yield windows: consecutive lines, as batches to play one after the other. All of a batch are of one kind."""
    window: list[Line] = []
    tabs: dict[str, str] = {}
    for line in lines:
        _note_tab(line.step, tabs)
        if not isinstance(line.step, _BATCHED):
            if window:
                yield _arranged(window, tabs)
                window = []
            yield [[line]]
            continue
        window.append(line)
        if len(window) == WINDOW:
            yield _arranged(window, tabs)
            window = []
    if window:
        yield _arranged(window, tabs)


def _note_tab(step: Step, tabs: dict[str, str]) -> None:
    """Note which bands are on one tab: whoever leaves pays for all of it."""
    if isinstance(step, Enter):
        name = f"tab {step.tab or step.label or step.bands[0].card}"
        tabs.update((band.card, name) for band in step.bands)
    elif isinstance(step, LoseBand) and step.by and step.card in tabs:
        tabs[step.by] = tabs[step.card]


def _arranged(window: list[Line], tabs: dict[str, str]) -> list[list[Line]]:
    """Put each line on the lowest level above what it depends on (the same level will do for its own kind: a batch is
    decided in order), then batch each level by kind."""
    levels: dict[tuple[int, str], list[Line]] = {}
    touched: dict[str, tuple[int, type[Step]]] = {}
    for line in window:
        kind = type(line.step)
        cards = _cards(line)
        if isinstance(line.step, Enter | ReadBand | ChargeBand | SettleStays | TouchLocker):
            cards += {tabs[card]: None for card in cards if card in tabs}
        level = max((_above(touched.get(card), kind) for card in cards), default=0)
        for card in cards:
            touched[card] = (level, kind)
        levels.setdefault((level, kind.__name__), []).append(line)
    return [
        lines[start : start + MAX_BATCH]
        for _, lines in sorted(levels.items(), key=lambda level: level[0])
        for start in range(0, len(lines), MAX_BATCH)
    ]


def _above(last: tuple[int, type[Step]] | None, kind: type[Step]) -> int:
    if last is None:
        return 0
    level, before = last
    return level if before is kind else level + 1


def _cards(line: Line) -> list[str]:
    """Return every card that a line is about, those of the line it refers to included; and a reader of lockers."""
    step = line.step
    cards = _cards(line.about) if line.about is not None else []
    if isinstance(step, Sell):
        cards += [card for sold in step.lines for card in sold.cards]
    elif isinstance(step, Replace):
        cards += [step.card, step.by]
    elif isinstance(step, Return):
        cards += step.cards
    elif isinstance(step, Scan | TopUp | Load | Charge | Block | Unblock | ReadBand | ChargeBand | TouchLocker):
        cards.append(step.card)
        if isinstance(step, TouchLocker):
            # Who comes first chooses first.
            cards.append(f"reader {step.reader}")
    elif isinstance(step, Enter):
        cards += [band.card for band in step.bands] + [band.bundle for band in step.bands if band.bundle]
    elif isinstance(step, SettleStays):
        cards += step.cards
    if isinstance(step, Enter | SettleStays) and step.on_pass:
        cards.append(step.on_pass)
    if isinstance(step, Sell | TopUp) and not isinstance(step.pay, str):
        cards += [payment.card for payment in step.pay if payment.card is not None]
    return cards
