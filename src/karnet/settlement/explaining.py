"""One ticket, traced: every passage that settles, what it weighs, and which facility gets how much of its price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from karnet.access.selectors import Passed, gates, passages_of
from karnet.accounts.facts import ChargedPoints, points_charged_to
from karnet.entitlements.facts import SoldEntitlement, sold_entitlements
from karnet.entitlements.selectors import holdings, media_by_number
from karnet.journal.cuts import Cut, Extent, UnknownCut, extent, instant_of, latest_cut
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant, local_day
from karnet.settlement import selectors
from karnet.settlement.rules.division import Visit, divide_unused
from karnet.settlement.rules.report import Place
from karnet.settlement.rules.totals import Terms, Ticket, agreed_price, bundled, divide_ticket, has_ended
from karnet.settlement.selectors import AgreementRow
from karnet.settlement.settling import stayed_at


class ExplainedPassage(msgspec.Struct, frozen=True, kw_only=True):
    """A passage; `counts` is false where it does not settle (an exit, or a gate of weight zero)."""

    at: datetime
    facility: str
    gate: str
    points: int
    weight: int
    counts: bool


class ExplainedShare(msgspec.Struct, frozen=True, kw_only=True):
    """What a facility gets of a ticket and why: counted passages, points taken, weights in all (millionths).
    `share` by use, `unused` by the agreement's rule for what nobody used, `bundle` by a bundle's agreed split."""

    facility: str
    passages: int
    points: int
    weight: int
    share: int
    unused: int
    bundle: int


class ExplainedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's division. `agreed`: its agreed price, None where there is none (then nothing is divided). `over_price`:
    what the seller keeps, or bears (negative). Minor units."""

    id: UUID
    product: str
    category: str
    kind: str
    season: str
    currency: str
    time_zone: str
    seller: str
    sold_at: datetime
    valid_until: datetime | None
    voided: bool
    price: int
    agreed: int | None
    over_price: int
    deferred: int
    shares: tuple[ExplainedShare, ...]
    passages: tuple[ExplainedPassage, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The tickets asked for, the earliest sold first, as a cut (tree size by log) has them at `as_of`."""

    asked: str
    cut: dict[str, int]
    as_of: datetime
    tickets: tuple[ExplainedTicket, ...]


def explain(asked: str, *, at: datetime, cut: Cut | None = None) -> Explanation | Refused:
    """Return how the tickets on a medium (its printed number), or one ticket (its id), are divided.

    Over a cut (None: everything sealed now). Refuses UNKNOWN_MEDIUM, NOTHING_ON_MEDIUM, NO_AGREEMENT, UNKNOWN_CUT.
    """
    ids = _asked_tickets(asked)
    return ids if isinstance(ids, Refused) else explain_tickets(ids, at=at, cut=cut, asked=asked)


def explain_tickets(
    ids: Sequence[UUID], *, at: datetime, cut: Cut | None = None, until: datetime | None = None, asked: str = ""
) -> Explanation | Refused:
    """Return how these tickets are divided, over a cut and up to an instant (both as in `settle`).

    A fixed handful of statements, however many tickets. Refuses NOTHING_ON_MEDIUM (`asked` names what was looked for),
    NO_AGREEMENT, UNKNOWN_CUT.
    """
    cut = cut or latest_cut()
    try:
        facts = extent(cut, instant(until) if until else None)
    except UnknownCut as error:
        return refused(Reason.UNKNOWN_CUT, cut=str(error))
    sold = sorted(sold_entitlements(facts, ids), key=lambda ticket: (ticket.at, ticket.id))
    if not sold:
        return refused(Reason.NOTHING_ON_MEDIUM, number=asked)
    published = selectors.agreements(facts)
    if sold[-1].at >= max((row.valid_until for row in published), default=sold[-1].at):
        return refused(Reason.NO_AGREEMENT)
    as_of = facts.until or instant_of(cut) or at
    passed, charged = used_by(ids, facts)
    gate_codes = {gate.id: gate.code for gate in gates()}
    places = selectors.places()
    tickets = []
    for ticket in sold:
        row = next(row for row in published if ticket.at < row.valid_until)
        tickets.append(
            _explained(ticket, passed.get(ticket.id, []), charged.get(ticket.id, []), row, places, gate_codes, as_of)
        )
    return Explanation(asked=asked, cut=cut.sizes, as_of=as_of, tickets=tuple(tickets))


def _asked_tickets(asked: str) -> list[UUID] | Refused:
    medium = media_by_number([asked]).get(asked)
    if medium is not None:
        return [holding.id for holding in holdings([medium.id])[medium.id]]
    try:
        return [UUID(asked)]
    except ValueError:
        return refused(Reason.UNKNOWN_MEDIUM, number=asked)


def _explained(
    sold: SoldEntitlement,
    passed: list[Passed],
    charged: list[ChargedPoints],
    row: AgreementRow,
    places: list[Place],
    gate_codes: dict[UUID, str],
    as_of: datetime,
) -> ExplainedTicket:
    terms = selectors.terms_of(row, places)
    place_of = {place.facility: index for index, place in enumerate(places)}
    ticket, visits = as_divided(sold, passed, charged, row, place_of, terms, as_of)
    agreed = agreed_price(ticket, terms)
    bundles: dict[int, int] = {}
    shares: dict[int, int] = {}
    unused: dict[int, int] = {}
    deferred = over_price = 0
    if agreed is not None:
        for part in bundled(ticket, agreed):
            bundles[part.place] = bundles.get(part.place, 0) + part.amount
        division = divide_ticket(ticket, visits, agreed, terms)
        shares, deferred = dict(division.shares), division.deferred
        unused = dict(
            divide_unused(division.unused, terms.unused, seller=ticket.seller, member_weights=terms.member_weights)
        )
        paid = 0 if ticket.voided else ticket.price
        over_price = paid - sum(bundles.values()) - sum(shares.values()) - division.unused - deferred
    seen = {visit.place: visit for visit in visits}
    return ExplainedTicket(
        id=sold.id,
        product=sold.product_code,
        category=sold.category,
        kind=sold.kind,
        season=row.text.season,
        currency=sold.currency,
        time_zone=row.text.time_zone,
        seller=places[ticket.seller].code,
        sold_at=sold.at,
        valid_until=sold.valid_until,
        voided=sold.voided,
        price=sold.price,
        agreed=agreed.gross if agreed else None,
        over_price=over_price,
        deferred=deferred,
        shares=tuple(
            ExplainedShare(
                facility=places[place].code,
                passages=seen[place].passages if place in seen else 0,
                points=seen[place].points if place in seen else 0,
                weight=seen[place].weight if place in seen else 0,
                share=shares.get(place, 0),
                unused=unused.get(place, 0),
                bundle=bundles.get(place, 0),
            )
            for place in sorted(seen.keys() | shares.keys() | unused.keys() | bundles.keys())
        ),
        passages=tuple(
            ExplainedPassage(
                at=passage.at,
                facility=places[place_of[passage.facility]].code,
                gate=gate_codes.get(passage.gate, str(passage.gate)),
                points=passage.points,
                weight=passage.weight,
                counts=_counts(passage),
            )
            for passage in passed
        ),
    )


def as_divided(
    sold: SoldEntitlement,
    passed: list[Passed],
    charged: list[ChargedPoints],
    row: AgreementRow,
    place_of: dict[UUID, int],
    terms: Terms,
    as_of: datetime,
) -> tuple[Ticket, tuple[Visit, ...]]:
    """Return a ticket and what it did at each place, as division takes them."""
    ticket = Ticket(
        place_of[sold.facility], sold.product_code, sold.category, sold.kind, sold.currency, sold.price, sold.points,
        has_ended(sold.valid_until, terms, as_of), sold.voided, stayed_at(sold.stayed, place_of),
    )  # fmt: skip
    lift_points = {gate.gate: gate.points for gate in row.text.gates}
    return ticket, _visits(passed, charged, place_of, lift_points, row.text.time_zone)


def used_by(ids: Sequence[UUID], facts: Extent) -> tuple[dict[UUID, list[Passed]], dict[UUID, list[ChargedPoints]]]:
    """Return the passages on tickets, and the points charged to them, inside an extent. Two statements."""
    passed: dict[UUID, list[Passed]] = {}
    for passage in passages_of(ids, facts):
        passed.setdefault(passage.entitlement, []).append(passage)
    charged: dict[UUID, list[ChargedPoints]] = {}
    for charge in points_charged_to(list(ids), facts):
        charged.setdefault(charge.entitlement, []).append(charge)
    return passed, charged


def _visits(
    passed: list[Passed],
    charged: list[ChargedPoints],
    place_of: dict[UUID, int],
    lift_points: dict[UUID, int],
    time_zone: str,
) -> tuple[Visit, ...]:
    """Return what a ticket did at each place: the same that the database sums for a settlement."""
    sums: dict[int, Visit] = {}
    days: set[date] = set()
    for passage in sorted(passed, key=lambda passage: (passage.at, passage.id)):
        if passage.direction == "in":
            place, counts = place_of[passage.facility], _counts(passage)
            day = local_day(passage.at, time_zone)
            first = counts and day not in days
            if counts:
                days.add(day)
            old = sums.get(place, Visit(place, 0, 0, 0))
            sums[place] = Visit(
                place,
                old.passages + counts,
                old.points + passage.points,
                old.weight + passage.weight,
                old.firsts + first,
                old.lift_points + (lift_points.get(passage.gate, 0) if counts else 0),
            )
    for charge in charged:
        place = place_of[charge.facility]
        old = sums.get(place, Visit(place, 0, 0, 0))
        sums[place] = old._replace(points=old.points + charge.points)
    return tuple(sums[place] for place in sorted(sums))


def _counts(passage: Passed) -> bool:
    return passage.direction == "in" and passage.weight > 0
