"""What happens on the slopes: lines, rides, lunch, lent and lost cards, refusals of every kind."""

from __future__ import annotations

from collections.abc import Generator

from karnet.wiring.demo import counter
from karnet.wiring.demo.network import EXITS, FACILITIES, OK, TICKETS, Lift
from karnet.wiring.demo.people import HOUR, MINUTE, Group, Habit, Visitor
from karnet.wiring.demo.world import CLOSES, OPENS, Process, World
from karnet.wiring.play.steps import Scan, Take

MARGIN = 3 * MINUTE
"""So near its end nobody uses a ticket: the simulation does not reckon to the second."""


class Pass:
    """What the simulation reckons with of a visitor's tickets."""

    def __init__(self, visitor: Visitor) -> None:
        ticket = TICKETS[visitor.ticket]
        self.points = [ticket.points] if ticket.points else None
        self.hours = ticket.validity.hours if ticket.validity else 0
        self.facilities = ticket.facilities
        self.ends_s: int | None = None
        self.rides = 0
        self.inside = ""  # the facility whose gate was passed last, until its way out is

    def pays(self, points: int) -> bool:
        """Tell whether the points of one ticket are enough."""
        return self.points is None or max(self.points) >= points

    def ride(self, at_s: int, points: int) -> None:
        """Reckon with a passage: of several points tickets the one bought first that has enough pays."""
        self.rides += 1
        if self.hours and self.ends_s is None:
            self.ends_s = at_s + self.hours * HOUR
        if self.points is not None:
            paying = next(place for place, left in enumerate(self.points) if left >= points)
            self.points[paying] -= points

    @property
    def points_left(self) -> int:
        return sum(self.points or ())


class Company:
    """The group as it leaves: who is last takes everybody's cards to the counter."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.skiing = len(group.members)
        self.cards: list[str] = []

    def leave(self, world: World, visitor: Visitor, facility: str, *, hands_in: bool) -> Process:
        """A visitor goes home, with or without the card."""
        self.skiing -= 1
        if hands_in:
            self.cards.append(visitor.card)
        if not self.skiing:
            yield world.now + world.chance.randint(5, 20) * MINUTE
            yield from counter.hand_in(world, facility, self.cards)


def visit(world: World, group: Group) -> Process:
    """A group comes, buys unless it has bought the evening before, and everybody goes skiing."""
    if not group.early:
        yield from counter.buy(world, group)
    company = Company(group)
    for visitor in group.members:
        world.start(world.now + world.chance.randint(4, 16) * MINUTE, ski(world, company, visitor))


def ski(world: World, company: Company, visitor: Visitor) -> Process:
    """One visitor's day, from the first lift to the way home."""
    group, where, held = company.group, visitor.likes, Pass(visitor)
    if visitor.habit is Habit.CHANGES_MIND and not group.early:
        yield from counter.give_back(world, group, visitor, used=False)
        yield from company.leave(world, visitor, where, hands_in=False)
        return
    if visitor.habit is Habit.FORGOT:
        yield from counter.replace_card(world, where, visitor)
    troubled_after = world.chance.randint(2, 5)
    while world.now < visitor.leaves_s and held.rides < visitor.rides:
        if held.rides >= troubled_after and visitor.habit is not Habit.ORDINARY:
            troubled_after = visitor.rides  # once is enough
            yield from _trouble(world, company, visitor, where)
            continue
        if visitor.lunch_s is not None and world.now >= visitor.lunch_s:
            visitor.lunch_s = None
            yield world.now + world.chance.randint(35, 65) * MINUTE
            continue
        if not held.facilities and world.chance.random() < 0.05:
            where = world.chance.choice(sorted(FACILITIES))
            if held.inside != where:
                _go_out(world, visitor, held)
            yield world.now + world.chance.randint(12, 22) * MINUTE  # the ski bus
            continue
        going = yield from _ride(world, visitor, held, where)
        if not going:
            break
    _go_out(world, visitor, held)
    hands_in = not counter.keeps_value(visitor, held.points_left) and world.chance.random() < 0.8
    yield from company.leave(world, visitor, where, hands_in=hands_in or group.school)


def _ride(world: World, visitor: Visitor, held: Pass, where: str) -> Generator[int, None, bool]:
    """Choose a lift, wait in its line and ride; return False when the visitor has had enough."""
    lifts = world.open_lifts(where)
    if not lifts:
        if world.now >= CLOSES:
            return False
        yield max(OPENS, world.now + 5 * MINUTE) + world.chance.randrange(4 * MINUTE)
        return True
    lift = world.chance.choices(lifts, [1 / (60 + world.lifts[each.gate].wait(world.now)) for each in lifts])[0]
    if world.lifts[lift.gate].wait(world.now) > 25 * MINUTE:
        yield world.now + 10 * MINUTE  # not with this line: a cup of tea first
        return True
    yield world.lifts[lift.gate].join(world.now)
    if not world.runs(lift.gate, world.now):
        return True  # it has stopped while they stood in line
    return (yield from _gate(world, visitor, held, lift))


