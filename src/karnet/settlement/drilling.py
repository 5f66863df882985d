"""What is behind a facility's figure in a settlement: the tickets, deposits, loads, charges and refunds that add up to it.

Every fact is put through the division by itself; a figure is a sum over single facts, so the rows add up to it, also for
a period, where a row is the difference of what the fact came to at its end and at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from karnet.access.facts import tickets_in
from karnet.accounts.facts import charges_in, drawn_sums, loads_in
from karnet.entitlements.facts import deposits_in, second_payouts, sold_entitlements
from karnet.entitlements.selectors import media
from karnet.journal.cuts import Cut, Extent, UnknownCut, extent, instant_of
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.facts import refund_sums
from karnet.settlement import selectors
from karnet.settlement.explaining import as_divided, used_by
from karnet.settlement.rules.report import EARNED
from karnet.settlement.rules.totals import NOBODY, PAIRED, Amounts, Kind, Terms, Totals
from karnet.settlement.selectors import AgreementRow, ClosingRow

FactKind = Literal["ticket", "deposit", "payout", "load", "charge", "bonus", "refund"]
"""`payout`: second payouts of deposits, `bonus`: bonus money that all members bear, `refund`: paid out for another; these
three are sums by pair of facilities."""

_CHUNK = 200
_NET = {
    "deposits": Kind.OWES_DEPOSITS, "stored": Kind.OWES_STORED, "bonus": Kind.OWES_BONUS, "refunds": Kind.OWES_REFUNDS,
}  # fmt: skip
_SALES = ("tickets", "collected", "over_price", "deferred", "overdrawn", "local")
_USE = ("passages", "points_taken", "local_passages")
_SOURCES: dict[str, tuple[FactKind, ...]] = {
    **dict.fromkeys((*_SALES, *_USE, "points", "time", "bundles", "unused", "earned"), ("ticket",)),
    **dict.fromkeys(("deposits", "deposits_held", "deposits_kept"), ("deposit", "payout")),
    "second_payouts": ("payout",),
    **dict.fromkeys(("stored_taken", "bonus_given"), ("load",)),
    **dict.fromkeys(("stored_spent", "bonus_spent", "stored"), ("charge",)),
    "bonus": ("charge", "bonus"),
    **dict.fromkeys(("refunds", "disputed_refunds"), ("refund",)),
    "balance": ("ticket", "deposit", "payout", "charge", "bonus", "refund"),
}
FIGURES = tuple(_SOURCES)
"""The figures of a facility's line that can be asked about (rules.report.FacilityLine)."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact behind a figure, and its part of it (`amount`: minor units, or a count). `mark`: to go on after it.

    `what`: the ticket's product and category; `frm`, `to`: codes of the facilities, who sold or took, and who used or paid
    where that is another. `medium`: whose money or deposit; `number` is printed on it.
    """

    kind: FactKind
    mark: str
    amount: int
    at: datetime | None = None
    ticket: UUID | None = None
    what: str = ""
    frm: str = ""
    to: str = ""
    medium: UUID | None = None
    number: str = ""


class Stand(NamedTuple):
    """A state of the record: what happened before `until` (None: all) inside a cut, looked at as of an instant."""

    cut: Cut
    until: datetime | None
    as_of: datetime | None = None


def stands_of(closings: Sequence[ClosingRow], sequence: int) -> tuple[Stand, Stand | None] | None:
    """Return the stands of the record at the end and the start of a closed period; None where there is no such one."""
    ends = {one.sequence: Stand(Cut(one.cut), one.until, one.period_end) for one in closings}
    return (ends[sequence], ends.get(sequence - 1)) if sequence in ends else None


class _Scope(NamedTuple):
    """What a stand means for one agreement and one facility."""

    facts: Extent
    row: AgreementRow
    since: datetime | None
    as_of: datetime
    terms: Terms
    codes: list[str]
    place_of: dict[UUID, int]
    place: int
    figure: str

    @property
    def facility(self) -> UUID:
        return next(facility for facility, place in self.place_of.items() if place == self.place)

    def of(self, totals: Totals) -> int:
        """Return the figure in totals, which hold one fact."""
        return figure_of(totals.amounts, self.place, self.figure)


def figure_of(amounts: Amounts, place: int, figure: str) -> int:
    """Return a figure of a place's line (rules.report.FacilityLine) from amounts."""
    if figure == "earned":
        return sum(amounts.get((place, kind, NOBODY), 0) for kind in EARNED)
    if figure == "balance" or figure in _NET:
        kinds = PAIRED if figure == "balance" else {_NET[figure]}
        return sum(
            (amount if creditor == place else -amount)
            for (debtor, kind, creditor), amount in amounts.items()
            if kind in kinds and place in (debtor, creditor)
        )
    return amounts.get((place, Kind(figure), NOBODY), 0)


