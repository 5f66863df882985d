"""Computing a settlement over a cut: reads facts ticket by ticket, keeps sums only.

Both streams of facts come ordered by ticket, so they are merged as they arrive: memory does not grow with passages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.access.selectors import Visits, passages_by_ticket
from karnet.entitlements.facts import SoldEntitlement, deposit_sums, sold_entitlements
from karnet.journal.cuts import Cut, Extent, UnknownCut, extent, instant_of, latest_cut
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.settlement import selectors
from karnet.settlement.rules.division import Visit
from karnet.settlement.rules.report import Heading, Place, Report, build_report
from karnet.settlement.rules.totals import Kind, Ticket, Totals, difference
from karnet.settlement.selectors import AgreementRow


class Cumulative(msgspec.Struct, frozen=True):
    """Amounts from the first sale on, with the heading and places to make a report of them."""

    heading: Heading
    places: list[Place]
    amounts: dict[tuple[int, Kind, int], int]
    unmatched_passages: int

    def report(self) -> Report:
        return build_report(self.heading, self.places, self.amounts, self.unmatched_passages)


def settle(
    cut: Cut | None = None,
    *,
    at: datetime,
    agreement: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
) -> Report | Refused:
    """Return the settlement of an agreement (None: the one in force at `at`) over a cut (None: everything sealed now).

    Facts that happened before `until` count (None: all in the cut); with `since`, the period [since, until). `as_of`
    decides which tickets have ended (None: `until`, or when the cut's last entry happened). Same cut and same instants,
    same bytes, whoever computes them. Records nothing; refuses NO_AGREEMENT, UNKNOWN_CUT.
    """
    found = cumulative(cut, at=at, agreement=agreement, until=until, as_of=as_of)
    if isinstance(found, Refused) or since is None:
        return found if isinstance(found, Refused) else found.report()
    since = instant(since)
    before = cumulative(Cut(found.heading.cut), at=at, agreement=found.heading.agreement, until=since, as_of=since)
    if isinstance(before, Refused):
        return before
    heading = msgspec.structs.replace(found.heading, since=since)
    unmatched = found.unmatched_passages - before.unmatched_passages
    return build_report(heading, found.places, difference(found.amounts, before.amounts), unmatched)


def cumulative(
    cut: Cut | None,
    *,
    at: datetime,
    agreement: UUID | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
) -> Cumulative | Refused:
    """Return the cumulative amounts of an agreement over a cut; arguments and refusals as in `settle`."""
    cut = cut or latest_cut()
    try:
        facts = extent(cut, instant(until) if until else None)
    except UnknownCut as error:
        return refused(Reason.UNKNOWN_CUT, cut=str(error))
    published = selectors.agreements(extent(cut))
    row = _chosen(published, agreement, at)
    if row is None:
        return refused(Reason.NO_AGREEMENT)
    as_of = instant(as_of) if as_of else facts.until or instant_of(cut) or row.valid_from
    places = selectors.places()
    totals = Totals(selectors.terms_of(row, places), as_of)
    belongs_from = max((other.valid_until for other in published if other.valid_until <= row.valid_from), default=None)
    unmatched = _add_facts(totals, facts, places, _Span(belongs_from, row.valid_until))
    heading = Heading(
        agreement=row.id,
        agreement_sha256=row.sha256,
        season=row.text.season,
        currency=row.text.currency,
        members=frozenset(row.text.members),
        cut=cut.sizes,
        since=None,
        until=facts.until,
        as_of=as_of,
    )
    return Cumulative(heading, places, totals.result(), unmatched)


def _chosen(published: list[AgreementRow], agreement: UUID | None, at: datetime) -> AgreementRow | None:
    if agreement is not None:
        return next((row for row in published if row.id == agreement), None)
    return next((row for row in published if row.valid_from <= at < row.valid_until), None)


class _Span(msgspec.Struct, frozen=True):
    """When a sale, or a deposit's return, belongs to an agreement: from the end of the agreement before (a ticket sold
    ahead of a season belongs to the season it is sold for) until its own end."""

    since: datetime | None
    until: datetime

    def __contains__(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and at < self.until


def _add_facts(totals: Totals, facts: Extent, places: list[Place], span: _Span) -> int:
    """Add every ticket and card deposit of the span; return how many passages had no sale in the cut."""
    place_of = {place.facility: index for index, place in enumerate(places)}
    unmatched = 0
    for sold, visits in merged(sold_entitlements(facts), passages_by_ticket(facts)):
        if sold is None:
            unmatched += sum(visit.passages for visit in visits)
        elif sold.at in span:
            totals.add_ticket(_ticket(sold, place_of), _visits(visits, place_of))
    for deposit in deposit_sums(facts, totals.terms.currency, span.since, span.until):
        returned_at = None if deposit.returned_at is None else place_of[deposit.returned_at]
        totals.add_deposits(place_of[deposit.facility], deposit.amount, returned_at, deposit.returned)
    return unmatched


def merged(
    sold: Iterable[SoldEntitlement], visits: Iterable[Visits]
) -> Iterator[tuple[SoldEntitlement | None, list[Visits]]]:
    """Yield every ticket with its visits, and visits without a ticket under None. Both come ordered by ticket."""
    rest = iter(visits)
    visit = next(rest, None)
    for ticket in sold:
        own = []
        while visit is not None and visit.entitlement < ticket.id:
            yield None, [visit]
            visit = next(rest, None)
        while visit is not None and visit.entitlement == ticket.id:
            own.append(visit)
            visit = next(rest, None)
        yield ticket, own
    while visit is not None:
        yield None, [visit]
        visit = next(rest, None)


def _ticket(sold: SoldEntitlement, place_of: Mapping[UUID, int]) -> Ticket:
    return Ticket(
        place_of[sold.facility], sold.product_code, sold.category, sold.kind, sold.currency, sold.price, sold.points,
        sold.valid_until, sold.voided,
    )  # fmt: skip


def _visits(visits: list[Visits], place_of: Mapping[UUID, int]) -> tuple[Visit, ...]:
    return tuple(Visit(place_of[visit.facility], visit.passages, visit.points, visit.weight) for visit in visits)
