"""Tracing what one facility owes another: to tickets and their passages, to charges, to card deposits and
refunds paid out for each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.access.facts import used_elsewhere
from karnet.accounts.facts import last_drawn
from karnet.entitlements.facts import last_deposits
from karnet.entitlements.selectors import media
from karnet.journal.cuts import Cut, UnknownCut, extent
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.facts import last_refunds
from karnet.settlement import selectors
from karnet.settlement.explaining import ExplainedTicket, explain_tickets
from karnet.settlement.operations import Agreement

_CHUNK = 500


def traced_tickets(
    sold_by: UUID, used_at: UUID, *, at: datetime, cut: Cut, until: datetime | None, after: UUID | None, limit: int
) -> list[ExplainedTicket] | Refused:
    """Return a page of the tickets one facility sold and another gets a share of, each with its division, in the order
    of ids (`after`: the last one of the page before). Cut and `until` as in `settle`. Refuses UNKNOWN_CUT, NO_AGREEMENT.

    Their shares add up to the debt for tickets.
    """
    try:
        facts = extent(cut, instant(until) if until else None)
    except UnknownCut as error:
        return refused(Reason.UNKNOWN_CUT, cut=str(error))
    code = next(place.code for place in selectors.places() if place.facility == used_at)
    owes_unused = any(_owes_unused(row.text) for row in selectors.agreements(facts))
    kept: list[ExplainedTicket] = []
    while len(kept) < limit:
        ids = used_elsewhere(facts, sold_by, used_at, after, limit, used_or_not=owes_unused)
        if not ids:
            break
        after = ids[-1]
        found = explain_tickets(ids, at=at, cut=cut, until=until)
        if isinstance(found, Refused):
            return found
        kept += [one for one in sorted(found.tickets, key=lambda ticket: ticket.id) if _concerns(one, code)]
    return kept[:limit]


def _owes_unused(text: Agreement) -> bool:
    """Tell whether a facility can get something of a ticket that never went through its gates."""
    return text.unused != "seller" or text.floor_bp > 0 or any(price.parts for price in text.prices)


def _concerns(ticket: ExplainedTicket, code: str) -> bool:
    return any(share.facility == code for share in ticket.shares)


class TracedMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What a debt besides tickets is made of: one charge to a card, one deposit paid back, one refund paid
    out. `number`: the card's, or the sale's."""

    at: datetime
    number: str
    money: int
    bonus: int


def traced_charges(held_by: UUID, spent_at: UUID, *, cut: Cut, until: datetime | None, limit: int) -> list[TracedMoney]:
    """Return the last charges at one facility of money that another took, the newest first."""
    rows = last_drawn(extent(cut, instant(until) if until else None), held_by, spent_at, limit)
    numbers = media({row.medium for row in rows})
    return [TracedMoney(at=row.at, number=numbers[row.medium].number, money=row.money, bonus=row.bonus) for row in rows]


def traced_deposits(
    taken_at: UUID, paid_at: UUID, *, cut: Cut, until: datetime | None, limit: int
) -> list[TracedMoney]:
    """Return the last card deposits taken at one facility and paid back at another, the newest first."""
    rows = last_deposits(extent(cut, instant(until) if until else None), taken_at, paid_at, limit)
    numbers = media({row.medium for row in rows})
    return [TracedMoney(at=row.at, number=numbers[row.medium].number, money=row.amount, bonus=0) for row in rows]


def traced_refunds(sold_by: UUID, paid_by: UUID, *, cut: Cut, until: datetime | None, limit: int) -> list[TracedMoney]:
    """Return the last refunds of one facility's sales that another paid out, the newest first. `number`: the sale's."""
    rows = last_refunds(extent(cut, instant(until) if until else None), sold_by, paid_by, limit)
    return [TracedMoney(at=row.at, number=row.document, money=row.amount, bonus=0) for row in rows]


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
