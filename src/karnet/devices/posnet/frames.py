"""Frames: STX, command, TAB, fields of two letters and a value each followed by TAB, "#", check sum, ETX.

Source: POT-I-DEV-37, "Budowa ramki protokołu", "Suma kontrolna", "Odpowiedzi drukarki", "Błędy ramki".
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

import msgspec

STX, ETX, TAB = 0x02, 0x03, 0x09
MAX_FRAME = 8192
"""Bytes between STX and ETX; the longest field of any command has 2000 characters."""

_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A command, or what the printer answers to one.

    `fields`: values by their two letters, as bytes of the printer's code page. `token` 0..9999 comes back with the
    answer. `error`: why the printer did not do it; `rejected`: the frame itself was at fault (its command is "ERR").
    """

    command: str
    fields: Mapping[str, bytes] = {}
    token: int | None = None
    error: int | None = None

    @property
    def rejected(self) -> bool:
        """Tell whether the printer could not read the frame: nothing was done."""
        return self.command == "ERR"

    def number(self, name: str) -> int | None:
        """Return a field as a whole number ("23,00" is 2300: hundredths stay); None where it is absent or none."""
        digits = self.fields.get(name, b"").replace(b",", b"").replace(b".", b"")
        return int(digits) if digits.isdigit() and len(digits) <= 18 else None

    def truth(self, name: str) -> bool:
        """Return a field of type BOOL; absent is False."""
        return self.fields.get(name, b"")[:1] in (b"1", b"t", b"T", b"y", b"Y")


class Garbled(msgspec.Struct, frozen=True):
    """Bytes that are no frame: a wrong check sum, a broken frame, noise. `why` for people who look into logs."""

    why: str


def checksum(body: bytes) -> int:
    """Return the CRC-16 of a frame's body: polynomial 0x1021, initially 0, nothing reflected or inverted."""
    return binascii.crc_hqx(body, 0)


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame. Raises ValueError for values that hold control characters."""
    parts = [frame.command.encode("ascii")]
    if frame.token is not None:
        if not 0 <= frame.token <= 9999:
            raise ValueError(f"token {frame.token} has not four digits")
        parts.append(f"@{frame.token:04d}".encode())
    if frame.error is not None:
        parts.append(f"?{frame.error}".encode())
    for name, value in frame.fields.items():
        if len(name) != 2 or any(byte < 0x20 and byte != 0x0A for byte in value):
            raise ValueError(f"field {name} cannot be sent: {value!r}")
        parts.append(name.encode("ascii") + value)
    body = b"".join(part + b"\t" for part in parts)
    return bytes((STX,)) + body + f"#{checksum(body):04X}".encode() + bytes((ETX,))


def decode(inner: bytes) -> Frame | Garbled:
    """Return the frame between STX and ETX."""
    body, mark, told = inner[:-5], inner[-5:-4], inner[-4:]
    if mark != b"#":
        return Garbled("no check sum")
    try:
        right = int(told, 16) == checksum(body)
    except ValueError:
        return Garbled("no check sum")
    if not right:
        return Garbled("wrong check sum")
    command, *parts = body.split(b"\t")
    if not command or len(command) > 32 or not _NAME.issuperset(command):
        return Garbled("no command")
    token = error = None
    fields: dict[str, bytes] = {}
    for part in parts:
        if part.startswith(b"@") and part[1:].isdigit() and len(part) == 5:
            token = int(part[1:])
        elif part.startswith(b"?") and part[1:].isdigit() and len(part) <= 7:
            error = int(part[1:])
        elif len(part) >= 2 and _NAME.issuperset(part[:2]):
            fields[part[:2].decode("ascii")] = part[2:]
        elif part:
            return Garbled("a field without a name")
    return Frame(command=command.decode("ascii"), fields=fields, token=token, error=error)


class Decoder:
    """Finds frames in a stream of bytes, in whatever pieces they come. Never raises; remembers at most one frame."""

    def __init__(self) -> None:
        self._inner: bytearray | None = None

    def feed(self, data: bytes) -> list[Frame | Garbled]:
        """Return what is complete by now. What stands outside frames is passed over; a new STX begins anew, so half a
        frame never swallows the next one."""
        found: list[Frame | Garbled] = []
        for byte in data:
            if byte == STX:
                if self._inner is not None:
                    found.append(Garbled("half a frame"))
                self._inner = bytearray()
            elif self._inner is None:
                continue
            elif byte == ETX:
                found.append(decode(bytes(self._inner)))
                self._inner = None
            elif len(self._inner) >= MAX_FRAME:
                found.append(Garbled("too long"))
                self._inner = None
            else:
                self._inner.append(byte)
        return found
