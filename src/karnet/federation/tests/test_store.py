"""The protocol over PostgreSQL: the store keeps what the core asks of one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from karnet.federation import services
from karnet.federation.core.batching import next_push
from karnet.federation.core.cosigning import cosign, newest_checkpoint
from karnet.federation.core.messages import Code, Evidence
from karnet.federation.core.store import Moved, Status
from karnet.federation.peers import follow_members
from karnet.federation.requests import Suspend
from karnet.federation.rules import server_of
from karnet.federation.store import PostgresStore
from karnet.federation.tests.test_http import AT, COSIGNER, HUB, KEY, MEMBER, MEMBERS_COSIGNER, Node
from karnet.journal import arrivals
from karnet.journal.sealing import Sealer
from karnet.journal.tlog.merkle import EMPTY_ROOT
from karnet.journal.tlog.note import SignatureType, SigningKey

pytestmark = pytest.mark.database


@pytest.fixture
def store(database: None) -> PostgresStore:
    """A hub that has admitted kopa/log, with everything sealed."""
    node = Node()
    node.join(node.invitation())
    seal()
    return PostgresStore(HUB, lambda: AT)


def seal() -> None:
    with Sealer(KEY, clock=lambda: datetime.now(UTC), witness=lambda at, note: None) as sealer:
        sealer.seal_all()


def test_a_member_is_followed_from_nothing(store: PostgresStore) -> None:
    view = store.logs()["kopa/log"]
    assert (view.size, view.root, view.note, view.applied) == (0, EMPTY_ROOT, b"", 0)
    assert [key.key for key in view.keys] == [MEMBER.verifier]
    home = store.logs()[HUB]
    assert home.size == home.applied > 0
    assert store.root_at(HUB, home.size) == home.root


def test_what_is_sealed_can_be_sent_and_continues_from_any_size(store: PostgresStore) -> None:
    size = store.logs()[HUB].size
    for first in range(size):
        push = next_push(store, HUB, first)
        assert push is not None
        assert (push.first, len(push.entries)) == (first, size - first)
    assert next_push(store, HUB, size) is None


def test_what_is_not_held_is_not_proven(store: PostgresStore) -> None:
    view = store.logs()[HUB]
    with pytest.raises(Moved):
        store.edge(HUB, view.size - 1)
    with pytest.raises(ValueError, match="held up to"):
        store.root_at(HUB, view.size + 1)
    with pytest.raises(ValueError, match="no log named"):
        store.root_at("stranger/log", 0)


def test_the_newest_cosignature_of_each_cosigner_is_kept(store: PostgresStore) -> None:
    first = newest_checkpoint(store.logs()[HUB])
    assert first is not None
    other = SigningKey("kopa/log", SignatureType.COSIGNATURE_V1, bytes([4] * 32))
    old = cosign(first, COSIGNER, AT)
    services.suspend(Suspend(key="s", at=AT, actor=server_of(HUB), log="kopa/log", good=0, held=0))
    seal()
    second = newest_checkpoint(store.logs()[HUB])
    assert second is not None
    new = cosign(second, COSIGNER, AT)
    store.save_cosignatures([new, old])
    store.save_cosignatures([old])
    store.save_cosignatures([cosign(first, other, AT)])
    assert {(line.size, line.line.split()[1]) for line in store.cosignatures([HUB])} == {
        (second.size, HUB),
        (first.size, "kopa/log"),
    }
    assert store.cosignatures([]) == ()
    assert {key.name for key in store.cosigners()} == {HUB, "kopa/log"}
    assert MEMBERS_COSIGNER in {key.format() for key in store.cosigners()}


def test_proven_evidence_stops_a_log_until_people_release_it(store: PostgresStore) -> None:
    evidence = Evidence(
        log="kopa/log", code=Code.FORK, index=3, held=b"a", offered=b"b", detail="two trees", proven=True
    )
    store.quarantine(evidence)
    store.quarantine(evidence)
    assert store.logs()["kopa/log"].status is Status.QUARANTINED
    assert list(store.evidence()) == [evidence]
    assert arrivals.release("kopa/log", AT)
    store.quarantine(evidence)
    assert store.logs()["kopa/log"].status is Status.FOLLOWED, "what people have settled is not taken up again"


def test_what_is_not_proven_is_kept_and_stops_nothing(store: PostgresStore) -> None:
    store.quarantine(Evidence(log="kopa/log", code=Code.INCONSISTENT, index=0, detail="no proof"))
    assert store.logs()["kopa/log"].status is Status.FOLLOWED
    assert len(store.evidence()) == 1


def test_a_suspended_member_is_followed_up_to_its_last_good_entry(store: PostgresStore) -> None:
    services.suspend(Suspend(key="s", at=AT, actor=server_of(HUB), log="kopa/log", good=0, held=0))
    assert follow_members(AT) == 0
    assert store.logs()["kopa/log"].status is Status.SUSPENDED
    assert arrivals.held_logs()["kopa/log"].until == 0
