"""The division of one ticket's agreed price (SPEC N9, N13, N16). Every division adds up exactly.

Division is per ticket, never pooled, so that each grosz can be traced to passages. A *place* is a facility's rank in
the order of codes; ties of remainders go to the lower place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from karnet.kernel.money import divide

DivisionRule = Literal["weighted_passages", "equal_visited"]
UnusedRule = Literal["seller", "equal_members", "weights_of_members"]
TicketKind = Literal["points", "time"]

_REST = 1 << 30
"""Stands for what nobody took; above every place, so that it loses every tie."""


class Visit(NamedTuple):
    """What one ticket did at one facility: counted passages (taken, entries, weight above zero), the points they drew,
    and the sum of their weights in millionths."""

    place: int
    passages: int
    points: int
    weight: int


class Division(NamedTuple):
    """An agreed price divided: what each place is entitled to, what nobody used and is due by the agreement's rule,
    and what is still deferred. The three add up to the agreed price."""

    shares: tuple[tuple[int, int], ...]
    unused: int
    deferred: int


def divide_points(agreed_minor: int, points: int, visits: tuple[Visit, ...], *, ended: bool) -> Division:
    """Divide by points taken; the value of points not taken is deferred until the ticket has ended, then unused.

    Points taken beyond those on the ticket (one card emptied twice while a link was down) share the agreed price: the
    ticket never pays more than it was agreed to be worth.
    """
    parts = {visit.place: visit.points for visit in visits if visit.points}
    rest = max(points - sum(parts.values()), 0)
    if not parts:
        return _untouched(agreed_minor, ended=ended)
    if rest:
        parts[_REST] = rest
    shares = divide(agreed_minor, parts)
    return _divided(shares, shares.pop(_REST, 0), ended=ended)


def divide_time(agreed_minor: int, rule: DivisionRule, visits: tuple[Visit, ...], *, ended: bool) -> Division:
    """Divide by passages times weight, or equally among the places visited.

    The whole agreed price is divided over the passages so far, also while the ticket is still good: later passages
    shift it, and a closing shows the difference. Only a ticket without any passage is deferred, until it has ended.
    """
    if rule == "equal_visited":
        parts = {visit.place: 1 for visit in visits if visit.passages}
    else:
        parts = {visit.place: visit.weight for visit in visits if visit.weight}
    if not parts:
        return _untouched(agreed_minor, ended=ended)
    return _divided(divide(agreed_minor, parts), 0, ended=ended)


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
