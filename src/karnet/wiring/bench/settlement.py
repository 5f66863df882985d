"""Settling a season of ten million passages, beside the bare scan of the same rows; time and memory."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from karnet.wiring.bench.measure import Figure, Yardstick, profiled, timed
from karnet.wiring.bench.season import Season
from karnet.wiring.bench.world import World


def settlement_10m(world: World, against: Yardstick, out: Path) -> Figure:
    """The season settled from nothing over everything sealed. The ratio is that to summing the same rows in bare SQL.

    The passages are made in SQL (bench.season says why that may be); the tickets they are divided among are real ones.
    Memory: the peak of this process, and what the database put into temporary files meanwhile.
    """
    season = Season(world)
    if world.count("access_passage") < season.passages:
        season.sell()
        season.fill_today()
        season.fill_history()
    passages = world.count("access_passage")
    bare = timed(world.bare_scan)
    before, spilled = _peak_mb(), world.spilled_mb()
    seconds = timed(world.settle)
    after, spilled_after = _peak_mb(), world.spilled_mb()
    with profiled(out / "profile-settlement_10m.txt"):
        world.settle()
    return Figure(
        seconds=round(seconds, 2),
        ratio=round(seconds / bare, 2),
        note=(
            f"{passages:,} passages; ratio: to summing the same rows in bare SQL ({bare:.2f} s); this process's peak"
            f" {after} MB ({before} MB before), temporary files of the database {max(0, spilled_after - spilled)} MB"
        ),
        aim="<= 60 s",
    )


def _peak_mb() -> int:
    """Return the most memory this process has had so far, MiB (Linux counts in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)
