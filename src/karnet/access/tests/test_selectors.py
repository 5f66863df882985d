"""What the settlement reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from karnet.access.facts import visits_relation
from karnet.access.requests import Verdict
from karnet.access.selectors import gates
from karnet.access.tests.conftest import MORNING, NORTH, SOUTH, World
from karnet.access.tests.small import at
from karnet.journal.cuts import Cut, extent, latest_cut
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.note import SignatureType, SigningKey

KEY = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)


def seal() -> Cut:
    with Sealer(KEY, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC), witness=lambda *_: None) as sealer:
        sealer.seal_all()
    return latest_cut()


def visits(cut: Cut, since: datetime | None = None, until: datetime | None = None) -> list[tuple[UUID, int, str]]:
    """What tickets (sold in [since, until)) did inside a cut, as the settlement reads it."""
    with connection.cursor() as cursor:
        cursor.execute(*visits_relation(extent(cut), since, until))
        return cursor.fetchall()


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

    by_facility = {NORTH: f"{NORTH} 2 6 2000000", SOUTH: f"{SOUTH} 1 2 1500000"}
    expected = [(mine, 3, ",".join(by_facility[facility] for facility in sorted(by_facility)))]
    assert visits(cut) == expected
    seal()
    assert visits(cut) == expected, "a cut selects the same whatever was sealed since"
    assert [passages for _, passages, _ in visits(latest_cut())] == [4]


def test_of_tickets_sold_in_a_span_the_visits_are_read_whenever_they_were_made(world: World) -> None:
    north = world.gate("lift", points=3, weight=1_000_000)
    world.card("1", points=[30])
    mine = ticket(world.admit(north, "1", at(10)))
    cut = seal()
    assert [found for found, _, _ in visits(cut, MORNING, at(9))] == [mine], "sold then, though used later"
    assert visits(cut, MORNING + timedelta(milliseconds=1), None) == []
    assert visits(cut, None, MORNING) == [], "sold at its end is sold after it"


def test_a_grant_that_was_not_taken_is_no_passage(world: World) -> None:
    turnstile = world.gate("turnstile", reports_turn=True)
    world.card("1", points=[30])
    verdict = world.admit(turnstile, "1")
    assert isinstance(verdict, Verdict)
    world.turn(turnstile, verdict.id, taken=False)
    assert visits(seal()) == []


def test_gates_are_listed_by_facility(world: World) -> None:
    world.gate("b")
    world.gate("a")
    world.gate("a", facility=SOUTH)
    assert [gate.code for gate in gates(NORTH)] == ["a", "b"]
    assert len(gates()) == 3
