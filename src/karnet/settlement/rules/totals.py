"""Adding up divided tickets and returned card deposits: the amounts of a settlement, by place and kind.

Every amount is a sum over single tickets, so amounts of disjoint sets of tickets add, order does not matter, and a
period is a difference of two cumulative sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from karnet.kernel.money import divide
from karnet.settlement.rules.division import (
    Division,
    DivisionRule,
    OverdrawnRule,
    TicketKind,
    UnusedRule,
    Visit,
    divide_points,
    divide_time,
    divide_unused,
)

BonusRule = Literal["giver", "spender", "members"]
UnreturnedRule = Literal["held", "taker", "equal_members"]
SecondPayoutRule = Literal["payer", "taker"]


class Kind(StrEnum):
    """What an amount is. Add, never rename (closings carry these). Minor units, unless it is a count."""

    TICKETS = "tickets"  # count: tickets with an agreed price, sold there and not returned
    PASSAGES = "passages"  # count: passages there that settle (SPEC N16)
    POINTS_TAKEN = "points_taken"  # count: points drawn there
    OVERDRAWN = "overdrawn"  # count: points taken beyond those on tickets sold there (SPEC N14)
    COLLECTED = "collected"  # what visitors paid there for those tickets
    POINTS = "points"  # entitled by points taken
    TIME = "time"  # entitled by passages
    BUNDLES = "bundles"  # entitled by a bundle's agreed split (SPEC N11)
    UNUSED = "unused"  # entitled by the agreement's rule for what nobody used
    OVER_PRICE = "over_price"  # kept (or borne) by the seller: price less agreed price
    DEFERRED = "deferred"  # with the seller, until the ticket is used or has ended
    LOCAL = "local"  # tickets without an agreed price: with the seller, nothing to settle
    LOCAL_PASSAGES = "local_passages"  # count: passages there on such tickets
    DEPOSITS_HELD = "deposits_held"  # card deposits taken there that nobody has returned
    DEPOSITS_KEPT = "deposits_kept"  # its part of deposits never returned, once the agreement has ended
    SECOND_PAYOUTS = "second_payouts"  # paid out there on deposits that had been paid back already (SPEC N14)
    STORED_TAKEN = "stored_taken"  # money put on cards there
    STORED_SPENT = "stored_spent"  # money charged to cards there
    BONUS_GIVEN = "bonus_given"  # bonus money given on cards there
    BONUS_SPENT = "bonus_spent"  # bonus money charged to cards there
    OWES = "owes"  # ticket money the place owes the other place
    OWES_DEPOSITS = "owes_deposits"  # deposits taken at the place that the other place paid back
    OWES_STORED = "owes_stored"  # money taken at the place that was spent at the other
    OWES_REFUNDS = "owes_refunds"  # refunds of sales of the place that the other place paid out
    DISPUTED_REFUNDS = "disputed_refunds"  # paid out there alone for others' sales, and not stood for (SPEC N14)
    OWES_BONUS = "owes_bonus"  # bonus money spent at the other place that the place bears


COUNTS = frozenset({Kind.TICKETS, Kind.PASSAGES, Kind.POINTS_TAKEN, Kind.OVERDRAWN, Kind.LOCAL_PASSAGES})
PAIRED = frozenset({Kind.OWES, Kind.OWES_DEPOSITS, Kind.OWES_STORED, Kind.OWES_BONUS, Kind.OWES_REFUNDS})
NOBODY = -1
"""The other place of kinds that concern one place only."""
_TAXED = "owes_at_"


def owes_at(vat_bp: int) -> str:
    """Return the kind of that part of OWES which stands for tickets at this VAT rate (basis points)."""
    return f"{_TAXED}{vat_bp}"


def rate_of(kind: str) -> int | None:
    """Return the VAT rate of an `owes_at` kind, None for other kinds."""
    return int(kind.removeprefix(_TAXED)) if kind.startswith(_TAXED) else None


Amounts = Mapping[tuple[int, str, int], int]
"""(place, kind, other place or NOBODY) → amount; zero amounts are left out."""


class BundlePart(NamedTuple):
    """A fixed part of a bundle's agreed price and whose it is: gross minor units, VAT in basis points."""

    place: int
    amount: int
    vat_bp: int


class Priced(NamedTuple):
    """An agreed price: gross minor units, VAT in basis points. What is left after `parts` is divided by use;
    `division` where this product has a rule of its own."""

    gross: int
    vat_bp: int = 0
    parts: tuple[BundlePart, ...] = ()
    division: DivisionRule | None = None


