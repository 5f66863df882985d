"""Group commit of scans from many threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from karnet.access.gateway import Gateway
from karnet.access.requests import Scan, Verdict
from karnet.access.services import admit
from karnet.access.tests.conftest import World
from karnet.access.tests.small import at, scan
from karnet.entitlements.selectors import holdings
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason


def test_every_caller_gets_its_own_verdict_and_scans_are_committed_together(world: World) -> None:
    lift = world.gate("lift", points=1)
    cards = {str(n): world.card(str(n), points=[1]) for n in range(40)}
    batches: list[int] = []

    def counting(scans: Sequence[Scan]) -> list[Verdict | Refused]:
        batches.append(len(scans))
        return admit(scans)

    scans = [world.scan(lift, number) for number in cards]
    with Gateway(counting) as gateway, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(gateway.admit, scans))
    assert [answer.medium for answer in answers if isinstance(answer, Verdict)] == list(cards.values())
    assert all(holdings([card])[card][0].available == 0 for card in cards.values())
    assert sum(batches) == 40


@pytest.mark.parametrize("workers", [1, 3])
def test_the_last_points_through_a_gateway_admit_exactly_as_many_as_they_pay_for(world: World, workers: int) -> None:
    gates = [world.gate(f"g{n}") for n in range(20)]
    world.card("1", points=[23])
    with Gateway(workers=workers, max_batch=4) as gateway:
        futures = [gateway.submit(world.scan(gate, "1")) for gate in gates]
    assert sum(isinstance(future.result(), Verdict) for future in futures) == 7


def test_what_waits_while_a_batch_is_committed_is_the_next_batch() -> None:
    committing, release = Event(), Event()
    batches: list[int] = []

    def slow(scans: Sequence[Scan]) -> list[Verdict | Refused]:
        batches.append(len(scans))
        committing.set()
        release.wait()
        return [refused(Reason.GATE_CLOSED)] * len(scans)

    with Gateway(slow, max_batch=6) as gateway:
        gateway.submit(scan(at(10)))
        committing.wait()
        waiting = [gateway.submit(scan(at(10), f"s{n}")) for n in range(10)]
        release.set()
    assert batches == [1, 6, 4]
    assert all(future.done() for future in waiting)


def test_a_fault_reaches_its_callers_and_the_next_batch_is_served() -> None:
    calls: list[int] = []

    def failing_once(scans: Sequence[Scan]) -> list[Verdict | Refused]:
        calls.append(len(scans))
        if len(calls) == 1:
            raise RuntimeError("the database is away")
        return [refused(Reason.GATE_CLOSED)]

    with Gateway(failing_once) as gateway:
        with pytest.raises(RuntimeError, match="away"):
            gateway.admit(scan(at(10)))
        assert gateway.admit(scan(at(10), "s2")) == refused(Reason.GATE_CLOSED)


def test_what_a_caller_brings_together_is_decided_together_and_answered_in_its_order(world: World) -> None:
    lift = world.gate("lift", points=1)
    cards = {str(n): world.card(str(n), points=[1]) for n in range(12)}
    batches: list[int] = []

    def counting(scans: Sequence[Scan]) -> list[Verdict | Refused]:
        batches.append(len(scans))
        return admit(scans)

    scans = [world.scan(lift, number) for number in [*cards, "unknown"]]
    with Gateway(counting, max_batch=4) as gateway:
        answers = gateway.admit_all(scans)
    assert [answer.medium for answer in answers if isinstance(answer, Verdict)] == list(cards.values())
    assert isinstance(answers[-1], Refused)
    assert batches == [13]


def test_while_scans_come_together_a_batch_waits_for_more_and_a_lone_scan_for_none() -> None:
    batches: list[int] = []
    deciding, release = Event(), Event()

    def slow(scans: Sequence[Scan]) -> list[Verdict | Refused]:
        batches.append(len(scans))
        deciding.set()
        release.wait()
        return [refused(Reason.GATE_CLOSED)] * len(scans)

    # Whoever waits for more here waits for a minute, or until the batch is full.
    with Gateway(slow, max_batch=2, linger_s=60) as gateway:
        gateway.submit(scan(at(10)))
        deciding.wait()
        together = [gateway.submit(scan(at(10), f"s{n}")) for n in range(2)]
        release.set()
        assert all(future.result() == refused(Reason.GATE_CLOSED) for future in together)
        apart = [gateway.submit(scan(at(10), f"t{n}")) for n in range(2)]
        assert all(future.result() == refused(Reason.GATE_CLOSED) for future in apart)
    assert batches == [1, 2, 2]
