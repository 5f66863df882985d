"""The member's side: two lanes that each have at most one request under way, so that waiting for news delays no sale.

`Outbound` sends what this server sealed (and gives a hub back what it lost); `Inbound` fetches what others sealed,
cosigns it, and waits for more. Both are step machines: `step` says what to send or how long to rest, the caller carries
it and calls `on_reply` or `on_failure`. They keep nothing that matters: all progress is in the store, and a lane made
anew asks the hub where things stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from karnet.federation.core import accepting
from karnet.federation.core.accepting import Rejection, Taken
from karnet.federation.core.answering import keep_cosignatures
from karnet.federation.core.batching import next_push
from karnet.federation.core.cosigning import cosign
from karnet.federation.core.messages import (
    Answer,
    Answered,
    Asked,
    Code,
    Cosigned,
    Evidence,
    Known,
    News,
    Pull,
    Pulled,
    Push,
    Pushed,
    Rejected,
    Reply,
    Request,
)
from karnet.federation.core.store import LogView, Store
from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.note import SigningKey

NEWS_WAIT_MS = 25_000
"""How long a question for news waits at the hub."""
TIMEOUT_MS = 20_000
"""How long a reply may take beyond the wait it was asked with."""
FIRST_DELAY = timedelta(milliseconds=250)
LONGEST_DELAY = timedelta(seconds=30)
STOCK_TAKING = timedelta(seconds=30)
"""How often a member asks how far the hub holds each log: so that a backup put back on either side is noticed."""
KEYS_PAUSE = timedelta(seconds=1)
"""How long to wait for the hub's word about a key that signed what was pulled, while some of its log is not applied."""
STANDSTILL = timedelta(seconds=60)
"""How long a log rests whose batches were refused for a reason that repeating does not cure."""


class Send(msgspec.Struct, frozen=True):
    """Send this to the address, and give the reply to `on_reply` or its absence to `on_failure`."""

    address: str
    request: Request
    timeout_ms: int


class Rest(msgspec.Struct, frozen=True):
    """Nothing to do until then, or until something was sealed here (Outbound)."""

    until: datetime


class Trouble(StrEnum):
    """What a lane wants people to know."""

    BEHIND = "behind"
    """The hub holds more of our own log than we do: a backup was restored here. Do not sign; recover."""
    HUB_BEHIND = "hub_behind"
    """The hub holds less of a log than it acknowledged: a backup was restored there. It is given back what we have."""
    REFUSED = "refused"
    """The hub does not take our entries; `detail` says why."""
    UNREACHABLE = "unreachable"
    """No address of the hub answers. Selling goes on."""
    HUB_FAULTY = "hub_faulty"
    """The hub sends entries that are not what was signed, or a history that does not continue the one held."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something people should see. `ours`, `theirs`: sizes of `log` here and at the hub, where they are the matter."""

    trouble: Trouble
    log: str = ""
    detail: str = ""
    ours: int = 0
    theirs: int = 0


class Lane:
    """What both lanes share: addresses to fail over among, and patience that grows with every failure.

    `jitter` returns a number in [0, 1): members that lost their hub together should not come back in step.
    """

    def __init__(self, addresses: Sequence[str], jitter: Callable[[], float]) -> None:
        assert addresses, "a member knows at least one address of its hub"
        self.addresses = tuple(addresses)
        self.alarms: dict[tuple[Trouble, str], Alarm] = {}
        self.last_contact: datetime | None = None
        self._jitter = jitter
        self._at = 0
        self._failures = 0
        self._not_before: datetime | None = None

    def step(self, store: Store, now: datetime) -> Send | Rest:
        """Return what to do next. Call it again after a reply, a failure or a rest."""
        raise NotImplementedError

    def on_reply(self, store: Store, reply: Reply, now: datetime) -> None:
        """Take the hub's answer."""
        raise NotImplementedError

    def on_failure(self, now: datetime, detail: str) -> None:
        """The request got no reply: refused, broken off, timed out, garbled."""
        self._at = (self._at + 1) % len(self.addresses)
        self._failures += 1
        if self._failures < len(self.addresses):
            return  # Another node may be up: try it at once.
        self.raise_alarm(Alarm(trouble=Trouble.UNREACHABLE, detail=detail))
        rounds = min(self._failures - len(self.addresses), 10)
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**rounds)
        self._not_before = now + delay * (0.5 + self._jitter() / 2)

    def raise_alarm(self, alarm: Alarm) -> None:
        """Keep an alarm until its cause is gone."""
        self.alarms[alarm.trouble, alarm.log] = alarm

    def _reached(self, now: datetime) -> None:
        self._failures = 0
        self._not_before = None
        self.last_contact = now
        self._settle(Trouble.UNREACHABLE)

    def _settle(self, trouble: Trouble, log: str = "") -> None:
        self.alarms.pop((trouble, log), None)

    def _resting(self, now: datetime) -> Rest | None:
        if self._not_before is not None and now < self._not_before:
            # A clock that was put back must not make a lane wait for ever.
            return Rest(min(self._not_before, now + STANDSTILL))
        return None

    def _pause(self, now: datetime, pause: timedelta) -> None:
        self._not_before = now + pause

    def _send(self, request: Request, wait_ms: int = 0) -> Send:
        return Send(self.addresses[self._at], request, TIMEOUT_MS + wait_ms)


