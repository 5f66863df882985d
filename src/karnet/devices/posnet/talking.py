"""A machine and a link brought together: frames out, answers in, silence where none comes."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from karnet.devices.links import Link
from karnet.devices.posnet.driving import Ask, Machine, Mark, Outcome, Remember, Reply, Silence
from karnet.devices.posnet.frames import Decoder, Frame, Garbled, encode

_SENDS = 3
"""How often one frame is sent that the printer could not read."""


class Patience(msgspec.Struct, frozen=True):
    """Seconds to wait for an answer: to commands that print, and to those that are answered at once."""

    printing_s: float = 20.0
    at_once_s: float = 3.0


class Talk:
    """A conversation over one link. Every command carries a token, so an answer that comes late or twice is known for
    what it is and passed over."""

    def __init__(self, link: Link, patience: Patience, first_token: int = 0) -> None:
        self._link, self._patience = link, patience
        self._token = first_token % 10_000
        self._decoder = Decoder()
        self._broken = False

    def ask(self, asked: Ask) -> Reply:
        """Send a command and return its answer, or Silence. A frame the printer could not read is sent again: it was
        not done."""
        for _ in range(_SENDS):
            answer = self._once(asked)
            if isinstance(answer, Silence) or not answer.rejected:
                return answer
        return Silence()

    def _once(self, asked: Ask) -> Reply:
        if self._broken:
            return Silence()
        self._token = (self._token + 1) % 10_000
        wait_s = self._patience.at_once_s if asked.at_once else self._patience.printing_s
        until = time.monotonic() + wait_s
        try:
            self._link.send(encode(msgspec.structs.replace(asked.frame, token=self._token)))
            while (left := until - time.monotonic()) > 0:
                for found in self._decoder.feed(self._link.receive(left)):
                    if self._answers(found, asked.frame):
                        assert isinstance(found, Frame), "what is garbled answers nothing"
                        return found
        except OSError:
            self._broken = True
        return Silence()

    def _answers(self, found: Frame | Garbled, asked: Frame) -> bool:
        if isinstance(found, Garbled):
            return False
        if found.rejected:
            return found.token in (None, self._token)
        return found.token == self._token and found.command.lstrip("!") == asked.command.lstrip("!")


def run(machine: Machine, talk: Talk, remember: Callable[[Mark | None], None]) -> Outcome:
    """Drive a machine to its end. `remember` returns once the mark is kept; what it raises ends the run, and nothing
    was sent of what the mark was for."""
    reply: Reply | None = None
    try:
        while True:
            step = next(machine) if reply is None else machine.send(reply)
            if isinstance(step, Remember):
                remember(step.mark)
                reply = None
            else:
                reply = talk.ask(step)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
