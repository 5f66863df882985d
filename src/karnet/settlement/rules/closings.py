"""Closing a period: what a cumulative settlement adds to the closings before it (SPEC N-e, N15)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, Transfer, house_account
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.settlement.operations import Closed, ClosedAmount
from karnet.settlement.rules.netting import net_balances, net_pairs, payments
from karnet.settlement.rules.report import Place, Report, digest
from karnet.settlement.rules.totals import NOBODY, PAIRED, Amounts, difference


class Previous(msgspec.Struct, frozen=True):
    """The closing before: the end of its period and its cut (tree size by log)."""

    sequence: int
    period_end: datetime
    cut: dict[str, int]


def decide_period(previous: Previous | None, cut: dict[str, int], period_end: datetime) -> Refused | None:
    """Refuse a period that takes back what is closed (PERIOD_CLOSED) or adds nothing to it (NOTHING_TO_CLOSE).

    A period in which nobody skied is closed like any other: only a cut that has not moved closes nothing.
    """
    if previous is None:
        return None
    if not _covers(cut, previous.cut) or period_end < previous.period_end:
        return refused(Reason.PERIOD_CLOSED, until=previous.period_end.isoformat().replace("+00:00", "Z"))
    if _covers(previous.cut, cut) and period_end == previous.period_end:
        return refused(Reason.NOTHING_TO_CLOSE)
    return None


def _covers(cut: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return all(cut.get(log, 0) >= size for log, size in other.items())


def closing_of(
    id_: UUID,
    report: Report,
    places: Sequence[Place],
    amounts: Amounts,
    closed: Amounts,
    sequence: int,
    opened: Collection[UUID],
) -> Closed:
    """Return the closing of a cumulative settlement (`report`, `amounts`), `closed` being the sum of the closings before.

    Its payments are booked between the facilities' clearing accounts, so those show what is still to be paid;
    `opened` are the accounts that exist already.
    """
    period = difference(amounts, closed)
    transfers = _transfers(places, period, report.currency)
    ids = {account for transfer in transfers for account in (transfer.source, transfer.target)} - set(opened)
    return Closed(
        id=id_,
        agreement=report.agreement,
        sequence=sequence,
        period_end=report.as_of,
        until=report.until,
        cut=report.cut,
        report_sha256=digest(report),
        amounts=tuple(
            ClosedAmount(
                facility=places[place].facility,
                kind=kind,
                amount=amount,
                creditor=None if other == NOBODY else places[other].facility,
            )
            for (place, kind, other), amount in sorted(period.items())
        ),
        accounts=tuple(
            AccountOpened(id=account, owner=place.facility, purpose="clearing", unit=report.currency, hot=True)
            for place in places
            if (account := house_account(place.facility, "clearing", report.currency)) in ids
        ),
        transfers=transfers,
    )


def _transfers(places: Sequence[Place], period: Amounts, currency: str) -> tuple[Transfer, ...]:
    """Return the period's payments as transfers: a clearing account grows by what its facility is to get."""
    owed: dict[tuple[int, int], int] = {}
    for (debtor, kind, creditor), amount in period.items():
        if kind in PAIRED:
            owed[debtor, creditor] = owed.get((debtor, creditor), 0) + amount
    return tuple(
        Transfer(
            source=house_account(places[due.debtor].facility, "clearing", currency),
            target=house_account(places[due.creditor].facility, "clearing", currency),
            amount=due.amount,
            unit=currency,
            n=n,
        )
        for n, due in enumerate(payments(net_balances(net_pairs(owed), len(places))))
    )