class Outbound(Lane):
    """Pushes the home log, and whatever else the hub has lost. One request at a time."""

    def __init__(self, addresses: Sequence[str], jitter: Callable[[], float], *, hub: str) -> None:
        super().__init__(addresses, jitter)
        self._hub = hub
        self._sizes: dict[str, int] | None = None
        self._still: dict[str, datetime] = {}
        self._acknowledged: dict[str, int] = {}
        self._sent: Push | None = None
        self._asked: datetime | None = None

    def step(self, store: Store, now: datetime) -> Send | Rest:
        """Return what to do next. Call it again after a reply, a failure, a rest, or when something was sealed."""
        resting = self._resting(now)
        if resting is not None:
            return resting
        if self._sizes is None or self._asked is None or not self._asked <= now < self._asked + STOCK_TAKING:
            self._asked = now
            return self._send(News(have={}))
        held = store.logs()
        for log in sorted(self._sizes, key=lambda log: log != store.home):
            view = held.get(log)
            if view is None or log == self._hub or view.size <= self._sizes[log] or self._is_still(log, now):
                continue
            self._sent = next_push(store, log, self._sizes[log], keys=view.keys)
            if self._sent is not None:
                return self._send(self._sent)
        return Rest(self._asked + STOCK_TAKING)

    def on_reply(self, store: Store, reply: Reply, now: datetime) -> None:
        """Take the hub's answer."""
        self._reached(now)
        sent, self._sent = self._sent, None
        if isinstance(reply, Known):
            self._take_stock(store, reply)
        elif isinstance(reply, Pushed) and sent is not None and reply.log == sent.log:
            self._advance(store, reply)
        elif isinstance(reply, Rejected):
            self._refused(sent, reply, now)
        else:
            self.on_failure(now, f"the hub answers something else: {type(reply).__name__}")

    def on_failure(self, now: datetime, detail: str) -> None:
        """Take the absence of an answer: what the hub has taken of the last request is not known."""
        self._sizes = self._sent = None
        super().on_failure(now, detail)

    def _take_stock(self, store: Store, known: Known) -> None:
        held = store.logs()
        self._sizes = dict(known.sizes)
        for log, size in known.sizes.items():
            if log in held and log != self._hub:
                self._compare(store, held[log], size)
        keep_cosignatures(store, known.cosigned)

    def _compare(self, store: Store, view: LogView, theirs: int) -> None:
        """Who of us has lost something? The hub, if it holds less than it cosigned; we, if it holds more of our log."""
        acknowledged = self._acknowledged.get(view.name, 0)
        self._acknowledged[view.name] = max(acknowledged, theirs)
        if theirs < acknowledged:
            self.raise_alarm(Alarm(trouble=Trouble.HUB_BEHIND, log=view.name, ours=view.size, theirs=theirs))
        if view.name == store.home:
            if theirs > view.size:
                self.raise_alarm(Alarm(trouble=Trouble.BEHIND, log=view.name, ours=view.size, theirs=theirs))
            else:
                self._settle(Trouble.BEHIND, view.name)

    def _advance(self, store: Store, reply: Pushed) -> None:
        assert self._sizes is not None
        self._sizes[reply.log] = reply.size
        self._acknowledged[reply.log] = max(self._acknowledged.get(reply.log, 0), reply.size)
        self._settle(Trouble.REFUSED, reply.log)
        if reply.cosigned is not None:
            keep_cosignatures(store, (reply.cosigned,))

    def _refused(self, sent: Push | None, reply: Rejected, now: datetime) -> None:
        if reply.code is Code.BUSY:
            self._pause(now, timedelta(milliseconds=max(50, min(reply.retry_ms, 30_000))))
        elif reply.code in (Code.GAP, Code.STALE) and sent is not None and reply.have != sent.first:
            self._sizes = None  # Somebody else, or another node, was faster, or the hub went back: ask where it stands.
        else:
            log = sent.log if sent is not None else reply.log
            self.raise_alarm(
                Alarm(trouble=Trouble.REFUSED, log=log, detail=f"{reply.code}: {reply.detail}", theirs=reply.have)
            )
            self._still[log] = now + STANDSTILL
            self._sizes = None
            if sent is None:
                self._pause(now, STANDSTILL)

    def _is_still(self, log: str, now: datetime) -> bool:
        until = self._still.get(log)
        return until is not None and until - STANDSTILL <= now < until


