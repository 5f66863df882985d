"""Computing a settlement over a cut: the database sums the passages of each ticket and counts the tickets that were
sold and used alike; each such kind is divided once, per ticket, and multiplied. Memory does not grow with passages,
and what was sold in other seasons is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from karnet.access.facts import Measures, visits_relation
from karnet.accounts.facts import drawn_sums, load_sums
from karnet.entitlements.facts import deposit_sums, season_end, second_payouts, sold_relation
from karnet.journal.cuts import Cut, Extent, UnknownCut, extent, instant_of, latest_cut
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.facts import refund_sums
from karnet.settlement import selectors
from karnet.settlement.operations import Agreement
from karnet.settlement.rules.agreements import agreement_id, canonical_text
from karnet.settlement.rules.division import TicketKind, Visit
from karnet.settlement.rules.report import Heading, Place, Report, build_report
from karnet.settlement.rules.totals import Terms, Ticket, Totals, difference, has_ended
from karnet.settlement.selectors import AgreementRow


class Cumulative(msgspec.Struct, frozen=True):
    """Amounts from the first sale on, with the heading and places to make a report of them."""

    heading: Heading
    places: list[Place]
    amounts: dict[tuple[int, str, int], int]
    unmatched_passages: int
    text: Agreement

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
    instead: Agreement | None = None,
) -> Cumulative | Refused:
    """Return the cumulative amounts of an agreement over a cut; arguments and refusals as in `settle`.

    `instead`: a text to divide by that is not in force (what-if); the tickets and the time are the agreement's own.
    """
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
    measures = measures_of(instead or row.text, reweighed=instead is not None and instead.gates != row.text.gates)
    if instead is not None:
        sha256 = hashlib.sha256(canonical_text(instead)).hexdigest()
        row = msgspec.structs.replace(row, id=agreement_id(sha256), sha256=sha256, text=instead)
    places = selectors.places()
    totals = Totals(selectors.terms_of(row, places))
    belongs_from = max((other.valid_until for other in published if other.valid_until <= row.valid_from), default=None)
    span = _Span(belongs_from, row.valid_until)
    unmatched = _add_tickets(totals, facts, places, span, as_of, measures)
    _add_money(totals, facts, places, span, as_of)
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
    return Cumulative(heading, places, totals.result(), unmatched, row.text)


def _chosen(published: list[AgreementRow], agreement: UUID | None, at: datetime) -> AgreementRow | None:
    if agreement is not None:
        return next((row for row in published if row.id == agreement), None)
    return next((row for row in published if row.valid_from <= at < row.valid_until), None)


class _Span(msgspec.Struct, frozen=True):
    """When a sale, or a deposit's return, belongs to an agreement: from the end of the agreement before (a ticket sold
    ahead of a season belongs to the season it is sold for) until its own end."""

    since: datetime | None
    until: datetime


def measures_of(text: Agreement, *, reweighed: bool = False) -> Measures:
    """Return what a text's rules need to know of passages beyond what they carry. `reweighed`: what they would weigh by
    this text, whatever they carry (a text that was not in force when they were made)."""
    rules = {text.division, *(price.division for price in text.prices)}
    return Measures(
        first_entries_in=text.time_zone if "first_entries" in rules else None,
        lift_points={gate.gate: gate.points for gate in text.gates} if "points_frequency" in rules else None,
        weights={gate.gate: gate.weight for gate in text.gates} if reweighed else None,
    )


def _add_tickets(
    totals: Totals, facts: Extent, places: list[Place], span: _Span, as_of: datetime, measures: Measures
) -> int:
    """Add every ticket of the span; return how many passages of its tickets had no sale in the cut."""
    place_of = {place.facility: index for index, place in enumerate(places)}
    named = {str(facility): index for facility, index in place_of.items()}
    unmatched = 0
    for used in _used_alike(facts, span, as_of, measures):
        if used.facility is None:
            unmatched += used.passages
        else:
            ticket = _ticket(used, place_of, totals.terms, as_of)
            totals.add_tickets(used.tickets, ticket, _visits(used.visits, named))
    return unmatched


def _add_money(totals: Totals, facts: Extent, places: list[Place], span: _Span, as_of: datetime) -> None:
    """Add the card deposits of the span, refunds paid out for others, and the money put on cards and spent in it."""
    place_of = {place.facility: index for index, place in enumerate(places)}
    currency, ended = totals.terms.currency, as_of >= span.until
    for deposit in deposit_sums(facts, currency, span.since, span.until):
        returned_at = None if deposit.returned_at is None else place_of[deposit.returned_at]
        taken_at = place_of[deposit.facility]
        if returned_at is None:
            totals.add_deposits(taken_at, deposit.each, None, 0, count=deposit.deposits, ended=ended)
        else:
            totals.add_deposits(taken_at, deposit.amount, returned_at, deposit.returned)
    for again in second_payouts(facts, currency, span.since, span.until):
        totals.add_second_payouts(place_of[again.facility], place_of[again.paid_at], again.amount)
    for refund in refund_sums(facts, currency, span.since, span.until):
        totals.add_refunds(place_of[refund.home], place_of[refund.facility], refund.amount, disputed=refund.disputed)
    for load in load_sums(facts, currency, span.since, span.until):
        totals.add_stored(place_of[load.facility], money=load.money, bonus=load.bonus)
    for drawn in drawn_sums(facts, currency, span.since, span.until):
        totals.add_spent(place_of[drawn.held_by], place_of[drawn.facility], money=drawn.money, bonus=drawn.bonus)


class _UsedAlike(NamedTuple):
    """Tickets equal in all that settles. `facility` is None for passages whose sale is not in the cut. `ended` is None
    where only `validity` (in `time_zone`) can tell. `visits`: as access.facts writes them, None = never used."""

    tickets: int
    passages: int
    facility: UUID | None
    product_code: str
    category: str
    kind: TicketKind
    currency: str
    price: int
    points: int
    voided: bool
    ended: bool | None
    validity: str | None
    time_zone: str | None
    stayed: str | None
    visits: str | None


_USED_ALIKE = """
SELECT count(*), coalesce(sum(u.passages), 0)::bigint, s.facility, s.product_code, s.category, s.kind, s.currency,
       s.price, s.points, s.voided, s.valid_until <= %s, s.validity, s.time_zone, s.stayed, u.visits
