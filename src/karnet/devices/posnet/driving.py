"""The machine that prints once, sans I/O: it asks, is answered or not, and ends in what came of it (docs/devices.md).

How nothing is printed twice and nothing is lost: before a receipt begins, the printer is asked how many it has finished
(`scnt`), and the answer is remembered by whoever drives (`Remember`). After any silence the next try looks first: an
open transaction is cancelled, so that no late command can finish it any more; then the counter says whether ours was
finished. One more than remembered, with our own totals in the printer's memory of its last receipt (`strns`): printed.
As many as remembered: not printed. Anything else, a daily report in between or another program's receipt, is for a
person to look at: `Unclear`.

Machines are generators: they yield Ask or Remember, and get a Reply for each Ask.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

import msgspec

from karnet.devices.documents import Document
from karnet.devices.posnet.commands import LETTERS, Commands, Paper, Unprintable, rates, receipt, slip
from karnet.devices.posnet.frames import Frame

State = Literal["silent", "no_paper", "cover_open", "attention", "busy", "fault"]
"""Why a printer prints nothing now. `attention`: it waits for somebody at its keys; `fault`: its mechanism."""

_MECHANISM: dict[int, State] = {1: "cover_open", 3: "cover_open", 5: "no_paper", 10: "cover_open"}
_DEVICE: dict[int, State] = {1: "attention", 2: "attention", 3: "attention"}
NO_TRANSACTION = 2005


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Send a command and wait for its answer. `at_once`: one that the printer answers whatever it is at."""

    frame: Frame
    at_once: bool = False


class Silence(msgspec.Struct, frozen=True):
    """No answer came, or none that could be read, or the connection broke: nobody knows whether it was done."""


Reply = Frame | Silence


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the printer had done before ours began: its number, daily reports, finished receipts, headers printed; and
    what ours comes to by VAT number (empty for papers that are not sales). `report`: ours is a daily report."""

    printer: str
    reports: int
    receipts: int
    headers: int
    totals: tuple[int, ...] = ()
    report: bool = False


class Remember(msgspec.Struct, frozen=True):
    """Keep the mark where no loss of power reaches it, before anything further is asked. None: forget it."""

    mark: Mark | None


class Printed(msgspec.Struct, frozen=True):
    """It is on paper. `number`: the printer's own, "0014/00053" (daily report, receipt); "" for what is not fiscal."""

    number: str


class Waits(msgspec.Struct, frozen=True):
    """Nothing can be done now; try again. The mark, if one was given out, holds."""

    state: State


class Declined(msgspec.Struct, frozen=True):
    """The printer refused and nothing was printed. `code`: POT-I-DEV-37, "Opisy błędów"; `command`: at which it did."""

    code: int
    command: str


class Unclear(msgspec.Struct, frozen=True):
    """Whether it was printed nobody can tell from here: somebody looks at the paper. `unanswered`: of printers that
    cannot be asked afterwards (ESC/POS)."""

    why: Literal["other_printer", "other_receipts", "daily_report", "unanswered"]


Outcome = Printed | Waits | Declined | Unclear | Unprintable
Machine = Generator[Ask | Remember, Reply, Outcome]
Step = Generator[Ask | Remember, Reply, Frame]


