"""The hub's side: what is answered to a member's request. Stateless but for a budget per peer, so nodes are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from karnet.federation.core import accepting
from karnet.federation.core import asking as asks
from karnet.federation.core.accepting import Present, Taken
from karnet.federation.core.batching import next_push, size_of
from karnet.federation.core.cosigning import contradiction, cosign, newest_checkpoint, noted_size, signer
from karnet.federation.core.messages import (
    MAX_EVIDENCE,
    TARGET_BYTES,
    Answer,
    Answered,
    Ask,
    Code,
    Cosigned,
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
from karnet.federation.core.store import LogView, Status, Store
from karnet.journal.tlog.checkpoint import Checkpoint
from karnet.journal.tlog.note import SigningKey

MAX_WAIT_MS = 30_000
"""How long the hub keeps a question for news at most."""


class Later(msgspec.Struct, frozen=True):
    """There is no news yet: ask again when something was received or sealed, or when `wait_ms` are over (then with
    `waited=True`, which is always answered)."""

    wait_ms: int


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer may ask for: requests a second in the long run, and at once."""

    per_second: float = 50.0
    burst: float = 200.0


class _Budget(msgspec.Struct):
    left: float
    at: datetime


class Hub:
    """Answers members. `cosigner` signs receipts (type 0x04, the name of the hub's log); `book`: where asks are kept."""

    def __init__(
        self, cosigner: SigningKey, allowance: Allowance | None = None, book: asks.AskBook | None = None
    ) -> None:
        self._cosigner, self._book = cosigner, book
        self._allowance = allowance or Allowance()
        self._budgets: dict[str, _Budget] = {}

    def handle(
        self, store: Store, peer: str, request: Request, now: datetime, *, waited: bool = False
    ) -> Reply | Later:
        """Return the reply to a request of the member whose log is `peer` (authenticated by the transport).

        Guarantees: `Pushed` is returned only after what it acknowledges is stored. A repeated request does no harm.
        """
        if not waited and (delay := self._overdrawn(peer, now)):
            return Rejected(code=Code.BUSY, detail="too many requests at once", retry_ms=delay)
        if isinstance(request, Push):
            return self._pushed(store, peer, request, now)
        if isinstance(request, Ask | Answer):
            return self._passed_on(store, peer, request, now, waited)
        keep_cosignatures(store, request.cosigned)
        if isinstance(request, Pull):
            return self._pulled(store, peer, request)
        return self._known(store, peer, request, now, waited)

    def _passed_on(self, store: Store, peer: str, request: Ask | Answer, now: datetime, waited: bool) -> Reply | Later:
        if self._book is None:
            return Rejected(code=Code.REFUSED, detail="no asks are kept here")
        if len(request.body) > asks.MAX_BODY_BYTES or not 0 < len(request.key) <= asks.MAX_KEY:
            return Rejected(code=Code.TOO_LARGE, detail=f"{asks.MAX_BODY_BYTES} bytes, a key of {asks.MAX_KEY} at most")
        if isinstance(request, Answer):
            if self._book.answered(peer, request, now):
                return Answered(key=request.key)
            return Rejected(code=Code.REFUSED, detail="nobody asked you so")
        return self._asked(store, peer, request, now, waited)

    def _asked(self, store: Store, peer: str, ask: Ask, now: datetime, waited: bool) -> Reply | Later:
        assert self._book is not None
        held = store.logs()
        if ask.home == peer or ask.home not in held or len(ask.kind) > asks.MAX_KEY:
            return Rejected(code=Code.UNKNOWN_LOG, log=ask.home, detail="no other member's log")
        if (view := held.get(peer)) is None or view.status is Status.SUSPENDED:
            return Rejected(code=Code.REFUSED, log=peer, detail="only members in good standing may ask")
        if not waited and not self._book.put(peer, ask, now):
            return Rejected(code=Code.REFUSED, detail="the key was used for another ask")
        body = self._book.answer_to(peer, ask.key)
        if body is not None:
            return Answered(key=ask.key, body=body, fetched=True)
        if not waited and ask.wait_ms > 0:
            return Later(min(ask.wait_ms, asks.MAX_WAIT_MS))
        fetched = self._book.give_up(peer, ask.key, now)
        return Answered(key=ask.key, body=self._book.answer_to(peer, ask.key), fetched=fetched)

    def _pushed(self, store: Store, peer: str, push: Push, now: datetime) -> Reply:
        outcome = accepting.receive(store, push, sender=peer)
        if isinstance(outcome, Taken):
            receipt = self._receipt(store, outcome.checkpoint, now) if outcome.checkpoint else None
            return Pushed(log=push.log, size=outcome.size, cosigned=receipt)
        view = store.logs().get(push.log)
        if isinstance(outcome, Present):
            newest = newest_checkpoint(view) if view else None
            receipt = self._receipt(store, newest, now) if newest else None
            return Pushed(log=push.log, size=view.size if view else 0, cosigned=receipt)
        retry_ms = 1000 if outcome.code is Code.BUSY else 0
        have = view.size if view else 0
        return Rejected(code=outcome.code, log=push.log, detail=outcome.detail, have=have, retry_ms=retry_ms)

    def _receipt(self, store: Store, checkpoint: Checkpoint, now: datetime) -> Cosigned:
        receipt = cosign(checkpoint, self._cosigner, now)
        store.save_cosignatures([receipt])
        return receipt

    def _pulled(self, store: Store, peer: str, request: Pull) -> Pulled:
        held = store.logs()
        offered = _offered(held)
        behind = [log for log, have in request.have.items() if offered.get(log, 0) > have]
        left = max(1, min(request.limit_bytes, TARGET_BYTES))
        pushes: list[Push] = []
        more = False
        # Each log gets its share, smallest backlog first, so that one that is flooded does not starve the others.
        behind.sort(key=lambda log: offered[log] - request.have[log])
        for nth, log in enumerate(behind):
            if left <= 0:
                more = True
                break
            share = max(1, left // (len(behind) - nth))
            push = next_push(store, log, request.have[log], share, keys=held[log].keys)
            if push is not None:
                pushes.append(push)
                left -= size_of(push)
                more = more or push.first + len(push.entries) < offered[log]
        return Pulled(
            pushes=tuple(pushes),
            cosigned=store.cosignatures([push.log for push in pushes]),
            evidence=tuple(found for found in store.evidence() if not found.reported_by)[:MAX_EVIDENCE],
            more=more,
        )

    def _known(self, store: Store, peer: str, request: News, now: datetime, waited: bool) -> Known | Later:
        held = store.logs()
        offered = _offered(held)
        mine = self._book.take(peer, now) if request.asks and self._book is not None else ()
        news = bool(mine) or any(offered.get(log, 0) > have for log, have in request.have.items())
        if not (news or waited) and request.wait_ms > 0:
            return Later(min(request.wait_ms, MAX_WAIT_MS))
        return Known(
            sizes={log: view.size for log, view in held.items()},
            offered=offered,
            cosigned=store.cosignatures([peer]),
            asks=tuple(mine),
        )

    def _overdrawn(self, peer: str, now: datetime) -> int:
        """Take one request from the peer's budget; return after how many ms it may ask again, 0 if it may now."""
        rate = self._allowance
        budget = self._budgets.setdefault(peer, _Budget(rate.burst, now))
        # A clock that was put back must not lock anybody out.
        budget.left = min(rate.burst, budget.left + max(0.0, (now - budget.at).total_seconds()) * rate.per_second)
        budget.at = now
        if budget.left < 1:
            return max(1, int((1 - budget.left) / rate.per_second * 1000))
        budget.left -= 1
        return 0


def _offered(held: Mapping[str, LogView]) -> dict[str, int]:
    """How far each log can be handed on: up to its newest note over entries that are all here."""
    return {log: noted_size(view.note) for log, view in held.items()}


def keep_cosignatures(store: Store, cosigned: Sequence[Cosigned]) -> None:
    """Verify cosignatures over what is held here and keep them; keep as evidence what vouches for another tree.

    Those over more than is held are passed over: they, or newer ones, come again. So are those that are kept already.
    """
    kept = store.cosignatures({line.log for line in cosigned}) if cosigned else ()
    unseen = [line for line in cosigned if line not in kept]
    if not unseen:
        return
    held = store.logs()
    cosigners = store.cosigners()
    sound = []
    for line in unseen:
        view = held.get(line.log)
        if view is None or not 0 < line.size <= view.size:
            continue
        by = signer(line, cosigners)
        if by is None:
            continue
        if store.root_at(line.log, line.size) == line.root:
            sound.append(line)
        else:
            store.quarantine(contradiction(line, by, view))
    if sound:
        store.save_cosignatures(sound)