class Inbound(Lane):
    """Pulls other servers' logs, stores and cosigns them, and asks for news. One request at a time.

    With news come asks of other servers: `answer` does what is asked, once however often it is called, and returns
    what to say. Entries that came with the same news are pulled first.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        jitter: Callable[[], float],
        *,
        hub: str,
        cosigner: SigningKey,
        answer: Callable[[Asked], bytes] | None = None,
    ) -> None:
        super().__init__(addresses, jitter)
        self._hub = hub
        self._cosigner = cosigner
        self._answer = answer
        self._asks: list[Asked] = []
        self._caught_up = False
        self._keys_come = False
        self._doubted: set[str] = set()
        self._newest: dict[str, Cosigned] = {}
        self._sent: tuple[Cosigned, ...] = ()
        self._still: dict[str, datetime] = {}

    def step(self, store: Store, now: datetime) -> Send | Rest:
        """Return what to do next. Call it again after a reply, a failure or a rest."""
        resting = self._resting(now)
        if resting is not None:
            return resting
        if self._asks and self._caught_up and self._answer is not None:
            asked = self._asks[0]
            return self._send(Answer(asker=asked.asker, key=asked.key, body=self._answer(asked)))
        have = {
            log: view.size for log, view in store.logs().items() if log != store.home and not self._is_still(log, now)
        }
        self._sent = tuple(self._newest.values())
        if self._caught_up:
            asks = self._answer is not None
            return self._send(News(have=have, cosigned=self._sent, wait_ms=NEWS_WAIT_MS, asks=asks), NEWS_WAIT_MS)
        return self._send(Pull(have=have, cosigned=self._sent))

    def on_reply(self, store: Store, reply: Reply, now: datetime) -> None:
        """Take the hub's answer: store what it brought, and cosign it."""
        self._reached(now)
        if isinstance(reply, Pulled):
            self._delivered()
            self._take(store, reply, now)
        elif isinstance(reply, Known):
            self._delivered()
            self._asks = list(reply.asks)
            self._hear(store, reply, now)
        elif isinstance(reply, Answered) and self._asks:
            del self._asks[0]
        elif isinstance(reply, Rejected) and self._asks and reply.code is not Code.BUSY:
            del self._asks[0]  # The asker has gone, or never was: what was done stands in the log.
        elif isinstance(reply, Rejected):
            pause = reply.retry_ms if reply.code is Code.BUSY else 30_000
            self._pause(now, timedelta(milliseconds=max(50, min(pause, 30_000))))
        else:
            self.on_failure(now, f"the hub answers something else: {type(reply).__name__}")

    def _delivered(self) -> None:
        for line in self._sent:
            if self._newest.get(line.log) == line:
                del self._newest[line.log]
        self._sent = ()

    def _take(self, store: Store, pulled: Pulled, now: datetime) -> None:
        taken = 0
        self._keys_come = False
        # What the hub says of keys comes first.
        for push in sorted(pulled.pushes, key=lambda push: push.log != self._hub):
            outcome = accepting.receive(store, push, sender=self._hub)
            if isinstance(outcome, Taken):
                taken += 1
                self._doubted.discard(push.log)
                self._settle(Trouble.HUB_FAULTY, push.log)
                if outcome.checkpoint is not None:
                    self._cosign(store, outcome.checkpoint, now)
            elif isinstance(outcome, Rejection):
                self._refuse(store, push.log, outcome, now)
        self._caught_up = not ((pulled.more and taken) or self._keys_come)
        for evidence in pulled.evidence:
            self._reported(store, evidence)
        keep_cosignatures(store, pulled.cosigned)

    def _cosign(self, store: Store, checkpoint: Checkpoint, now: datetime) -> None:
        line = cosign(checkpoint, self._cosigner, now)
        store.save_cosignatures([line])
        self._newest[checkpoint.origin] = line

    def _refuse(self, store: Store, log: str, why: Rejection, now: datetime) -> None:
        if why.code in (Code.GAP, Code.STALE, Code.BUSY):
            return  # Another process of ours was faster; the next question starts from what is held then.
        hub = store.logs().get(self._hub)
        if why.code is Code.BAD_NOTE and hub is not None and (hub.applied < hub.size or log not in self._doubted):
            # The key may be a new one: what the hub said of it is not applied here yet, or was not when we looked.
            self._doubted.add(log)
            self._keys_come = True
            self._pause(now, KEYS_PAUSE)
            return
        self._still[log] = now + STANDSTILL
        self.raise_alarm(Alarm(trouble=Trouble.HUB_FAULTY, log=log, detail=f"{why.code}: {why.detail}"))

    def _reported(self, store: Store, evidence: Evidence) -> None:
        """The hub's word alone stops nothing here: what its evidence proves by itself does."""
        view = store.logs().get(evidence.log)
        if view is None:
            return
        proven = accepting.convicts(evidence, view, lambda size: store.root_at(view.name, size))
        store.quarantine(msgspec.structs.replace(evidence, proven=proven, reported_by=self._hub))

    def _hear(self, store: Store, known: Known, now: datetime) -> None:
        for log, view in store.logs().items():
            if log == store.home or log not in known.sizes or self._is_still(log, now):
                continue
            if known.offered.get(log, 0) > view.size:
                self._caught_up = False
            if known.sizes[log] < view.size:
                theirs = known.sizes[log]
                self.raise_alarm(Alarm(trouble=Trouble.HUB_BEHIND, log=log, ours=view.size, theirs=theirs))
            else:
                self._settle(Trouble.HUB_BEHIND, log)

    def _is_still(self, log: str, now: datetime) -> bool:
        until = self._still.get(log)
        return until is not None and until - STANDSTILL <= now < until