def facts_behind(
    facility: UUID,
    figure: str,
    *,
    agreement: UUID,
    stand: Stand,
    before: Stand | None = None,
    after: str = "",
) -> Iterator[Fact] | Refused:
    """Yield the facts that add up to a figure of a facility's line, over a stand of the record; with `before`, to that of
    the period since. `after`: the mark of the last one seen. Memory does not grow with their number.

    Refuses NO_AGREEMENT, UNKNOWN_CUT. `figure` is one of FIGURES.
    """
    assert figure in _SOURCES, figure
    later = _scope(facility, figure, agreement, stand)
    if isinstance(later, Refused):
        return later
    earlier = _scope(facility, figure, agreement, before) if before else None
    return _all(later, None if isinstance(earlier, Refused) else earlier, after)


def _scope(facility: UUID, figure: str, agreement: UUID, stand: Stand) -> _Scope | Refused:
    try:
        facts = extent(stand.cut, instant(stand.until) if stand.until else None)
        published = selectors.agreements(extent(stand.cut))
    except UnknownCut as error:
        return refused(Reason.UNKNOWN_CUT, cut=str(error))
    row = next((row for row in published if row.id == agreement), None)
    if row is None:
        return refused(Reason.NO_AGREEMENT)
    places = selectors.places()
    place_of = {place.facility: index for index, place in enumerate(places)}
    ended = (other.valid_until for other in published if other.valid_until <= row.valid_from)
    as_of = instant(stand.as_of) if stand.as_of else facts.until or instant_of(stand.cut) or row.valid_from
    return _Scope(
        facts, row, max(ended, default=None), as_of, selectors.terms_of(row, places), [place.code for place in places],
        place_of, place_of[facility], figure,
    )  # fmt: skip


def _all(later: _Scope, earlier: _Scope | None, after: str) -> Iterator[Fact]:
    kinds = _SOURCES[later.figure]
    passed, _colon, key = after.partition(":")
    for kind in kinds:
        if after and passed in kinds and kinds.index(kind) < kinds.index(passed):
            continue
        since = key if kind == passed else ""
        if kind == "ticket":
            yield from _tickets(later, earlier, since)
            continue
        found = _difference(_MONEY[kind](later), _MONEY[kind](earlier) if earlier else ())
        yield from _numbered(one for one in found if one.mark > f"{kind}:{since}" or not since)


def _difference(later: Iterable[Fact], earlier: Iterable[Fact]) -> Iterator[Fact]:
    """Yield facts with what they came to since: both are in the order of marks. What comes to nothing is left out."""
    waiting = iter(earlier)
    old = next(waiting, None)
    for one in later:
        while old is not None and old.mark < one.mark:
            yield msgspec.structs.replace(old, amount=-old.amount)
            old = next(waiting, None)
        if old is not None and old.mark == one.mark:
            one, old = msgspec.structs.replace(one, amount=one.amount - old.amount), next(waiting, None)
        if one.amount:
            yield one
    for left in (old, *waiting) if old is not None else ():
        if left.amount:
            yield msgspec.structs.replace(left, amount=-left.amount)


