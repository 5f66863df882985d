"""The back office with a season behind it: what a page costs after ten million passages, beside its bare queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from karnet.wiring.bench.measure import Figure, Yardstick, latency, timed
from karnet.wiring.bench.season import Season
from karnet.wiring.bench.site import serving
from karnet.wiring.bench.visitor import Visitor, again_for
from karnet.wiring.bench.world import PASSWORD, World

_MARK = r"<(?:h1|h2|div class=\"figures\")"


def dashboard_10m(world: World, against: Yardstick, out: Path) -> Figure:
    """The live dashboard and other pages after a season, and what the dashboard cost when the day was the first.

    The history is made in SQL (bench.season says why that may be). The ratio is that of the dashboard with the season
    behind it to the same page, with the same day, without it: 1 means that its cost does not grow with history.
    """
    season = Season(world)
    season.sell()
    season.fill_today()
    world.clerk("season-manager", "manager")
    pages = _pages(world)
    names = ["dashboard", "passages", "sales", "refusals", "journal"]
    with serving(world.installation, season.now) as address:
        before = _looked_at(address, {name: pages[name] for name in names}, world.size.seconds)
        season.fill_history()
        closing_s = timed(lambda: _close(world, season))
        after = _looked_at(address, pages, world.size.seconds)
    bare = {name: _median(query, world.size.seconds / 4) for name, query in _queries(season).items()}
    parts = {}
    for name, took in after.items():
        middle, late = latency(took)
        notes = [pages[name]]
        if name in before:
            notes.append(f"without history {latency(before[name])[0]:.1f} ms")
        if name in bare:
            notes.append(f"its queries alone {bare[name]:.1f} ms")
        ratio = round(middle / latency(before[name])[0], 2) if name in before else None
        parts[name] = Figure(
            note="; ".join(notes), seconds=round(middle / 1000, 4), ratio=ratio, p50_ms=middle, p99_ms=late
        )
    parts["closing"] = Figure(note="closing the season's first weeks over everything", seconds=round(closing_s, 2))
    whole = parts.pop("dashboard")
    note = f"the dashboard, {season.today:,} passages today of {season.passages:,}; ratio: to the same day without the others"
    return Figure(
        note=note, seconds=whole.seconds, ratio=whole.ratio, p50_ms=whole.p50_ms, p99_ms=whole.p99_ms,
        aim="ratio <= 1.2, p99 <= 250 ms", parts=parts,
    )  # fmt: skip


def _pages(world: World) -> dict[str, str]:
    number = world.chips[0]
    return {
        "dashboard": "/office/",
        "passages": "/office/today/passages",
        "sales": "/office/today/sales",
        "refusals": "/office/today/refusals",
        "journal": "/office/today/journal",
        "search": f"/office/search/?q={number}",
        "card": f"/office/cards/{number}/",
        "settlement": "/office/settlement/?season=2026",
        "closed": "/office/settlement/?season=2026&period=1",
        "pair": "/office/settlement/pair/a/b/?season=2026&period=1",
    }


def _looked_at(address: str, pages: dict[str, str], seconds: float) -> dict[str, list[float]]:
    """Return the seconds of each page, looked at again and again by a manager at the day's end."""
    took = {}
    # A connection of its own: while the history is made, the server would close an idle one.
    with Visitor(address) as manager:
        manager.log_in("season-manager", PASSWORD)
        for name, path in pages.items():
            manager.get(path).found(f"({_MARK})")
            took[name] = again_for(seconds / 2, lambda path=path: manager.get(path).seconds)  # type: ignore[misc]
    return took


def _queries(season: Season) -> dict[str, Callable[[], object]]:
    """Return the queries of each part of the dashboard, without HTTP, session and template."""
    from karnet.access.figures import passages_by_quarter
    from karnet.journal.browsing import last_checkpoint, refusals_by_reason
    from karnet.journal.selectors import progress
    from karnet.orders.figures import refunds, sales_by_product

    span = (season.since, season.until)
    found: dict[str, Callable[[], object]] = {
        "passages": lambda: passages_by_quarter(*span),
        "sales": lambda: (sales_by_product(*span), refunds(*span)),
        "refusals": lambda: refusals_by_reason(*span),
        "journal": lambda: (progress(), last_checkpoint()),
    }
    found["dashboard"] = lambda: [found[name]() for name in ("passages", "sales", "refusals", "journal")]
    return found


def _median(query: Callable[[], object], seconds: float) -> float:
    return latency(again_for(seconds, lambda: timed(query)))[0]


def _close(world: World, season: Season) -> None:
    """Close a period that ends four weeks before today."""
    from karnet.kernel.outcomes import Refused
    from karnet.settlement.services import Close, close

    until = season.since - timedelta(days=28)
    actor = world.clerk("season-manager", "manager")
    (answer,) = close([Close(key="season:close", at=season.now, actor=actor, until=until)])
    assert not isinstance(answer, Refused), answer
