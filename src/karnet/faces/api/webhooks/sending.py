"""Sending what is due, signed; again and again with growing pauses; given up after the last one ("dead").

A message is claimed before it is sent (another worker passes over it) and marked after it was answered. Who dies in
between leaves it to be sent again: at least once, under the same webhook-id.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from karnet.faces.api.models import Delivery, Webhook
from karnet.faces.api.webhooks.addresses import Forbidden, connect
from karnet.faces.api.webhooks.queue import BATCH, fill
from karnet.faces.api.webhooks.signing import signature
from karnet.faces.api.webhooks.subscriptions import secret_of

PAUSES_S = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400)
"""The pause after each failed attempt; after as many and one more, about a day and a half, a message is given up."""

TIMEOUT_S = 10.0
CLAIM = timedelta(minutes=2)
"""Longer than an attempt can take."""

CALM = timedelta(seconds=30)
"""How long a subscriber that failed is left alone: a dead one with many messages must not keep others waiting."""

KEPT = timedelta(days=30)
"""How long one can see what was delivered."""

MAX_AT_ONCE = 8
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Due by every clock: faces may run by a demonstration's, the worker goes by the real one."""

_USER_AGENT = "Karnet-Webhooks/1"


class Attempt(NamedTuple):
    """What came of sending: the HTTP status, or why there is none."""

    status: int | None
    error: str

    @property
    def taken(self) -> bool:
        """Tell whether the receiver has it: any 2xx says so."""
        return self.status is not None and 200 <= self.status < 300


class Work(NamedTuple):
    """What one round did."""

    read: int
    sent: int
    failed: int


def work(clock: Callable[[], datetime], stop: Callable[[], bool] = lambda: False) -> Work:
    """Do one round: read the journal to its end, then send what is due, until `stop` says so. `clock` gives the
    present moment, by the real clock: receivers compare a message's time with theirs."""
    read = more = fill(clock())
    while more == BATCH and not stop():
        more = fill(clock())
        read += more
    sent = failed = 0
    while not stop() and (claimed := _claim(clock())):
        with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
            attempts = list(pool.map(lambda one: send(one[0], one[1], clock()), claimed))
        at = clock()
        for (delivery, _), attempt in zip(claimed, attempts, strict=True):
            settle(delivery, attempt, at)
        sent += sum(attempt.taken for attempt in attempts)
        failed += sum(not attempt.taken for attempt in attempts)
    old = Delivery.objects.filter(state="delivered", delivered_at__lt=clock() - KEPT)
    Delivery.objects.filter(id__in=list(old.values_list("id", flat=True)[:BATCH])).delete()
    return Work(read, sent, failed)


def _claim(at: datetime) -> list[tuple[Delivery, Webhook]]:
    """Take what is due, the oldest first, and nobody else will until the claim is over."""
    with transaction.atomic():
        due = list(
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("webhook")
            .filter(state="waiting", next_at__lte=at)
            .order_by("next_at", "index")[:MAX_AT_ONCE]
        )
        Delivery.objects.filter(id__in=[one.id for one in due]).update(next_at=at + CLAIM)
    return [(one, one.webhook) for one in due]


def send(delivery: Delivery, webhook: Webhook, at: datetime) -> Attempt:
    """Send one message and return what came of it. Touches no database, follows no redirect, reads no long answer."""
    secret = secret_of(webhook)
    if secret is None:
        return Attempt(None, "its secret cannot be read: the installation's key is another one now")
    body, now = bytes(delivery.body), int(at.timestamp())
    try:
        conversation, target = connect(webhook.url, TIMEOUT_S)
    except Forbidden as error:
        return Attempt(None, str(error)[:300])
    except OSError as error:
        return Attempt(None, f"no address: {error}"[:300])
    try:
        conversation.request(
            "POST",
            target,
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": _USER_AGENT,
                "webhook-id": str(delivery.id),
                "webhook-timestamp": str(now),
                "webhook-signature": signature(secret, str(delivery.id), now, body),
            },
        )
        answer = conversation.getresponse()
        answer.read(4096)
    except (OSError, http.client.HTTPException) as error:
        return Attempt(None, f"{type(error).__name__}: {error}"[:300])
    finally:
        conversation.close()
    return Attempt(answer.status, "" if 200 <= answer.status < 300 else f"answered {answer.status}")


def settle(delivery: Delivery, attempt: Attempt, at: datetime) -> None:
    """Note what came of an attempt. 410 Gone ends the subscription, as Standard Webhooks asks."""
    attempts = delivery.attempts + 1
    changes: dict[str, object] = {"attempts": attempts, "status": attempt.status, "error": attempt.error}
    if attempt.taken:
        changes |= {"state": "delivered", "delivered_at": at}
    elif attempt.status == 410 or attempts > len(PAUSES_S):
        changes["state"] = "dead"
    else:
        changes["next_at"] = at + timedelta(seconds=PAUSES_S[attempts - 1])
    with transaction.atomic():
        Delivery.objects.filter(id=delivery.id).exclude(state="delivered").update(**changes)
        if not attempt.taken:
            others = Delivery.objects.filter(webhook_id=delivery.webhook_id, state="waiting", next_at__lte=at)
            others.exclude(id=delivery.id).update(next_at=at + CALM)
        if attempt.status == 410:
            Webhook.objects.filter(id=delivery.webhook_id, ended_at__isnull=True).update(ended_at=at)


def again(webhook: UUID, delivery: UUID | None = None) -> int:
    """Send dead messages of a living subscription again (all, or one) under their old ids; return how many."""
    rows = Delivery.objects.filter(webhook_id=webhook, webhook__ended_at__isnull=True, state="dead")
    if delivery is not None:
        rows = rows.filter(id=delivery)
    ids = list(rows.values_list("id", flat=True))
    return Delivery.objects.filter(id__in=ids, state="dead").update(state="waiting", attempts=0, next_at=_AT_ONCE)


def backlog() -> dict[UUID, dict[str, int]]:
    """Return how many messages of each subscription wait, and how many were given up."""
    found: dict[UUID, dict[str, int]] = {}
    rows = Delivery.objects.exclude(state="delivered").values_list("webhook_id", "state").annotate(n=Count("id"))
    for webhook, state, n in rows:
        found.setdefault(webhook, {})[state] = n
    return found
