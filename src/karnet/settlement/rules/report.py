"""The settlement report: a value whose canonical bytes are the same for everybody who holds the same cut (SPEC N5).

Identity of every line: earned = points + time + bundles + unused + over_price, and balance = earned + deferred -
collected + deposits + stored + bonus + refunds. All balances add up to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from karnet.kernel import canonical
from karnet.settlement.rules.netting import Due, net_balances, net_pairs, payments
from karnet.settlement.rules.totals import NOBODY, PAIRED, Amounts, Kind, rate_of

EARNED = (Kind.POINTS, Kind.TIME, Kind.BUNDLES, Kind.UNUSED, Kind.OVER_PRICE)
"""What adds up to what a facility earned."""
FORMAT = "karnet.settlement.report/2"


class Place(msgspec.Struct, frozen=True):
    """A facility in the order of codes; its index in that order is its place."""

    facility: UUID
    code: str


class FacilityLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One facility's figures: minor units, except the counts (tickets, passages, points_taken, overdrawn,
    local_passages).

    `balance`: what it has to get (positive) or to pay (negative). `deposits`, `stored`, `bonus`: the parts of it from
    card deposits, from money on cards taken at one place and spent at another, and from bonuses. `overdrawn`: points
    taken beyond those on tickets it sold. `stored_taken` and `bonus_given` were put on cards there, `stored_spent` and
    `bonus_spent` charged to cards there. `refunds`: the part of the balance from refunds that one paid out for another;
    `disputed_refunds`: paid out there alone, and not stood for.
    """

    facility: UUID
    code: str
    member: bool
    tickets: int
    passages: int
    points_taken: int
    overdrawn: int
    collected: int
    points: int
    time: int
    bundles: int
    unused: int
    over_price: int
    earned: int
    deferred: int
    deposits: int
    stored: int
    bonus: int
    balance: int
    deposits_held: int
    deposits_kept: int
    second_payouts: int
    stored_taken: int
    stored_spent: int
    bonus_given: int
    bonus_spent: int
    local: int
    local_passages: int
    # Left out where there are none: a report without them has the bytes it had before there were any.
    refunds: int = 0
    disputed_refunds: int = 0


class TaxedAmount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gross amount at a VAT rate (basis points)."""

    vat_bp: int
    gross: int


class PairLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What `debtor` owes `creditor` before set-off: for tickets it sold (by VAT rate in `taxed`), for its card deposits
    paid back there, for money on cards that it took and that was spent there, for bonuses that it bears, and for refunds
    of its sales that were paid out there."""

    debtor: str
    creditor: str
    tickets: int
    deposits: int
    stored: int
    bonus: int
    taxed: tuple[TaxedAmount, ...]
    refunds: int = 0

    @property
    def all(self) -> int:
        """Everything owed, minor units."""
        return self.tickets + self.deposits + self.stored + self.bonus + self.refunds


class DueLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A positive amount that `debtor` pays `creditor`."""

    debtor: str
    creditor: str
    amount: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A settlement. `cut`: tree size by log. Facts before `until` count (None: all in the cut); with `since`, the
    figures are those of the period [since, until): cumulative at its end less cumulative at its start. `as_of`: the
    instant that decides which tickets have ended.

    `pairs` before set-off, `dues` netted per pair, `payments` netted among all: dues and payments lead to the same
    balances; use one of the two. `unmatched_passages`: passages of the agreement's tickets
    whose sale is not in the cut yet.
    """

    format: str
    agreement: UUID
    agreement_sha256: str
    season: str
    currency: str
    cut: dict[str, int]
    since: datetime | None
    until: datetime | None
    as_of: datetime
    facilities: tuple[FacilityLine, ...]
    pairs: tuple[PairLine, ...]
    dues: tuple[DueLine, ...]
    payments: tuple[DueLine, ...]
    unmatched_passages: int


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says about itself, besides its figures (fields as in Report)."""

    agreement: UUID
    agreement_sha256: str
    season: str
    currency: str
    members: frozenset[UUID]
    cut: dict[str, int]
    since: datetime | None
    until: datetime | None
    as_of: datetime


class ReportFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report in a file: with the SHA-256 (hex) of its canonical bytes, which closings name in the journal."""

    report: Report
    sha256: str


def build_report(heading: Heading, places: Sequence[Place], amounts: Amounts, unmatched_passages: int = 0) -> Report:
    """Return the report over amounts by place. Lists every member and whoever has a figure, in the order of codes."""
    owed = {(a, b): 0 for a, kind, b in amounts if kind in PAIRED}
    for (debtor, kind, creditor), amount in amounts.items():
        if kind in PAIRED:
            owed[debtor, creditor] += amount
    dues = net_pairs(owed)
    balances = net_balances(dues, len(places))
    shown = {place for key in amounts for place in (key[0], key[2])} - {NOBODY}
    lines = tuple(
        _line(place, index, heading, amounts, balances[index])
        for index, place in enumerate(places)
        if index in shown or place.facility in heading.members
    )
    report = Report(
        format=FORMAT,
        agreement=heading.agreement,
        agreement_sha256=heading.agreement_sha256,
        season=heading.season,
        currency=heading.currency,
        cut=heading.cut,
        since=heading.since,
        until=heading.until,
        as_of=heading.as_of,
        facilities=lines,
        pairs=tuple(_pair(a, b, places, amounts) for a, b in sorted(owed)),
        dues=_due_lines(dues, places),
        payments=_due_lines(payments(balances), places),
        unmatched_passages=unmatched_passages,
    )
    _check(report)
    return report


