"""What people are told of the common card."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from karnet.federation import peers
from karnet.federation.delays import Delays, delays, quantiles
from karnet.federation.models import Alarm, Peer
from karnet.federation.status import link_down, status
from karnet.federation.store import PostgresStore
from karnet.federation.tests.test_http import AT, HUB, Node
from karnet.federation.tests.test_store import seal
from karnet.journal import arrivals

pytestmark = pytest.mark.database


@pytest.fixture
def node(database: None) -> Node:
    made = Node()
    made.join(made.invitation())
    seal()
    peers._last_written.clear()
    return made


def test_a_server_on_its_own_takes_part_in_nothing(database: None) -> None:
    found = status(AT)
    assert (found.hub, found.logs, found.peers, found.alarms) == (None, (), (), ())
    assert link_down() is None


def test_every_log_is_shown_with_its_words_and_who_vouches(node: Node) -> None:
    hub, kopa = status(AT).logs
    assert (hub.log, hub.home, hub.is_hub) == (HUB, True, True)
    assert hub.state == "behind", "nobody has vouched for it yet"
    assert hub.held == hub.applied > 0
    assert (kopa.log, kopa.home, kopa.held, kopa.applied, kopa.state) == ("kopa/log", False, 0, 0, "ok")
    assert len(kopa.words.split("-")) == 8
    assert kopa.words != hub.words


def test_a_peer_is_up_while_it_is_heard(node: Node) -> None:
    assert [(peer.log, peer.up) for peer in status(AT).peers] == [("kopa/log", False)]
    peers.seen("kopa/log", AT)
    assert status(AT + timedelta(seconds=30)).peers[0].up
    later = status(AT + timedelta(minutes=5)).peers[0]
    assert (later.up, later.down_since) == (False, AT)


def test_a_link_is_down_from_the_first_answer_that_did_not_come_until_one_does(node: Node) -> None:
    peers.missed(HUB, AT, "refused")
    peers.missed(HUB, AT + timedelta(seconds=10), "timed out")
    down = link_down()
    assert down is not None
    assert down.since == AT
    assert Peer.objects.get(log=HUB).error == "timed out"
    peers.seen(HUB, AT + timedelta(seconds=20))
    assert link_down() is None


def test_a_quarantine_is_an_alarm_that_says_what_to_do(node: Node) -> None:
    arrivals.quarantine("kopa/log", 7, "foreign_actor", "it names somebody else's cashier", AT)
    found = status(AT)
    assert not found.sound
    (alarm,) = found.alarms
    assert "Entry 7 of kopa/log" in alarm.what
    assert "karnet federation release kopa/log" in alarm.do
    assert found.logs[1].state == "quarantined"
    assert arrivals.release("kopa/log", AT)
    assert status(AT).sound


@pytest.mark.parametrize("trouble", ["behind", "hub_behind", "refused", "unreachable", "hub_faulty"])
def test_every_trouble_of_the_relay_is_said_in_whole_sentences(node: Node, trouble: str) -> None:
    Alarm.objects.create(trouble=trouble, log="kopa/log", detail="because", ours=3, theirs=5, since=AT)
    (alarm,) = status(AT).alarms
    for said in (alarm.what, alarm.do):
        assert said.endswith(".")
        assert "{" not in said


def test_delays_are_those_of_the_last_batches(node: Node) -> None:
    assert quantiles([timedelta(milliseconds=n) for n in range(100)]).p50_ms == 50
    assert quantiles([timedelta(milliseconds=n) for n in range(100)]).p99_ms == 99
    kept = Delays()
    kept.note({"kopa/log": 1}, datetime.now(UTC))
    assert delays() == {}, "nothing of it is applied yet"


def test_evidence_that_people_have_settled_is_handed_on_no_more(node: Node) -> None:
    from karnet.federation.core.messages import Code, Evidence

    store = PostgresStore(HUB, lambda: AT)
    store.quarantine(Evidence(log="kopa/log", code=Code.FORK, index=3, detail="two trees", proven=True))
    assert peers.settle_evidence("kopa/log", AT) == 1
    assert list(store.evidence()) == []
