"""Publishing price lists, and the drafts they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from karnet.catalogue import drafts, rules, selectors
from karnet.catalogue.drafts import DraftSaved, SaveDraft
from karnet.catalogue.models import Draft
from karnet.catalogue.rules import Preview, PriceList, ProductDraft, Publication, Publish
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values

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


def publish(requests: Sequence[Publish]) -> list[Publication | Refused]:
    """Publish price lists, each whole or not at all. A version never changes; a later one replaces it."""

    def body(tx: Transaction[Publish, Publication]) -> None:
        currencies = _currencies()
        tx.record([Outcome(request, *_decide(request, currencies)) for request in tx.fresh])

    return transact(requests, body, answers=Publication)


def _decide(request: Publish, currencies: dict[UUID, str]) -> tuple[Publication | Refused, tuple[Any, ...]]:
    return rules.decide_publication(request, currencies.get(request.facility), currencies)


def _currencies() -> dict[UUID, str]:
    return {id_: facility.currency for id_, facility in drafts.facilities().items()}


def save_draft(request: SaveDraft) -> DraftSaved | Refused:
    """Save a draft of a price list (`drafts.save`). Refuses text that is no JSON, too."""
    return drafts.save(Draft, request, _not_json)


def _not_json(document: str) -> str | None:
    try:
        msgspec.json.decode(document)
    except msgspec.DecodeError as error:
        return f"is no JSON: {error}"
    return None


def discard_draft(id_: UUID) -> bool:
    """Delete a draft that was not published; tell whether there was one."""
    return drafts.discard(Draft, id_)


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
        draft = drafts.locked(Draft, request.draft, request.revision)
        if isinstance(draft, Refused):
            tx.record([Outcome(request, draft)])
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
            drafts.mark_published(draft, request.at)
        tx.record([Outcome(request, answer, operations)])
