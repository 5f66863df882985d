"""Drafts of what the catalogue publishes, price lists and tariffs alike: saved by revision, published once. No operations.

What a draft's document must be to be published is the business of what it is a draft of (services, tariffs).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import IntegrityError

from karnet.catalogue.models import Drafted
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import EnrolledFacility, all_facilities

MAX_DOCUMENT = 4 * 1024 * 1024


class SaveDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Save a draft, new or known. `document`: JSON text, maybe unfinished. `revision`: the one that was edited (0 = a new draft)."""

    id: UUID
    facility: UUID
    title: str
    document: str
    saved_at: datetime
    revision: int = 0


class DraftSaved(msgspec.Struct, frozen=True, kw_only=True, tag="draft_saved"):
    id: UUID
    revision: int


def facilities() -> dict[UUID, EnrolledFacility]:
    """Return the facilities that may publish, by id."""
    return {facility.id: facility for facility in all_facilities() if facility.retired_at is None}


def save(
    kind: type[Drafted], request: SaveDraft, problem_of: Callable[[str], str | None] = lambda document: None
) -> DraftSaved | Refused:
    """Save a draft of a kind. Refuses a document that `problem_of` finds fault with, a revision that somebody else has
    saved over meanwhile (CONFLICT), and a draft that was published (it stays as it was: copy it)."""
    problems = {}
    if not 0 < len(request.title.strip()) <= 200:
        problems["title"] = "must have 1 to 200 characters"
    if len(request.document) > MAX_DOCUMENT:
        problems["document"] = f"must have at most {MAX_DOCUMENT} characters"
    elif (problem := problem_of(request.document)) is not None:
        problems["document"] = problem
    if problems:
        return bad_values(problems)
    if request.facility not in facilities():
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility))
    values = {"title": request.title.strip(), "document": request.document, "saved_at": request.saved_at}
    if request.revision == 0:
        try:
            kind._default_manager.create(id=request.id, facility_id=request.facility, **values)
        except IntegrityError:
            return refused(Reason.ALREADY_EXISTS)
        return DraftSaved(id=request.id, revision=1)
    saved = kind._default_manager.filter(
        id=request.id, facility=request.facility, revision=request.revision, published_at__isnull=True
    ).update(revision=request.revision + 1, **values)
    if not saved:
        return refused(Reason.CONFLICT, guard="draft_revision")
    return DraftSaved(id=request.id, revision=request.revision + 1)


def discard(kind: type[Drafted], id_: UUID) -> bool:
    """Delete a draft that was not published; tell whether there was one."""
    return kind._default_manager.filter(id=id_, published_at__isnull=True).delete()[0] == 1


def locked(kind: type[Drafted], id_: UUID, revision: int) -> Drafted | Refused:
    """Lock a draft that is to be published as it was at a revision. Refuses one that was saved over meanwhile or
    published already (CONFLICT)."""
    draft = kind._default_manager.select_for_update().filter(id=id_).first()
    if draft is None:
        return bad_values({"draft": f"there is no draft {id_}"})
    if draft.revision != revision or draft.published_at is not None:
        return refused(Reason.CONFLICT, guard="draft_revision")
    return draft


def mark_published(draft: Drafted, at: datetime) -> None:
    """Keep a locked draft as what was published."""
    draft.published_at = at
    draft.save(update_fields=["published_at"])
