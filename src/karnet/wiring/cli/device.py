"""`karnet device …`: simulated devices as servers of their own, to try an installation without any hardware."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from karnet.wiring.cli.frame import Session, karnet_group

if TYPE_CHECKING:
    from karnet.devices.showing import Panel

_EVERY_S = 0.3


@karnet_group(
    examples="""
    karnet device posnet --port 6666 --web 8066
    karnet device escpos --port 9100
    """
)
def command() -> None:
    """Simulated printers (docs/devices.md)."""


@command.command(
    "posnet",
    examples="""
    karnet device posnet --port 6666 --web 8066      paper and switches at http://127.0.0.1:8066/
    """,
)
@click.option("--port", type=click.IntRange(0, 65_535), default=6666, help="Where it listens.")
@click.option("--web", type=click.IntRange(0, 65_535), help="Where its paper and its switches are shown.")
@click.option("--page", type=click.Choice(["cp1250", "mazovia", "latin2"]), default="cp1250", help="Its code page.")
@click.pass_obj
def posnet(session: Session, port: int, web: int | None, page: str) -> None:
    """Run a fiscal printer that checks frames and sums, keeps totals, and shows its paper. Ctrl-C ends it."""
    from karnet.devices.posnet.serving import PosnetServer
    from karnet.devices.posnet.simulated import SimulatedPrinter
    from karnet.devices.showing import posnet_panel

    printer = SimulatedPrinter(page=page)  # type: ignore[arg-type]
    with PosnetServer(printer, port=port) as server:
        _show(session, f"fiscal printer at {server.address}", posnet_panel(server), web)


@command.command(
    "escpos",
    examples="""
    karnet device escpos --port 9100 --web 8067
    """,
)
@click.option("--port", type=click.IntRange(0, 65_535), default=9100, help="Where it listens.")
@click.option("--web", type=click.IntRange(0, 65_535), help="Where its paper and its switches are shown.")
@click.pass_obj
def escpos(session: Session, port: int, web: int | None) -> None:
    """Run a receipt printer that reads ESC/POS and shows its paper. Ctrl-C ends it."""
    from karnet.devices.escpos.serving import SlipServer
    from karnet.devices.escpos.simulated import SimulatedSlipPrinter
    from karnet.devices.showing import slip_panel

    with SlipServer(SimulatedSlipPrinter(), port=port) as server:
        _show(session, f"receipt printer at {server.address}", slip_panel(server), web)


def _show(session: Session, what: str, panel: Panel, web: int | None) -> None:
    """Print the paper as it comes out until interrupted."""
    from karnet.devices.showing import serve

    page = serve(panel, web) if web is not None else None
    shown = f", paper and switches at http://127.0.0.1:{page.server_address[1]}/" if page else ""
    session.say(f"{what}{shown}")
    printed = 0
    try:
        while True:
            for line in panel.paper[printed:]:
                printed += 1
                session.line({"line": line}, line)
            time.sleep(_EVERY_S)
    finally:
        if page is not None:
            page.shutdown()
