"""Which right opens the gate, and what is said when none does (SPEC N12, X2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from karnet.access.operations import Granted, Passed
from karnet.access.requests import Verdict
from karnet.access.rules import Card, GateState, Preference, decide
from karnet.access.tests.small import (
    DAY,
    ZONE,
    at,
    card,
    day_ticket,
    days_ticket,
    facility,
    gate,
    medium,
    points_ticket,
    scan,
    unstarted_ticket,
    with_terms,
)
from karnet.catalogue.operations import Validity
from karnet.entitlements.rules import Holding
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import Window, local_instant

LIFT = with_terms(gate(), points=3, weight=1_500_000)
TEN = at(10)


def decided(held: Card, when: datetime = TEN, where: GateState = LIFT) -> Verdict | Refused:
    return decide(where, held, scan(when, of=where.gate)).answer


def used(*holdings: Holding, when: datetime = TEN, where: GateState = LIFT) -> tuple[str, str]:
    answer = decided(card(*holdings), when, where)
    assert isinstance(answer, Verdict), answer
    return answer.product_code, answer.by


def why(*holdings: Holding, when: datetime = TEN, where: GateState = LIFT) -> Refused:
    answer = decided(card(*holdings), when, where)
    assert isinstance(answer, Refused), answer
    return answer


RUNNING = day_ticket()
SAME_DAY = days_ticket("same", days_used=(DAY,))
NEW_DAY = days_ticket("new")
FIRST = unstarted_ticket()
POINTS = points_ticket()


@pytest.mark.parametrize(
    ("preferred", "by", "others"),
    [
        (RUNNING, "running", [SAME_DAY, NEW_DAY, FIRST, POINTS]),
        (SAME_DAY, "same_day", [NEW_DAY, FIRST, POINTS]),
        (NEW_DAY, "new_day", [FIRST, POINTS]),
        (FIRST, "first_passage", [POINTS]),
        (POINTS, "points", []),
    ],
)
def test_what_takes_least_from_the_visitor_is_used_first(preferred: Holding, by: str, others: list[Holding]) -> None:
    assert used(preferred, *others) == (preferred.product_code, by)
    assert used(*reversed(others), preferred) == (preferred.product_code, by)


def test_every_preference_but_free_is_in_the_table_above() -> None:
    assert [p.name.lower() for p in Preference] == [
        "running", "same_day", "free", "new_day", "first_passage", "points",
    ]  # fmt: skip


def test_a_points_ticket_at_a_gate_that_takes_no_points_goes_before_a_new_day() -> None:
    free = with_terms(gate(), points=0)
    assert used(NEW_DAY, points_ticket(available=0), where=free) == ("POINTS", "free")


@pytest.mark.parametrize(
    ("holdings", "expected"),
    [
        ([points_ticket("a", valid_until=at(20)), points_ticket("b", valid_until=at(12))], "B"),
        ([points_ticket("a"), points_ticket("b", valid_until=at(12))], "B"),
        ([points_ticket("a", sold_at=at(8)), points_ticket("b", sold_at=at(7))], "B"),
        ([points_ticket("a", 2), points_ticket("b", valid_until=at(12), available=3)], "B"),
        ([points_ticket("a", 2, valid_until=at(12)), points_ticket("b")], "B"),
        ([day_ticket("a", valid_until=at(20)), day_ticket("b", valid_until=at(12))], "B"),
    ],
    ids=["ends first", "ends at all", "sold first", "enough points", "too few points are passed over", "day tickets"],
)
def test_of_equal_rights_the_one_that_ends_first_is_used(holdings: list[Holding], expected: str) -> None:
    assert used(*holdings)[0] == expected


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (card(RUNNING, medium=medium(blocks=1)), Reason.MEDIUM_BLOCKED),
        (card(RUNNING, medium=medium(state="returned")), Reason.MEDIUM_RETURNED),
        (card(RUNNING, medium=medium(state="replaced")), Reason.MEDIUM_REPLACED),
        (card(), Reason.NOTHING_ON_MEDIUM),
        (card(day_ticket(facilities=(facility("south"),))), Reason.NOT_VALID_HERE),
        (card(day_ticket(valid_from=at(12))), Reason.NOT_YET_VALID),
        (card(day_ticket(valid_until=at(10))), Reason.EXPIRED),
        (card(days_ticket(days_used=(date(2026, 1, 12), date(2026, 1, 13), date(2026, 1, 14)))), Reason.DAYS_USED_UP),
        (card(points_ticket(available=2)), Reason.NOT_ENOUGH_POINTS),
        (card(day_ticket(voided=True)), Reason.ENTITLEMENT_VOID),
        (card(RUNNING, passed={LIFT.gate.id: (at(9, 58),)}), Reason.PASSBACK),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_every_reason_to_refuse(held: Card, reason: Reason) -> None:
    outcome = decide(LIFT, held, scan(at(10), of=LIFT.gate))
    assert isinstance(outcome.answer, Refused)
    assert outcome.answer.reason == reason
    assert outcome.operations == ()


def test_an_unknown_gate_or_medium_is_refused() -> None:
    assert decide(None, card(RUNNING), scan(at(10))).answer.reason == Reason.UNKNOWN_GATE  # type: ignore[union-attr]
    assert decide(LIFT, None, scan(at(10))).answer.reason == Reason.UNKNOWN_MEDIUM  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("holdings", "reason"),
    [
        ([points_ticket(available=2), day_ticket(valid_until=at(9))], Reason.NOT_ENOUGH_POINTS),
        ([day_ticket(facilities=(facility("south"),)), day_ticket(valid_until=at(9))], Reason.EXPIRED),
        ([day_ticket("late", valid_from=at(12)), day_ticket(valid_until=at(9))], Reason.NOT_YET_VALID),
        ([day_ticket(voided=True), day_ticket("x", facilities=(facility("south"),))], Reason.NOT_VALID_HERE),
    ],
)
def test_the_refusal_nearest_to_coming_in_is_told(holdings: list[Holding], reason: Reason) -> None:
    assert why(*holdings).reason == reason
    assert why(*reversed(holdings)).reason == reason


def test_of_equal_refusals_the_last_bought_speaks() -> None:
    no = why(points_ticket("a", 1), points_ticket("b", 2))
    assert no.facts == {"available": 2, "needed": 3}


@pytest.mark.parametrize(("seconds", "admitted"), [(0, False), (1, False), (299, False), (300, True), (301, True)])
def test_a_medium_may_pass_again_at_exactly_the_passback_time(seconds: int, admitted: bool) -> None:
    held = card(RUNNING, passed={LIFT.gate.id: (at(10),)})
    answer = decided(held, at(10) + timedelta(seconds=seconds))
    assert isinstance(answer, Verdict) == admitted
    if isinstance(answer, Refused):
        assert answer.facts == {"until": "2026-01-15T10:05:00Z"}


def test_passback_counts_passages_recorded_out_of_order() -> None:
    held = card(RUNNING, passed={LIFT.gate.id: (at(10), at(12))})
    assert isinstance(decided(held, at(9, 59)), Refused)
    assert isinstance(decided(held, at(11)), Verdict)


def test_passback_is_per_gate() -> None:
    assert isinstance(decided(card(RUNNING, passed={gate("other").id: (at(10),)})), Verdict)


def test_an_expired_ticket_is_told_so_even_within_the_passback_time() -> None:
    held = card(day_ticket(valid_until=at(10)), passed={LIFT.gate.id: (at(9, 59),)})
    answer = decided(held)
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.EXPIRED


def test_a_points_passage_draws_what_the_gate_takes_and_says_what_is_left() -> None:
    outcome = decide(LIFT, card(points_ticket(available=7)), scan(at(10), of=LIFT.gate))
    assert isinstance(outcome.answer, Verdict)
    assert (outcome.answer.points, outcome.answer.points_left) == (3, 4)
    (passed,) = outcome.operations
    assert isinstance(passed, Passed)
    assert (passed.passage.points, passed.passage.weight) == (3, 1_500_000)
    assert [transfer.amount for transfer in passed.transfers] == [3]


def test_the_first_passage_starts_a_ticket_and_is_marked_once() -> None:
    outcome = decide(LIFT, card(FIRST), scan(at(10), of=LIFT.gate))
    (passed,) = outcome.operations
    assert isinstance(passed, Passed)
    assert passed.activated is not None
    assert (passed.activated.valid_from, passed.activated.valid_until) == (at(10), at(14))
    assert isinstance(outcome.answer, Verdict)
    assert outcome.answer.valid_until == at(14)


def test_a_new_day_of_a_k_of_n_ticket_is_counted_by_the_sellers_calendar() -> None:
    (passed,) = decide(LIFT, card(NEW_DAY), scan(at(23, 30, day=date(2026, 1, 14)), of=LIFT.gate)).operations
    assert isinstance(passed, Passed)
    assert passed.day_used is not None
    assert passed.day_used.day == DAY  # half past midnight in Warsaw


# -------------------------------------------------------------------------------------------------------------- terms

NO_TERMS = GateState(gate())
FOREIGN = GateState(gate(place="south"))


@pytest.mark.parametrize(
    ("held", "where", "reason"),
    [
        (day_ticket(), NO_TERMS, None),  # the seller's own gate needs no agreement
        (day_ticket(), FOREIGN, Reason.NO_TERMS),
        (day_ticket(facilities=(facility("south"),)), FOREIGN, None),  # sold for there by name
        (points_ticket(), NO_TERMS, Reason.NO_TERMS),  # nobody has said what it costs
        (points_ticket(facilities=(facility("south"),)), FOREIGN, Reason.NO_TERMS),
    ],
)
def test_gates_without_terms(held: Holding, where: GateState, reason: Reason | None) -> None:
    outcome = decide(where, card(held), scan(at(10), of=where.gate))
    if reason is None:
        (passed,) = outcome.operations
        assert isinstance(passed, Passed)
        assert (passed.passage.points, passed.passage.weight) == (0, 0)
    else:
        assert isinstance(outcome.answer, Refused)
        assert outcome.answer.reason == reason


def test_terms_count_from_their_first_instant_to_before_their_last_and_the_newest_wins() -> None:
    (terms,) = LIFT.terms
    newer = type(terms)(at(10), at(11), type(terms.terms)(gate=LIFT.gate.id, points=1, weight=0))
    known = GateState(LIFT.gate, (newer, terms))
    points = [known.terms_at(when).points for when in (at(9, 59, 59), at(10), at(10, 59, 59), at(11))]  # type: ignore[union-attr]
    assert points == [3, 1, 1, 3]
    assert known.terms_at(terms.valid_until) is None


# -------------------------------------------------------------------------------------------------------------- exits

EXIT = with_terms(gate("exit", direction="out", passback_s=0), points=3)


@pytest.mark.parametrize(
    "held",
    [
        card(points_ticket(available=0)),
        card(points_ticket(available=30)),
        card(day_ticket(valid_until=at(9))),
        card(FIRST),
        card(NEW_DAY),
        card(RUNNING, medium=medium(blocks=1)),
        card(RUNNING, medium=medium(state="returned")),
    ],
    ids=["no points", "points", "expired", "unstarted", "new day", "blocked", "returned"],
)
def test_the_way_out_takes_nothing_and_keeps_nobody(held: Card) -> None:
    (passed,) = decide(EXIT, held, scan(at(10), of=EXIT.gate)).operations
    assert isinstance(passed, Passed)
    assert (passed.passage.points, passed.passage.weight) == (0, 0)
    assert (passed.transfers, passed.activated, passed.day_used) == ((), None, None)


def test_the_way_out_needs_a_card_with_something_on_it() -> None:
    answer = decided(card(), where=EXIT)
    assert isinstance(answer, Refused)
    assert answer.reason == Reason.NOTHING_ON_MEDIUM


# -------------------------------------------------------------------------------------------------- summer and winter

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
ALWAYS = GateState(
    gate(passback_s=3600),
    (type(LIFT.terms[0])(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), LIFT.terms[0].terms),),
)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_day_ticket_lasts_the_whole_local_day_on_which_clocks_change(day: date, hours: int) -> None:
    ticket = unstarted_ticket(validity=Validity(kind="days", days=1, starts="first_passage"))
    (passed,) = decide(ALWAYS, card(ticket), scan(local_instant(day, time(10), ZONE), of=ALWAYS.gate)).operations
    assert isinstance(passed, Passed)
    assert passed.activated is not None
    assert passed.activated.valid_until is not None
    assert passed.activated.valid_until - passed.activated.valid_from == timedelta(hours=hours)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_an_hour_of_passback_is_an_hour_that_passed_whatever_clocks_do(day: date) -> None:
    # 00:30 UTC is half past one or two in Warsaw; an hour later the wall clock shows 03:30, or 02:30 again.
    before = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    held = card(day_ticket(valid_from=before, valid_until=None), passed={ALWAYS.gate.id: (before,)})
    assert isinstance(decided(held, before + timedelta(seconds=3599), ALWAYS), Refused)
    assert isinstance(decided(held, before + timedelta(seconds=3600), ALWAYS), Verdict)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_four_hours_from_the_first_passage_are_four_real_hours_when_clocks_change(day: date) -> None:
    started = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    (passed,) = decide(ALWAYS, card(FIRST), scan(started, of=ALWAYS.gate)).operations
    assert isinstance(passed, Passed)
    assert passed.activated is not None
    assert passed.activated.valid_until == started + timedelta(hours=4)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_weekly_windows_follow_the_wall_clock_when_clocks_change(day: date) -> None:
    windows = (Window(weekdays=(6,), start_minute=9 * 60, end_minute=16 * 60),)
    ticket = day_ticket(
        validity=Validity(kind="season", windows=windows), valid_from=datetime(2026, 1, 1, tzinfo=UTC), valid_until=None
    )
    opens, closes = local_instant(day, time(9), ZONE), local_instant(day, time(16), ZONE)
    second = timedelta(seconds=1)
    for when, inside in [(opens - second, False), (opens, True), (closes - second, True), (closes, False)]:
        answer = decided(card(ticket), when, ALWAYS)
        assert isinstance(answer, Verdict) == inside, when
        if isinstance(answer, Refused):
            assert answer.reason == Reason.OUTSIDE_WINDOW
            week = 7 if when > opens else 0
            then = local_instant(day + timedelta(days=week), time(9), ZONE)
            assert answer.facts == {"since": then.isoformat().replace("+00:00", "Z")}


# ------------------------------------------------------------------------------------------------------------- grants

TURNSTILE = with_terms(gate("turnstile", reports_turn=True), points=3)


def test_a_gate_that_reports_the_turn_gets_a_grant_and_the_points_are_reserved() -> None:
    outcome = decide(TURNSTILE, card(points_ticket(available=3)), scan(at(10), of=TURNSTILE.gate))
    (granted,) = outcome.operations
    assert isinstance(granted, Granted)
    assert granted.reserved is not None
    assert (granted.reserved.amount, granted.expires_at) == (3, at(10, 0, 15))
    assert isinstance(outcome.answer, Verdict)
    assert (outcome.answer.points_left, outcome.answer.expires_at) == (0, at(10, 0, 15))
