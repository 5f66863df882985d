"""Tracing what one facility owes another to the tickets it sold and the passages they made there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from karnet.access.facts import used_elsewhere
from karnet.journal.cuts import Cut, UnknownCut, extent
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.settlement.explaining import ExplainedTicket, explain_tickets

_CHUNK = 500


def traced_tickets(
    sold_by: UUID, used_at: UUID, *, at: datetime, cut: Cut, until: datetime | None, after: UUID | None, limit: int
) -> list[ExplainedTicket] | Refused:
    """Return a page of the tickets one facility sold and another let through, each with its division, in the order of
    ids (`after`: the last one of the page before). Cut and `until` as in `settle`. Refuses UNKNOWN_CUT, NO_AGREEMENT.

    Their shares add up to the debt for tickets, save what the agreement's rule for unused value gives members at whose
    gates nobody went through.
    """
    try:
        facts = extent(cut, instant(until) if until else None)
    except UnknownCut as error:
        return refused(Reason.UNKNOWN_CUT, cut=str(error))
    ids = used_elsewhere(facts, sold_by, used_at, after, limit)
    if not ids:
        return []
    found = explain_tickets(ids, at=at, cut=cut, until=until)
    return found if isinstance(found, Refused) else sorted(found.tickets, key=lambda ticket: ticket.id)


def all_traced_tickets(
    sold_by: UUID, used_at: UUID, *, at: datetime, cut: Cut, until: datetime | None
) -> Iterator[ExplainedTicket]:
    """Yield all of them, in pages, so that memory is bounded. Ends at a refusal."""
    after: UUID | None = None
    while True:
        page = traced_tickets(sold_by, used_at, at=at, cut=cut, until=until, after=after, limit=_CHUNK)
        if isinstance(page, Refused) or not page:
            return
        yield from page
        after = page[-1].id
