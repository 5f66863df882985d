"""A count on the terminal while something long runs: on standard error, and only where a person watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from karnet.wiring.cli.frame import Session

_EVERY_S = 0.2


@contextmanager
def counting(session: Session, what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield `progress(done, size)`, which shows at most five times a second how far it is."""
    if session.json or not sys.stderr.isatty():
        yield lambda done, size: None
        return
    began = shown = time.monotonic()

    def progress(done: int, size: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _EVERY_S:
            shown = now
            share = 100 * done // size if size else 100
            print(
                f"\r\x1b[K· {done:,} of {size:,} {what} ({share} %, {done / (now - began):,.0f}/s)",
                end="",
                file=sys.stderr,
            )

    try:
        yield progress
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
