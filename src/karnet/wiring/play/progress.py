"""Progress of a run on a terminal: a bar with the scenario's own clock, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from karnet.wiring.play.player import Outcome

Advance = Callable[[Outcome], None]


@contextmanager
def bar(total: int, *, show: bool) -> Iterator[Advance]:
    """Within the block, calling the yielded function with each outcome moves the bar; a no-op where nobody looks."""
    if not show:
        yield lambda outcome: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    # Outcomes printed to the same terminal must go above the bar; piped ones must not be touched.
    redirect = sys.stdout.isatty()
    with Progress(*columns, console=console, redirect_stdout=redirect, redirect_stderr=False) as progress:
        task = progress.add_task("", total=total)

        def advance(outcome: Outcome) -> None:
            progress.update(task, advance=1, description=f"{outcome.line.step.at:%d.%m. %H:%M}")

        yield advance