class _Stop(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(repr(outcome))
        self.outcome = outcome


def print_document(document: Document, paper: Paper, mark: Mark | None) -> Machine:
    """Print a sale's receipt, or the slip of a return, once. `mark`: what an earlier try remembered, None for none.

    Whoever runs it keeps the mark with the job until it ends in anything but Waits.
    """
    try:
        state = yield from look()
        if state is not None:
            return Waits(state)
        counted = yield from _settled(mark)
        if isinstance(counted, (Printed, Unclear)):
            return counted
        if document.kind == "return":
            return (yield from _slip(document, counted))
        if document.kind == "report":
            return (yield from _report(counted))
        programmed = rates((yield from _told(Frame(command="vatget"))))
        prepared = receipt(document, programmed, paper)
        if isinstance(prepared, Unprintable):
            yield Remember(None)
            return prepared
        return (yield from _receipt(prepared, msgspec.structs.replace(counted, totals=prepared.totals)))
    except _Stop as stop:
        return stop.outcome


def look_only() -> Machine:
    """Ask the printer how it is; ends in Waits with the reason, or Printed where it could print."""
    state = yield from look()
    return Printed("") if state is None else Waits(state)


def look() -> Generator[Ask | Remember, Reply, State | None]:
    """Return why the printer cannot print now; None: it can. Answered at once, also while it waits for paper."""
    reply = yield Ask(frame=Frame(command="!sprn"), at_once=True)
    if isinstance(reply, Silence):
        return "silent"
    mechanism = reply.number("pr") or 0
    if mechanism:
        return _MECHANISM.get(mechanism, "fault")
    reply = yield Ask(frame=Frame(command="!sdev"), at_once=True)
    return "silent" if isinstance(reply, Silence) else _DEVICE.get(reply.number("ds") or 0)


def _settled(mark: Mark | None) -> Generator[Ask | Remember, Reply, Mark | Printed | Unclear]:
    """End whatever is open, then judge what an earlier try did; return what the printer has done until now."""
    status = yield from _told(Frame(command="scomm"))
    if status.number("ts"):
        yield from _told(Frame(command="trcancel"), errors=True)
    counters = yield from _told(Frame(command="scnt"))
    now = _mark(counters)
    if mark is None:
        return now
    last = yield from _told(Frame(command="strns"))
    return judged(mark, now, last, counters)


def judged(mark: Mark, now: Mark, last: Frame, counters: Frame) -> Mark | Printed | Unclear:
    """Return whether what was begun at `mark` has been printed: Printed, Unclear, or (it was not) where we begin."""
    if now.printer != mark.printer:
        return Unclear("other_printer")
    if mark.report and now.reports == mark.reports + 1:
        return Printed(f"{now.reports:04d}")
    if now.reports != mark.reports:
        return Unclear("daily_report")
    if mark.report:
        return now
    if not mark.totals:
        if now.headers == mark.headers:
            return now
        return Printed("") if now.headers == mark.headers + 1 else Unclear("other_receipts")
    if now.receipts == mark.receipts:
        return now
    ours = tuple(last.number(f"v{letter}") or 0 for letter in LETTERS) == mark.totals and not last.number("to")
    if now.receipts == mark.receipts + 1 and ours:
        return Printed(_number(now, counters))
    return Unclear("other_receipts")


def _receipt(prepared: Commands, mark: Mark) -> Machine:
    yield Remember(mark)
    declined: Declined | None = None
    for frame in prepared.frames:
        answer = yield from _told(frame, errors=True)
        if answer.error is not None:
            declined = Declined(answer.error, frame.command)
            break
    # Also after a refusal: what was refused may be the echo of a command of ours that had been done.
    found = yield from _settled(mark)
    if isinstance(found, Mark):
        yield Remember(None)
        return declined or Declined(NO_TRANSACTION, "trend")
    return found


def _slip(document: Document, mark: Mark) -> Machine:
    yield Remember(mark)
    answer = yield from _told(slip(document), errors=True)
    if answer.error is not None:
        yield Remember(None)
        return Declined(answer.error, "stocash")
    return Printed("")


def _report(mark: Mark) -> Machine:
    """Make the daily report, for the day by the printer's own clock: it takes no other."""
    clock = yield from _told(Frame(command="rtcget"))
    yield Remember(msgspec.structs.replace(mark, report=True))
    answer = yield from _told(Frame(command="dailyrep", fields={"da": clock.fields.get("da", b"")[:10]}), errors=True)
    if answer.error is not None:
        yield Remember(None)
        return Declined(answer.error, "dailyrep")
    return Printed(f"{mark.reports + 1:04d}")


def _told(frame: Frame, *, errors: bool = False) -> Step:
    """Ask and return the answer; give up where none came. `errors`: the caller deals with refusals."""
    reply = yield Ask(frame=frame)
    if isinstance(reply, Silence):
        state = yield from look()
        raise _Stop(Waits(state or "silent"))
    if reply.error is not None and not errors:
        raise _Stop(Waits("busy"))
    return reply


def _mark(counters: Frame) -> Mark:
    return Mark(
        printer=counters.fields.get("nu", b"").decode("ascii", "replace"),
        reports=counters.number("rd") or 0,
        receipts=counters.number("bn") or 0,
        headers=counters.number("hn") or 0,
    )


def _number(now: Mark, counters: Frame) -> str:
    return f"{now.reports + 1:04d}/{counters.number('bt') or now.receipts:05d}"
