"""Sending a slip and hearing that it was printed. ESC/POS command reference: DLE EOT (status at once), GS r (status when
everything before it has been printed)."""

from __future__ import annotations

import time
from collections.abc import Callable

from karnet.devices.links import Link
from karnet.devices.posnet.driving import Mark, Outcome, Printed, State, Unclear, Waits
from karnet.devices.posnet.talking import Patience

OFFLINE, PAPER = b"\x10\x04\x02", b"\x10\x04\x04"
WHEN_DONE = b"\x1dr\x01"
_COVER, _PAPER_END, _FAULT = 0x04, 0x60, 0x40
_SENT = Mark(printer="", reports=0, receipts=0, headers=0)


def print_slip(
    link: Link, data: bytes, mark: Mark | None, patience: Patience, remember: Callable[[Mark | None], None]
) -> Outcome:
    """Print a slip. A receipt printer cannot say what it printed earlier: one that was sent and not heard of is
    Unclear, and somebody looks at the paper."""
    if mark is not None:
        return Unclear("unanswered")
    try:
        state = look(link, patience)
    except OSError:
        state = "silent"
    if state is not None:
        return Waits(state)
    remember(_SENT)
    try:
        link.send(data + WHEN_DONE)
        done = _byte(link, patience.printing_s, is_status=False) is not None
    except OSError:
        done = False
    return Printed("") if done else Unclear("unanswered")


def look(link: Link, patience: Patience) -> State | None:
    """Return why the printer cannot print now; None: it can. Raises OSError for a broken link."""
    for question in (OFFLINE, PAPER):
        link.send(question)
        answer = _byte(link, patience.at_once_s, is_status=True)
        if answer is None:
            return "silent"
        if question == OFFLINE and answer & _COVER:
            return "cover_open"
        if question == OFFLINE and answer & _FAULT:
            return "fault"
        if question == PAPER and answer & _PAPER_END:
            return "no_paper"
    return None


def _byte(link: Link, wait_s: float, *, is_status: bool) -> int | None:
    """Return one byte of an answer: those of DLE EOT have bits 1 and 4 set and 0 and 7 clear, those of GS r have bits
    4 and 7 clear."""
    until = time.monotonic() + wait_s
    while (left := until - time.monotonic()) > 0:
        for byte in link.receive(left):
            if (byte & 0x93 == 0x12) if is_status else (byte & 0x90 == 0):
                return byte
    return None
