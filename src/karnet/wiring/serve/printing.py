"""The worker's printing threads: one queues papers, one per printer prints, so that a silent printer holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID

from karnet.wiring import clock
from karnet.wiring.serve.logs import Logger

_EVERY_S = 0.3
_RETRY_S = 5.0
_LOOK_EVERY = timedelta(seconds=20)
_FORGET_EVERY = timedelta(hours=1)
_ENDS_WITHIN_S = 15.0


@contextmanager
def papers_printed(log: Logger) -> Iterator[None]:
    """Queue and print papers while the block runs. Printers go by the real clock: they know no other."""
    printing = _Printing(log)
    thread = Thread(target=printing.run, name="printing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        printing.stop.set()
        # What is under way then is asked for by whoever comes next.
        thread.join(_ENDS_WITHIN_S)


class _Printing:
    def __init__(self, log: Logger) -> None:
        self.stop = Event()
        self._log = log
        self._busy: dict[UUID, Thread] = {}
        self._forget_at = clock.now()

    def run(self) -> None:
        """Look for work until told to stop."""
        from django.db import DatabaseError, InterfaceError, connection

        while not self.stop.is_set():
            try:
                self._round()
                self.stop.wait(_EVERY_S)
            except (DatabaseError, InterfaceError):
                connection.close()  # The worker's first thread says so already.
                self.stop.wait(_RETRY_S)
            except Exception as fault:
                connection.close()
                self._log.error(f"printing: {type(fault).__name__}: {fault}")
                self.stop.wait(_RETRY_S)
        for thread in list(self._busy.values()):
            thread.join(_ENDS_WITHIN_S)
        connection.close()

    def _round(self) -> None:
        from karnet.devices import printing, queue
        from karnet.devices.posnet.talking import Patience

        while queue.fill() == queue.BATCH and not self.stop.is_set():
            pass
        now, patience = clock.now(), Patience()
        if now >= self._forget_at:
            queue.forget(now)
            self._forget_at = now + _FORGET_EVERY
        for printer in printing.due(now):
            self._start(printer, lambda one: printing.work(one, clock.now, patience, self.stop.is_set))
        for printer in printing.unseen(now - _LOOK_EVERY):
            self._start(printer, lambda one: printing.look(one, clock.now, patience))

    def _start(self, printer: UUID, job: Callable[[UUID], object]) -> None:
        at_it = self._busy.get(printer)
        if at_it is not None and at_it.is_alive():
            return
        thread = Thread(target=self._at_printer, args=(printer, job), name=f"printer {printer}", daemon=True)
        self._busy[printer] = thread
        thread.start()

    def _at_printer(self, printer: UUID, job: Callable[[UUID], object]) -> None:
        from django.db import DatabaseError, InterfaceError, connection

        try:
            job(printer)
        except (DatabaseError, InterfaceError):
            self.stop.wait(_RETRY_S)
        except Exception as fault:
            self._log.error(f"printer {printer}: {type(fault).__name__}: {fault}")
            self.stop.wait(_RETRY_S)
        finally:
            connection.close()
