"""Publishing agreements and closing periods (operations); `settle` only reads."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.accounts.operations import house_account
from karnet.accounts.selectors import balances
from karnet.journal.cuts import Cut
from karnet.journal.requests import Outcome, operation_id
from karnet.journal.transaction import Transaction, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.settlement import selectors
from karnet.settlement.requests import Close, ClosedPeriod, PublishAgreement, PublishedAgreement
from karnet.settlement.rules.agreements import Facts, InForce, decide_agreement
from karnet.settlement.rules.closings import Previous, closing_of, decide_period
from karnet.settlement.settling import Cumulative, cumulative, settle

__all__ = ["Close", "ClosedPeriod", "PublishAgreement", "PublishedAgreement", "close", "publish_agreements", "settle"]


def publish_agreements(requests: Sequence[PublishAgreement]) -> list[PublishedAgreement | Refused]:
    """Put agreements into force, with their gates' terms: one operation each (SPEC N8, N9).

    No lock: two agreements whose times overlap cannot both be inserted; the second is refused AGREEMENT_OVERLAPS.
    """
    return transact(
        requests, _publish, answers=PublishedAgreement, refuse=lambda request, error: refused(Reason.AGREEMENT_OVERLAPS)
    )


def _publish(tx: Transaction[PublishAgreement, PublishedAgreement]) -> None:
    facts = selectors.publication_facts()
    known = list(facts.agreements)
    for request in tx.fresh:
        answer, operations = decide_agreement(request.text, Facts(facts.facilities, facts.gates, known))
        known += [InForce(o.id, o.text.season, o.valid_from, o.valid_until) for o in operations]
        tx.record([Outcome(request, answer, operations)])


def close(requests: Sequence[Close]) -> list[ClosedPeriod | Refused]:
    """Close periods, one operation each: amounts are what the cut adds to the closings before (SPEC N-e, N15).

    No lock is held while the settlement is computed, and the sealer does not wait for it: two closings that follow the
    same one cannot both be inserted, and the second is refused PERIOD_CLOSED.
    """
    return [
        transact([request], _close, answers=ClosedPeriod, refuse=lambda request, error: refused(Reason.PERIOD_CLOSED))[
            0
        ]
        for request in requests
    ]


def _close(tx: Transaction[Close, ClosedPeriod]) -> None:
    (request,) = tx.fresh
    found = _cumulative(request)
    if isinstance(found, Refused):
        tx.record([Outcome(request, found)])
        return
    heading = found.heading
    done = selectors.closings(heading.agreement)
    previous = Previous(done[-1].sequence, done[-1].period_end, done[-1].cut) if done else None
    if stop := decide_period(previous, heading.cut, heading.as_of):
        tx.record([Outcome(request, stop)])
        return
    clearing = [house_account(place.facility, "clearing", heading.currency) for place in found.places]
    closing = closing_of(
        operation_id(request),
        found.report(),
        found.places,
        found.amounts,
        selectors.closed_amounts(heading.agreement, found.places),
        sequence=previous.sequence + 1 if previous else 1,
        opened=balances(clearing).keys(),
    )
    answer = ClosedPeriod(
        id=closing.id,
        agreement=closing.agreement,
        sequence=closing.sequence,
        period_end=closing.period_end,
        cut=closing.cut,
        report_sha256=closing.report_sha256,
    )
    tx.record([Outcome(request, answer, (closing,))])


def _cumulative(request: Close) -> Cumulative | Refused:
    cut = Cut(request.cut) if request.cut is not None else None
    return cumulative(cut, at=request.at, agreement=request.agreement, until=request.until)
