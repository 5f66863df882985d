"""Gates at work: scans are decided, turns reported, grants that nobody used lapse.

Locks: the media concerned, by id, and nothing else: a medium's row guards everything on it (entitlements, days,
points, grants). A batch costs a fixed handful of statements and one commit, however many requests it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from karnet.access import rules, selectors
from karnet.access.limits import RefusalLimit
from karnet.access.operations import gate_id
from karnet.access.requests import EnrolGate, Enrolled, Lapse, Lapsed, Scan, Turn, Turned, Verdict
from karnet.access.rules.gates import decide_gates
from karnet.accounts.selectors import balances
from karnet.entitlements.rules import points_account
from karnet.entitlements.selectors import lock_media
from karnet.journal.transaction import Transaction, transact
from karnet.kernel.outcomes import Refused
from karnet.parties.selectors import actors
from karnet.parties.services import give_names

__all__ = [
    "EnrolGate",
    "Enrolled",
    "Lapse",
    "Lapsed",
    "Scan",
    "Turn",
    "Turned",
    "Verdict",
    "admit",
    "enrol_gates",
    "lapse_grants",
    "turn",
]

_refusals = RefusalLimit()


def enrol_gates(requests: Sequence[EnrolGate]) -> list[Enrolled | Refused]:
    """Put gates into service. A gate is an actor: it is enrolled under its facility, and retires with it."""
    return transact(requests, _enrol, answers=Enrolled)


def _enrol(tx: Transaction[EnrolGate, Enrolled]) -> None:
    # No lock: two enrolments of one code make the same id, and the actor table takes it once.
    named = {request.facility for request in tx.fresh}
    named |= {gate_id(request.facility, request.code) for request in tx.fresh}
    outcomes = decide_gates(actors(named), tx.fresh)
    give_names({o.answer.id: o.request.name for o in outcomes if isinstance(o.answer, Enrolled) and o.request.name})
    tx.record(outcomes)


def admit(scans: Sequence[Scan]) -> list[Verdict | Refused]:
    """Decide scans at gates. Same key, same answer.

    A gate that reports the turn gets a grant, for which points are reserved; at any other the passage is recorded and
    charged at once. A refusal changes nothing. A gate that floods us with refusals gets TOO_MANY_REFUSALS, unrecorded.
    """
    flooding = [_refusals.flooding(scan) for scan in scans]
    heard = [scan for scan, why in zip(scans, flooding, strict=True) if why is None]
    answers = transact(heard, _admit, answers=Verdict) if heard else []
    _refusals.count(heard, answers)
    decided = iter(answers)
    return [why or next(decided) for why in flooding]


def _admit(tx: Transaction[Scan, Verdict]) -> None:
    state = selectors.lock_state(tx.fresh)
    tx.record(rules.decide_all(state, tx.fresh))


def turn(requests: Sequence[Turn]) -> list[Turned | Refused]:
    """Record what gates report of their grants: taken (the passage is on the record, its points drawn) or not taken."""
    return transact(requests, _turn, answers=Turned)


def _turn(tx: Transaction[Turn, Turned]) -> None:
    ids = {request.grant for request in tx.fresh}
    # Which media: this never changes. What became of the grants is read again, under the locks.
    lock_media({grant.granted.medium for grant in selectors.grants(ids).values()})
    grants = selectors.grants(ids)
    lapsed = {g.granted.entitlement for g in grants.values() if g.end == "lapsed" and g.granted.points}
    tx.record(rules.decide_turns(grants, _points_left(lapsed), tx.fresh))


def lapse_grants(requests: Sequence[Lapse]) -> list[Lapsed | Refused]:
    """End grants whose time is over. A worker does this every few seconds; a scan does it for its own medium."""
    return transact(requests, _lapse, answers=Lapsed)


def _lapse(tx: Transaction[Lapse, Lapsed]) -> None:
    ended = set[UUID]()
    for request in tx.fresh:
        over = selectors.grants_to_lapse(request.at, request.limit)
        lock_media({grant.granted.medium for grant in over})
        ids = {grant.granted.grant for grant in over} - ended
        tx.record([rules.decide_lapse(request, selectors.grants(ids).values())])
        ended |= ids


def _points_left(entitlements: Collection[UUID]) -> dict[UUID, int]:
    accounts = {points_account(entitlement): entitlement for entitlement in entitlements}
    found = balances(list(accounts)) if accounts else {}
    return {accounts[account]: balance.available for account, balance in found.items()}
