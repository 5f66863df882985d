"""A day at the pool: who comes, where they go, what it comes to. Reckoned with the tariff, so that every step says what
it expects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from karnet.kernel.decimals import money
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import Move, Stay
from karnet.wiring.demo import people, pool
from karnet.wiring.demo.network import CURRENCY, OK, as_text
from karnet.wiring.demo.people import HOUR, MINUTE, Habit, pick
from karnet.wiring.demo.pool import BISTRO, CHANGING, CLERKS, COOK, DESK, DISHES, POOL, TILL, WAYS
from karnet.wiring.demo.world import Process, World
from karnet.wiring.play.steps import CloseShift, OpenShift, Step
from karnet.wiring.play.steps_lockers import TouchLocker
from karnet.wiring.play.steps_stays import Band, ChargeBand, Dish, Enter, ReadBand, SettleStays
from karnet.wiring.play.words import Payment, PaymentKind

OPENS, CLOSES = 9 * HOUR, 22 * HOUR
FLOAT = 30_000
PER_SKIER = 8
"""One swimmer for so many skiers."""
FROM_THE_SLOPE = 0.6
"""Of the skiers whose card is good for more days, so many go for a swim with it in the evening."""

_SIZES = ((1, 45), (2, 30), (3, 15), (4, 10))
_PACKAGES = (("1h", 40), ("2h", 45), ("day", 15))
_ARRIVALS = ((10.5, 1.0, 25), (14.0, 1.5, 30), (18.0, 1.2, 45))
_PLACES = (("lap", 35), ("sauna", 35), ("restaurant", 20), ("machines", 10))
_RATER = Rater(pool.TARIFF)


class Swimmer(msgspec.Struct, kw_only=True):
    """One band, or a skier's card, and what the simulation reckons with of its stay."""

    card: str
    category: str
    package: str
    moves: list[Move] = []
    prepaid: int = 0
    dishes: int = 0

    def bill(self, at: datetime) -> tuple[int, int]:
        """Return what is due for the stay at an instant, and what it costs, minor units."""
        moves = tuple(self.moves)
        stay = Stay(category=self.category, moves=moves, ended=at, package=self.package, prepaid_minor=self.prepaid)
        bill = _RATER.rate(stay)
        return bill.due_minor, bill.total_minor


