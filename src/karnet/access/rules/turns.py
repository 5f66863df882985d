"""What becomes of a grant: taken, not taken, lapsed; and the entries in the books that go with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from karnet.access.operations import Granted, NotTaken, Passage, Passed, Taken
from karnet.access.requests import Lapse, Lapsed, Turn, Turned
from karnet.access.rules.state import Grant
from karnet.accounts.operations import ReservationEnded, Reserved, Transfer, house_account
from karnet.entitlements.rules import points_account
from karnet.journal.requests import Outcome
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

POINTS = "points"


def decide_turns(
    grants: Mapping[UUID, Grant], available: Mapping[UUID, int], turns: Sequence[Turn]
) -> list[Outcome[Turn, Turned]]:
    """Decide reports of gates in order. `available`: points left, by entitlement, of those with a lapsed grant.

    A turn counts even when the grant's time was over: the visitor is inside. As long as the grant waits, what it
    reserved is drawn. Once it has lapsed the points are drawn anew if the card still has them; if not, the report is
    refused with NOT_ENOUGH_POINTS, and staff find it among the refusals [ours].
    """
    known, left = dict(grants), dict(available)
    outcomes = []
    for turn in turns:
        grant = known.get(turn.grant)
        outcome = _turned(grant, left, turn)
        if grant is not None and outcome.operations:
            known[turn.grant] = msgspec.structs.replace(grant, end="taken" if turn.taken else "not_taken")
            if grant.end == "lapsed":
                left[grant.granted.entitlement] = left.get(grant.granted.entitlement, 0) - grant.granted.points
        outcomes.append(outcome)
    return outcomes


def _turned(grant: Grant | None, left: Mapping[UUID, int], turn: Turn) -> Outcome[Turn, Turned]:
    if grant is None or not grant.home:
        return Outcome(turn, refused(Reason.UNKNOWN_GRANT, grant=str(turn.grant)))
    granted = grant.granted
    if grant.end in ("taken", "not_taken"):
        return Outcome(turn, refused(Reason.GRANT_ENDED, grant=str(turn.grant), end=grant.end))
    if not turn.taken:
        # A grant that has lapsed is "not taken" already: the report is right, and changes nothing.
        done = () if grant.end == "lapsed" else (not_taken(granted),)
        return Outcome(turn, Turned(grant=turn.grant, taken=False, points=0), done)
    available = left.get(granted.entitlement, 0)
    if grant.end == "lapsed" and available < granted.points:
        return Outcome(turn, refused(Reason.NOT_ENOUGH_POINTS, available=available, needed=granted.points))
    taken = Taken(
        grant=granted.grant,
        passage=_passage(granted),
        ended=_reservation_ended(granted, posted=True) if grant.end is None else None,
        transfers=_transfers(granted),
        activated=granted.activated,
        day_used=granted.day_used,
    )
    return Outcome(turn, Turned(grant=turn.grant, taken=True, points=granted.points), (taken,))


def decide_lapse(lapse: Lapse, grants: Iterable[Grant]) -> Outcome[Lapse, Lapsed]:
    """End those of the grants that wait longer than they should: what they reserved is free again."""
    at = instant(lapse.at)
    over = [grant.granted for grant in grants if grant.home and grant.end is None and not grant.waits(at)]
    return Outcome(lapse, Lapsed(grants=len(over)), tuple(not_taken(granted, lapsed=True) for granted in over))


def not_taken(granted: Granted, *, lapsed: bool = False) -> NotTaken:
    """Return the end of a grant on which nobody went through."""
    return NotTaken(grant=granted.grant, lapsed=lapsed, ended=_reservation_ended(granted, posted=False))


def passed_at_once(granted: Granted) -> Passed:
    """Return what a gate that cannot report the turn records instead of a grant: granted, taken and charged."""
    return Passed(
        passage=_passage(granted),
        transfers=_transfers(granted),
        activated=granted.activated,
        day_used=granted.day_used,
    )


def reservation(granted: Granted) -> Reserved | None:
    """Return what a grant keeps from other gates until its turn, or None when it takes no points."""
    if not granted.points:
        return None
    source, target = _sides(granted)
    return Reserved(
        id=granted.grant,
        source=source,
        target=target,
        amount=granted.points,
        unit=POINTS,
        expires_at=granted.expires_at,
    )


def _reservation_ended(granted: Granted, *, posted: bool) -> ReservationEnded | None:
    if not granted.points:
        return None
    return ReservationEnded(id=granted.grant, source=_sides(granted)[0], amount=granted.points, posted=posted)


def _transfers(granted: Granted) -> tuple[Transfer, ...]:
    if not granted.points:
        return ()
    source, target = _sides(granted)
    return (Transfer(source=source, target=target, amount=granted.points, unit=POINTS),)


def _sides(granted: Granted) -> tuple[UUID, UUID]:
    """Points go from the ticket to the facility whose gate took them: by that the settlement divides (SPEC N9)."""
    return points_account(granted.entitlement), house_account(granted.facility, "points_taken", POINTS)


def _passage(granted: Granted) -> Passage:
    return Passage(
        id=granted.grant,
        gate=granted.gate,
        facility=granted.facility,
        medium=granted.medium,
        entitlement=granted.entitlement,
        direction=granted.direction,
        points=granted.points,
        weight=granted.weight,
    )
