"""Publishing price lists, and the drafts they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError

from karnet.catalogue import rules, selectors
from karnet.catalogue.models import Draft
from karnet.catalogue.rules import Preview, PriceList, ProductDraft, Publication, Publish
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import all_facilities

__all__ = [
    "DraftSaved",
    "Preview",
    "PriceList",
    "ProductDraft",
    "Publication",
    "Publish",
    "PublishDraft",
    "SaveDraft",
    "discard_draft",
    "preview",
    "publish",
    "publish_draft",
    "save_draft",
]

MAX_DOCUMENT = 4 * 1024 * 1024


def publish(requests: Sequence[Publish]) -> list[Publication | Refused]:
    """Publish price lists, each whole or not at all. A version never changes; a later one replaces it."""

    def body(tx: Transaction[Publish, Publication]) -> None:
        currencies = _currencies()
        tx.record([Outcome(request, *_decide(request, currencies)) for request in tx.fresh])

    return transact(requests, body, answers=Publication)


def _decide(request: Publish, currencies: dict[UUID, str]) -> tuple[Publication | Refused, tuple[Any, ...]]:
    return rules.decide_publication(request, currencies.get(request.facility), currencies)


def _currencies() -> dict[UUID, str]:
    return {facility.id: facility.currency for facility in all_facilities() if facility.retired_at is None}


class SaveDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Save a draft, new or known. `document`: any JSON text. `revision`: the one that was edited (0 = a new draft)."""

    id: UUID
    facility: UUID
    title: str
    document: str
    saved_at: datetime
    revision: int = 0


class DraftSaved(msgspec.Struct, frozen=True, kw_only=True, tag="draft_saved"):
    id: UUID
    revision: int


def save_draft(request: SaveDraft) -> DraftSaved | Refused:
    """Save a draft. Not an operation. Refuses text that is no JSON, a revision that somebody else has saved over
    meanwhile (CONFLICT), and a draft that was published (it stays as it was: copy it)."""
    problems = {}
    if not 0 < len(request.title.strip()) <= 200:
        problems["title"] = "must have 1 to 200 characters"
    if len(request.document) > MAX_DOCUMENT:
        problems["document"] = f"must have at most {MAX_DOCUMENT} characters"
    else:
        try:
            msgspec.json.decode(request.document)
        except msgspec.DecodeError as error:
            problems["document"] = f"is no JSON: {error}"
    if problems:
        return bad_values(problems)
    if request.facility not in _currencies():
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility))
    values = {"title": request.title.strip(), "document": request.document, "saved_at": request.saved_at}
    if request.revision == 0:
        try:
            Draft.objects.create(id=request.id, facility_id=request.facility, **values)
        except IntegrityError:
            return refused(Reason.ALREADY_EXISTS)
        return DraftSaved(id=request.id, revision=1)
    saved = Draft.objects.filter(
        id=request.id, facility=request.facility, revision=request.revision, published_at__isnull=True
    ).update(revision=request.revision + 1, **values)
    if not saved:
        return refused(Reason.CONFLICT, guard="draft_revision")
    return DraftSaved(id=request.id, revision=request.revision + 1)


def discard_draft(id_: UUID) -> bool:
    """Delete a draft that was not published; tell whether there was one."""
    return Draft.objects.filter(id=id_, published_at__isnull=True).delete()[0] == 1


def preview(id_: UUID, at: datetime) -> Preview | Refused:
    """Return what publishing a draft at `at` would change, compared with what will be on sale when it starts, and every
    reason why it cannot be published. Changes nothing. Refuses a draft whose document is not a price list yet."""
    draft = selectors.draft(id_)
    if draft is None:
        return bad_values({"draft": f"there is no draft {id_}"})
    prices = read(draft.document)
    if isinstance(prices, Refused):
        return prices
    problems = dict(rules.problems_of(prices, at, _currencies()))
    if prices.on_sale_from.tzinfo is None:
        return Preview(problems=problems)
    current = selectors.on_sale(draft.facility, None, prices.on_sale_from)
    changes, untouched = rules.preview_of(prices.products, {code: version.product for code, version in current.items()})
    later = selectors.replaced_after(draft.facility, [change.code for change in changes], prices.on_sale_from)
    return Preview(changes=changes, untouched=untouched, superseded=tuple(sorted(later)), problems=problems)


def read(document: str) -> PriceList | Refused:
    """Return the price list in a draft's document, or where it is not one yet."""
    try:
        return msgspec.json.decode(document, type=PriceList)
    except msgspec.DecodeError as error:
        words, _, path = str(error).partition(" - at `")
        return bad_values({path.rstrip("`").removeprefix("$").removeprefix(".") or "document": words})


class PublishDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Publish a draft as it was when `revision` was saved."""

    key: str
    at: datetime
    actor: UUID
    draft: UUID
    revision: int


def publish_draft(request: PublishDraft) -> Publication | Refused:
    """Publish a draft, whole or not at all. Locks the draft. Refuses a revision that was saved over meanwhile or
    published already (CONFLICT), and whatever `publish` refuses."""
    return transact([request], _publish_draft, answers=Publication)[0]


def _publish_draft(tx: Transaction[PublishDraft, Publication]) -> None:
    for request in tx.fresh:
        draft = Draft.objects.select_for_update().filter(id=request.draft).first()
        if draft is None:
            tx.record([Outcome(request, bad_values({"draft": f"there is no draft {request.draft}"}))])
            continue
        if draft.revision != request.revision or draft.published_at is not None:
            tx.record([Outcome(request, refused(Reason.CONFLICT, guard="draft_revision"))])
            continue
        prices = read(draft.document)
        if isinstance(prices, Refused):
            tx.record([Outcome(request, prices)])
            continue
        asked = Publish(
            key=request.key,
            at=request.at,
            actor=request.actor,
            facility=draft.facility_id,
            on_sale_from=prices.on_sale_from,
            on_sale_until=prices.on_sale_until,
            products=prices.products,
        )
        answer, operations = _decide(asked, _currencies())
        if isinstance(answer, Publication):
            draft.published_at = request.at
            draft.save(update_fields=["published_at"])
        tx.record([Outcome(request, answer, operations)])
