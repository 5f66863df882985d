"""Figures of pages: what somebody waits for in front of a screen. Over HTTP, from real processes (bench.site)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from karnet.wiring.bench.measure import Figure, Yardstick, latency, rate, rate_at_once
from karnet.wiring.bench.site import serving
from karnet.wiring.bench.visitor import Answer, Visitor, again_for, at_once
from karnet.wiring.bench.world import PASSWORD, World

CLIENTS = 4
_BARE = "/static/karnet/tokens.css"
_HEADING = r"<h1[^>]*>([^<]+)"


def first_page(world: World, against: Yardstick, out: Path) -> Figure:
    """Log-in page, home, till and dashboard: time to the first byte, to the last, and a first visit with its files.

    Beside the bare answer of the same server: a small static file, which touches no session and no database. A first
    visit loads the page and every file it names one after the other over one connection: a browser does no worse.
    """
    world.sell_something()
    world.clerk("page-cashier", "cashier")
    world.clerk("page-manager", "manager")
    with serving(world.installation, world.now) as address:
        with Visitor(address) as nobody, Visitor(address) as cashier, Visitor(address) as manager:
            cashier.log_in("page-cashier", PASSWORD)
            manager.log_in("page-manager", PASSWORD)
            open_shift(cashier, world.counter("page-till"))
            pages = [
                ("log_in", nobody, "/login"),
                ("home", manager, "/"),
                ("till", cashier, "/till/"),
                ("dashboard", manager, "/office/"),
            ]
            bare = again_for(world.size.seconds, lambda: nobody.get(_BARE).seconds)
            parts = {"static_file": _one_page(bare, bare, against, "a static file: the bare answer")}
            for name, visitor, path in pages:
                visitor.get(path).found(_HEADING)
                first, last = _looks(visitor, path, world.size.seconds)
                visit = _first_visit(visitor, path)
                note = f"{path}, of that {latency(first)[0]:.2f} ms to the first byte; first visit with files {visit:.1f} ms"
                parts[name] = _one_page(last, bare, against, note)
        took, in_all = at_once([partial(_crowd, address, world.size.seconds)] * CLIENTS)
    page = rate_at_once(took, in_all, against, f"log-in page, {CLIENTS} clients at once", aim="p99 <= 100 ms")
    return _with(page, parts)


def till_sale(world: World, against: Yardstick, out: Path) -> Figure:
    """A sale as the till's page makes it: scan the card, tap the ticket, take the cash, look at the receipt.

    Four requests with session and CSRF, one of them a durable sale: what they take together is the machine's part of
    serving a customer. First one till alone, then several at once.
    """
    sequence = count(1)
    alone: list[dict[str, float]] = []
    with serving(world.installation, world.now) as address, ExitStack() as held:
        first, *tills = [held.enter_context(Visitor(address)) for _ in range(1 + world.size.tills)]
        for n, till in enumerate([first, *tills]):
            _at_till(world, till, n)
        _sale(first, sequence)
        again_for(world.size.seconds, lambda: _noted(alone, _sale(first, sequence)))
        works = [partial(again_for, world.size.seconds, partial(_whole_sale, till, sequence)) for till in tills]
        took, in_all = at_once(works)
    parts = {
        step: _latencies([sale[step] for sale in alone], f"{step}, one till alone")
        for step in ("scan", "choose", "pay", "receipt")
    }
    parts["tills"] = rate_at_once(took, in_all, against, f"sales of {len(tills)} tills at once")
    whole = [sum(sale.values()) for sale in alone]
    figure = rate(
        len(whole), sum(whole), against, "a sale at one till: scan, choose, pay, receipt", aim="p99 <= 1,000 ms"
    )
    middle, late = latency(whole)
    return _with(figure, parts, middle, late)


def open_shift(visitor: Visitor, sales_point: object) -> None:
    """Take a drawer as a cashier does."""
    page = visitor.get("/till/shift")
    key = page.found(r'name="key" value="([^"]+)"')
    visitor.post("/till/shift/open", {"key": key, "sales_point": str(sales_point), "float": "200"})
    visitor.get("/till/").found(r'id="(till-card)"')


def _at_till(world: World, visitor: Visitor, n: int) -> None:
    name = f"sale-cashier-{n}"
    world.clerk(name, "cashier")
    visitor.log_in(name, PASSWORD)
    open_shift(visitor, world.counter(f"sale-till-{n}"))


def _sale(till: Visitor, sequence: Iterator[int]) -> dict[str, float]:
    """Sell a ticket on a new card; return the seconds of each request. Raises RuntimeError if the till says no."""
    number = f"7{next(sequence):09d}"
    scanned = till.post("/till/scan", {"card": number}, part=True)
    # The cheapest tile comes first: a ticket.
    product = scanned.found(r'name="product" value="([^"]+)"')
    chosen = till.post("/till/tile", {"product": product}, part=True)
    key = chosen.found(r'name="key" value="([^"]+)"')
    paid = till.post("/till/pay", {"key": key, "kind": "cash"}, part=True)
    receipt = till.get(paid.found(r'href="(/till/sales/[0-9a-f-]{36})"'))
    receipt.found(f"({number})")
    return {"scan": scanned.seconds, "choose": chosen.seconds, "pay": paid.seconds, "receipt": receipt.seconds}


def _whole_sale(till: Visitor, sequence: Iterator[int]) -> float:
    began = time.perf_counter()
    _sale(till, sequence)
    return time.perf_counter() - began


def _noted(sales: list[dict[str, float]], sale: dict[str, float]) -> float:
    sales.append(sale)
    return sum(sale.values())


def _looks(visitor: Visitor, path: str, seconds: float) -> tuple[list[float], list[float]]:
    """Look at a page again and again; return the times to the first byte and to the last."""
    seen: list[Answer] = []

    def look() -> float:
        seen.append(visitor.get(path))
        return seen[-1].seconds

    again_for(seconds, look)
    return [answer.first_byte_s for answer in seen], [answer.seconds for answer in seen]


def _first_visit(visitor: Visitor, path: str) -> float:
    """Return the ms of a page with all the files it names."""
    page = visitor.get(path)
    return (page.seconds + sum(visitor.get(file).seconds for file in page.files)) * 1000


def _crowd(address: str, seconds: float) -> list[float]:
    with Visitor(address) as visitor:
        return again_for(seconds, lambda: visitor.get("/login").seconds)


def _one_page(seconds: list[float], bare: list[float], against: Yardstick, note: str) -> Figure:
    figure = rate(
        len(seconds), sum(seconds), against, f"{note}; {latency(seconds)[0] / latency(bare)[0]:.1f} × a static file"
    )
    middle, late = latency(seconds)
    return _with(figure, {}, middle, late)


def _latencies(seconds: list[float], note: str) -> Figure:
    middle, late = latency(seconds)
    return Figure(note=note, seconds=round(sum(seconds) / len(seconds), 4), p50_ms=middle, p99_ms=late)


def _with(figure: Figure, parts: dict[str, Figure], p50_ms: float | None = None, p99_ms: float | None = None) -> Figure:
    changes = {"parts": parts, **({"p50_ms": p50_ms, "p99_ms": p99_ms} if p50_ms is not None else {})}
    return msgspec.structs.replace(figure, **changes)
