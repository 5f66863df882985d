"""The division of one ticket's agreed price (SPEC N9, N13, N16). Every division adds up exactly.

Division is per ticket, never pooled, so that each grosz can be traced to passages. A *place* is a facility's rank in
the order of codes; ties of remainders go to the lower place.

A rule is named in agreements, and agreements are for ever: what a name means never changes. Whoever wants it changed
adds another name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple

from karnet.kernel.money import divide

DivisionRule = Literal["weighted_passages", "equal_visited", "first_entries", "points_frequency"]
UnusedRule = Literal["seller", "equal_members", "weights_of_members"]
OverdrawnRule = Literal["shared", "seller"]
TicketKind = Literal["points", "time"]

_REST = 1 << 30
"""Stands for what nobody took; above every place, so that it loses every tie."""
WHOLE = 10_000
"""All of it, in basis points."""


class Visit(NamedTuple):
    """What one ticket did at one facility: counted passages (taken, entries, weight above zero), the points they drew,
    and the sum of their weights in millionths. `firsts`: days whose first counted entry was there. `lift_points`: the
    sum of the agreement's points of the gates passed, drawn or not. The last two are only filled for rules that ask."""

    place: int
    passages: int
    points: int
    weight: int
    firsts: int = 0
    lift_points: int = 0


DIVISIONS: Mapping[DivisionRule, Callable[[Visit], int]] = {
    "weighted_passages": lambda visit: visit.weight,
    "equal_visited": lambda visit: 1 if visit.passages else 0,
    "first_entries": lambda visit: visit.firsts,
    "points_frequency": lambda visit: visit.lift_points,
}
"""By which whole number of a visit each rule divides a time ticket."""


class Division(NamedTuple):
    """An agreed price divided: what each place is entitled to, what nobody used and is due by the agreement's rule,
    and what is still deferred. The three add up to the agreed price, but for points taken twice (`divide_points`)."""

    shares: tuple[tuple[int, int], ...]
    unused: int
    deferred: int


def divide_points(
    agreed_minor: int, points: int, visits: tuple[Visit, ...], *, ended: bool, overdrawn: OverdrawnRule = "shared"
) -> Division:
    """Divide by points taken; the value of points not taken is deferred until the ticket has ended, then unused.

    Points taken beyond those on the ticket (one card emptied twice while a link was down, SPEC N14) go by `overdrawn`:
    "shared": all points taken share the agreed price, which pays no more than it was agreed to be worth; "seller": each
    point taken is worth what it was sold for, so the shares come to more than the price, and the seller bears it.
    """
    parts = {visit.place: visit.points for visit in visits if visit.points}
    taken = sum(parts.values())
    if not parts:
        return _untouched(agreed_minor, ended=ended)
    if taken > points > 0 and overdrawn == "seller":
        return _divided(divide(agreed_minor * taken // points, parts), 0, ended=ended)
    if taken < points:
        parts[_REST] = points - taken
    shares = divide(agreed_minor, parts)
    return _divided(shares, shares.pop(_REST, 0), ended=ended)


def divide_time(
    agreed_minor: int,
    rule: DivisionRule,
    visits: tuple[Visit, ...],
    *,
    ended: bool,
    members: Collection[int] = (),
    floor_bp: int = 0,
) -> Division:
    """Divide by passages times weight, or by another rule's measure; first a floor for all members alike, if agreed.

    The whole agreed price is divided over the passages so far, also while the ticket is still good: later passages
    shift it, and a closing shows the difference. Only a ticket without any passage is deferred, until it has ended.
    The solidarity floor (SPEC N13) is `floor_bp` basis points of the price, rounded down, shared equally by `members`.
    """
    measure = DIVISIONS[rule]
    parts = {visit.place: part for visit in visits if (part := measure(visit))}
    if not parts:
        return _untouched(agreed_minor, ended=ended)
    floor = agreed_minor * floor_bp // WHOLE if members else 0
    shares = divide(agreed_minor - floor, parts)
    if floor:
        for place, share in divide(floor, dict.fromkeys(members, 1)).items():
            shares[place] = shares.get(place, 0) + share
    return _divided(shares, 0, ended=ended)


def divide_unused(
    unused_minor: int, rule: UnusedRule, *, seller: int, member_weights: Mapping[int, int]
) -> tuple[tuple[int, int], ...]:
    """Return who gets the value of what nobody used: the seller, all members alike, or the members in proportion to
    `member_weights` (place → the sum of the weights of its gates); the seller where no member has a weight."""
    if rule == "seller" or not unused_minor:
        return ((seller, unused_minor),) if unused_minor else ()
    parts = dict.fromkeys(member_weights, 1) if rule == "equal_members" else dict(member_weights)
    if not any(parts.values()):
        return ((seller, unused_minor),)
    return tuple((place, share) for place, share in divide(unused_minor, parts).items() if share)


def _untouched(agreed_minor: int, *, ended: bool) -> Division:
    return Division((), agreed_minor, 0) if ended else Division((), 0, agreed_minor)


def _divided(shares: Mapping[int, int], rest: int, *, ended: bool) -> Division:
    kept = tuple((place, share) for place, share in shares.items() if share)
    return Division(kept, rest, 0) if ended else Division(kept, 0, rest)
