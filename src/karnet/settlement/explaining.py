"""One ticket, traced: every passage that settles, what it weighs, and which facility gets how much of its price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.access.selectors import Passed, gates, passages_of
from karnet.entitlements.facts import SoldEntitlement, sold_entitlements
from karnet.entitlements.selectors import holdings, media_by_number
from karnet.journal.cuts import Cut, UnknownCut, extent, instant_of, latest_cut
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.settlement import selectors
from karnet.settlement.rules.division import Visit, divide_unused
from karnet.settlement.rules.report import Place
from karnet.settlement.rules.totals import Ticket, agreed_price, divide_ticket, has_ended
from karnet.settlement.selectors import AgreementRow


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
    `share` by use, `unused` by the agreement's rule for what nobody used."""

    facility: str
    passages: int
    points: int
    weight: int
    share: int
    unused: int


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
    passed: dict[UUID, list[Passed]] = {}
    for passage in passages_of(ids, facts):
        passed.setdefault(passage.entitlement, []).append(passage)
    gate_codes = {gate.id: gate.code for gate in gates()}
    places = selectors.places()
    tickets = []
    for ticket in sold:
        row = next(row for row in published if ticket.at < row.valid_until)
        tickets.append(_explained(ticket, passed.get(ticket.id, []), row, places, gate_codes, as_of))
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
    row: AgreementRow,
    places: list[Place],
    gate_codes: dict[UUID, str],
    as_of: datetime,
) -> ExplainedTicket:
    place_of = {place.facility: index for index, place in enumerate(places)}
    terms = selectors.terms_of(row, places)
    ticket = Ticket(
        place_of[sold.facility], sold.product_code, sold.category, sold.kind, sold.currency, sold.price, sold.points,
        has_ended(sold.valid_until, terms, as_of), sold.voided,
    )  # fmt: skip
    visits = _visits(passed, place_of)
    agreed = agreed_price(ticket, terms)
    shares: dict[int, int] = {}
    unused: dict[int, int] = {}
    deferred = over_price = 0
    if agreed is not None:
        division = divide_ticket(ticket, visits, agreed, terms)
        shares, deferred = dict(division.shares), division.deferred
        unused = dict(
            divide_unused(division.unused, terms.unused, seller=ticket.seller, member_weights=terms.member_weights)
        )
        paid = 0 if ticket.voided else ticket.price
        over_price = paid - sum(shares.values()) - division.unused - deferred
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
        agreed=agreed,
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
            )
            for place in sorted(seen.keys() | shares.keys() | unused.keys())
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


def _visits(passed: list[Passed], place_of: dict[UUID, int]) -> tuple[Visit, ...]:
    sums: dict[int, Visit] = {}
    for passage in passed:
        if passage.direction == "in":
            place = place_of[passage.facility]
            _, count, points, weight = sums.get(place, Visit(place, 0, 0, 0))
            sums[place] = Visit(place, count + _counts(passage), points + passage.points, weight + passage.weight)
    return tuple(sums[place] for place in sorted(sums))


def _counts(passage: Passed) -> bool:
    return passage.direction == "in" and passage.weight > 0
