"""`karnet federation simulate`."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

import click
import msgspec

from karnet.wiring.cli.exits import Exit
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.cli.progress import counting

if TYPE_CHECKING:
    from karnet.federation.sim.history import Failed, Told


@karnet_command(
    examples="""
    karnet federation simulate                              a hundred histories, from seed 0 on
    karnet federation simulate --seed 4711                  this one history again, told in full
    karnet federation simulate --histories 20000 --seed 1   the long way
    karnet federation simulate --attack rewrite             every history with this attack
    """
)
@click.option("--seed", type=click.IntRange(0), help="The first seed. Alone: play just this one.")
@click.option("--histories", type=click.IntRange(1), help="How many, each with the next seed.  [default: 100]")
@click.option("--attack", help="What one member does in every history; a wrong name lists them.")
@click.pass_obj
def simulate(session: Session, seed: int | None, histories: int | None, attack: str | None) -> Exit:
    """Play made-up histories of the common card in memory and check what must hold (docs/federation.md).

    Needs no installation and no database. Ends with 1 if something does not hold, and tells the seeds.
    """
    _set_up()
    from karnet.federation.sim.attacks import ATTACKS
    from karnet.federation.sim.history import Failed, play

    gc.collect()
    gc.freeze()  # What was imported stays: nothing of it need be looked through again and again.

    if attack is not None and attack not in ATTACKS:
        raise click.BadParameter(f"one of {', '.join(ATTACKS)}", param_hint="--attack")
    count = histories or (100 if seed is None else 1)
    told: list[Told] = []
    failed: list[Failed] = []
    began = time.monotonic()
    with counting(session, "histories") as progress:
        for number in range(seed or 0, (seed or 0) + count):
            try:
                told.append(play(number, attack))
            except Failed as failure:
                failed.append(failure)
            progress(number - (seed or 0) + 1, count)
    totals = Counter[str]()
    for one in told:
        counted = {"operations": one.operations, "messages": one.messages, "crashes": one.killed}
        counted |= {"overdrawn": one.overdrawn, "claimed_twice": one.claimed_twice, "attacked": int(one.attacked)}
        totals.update(counted)
    session.answer(
        {
            "histories": count,
            "failed": [{"seed": failure.seed, "what": failure.what} for failure in failed],
            "totals": dict(totals),
            "told": [msgspec.to_builtins(one) for one in told] if count == 1 else [],
        },
        _in_words(count, totals, told, failed, time.monotonic() - began),
    )
    return Exit.REFUSED if failed else Exit.OK


def _in_words(count: int, totals: Counter[str], told: list[Told], failed: list[Failed], seconds: float) -> str:
    lines = [f"✗ {failure}" for failure in failed]
    if count == 1 and told:
        lines.append(f"seed {told[0].seed}: {told[0].plan}")
    lines.append(
        f"{count:,} histories in {seconds:.1f} s: {totals['operations']:,} operations, {totals['messages']:,} messages,"
        f" {totals['crashes']:,} crashes, {totals['attacked']:,} attacks,"
        f" {totals['overdrawn']:,} accounts overdrawn, {totals['claimed_twice']:,} things claimed twice"
    )
    lines.append("✓ everything held" if not failed else f"✗ {len(failed):,} failed; `--seed N` plays one again")
    return "\n".join(lines)


def _set_up() -> None:
    """The projections are registered as Django starts; no database is asked anything."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "karnet.wiring.settings")
    os.environ.setdefault("KARNET_SECRET_KEY", "a simulation keeps no secrets")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
