"""Tariffs of stays: published in immutable versions, drafted freely, read ready for rating."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.catalogue import drafts, rules
from karnet.catalogue.drafts import DraftSaved, SaveDraft
from karnet.catalogue.models import TariffDraft
from karnet.catalogue.rules import PublishTariff, TariffInForce
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values
from karnet.parties.selectors import EnrolledFacility
from karnet.tariffs.model import Tariff, UnreadableTariff, from_json
from karnet.tariffs.rating import Rater

__all__ = [
    "PublishTariff",
    "PublishTariffDraft",
    "SavedTariffDraft",
    "TariffInForce",
    "TariffVersion",
    "discard_tariff_draft",
    "publish_tariff_draft",
    "publish_tariffs",
    "save_tariff_draft",
    "tariff_draft",
    "tariff_drafts",
    "tariff_versions",
    "tariffs_in_force",
    "tariffs_of",
]


class TariffVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A published version of a tariff, made ready for rating. `rater.tariff` is the tariff."""

    id: UUID
    facility: UUID
    code: str
    in_force_from: datetime
    rater: Rater

    @property
    def tariff(self) -> Tariff:
        """The tariff as data."""
        return self.rater.tariff


def publish_tariffs(requests: Sequence[PublishTariff]) -> list[TariffInForce | Refused]:
    """Publish versions of tariffs. A version never changes; a later one is for stays that begin later."""
    return transact(requests, _publish, answers=TariffInForce)


def _publish(tx: Transaction[PublishTariff, TariffInForce]) -> None:
    facilities = drafts.facilities()
    tx.record([Outcome(request, *_decide(request, facilities)) for request in tx.fresh])


def _decide(
    request: PublishTariff, facilities: dict[UUID, EnrolledFacility]
) -> tuple[TariffInForce | Refused, tuple[Any, ...]]:
    facility = facilities.get(request.facility)
    return rules.decide_tariff(request, facility.currency if facility else None, facility.time_zone if facility else "")


def save_tariff_draft(request: SaveDraft) -> DraftSaved | Refused:
    """Save a draft of a tariff (`drafts.save`)."""
    return drafts.save(TariffDraft, request)


def discard_tariff_draft(id_: UUID) -> bool:
    """Delete a draft that was not published; tell whether there was one."""
    return drafts.discard(TariffDraft, id_)


class PublishTariffDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Publish a draft as it was when `revision` was saved, in force from an instant on."""

    key: str
    at: datetime
    actor: UUID
    draft: UUID
    revision: int
    in_force_from: datetime


def publish_tariff_draft(request: PublishTariffDraft) -> TariffInForce | Refused:
    """Publish a draft. Locks it. Refuses a revision that was saved over meanwhile or published already (CONFLICT), text
    that is no tariff (BAD_VALUE on `document`), and whatever `publish_tariffs` refuses."""
    return transact([request], _publish_draft, answers=TariffInForce)[0]


def _publish_draft(tx: Transaction[PublishTariffDraft, TariffInForce]) -> None:
    for request in tx.fresh:
        draft = drafts.locked(TariffDraft, request.draft, request.revision)
        if isinstance(draft, Refused):
            tx.record([Outcome(request, draft)])
            continue
        try:
            tariff = from_json(draft.document)
        except UnreadableTariff as error:
            tx.record([Outcome(request, bad_values({"document": str(error)}))])
            continue
        asked = PublishTariff(
            key=request.key,
            at=request.at,
            actor=request.actor,
            facility=draft.facility_id,
            in_force_from=request.in_force_from,
            tariff=tariff,
        )
        answer, operations = _decide(asked, drafts.facilities())
        if isinstance(answer, TariffInForce):
            drafts.mark_published(draft, request.at)
        tx.record([Outcome(request, answer, operations)])


class SavedTariffDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it was saved last; `document` is JSON text, possibly unfinished."""

    id: UUID
    facility: UUID
    title: str
    document: str
    revision: int
    saved_at: datetime
    published_at: datetime | None


def tariff_drafts(facility: UUID) -> list[SavedTariffDraft]:
    """Return a facility's drafts of tariffs, published ones too, the one saved last first."""
    return [_saved(row) for row in TariffDraft.objects.filter(facility=facility).order_by("-saved_at", "id")]


def tariff_draft(id_: UUID) -> SavedTariffDraft | None:
    """Return a draft of a tariff, published or not."""
    row = TariffDraft.objects.filter(id=id_).first()
    return _saved(row) if row else None


def _saved(row: TariffDraft) -> SavedTariffDraft:
    return SavedTariffDraft(
        id=row.id,
        facility=row.facility_id,
        title=row.title,
        document=row.document,
        revision=row.revision,
        saved_at=row.saved_at,
        published_at=row.published_at,
    )


_VERSION = "SELECT id, facility_id, code, in_force_from, definition FROM catalogue_tariff_version"


def tariff_versions(ids: Collection[UUID]) -> dict[UUID, TariffVersion]:
    """Return versions by id; unknown ids are left out. A version never changes."""
    found = _versions(f"{_VERSION} WHERE id = ANY(%s)", [list(ids)]) if ids else []
    return {version.id: version for version in found}


def tariffs_in_force(facility: UUID, at: datetime, codes: Collection[str] | None = None) -> dict[str, TariffVersion]:
    """Return the versions for stays that begin at an instant, by tariff code; `codes` None = all of the facility's.

    Of one code the version with the latest start not after `at` counts; of two with one start, the one published later.
    """
    wanted = None if codes is None else list(codes)
    found = _versions(
        "SELECT DISTINCT ON (code) id, facility_id, code, in_force_from, definition FROM catalogue_tariff_version"
        " WHERE facility_id = %s AND in_force_from <= %s AND (%s::text[] IS NULL OR code = ANY(%s))"
        " ORDER BY code, in_force_from DESC, number DESC",
        [facility, at, wanted, wanted],
    )
    return {version.code: version for version in found}


def tariffs_of(facility: UUID) -> list[TariffVersion]:
    """Return every version that a facility published, by code, the latest first: what an editor lists."""
    return _versions(f"{_VERSION} WHERE facility_id = %s ORDER BY code, in_force_from DESC, number DESC", [facility])


def _versions(query: str, arguments: list[Any]) -> list[TariffVersion]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return [
            TariffVersion(id=id_, facility=facility, code=code, in_force_from=since, rater=_rater(bytes(definition)))
            for id_, facility, code, since, definition in cursor.fetchall()
        ]


@lru_cache(maxsize=256)
def _rater(definition: bytes) -> Rater:
    # A version never changes, so what its rater worked out about days serves every stay after.
    return Rater(from_json(definition))
