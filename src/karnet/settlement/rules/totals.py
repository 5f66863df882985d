"""Adding up divided tickets and returned card deposits: the amounts of a settlement, by place and kind.

Every amount is a sum over single tickets, so amounts of disjoint sets of tickets add, order does not matter, and a
period is a difference of two cumulative sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from karnet.settlement.rules.division import (
    Division,
    DivisionRule,
    TicketKind,
    UnusedRule,
    Visit,
    divide_points,
    divide_time,
    divide_unused,
)


class Kind(StrEnum):
    """What an amount is. Add, never rename (closings carry these). Minor units, unless it is a count."""

    TICKETS = "tickets"  # count: tickets with an agreed price, sold there and not returned
    PASSAGES = "passages"  # count: passages there that settle (SPEC N16)
    POINTS_TAKEN = "points_taken"  # count: points drawn there
    COLLECTED = "collected"  # what visitors paid there for those tickets
    POINTS = "points"  # entitled by points taken
    TIME = "time"  # entitled by passages
    UNUSED = "unused"  # entitled by the agreement's rule for what nobody used
    OVER_PRICE = "over_price"  # kept (or borne) by the seller: price less agreed price
    DEFERRED = "deferred"  # with the seller, until the ticket is used or has ended
    LOCAL = "local"  # tickets without an agreed price: with the seller, nothing to settle
    LOCAL_PASSAGES = "local_passages"  # count: passages there on such tickets
    DEPOSITS_HELD = "deposits_held"  # card deposits taken there that nobody has returned
    OWES = "owes"  # ticket money the place owes the other place
    OWES_DEPOSITS = "owes_deposits"  # deposits taken at the place that the other place paid back


COUNTS = frozenset({Kind.TICKETS, Kind.PASSAGES, Kind.POINTS_TAKEN, Kind.LOCAL_PASSAGES})
PAIRED = frozenset({Kind.OWES, Kind.OWES_DEPOSITS})
NOBODY = -1
"""The other place of kinds that concern one place only."""

Amounts = Mapping[tuple[int, Kind, int], int]
"""(place, kind, other place or NOBODY) → amount; zero amounts are left out."""


class Terms(NamedTuple):
    """An agreement as division needs it. `prices`: (product code, category) → gross minor units. `ends_at`: when a
    ticket with no end of its own counts as ended. `member_weights`: place → the sum of its gates' weights."""

    currency: str
    prices: Mapping[tuple[str, str], int]
    division: DivisionRule
    unused: UnusedRule
    ends_at: datetime
    member_weights: Mapping[int, int]


class Ticket(NamedTuple):
    """A ticket sold, as the cut has it. `price`: what was paid, gross minor units. `points`: on it when sold. `ended`:
    it opens no gate any more (`has_ended`)."""

    seller: int
    product_code: str
    category: str
    kind: TicketKind
    currency: str
    price: int
    points: int
    ended: bool
    voided: bool


def has_ended(valid_until: datetime | None, terms: Terms, as_of: datetime) -> bool:
    """Tell whether a ticket has ended as of an instant. One with no end of its own (never started, or good for ever)
    ends with the agreement [ours]: then the season's accounts can be finished."""
    return as_of >= (valid_until or terms.ends_at)


def agreed_price(ticket: Ticket, terms: Terms) -> int | None:
    """Return the price at which a ticket is settled, or None where it is the seller's own affair."""
    if ticket.currency != terms.currency:
        return None
    return terms.prices.get((ticket.product_code, ticket.category))


def divide_ticket(ticket: Ticket, visits: tuple[Visit, ...], agreed: int, terms: Terms) -> Division:
    """Divide one ticket's agreed price.

    A returned ticket is reversed: what was taken on it before stays owed, the rest goes back to the seller, who gave
    the money back; it appears as neither unused nor deferred.
    """
    ended = ticket.voided or ticket.ended
    if ticket.kind == "points":
        division = divide_points(agreed, ticket.points, visits, ended=ended)
    else:
        division = divide_time(agreed, terms.division, visits, ended=ended)
    return division._replace(unused=0) if ticket.voided else division


class Totals:
    """The running amounts of a settlement. Memory does not grow with tickets."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.amounts: defaultdict[tuple[int, Kind, int], int] = defaultdict(int)

    def add_tickets(self, count: int, ticket: Ticket, visits: tuple[Visit, ...]) -> None:
        """Add `count` tickets that are equal in everything, each with these visits, one per place.

        Each is divided by itself, not all together: so it is `count` times the division of one.
        """
        agreed = agreed_price(ticket, self.terms)
        if agreed is None:
            self._add_local(count, ticket, visits)
            return
        amounts, seller = self.amounts, ticket.seller
        shares, unused, deferred = divide_ticket(ticket, visits, agreed, self.terms)
        kind = Kind.POINTS if ticket.kind == "points" else Kind.TIME
        for visit in visits:
            amounts[visit.place, Kind.PASSAGES, NOBODY] += count * visit.passages
            amounts[visit.place, Kind.POINTS_TAKEN, NOBODY] += count * visit.points
        for place, share in shares:
            self._entitle(place, kind, seller, count * share)
        for place, share in divide_unused(
            unused, self.terms.unused, seller=seller, member_weights=self.terms.member_weights
        ):
            self._entitle(place, Kind.UNUSED, seller, count * share)
        collected = 0 if ticket.voided else ticket.price
        over_price = collected - sum(share for _, share in shares) - unused - deferred
        amounts[seller, Kind.TICKETS, NOBODY] += 0 if ticket.voided else count
        amounts[seller, Kind.COLLECTED, NOBODY] += count * collected
        amounts[seller, Kind.DEFERRED, NOBODY] += count * deferred
        amounts[seller, Kind.OVER_PRICE, NOBODY] += count * over_price

    def _entitle(self, place: int, kind: Kind, seller: int, amount: int) -> None:
        self.amounts[place, kind, NOBODY] += amount
        if place != seller:
            self.amounts[seller, Kind.OWES, place] += amount

    def _add_local(self, count: int, ticket: Ticket, visits: tuple[Visit, ...]) -> None:
        if not ticket.voided:
            self.amounts[ticket.seller, Kind.LOCAL, NOBODY] += count * ticket.price
        for visit in visits:
            self.amounts[visit.place, Kind.LOCAL_PASSAGES, NOBODY] += count * visit.passages

    def add_deposits(self, taken_at: int, taken: int, returned_at: int | None, returned: int) -> None:
        """Add card deposits taken at one place and returned at another, or at none yet (SPEC N3, N-f). Who took them
        owes what was paid back, at most what was taken: no revenue for anybody."""
        if returned_at is None:
            self.amounts[taken_at, Kind.DEPOSITS_HELD, NOBODY] += taken
        elif returned_at != taken_at:
            self.amounts[taken_at, Kind.OWES_DEPOSITS, returned_at] += min(taken, returned)

    def result(self) -> dict[tuple[int, Kind, int], int]:
        """Return the amounts that are not zero."""
        return {key: amount for key, amount in self.amounts.items() if amount}


def difference(later: Amounts, earlier: Amounts) -> dict[tuple[int, Kind, int], int]:
    """Return a period's amounts: cumulative at its end less cumulative at its start (SPEC N-e, N15)."""
    keys = later.keys() | earlier.keys()
    found = {key: later.get(key, 0) - earlier.get(key, 0) for key in keys}
    return {key: amount for key, amount in found.items() if amount}
