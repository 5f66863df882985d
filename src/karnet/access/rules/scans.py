"""One scan, decided: the resolution rule and everything around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from karnet.access.operations import Gate, Granted, NotTaken
from karnet.access.requests import Scan, Verdict
from karnet.access.rules.candidates import Attempt, Candidate, Preference, Usable, candidates
from karnet.access.rules.state import Card, GateState, State, after
from karnet.access.rules.turns import not_taken, passed_at_once, reservation
from karnet.entitlements.rules import usable_medium
from karnet.journal.requests import Outcome, made_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

_replace = msgspec.structs.replace


def decide_all(state: State, scans: Sequence[Scan]) -> list[Outcome[Scan, Verdict]]:
    """Decide scans in order; each sees what those before it have changed. One outcome per scan, in the same order."""
    cards = dict(state.cards)
    outcomes = []
    for scan in scans:
        card = cards.get(scan.chip)
        outcome = decide(state.gates.get(scan.gate), card, scan)
        if card is not None and isinstance(outcome.answer, Refused):
            # So that whoever looks at the card later finds which gate refused it, and why.
            outcome = _replace(outcome, subject=card.medium.id, place=scan.gate)
        if card is not None and outcome.operations:
            cards[scan.chip] = after(card, instant(scan.at), outcome.operations)
        outcomes.append(outcome)
    return outcomes


def decide(state: GateState | None, card: Card | None, scan: Scan) -> Outcome[Scan, Verdict]:
    """Decide one scan: a grant (the gate reports the turn), a passage at once (it cannot), or a refusal with no effect.

    A second scan while the grant of the first still waits gets the same grant again: nothing more is reserved.
    """
    if state is None:
        return Outcome(scan, refused(Reason.UNKNOWN_GATE, gate=str(scan.gate)))
    if card is None:
        return Outcome(scan, refused(Reason.UNKNOWN_MEDIUM, chip=scan.chip))
    gate, at = state.gate, instant(scan.at)
    if (why := _barred(card, gate)) is not None:
        return Outcome(scan, why)
    expected = card.expected(at)
    if (waiting := _waiting(card, gate, at)) is not None:
        return Outcome(scan, _verdict(expected, waiting))
    attempt = Attempt(gate=gate, terms=state.terms_at(at), at=at)
    choice = resolve(candidates(card.holdings, expected.holdings), attempt)
    if gate.direction == "out":
        choice = _leaving(card, choice)
    if isinstance(choice, Refused):
        return Outcome(scan, choice)
    # Asked last: nobody should wait out the passback time only to learn that the ticket has expired.
    if (until := _passback_until(card, gate, at)) is not None:
        return Outcome(scan, refused(Reason.PASSBACK, until=_iso(until)))
    return _admitted(scan, card, expected, attempt, choice)


HELPFUL = (
    Reason.NOT_ENOUGH_POINTS,  # top up and come in
    Reason.OUTSIDE_WINDOW,  # come back today or this week
    Reason.NOT_YET_VALID,
    Reason.DAYS_USED_UP,
    Reason.EXPIRED,
    Reason.NO_TERMS,  # another gate
    Reason.NOT_VALID_HERE,  # another facility
    Reason.ENTITLEMENT_VOID,
)
"""Which refusal is told when no right opens the gate: the one nearest to coming in [ours]."""


def resolve(rights: Iterable[Candidate], attempt: Attempt) -> Usable | Refused:
    """Return what the cheapest usable candidate takes, or the most helpful refusal of all. The one resolution rule.

    Cheapest is the order of `Preference`; of equal refusals the last one counts (of the ticket bought last).
    """
    best: Usable | None = None
    why: Refused | None = None
    for right in rights:
        judged = right.judge(attempt)
        if isinstance(judged, Usable):
            if best is None or judged.rank < best.rank:
                best = judged
        elif why is None or HELPFUL.index(judged.reason) <= HELPFUL.index(why.reason):
            why = judged
    return best or why or refused(Reason.NOTHING_ON_MEDIUM)


def _barred(card: Card, gate: Gate) -> Refused | None:
    """Return why nothing on the card is even looked at.

    The way out asks only whose card it is: nobody is kept inside because the card was blocked or handed back [ours].
    """
    why = usable_medium(card.medium) if gate.direction == "in" else None
    if why is None and not card.holdings:
        return refused(Reason.NOTHING_ON_MEDIUM, number=card.medium.number)
    return why


def _waiting(card: Card, gate: Gate, at: datetime) -> Granted | None:
    return next((g.granted for g in card.grants if g.granted.gate == gate.id and g.waits(at)), None)


def _leaving(card: Card, choice: Usable | Refused) -> Usable:
    """Return the passage out: it takes nothing, and no ticket is too poor or too old for it [ours].

    It is written down to the right that would open an entrance now, else to the one bought last.
    """
    if isinstance(choice, Usable):
        return _replace(choice, preference=Preference.FREE, points=0, activated=None, day_used=None)
    last = card.holdings[-1]
    return Usable(entitlement=last.id, preference=Preference.FREE, until=last.valid_until, sold_at=last.sold_at)


def _passback_until(card: Card, gate: Gate, at: datetime) -> datetime | None:
    """Return when the gate opens again for this medium, or None when it may now: at exactly `passback_s` it may.

    Passages that were recorded out of order count on both sides of `at`.
    """
    passback = timedelta(seconds=gate.passback_s)
    near = [passed for passed in card.passed.get(gate.id, ()) if abs(at - passed) < passback]
    return max(near) + passback if near else None


def _admitted(scan: Scan, card: Card, expected: Card, attempt: Attempt, choice: Usable) -> Outcome[Scan, Verdict]:
    gate, at = attempt.gate, attempt.at
    granted = Granted(
        grant=made_id(scan, "passage"),
        gate=gate.id,
        facility=gate.facility,
        medium=card.medium.id,
        entitlement=choice.entitlement,
        direction=gate.direction,
        points=choice.points,
        weight=attempt.terms.weight if attempt.terms and gate.direction == "in" else 0,
        expires_at=at + timedelta(seconds=gate.grant_s),
        by=choice.preference.name.lower(),
        activated=choice.activated,
        day_used=choice.day_used,
    )
    verdict = _verdict(expected, granted, drawn=granted.points)
    stale = _stale(card, at)
    if gate.reports_turn:
        return Outcome(scan, verdict, (*stale, _replace(granted, reserved=reservation(granted))))
    return Outcome(scan, _replace(verdict, expires_at=None), (*stale, passed_at_once(granted)))


def _stale(card: Card, at: datetime) -> tuple[NotTaken, ...]:
    """Return the ends of the card's grants whose time is over: recorded when it gets the next one, or by `Lapse`."""
    return tuple(not_taken(grant.granted, lapsed=True) for grant in card.grants if grant.home and not grant.waits(at))


def _verdict(expected: Card, granted: Granted, drawn: int = 0) -> Verdict:
    """Return the answer that a grant gives; `drawn`: its points, while they are not off the card's holdings yet."""
    holding = expected.holding(granted.entitlement)
    return Verdict(
        id=granted.grant,
        medium=granted.medium,
        entitlement=granted.entitlement,
        product_code=holding.product_code,
        category=holding.category,
        by=granted.by,
        points=granted.points,
        points_left=holding.available - drawn if holding.kind == "points" else None,
        valid_until=granted.activated.valid_until if granted.activated else holding.valid_until,
        expires_at=granted.expires_at,
    )


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
