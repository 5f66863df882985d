"""From the journal to deliveries, exactly once: the cursor moves in the transaction that queues what it passed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from karnet.faces.api.models import Cursor, Delivery, Webhook
from karnet.faces.api.webhooks.events import Event, body_of, event_of
from karnet.journal.operations import Recorded
from karnet.journal.selectors import progress, sealed_after
from karnet.kernel.ids import named_id

BATCH = 500


def fill(at: datetime) -> int:
    """Queue what was sealed since the last time for whoever subscribed to it; return how many entries were read.

    Locks the cursor: of several workers one reads, the others find nothing left to read. Fewer than BATCH entries
    means that the end of the log was reached.
    """
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update(skip_locked=True).filter(id=1).first()
        if cursor is None:
            return 0
        ended = Q(token__device__retired_at__lte=at)
        subscribers = list(Webhook.objects.filter(ended_at__isnull=True).exclude(ended))
        if not subscribers:
            # Nobody is told what happened before somebody wanted to know: pass over it unread.
            cursor.index = max(cursor.index, progress().sealed)
            cursor.save(update_fields=["index"])
            return 0
        entries = sealed_after(cursor.index, BATCH)
        Delivery.objects.bulk_create(_deliveries(entries, subscribers, at), ignore_conflicts=True)
        if entries:
            cursor.index = entries[-1][0] + 1
            cursor.save(update_fields=["index"])
    return len(entries)


def _deliveries(
    entries: Iterable[tuple[int, Recorded]], subscribers: list[Webhook], at: datetime
) -> Iterable[Delivery]:
    for index, recorded in entries:
        event = event_of(recorded.entry)
        if event is None:
            continue
        body = body_of(event, recorded.entry, index)
        for subscriber in subscribers:
            if _wants(subscriber, event, index):
                yield Delivery(
                    id=named_id("webhook", subscriber.id, recorded.entry.id),
                    webhook_id=subscriber.id,
                    index=index,
                    event=event.kind,
                    body=body,
                    next_at=at,
                )


def _wants(subscriber: Webhook, event: Event, index: int) -> bool:
    concerned: UUID | None = subscriber.facility
    return (
        event.kind in subscriber.events
        and index >= subscriber.since
        and (concerned is None or event.facility is None or event.facility == concerned)
    )
