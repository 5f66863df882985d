"""The simulated fiscal printer on a TCP port, with the faults that printers and networks have.

One thread reads each connection, one does the commands, in the order they came; so what was sent is done although its
sender has gone, as in a real printer.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import Literal

import msgspec

from karnet.devices.posnet.frames import Decoder, Frame, Garbled, encode
from karnet.devices.posnet.simulated import SimulatedPrinter

FaultKind = Literal[
    "drop_before", "drop_after", "drop_half", "silent_before", "silent_after", "half", "twice", "garbled", "late",
    "unread", "power_before", "power_after", "no_paper",
]  # fmt: skip
"""What goes wrong at a command. before/after: the command is not done / is done. `drop`: the connection breaks;
`silent`: no answer; `half`, `garbled`: such an answer; `drop_half`: half an answer, then the connection breaks; `twice`:
the answer comes twice; `late`: after everybody has stopped waiting; `unread`: the printer cannot read the frame;
`power`: off and on; `no_paper`: the roll ends here."""

FAULTS: tuple[FaultKind, ...] = FaultKind.__args__  # type: ignore[attr-defined]
_CRC = 5


class Fault(msgspec.Struct, frozen=True):
    """What goes wrong, at the how-manieth command that is not asked at once (the first is 0)."""

    at: int
    kind: FaultKind


class PosnetServer:
    """A simulated printer that listens. `port` 0 takes a free one. Close it, or use it as a context."""

    def __init__(self, printer: SimulatedPrinter, host: str = "127.0.0.1", port: int = 0) -> None:
        self.printer = printer
        self.faults: list[Fault] = []
        self.silent = False
        self.drop_after_bytes: int | None = None
        self.asked = 0
        self._lock = threading.Condition()
        self._work: queue.Queue[tuple[socket.socket, Frame] | None] = queue.Queue()
        self._late: list[tuple[socket.socket, bytes]] = []
        self._links: set[socket.socket] = set()
        self._listener = socket.create_server((host, port))
        self._ending = False
        self.port: int = self._listener.getsockname()[1]
        for job in (self._accept, self._do):
            threading.Thread(target=job, daemon=True).start()

    def __enter__(self) -> PosnetServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """The address as printers are written down."""
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and let everybody go."""
        self._ending = True
        self._work.put(None)
        with self._lock:
            self._lock.notify_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop_all()

    def set_paper(self, there: bool) -> None:
        """Put a roll in, or take it out. What waited for it is done."""
        with self._lock:
            self.printer.has_paper = there
            self._lock.notify_all()

    def restart(self) -> None:
        """Switch it off and on: connections break, what had not been begun is forgotten."""
        with self._lock:
            self._forget()
            self.printer.lose_power()
            self._lock.notify_all()
        self._drop_all()

    def _accept(self) -> None:
        while not self._ending:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._links.add(link)
            threading.Thread(target=self._read, args=(link,), daemon=True).start()

    def _read(self, link: socket.socket) -> None:
        decoder, room = Decoder(), self.drop_after_bytes
        with contextlib.suppress(OSError):
            while data := link.recv(4096):
                if room is not None:
                    data, room = data[:room], room - len(data)
                for found in decoder.feed(data):
                    self._heard(link, found)
                if room is not None and room <= 0:
                    self.drop_after_bytes = None
                    break
        self._drop(link)

    def _heard(self, link: socket.socket, found: Frame | Garbled) -> None:
        if isinstance(found, Garbled):
            self._tell(link, encode(Frame(command="ERR", error=_CRC)))
        elif found.command.startswith("!"):
            if not self.silent:
                self._tell(link, encode(self.printer.answer(found)))
        else:
            self._work.put((link, found))

    def _do(self) -> None:
        while (item := self._work.get()) is not None:
            link, frame = item
            with self._lock:
                fault = next((one.kind for one in self.faults if one.at == self.asked), None)
                self.asked += 1
            self._one(link, frame, fault)

    def _one(self, link: socket.socket, frame: Frame, fault: FaultKind | None) -> None:
        if fault == "unread":
            self._tell(link, encode(Frame(command="ERR", error=_CRC, token=frame.token)))
            return
        if fault in ("power_before", "drop_before", "silent_before"):
            if fault == "power_before":
                self.restart()
            elif fault == "drop_before":
                self._drop(link)
            return
        with self._lock:
            if fault == "no_paper":
                self.printer.has_paper = False
            while (self.silent or self.printer.must_wait(frame)) and not self._ending:
                if not self._lock.wait(0.2) and link not in self._links and self.silent:
                    return
            answer = encode(self.printer.answer(frame))
        if fault == "power_after":
            self.restart()
        elif fault != "silent_after":
            self._reply(link, answer, fault)

    def _reply(self, link: socket.socket, answer: bytes, fault: FaultKind | None) -> None:
        late, self._late = self._late, []
        for old, data in late:
            self._tell(old, data)
        if fault == "late":
            self._late.append((link, answer))
        elif fault in ("half", "drop_half"):
            self._tell(link, answer[: len(answer) // 2])
        elif fault == "twice":
            self._tell(link, answer + answer)
        elif fault == "garbled":
            self._tell(link, answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:])
        elif fault != "drop_after":
            self._tell(link, answer)
        if fault in ("drop_after", "drop_half"):
            self._drop(link)

    def _forget(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                if self._work.get_nowait() is None:
                    self._work.put(None)
                    return

    def _tell(self, link: socket.socket, data: bytes) -> None:
        with contextlib.suppress(OSError):
            link.sendall(data)

    def _drop(self, link: socket.socket) -> None:
        with self._lock:
            self._links.discard(link)
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.close()

    def _drop_all(self) -> None:
        for link in list(self._links):
            self._drop(link)
