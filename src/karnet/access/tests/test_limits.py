"""A flood of refusals from one gate stays out of the database."""

from __future__ import annotations

import pytest
from django.db import connection

from karnet.access import services
from karnet.access.limits import RefusalLimit
from karnet.access.requests import Verdict
from karnet.access.tests.conftest import World
from karnet.access.tests.small import at
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_refusals", RefusalLimit(per_minute=3))


def _requests() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM journal_request")
        (count,) = cursor.fetchone()
    return int(count)


def _reason(answer: Verdict | Refused) -> Reason | None:
    return answer.reason if isinstance(answer, Refused) else None


def test_a_flooding_gate_is_answered_from_memory_until_its_minute_is_over(world: World) -> None:
    lift, other = world.gate("lift"), world.gate("other")
    world.card("1", points=[30])
    for n in range(3):
        assert _reason(world.admit(lift, "noise", at(10, 0, n))) == Reason.UNKNOWN_MEDIUM
    before = _requests()
    answer = world.admit(lift, "noise", at(10, 0, 30))
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.facts) == (Reason.TOO_MANY_REFUSALS, {"until": "2026-01-15T10:01:00Z"})
    assert _requests() == before
    assert _reason(world.admit(other, "1", at(10, 0, 30))) is None
    assert _reason(world.admit(lift, "1", at(10, 1))) is None


def test_a_flooding_gate_in_a_batch_leaves_the_others_their_answers(world: World) -> None:
    lift, other = world.gate("lift"), world.gate("other")
    world.card("1", points=[30])
    for n in range(3):
        world.admit(lift, "noise", at(10, 0, n))
    answers = services.admit([world.scan(gate, "1") for gate in (lift, other, lift)])
    assert [_reason(answer) for answer in answers] == [Reason.TOO_MANY_REFUSALS, None, Reason.TOO_MANY_REFUSALS]


def test_passages_do_not_count_against_a_gate(world: World) -> None:
    lift = world.gate("lift", passback_s=1)
    world.card("1", points=[30])
    assert [_reason(world.admit(lift, "1", at(10, 0, n))) for n in range(8)] == [None] * 8
