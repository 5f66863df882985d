"""Locks for what arrives: the media it is about, as decisions here lock them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from karnet.entitlements.operations import (
    Activated,
    DayUsed,
    EntitlementMoved,
    EntitlementVoided,
    MediumIssued,
    MediumReturned,
    Replaced,
)
from karnet.journal.applying import locks_before_applying
from karnet.journal.operations import Entry, Part

_OF_MEDIA = (MediumIssued, MediumReturned)
_OF_ENTITLEMENTS = (Activated, DayUsed, EntitlementMoved, EntitlementVoided)


@locks_before_applying
def lock_media(cursor: Any, entries: Sequence[Entry]) -> None:
    """Lock the media that arriving entries are about, by id: so that a decision here sees all of them or none, and of
    two operations on one medium the later one has the higher number."""
    media, entitlements = set[UUID](), set[UUID]()
    for part in _parts(entries):
        if isinstance(part, _OF_ENTITLEMENTS):
            entitlements.add(part.id)
        if isinstance(part, _OF_MEDIA):
            media.add(part.id)
        elif isinstance(part, Replaced):
            media.add(part.old)
        elif isinstance(medium := getattr(part, "medium", None), UUID):
            media.add(medium)
    if media or entitlements:
        cursor.execute(
            "SELECT 1 FROM entitlements_medium WHERE id IN (SELECT unnest(%b::uuid[])"
            " UNION SELECT medium_id FROM entitlements_entitlement WHERE id = ANY(%b::uuid[]))"
            " ORDER BY id FOR NO KEY UPDATE",
            [list(media), list(entitlements)],
        )


def _parts(entries: Iterable[Entry]) -> Iterable[Part]:
    for entry in entries:
        yield entry.body
        yield from entry.body.parts()
