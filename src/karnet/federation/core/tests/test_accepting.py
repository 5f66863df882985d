"""What a receiver believes, and whom it blames for what it does not believe."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from karnet.federation.core import messages
from karnet.federation.core.accepting import Present, Rejection, Taken, convicts, receive
from karnet.federation.core.batching import next_push
from karnet.federation.core.messages import Code, Push
from karnet.federation.core.store import Kept, Moved, Status
from karnet.federation.core.tests.scribes import Scribe
from karnet.federation.sim.memory import Killed, MemoryLog
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.note import Note, SignatureType, SigningKey

A, B, HUB = "a.example/log", "b.example/log", "hub.example/log"
HOUSE = b'{"at":"2027-01-16T11:00:00.000Z","actor":"00000000-0000-0000-0000-000000000001",'
LISTED = b'"id":"00000000-0000-0000-0000-000000000002","kind":"%s","sha256":"%s","v":1}'


@pytest.fixture
def a() -> Scribe:
    return Scribe(A)


@pytest.fixture
def hub(a: Scribe) -> Scribe:
    hub = Scribe(HUB)
    hub.follow(a, Scribe(B))
    return hub


def refused(hub: Scribe, push: Push, sender: str = A) -> Rejection:
    """The rejection of a batch, which must leave the log as it was."""
    before = hub.store.log(push.log).copy() if push.log in hub.store.logs() else None
    outcome = receive(hub.store, push, sender=sender)
    assert isinstance(outcome, Rejection)
    if before is not None:
        before.status, before.until = hub.store.log(push.log).status, hub.store.log(push.log).until
        assert hub.store.log(push.log) == before
    return outcome


def changed(push: Push, **fields: object) -> Push:
    return msgspec.structs.replace(push, **fields)


def test_a_log_grows_batch_by_batch_to_the_tree_that_was_signed(a: Scribe, hub: Scribe) -> None:
    sizes = []
    for count in (1, 2, 300, 1, 700, 20):
        first = a.store.log(A).size
        a.write(count)
        outcome = receive(hub.store, a.push(first), sender=A)
        assert isinstance(outcome, Taken)
        assert outcome.checkpoint is not None
        sizes.append(outcome.size)
    assert sizes == [1, 3, 303, 304, 1004, 1024]
    assert hub.store.log(A) == a.store.log(A)
    assert all(hub.store.root_at(A, size) == a.store.root_at(A, size) for size in range(0, 1025, 41))


def test_a_batch_ends_within_a_note_where_one_seal_is_too_large_for_a_message(a: Scribe, hub: Scribe) -> None:
    a.write(5)
    a.write(1000, length=20_000)
    ends = []
    while (first := hub.store.log(A).size) < 1005:
        push = a.push(first)
        assert sum(map(len, push.entries)) <= messages.TARGET_BYTES
        outcome = receive(hub.store, push, sender=A)
        assert isinstance(outcome, Taken)
        ends.append((outcome.size, outcome.checkpoint is not None))
        if outcome.checkpoint is None:
            assert len(hub.store.logs()[A].pending) == 1
            assert next_push(hub.store, A, 5) is None, "what no note covers yet is not handed on"
    assert [receipt for _, receipt in ends] == [True, *[False] * (len(ends) - 2), True]
    assert hub.store.log(A) == a.store.log(A)
    assert hub.store.logs()[A].pending == ()


def test_the_same_batch_twice_changes_nothing(a: Scribe, hub: Scribe) -> None:
    a.write(10)
    push = a.push(0)
    receive(hub.store, push, sender=A)
    before = hub.store.log(A).copy()
    assert receive(hub.store, push, sender=A) == Present()
    assert hub.store.log(A) == before


def test_a_batch_beyond_what_is_held_is_a_gap_and_one_before_it_stale(a: Scribe, hub: Scribe) -> None:
    a.write(10)
    first = a.push(0)
    a.write(10)
    assert refused(hub, a.push(10)).code is Code.GAP
    receive(hub.store, first, sender=A)
    assert refused(hub, a.push(5)).code is Code.STALE


def test_two_processes_that_receive_the_same_store_it_once(a: Scribe, hub: Scribe) -> None:
    a.write(10)
    push = a.push(0)
    store, genuine = hub.store, hub.store.receive
    raced: list[bool] = []

    def raced_receive(batch: object) -> None:
        if not raced:
            raced.append(True)
            genuine(batch)  # type: ignore[arg-type]
        genuine(batch)  # type: ignore[arg-type]

    store.receive = raced_receive  # type: ignore[method-assign]
    assert receive(store, push, sender=A) == Present()
    assert hub.entries_of(A) == a.entries_of(A)
    with pytest.raises(Moved):
        store.edge(A, 0)


def test_a_note_of_another_key_or_of_another_log_is_refused(a: Scribe, hub: Scribe) -> None:
    a.write(3)
    push = a.push(0)
    thief = SigningKey(A, SignatureType.ED25519, bytes([7]) * 32)
    unsigned = Note(Note.parse(push.note).text, (thief.sign(Note.parse(push.note).text),)).format()
    assert refused(hub, changed(push, note=unsigned)).code is Code.BAD_NOTE
    assert refused(hub, changed(push, log=B), sender=B).code is Code.BAD_NOTE
    assert refused(hub, changed(push, note=b"\xff\x00 no note")).code is Code.BAD_NOTE
    assert refused(hub, changed(push, note=push.note.replace(b"\n3\n", b"\n4\n"))).code is Code.BAD_NOTE
    assert refused(hub, changed(push, log="nobody")).code is Code.UNKNOWN_LOG
    assert refused(hub, changed(push, log=HUB)).code is Code.REFUSED
    assert not hub.store.evidence()


def test_a_cosignature_by_the_logs_own_name_does_not_stand_for_its_signature(a: Scribe, hub: Scribe) -> None:
    a.write(3)
    push = a.push(0)
    text = Note.parse(push.note).text
    note = Note(text, (a.cosigner.cosign(text, timestamp=1),)).format()
    assert refused(hub, changed(push, note=note)).code is Code.BAD_NOTE


def test_a_key_signs_only_at_its_sizes(a: Scribe) -> None:
    new = Scribe(A)
    new.key = SigningKey(A, SignatureType.ED25519, bytes([9]) * 32)
    hub = Scribe(HUB)
    keys = (LogKey(key=a.key.verifier, until=5), LogKey(key=new.key.verifier, above=4))
    hub.store.follow(MemoryLog.empty(A, *keys))
    a.write(5)
    early = Scribe(A)
    early.key = new.key
    early.write(4)
    assert refused(hub, early.push(0)).code is Code.BAD_NOTE, "the new key signed where only the old one may"
    assert isinstance(receive(hub.store, a.push(0), sender=A), Taken)
    a.write(1)
    assert refused(hub, a.push(5)).code is Code.BAD_NOTE, "the old key signed after its end"
    a.store.log(A).notes.pop(6)
    a.store.log(A).entries.pop()
    late = Scribe(A)
    late.store = a.store
    late.key = new.key
    late.store.log(A).tiles[0, 0] = late.store.log(A).tiles[0, 0][: 5 * 32]
    late.write(1)
    assert isinstance(receive(hub.store, late.push(5), sender=A), Taken)


def test_a_batch_that_contradicts_itself_is_refused(a: Scribe, hub: Scribe) -> None:
    a.write(3)
    push = a.push(0)
    assert refused(hub, changed(push, entries=())).code is Code.BAD_BATCH
    assert refused(hub, changed(push, first=-1)).code is Code.BAD_BATCH
    assert refused(hub, changed(push, entries=(*push.entries, b"1"))).code is Code.BAD_BATCH


def test_what_is_larger_than_anything_honest_is_refused_before_it_is_hashed(a: Scribe, hub: Scribe) -> None:
    a.write(3)
    push = a.push(0)
    many = tuple(b"1" for _ in range(messages.MAX_ENTRIES + 1))
    for field, value in (
        ("entries", many),
        ("entries", (bytes(messages.MAX_ENTRY_BYTES + 1),)),
        ("contents", (bytes(messages.MAX_CONTENT_BYTES + 1),)),
        ("proof", (bytes(32),) * 65),
        ("rest", (bytes(32),) * 65),
        ("note", bytes(40_000)),
    ):
        assert refused(hub, changed(push, **{field: value})).code is Code.TOO_LARGE


@pytest.mark.parametrize("damage", [b"another", b""])
def test_entries_that_are_not_those_signed_are_the_senders_fault(a: Scribe, hub: Scribe, damage: bytes) -> None:
    a.write(4)
    push = a.push(0)
    entries = (*push.entries[:2], damage, *push.entries[3:])
    found = refused(hub, changed(push, entries=entries), sender=B)
    assert found.code is Code.ALTERED
    assert found.evidence is not None
    assert (found.evidence.sender, found.evidence.index, found.evidence.proven) == (B, 0, False)
    assert hub.store.log(A).status is Status.FOLLOWED, "a log does not answer for what others made of it"
    assert isinstance(receive(hub.store, push, sender=A), Taken)


def test_fewer_entries_than_signed_need_the_proof_that_leads_to_the_note(a: Scribe, hub: Scribe) -> None:
    a.write(9)
    push = a.push(0)
    assert refused(hub, changed(push, entries=push.entries[:4])).code is Code.ALTERED
    rest = a.store.proof(A, 4, 9)
    outcome = receive(hub.store, changed(push, entries=push.entries[:4], rest=rest), sender=A)
    assert outcome == Taken(A, 4, None)


def test_another_tree_of_a_size_that_is_held_is_a_fork_whoever_brings_it(a: Scribe, hub: Scribe) -> None:
    a.write(6)
    receive(hub.store, a.push(0), sender=A)
    other = Scribe(A, seed="rewritten")
    other.write(4)
    found = refused(hub, other.push(0), sender=B)
    assert found.code is Code.FORK
    assert found.evidence is not None
    assert (found.evidence.log, found.evidence.index, found.evidence.proven) == (A, 6, True)
    assert hub.store.log(A).status is Status.QUARANTINED
    assert hub.store.log(B).status is Status.FOLLOWED
    refused(hub, other.push(0), sender=B)
    assert len(hub.store.evidence()) == 1


def test_a_rewritten_log_that_outgrew_what_is_held_cannot_prove_that_it_continues_it(a: Scribe, hub: Scribe) -> None:
    a.write(6)
    receive(hub.store, a.push(0), sender=A)
    other = Scribe(A, seed="rewritten")
    other.write(9)
    found = refused(hub, other.push(6))
    assert found.code is Code.INCONSISTENT
    assert found.evidence is not None
    assert (found.evidence.log, found.evidence.sender, found.evidence.index) == (A, A, 6)
    assert found.evidence.held
    assert found.evidence.offered == other.push(6).note
    a.write(1)
    assert isinstance(receive(hub.store, a.push(6), sender=A), Taken), "the history that was held goes on"


def _departing(a: Scribe, after: int, *counts: int) -> Scribe:
    """The same server writing another history after that many entries."""
    other = Scribe(a.name, seed="other")
    other.store.seal(a.store.log(a.name).entries[:after], other.key)
    for count in counts:
        other.write(count)
    return other


def test_two_promised_trees_of_one_size_convict_before_their_entries_come(a: Scribe, hub: Scribe) -> None:
    a.write(8)
    receive(hub.store, _under(a, 0, 8), sender=A)
    assert refused(hub, _departing(a, 1, 7).push(1)).code is Code.FORK
    assert hub.store.log(A).status is Status.QUARANTINED


def test_a_promised_tree_is_compared_when_the_entries_pass_its_size(a: Scribe, hub: Scribe) -> None:
    a.write(8)
    receive(hub.store, _under(a, 0, 8), sender=A)
    found = refused(hub, _departing(a, 1, 9).push(1))
    assert found.code is Code.FORK
    assert "another tree of 8 entries" in found.detail


def test_a_log_cannot_leave_promises_open_without_end(a: Scribe, hub: Scribe) -> None:
    for _ in range(20):
        a.write(1)
    pushes = [_under(a, first, 20 - first) for first in range(9)]
    for push in pushes[:8]:
        assert isinstance(receive(hub.store, push, sender=A), Taken)
    assert refused(hub, pushes[8]).code is Code.BAD_BATCH
    assert isinstance(receive(hub.store, _under(a, 8, 20), sender=A), Taken), "under a note that is known it goes on"
    assert isinstance(receive(hub.store, a.push(9), sender=A), Taken)
    assert hub.store.logs()[A].pending == ()


def _under(scribe: Scribe, first: int, size: int) -> Push:
    """One entry under the note of a size."""
    store = scribe.store
    return Push(
        log=scribe.name,
        first=first,
        entries=(store.log(scribe.name).entries[first].data,),
        note=store.log(scribe.name).notes[size],
        proof=store.proof(scribe.name, first, size),
        rest=store.proof(scribe.name, first + 1, size),
    )


def _named(kind: bytes, content: bytes) -> bytes:
    return HOUSE + LISTED % (kind, sha256(content).hexdigest().encode())


@pytest.mark.parametrize(
    ("kind", "brought", "code"),
    [
        (b"catalogue.published", (b"price list",), None),
        (b"catalogue.published", (), Code.MISSING_CONTENT),
        (b"catalogue.published", (b"price list", b"something else"), Code.BAD_CONTENT),
        (b"orders.shift_closed", (), None),
        (b"orders.shift_closed", (b"price list",), Code.BAD_CONTENT),
        (b"future.kind", (), None),
        (b"future.kind", (b"price list",), None),
    ],
)
def test_contents_travel_if_they_are_shared_and_only_then(
    a: Scribe, hub: Scribe, kind: bytes, brought: tuple[bytes, ...], code: Code | None
) -> None:
    a.write_these([Kept(b'"before"'), Kept(_named(kind, b"price list"))])
    outcome = receive(hub.store, changed(a.push(0), contents=brought), sender=A)
    assert (outcome.code if isinstance(outcome, Rejection) else None) is code
    if code is None:
        assert hub.store.log(A).entries[1].content == (brought[0] if brought else None)


def test_what_is_stored_outlives_a_crash_and_what_is_not_leaves_no_trace(a: Scribe, hub: Scribe) -> None:
    a.write(5)
    for point, size in (("receive", 0), ("received", 5)):

        def die(at: str, point: str = point) -> None:
            if at == point:
                raise Killed

        hub.store.crash = die
        with pytest.raises(Killed):
            receive(hub.store, a.push(0), sender=A)
        assert hub.store.log(A).size == size
    hub.store.crash = lambda point: None
    assert receive(hub.store, a.push(0), sender=A) == Present()


def test_evidence_convicts_by_itself_or_not_at_all(a: Scribe, hub: Scribe) -> None:
    a.write(6)
    receive(hub.store, a.push(0), sender=A)
    view = hub.store.logs()[A]
    other = Scribe(A, seed="rewritten")
    other.write(4)
    found = refused(hub, other.push(0)).evidence
    assert found is not None
    assert convicts(found, view, lambda size: hub.store.root_at(A, size))
    stranger = Scribe(HUB)
    stranger.follow(a)
    empty = stranger.store.logs()[A]
    assert not convicts(found, empty, lambda size: stranger.store.root_at(A, size)), "not without the entries"
    slander = msgspec.structs.replace(found, offered=a.push(0).note)
    assert not convicts(slander, view, lambda size: hub.store.root_at(A, size))
    garbage = msgspec.structs.replace(found, offered=b"garbage", held=b"")
    assert not convicts(garbage, view, lambda size: hub.store.root_at(A, size))
