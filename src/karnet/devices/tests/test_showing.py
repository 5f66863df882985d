"""The page of a simulated printer: its paper, its sums, its switches."""

from __future__ import annotations

import urllib.request

from karnet.devices.escpos.serving import SlipServer
from karnet.devices.escpos.simulated import SimulatedSlipPrinter
from karnet.devices.posnet.frames import Frame
from karnet.devices.posnet.serving import PosnetServer
from karnet.devices.posnet.simulated import SimulatedPrinter
from karnet.devices.showing import page, posnet_panel, serve, slip_panel


def test_a_page_shows_paper_and_its_switches_work() -> None:
    with PosnetServer(SimulatedPrinter()) as server:
        panel = posnet_panel(server)
        shown = serve(panel, 0)
        address = f"http://127.0.0.1:{shown.server_address[1]}/"
        try:
            server.printer.answer(Frame(command="trinit"))
            line = {"na": b"<Bilet>", "vt": b"1", "pr": b"100"}
            assert server.printer.answer(Frame(command="trline", fields=line)).error is None
            with urllib.request.urlopen(address) as answer:
                text = answer.read().decode()
            assert "&lt;Bilet&gt;" in text
            assert "paper: there" in text
            with urllib.request.urlopen(address, b"switch=paper+in+or+out") as answer:
                assert "paper: out" in answer.read().decode()
            assert not server.printer.has_paper
            urllib.request.urlopen(address, b"switch=nothing").close()
            for switch in panel.switches.values():
                switch()
            assert server.printer.cancelled == 1, "off and on: what was open is cancelled"
        finally:
            shown.shutdown()
            shown.server_close()


def test_a_receipt_printer_has_a_page_as_well() -> None:
    with SlipServer(SimulatedSlipPrinter()) as server:
        panel = slip_panel(server)
        server.printer.feed(b"Kopa\n")
        assert "Kopa" in page(panel)
        for switch in panel.switches.values():
            switch()
        assert (server.printer.has_paper, server.silent) == (False, True)