def _gate(world: World, visitor: Visitor, held: Pass, lift: Lift) -> Generator[int, None, bool]:
    """Show the card at the gate; go through if it opens."""
    if held.ends_s is not None and world.now >= held.ends_s - MARGIN:
        if visitor.habit is not Habit.OVERSTAYS:
            return False
        yield max(world.now, held.ends_s + MARGIN)
        scan(world, lift, visitor.card, refused="expired")
        return False
    if not held.pays(lift.points):
        scan(world, lift, visitor.card, refused="not_enough_points")
        if held.points is None or world.chance.random() < 0.5:
            return False
        yield world.now + MINUTE
        yield from counter.top_up(world, lift.facility, visitor)
        held.points.append(30)
        return True
    scan(world, lift, visitor.card)
    shown_s = world.now
    if lift.reports_turn:
        yield world.now + world.chance.randint(2, 5)
        if world.chance.random() < 0.006:
            # A step back, a dropped glove: the gate closes again and nothing is drawn.
            world.emit(Take(at=world.instant(), gate=lift.gate, card=visitor.card, taken=False, expect=OK))
            yield world.now + world.chance.randint(15, 40)
            if not world.runs(lift.gate, world.now):
                return True
            scan(world, lift, visitor.card)
            yield world.now + 3
        world.emit(Take(at=world.instant(), gate=lift.gate, card=visitor.card, expect=OK))
    held.ride(shown_s, lift.points)
    held.inside = lift.facility
    if visitor.habit is Habit.LENDS and held.rides % 4 == 1:
        yield world.now + world.chance.randint(20, 60)
        scan(world, lift, visitor.card, refused="passback")
    rest_s = world.chance.randint(5, 20) * MINUTE if world.chance.random() < 0.15 else 0
    yield world.now + int(lift.round_s * world.chance.uniform(1.0, 1.7)) + rest_s
    return True


def _go_out(world: World, visitor: Visitor, held: Pass) -> None:
    """Leave a facility: where the way out is counted, through its gate, which lets everybody out."""
    if held.inside in EXITS:
        world.emit(Scan(at=world.instant(), gate=EXITS[held.inside], card=visitor.card, expect=OK))
    held.inside = ""


def scan(world: World, lift: Lift, card: str, refused: str | None = None) -> None:
    """Put a scan on the record, and what it should come to."""
    expect = OK if refused is None else {"refused": refused}
    world.emit(Scan(at=world.instant(), gate=lift.gate, card=card, expect=expect))


def _trouble(world: World, company: Company, visitor: Visitor, where: str) -> Process:
    """Something happens that is no skiing."""
    lifts = world.open_lifts(where)
    if not lifts:
        return
    lift = world.chance.choice(lifts)
    if visitor.habit is Habit.LOSES:
        lost = visitor.card
        yield world.now + 15 * MINUTE
        yield from counter.replace_card(world, where, visitor)
        world.start(world.now + world.chance.randint(10, 60) * MINUTE, _finder(world, lift, lost, "medium_replaced"))
    elif visitor.habit is Habit.ROBBED:
        counter.block(world, where, visitor)
        yield world.now + world.chance.randint(3, 25) * MINUTE
        if world.runs(lift.gate, world.now):
            scan(world, lift, visitor.card, refused="medium_blocked")
        yield world.now + 30 * MINUTE
        yield from counter.unblock(world, where, visitor)
    elif visitor.habit is Habit.HAGGLES and not company.group.early:
        yield from counter.give_back(world, company.group, visitor, used=True)
    elif visitor.habit is Habit.STRANGE_CARD:
        scan(world, lift, f"TATRY-{visitor.card}", refused="unknown_medium")
        yield world.now + 20
    elif visitor.habit is Habit.WRONG_GATE:
        yield world.now + 15 * MINUTE
        elsewhere = world.open_lifts("polana")
        if elsewhere:
            scan(world, elsewhere[0], visitor.card, refused="not_valid_here")
        yield world.now + 15 * MINUTE


def _finder(world: World, lift: Lift, card: str, refused: str) -> Process:
    """Somebody found a card and tries it."""
    if world.runs(lift.gate, world.now):
        scan(world, lift, card, refused=refused)
    yield from ()