class Terms(NamedTuple):
    """An agreement as division needs it. `prices`: (product code, category) → price. `ends_at`: when a ticket with no
    end of its own counts as ended. `member_weights`: place → the sum of its gates' weights."""

    currency: str
    prices: Mapping[tuple[str, str], Priced]
    division: DivisionRule
    unused: UnusedRule
    ends_at: datetime
    member_weights: Mapping[int, int]
    floor_bp: int = 0
    overdrawn: OverdrawnRule = "shared"
    unreturned: UnreturnedRule = "held"
    second_payout: SecondPayoutRule = "payer"
    bonus: BonusRule = "giver"


class Ticket(NamedTuple):
    """A ticket sold, as the cut has it. `price`: what was paid, gross minor units. `points`: on it when sold. `ended`:
    it opens no gate any more (`has_ended`). `stayed`: of a voided bundle, the places where its stays had begun."""

    seller: int
    product_code: str
    category: str
    kind: TicketKind
    currency: str
    price: int
    points: int
    ended: bool
    voided: bool
    stayed: tuple[int, ...] = ()


def has_ended(valid_until: datetime | None, terms: Terms, as_of: datetime) -> bool:
    """Tell whether a ticket has ended as of an instant. One with no end of its own (never started, or good for ever)
    ends with the agreement [ours]: then the season's accounts can be finished."""
    return as_of >= (valid_until or terms.ends_at)


def agreed_price(ticket: Ticket, terms: Terms) -> Priced | None:
    """Return the price at which a ticket is settled, or None where it is the seller's own affair."""
    if ticket.currency != terms.currency:
        return None
    return terms.prices.get((ticket.product_code, ticket.category))


def bundled(ticket: Ticket, agreed: Priced) -> tuple[BundlePart, ...]:
    """Return what goes to named places whatever use is made of the ticket: a bundle's parts; once it is returned, those of
    the places where its stay had begun, which the seller could not know [ours]."""
    return tuple(part for part in agreed.parts if part.place in ticket.stayed) if ticket.voided else agreed.parts


def divide_ticket(ticket: Ticket, visits: tuple[Visit, ...], agreed: Priced, terms: Terms) -> Division:
    """Divide what one ticket's agreed price leaves after a bundle's fixed parts.

    A returned ticket is reversed: what was taken on it before stays owed, the rest goes back to the seller, who gave
    the money back; it appears as neither unused nor deferred.
    """
    ended = ticket.voided or ticket.ended
    by_use = agreed.gross - sum(part.amount for part in agreed.parts)
    if ticket.kind == "points":
        division = divide_points(by_use, ticket.points, visits, ended=ended, overdrawn=terms.overdrawn)
    else:
        rule = agreed.division or terms.division
        members = terms.member_weights
        division = divide_time(by_use, rule, visits, ended=ended, members=members, floor_bp=terms.floor_bp)
    return division._replace(unused=0) if ticket.voided else division


