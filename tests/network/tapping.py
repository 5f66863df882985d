"""A link that hears what it carries: it ends TLS with the hub's own key, and speaks TLS again to the hub's node."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from karnet.wiring.card_keys import certificate_file, certificate_key_file
from karnet.wiring.installation import Installation
from karnet.wiring.network.links import Link, _close

_CHUNK = 65_536


class TappedLink(Link):
    """Keeps every byte said over it in `heard`: a buffer for each direction of each connection."""

    def __init__(self, target: tuple[str, int], hub: Path) -> None:
        installation = Installation.load(hub, environment={})
        self._as_node = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._as_node.load_cert_chain(certificate_file(installation), certificate_key_file(installation))
        self._as_member = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._as_member.check_hostname, self._as_member.verify_mode = False, ssl.CERT_NONE
        self.heard: list[bytearray] = []
        super().__init__(target)

    def _join(self, caller: socket.socket, called: socket.socket) -> None:
        with self._lock:
            self._open -= {caller, called}
        ends: list[ssl.SSLSocket] = []
        try:
            for end, dress in ((caller, self._dressed_as_node), (called, self._dressed_as_member)):
                end.settimeout(10)
                ends.append(dress(end))
                ends[-1].setblocking(False)
            with self._lock:
                up = self._up
                if up:
                    self._open |= set(ends)
            if up:
                self._listen(*ends)
        except (OSError, ValueError):  # ValueError: closed under us by `cut`
            pass
        finally:
            with self._lock:
                self._open -= set(ends)
            for end in (*ends, caller, called):
                _close(end)

    def _dressed_as_node(self, end: socket.socket) -> ssl.SSLSocket:
        return self._as_node.wrap_socket(end, server_side=True)

    def _dressed_as_member(self, end: socket.socket) -> ssl.SSLSocket:
        return self._as_member.wrap_socket(end)

    def _listen(self, caller: ssl.SSLSocket, called: ssl.SSLSocket) -> None:
        """One thread for both directions: a TLS connection is not read and written at once."""
        other = {caller: called, called: caller}
        heard: dict[ssl.SSLSocket, bytearray] = {end: bytearray() for end in other}
        self.heard += heard.values()
        while True:
            waiting = [end for end in other if end.pending()] or select.select(list(other), [], [])[0]
            for end in waiting:
                try:
                    data = end.recv(_CHUNK)
                except ssl.SSLWantReadError:  # TLS talked to itself
                    continue
                if not data:
                    return
                heard[end] += data
                _send(other[end], data)


def _send(end: ssl.SSLSocket, data: bytes) -> None:
    while data:
        try:
            data = data[end.send(data) :]
        except ssl.SSLWantWriteError:
            select.select([], [end], [])
        except ssl.SSLWantReadError:
            select.select([end], [], [])


def tapped(hub: Path) -> Callable[[tuple[str, int]], Link]:
    """Return what makes tapped links to the nodes of the hub at `hub`."""
    return lambda target: TappedLink(target, hub)
