"""A believable day as a scenario: the sample network, who comes, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from heapq import merge
from random import Random

from karnet.wiring.demo import counter, network, people, slope, swimming
from karnet.wiring.demo.network import DESKS
from karnet.wiring.demo.people import HOUR, MINUTE
from karnet.wiring.demo.world import EVENING, TILLS_CLOSE, World
from karnet.wiring.play.steps import Step

SEED = 2026
SKIERS = 2000


def generate(seed: int = SEED, skiers: int = SKIERS, day: date = date(2026, 1, 17)) -> Iterator[Step]:
    """Yield the steps of a day on the sample network, the network's own set-up first, in the order of time.

    Pure: the same arguments give the same steps. Each step expects the outcome the simulation reckons with.
    """
    yield from network.setup(day)
    world = World(seed, day)
    groups = people.draw(Random(f"{seed}:{day}"), skiers, card_prefix=f"{day:%y%m%d}")  # noqa: S311
    for desk in DESKS:
        if desk.kind == "partner":
            world.start(EVENING - 30 * MINUTE, counter.shift(world, desk, EVENING + 5 * HOUR))
        if desk.operator is not None:
            world.start(8 * HOUR, counter.shift(world, desk, TILLS_CLOSE + 10 * MINUTE))
    world.start(8 * HOUR - 10 * MINUTE, counter.early_bird(world, DESKS[0]))
    for group in groups:
        if group.early:
            world.start(EVENING + world.chance.randrange(3 * HOUR), counter.buy(world, group))
        world.start(group.arrives_s, slope.visit(world, group))
    yield from world.run()


def whole(seed: int = SEED, skiers: int = SKIERS, day: date = date(2026, 1, 17)) -> Iterator[Step]:
    """Yield a day on the slopes and at the pool beside them, in the order of time: one card for both. Pure, as `generate`."""
    return merge(generate(seed, skiers, day), swimming.swim(seed, skiers, day), key=lambda step: step.at)