def _line(place: Place, index: int, heading: Heading, amounts: Amounts, balance: int) -> FacilityLine:
    own = {kind: amounts.get((index, kind, NOBODY), 0) for kind in Kind}
    return FacilityLine(
        facility=place.facility,
        code=place.code,
        member=place.facility in heading.members,
        tickets=own[Kind.TICKETS],
        passages=own[Kind.PASSAGES],
        points_taken=own[Kind.POINTS_TAKEN],
        overdrawn=own[Kind.OVERDRAWN],
        collected=own[Kind.COLLECTED],
        points=own[Kind.POINTS],
        time=own[Kind.TIME],
        bundles=own[Kind.BUNDLES],
        unused=own[Kind.UNUSED],
        over_price=own[Kind.OVER_PRICE],
        earned=sum(own[kind] for kind in EARNED),
        deferred=own[Kind.DEFERRED],
        deposits=_net(Kind.OWES_DEPOSITS, index, amounts),
        stored=_net(Kind.OWES_STORED, index, amounts),
        bonus=_net(Kind.OWES_BONUS, index, amounts),
        balance=balance,
        deposits_held=own[Kind.DEPOSITS_HELD],
        deposits_kept=own[Kind.DEPOSITS_KEPT],
        second_payouts=own[Kind.SECOND_PAYOUTS],
        stored_taken=own[Kind.STORED_TAKEN],
        stored_spent=own[Kind.STORED_SPENT],
        bonus_given=own[Kind.BONUS_GIVEN],
        bonus_spent=own[Kind.BONUS_SPENT],
        local=own[Kind.LOCAL],
        local_passages=own[Kind.LOCAL_PASSAGES],
        refunds=_net(Kind.OWES_REFUNDS, index, amounts),
        disputed_refunds=own[Kind.DISPUTED_REFUNDS],
    )


def _net(kind: Kind, index: int, amounts: Amounts) -> int:
    """Return what a place is owed of a paired kind, less what it owes."""
    return sum(
        amount if creditor == index else -amount
        for (debtor, other_kind, creditor), amount in amounts.items()
        if other_kind == kind and index in (debtor, creditor)
    )


def _pair(debtor: int, creditor: int, places: Sequence[Place], amounts: Amounts) -> PairLine:
    taxed = {
        rate: amount
        for (a, kind, b), amount in amounts.items()
        if (a, b) == (debtor, creditor) and (rate := rate_of(kind)) is not None
    }
    return PairLine(
        debtor=places[debtor].code,
        creditor=places[creditor].code,
        tickets=amounts.get((debtor, Kind.OWES, creditor), 0),
        deposits=amounts.get((debtor, Kind.OWES_DEPOSITS, creditor), 0),
        stored=amounts.get((debtor, Kind.OWES_STORED, creditor), 0),
        bonus=amounts.get((debtor, Kind.OWES_BONUS, creditor), 0),
        refunds=amounts.get((debtor, Kind.OWES_REFUNDS, creditor), 0),
        taxed=tuple(TaxedAmount(vat_bp=rate, gross=taxed[rate]) for rate in sorted(taxed)),
    )


def _due_lines(dues: Sequence[Due], places: Sequence[Place]) -> tuple[DueLine, ...]:
    return tuple(
        DueLine(debtor=places[due.debtor].code, creditor=places[due.creditor].code, amount=due.amount) for due in dues
    )


def _check(report: Report) -> None:
    for line in report.facilities:
        beside_tickets = line.deposits + line.stored + line.bonus + line.refunds
        assert line.balance == line.earned + line.deferred - line.collected + beside_tickets, f"{line.code}: {line}"
    for pair in report.pairs:
        assert sum(part.gross for part in pair.taxed) == pair.tickets, f"{pair}"
    assert sum(line.balance for line in report.facilities) == 0, "what some owe is what others get"


def digest(report: Report) -> str:
    """Return the SHA-256 (hex) of the report's canonical bytes."""
    return sha256(canonical.encode(report)).hexdigest()


def report_file(report: Report) -> ReportFile:
    """Return the report with its digest, as it is written to a file."""
    return ReportFile(report=report, sha256=digest(report))


class ReportFault(ValueError):
    """The file is no settlement report, or its figures are not those its digest was made of; the message says which."""


def read_report(data: bytes) -> ReportFile:
    """Return the report in a file (canonical or indented JSON). Raises ReportFault."""
    try:
        found = msgspec.json.decode(data, type=ReportFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportFault(f"this is no settlement report: {error}") from None
    if found.report.format != FORMAT:
        raise ReportFault(f"format {found.report.format!r} is unknown here: update Karnet")
    if digest(found.report) != found.sha256:
        raise ReportFault("the figures are not those of the SHA-256 in the file: somebody changed one or the other")
    return found


def differing_fields(mine: Report, theirs: Report) -> dict[str, tuple[object, object]]:
    """Return the top-level fields in which two reports differ, with both values."""
    ours, other = msgspec.structs.asdict(mine), msgspec.structs.asdict(theirs)
    return {name: (ours[name], other[name]) for name in ours if ours[name] != other[name]}
