"""The paper and the switches of a simulated printer, on a small page of its own server and as text."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from karnet.devices.escpos.serving import SlipServer
from karnet.devices.posnet.serving import PosnetServer

SHOWN = 400
"""Lines of paper on the page."""


class Panel(msgspec.Struct, frozen=True):
    """What can be seen of a simulated printer and done to it. `facts`: sums and switches as they stand now."""

    title: str
    paper: Sequence[str]
    facts: Callable[[], Mapping[str, str]]
    switches: Mapping[str, Callable[[], None]]


def posnet_panel(server: PosnetServer) -> Panel:
    """Return the panel of a fiscal printer."""
    printer = server.printer

    def facts() -> Mapping[str, str]:
        sums = {f"PTU {'ABCDEFG'[n]}": _money(amount) for n, amount in enumerate(printer.totals) if amount}
        told = {"receipts": str(printer.receipts), "cancelled": str(printer.cancelled), "reports": str(printer.reports)}
        state = {"paper": "there" if printer.has_paper else "out", "silent": "yes" if server.silent else "no"}
        return {**sums, **told, **state}

    def silence() -> None:
        server.silent = not server.silent

    def drop() -> None:
        server.drop_after_bytes = 100

    return Panel(
        f"Fiscal printer {printer.number}",
        printer.paper,
        facts,
        {
            "paper in or out": lambda: server.set_paper(not printer.has_paper),
            "silent or not": silence,
            "break the next connection after 100 bytes": drop,
            "off and on": server.restart,
        },
    )


def slip_panel(server: SlipServer) -> Panel:
    """Return the panel of a receipt printer."""
    printer = server.printer

    def facts() -> Mapping[str, str]:
        return {"cuts": str(printer.cuts), "drawer opened": str(printer.drawer), "silent": str(server.silent)}

    def silence() -> None:
        server.silent = not server.silent

    return Panel(
        "Receipt printer",
        printer.paper,
        facts,
        {"paper in or out": lambda: server.set_paper(not printer.has_paper), "silent or not": silence},
    )


def page(panel: Panel) -> str:
    """Return the page of a panel: switches, sums, the paper with its latest lines at the end."""
    buttons = "".join(
        f"<button name=switch value='{html.escape(name)}'>{html.escape(name)}</button> " for name in panel.switches
    )
    facts = " · ".join(f"{html.escape(name)}: {html.escape(value)}" for name, value in panel.facts().items())
    paper = html.escape("\n".join(panel.paper[-SHOWN:]))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(panel.title)}</title>"
        "<style>body{font:16px system-ui;margin:2rem;max-width:44rem}button{font:inherit;padding:.4rem .8rem}"
        "pre{background:#fffef4;color:#111;padding:1rem;border:1px solid #bbb;width:42ch}</style>"
        f"<h1>{html.escape(panel.title)}</h1><p>{facts}</p><form method=post>{buttons}</form><pre>{paper}</pre>"
    )


def serve(panel: Panel, port: int) -> ThreadingHTTPServer:
    """Show a panel at a port of this machine alone, on a thread of its own. Shut the server down to end it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = page(panel).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            sent = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1000)).decode("ascii", "replace")
            name = sent.removeprefix("switch=").replace("+", " ")
            if name in panel.switches:
                panel.switches[name]()
            self.send_response(303)
            self.send_header("Location", "/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _money(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"
