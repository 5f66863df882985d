"""The simulated receipt printer on a TCP port."""

from __future__ import annotations

import contextlib
import socket
import threading

from karnet.devices.escpos.simulated import SimulatedSlipPrinter


class SlipServer:
    """A simulated receipt printer that listens; `port` 0 takes a free one. `silent`: it takes bytes and says nothing."""

    def __init__(self, printer: SimulatedSlipPrinter, host: str = "127.0.0.1", port: int = 0) -> None:
        self.printer, self.silent = printer, False
        self._lock = threading.Lock()
        self._links: set[socket.socket] = set()
        self._listener = socket.create_server((host, port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> SlipServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """The address as printers are written down."""
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and let everybody go."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in list(self._links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def set_paper(self, there: bool) -> None:
        """Put a roll in, or take it out. What it kept is printed, and said to whoever is there."""
        with self._lock:
            said = self.printer.set_paper(there)
            for link in self._links if said else ():
                with contextlib.suppress(OSError):
                    link.sendall(said)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                self._links.add(link)
                threading.Thread(target=self._read, args=(link,), daemon=True).start()

    def _read(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError), link:
            while data := link.recv(4096):
                with self._lock:
                    said = self.printer.feed(data)
                if said and not self.silent:
                    link.sendall(said)
        self._links.discard(link)
