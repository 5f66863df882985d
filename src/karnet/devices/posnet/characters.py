"""Characters a printer knows, and names it accepts for goods (POT-I-DEV-37, "Typy danych", "Znaki dopuszczalne")."""

from __future__ import annotations

import unicodedata
from typing import Literal

CodePage = Literal["cp1250", "mazovia", "latin2"]
"""What the printer's code page is set to: Windows-1250, Mazovia, or Latin 2 (IBM 852)."""

_MAZOVIA = dict(
    zip("ĄąĆćĘęŁłŃńÓóŚśŹźŻż", bytes.fromhex("8f86958d90919c92a5a4a3a2989ea0a6a1a7"), strict=True),
)
_MAZOVIA_BACK = {byte: letter for letter, byte in _MAZOVIA.items()}
_PYTHON = {"cp1250": "cp1250", "latin2": "cp852"}
_PLAIN = str.maketrans({"’": "'", "‘": "'", "„": '"', "”": '"', "“": '"', "–": "-", "—": "-", "\u00a0": " ", "×": "x"})


def encoded(text: str, page: CodePage, length: int) -> bytes:
    """Return text for a field: at most `length` characters, controls gone, letters the page lacks without their accents
    ("ö" in Mazovia is "o"), anything else "?"."""
    plain = "".join(char if char.isprintable() else " " for char in text.translate(_PLAIN))[:length]
    return b"".join(_byte(char, page) for char in plain)


def decoded(data: bytes, page: CodePage) -> str:
    """Return the text of a field; bytes the page does not have are "?"."""
    if page == "mazovia":
        return "".join(chr(byte) if byte < 0x80 else _MAZOVIA_BACK.get(byte, "?") for byte in data)
    return data.decode(_PYTHON[page], "replace").replace("\ufffd", "?")


def _byte(char: str, page: CodePage) -> bytes:
    if " " <= char <= "~":
        return char.encode("ascii")
    if (found := _known(char, page)) is not None:
        return found
    base = unicodedata.normalize("NFKD", char)[0]
    return base.encode("ascii") if " " <= base <= "~" else b"?"


def _known(char: str, page: CodePage) -> bytes | None:
    if page == "mazovia":
        byte = _MAZOVIA.get(char)
        return None if byte is None else bytes((byte,))
    try:
        return char.encode(_PYTHON[page])
    except UnicodeEncodeError:
        return None


def goods_key(name: str) -> str:
    """Return what the printer compares names of goods by: letters in any case, digits, and `,.%/\\`. Empty: it accepts
    no such name."""
    return "".join(char for char in name.lower() if char.isalnum() or char in ",.%/\\")
