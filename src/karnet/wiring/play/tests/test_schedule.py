"""Batches: dependent steps keep their order, independent ones travel together, memory is bounded."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from karnet.wiring.play.reading import Line, numbered
from karnet.wiring.play.schedule import MAX_BATCH, WINDOW, batches
from karnet.wiring.play.steps import Replace, Scan, Seal, Sell, Step, Take
from karnet.wiring.play.steps_stays import Band, ChargeBand, Enter, ReadBand
from karnet.wiring.play.words import SaleLine

AT = datetime(2026, 1, 17, 8, tzinfo=UTC)


def scan(card: str, gate: str = "A/k1") -> Step:
    return Scan(at=AT, gate=gate, card=card)


def sell(*cards: str) -> Step:
    return Sell(at=AT, sales_point="A/t", operator="A/a", lines=(SaleLine(product="day", cards=cards),))


def turn(gate: str = "A/k1") -> Step:
    return Take(at=AT, gate=gate)


def planned(*steps: Step) -> list[list[list[int]]]:
    lines = numbered(enumerate(steps, start=1))
    return [[[line.number for line in batch] for batch in window] for window in batches(lines)]


def test_steps_on_different_cards_share_a_batch_however_they_are_mixed() -> None:
    mixed = [sell("1"), scan("1", "A/k1"), turn("A/k1"), sell("2"), scan("2", "A/k2"), turn("A/k2")]
    assert planned(*mixed) == [[[1, 4], [2, 5], [3, 6]]]


def test_steps_of_one_kind_on_one_card_share_a_batch_in_their_order() -> None:
    assert planned(scan("1"), scan("1"), scan("2")) == [[[1, 2, 3]]]


def test_a_step_that_waits_for_nobody_waits_for_all_before_it() -> None:
    assert planned(scan("1"), Seal(at=AT), scan("2")) == [[[1]], [[2]], [[3]]]


def test_a_replacement_orders_the_steps_on_both_cards() -> None:
    replaced = Replace(at=AT, card="1", by="9", sales_point="A/t", operator="A/a")
    assert planned(scan("1"), replaced, scan("9"), scan("2")) == [[[1, 4], [2], [3]]]


def test_steps_on_the_bands_of_one_tab_keep_their_order_and_strangers_go_along() -> None:
    family, other = (
        Enter(at=AT, sales_point="A/t", operator="A/a", tariff="pool", bands=tuple(map(band, cards)))
        for cards in ("12", "3")
    )
    dish = ChargeBand(at=AT, sales_point="A/b", operator="A/a", card="2")
    leaves, strolls = (ReadBand(at=AT, gate="A/out", card=card) for card in "13")
    assert planned(family, other, dish, leaves, strolls) == [[[1, 2], [3], [5], [4]]]


def band(card: str) -> Band:
    return Band(card=card)


cards = st.sampled_from("1234")
gates = st.sampled_from(["A/k1", "A/k2"])
someone = st.one_of(
    st.builds(scan, cards, gates), st.builds(sell, cards), st.builds(sell, cards, cards), st.builds(turn, gates)
)


def about(line: Line) -> set[str]:
    step = line.step
    if isinstance(step, Scan):
        return {step.card}
    if isinstance(step, Sell):
        return {card for sold in step.lines for card in sold.cards}
    assert isinstance(step, Take)
    return about(line.about) if line.about else set()


@given(st.lists(someone, max_size=30))
def test_whatever_the_mix_steps_on_one_card_are_played_in_the_order_of_the_file(steps: list[Step]) -> None:
    lines = numbered(enumerate(steps, start=1))
    played = [line for window in batches(lines) for batch in window for line in batch]
    assert sorted(line.number for line in played) == [line.number for line in lines]
    for card in "1234":
        numbers = [line.number for line in played if card in about(line)]
        assert numbers == sorted(numbers)
    for window in batches(lines):
        assert all(len({type(line.step) for line in batch}) == 1 for batch in window)


def test_no_window_and_no_batch_grows_with_the_file() -> None:
    windows = planned(*(scan(str(number)) for number in range(3 * WINDOW + 7)))
    assert [sum(map(len, window)) for window in windows] == [WINDOW] * 3 + [7]
    assert max(len(batch) for window in windows for batch in window) == MAX_BATCH
