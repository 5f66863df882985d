"""Gates on a real database: what is recorded, what is charged, what a repeat and a refusal do not change."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate, Enrolled, Lapse, Lapsed, Turned, Verdict
from karnet.access.selectors import gates, passages_of
from karnet.access.services import admit, enrol_gates, lapse_grants
from karnet.access.tests.conftest import MORNING, NORTH, SOUTH, World, tables
from karnet.access.tests.small import at
from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances, books_balance
from karnet.catalogue.operations import Validity
from karnet.entitlements.rules import points_account
from karnet.entitlements.selectors import holdings
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import names
from karnet.parties.services import Retire, retire


def points_left(medium: UUID) -> list[int]:
    return [holding.available for holding in holdings([medium])[medium]]


def taken_at(facility: UUID) -> int:
    account = house_account(facility, "points_taken", "points")
    return balances([account])[account].balance


def reason(answer: object) -> Reason:
    assert isinstance(answer, Refused), answer
    return answer.reason


def test_a_gate_that_cannot_report_the_turn_records_and_charges_the_passage_at_once(world: World) -> None:
    lift = world.gate("lift")
    card = world.card("1", points=[30])
    answer = world.admit(lift, "1")
    assert isinstance(answer, Verdict)
    assert (answer.points, answer.points_left, answer.expires_at) == (3, 27, None)
    assert points_left(card) == [27]
    assert taken_at(NORTH) == 3
    (passed,) = passages_of([answer.entitlement])
    assert (passed.id, passed.gate, passed.points, passed.weight) == (answer.id, lift, 3, 1_000_000)
    assert books_balance()["points"] == 0


def test_points_go_to_the_facility_whose_gate_took_them(world: World) -> None:
    south = world.gate("lift", facility=SOUTH, points=2)
    world.card("1", points=[30])
    world.admit(south, "1")
    assert (taken_at(NORTH), taken_at(SOUTH)) == (0, 2)


def test_a_grant_charges_when_the_turn_is_taken(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[30])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    assert (points_left(card), taken_at(NORTH), passages_of([verdict.entitlement])) == ([27], 0, [])
    assert world.turn(gate, verdict.id) == Turned(grant=verdict.id, taken=True, points=3)
    assert (points_left(card), taken_at(NORTH)) == ([27], 3)
    (passed,) = passages_of([verdict.entitlement])
    assert (passed.id, passed.at) == (verdict.id, at(10, 0, 5))
    account = points_account(verdict.entitlement)
    assert (balances([account])[account].reserved, balances([account])[account].balance) == (0, 27)


def test_the_very_last_points_can_be_granted_and_taken(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[3])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    world.turn(gate, verdict.id)
    assert points_left(card) == [0]
    assert reason(world.admit(gate, "1", at(11))) == Reason.NOT_ENOUGH_POINTS


def test_a_turn_not_taken_charges_nothing(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[3])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    assert world.turn(gate, verdict.id, taken=False) == Turned(grant=verdict.id, taken=False, points=0)
    assert (points_left(card), taken_at(NORTH), passages_of([verdict.entitlement])) == ([3], 0, [])
    # Nobody went through, so there is nothing to wait for.
    assert isinstance(world.admit(gate, "1", at(10, 0, 6)), Verdict)


def test_a_scan_while_the_grant_waits_answers_the_same_grant(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[30])
    first, again = world.admit(gate, "1"), world.admit(gate, "1", at(10, 0, 14))
    assert first == again
    assert points_left(card) == [27]


def test_a_scan_after_the_grants_time_frees_its_points_for_the_next(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[3])
    first, second = world.admit(gate, "1"), world.admit(gate, "1", at(10, 1))
    assert isinstance(first, Verdict)
    assert isinstance(second, Verdict)
    assert first.id != second.id
    assert points_left(card) == [0]


def test_grants_lapse_the_oldest_first_and_free_what_they_reserved(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    cards = [world.card(str(n), points=[3]) for n in range(4)]
    for n in range(4):
        world.admit(gate, str(n), at(10, 0, n))
    asked = {"actor": world.server, "limit": 2}
    assert lapse_grants([Lapse(key="l0", at=at(10, 0, 14), **asked)]) == [Lapsed(grants=0)]
    assert lapse_grants([Lapse(key="l1", at=at(10, 0, 17), **asked)]) == [Lapsed(grants=2)]
    assert lapse_grants([Lapse(key="l1", at=at(10, 0, 17), **asked)]) == [Lapsed(grants=2)]
    assert [points_left(card) for card in cards] == [[3], [3], [0], [0]]
    assert lapse_grants([Lapse(key=f"l{n}", at=at(11), **asked) for n in (2, 3)]) == [
        Lapsed(grants=2),
        Lapsed(grants=0),
    ]
    assert [points_left(card) for card in cards] == [[3]] * 4


def test_a_turn_reported_late_is_charged_while_the_card_still_has_the_points(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    card = world.card("1", points=[3])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    lapse_grants([Lapse(key="l", at=at(10, 1), actor=world.server)])
    assert world.turn(gate, verdict.id, at(10, 2)) == Turned(grant=verdict.id, taken=True, points=3)
    assert (points_left(card), taken_at(NORTH)) == ([0], 3)
    assert reason(world.turn(gate, verdict.id, at(10, 3))) == Reason.GRANT_ENDED


def test_a_turn_reported_late_without_points_left_is_refused_and_kept_for_staff(world: World) -> None:
    gate, lift = world.gate("turnstile", reports_turn=True), world.gate("lift")
    world.card("1", points=[3])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    lapse_grants([Lapse(key="l", at=at(10, 1), actor=world.server)])
    world.admit(lift, "1", at(10, 1))
    before = tables()
    assert reason(world.turn(gate, verdict.id, at(10, 2))) == Reason.NOT_ENOUGH_POINTS
    assert tables() == before


def test_the_same_scan_gets_the_same_answer_and_nothing_happens_twice(world: World) -> None:
    lift = world.gate("lift")
    world.card("1", points=[30])
    scans = [world.scan(lift, "1", at(10), "a"), world.scan(lift, "1", at(10, 1), "b"), world.scan(lift, "2", key="c")]
    first = admit(scans)
    before = tables()
    assert admit(scans) == first
    assert admit(list(reversed(scans))) == list(reversed(first))
    assert tables() == before


def test_the_same_key_for_another_scan_is_refused(world: World) -> None:
    lift = world.gate("lift")
    world.card("1", points=[30])
    admit([world.scan(lift, "1", key="a")])
    assert reason(admit([world.scan(lift, "1", at(10, 1), key="a")])[0]) == Reason.KEY_REUSED


def test_refusals_change_nothing(world: World) -> None:
    lift, turnstile = world.gate("lift"), world.gate("turnstile", reports_turn=True)
    bare = world.gate("bare", points=None)
    south = world.gate("south", facility=SOUTH, points=None)
    world.card("poor", points=[2])
    world.card("old", days=1, valid_until=at(9))
    world.card("blocked", points=[30])
    world.block(world.card("lost", points=[30]))
    world.card("just passed", points=[30], days=1)
    world.admit(lift, "just passed", at(9, 58))
    before = tables()
    cases = [
        (lift, "poor", Reason.NOT_ENOUGH_POINTS),
        (turnstile, "poor", Reason.NOT_ENOUGH_POINTS),
        (lift, "old", Reason.EXPIRED),
        (lift, "lost", Reason.MEDIUM_BLOCKED),
        (lift, "just passed", Reason.PASSBACK),
        (lift, "nobody knows", Reason.UNKNOWN_MEDIUM),
        (bare, "blocked", Reason.NO_TERMS),
        (south, "just passed", Reason.NO_TERMS),
    ]
    answers = admit([world.scan(gate, number) for gate, number, _ in cases])
    assert [reason(answer) for answer in answers] == [expected for _, _, expected in cases]
    assert tables() == before


def test_a_batch_is_decided_as_if_scans_came_one_by_one(world: World) -> None:
    lift, turnstile = world.gate("lift"), world.gate("turnstile", reports_turn=True)
    for number in ("a1", "b1"):
        world.card(number, points=[10])

    def day(number: str) -> list[tuple[UUID, str, int]]:
        return [
            (lift, number, 0),
            (turnstile, number, 1),
            (lift, number, 2),
            (turnstile, number, 20),
            (lift, number, 400),
        ]

    def told(answers: list[Verdict | Refused]) -> list[object]:
        return [a.reason if isinstance(a, Refused) else (a.points, a.points_left, a.by) for a in answers]

    together = admit([world.scan(g, n, at(10) + timedelta(seconds=s)) for g, n, s in day("a1")])
    singly = [world.admit(g, n, at(10) + timedelta(seconds=s)) for g, n, s in day("b1")]
    assert told(together) == told(singly)
    assert points_left(named_id("medium", "a1")) == points_left(named_id("medium", "b1"))


def test_a_family_passes_one_by_one_on_one_points_card(world: World) -> None:
    lift = world.gate("lift", passback_s=5)
    card = world.card("1", points=[10])
    answers = [world.admit(lift, "1", at(10, 0, 5 * n)) for n in range(4)]
    assert [isinstance(answer, Verdict) for answer in answers] == [True, True, True, False]
    assert points_left(card) == [1]


def test_passback_counts_from_the_turn_that_was_taken(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True, passback_s=60)
    world.card("1", points=[30])
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    world.turn(gate, verdict.id, at(10, 0, 7))
    assert reason(world.admit(gate, "1", at(10, 1, 6))) == Reason.PASSBACK
    assert isinstance(world.admit(gate, "1", at(10, 1, 7)), Verdict)


def test_a_ticket_starts_with_its_first_taken_passage(world: World) -> None:
    gate = world.gate("turnstile", reports_turn=True)
    hours = Validity(kind="hours", hours=4, starts="first_passage")
    card = world.card("1", days=1, validity=hours, valid_from=None, valid_until=None)
    verdict = world.admit(gate, "1")
    assert isinstance(verdict, Verdict)
    assert verdict.valid_until == at(14)
    assert holdings([card])[card][0].valid_from is None
    world.turn(gate, verdict.id)
    assert (holdings([card])[card][0].valid_from, holdings([card])[card][0].valid_until) == (at(10), at(14))
    assert reason(world.admit(gate, "1", at(14))) == Reason.EXPIRED


def test_days_of_a_k_of_n_ticket_are_used_up(world: World) -> None:
    lift = world.gate("lift")
    within = Validity(kind="days_within", days=2, within_days=5)
    card = world.card("1", days=5, validity=within)
    days = [world.admit(lift, "1", at(hour) + timedelta(days=day)) for day, hour in [(0, 10), (0, 12), (2, 9), (3, 9)]]
    assert [a.by if isinstance(a, Verdict) else a.reason for a in days] == [
        "new_day", "same_day", "new_day", Reason.DAYS_USED_UP,
    ]  # fmt: skip
    assert len(holdings([card])[card][0].days_used) == 2


def test_the_terms_in_force_are_those_recorded_last(world: World) -> None:
    lift = world.gate("lift", points=3)
    world.card("1", points=[30])
    world.terms(lift, 1, since=at(11))
    assert [a.points for n in (10, 11) if isinstance(a := world.admit(lift, "1", at(n)), Verdict)] == [3, 1]


def test_a_retired_gate_lets_nobody_in(world: World) -> None:
    lift = world.gate("lift")
    world.card("1", points=[30])
    retire([Retire(key="r", at=at(9), actor=world.server, party=lift)])
    assert reason(world.admit(lift, "1")) == Reason.ACTOR_RETIRED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"facility": named_id("facility", "NOWHERE")}, Reason.UNKNOWN_FACILITY),
        ({"code": "lift"}, Reason.ALREADY_EXISTS),
        ({"code": ""}, Reason.BAD_VALUE),
        ({"code": "a b"}, Reason.BAD_VALUE),
        ({"direction": "up"}, Reason.BAD_VALUE),
        ({"passback_s": -1}, Reason.BAD_VALUE),
        ({"grant_s": 0}, Reason.BAD_VALUE),
    ],
)
def test_a_gate_that_cannot_be_enrolled_is_refused(world: World, changes: dict[str, object], expected: Reason) -> None:
    world.gate("lift")
    before = tables()
    asked = {"key": "g", "at": MORNING, "actor": world.server, "facility": NORTH, "code": "new", **changes}
    assert reason(enrol_gates([EnrolGate(**asked)])[0]) == expected  # type: ignore[arg-type]
    assert tables() == before
    assert [gate.code for gate in gates(NORTH)] == ["lift"]


def test_two_gates_of_one_code_in_a_batch_are_one_gate(world: World) -> None:
    asked = {"at": MORNING, "actor": world.server, "facility": NORTH, "code": "lift"}
    first, second = enrol_gates([EnrolGate(key="g1", **asked), EnrolGate(key="g2", **asked)])
    assert first == Enrolled(id=gate_id(NORTH, "lift"))
    assert reason(second) == Reason.ALREADY_EXISTS


def test_a_gates_name_is_kept_beside_the_journal(world: World, superuser: psycopg.Connection) -> None:
    asked = {"at": MORNING, "actor": world.server, "facility": NORTH}
    named, plain = enrol_gates(
        [EnrolGate(key="g1", code="g1", name="Northern chairlift", **asked), EnrolGate(key="g2", code="g2", **asked)]
    )
    assert isinstance(named, Enrolled)
    assert isinstance(plain, Enrolled)
    assert names([named.id, plain.id]) == {named.id: "Northern chairlift"}
    found = superuser.execute("SELECT string_agg(encode(data, 'escape'), ' ') FROM journal_operation").fetchone()
    assert found is not None
    assert "chairlift" not in found[0]
    assert "g1" in found[0]