FROM ({sold}) s FULL JOIN ({used}) u ON u.entitlement = s.id
GROUP BY 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
"""
_CHUNK = 10_000


def _used_alike(facts: Extent, span: _Span, as_of: datetime, measures: Measures) -> Iterator[_UsedAlike]:
    sold, sold_parameters = sold_relation(facts, span.since, span.until)
    used, used_parameters = visits_relation(facts, span.since, span.until, measures)
    with transaction.atomic(), connection.cursor() as settings, connection.chunked_cursor() as cursor:
        # Sums of a season do not fit the usual working memory; and all rows will be fetched, so plan for that.
        settings.execute("SELECT set_config('work_mem', '128MB', true), set_config('cursor_tuple_fraction', '1', true)")
        cursor.execute(
            _USED_ALIKE.format(sold=sold, used=used),
            [as_of, *sold_parameters, *used_parameters],
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield from map(_UsedAlike._make, rows)


def _ticket(used: _UsedAlike, place_of: Mapping[UUID, int], terms: Terms, as_of: datetime) -> Ticket:
    assert used.facility is not None
    ended = used.ended
    if ended is None:
        until = season_end(used.validity, used.time_zone) if used.validity and used.time_zone else None
        ended = has_ended(until, terms, as_of)
    return Ticket(
        place_of[used.facility], used.product_code, used.category, used.kind, used.currency, used.price, used.points,
        ended, used.voided, stayed_at(used.stayed, place_of),
    )  # fmt: skip


def stayed_at(text: str | None, place_of: Mapping[UUID, int]) -> tuple[int, ...]:
    """Return the places in a list of facilities (entitlements.facts.SoldEntitlement.stayed)."""
    return tuple(place_of[UUID(facility)] for facility in text.split(",")) if text else ()


def _visits(text: str | None, place_of: Mapping[str, int]) -> tuple[Visit, ...]:
    visits = (part.split(" ") for part in text.split(",")) if text else ()
    return tuple(Visit(place_of[facility], *map(int, figures)) for facility, *figures in visits)