def swim(seed: int, skiers: int, day: date) -> Iterator[Step]:
    """Yield the pool's day, its set-up first, in the order of time. Pure: the same arguments give the same steps."""
    yield from pool.setup(day)
    world = World(seed, day)
    chance = Random(f"pool:{seed}:{day}")  # noqa: S311 - chance, not secrets
    for till, clerk in CLERKS.items():
        world.cash[till] = FLOAT
        world.start(OPENS - 30 * MINUTE, _shift(world, till, clerk))
    numbers = iter(range(1, 1_000_000))
    left = max(4, skiers // PER_SKIER)
    while left > 0:
        size = min(left, pick(chance, _SIZES))
        left -= size
        hour, spread = pick(chance, tuple(((hour, spread), share) for hour, spread, share in _ARRIVALS))
        comes = int(min(max(chance.gauss(hour, spread), 9.1), 20.2) * HOUR)
        package = pick(chance, _PACKAGES) if comes < 16 * HOUR else pick(chance, _PACKAGES[:2])
        party = [
            Swimmer(card=f"z{day:%y%m%d}{next(numbers):04d}", category="child" if n >= 2 else "adult", package=package)
            for n in range(size)
        ]
        world.start(comes, _come(world, chance, party))
    for card, leaves_s in _from_the_slope(seed, skiers, day, chance):
        swimmer = Swimmer(card=card, category="adult", package="2h")
        world.start(leaves_s + chance.randint(60, 110) * MINUTE, _come(world, chance, [swimmer]))
    yield from world.run()


def _from_the_slope(seed: int, skiers: int, day: date, chance: Random) -> list[tuple[str, int]]:
    """Return the cards of skiers who go for a swim with them, and when they leave the slope: the same people as there."""
    groups = people.draw(Random(f"{seed}:{day}"), skiers, card_prefix=f"{day:%y%m%d}")  # noqa: S311
    lasting = ("days-2", "days-7", "days-5-of-7", "season")
    return [
        (visitor.card, max(visitor.leaves_s, 15 * HOUR))
        for group in groups
        for visitor in group.members
        if visitor.ticket in lasting and visitor.habit is Habit.ORDINARY and chance.random() < FROM_THE_SLOPE
    ]


def _shift(world: World, till: str, clerk: str) -> Process:
    world.emit(OpenShift(at=world.instant(), sales_point=till, operator=clerk, float_amount=as_text(FLOAT), expect=OK))
    yield CLOSES + 45 * MINUTE
    while world.parties:  # Nobody is locked in: the last guests pay, however late.
        yield world.now + 5 * MINUTE
    expected = money(world.cash[till], CURRENCY)
    world.emit(
        CloseShift(
            at=world.instant(), sales_point=till, operator=clerk, counted=expected, expect={"difference": "0.00"}
        )
    )


def _come(world: World, chance: Random, party: list[Swimmer]) -> Process:
    """A party pays in advance, and everybody goes in with a band of their own."""
    at = world.instant()
    world.parties += 1
    for swimmer in party:
        # The package's price is known before anybody is in.
        stay = Stay(category=swimmer.category, moves=(Move(at=at, zone=""),), ended=at, package=swimmer.package)
        swimmer.prepaid = _RATER.rate(stay).total_minor
    total = sum(swimmer.prepaid for swimmer in party)
    till = chance.choice((TILL, DESK))
    label = f"party-{party[0].card}"
    world.emit(
        Enter(
            at=at, sales_point=till, operator=CLERKS[till], tariff="pool", label=label, pay=_pay(world, chance, till, total),
            bands=tuple(Band(card=one.card, category=one.category, package=one.package) for one in party),
            expect={"prepaid": as_text(total)},
        )
    )  # fmt: skip
    party_left = [len(party)]
    yield world.now + chance.randint(2, 6) * MINUTE
    plan = _plan(chance, party[0].package)
    for n, swimmer in enumerate(party):
        world.start(world.now + n * 4, _swim(world, chance, swimmer, plan, party, party_left))


def _plan(chance: Random, package: str) -> list[tuple[str, int]]:
    """Return where a party goes and for how many minutes: mostly near what it paid for."""
    wanted = {"1h": 60, "2h": 120, "day": 260}[package]
    whole = max(25, int(wanted * chance.gauss(0.97, 0.16)))
    plan, left = [("leisure", min(whole, chance.randint(15, 40)))], whole
    left -= plan[0][1]
    while left > 12:
        place, minutes = pick(chance, _PLACES), min(left, chance.randint(12, 45))
        plan += [(place, minutes), ("leisure", min(max(3, left - minutes), chance.randint(4, 25)))]
        left -= plan[-1][1] + minutes
    return plan


def _swim(
    world: World, chance: Random, swimmer: Swimmer, plan: list[tuple[str, int]], party: list[Swimmer], left: list[int]
) -> Process:
    """One of a party: in, through the zones, a meal, and to where the party leaves together."""
    _read(world, swimmer, "in", "leisure")
    _change(world, swimmer, party)
    for place, minutes in plan:
        if place != "leisure":
            way_in, way_back = WAYS[place]
            _read(world, swimmer, way_in, place)
            eats = place == "restaurant" and chance.random() < 0.8
            if eats:
                yield world.now + 5 * MINUTE
                _eat(world, chance, swimmer)
            yield world.now + max(1, minutes - (5 if eats else 0)) * MINUTE
            _read(world, swimmer, way_back, "leisure")
        else:
            yield world.now + minutes * MINUTE
    left[0] -= 1
    if not left[0]:
        yield world.now + 3 * MINUTE
        yield from _leave(world, chance, party)


def _read(world: World, swimmer: Swimmer, gate: str, zone: str) -> None:
    at = world.instant()
    swimmer.moves.append(Move(at=at, zone=zone))
    world.emit(ReadBand(at=at, gate=f"{POOL}/{gate}", card=swimmer.card, expect={"zone": zone}))


def _change(world: World, swimmer: Swimmer, party: list[Swimmer]) -> None:
    """In the changing room, which a party chooses together: the band's locker. It is free again when the band is back."""
    code = CHANGING[int(party[0].card[-1]) % len(CHANGING)]
    reader, section = f"{POOL}/lockers-{code}", code.upper()
    expected = {"section": section, "new": True}
    world.emit(TouchLocker(at=world.instant(), reader=reader, card=swimmer.card, expect=expected))


def _eat(world: World, chance: Random, swimmer: Swimmer) -> None:
    """Somebody else's restaurant charges the band; nothing is paid there."""
    dish, drink = chance.choice(("zurek", "pierogi")), chance.choice(("tea", "cake"))
    swimmer.dishes += DISHES[dish] + DISHES[drink]
    world.emit(
        ChargeBand(
            at=world.instant(), sales_point=BISTRO, operator=COOK, card=swimmer.card, expect=OK,
            extras=tuple(Dish(code=code, price=as_text(DISHES[code])) for code in (dish, drink)),
        )
    )  # fmt: skip


def _leave(world: World, chance: Random, party: list[Swimmer]) -> Process:
    """The party goes to the exit; who owes something is sent to the till, pays, and has the grace to leave."""
    while _owed(party, world.instant()) < _owed(party, world.instant() + timedelta(minutes=1)):
        # At the gate nothing new falls due between the first of them and the last.
        if _owed(party, world.instant()):
            break
        yield world.now + MINUTE
    owed = _owed(party, world.instant())
    if owed and chance.random() < 0.5:
        first = party[0]
        dues = first.bill(world.instant())[0] + sum(one.dishes for one in party)
        if dues:
            facts = {"owed_minor": dues, "currency": CURRENCY}
            world.emit(
                ReadBand(
                    at=world.instant(), gate=f"{POOL}/out", card=first.card,
                    expect={"refused": "money_owed", "facts": facts},
                )
            )  # fmt: skip
        yield world.now + 2 * MINUTE
        owed = _owed(party, world.instant())
    if owed:
        till = chance.choice((TILL, DESK))
        totals = [as_text(one.bill(world.instant())[1]) for one in party]
        world.emit(
            SettleStays(
                at=world.instant(), sales_point=till, operator=CLERKS[till], cards=tuple(one.card for one in party),
                pay=_pay(world, chance, till, owed), mode="pay", expect={"paid": as_text(owed), "totals": totals},
            )
        )  # fmt: skip
        yield world.now + 90
    for swimmer in party:
        world.emit(
            ReadBand(
                at=world.instant(), gate=f"{POOL}/out", card=swimmer.card,
                expect={"zone": "", "ended": True} if owed else {"zone": ""},
            )
        )  # fmt: skip
        yield world.now + 4
    world.parties -= 1


def _owed(party: list[Swimmer], at: datetime) -> int:
    return sum(one.bill(at)[0] + one.dishes for one in party)


def _pay(world: World, chance: Random, till: str, amount: int) -> tuple[Payment, ...]:
    kind: PaymentKind = "cash" if chance.random() < 0.3 else "card"
    if kind == "cash":
        world.cash[till] += amount
    return (Payment(kind=kind, amount=as_text(amount)),)
