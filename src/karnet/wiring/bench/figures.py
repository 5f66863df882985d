"""The figures. Each measures the service that people use, on the world made for this run; none takes a short cut.

Wall time is counted in full: the transaction, its fsync, its answers. What is only set up is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from karnet.wiring.bench.card import catch_up, relay
from karnet.wiring.bench.claims import claims
from karnet.wiring.bench.dashboard import dashboard_10m
from karnet.wiring.bench.gates import gates_http
from karnet.wiring.bench.measure import Figure, Yardstick, profiled, rate, rate_with_latency, timed
from karnet.wiring.bench.pages import first_page, till_sale
from karnet.wiring.bench.settlement import settlement_10m
from karnet.wiring.bench.stays import bills, reprice_stays
from karnet.wiring.bench.tabs import tabs, tabs_batch
from karnet.wiring.bench.world import World

BATCH = 256
Bench = Callable[[World, Yardstick, Path], Figure]


def gates_single(world: World, against: Yardstick, out: Path) -> Figure:
    """One scan a transaction, one after the other: what a lone gate waits for."""
    from karnet.access.services import admit

    scans = world.scans(1500)
    admit([next(scans)])
    took = [timed(lambda scan=scan: world.admitted(admit([scan]))) for scan in (next(scans) for _ in range(1200))]  # type: ignore[misc]
    with profiled(out / "profile-gates_single.txt"):
        for scan in (next(scans) for _ in range(200)):
            admit([scan])
    return rate_with_latency(took, against, "one scan, one durable commit", aim=">= 400/s")


def gates_batch(world: World, against: Yardstick, out: Path) -> Figure:
    """Scans of 256 cards a transaction: what the gateway makes of a busy minute."""
    from karnet.access.services import admit

    batches = _batches(world, 50)
    world.admitted(admit(next(batches)))
    took = [timed(lambda scans=scans: world.admitted(admit(scans))) for scans in (next(batches) for _ in range(40))]  # type: ignore[misc]
    with profiled(out / "profile-gates_batch.txt"):
        for _ in range(8):
            admit(next(batches))
    return rate_with_latency(took, against, f"{BATCH} scans, one durable commit", each=BATCH, aim=">= 8,000/s")


def gates_history(world: World, against: Yardstick, out: Path) -> Figure:
    """One scan of a card with 5,000 passages behind it: must cost what a new card costs."""
    from karnet.access.services import admit

    took = [timed(lambda scan=scan: world.admitted(admit([scan]))) for scan in world.old_card_scans(300)]  # type: ignore[misc]
    return rate_with_latency(took, against, "one scan of a card with 5,000 earlier passages, one durable commit")


def sales_batch(world: World, against: Yardstick, out: Path) -> Figure:
    """Sales of one new card with one ticket, cash, 64 sales a transaction."""
    from karnet.orders.services import sell

    batches = [world.sales(64) for _ in range(24)]
    world.sold(sell(batches[0]))
    took = [timed(lambda sales=sales: world.sold(sell(sales))) for sales in batches[1:17]]  # type: ignore[misc]
    with profiled(out / "profile-sales_batch.txt"):
        for sales in batches[17:]:
            world.sold(sell(sales))
    return rate_with_latency(took, against, "sales of a card with a ticket, 64 a durable commit", each=64)


def seal(world: World, against: Yardstick, out: Path) -> Figure:
    """Sealing everything recorded so far: indices, tiles, signed checkpoints, folded accounts; 1,024 a commit."""
    with world.sealer() as sealer:
        began = time.perf_counter()
        count = sealer.seal_all()
        seconds = time.perf_counter() - began
    return rate(count, seconds, against, f"{count} operations, 1,024 a durable commit", aim=">= 20,000/s")


def verify(world: World, against: Yardstick, out: Path) -> Figure:
    """`karnet journal verify`: entries, columns, tiles, checkpoints."""
    entries, seconds = world.verify()
    return rate(entries, seconds, against, f"{entries} entries", aim=">= 100,000/s")


def rebuild(world: World, against: Yardstick, out: Path) -> Figure:
    """`karnet rebuild --check`: replay into empty tables and compare every row."""
    operations, seconds = world.rebuild()
    return rate(operations, seconds, against, f"{operations} operations replayed and compared", aim=">= 20,000/s")


def settlement_1m(world: World, against: Yardstick, out: Path) -> Figure:
    """A season of a million passages settled from nothing."""
    passages = world.grow_to(1_000_000)
    seconds = timed(world.settle)
    bare = timed(world.bare_scan)
    with profiled(out / "profile-settlement_1m.txt"):
        world.settle()
    return Figure(
        seconds=round(seconds, 2),
        ratio=round(seconds / bare, 2),
        note=f"{passages} passages; ratio: to summing the same rows in bare SQL ({bare:.2f} s)",
        aim="<= 5 s",
    )


FIGURES: dict[str, Bench] = {
    "gates_single": gates_single,
    "gates_batch": gates_batch,
    "gates_history": gates_history,
    "sales_batch": sales_batch,
    "seal": seal,
    "verify": verify,
    "rebuild": rebuild,
    "settlement_1m": settlement_1m,
    "bills": bills,
    "reprice": reprice_stays,
    "tabs": tabs,
    "tabs_batch": tabs_batch,
    "first_page": first_page,
    "till_sale": till_sale,
    "gates_http": gates_http,
    "relay": relay,
    "catch_up": catch_up,
    # Its history is not in the record, so it comes after everything that reads the record.
    "dashboard_10m": dashboard_10m,
    # On the same season, or on one made for it.
    "settlement_10m": settlement_10m,
    # A hundred thousand seats are more than a sealer that nobody runs has sealed: no page should be measured after it.
    "claims": claims,
}


def _batches(world: World, count: int) -> Iterator[list[Any]]:
    scans = world.scans(count * BATCH)
    for _ in range(count):
        yield [next(scans) for _ in range(BATCH)]
