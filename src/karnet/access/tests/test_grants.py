"""What becomes of grants: promises while they wait, and their end (SPEC N12, N16)."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.access.operations import Granted, NotTaken, Passed, Taken
from karnet.access.requests import Lapse, Scan, Turn, Turned, Verdict
from karnet.access.rules import Card, Grant, after, decide, decide_all, decide_lapse, decide_turns
from karnet.access.tests.small import (
    at,
    card,
    day_ticket,
    days_ticket,
    gate,
    medium,
    points_ticket,
    scan,
    state,
    unstarted_ticket,
    with_terms,
)
from karnet.entitlements.rules import Holding
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason

TURNSTILE = with_terms(gate("turnstile", reports_turn=True), points=3, weight=2_000_000)
OTHER = with_terms(gate("other", reports_turn=True), points=3)
LIFT = with_terms(gate("lift"), points=3)
TEN = at(10)


def granted(held: Card, key: str = "g1") -> tuple[Card, Granted]:
    outcome = decide(TURNSTILE, held, scan(TEN, key, of=TURNSTILE.gate))
    (operation,) = outcome.operations
    assert isinstance(operation, Granted)
    return after(held, TEN, outcome.operations), operation


def turn(grant: Granted, *, taken: bool, key: str = "t1", seconds: int = 5) -> Turn:
    return Turn(key=key, at=TEN + timedelta(seconds=seconds), actor=grant.gate, grant=grant.grant, taken=taken)


def test_a_second_scan_while_the_grant_waits_gets_the_same_grant_again() -> None:
    held, grant = granted(card(points_ticket(available=7)))
    first = decide(TURNSTILE, card(points_ticket(available=7)), scan(TEN, "g1", of=TURNSTILE.gate)).answer
    again = decide(TURNSTILE, held, scan(at(10, 0, 14), "g2", of=TURNSTILE.gate))
    assert again.answer == first
    assert isinstance(again.answer, Verdict)
    assert again.answer.id == grant.grant
    assert again.operations == ()


def test_a_medium_blocked_in_between_does_not_get_its_grant_again() -> None:
    held, _ = granted(card(points_ticket()))
    blocked = msgspec.structs.replace(held, medium=medium(blocks=1))
    answer = decide(TURNSTILE, blocked, scan(at(10, 0, 5), "g2", of=TURNSTILE.gate)).answer
    assert isinstance(answer, Refused)


def test_a_scan_after_the_grants_time_ends_it_and_gets_a_new_one() -> None:
    held, grant = granted(card(points_ticket(available=3)))
    outcome = decide(TURNSTILE, held, scan(at(10, 0, 15), "g2", of=TURNSTILE.gate))
    lapsed, new = outcome.operations
    assert isinstance(lapsed, NotTaken)
    assert isinstance(new, Granted)
    assert (lapsed.grant, lapsed.lapsed) == (grant.grant, True)
    assert isinstance(outcome.answer, Verdict)
    assert outcome.answer.points_left == 0
    assert len(after(held, at(10, 0, 15), outcome.operations).grants) == 1


def test_a_refused_scan_leaves_a_stale_grant_alone() -> None:
    held, _ = granted(card(points_ticket(available=3)))
    poor = with_terms(gate("dear", reports_turn=True), points=4)
    assert decide(poor, held, scan(at(10, 1), "g2", of=poor.gate)).operations == ()


def test_points_that_a_grant_reserves_cannot_be_used_at_another_gate() -> None:
    held, _ = granted(card(points_ticket(available=5)))
    answer = decide(OTHER, held, scan(at(10, 0, 1), "g2", of=OTHER.gate)).answer
    assert isinstance(answer, Refused)
    assert answer.facts == {"available": 2, "needed": 3}


def test_an_open_grant_counts_on_the_last_day_it_promises() -> None:
    # Two days are used; a grant just before midnight promises the third, so the day after midnight would be a fourth.
    last = days_ticket(days_used=(date(2026, 1, 13), date(2026, 1, 14)))
    before_midnight, after_midnight = at(22, 59, 50), at(23, 0, 2)
    outcome = decide(TURNSTILE, card(last), scan(before_midnight, "g1", of=TURNSTILE.gate))
    held = after(card(last), before_midnight, outcome.operations)
    answer = decide(OTHER, held, scan(after_midnight, "g2", of=OTHER.gate)).answer
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.DAYS_USED_UP
    # Had nobody waited, the new day would be the third.
    assert isinstance(decide(OTHER, card(last), scan(after_midnight, "g2", of=OTHER.gate)).answer, Verdict)


def test_a_day_promised_by_an_open_grant_is_recorded_by_a_passage_elsewhere_too() -> None:
    # The first turn may never be taken: then the day must stand on the second passage.
    held, _ = granted(card(days_ticket()))
    (passed,) = decide(LIFT, held, scan(at(10, 0, 3), "s2", of=LIFT.gate)).operations
    assert isinstance(passed, Passed)
    assert passed.day_used is not None


def test_a_first_passage_promised_by_an_open_grant_is_recorded_by_a_passage_elsewhere_too() -> None:
    held, _ = granted(card(unstarted_ticket()))
    (passed,) = decide(LIFT, held, scan(at(10, 0, 3), "s2", of=LIFT.gate)).operations
    assert isinstance(passed, Passed)
    assert passed.activated is not None
    assert passed.activated.valid_from == at(10, 0, 3)


def test_a_first_passage_promised_by_an_open_grant_is_not_counted_as_running_for_ever() -> None:
    held, grant = granted(card(unstarted_ticket()))
    assert grant.activated is not None
    expected = held.expected(at(10, 0, 5)).holdings[0]
    assert expected.valid_until == at(14)
    assert held.expected(at(10, 0, 15)).holdings[0].valid_from is None


@pytest.mark.parametrize(
    "ticket",
    [points_ticket(available=3), day_ticket(), days_ticket(), unstarted_ticket()],
    ids=lambda t: t.product_code,
)
def test_a_turn_taken_records_what_was_granted(ticket: Holding) -> None:
    _, grant = granted(card(ticket))
    (outcome,) = decide_turns({grant.grant: Grant(grant, TEN)}, {}, [turn(grant, taken=True)])
    (taken,) = outcome.operations
    assert isinstance(taken, Taken)
    assert outcome.answer == Turned(grant=grant.grant, taken=True, points=grant.points)
    assert (taken.passage.id, taken.passage.weight) == (grant.grant, 2_000_000)
    assert (taken.activated, taken.day_used) == (grant.activated, grant.day_used)
    assert [t.amount for t in taken.transfers] == ([3] if grant.points else [])
    assert (taken.ended is not None and taken.ended.posted) == bool(grant.points)


def test_a_turn_not_taken_frees_what_was_reserved() -> None:
    held, grant = granted(card(points_ticket(available=3)))
    (outcome,) = decide_turns({grant.grant: Grant(grant, TEN)}, {}, [turn(grant, taken=False)])
    (ended,) = outcome.operations
    assert isinstance(ended, NotTaken)
    assert ended.ended is not None
    assert not ended.ended.posted
    assert after(held, TEN, outcome.operations).holdings[0].available == 3


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_a_grant_ends_once(first: bool, second: bool) -> None:
    _, grant = granted(card(day_ticket()))
    turns = [turn(grant, taken=first), turn(grant, taken=second, key="t2")]
    _, again = decide_turns({grant.grant: Grant(grant, TEN)}, {}, turns)
    assert isinstance(again.answer, Refused)
    assert again.answer.reason == Reason.GRANT_ENDED
    assert again.operations == ()


def test_an_unknown_grant_is_refused() -> None:
    _, grant = granted(card(day_ticket()))
    (outcome,) = decide_turns({}, {}, [turn(grant, taken=True)])
    assert isinstance(outcome.answer, Refused)
    assert outcome.answer.reason == Reason.UNKNOWN_GRANT


@pytest.mark.parametrize(("left", "recorded"), [(3, True), (2, False)])
def test_a_turn_reported_after_the_grant_lapsed_is_charged_if_the_points_are_there(left: int, recorded: bool) -> None:
    _, grant = granted(card(points_ticket(available=3)))
    lapsed = Grant(grant, TEN, "lapsed")
    (outcome,) = decide_turns({grant.grant: lapsed}, {grant.entitlement: left}, [turn(grant, taken=True, seconds=60)])
    if recorded:
        (taken,) = outcome.operations
        assert isinstance(taken, Taken)
        assert taken.ended is None
        assert [t.amount for t in taken.transfers] == [3]
    else:
        assert isinstance(outcome.answer, Refused)
        assert outcome.answer.reason == Reason.NOT_ENOUGH_POINTS
        assert outcome.operations == ()


def test_two_late_turns_do_not_draw_the_same_points() -> None:
    _, one = granted(card(points_ticket(available=6)), "g1")
    _, two = granted(card(points_ticket(available=6)), "g2")
    grants = {g.grant: Grant(g, TEN, "lapsed") for g in (one, two)}
    first, second = decide_turns(grants, {one.entitlement: 5}, [turn(one, taken=True), turn(two, taken=True, key="t2")])
    assert isinstance(first.answer, Turned)
    assert isinstance(second.answer, Refused)


def test_a_lapsed_grant_reported_as_not_taken_changes_nothing() -> None:
    _, grant = granted(card(points_ticket()))
    (outcome,) = decide_turns({grant.grant: Grant(grant, TEN, "lapsed")}, {}, [turn(grant, taken=False)])
    assert outcome.answer == Turned(grant=grant.grant, taken=False, points=0)
    assert outcome.operations == ()


@pytest.mark.parametrize(("seconds", "ended"), [(14, 0), (15, 1), (3600, 1)])
def test_grants_lapse_at_the_end_of_their_time(seconds: int, ended: int) -> None:
    _, grant = granted(card(points_ticket()))
    lapse = Lapse(key="l1", at=TEN + timedelta(seconds=seconds), actor=grant.gate)
    assert len(decide_lapse(lapse, [Grant(grant, TEN)]).operations) == ended
    assert decide_lapse(lapse, [Grant(grant, TEN, "taken")]).operations == ()


# --------------------------------------------------------------------------------------------------------- properties

GATES = [
    TURNSTILE,
    OTHER,
    LIFT,
    with_terms(gate("free"), points=0),
    with_terms(gate("exit", direction="out"), points=2),
]


def _cards() -> list[Card]:
    chips = [medium(), medium("2")]
    tickets = [[points_ticket(available=11), days_ticket()], [points_ticket("other", 5), unstarted_ticket()]]
    return [Card(m, tuple(held)) for m, held in zip(chips, tickets, strict=True)]


scans = st.lists(
    st.builds(
        lambda seconds, which, chip, key: scan(TEN + timedelta(seconds=seconds), key, of=GATES[which].gate, chip=chip),
        st.integers(0, 4000),
        st.integers(0, len(GATES) - 1),
        st.sampled_from(["chip-1", "chip-2", "chip-3"]),
        st.uuids().map(str),
    ),
    max_size=25,
    unique_by=lambda s: s.key,
)


@given(scans)
def test_a_batch_is_decided_as_if_one_by_one(batch: list[Scan]) -> None:
    world = state(GATES, *_cards())
    together = decide_all(world, batch)
    cards, singly = dict(world.cards), []
    for one in batch:
        (outcome,) = decide_all(state(GATES, *cards.values()), [one])
        if one.chip in cards:
            cards[one.chip] = after(cards[one.chip], one.at, outcome.operations)
        singly.append(outcome)
    assert together == singly


@given(scans)
def test_points_are_conserved_and_never_overdrawn(batch: list[Scan]) -> None:
    world = state(GATES, *_cards())
    outcomes = decide_all(world, batch)
    for held in world.cards.values():
        mine = [o for o in outcomes if o.request.chip == held.medium.chip]
        folded = held
        drawn = reserved = 0
        for outcome in mine:
            folded = after(folded, outcome.request.at, outcome.operations)
            for done in outcome.operations:
                if isinstance(done, Passed):
                    drawn += sum(transfer.amount for transfer in done.transfers)
                    assert done.passage.points == sum(transfer.amount for transfer in done.transfers)
                elif isinstance(done, Granted) and done.reserved:
                    reserved += done.reserved.amount
                elif isinstance(done, NotTaken) and done.ended:
                    reserved -= done.ended.amount
            assert all(holding.available >= 0 for holding in folded.holdings)
        before, left = (sum(h.available for h in c.holdings) for c in (held, folded))
        assert before == left + drawn + reserved


@given(scans)
def test_a_refusal_records_nothing_and_everything_recorded_is_answered_with_a_verdict(batch: list[Scan]) -> None:
    for outcome in decide_all(state(GATES, *_cards()), batch):
        if isinstance(outcome.answer, Refused):
            assert outcome.operations == ()
        else:
            assert not outcome.operations or isinstance(outcome.operations[-1], Granted | Passed)


@given(scans)
def test_no_medium_passes_a_gate_twice_within_the_passback_time(batch: list[Scan]) -> None:
    passed: dict[tuple[str, object], list[object]] = {}
    for outcome in decide_all(state(GATES, *_cards()), batch):
        for done in outcome.operations:
            if isinstance(done, Passed):
                times = passed.setdefault((outcome.request.chip, done.passage.gate), [])
                assert all(abs(outcome.request.at - other) >= timedelta(seconds=300) for other in times)  # type: ignore[operator]
                times.append(outcome.request.at)
