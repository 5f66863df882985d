"""A link that can be cut: a TCP relay between a member and a hub node. What goes through it is TLS, and stays so."""

from __future__ import annotations

import contextlib
import socket
import threading

_CHUNK = 65_536


class Link:
    """Listens on a free port of this machine and carries every connection to `target` (host, port), until it is cut."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._up = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name=f"link-{self.port}", daemon=True).start()

    @property
    def address(self) -> str:
        """What a member calls instead of the node."""
        return f"https://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection and take no more."""
        with self._lock:
            self._up = False
            broken, self._open = self._open, set()
        for end in broken:
            _close(end)

    def mend(self) -> None:
        """Carry connections again."""
        with self._lock:
            self._up = True

    def close(self) -> None:
        """End for good."""
        self.cut()
        _close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        try:
            called = socket.create_connection(self._target, timeout=5)
        except OSError:
            _close(caller)
            return
        called.settimeout(None)
        for end in (caller, called):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            up = self._up
            if up:
                self._open |= {caller, called}
        if not up:
            _close(caller)
            _close(called)
            return
        self._join(caller, called)

    def _join(self, caller: socket.socket, called: socket.socket) -> None:
        """Carry what either says to the other, until one of them ends."""
        threading.Thread(target=self._pour, args=(caller, called), daemon=True).start()
        self._pour(called, caller)

    def _pour(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        _close(source)
        _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
