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
from karnet.parties.selectors import actors, home_server, managers, operators
from karnet.settlement import selectors
from karnet.settlement.requests import (
    Close,
    ClosedPeriod,
    ProposeAgreement,
    ProposedAgreement,
    PublishAgreement,
    PublishedAgreement,
    SignAgreement,
    SignedAgreement,
)
from karnet.settlement.rules.agreements import Signer, decide_agreement, decide_proposal, decide_signature
from karnet.settlement.rules.closings import Previous, closing_of, decide_period
from karnet.settlement.settling import Cumulative, cumulative, settle

__all__ = [
    "Close",
    "ClosedPeriod",
    "ProposeAgreement",
    "ProposedAgreement",
    "PublishAgreement",
    "PublishedAgreement",
    "SignAgreement",
    "SignedAgreement",
    "close",
    "propose_agreements",
    "publish_agreements",
    "settle",
    "sign_agreements",
]


def publish_agreements(requests: Sequence[PublishAgreement]) -> list[PublishedAgreement | Refused]:
    """Put agreements into force, with their gates' terms: one operation each (SPEC N8, N9).

    For a server that runs the facilities of all members; others propose and sign. Waits for whoever decides another
    agreement; two whose times overlap could not both be inserted anyway: the second is refused AGREEMENT_OVERLAPS.
    """
    return [
        transact(
            [request],
            _publish,
            answers=PublishedAgreement,
            refuse=lambda request, error: refused(Reason.AGREEMENT_OVERLAPS),
        )[0]
        for request in requests
    ]


def _publish(tx: Transaction[PublishAgreement, PublishedAgreement]) -> None:
    selectors.lock_agreements()
    (request,) = tx.fresh
    answer, operations = decide_agreement(request.text, selectors.publication_facts())
    tx.record([Outcome(request, answer, operations)])


def propose_agreements(requests: Sequence[ProposeAgreement]) -> list[ProposedAgreement | Refused]:
    """Propose texts to their members, one operation each: in force when every member's manager has signed (SPEC N9)."""
    return [transact([request], _propose, answers=ProposedAgreement)[0] for request in requests]


def _propose(tx: Transaction[ProposeAgreement, ProposedAgreement]) -> None:
    selectors.lock_agreements()
    (request,) = tx.fresh
    answer, operations = decide_proposal(request.text, selectors.publication_facts())
    tx.record([Outcome(request, answer, operations)])


def sign_agreements(requests: Sequence[SignAgreement]) -> list[SignedAgreement | Refused]:
    """Sign texts for member facilities of this server, one operation each (SPEC N9). The actor must be an operator of
    the member whose log-in here is a manager's. Waits for whoever decides another agreement."""
    return [transact([request], _sign, answers=SignedAgreement)[0] for request in requests]


def _sign(tx: Transaction[SignAgreement, SignedAgreement]) -> None:
    selectors.lock_agreements()
    (request,) = tx.fresh
    codes = {place.facility: place.code for place in selectors.places()}
    answer, operations = decide_signature(request, selectors.agreement_texts(), _signer(request), codes)
    tx.record([Outcome(request, answer, operations)])


def _signer(request: SignAgreement) -> Signer:
    operator = operators([request.actor]).get(request.actor)
    facility = operator.facility if operator else None
    home = facility is not None and actors([facility])[facility].parent == home_server()
    return Signer(facility, home, request.actor in managers([request.actor]))


def close(requests: Sequence[Close]) -> list[ClosedPeriod | Refused]:
    """Close periods, one operation each: amounts are what the cut adds to the closings before (SPEC N-e, N15). Only the
    server that proposed the agreement does (HOME_ONLY elsewhere).

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
    if (home := selectors.proposed_by(heading.agreement)) is not None:
        tx.record([Outcome(request, refused(Reason.HOME_ONLY, facility=home))])
        return
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
