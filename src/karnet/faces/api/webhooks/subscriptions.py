"""Subscriptions: who is told of what, where, and signed with which secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction

from karnet.faces.api.models import Cursor, Delivery, Webhook
from karnet.faces.api.webhooks.addresses import problem_with
from karnet.faces.api.webhooks.events import SCOPES
from karnet.faces.api.webhooks.signing import PREFIX
from karnet.journal.selectors import progress
from karnet.kernel.ids import derived_id
from karnet.kernel.outcomes import Refused, bad_values

MAX_SUBSCRIPTIONS = 20
"""Of one token: each costs a request per event."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription, without its secret. `facility` None: told of every facility."""

    id: UUID
    url: str
    events: tuple[str, ...]
    facility: UUID | None
    token: UUID | None
    created_at: datetime
    ended_at: datetime | None = None


class Subscribed(msgspec.Struct, frozen=True):
    """A new subscription and its secret, which nobody can show again."""

    subscription: Subscription
    secret: str


def subscribe(
    url: str,
    events: Collection[str],
    at: datetime,
    *,
    token: UUID | None = None,
    facility: UUID | None = None,
) -> Subscribed | Refused:
    """Tell `url` of events from now on. Refuses unknown events, and addresses that we must not call (addresses)."""
    problems = {}
    unknown = sorted(set(events) - SCOPES.keys())
    if unknown or not events:
        problems["events"] = f"must be some of {', '.join(SCOPES)}"
    if why := problem_with(url):
        problems["url"] = why
    if token is not None and len(subscriptions(token)) >= MAX_SUBSCRIPTIONS:
        problems["url"] = f"there are {MAX_SUBSCRIPTIONS} subscriptions already: end one"
    if problems:
        return bad_values(problems)
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    with transaction.atomic():
        Cursor.objects.get_or_create(id=1, defaults={"index": progress().sealed})
        row = Webhook.objects.create(
            id=derived_id(at, secrets.token_hex(16), "webhook"),
            token_id=token,
            facility=facility,
            url=url,
            events=sorted(set(events)),
            secret=_box().encrypt(secret.encode()),
            since=progress().sealed,
            created_at=at,
        )
    return Subscribed(_shown(row), secret)


def subscriptions(token: UUID | None = None) -> list[Subscription]:
    """Return the living subscriptions (of a token), the oldest first."""
    rows = Webhook.objects.filter(ended_at__isnull=True).order_by("created_at", "id")
    return [_shown(row) for row in (rows if token is None else rows.filter(token_id=token))]


def end(id_: UUID, at: datetime, token: UUID | None = None) -> bool:
    """End a subscription (of a token): what waits for it is not sent any more. False for one that is not there."""
    with transaction.atomic():
        rows = Webhook.objects.filter(id=id_, ended_at__isnull=True)
        ended = (rows if token is None else rows.filter(token_id=token)).update(ended_at=at)
        if ended:
            Delivery.objects.filter(webhook_id=id_, state="waiting").update(state="dead", error="unsubscribed")
    return bool(ended)


def secret_of(row: Webhook) -> str | None:
    """Return a subscription's secret; None when it was kept under another installation key and cannot be read."""
    try:
        return _box().decrypt(bytes(row.secret)).decode()
    except InvalidToken:
        return None


def _box() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(sha256(f"karnet webhooks\x1f{settings.SECRET_KEY}".encode()).digest()))


def _shown(row: Webhook) -> Subscription:
    return Subscription(
        id=row.id,
        url=row.url,
        events=tuple(row.events),
        facility=row.facility,
        token=row.token_id,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
