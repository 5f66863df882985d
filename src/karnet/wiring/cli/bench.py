"""`karnet bench`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from karnet.wiring.bench.figures import FIGURES
from karnet.wiring.bench.measure import Figure, Results, Yardstick, machine, write_results, yardstick
from karnet.wiring.boot import boot
from karnet.wiring.cli.frame import Session, karnet_command
from karnet.wiring.cli.init import found, migrate
from karnet.wiring.installation import Installation
from karnet.wiring.postgres import Role, remove, running


@karnet_command(
    examples="""
    karnet bench                                       every figure, about a quarter of an hour
    karnet bench gates_single gates_batch              some of them
    karnet bench --out ./results --seconds 30          a longer yardstick, results elsewhere
    """
)
@click.argument("names", nargs=-1, type=click.Choice(list(FIGURES)), metavar="[FIGURE]...")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench/results"), show_default=True, metavar="DIR")
@click.option(
    "--passages", type=click.IntRange(1000), default=10_000_000, show_default=True, help="How many a whole season has."
)
@click.option("--seconds", type=click.IntRange(1), default=15, show_default=True, help="How long the yardstick runs.")
@click.pass_obj
def command(session: Session, names: tuple[str, ...], out: Path, passages: int, seconds: int) -> None:
    """Measure the services on an installation made for it, durable as in life, beside a yardstick of the same run.

    Figures come in an order of their own, whatever the order they are named in. Writes latest.json and profiles of the
    hottest paths into --out. The installation is removed afterwards.
    """
    out.mkdir(parents=True, exist_ok=True)
    before = machine()
    with _installation() as installation, running(installation, progress=session.say):
        migrate(session, installation)
        found(installation)
        session.say(f"the yardstick: pgbench for {seconds} s")
        against = yardstick(installation, seconds)
        boot(installation, Role.APP)
        chosen = [name for name in FIGURES if name in names or not names]
        figures = _measured(session, installation, against, chosen, passages, out)
    results = Results(machine=before, yardstick=against, figures=figures)
    write_results(results, out / "latest.json")
    session.answer(results, _table(results))


def _measured(
    session: Session, installation: Installation, against: Yardstick, names: list[str], passages: int, out: Path
) -> dict[str, Figure]:
    from karnet.wiring.bench.world import Size, World  # Needs Django's models.

    world = World(installation, session.say, Size(passages=passages))
    figures = {}
    for name in names:
        session.say(name)
        figures[name] = FIGURES[name](world, against, out)
        session.say(_line(name, figures[name]))
    return figures


@contextmanager
def _installation() -> Iterator[Installation]:
    # On a disk, not in memory: what is measured is durable. Open to the account that PostgreSQL may run under.
    path = Path(tempfile.mkdtemp(prefix="karnet-bench-", dir="/var/tmp"))
    path.chmod(0o711)
    installation = Installation.create(path / "installation", name="karnet.bench/log", environment={})
    try:
        yield installation
    finally:
        remove(installation)
        shutil.rmtree(path, ignore_errors=True)


def _table(results: Results) -> str:
    lines = [f"yardstick: {results.yardstick.name}, {results.yardstick.per_s:,.0f}/s"]
    return "\n".join([*lines, *(_line(name, figure) for name, figure in results.figures.items())])


def _line(name: str, figure: Figure) -> str:
    value = f"{figure.per_s:,.0f}/s" if figure.per_s is not None else f"{figure.seconds:,.2f} s"
    ratio = f"{figure.ratio:.2f}×" if figure.ratio is not None else ""
    late = f"p50 {figure.p50_ms:.2f} ms, p99 {figure.p99_ms:.2f} ms" if figure.p50_ms is not None else ""
    aim = f"(aim {figure.aim})" if figure.aim else ""
    line = f"{name:15} {value:>12} {ratio:>8}  {late}  {aim}  {figure.note}".rstrip()
    return "\n".join([line, *(_line(f"  {part}", one) for part, one in figure.parts.items())])