class Totals:
    """The running amounts of a settlement. Memory does not grow with tickets."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.amounts: defaultdict[tuple[int, str, int], int] = defaultdict(int)

    def add_tickets(self, count: int, ticket: Ticket, visits: tuple[Visit, ...]) -> None:
        """Add `count` tickets that are equal in everything, each with these visits, one per place.

        Each is divided by itself, not all together: so it is `count` times the division of one.
        """
        agreed = agreed_price(ticket, self.terms)
        if agreed is None:
            self._add_local(count, ticket, visits)
            return
        amounts, seller, vat_bp = self.amounts, ticket.seller, agreed.vat_bp
        parts = bundled(ticket, agreed)
        shares, unused, deferred = divide_ticket(ticket, visits, agreed, self.terms)
        kind = Kind.POINTS if ticket.kind == "points" else Kind.TIME
        for visit in visits:
            amounts[visit.place, Kind.PASSAGES, NOBODY] += count * visit.passages
            amounts[visit.place, Kind.POINTS_TAKEN, NOBODY] += count * visit.points
        for part in parts:
            self._entitle(part.place, Kind.BUNDLES, seller, count * part.amount, part.vat_bp)
        for place, share in shares:
            self._entitle(place, kind, seller, count * share, vat_bp)
        for place, share in divide_unused(
            unused, self.terms.unused, seller=seller, member_weights=self.terms.member_weights
        ):
            self._entitle(place, Kind.UNUSED, seller, count * share, vat_bp)
        collected = 0 if ticket.voided else ticket.price
        settled = sum(part.amount for part in parts) + sum(share for _, share in shares)
        over_price = collected - settled - unused - deferred
        amounts[seller, Kind.TICKETS, NOBODY] += 0 if ticket.voided else count
        amounts[seller, Kind.COLLECTED, NOBODY] += count * collected
        amounts[seller, Kind.DEFERRED, NOBODY] += count * deferred
        amounts[seller, Kind.OVER_PRICE, NOBODY] += count * over_price
        if ticket.kind == "points":
            beyond = sum(visit.points for visit in visits) - ticket.points
            amounts[seller, Kind.OVERDRAWN, NOBODY] += count * max(beyond, 0)

    def _entitle(self, place: int, kind: Kind, seller: int, amount: int, vat_bp: int) -> None:
        self.amounts[place, kind, NOBODY] += amount
        if place != seller:
            self.amounts[seller, Kind.OWES, place] += amount
            self.amounts[seller, owes_at(vat_bp), place] += amount

    def _add_local(self, count: int, ticket: Ticket, visits: tuple[Visit, ...]) -> None:
        if not ticket.voided:
            self.amounts[ticket.seller, Kind.LOCAL, NOBODY] += count * ticket.price
        for visit in visits:
            self.amounts[visit.place, Kind.LOCAL_PASSAGES, NOBODY] += count * visit.passages

    def add_deposits(
        self, taken_at: int, taken: int, returned_at: int | None, returned: int, *, count: int = 1, ended: bool = False
    ) -> None:
        """Add `count` equal card deposits taken at one place and returned at another, or at none (SPEC N3, N-f).

        Who took them owes what was paid back, at most what was taken: no revenue for anybody. One that nobody has
        returned when the agreement has `ended` goes by its `unreturned` rule (SPEC N15); if it is returned after all,
        the next settlement takes that back.
        """
        if returned_at is not None:
            self._owe(taken_at, Kind.OWES_DEPOSITS, returned_at, count * min(taken, returned))
        elif not ended or self.terms.unreturned == "held":
            self.amounts[taken_at, Kind.DEPOSITS_HELD, NOBODY] += count * taken
        else:
            members = self.terms.member_weights if self.terms.unreturned == "equal_members" else (taken_at,)
            for place, share in divide(taken, dict.fromkeys(members, 1)).items():
                self.amounts[place, Kind.DEPOSITS_KEPT, NOBODY] += count * share
                self._owe(taken_at, Kind.OWES_DEPOSITS, place, count * share)

    def add_second_payouts(self, taken_at: int, paid_at: int, amount: int) -> None:
        """Add deposits that a second place paid out while it could not know of the first (SPEC N14). The agreement says
        who bears them: who paid (nothing is owed), or who took the deposit and issued the card."""
        self.amounts[paid_at, Kind.SECOND_PAYOUTS, NOBODY] += amount
        if self.terms.second_payout == "taker":
            self._owe(taken_at, Kind.OWES_DEPOSITS, paid_at, amount)

    def add_refunds(self, sold_at: int, paid_at: int, amount: int, *, disputed: bool) -> None:
        """Add refunds of one place's sales that another paid out: whoever sold owes them, for it has kept the price.

        What was paid without its word and it does not stand for goes by the agreement's rule for second payouts."""
        if disputed:
            self.amounts[paid_at, Kind.DISPUTED_REFUNDS, NOBODY] += amount
        if not disputed or self.terms.second_payout == "taker":
            self._owe(sold_at, Kind.OWES_REFUNDS, paid_at, amount)

    def add_stored(self, taken_at: int, *, money: int, bonus: int) -> None:
        """Add money put on cards at a place, and the bonus it gave with it."""
        self.amounts[taken_at, Kind.STORED_TAKEN, NOBODY] += money
        self.amounts[taken_at, Kind.BONUS_GIVEN, NOBODY] += bonus

    def add_spent(self, taken_at: int, spent_at: int, *, money: int, bonus: int) -> None:
        """Add money of cards spent at a place (SPEC N10): whoever took it owes it, at what was charged.

        Bonus money nobody paid: the agreement says who bears it: who gave it, who let it be spent, or all members alike.
        """
        self.amounts[spent_at, Kind.STORED_SPENT, NOBODY] += money
        self.amounts[spent_at, Kind.BONUS_SPENT, NOBODY] += bonus
        self._owe(taken_at, Kind.OWES_STORED, spent_at, money)
        if self.terms.bonus == "giver":
            self._owe(taken_at, Kind.OWES_BONUS, spent_at, bonus)
        elif self.terms.bonus == "members" and bonus:
            for place, share in divide(bonus, dict.fromkeys(self.terms.member_weights, 1)).items():
                self._owe(place, Kind.OWES_BONUS, spent_at, share)

    def _owe(self, debtor: int, kind: Kind, creditor: int, amount: int) -> None:
        if debtor != creditor:
            self.amounts[debtor, kind, creditor] += amount

    def result(self) -> dict[tuple[int, str, int], int]:
        """Return the amounts that are not zero."""
        return {key: amount for key, amount in self.amounts.items() if amount}


def difference(later: Amounts, earlier: Amounts) -> dict[tuple[int, str, int], int]:
    """Return a period's amounts: cumulative at its end less cumulative at its start (SPEC N-e, N15)."""
    keys = later.keys() | earlier.keys()
    found = {key: later.get(key, 0) - earlier.get(key, 0) for key in keys}
    return {key: amount for key, amount in found.items() if amount}
