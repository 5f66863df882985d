"""A receipt printer that reads ESC/POS and shows its paper, sans I/O."""

from __future__ import annotations

WIDTH = 42
_PAGES = {
    0: "cp437",
    2: "cp850",
    3: "cp860",
    4: "cp863",
    5: "cp865",
    16: "cp1252",
    17: "cp866",
    18: "cp852",
    19: "cp858",
}
_ESC = {
    0x40: 0, 0x45: 1, 0x61: 1, 0x74: 1, 0x70: 3, 0x64: 1, 0x21: 1, 0x2D: 1, 0x4D: 1, 0x33: 1, 0x32: 0, 0x7B: 1, 0x47: 1,
    0x52: 1, 0x20: 1, 0x4A: 1, 0x56: 1, 0x72: 1,
}  # fmt: skip
"""ESC commands and how many bytes follow: initialise, bold, align, code page, drawer, feed, …"""
_GS = {0x21: 1, 0x42: 1, 0x72: 1, 0x48: 1, 0x68: 1, 0x77: 1, 0x66: 1, 0x4C: 2, 0x57: 2, 0x62: 1}


class SimulatedSlipPrinter:
    """`paper`: lines as they came out. While there is no paper it keeps what it is sent and prints nothing, but answers
    what is asked at once."""

    def __init__(self) -> None:
        self.paper: list[str] = []
        self.cuts = self.drawer = self.unknown = 0
        self.codes: list[str] = []
        self._there = True
        self._kept = bytearray()
        self._line = ""
        self._page = "cp437"
        self._align = 0
        self._code = b""

    @property
    def has_paper(self) -> bool:
        """Whether there is a roll in it."""
        return self._there

    def set_paper(self, there: bool) -> bytes:
        """Put a roll in or take it out; return what it says when what it kept is printed."""
        self._there = there
        return self.feed(b"")

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return the answers."""
        answers = bytearray()
        self._kept += data
        self._at_once(answers)
        while self._there and (taken := self._one(answers)):
            del self._kept[:taken]
        return bytes(answers)

    def _at_once(self, answers: bytearray) -> None:
        """Answer DLE EOT before everything else, wherever it stands."""
        while (found := self._kept.find(b"\x10\x04")) >= 0 and found + 2 < len(self._kept):
            question = self._kept[found + 2]
            del self._kept[found : found + 3]
            missing = {2: 0x20, 4: 0x60}.get(question, 0)
            answers.append(0x12 | (0 if self._there else missing))

    def _one(self, answers: bytearray) -> int:
        """Do the first command kept; return its length, 0 while it is not whole."""
        kept = self._kept
        if not kept:
            return 0
        if kept[0] == 0x10:
            return 1 if len(kept) > 1 and kept[1] != 0x04 else 0
        if kept[0] == 0x1B:
            return self._esc()
        if kept[0] == 0x1D:
            return self._gs(answers)
        self._text(kept[0])
        return 1

    def _text(self, byte: int) -> None:
        if byte == 0x0A:
            room = {0: str.ljust, 1: str.center, 2: str.rjust}[self._align]
            self.paper.append(room(self._line, WIDTH).rstrip())
            self._line = ""
        elif byte >= 0x20:
            self._line += bytes((byte,)).decode(self._page, "replace")

    def _esc(self) -> int:
        kept = self._kept
        if len(kept) < 2:
            return 0
        follow = _ESC.get(kept[1])
        if follow is None:
            self.unknown += 1
            return 2
        if len(kept) < 2 + follow:
            return 0
        if kept[1] == 0x40:
            self._page, self._align = "cp437", 0
        elif kept[1] == 0x74:
            self._page = _PAGES.get(kept[2], "cp437")
        elif kept[1] == 0x61:
            self._align = kept[2] % 48 % 3
        elif kept[1] == 0x70:
            self.drawer += 1
        elif kept[1] == 0x64:
            self.paper += [""] * kept[2]
        return 2 + follow

    def _gs(self, answers: bytearray) -> int:
        kept = self._kept
        if len(kept) < 3:
            return 0
        if kept[1] == 0x28:  # GS ( k: two-dimensional codes, with their length
            return self._long()
        if kept[1] == 0x56:
            self.cuts += 1
            self.paper.append("~" * WIDTH)
            return 4 if kept[2] in (65, 66) and len(kept) > 3 else 3
        follow = _GS.get(kept[1])
        if follow is None:
            self.unknown += 1
            return 2
        if len(kept) < 2 + follow:
            return 0
        if kept[1] == 0x72:
            answers.append(0)
        return 2 + follow

    def _long(self) -> int:
        kept = self._kept
        length = kept[3] + 256 * kept[4] if len(kept) >= 5 else None
        if length is None or len(kept) < 5 + length:
            return 0
        content = bytes(kept[5 : 5 + length])
        if content[1:3] == b"P0":
            self._code = content[3:]
        elif content[1:2] == b"Q":
            self.codes.append(self._code.decode("utf-8", "replace"))
            self.paper.append(f"[QR {self.codes[-1]}]".center(WIDTH).rstrip())
        return 5 + length