def _numbered(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield facts with the numbers of their media, looked up by the chunk."""
    chunk: list[Fact] = []
    for fact in facts:
        chunk.append(fact)
        if len(chunk) == _CHUNK:
            yield from _with_numbers(chunk)
            chunk = []
    yield from _with_numbers(chunk)


def _with_numbers(facts: list[Fact]) -> list[Fact]:
    known = media({fact.medium for fact in facts if fact.medium})
    return [
        msgspec.structs.replace(fact, number=known[fact.medium].number) if fact.medium in known else fact
        for fact in facts
    ]


def _tickets(later: _Scope, earlier: _Scope | None, after: str) -> Iterator[Fact]:
    last = UUID(after) if after else None
    while True:
        ids = tickets_in(later.facts, later.since, later.row.valid_until, last, _CHUNK, **_narrow(later))
        if ids:
            before = {one.mark: one for one in _divided(earlier, ids)} if earlier else {}
            for one in _divided(later, ids):
                old = before.get(one.mark)
                amount = one.amount - (old.amount if old else 0)
                if amount:
                    yield msgspec.structs.replace(one, amount=amount)
            last = ids[-1]
        if len(ids) < _CHUNK:
            return


def _narrow(scope: _Scope) -> dict[str, Any]:
    """Return which tickets can have a part in the figure at all."""
    text, facility = scope.row.text, scope.facility
    if scope.figure in _SALES or (scope.figure == "unused" and text.unused == "seller"):
        return {"sold_by": facility}
    if scope.figure in (*_USE, "points") or (scope.figure == "time" and not text.floor_bp):
        return {"used_at": facility}
    if scope.figure == "bundles":
        return {"products": {price.product_code for price in text.prices if price.parts}}
    return {}


def _divided(scope: _Scope, ids: list[UUID]) -> Iterator[Fact]:
    passed, charged = used_by(ids, scope.facts)
    for sold in sold_entitlements(scope.facts, ids):
        on_it = passed.get(sold.id, []), charged.get(sold.id, [])
        ticket, visits = as_divided(sold, *on_it, scope.row, scope.place_of, scope.terms, scope.as_of)
        totals = Totals(scope.terms)
        totals.add_tickets(1, ticket, visits)
        yield Fact(
            kind="ticket", mark=f"ticket:{sold.id}", amount=scope.of(totals), at=sold.at, ticket=sold.id,
            what=f"{sold.product_code} {sold.category}", frm=scope.codes[ticket.seller],
        )  # fmt: skip


def _deposits(scope: _Scope) -> Iterator[Fact]:
    ended = scope.as_of >= scope.row.valid_until
    for one in deposits_in(scope.facts, scope.terms.currency, scope.since, scope.row.valid_until):
        taken_at = scope.place_of[one.facility]
        back_at = None if one.returned_at is None else scope.place_of[one.returned_at]
        totals = Totals(scope.terms)
        totals.add_deposits(taken_at, one.amount, back_at, one.returned, ended=ended)
        yield Fact(
            kind="deposit", mark=f"deposit:{one.id}", amount=scope.of(totals), at=one.at, medium=one.medium,
            frm=scope.codes[taken_at], to="" if back_at is None else scope.codes[back_at],
        )  # fmt: skip


def _payouts(scope: _Scope) -> Iterator[Fact]:
    found = second_payouts(scope.facts, scope.terms.currency, scope.since, scope.row.valid_until)
    pairs = ((scope.place_of[one.facility], scope.place_of[one.paid_at], one.amount) for one in found)
    for taken_at, paid_at, amount in sorted(pairs):
        totals = Totals(scope.terms)
        totals.add_second_payouts(taken_at, paid_at, amount)
        yield _between("payout", scope, totals, taken_at, paid_at)


def _loads(scope: _Scope) -> Iterator[Fact]:
    for one in loads_in(scope.facts, scope.terms.currency, scope.since, scope.row.valid_until, scope.facility):
        totals = Totals(scope.terms)
        totals.add_stored(scope.place_of[one.facility], money=one.money, bonus=one.bonus)
        yield Fact(
            kind="load", mark=f"load:{one.id}", amount=scope.of(totals), at=one.at, medium=one.medium,
            frm=scope.codes[scope.place_of[one.facility]],
        )  # fmt: skip


def _charges(scope: _Scope) -> Iterator[Fact]:
    # What all members bear of bonuses is divided as a sum, not charge by charge: `_shared_bonuses`.
    shared = scope.terms.bonus == "members"
    terms = scope.terms._replace(bonus="spender") if shared else scope.terms
    for one in charges_in(scope.facts, terms.currency, scope.since, scope.row.valid_until, scope.facility):
        held_by, spent_at = scope.place_of[one.held_by], scope.place_of[one.facility]
        totals = Totals(terms)
        totals.add_spent(held_by, spent_at, money=one.money, bonus=one.bonus)
        yield Fact(
            kind="charge", mark=f"charge:{one.charge}/{one.n:06d}", amount=scope.of(totals), at=one.at, medium=one.medium,
            frm=scope.codes[held_by], to=scope.codes[spent_at],
        )  # fmt: skip


def _shared_bonuses(scope: _Scope) -> Iterator[Fact]:
    if scope.terms.bonus != "members":
        return
    found = drawn_sums(scope.facts, scope.terms.currency, scope.since, scope.row.valid_until)
    pairs = ((scope.place_of[one.held_by], scope.place_of[one.facility], one.bonus) for one in found)
    for held_by, spent_at, bonus in sorted(pairs):
        totals = Totals(scope.terms)
        totals.add_spent(held_by, spent_at, money=0, bonus=bonus)
        yield _between("bonus", scope, totals, held_by, spent_at)


def _refunds(scope: _Scope) -> Iterator[Fact]:
    found = refund_sums(scope.facts, scope.terms.currency, scope.since, scope.row.valid_until)
    pairs = ((scope.place_of[one.home], scope.place_of[one.facility], one.disputed, one.amount) for one in found)
    for sold_at, paid_at, disputed, amount in sorted(pairs):
        totals = Totals(scope.terms)
        totals.add_refunds(sold_at, paid_at, amount, disputed=disputed)
        yield _between("refund", scope, totals, sold_at, paid_at, "disputed" if disputed else "")


def _between(kind: FactKind, scope: _Scope, totals: Totals, frm: int, to: int, what: str = "") -> Fact:
    """Return a sum of facts between two places."""
    mark = f"{kind}:{frm:06d}/{to:06d}/{what}"
    return Fact(kind=kind, mark=mark, amount=scope.of(totals), what=what, frm=scope.codes[frm], to=scope.codes[to])


_MONEY: dict[FactKind, Callable[[_Scope], Iterator[Fact]]] = {
    "deposit": _deposits,
    "payout": _payouts,
    "load": _loads,
    "charge": _charges,
    "bonus": _shared_bonuses,
    "refund": _refunds,
}
