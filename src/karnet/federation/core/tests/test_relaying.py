"""Who says what when: members and their hub, step by step, with replies that get lost and backups that are put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from karnet.federation.core import messages
from karnet.federation.core.answering import Allowance, Hub, Later
from karnet.federation.core.batching import next_push
from karnet.federation.core.cosigning import signer
from karnet.federation.core.messages import Code, Known, News, Pull, Pulled, Push, Pushed, Rejected, Reply
from karnet.federation.core.relaying import Inbound, Lane, Outbound, Rest, Send, Trouble
from karnet.federation.core.store import Status
from karnet.federation.core.tests.scribes import NOON, Scribe
from karnet.federation.sim.memory import MemoryLog
from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.journal.tlog.keyring import LogKey
from karnet.journal.tlog.note import Note, SignatureType, SigningKey

A, B, HUB = "a.example/log", "b.example/log", "hub.example/log"
ADDRESSES = ("one", "two")


class Network:
    """A hub and members with both lanes each; messages are carried at once, through their bytes."""

    def __init__(self) -> None:
        self.hub, self.a, self.b = Scribe(HUB), Scribe(A), Scribe(B)
        self.members = {A: self.a, B: self.b}
        for scribe in (self.hub, self.a, self.b):
            scribe.follow(*(other for other in (self.hub, self.a, self.b) if other is not scribe))
        self.node = Hub(self.hub.cosigner)
        self.out = {name: Outbound(ADDRESSES, lambda: 0.5, hub=HUB) for name in self.members}
        self.into = {
            name: Inbound(ADDRESSES, lambda: 0.5, hub=HUB, cosigner=scribe.cosigner)
            for name, scribe in self.members.items()
        }
        self.now = NOON
        self.tamper: Callable[[Reply], Reply] = lambda reply: reply

    def run(self, lane: Lane, name: str, *, most: int = 60) -> list[messages.Request]:
        """Let a lane work until it rests or waits for news; return what it sent."""
        sent = []
        store = self.members[name].store
        for _ in range(most):
            todo = lane.step(store, self.now)
            if isinstance(todo, Rest):
                return sent
            request = messages.decode_request(messages.encode(todo.request))
            sent.append(request)
            reply = self.node.handle(self.hub.store, name, request, self.now)
            waits = isinstance(reply, Later)
            if isinstance(reply, Later):
                reply = self.node.handle(self.hub.store, name, request, self.now, waited=True)
                assert not isinstance(reply, Later)
            lane.on_reply(store, messages.decode_reply(messages.encode(self.tamper(reply))), self.now)
            if waits:
                return sent
        raise AssertionError(f"no rest after {most} requests: {[type(s).__name__ for s in sent[-6:]]}")

    def settle(self) -> None:
        """Let everybody send and fetch all there is."""
        for _ in range(3):
            self.now += timedelta(seconds=31)
            for name in self.members:
                self.run(self.out[name], name)
                self.into[name]._caught_up = False
                self.run(self.into[name], name)


@pytest.fixture
def net() -> Network:
    return Network()


def test_everybody_comes_to_hold_every_log(net: Network) -> None:
    net.a.write(5)
    net.b.write(2000)
    net.b.write(30)
    net.hub.write(3)
    net.settle()
    for scribe in (net.hub, net.a, net.b):
        assert {name: log.size for name, log in scribe.store.logs().items()} == {A: 5, B: 2030, HUB: 3}
        assert scribe.entries_of(B) == net.b.entries_of(B)
    assert not any(lane.alarms for lane in (*net.out.values(), *net.into.values()))


def test_a_push_is_acknowledged_by_the_hubs_cosignature_over_what_it_stored(net: Network) -> None:
    net.a.write(5)
    net.run(net.out[A], A)
    (receipt,) = net.a.store.cosignatures([A])
    assert receipt.size == 5
    assert receipt.root == net.a.store.root_at(A, 5)
    assert signer(receipt, [net.hub.cosigner.verifier]) == net.hub.cosigner.verifier
    # It stands in a C2SP note like any other.
    note = net.a.store.log(A).notes[5] + receipt.line.encode()
    opened = open_checkpoint(note, origin=A, log_keys=[net.a.key.verifier], cosigners=[net.hub.cosigner.verifier])
    assert [c.timestamp for c in opened.cosignatures] == [int(NOON.timestamp())]
    assert len(Note.parse(note).signatures) == 2


def test_members_cosign_what_they_fetched_and_everybody_learns_of_it(net: Network) -> None:
    net.a.write(5)
    net.settle()
    by = {(line.log, line.size, line.line.split(" ")[1]) for line in net.a.store.cosignatures([A])}
    assert by == {(A, 5, HUB), (A, 5, B)}


def test_a_receipt_is_given_again_if_the_reply_was_lost(net: Network) -> None:
    net.a.write(5)
    push = net.a.push(0)
    first = net.node.handle(net.hub.store, A, push, NOON)
    again = net.node.handle(net.hub.store, A, push, NOON + timedelta(seconds=5))
    assert isinstance(first, Pushed)
    assert isinstance(again, Pushed)
    assert first.cosigned is not None
    assert again.cosigned is not None
    assert (again.size, again.cosigned.size, again.cosigned.root) == (5, 5, first.cosigned.root)


def test_no_receipt_is_given_for_half_of_what_was_signed(net: Network) -> None:
    net.a.write(600, length=20_000)
    reply = net.node.handle(net.hub.store, A, net.a.push(0), NOON)
    assert isinstance(reply, Pushed)
    assert reply.size < 600
    assert reply.cosigned is None
    again = net.node.handle(net.hub.store, A, net.a.push(0), NOON)
    assert isinstance(again, Rejected)
    assert (again.code, again.have) == (Code.STALE, reply.size)
    pulled = net.node.handle(net.hub.store, B, Pull(have={A: 0}), NOON)
    assert pulled == Pulled()


def test_a_question_for_news_waits_until_there_is_some(net: Network) -> None:
    question = News(have={A: 0, HUB: 0}, wait_ms=60_000)
    assert net.node.handle(net.hub.store, B, question, NOON) == Later(30_000)
    assert isinstance(net.node.handle(net.hub.store, B, question, NOON, waited=True), Known)
    net.a.write(1)
    net.run(net.out[A], A)
    known = net.node.handle(net.hub.store, B, question, NOON)
    assert isinstance(known, Known)
    assert known.sizes == known.offered == {A: 1, B: 0, HUB: 0}


def test_a_member_tries_the_next_node_at_once_and_then_ever_more_seldom(net: Network) -> None:
    lane = net.out[A]
    net.a.write(1)
    tried, waits = [], []
    now = NOON
    for _ in range(12):
        todo = lane.step(net.a.store, now)
        while isinstance(todo, Rest):
            waits.append(todo.until - now)
            now = todo.until
            todo = lane.step(net.a.store, now)
        tried.append(todo.address)
        lane.on_failure(now, "connection refused")
    assert tried == ["one", "two"] * 6
    assert waits == sorted(waits)
    assert waits[0] < timedelta(seconds=1)
    assert waits[-1] <= timedelta(seconds=30)
    assert (Trouble.UNREACHABLE, "") in lane.alarms
    net.now = now + timedelta(minutes=1)
    net.run(lane, A)
    assert not lane.alarms
    assert net.hub.entries_of(A) == net.a.entries_of(A)


def test_a_clock_put_back_makes_nobody_wait_for_ever(net: Network) -> None:
    lane = net.out[A]
    for _ in range(9):
        lane.on_failure(NOON, "down")
    rest = lane.step(net.a.store, NOON - timedelta(days=400))
    assert isinstance(rest, Rest)
    assert rest.until <= NOON - timedelta(days=400) + timedelta(seconds=60)


def test_an_old_backup_put_back_at_a_member_is_noticed_and_nothing_is_sent(net: Network) -> None:
    net.a.write(5)
    backup = net.a.store.backup()
    net.a.write(5)
    net.settle()
    net.a.store = backup
    net.out[A] = Outbound(ADDRESSES, lambda: 0.5, hub=HUB)
    assert [type(sent) for sent in net.run(net.out[A], A)] == [News]
    alarm = net.out[A].alarms[Trouble.BEHIND, A]
    assert (alarm.ours, alarm.theirs) == (5, 10)
    assert net.hub.store.log(A).size == 10


def test_a_member_that_signs_on_from_an_old_backup_is_told_that_its_history_does_not_fit(net: Network) -> None:
    net.a.write(5)
    backup = net.a.store.backup()
    net.a.write(5)
    net.settle()
    net.a.store = backup
    net.a.seed = "after the backup"
    net.a.write(9)
    net.out[A] = Outbound(ADDRESSES, lambda: 0.5, hub=HUB)
    net.run(net.out[A], A)
    alarm = net.out[A].alarms[Trouble.REFUSED, A]
    assert alarm.detail.startswith("inconsistent")
    (evidence,) = net.hub.store.evidence()
    assert (evidence.log, evidence.sender, evidence.index) == (A, A, 10)
    net.settle()
    assert net.b.store.log(A).size == 10
    assert [(e.log, e.reported_by, e.proven) for e in net.b.store.evidence()] == [(A, HUB, False)]


def test_a_hub_put_back_gets_what_it_lost_from_whoever_has_it(net: Network) -> None:
    net.a.write(5)
    net.settle()
    backup = net.hub.store.backup()
    net.a.write(5)
    net.b.write(2)
    net.settle()
    net.hub.store = backup
    net.now += timedelta(seconds=31)
    net.run(net.out[B], B)  # B alone has a connection now
    assert (Trouble.HUB_BEHIND, B) in net.out[B].alarms
    assert net.hub.entries_of(A) == net.a.entries_of(A)
    assert net.hub.entries_of(B) == net.b.entries_of(B)


def test_nobody_but_the_hub_writes_the_hubs_log(net: Network) -> None:
    net.hub.write(3)
    backup = net.hub.store.backup()
    net.hub.write(3)
    net.settle()
    push = net.hub.push(3)
    net.hub.store = backup
    reply = net.node.handle(net.hub.store, A, push, NOON)
    assert isinstance(reply, Rejected)
    assert reply.code is Code.REFUSED
    assert all(not isinstance(sent, Push) for sent in net.run(net.out[A], A))
    net.settle()
    assert (Trouble.HUB_BEHIND, HUB) in net.into[A].alarms


def test_a_hub_that_alters_what_it_passes_on_is_found_out_and_the_log_is_not_blamed(net: Network) -> None:
    net.a.write(5)
    net.run(net.out[A], A)

    def alter(reply: Reply) -> Reply:
        if not isinstance(reply, Pulled):
            return reply
        forged = tuple(msgspec.structs.replace(p, entries=(b"forged", *p.entries[1:])) for p in reply.pushes)
        return msgspec.structs.replace(reply, pushes=forged)

    net.tamper = alter
    net.run(net.into[B], B)
    assert net.b.store.log(A).size == 0
    assert net.into[B].alarms[Trouble.HUB_FAULTY, A].detail.startswith("altered")
    (evidence,) = net.b.store.evidence()
    assert (evidence.log, evidence.sender, evidence.proven) == (A, HUB, False)
    net.tamper = lambda reply: reply
    net.now += timedelta(seconds=61)
    net.settle()
    assert net.b.entries_of(A) == net.a.entries_of(A)
    assert not net.into[B].alarms


def test_a_fork_that_the_hub_proves_stops_the_log_everywhere_and_no_other(net: Network) -> None:
    net.a.write(5)
    net.b.write(1)
    net.settle()
    fork = Scribe(A, seed="fork")
    fork.write(3)
    reply = net.node.handle(net.hub.store, A, fork.push(0), net.now)
    assert isinstance(reply, Rejected)
    assert reply.code is Code.FORK
    net.b.write(1)
    net.settle()
    net.a.write(1)
    net.settle()
    assert [s.store.log(A).status for s in (net.hub, net.b)] == [Status.QUARANTINED] * 2
    assert [s.store.log(B).status for s in (net.hub, net.a)] == [Status.FOLLOWED] * 2
    assert net.b.store.log(A).size == 6, "what comes later is kept"


def test_the_hubs_word_without_proof_stops_nothing(net: Network) -> None:
    net.a.write(5)
    net.settle()
    slander = messages.Evidence(log=A, code=Code.FORK, index=0, offered=net.a.push(0).note, proven=True, sender=A)
    net.tamper = lambda reply: (
        msgspec.structs.replace(reply, evidence=(slander,)) if isinstance(reply, Pulled) else reply
    )
    net.settle()
    assert net.b.store.log(A).status is Status.FOLLOWED
    assert [(e.proven, e.reported_by) for e in net.b.store.evidence()] == [(False, HUB)]


def test_a_cosignature_over_another_tree_is_evidence_of_another_history(net: Network) -> None:
    net.a.write(5)
    net.settle()
    other = Scribe(A, seed="what B was shown")
    other.write(5)
    b = Scribe(B)
    b.follow(other, net.hub)
    lone = Inbound(ADDRESSES, lambda: 0.5, hub=HUB, cosigner=b.cosigner)
    lone.on_reply(b.store, Pulled(pushes=(other.push(0),)), NOON)
    told = lone.step(b.store, NOON)
    assert isinstance(told, Send)
    net.node.handle(net.hub.store, B, told.request, NOON)
    (evidence,) = net.hub.store.evidence()
    assert evidence.detail.startswith(f"{B} cosigned another tree of 5 entries")
    assert not evidence.proven
    assert net.hub.store.log(A).status is Status.FOLLOWED


def test_cosignatures_by_nobody_known_or_over_nothing_held_are_passed_over(net: Network) -> None:
    net.a.write(5)
    net.settle()
    before = net.hub.store.cosignatures([A])
    (line,) = [line for line in before if line.line.split(" ")[1] == B]
    stranger = Scribe("stranger.example/log")
    text = f"{line.line.split(' ')[0]} {stranger.name} {line.line.split(' ')[2]}"
    for wrong in (
        msgspec.structs.replace(line, line=text),
        msgspec.structs.replace(line, line="— b.example/log !!!\n"),
        msgspec.structs.replace(line, line=line.line * 2),
        msgspec.structs.replace(line, line="\ud800"),
        msgspec.structs.replace(line, size=6),
        msgspec.structs.replace(line, log="nobody"),
        msgspec.structs.replace(line, root=b"short"),
    ):
        net.node.handle(net.hub.store, B, News(have={}, cosigned=(wrong,)), NOON)
    assert net.hub.store.cosignatures([A]) == before
    assert not net.hub.store.evidence()


def test_a_flooded_log_does_not_starve_the_others(net: Network) -> None:
    net.a.write(1000, length=30_000)
    net.b.write(3)
    net.run(net.out[A], A)
    net.run(net.out[B], B)
    reply = net.node.handle(net.hub.store, "c.example/log", Pull(have={A: 0, B: 0}), net.now)
    assert isinstance(reply, Pulled)
    assert [push.log for push in reply.pushes] == [B, A]
    assert reply.more
    assert len(messages.encode(reply)) <= messages.MAX_MESSAGE_BYTES


def test_a_peer_that_asks_too_much_waits_while_others_are_answered() -> None:
    net = Network()
    node = Hub(net.hub.cosigner, Allowance(per_second=10, burst=20))
    replies = [node.handle(net.hub.store, A, News(have={}), NOON) for _ in range(30)]
    assert [isinstance(reply, Known) for reply in replies] == [True] * 20 + [False] * 10
    busy = replies[-1]
    assert isinstance(busy, Rejected)
    assert busy.code is Code.BUSY
    assert 0 < busy.retry_ms <= 100
    assert isinstance(node.handle(net.hub.store, B, News(have={}), NOON), Known)
    assert isinstance(node.handle(net.hub.store, A, News(have={}), NOON + timedelta(seconds=1)), Known)
    back = node.handle(net.hub.store, A, News(have={}), NOON - timedelta(days=1))
    assert isinstance(back, Known), "a clock that is put back locks nobody out"


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_note_by_an_unheard_key_raises_no_alarm_before_the_hubs_word_is_applied(
    net: Network, confirmed: bool
) -> None:
    net.a.write(5)
    net.settle()
    old, new = net.a.log_key, SigningKey(A, SignatureType.ED25519, bytes([9]) * 32)
    net.a.key = new
    keys = (old, LogKey(key=new.verifier, above=5))
    net.a.store.log(A).keys = net.hub.store.log(A).keys = keys
    net.hub.write(1)  # says that the key is another one; applied only later
    net.a.write(2)
    net.now += timedelta(seconds=31)
    net.run(net.out[A], A)
    lane, held = net.into[B], net.b.store.log(HUB)
    lane._caught_up = False
    net.run(lane, B)
    assert (net.b.store.log(A).size, held.size, held.applied) == (5, 1, 0)
    assert not lane.alarms
    held.applied = 1
    net.b.store.log(A).keys = keys if confirmed else (old,)
    net.now += timedelta(seconds=2)
    net.run(lane, B)
    assert net.b.store.log(A).size == (7 if confirmed else 5)
    assert [alarm.trouble for alarm in lane.alarms.values()] == ([] if confirmed else [Trouble.HUB_FAULTY])


@pytest.mark.parametrize("held", [0, 3, 7])
def test_a_member_that_comes_back_from_afar_hears_of_the_hubs_new_key_under_the_old_one(
    net: Network, held: int
) -> None:
    old, lane, log = net.hub.log_key, net.into[B], net.b.store.log(HUB)
    for size in (3, 4):  # At index 5 the hub announces its next key.
        net.hub.write(size)
        if net.hub.store.log(HUB).size <= held:
            net.now += timedelta(seconds=31)
            net.run(lane, B)
    assert log.size == held
    net.hub.key = SigningKey(HUB, SignatureType.ED25519, bytes([9]) * 32)
    keys = net.hub.store.log(HUB).keys = (old, LogKey(key=net.hub.key.verifier, above=6))
    net.hub.write(2)
    net.hub.write(1)
    for applied in (held, 7):
        log.applied = applied
        log.keys = keys if applied > 5 else (old,)
        lane._caught_up = False
        net.now += timedelta(seconds=2)
        net.run(lane, B)
        assert not lane.alarms
        assert log.size == (10 if applied == 7 else 7)


def test_what_the_earlier_key_went_on_signing_is_sent_under_it() -> None:
    """What the hub says of the next key rests on those entries: who has none of them yet could believe no note by it."""
    scribe = Scribe(A)
    old, new = scribe.log_key, SigningKey(A, SignatureType.ED25519, bytes([9]) * 32)
    scribe.write(5)  # The last entry announces the next key; the hub has not said it yet.
    scribe.write(1)
    scribe.write(2)
    scribe.key = new
    for _ in range(3):
        scribe.write(1)
    keys = (old, LogKey(key=new.verifier, above=5))
    sent, first = [], 0
    while push := next_push(scribe.store, A, first, keys=keys):
        by_the_old = push.note in [note for size, note in scribe.store.log(A).notes.items() if size <= 8]
        sent.append((first := first + len(push.entries), "old" if by_the_old else "new"))
    assert sent == [(5, "old"), (6, "old"), (8, "old"), (11, "new")]


def test_a_lane_that_is_told_to_wait_waits(net: Network) -> None:
    lane = net.out[A]
    net.a.write(1)
    lane.step(net.a.store, NOON)
    lane.on_reply(net.a.store, Rejected(code=Code.BUSY, retry_ms=700), NOON)
    assert lane.step(net.a.store, NOON) == Rest(NOON + timedelta(milliseconds=700))


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x81\xa1t\xa4news", b"\x81\xa1t\xa4nope", b"\x82\xa1t\xa4news\xa4have\x81\xa1a\xff"]
)
def test_bytes_that_are_no_message_are_told_apart(data: bytes) -> None:
    with pytest.raises(messages.Garbled):
        messages.decode_request(data)
    with pytest.raises(messages.Garbled):
        messages.decode_reply(data)


def test_a_newer_peer_may_say_more(net: Network) -> None:
    data = msgspec.msgpack.encode({"t": "news", "have": {A: 3}, "colour": "blue"})
    assert messages.decode_request(data) == News(have={A: 3})


def test_a_lane_made_anew_after_a_crash_goes_on_where_the_store_is(net: Network) -> None:
    net.a.write(2000)
    for _ in range(3):
        lane = Outbound(ADDRESSES, lambda: 0.5, hub=HUB)
        stock = lane.step(net.a.store, net.now)
        assert isinstance(stock, Send)
        reply = net.node.handle(net.hub.store, A, stock.request, net.now)
        assert not isinstance(reply, Later)
        lane.on_reply(net.a.store, reply, net.now)
        todo = lane.step(net.a.store, net.now)
        if isinstance(todo, Send):
            net.node.handle(net.hub.store, A, todo.request, net.now)  # and the reply is never read
    assert net.hub.entries_of(A) == net.a.entries_of(A)


def test_a_log_nobody_follows_here_is_left_alone(net: Network) -> None:
    known = Known(sizes={A: 0, B: 0, HUB: 0, "new.example/log": 70}, offered={"new.example/log": 70})
    lane = net.into[A]
    lane.step(net.a.store, NOON)
    lane.on_reply(net.a.store, Pulled(), NOON)
    lane.on_reply(net.a.store, known, NOON)
    todo = lane.step(net.a.store, NOON)
    assert isinstance(todo, Send)
    assert isinstance(todo.request, News), "no endless pulling of what cannot be taken"
    net.a.store.follow(MemoryLog.empty("new.example/log", Scribe("new.example/log").log_key))
    lane.on_reply(net.a.store, known, NOON)
    todo = lane.step(net.a.store, NOON)
    assert isinstance(todo, Send)
    assert isinstance(todo.request, Pull)
