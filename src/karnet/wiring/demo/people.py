"""Who comes: groups of visitors with tickets, skill and hours, drawn from a seeded source of chance."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Literal, TypeVar

import msgspec

HOUR = 3600
MINUTE = 60

T = TypeVar("T")
Category = Literal["adult", "reduced"]


class Habit(StrEnum):
    """What is special about a visitor; most are ordinary."""

    ORDINARY = "ordinary"
    LENDS = "lends"  # hands the card over the gate to a friend
    LOSES = "loses"  # loses the card on the slope
    ROBBED = "robbed"  # the card is stolen and somebody tries it
    FORGOT = "forgot"  # left the card at home and has it replaced
    CHANGES_MIND = "changes mind"  # gives the unused ticket back
    HAGGLES = "haggles"  # wants a refund for a used ticket
    STRANGE_CARD = "strange card"  # shows the card of another area first
    WRONG_GATE = "wrong gate"  # tries a ticket where it is not valid
    OVERSTAYS = "overstays"  # tries on after the ticket has ended


class Visitor(msgspec.Struct, kw_only=True):
    """One skier. `leaves_s`: when they go home, in seconds of the day; `rides`: how many are enough for the legs."""

    card: str
    category: Category
    ticket: str
    likes: str
    leaves_s: int
    lunch_s: int | None
    rides: int
    habit: Habit = Habit.ORDINARY


class Group(msgspec.Struct, kw_only=True):
    """People who come, buy and leave together. `early`: they bought the evening before. `bought_at`: at which facility."""

    number: int
    facility: str
    arrives_s: int
    members: list[Visitor]
    bought_at: str = ""
    early: bool = False
    school: bool = False


SCHOOL_CHILDREN = 45

_ARRIVALS = ((9.2, 0.65, 62), (11.0, 0.7, 20), (12.7, 0.5, 18))  # hour, spread in hours, share
_SIZES = ((1, 20), (2, 35), (3, 15), (4, 22), (5, 8))
_TICKETS = (
    ("day", 44), ("hours-4", 18), ("hours-2", 10), ("points-30", 10), ("points-60", 4), ("days-2", 4), ("days-7", 3),
    ("days-5-of-7", 2), ("season", 1), ("training", 4),
)  # fmt: skip
_EVENING_TICKETS = (("days-2", 40), ("days-7", 30), ("days-5-of-7", 15), ("season", 15))
_AFTERNOON_TICKETS = (("hours-4", 45), ("hours-2", 35), ("points-30", 20))
_FACILITIES = (("kopa", 45), ("polana", 33), ("jawor", 22))
_HABITS = (
    (Habit.LENDS, 30), (Habit.LOSES, 8), (Habit.ROBBED, 4), (Habit.FORGOT, 6), (Habit.CHANGES_MIND, 5),
    (Habit.HAGGLES, 4), (Habit.STRANGE_CARD, 12), (Habit.OVERSTAYS, 60),
)  # fmt: skip


def draw(chance: Random, skiers: int, card_prefix: str) -> list[Group]:
    """Return the groups of a day, `skiers` people in all, in the order of arrival. Cards are numbered in that order."""
    groups: list[Group] = []
    left = skiers
    if skiers >= 4 * SCHOOL_CHILDREN:
        groups.append(_school(chance))
        left -= SCHOOL_CHILDREN
    while left:
        size = min(left, pick(chance, _SIZES))
        left -= size
        groups.append(_group(chance, size))
    groups.sort(key=lambda group: group.arrives_s)
    visitors = [visitor for group in groups for visitor in group.members]
    _give_habits(chance, [v for group in groups if not group.school for v in group.members])
    for number, group in enumerate(groups):
        group.number = number
    for number, visitor in enumerate(visitors, start=1):
        visitor.card = f"{card_prefix}{number:05d}"
    return groups


def pick(chance: Random, shares: tuple[tuple[T, int], ...]) -> T:
    """Return one of the values, with the frequency of its share."""
    return chance.choices([value for value, _ in shares], [share for _, share in shares])[0]


def _school(chance: Random) -> Group:
    arrives = int(9.6 * HOUR)
    children = [
        Visitor(card="", category="reduced", ticket="day", likes="polana", leaves_s=int(14.5 * HOUR),
                lunch_s=12 * HOUR + chance.randrange(10 * MINUTE), rides=chance.randint(8, 13))
        for _ in range(SCHOOL_CHILDREN)
    ]  # fmt: skip
    return Group(number=0, facility="polana", arrives_s=arrives, members=children, school=True)


def _group(chance: Random, size: int) -> Group:
    hour, spread = pick(chance, tuple(((hour, spread), share) for hour, spread, share in _ARRIVALS))
    arrives = int(min(max(chance.gauss(hour, spread), 8.1), 14.7) * HOUR)
    facility = pick(chance, _FACILITIES)
    early = arrives < 11 * HOUR and chance.random() < 0.12
    if early:
        ticket = pick(chance, _EVENING_TICKETS)
    else:
        ticket = pick(chance, _AFTERNOON_TICKETS if arrives > 12 * HOUR else _TICKETS)
    if ticket == "training":
        facility = "jawor"
    leaves = int(min(max(chance.gauss(15.3, 0.9), arrives / HOUR + 1.5), 16.4) * HOUR)
    lunch = int(chance.gauss(12.5, 0.45) * HOUR) if arrives < 11.5 * HOUR and chance.random() < 0.85 else None
    members = [
        _visitor(chance, ticket, facility, leaves, lunch, child=size > 2 and place >= 2) for place in range(size)
    ]
    return Group(number=0, facility=facility, arrives_s=arrives, members=members, early=early)


def _visitor(chance: Random, ticket: str, facility: str, leaves: int, lunch: int | None, *, child: bool) -> Visitor:
    if ticket != "training" and not child and chance.random() < 0.12:
        # In most groups somebody skis little and takes points, or somebody has other plans.
        ticket = "points-30"
    return Visitor(
        card="",
        category="reduced" if child or chance.random() < 0.12 else "adult",
        ticket=ticket,
        likes=facility,
        leaves_s=leaves + chance.randrange(-20 * MINUTE, 5 * MINUTE),
        lunch_s=None if lunch is None else lunch + chance.randrange(5 * MINUTE),
        rides=max(3, int(chance.gauss(17.5, 5))),
    )


def _give_habits(chance: Random, visitors: list[Visitor]) -> None:
    """Give habits to so many per 2,000, at least one of each kind where there are visitors enough."""
    free = [visitor for visitor in visitors if visitor.ticket != "training"]
    chance.shuffle(free)
    for habit, per_2000 in _HABITS:
        for _ in range(max(1, per_2000 * len(visitors) // 2000)):
            fitting = next((v for v in free if _fits(habit, v)), None)
            if fitting is None:
                break
            fitting.habit = habit
            free.remove(fitting)
    for visitor in visitors:
        if visitor.ticket == "training" and chance.random() < 0.3:
            visitor.habit = Habit.WRONG_GATE


def _fits(habit: Habit, visitor: Visitor) -> bool:
    if habit is Habit.OVERSTAYS:
        return visitor.ticket in ("hours-2", "hours-4")
    if habit in (Habit.CHANGES_MIND, Habit.HAGGLES):
        return visitor.ticket in ("day", "hours-4")
    return visitor.ticket in ("day", "days-2", "days-7")
