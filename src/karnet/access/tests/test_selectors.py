"""What the settlement reads."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from karnet.access.requests import Verdict
from karnet.access.selectors import Visits, gates, passages_by_ticket
from karnet.access.tests.conftest import NORTH, SOUTH, World
from karnet.access.tests.small import at
from karnet.journal.cuts import Cut, extent, latest_cut
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey

KEY = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)


def seal() -> Cut:
    with Sealer(KEY, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC), witness=lambda *_: None) as sealer:
        sealer.seal_all()
    return latest_cut()


def ticket(answer: object) -> UUID:
    assert isinstance(answer, Verdict), answer
    return answer.entitlement


def test_passages_are_summed_by_ticket_and_facility_inside_a_cut(world: World) -> None:
    north = world.gate("lift", points=3, weight=1_000_000)
    free = world.gate("carpet", points=0, weight=0)
    south = world.gate("lift", facility=SOUTH, points=2, weight=1_500_000)
    leave = world.gate("exit", direction="out")
    world.card("1", points=[30])
    for gate, hour in [(north, 9), (north, 10), (south, 11), (free, 12), (leave, 13)]:
        mine = ticket(world.admit(gate, "1", at(hour)))
    cut = seal()
    world.admit(north, "1", at(14))

    expected = sorted([Visits(mine, NORTH, 2, 6, 2_000_000), Visits(mine, SOUTH, 1, 2, 1_500_000)])
    assert list(passages_by_ticket(extent(cut))) == expected
    seal()
    assert list(passages_by_ticket(extent(cut))) == expected, "a cut selects the same whatever was sealed since"
    assert sum(visits.points for visits in passages_by_ticket(extent(latest_cut()))) == 11


def test_a_grant_that_was_not_taken_is_no_passage(world: World) -> None:
    turnstile = world.gate("turnstile", reports_turn=True)
    world.card("1", points=[30])
    verdict = world.admit(turnstile, "1")
    assert isinstance(verdict, Verdict)
    world.turn(turnstile, verdict.id, taken=False)
    assert list(passages_by_ticket(extent(seal()))) == []


def test_gates_are_listed_by_facility(world: World) -> None:
    world.gate("b")
    world.gate("a")
    world.gate("a", facility=SOUTH)
    assert [gate.code for gate in gates(NORTH)] == ["a", "b"]
    assert len(gates()) == 3
