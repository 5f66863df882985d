"""The relay: carries what the lanes of `core.relaying` say to the hub and back, and applies what came.

One thread a lane, so that waiting for news delays no sale, and one that applies. Each goes on by itself whatever happens
to the others, to the network or to the database; nothing of importance is in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

import msgspec
from django.db import DatabaseError, InterfaceError, connection

from karnet.federation import keys, peers, refunds
from karnet.federation.asks import Waiting, own_answer, own_asks
from karnet.federation.core.asking import signed
from karnet.federation.core.messages import Answered, Ask, News, Pull, Reply, Request
from karnet.federation.core.relaying import Alarm, Inbound, Outbound, Rest, Send
from karnet.federation.core.store import Store
from karnet.federation.delays import Delays
from karnet.federation.http.client import Unanswered
from karnet.federation.http.news import News as Waker
from karnet.federation.models import Alarm as AlarmRow
from karnet.journal import applying
from karnet.journal.tlog.note import SigningKey

_LONGEST_REST_S = 5.0
_RETRY_S = 1.0
_APPLY_EVERY_S = 1.0
_LONGEST_WAIT_MS = 10_000
"""A log that is followed since a question for news was asked is asked for with the next one."""
APPLIED_AT_ONCE = 512
_ASKS_AT_ONCE = 4
_ASK_TAKES_MS = 1_000
"""How long an ask may be under way beyond the time it waits at the hub."""
Clock = Callable[[], datetime]
Say = Callable[[str], None]


class Call(Protocol):
    """Sends a message and returns the reply, or raises Unanswered."""

    def __call__(self, address: str, request: Request, timeout_ms: int) -> Reply: ...


class Relay:
    """Runs lanes and the applier until `stop`. `say` hears what changes, in words."""

    def __init__(self, store: Store, news: Waker, *, clock: Clock, stop: threading.Event, say: Say) -> None:
        self._store, self._news, self._clock, self._stop, self._say = store, news, clock, stop, say
        self._delays = Delays()

    def run_lane(self, lane: Outbound | Inbound, call: Call, hub: str) -> None:
        """Carry a lane's messages until told to stop."""
        self._kept_up(lambda: self._lane(lane, call, hub), type(lane).__name__.lower())

    def run_applier(self) -> None:
        """Apply what arrives until told to stop. One process of an installation does; others wait to take over."""
        self._kept_up(self._apply, "applier")

    def run_asks(self, addresses: Sequence[str], call: Call, key: SigningKey) -> None:
        """Carry what this server asks of others until told to stop, each ask in a thread: it waits at the hub."""
        under_way: set[str] = set()
        with ThreadPoolExecutor(_ASKS_AT_ONCE, thread_name_prefix="ask") as pool:

            def one(ask: Waiting) -> None:
                try:
                    self._ask(ask, addresses, call, key)
                finally:
                    under_way.discard(ask.key)
                    connection.close()

            def work() -> None:
                seen = self._news.count
                while not self._stop.is_set():
                    for ask in own_asks(self._clock()):
                        if ask.key not in under_way:
                            under_way.add(ask.key)
                            pool.submit(one, ask)
                    seen = self._news.wait(seen, _APPLY_EVERY_S)

            self._kept_up(work, "asks")

    def _ask(self, ask: Waiting, addresses: Sequence[str], call: Call, key: SigningKey) -> None:
        bearing = signed(ask.home, ask.kind, ask.key, ask.body, self._clock(), key)
        request = Ask(
            home=ask.home, kind=ask.kind, key=ask.key, body=ask.body, bearing=bearing, wait_ms=ask.left_ms
        )  # fmt: skip
        for address in addresses:
            try:
                reply = call(address, request, ask.left_ms + _ASK_TAKES_MS)
            except Unanswered:
                continue  # Another node may be up; the same ask twice is one.
            if isinstance(reply, Answered):
                own_answer(ask, reply.body, self._clock())
            else:
                self._say(f"the hub does not pass an ask to {ask.home} on: {getattr(reply, 'detail', '')}")
                own_answer(ask, None, self._clock())
            return
        own_answer(ask, None, self._clock())

    def _lane(self, lane: Outbound | Inbound, call: Call, hub: str) -> None:
        seen, shown = self._news.count, _alarms(lane)
        while not self._stop.is_set():
            step = lane.step(self._store, self._clock())
            if isinstance(step, Rest):
                rest = (step.until - self._clock()).total_seconds()
                seen = self._news.wait(seen, min(max(rest, 0.01), _LONGEST_REST_S))
                continue
            request = step.request
            if isinstance(request, News):
                request = msgspec.structs.replace(request, wait_ms=min(request.wait_ms, _LONGEST_WAIT_MS))
            try:
                reply = call(step.address, request, step.timeout_ms)
            except Unanswered as error:
                lane.on_failure(self._clock(), str(error))
                peers.missed(hub, self._clock(), str(error))
            else:
                lane.on_reply(self._store, reply, self._clock())
                peers.seen(hub, self._clock(), step.address)
            shown = self._show(shown, _alarms(lane))

    def _show(self, before: list[Alarm], after: list[Alarm]) -> list[Alarm]:
        """Write alarms down as they come and go, and tell the log file."""
        if before == after:
            return after
        for alarm in before:
            if alarm not in after:
                AlarmRow.objects.filter(trouble=alarm.trouble, log=alarm.log).delete()
        gone = {(alarm.trouble, alarm.log) for alarm in before} - {(alarm.trouble, alarm.log) for alarm in after}
        for alarm in after:
            if alarm not in before:
                AlarmRow.objects.update_or_create(
                    trouble=alarm.trouble,
                    log=alarm.log,
                    defaults={"detail": alarm.detail[:500], "ours": alarm.ours, "theirs": alarm.theirs},
                    create_defaults={
                        "detail": alarm.detail[:500],
                        "ours": alarm.ours,
                        "theirs": alarm.theirs,
                        "since": self._clock(),
                    },
                )
                self._say(f"{alarm.trouble} {alarm.log} {alarm.detail}".strip())
        for trouble, log in sorted(gone):
            self._say(f"no longer: {trouble} {log}".strip())
        return after

    def _apply(self) -> None:
        seen, look = self._news.count, True  # What arrived before a crash may not be answered yet.
        while not self._stop.is_set():
            done = applying.apply_arrived(self._clock(), APPLIED_AT_ONCE)
            if done.counts:
                self._delays.note(done.counts, self._clock())
            if (done.counts or look) and refunds.answer_payouts(self._clock()):
                self._say("answered refunds that others paid out while this server was away")
            look = False
            if keys.confirm_announced(self._store.home, self._clock()):
                self._news.tell()
            # New members are followed as soon as the hub's log says so; their first entries come next.
            if peers.follow_members(self._clock()):
                self._news.tell()
            if not done.more:
                seen = self._news.wait(seen, _APPLY_EVERY_S)

    def _kept_up(self, work: Callable[[], None], name: str) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                work()
            except applying.Busy:
                reason = "another process applies"
            except (DatabaseError, InterfaceError) as error:
                reason = f"the database is away: {str(error).strip()}"
            except Exception as fault:  # A fault in one lane must not end the others; it is said and tried again.
                reason = f"{type(fault).__name__}: {fault}"
            else:
                continue
            connection.close()
            if reason != told:
                self._say(f"{name}: {reason}")
                told = reason
            self._stop.wait(_RETRY_S)
        connection.close()


def catch_up(lane: Inbound, store: Store, call: Call, now: Clock) -> None:
    """Fetch all that the hub holds of other servers' logs, once. Raises Unanswered."""
    while isinstance(step := lane.step(store, now()), Send) and isinstance(step.request, Pull):
        lane.on_reply(store, call(step.address, step.request, step.timeout_ms), now())


def _alarms(lane: Outbound | Inbound) -> list[Alarm]:
    return list(lane.alarms.values())
