"""Bytes to a printer and back: TCP, or a serial line. No protocol here."""

from __future__ import annotations

import socket
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

DEFAULT_PORTS = {"posnet": 6666, "escpos": 9100}
_BAUDS = (9600, 19_200, 38_400, 57_600, 115_200)
_PIECE = 4096


class Link(Protocol):
    """A connection to a printer. Both ways raise OSError once it is broken."""

    def send(self, data: bytes) -> None:
        """Send all of it, or raise."""

    def receive(self, wait_s: float) -> bytes:
        """Return what came within `wait_s` seconds, at the earliest moment; b"" when nothing did."""

    def close(self) -> None:
        """End the connection; never raises."""


class TcpLink:
    """A printer on the network."""

    def __init__(self, host: str, port: int, wait_s: float) -> None:
        self._socket = socket.create_connection((host, port), wait_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait_s = wait_s

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._wait_s)
        self._socket.sendall(data)

    def receive(self, wait_s: float) -> bytes:
        self._socket.settimeout(max(wait_s, 0.001))
        try:
            data = self._socket.recv(_PIECE)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError("the printer closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


class SerialLink:
    """A printer on a serial line: eight bits, no parity, one stop bit, hardware flow control as the printer's menu says."""

    def __init__(self, port: str, baud: int, wait_s: float, rtscts: bool) -> None:
        import serial  # Only who has a serial printer loads it.

        self._line = serial.Serial(port, baud, timeout=wait_s, write_timeout=wait_s, rtscts=rtscts)
        # What a printer said before we asked anything answers nothing of ours.
        self._line.reset_input_buffer()

    def send(self, data: bytes) -> None:
        self._line.write(data)

    def receive(self, wait_s: float) -> bytes:
        self._line.timeout = max(wait_s, 0.001)
        first: bytes = self._line.read(1)
        return first + self._line.read(self._line.in_waiting) if first else b""

    def close(self) -> None:
        self._line.close()


def problem_with(address: str) -> str:
    """Return why an address cannot be used; "" for one that can, such as tcp://10.0.0.7 or serial:///dev/ttyUSB0?baud=9600."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme == "tcp":
        sound = parts.hostname and not (parts.path or parts.query or parts.username) and port != 0
        return "" if sound else "must be such as tcp://10.0.0.7:6666"
    if parts.scheme == "serial":
        asked = parse_qs(parts.query)
        baud = asked.get("baud", ["9600"])[0]
        sound = parts.path and not parts.netloc and asked.keys() <= {"baud", "rtscts"}
        return "" if sound and baud in map(str, _BAUDS) else "must be such as serial:///dev/ttyUSB0?baud=9600"
    return "must begin with tcp:// or serial://"


def connect(address: str, default_port: int, wait_s: float) -> Link:
    """Open a link to an address that `problem_with` finds nothing wrong with. Raises OSError where nothing answers."""
    parts = urlsplit(address)
    if parts.scheme == "tcp":
        assert parts.hostname is not None, "checked when it was written down"
        return TcpLink(parts.hostname, parts.port or default_port, wait_s)
    asked = parse_qs(parts.query)
    return SerialLink(parts.path, int(asked.get("baud", ["9600"])[0]), wait_s, asked.get("rtscts", ["0"])[0] == "1")
