"""The worker's second thread: it tells subscribers (webhooks), so that a slow one never holds up what is due at gates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from karnet.wiring import clock
from karnet.wiring.serve.logs import Logger

_EVERY_S = 1.0
_RETRY_S = 5.0
_ENDS_WITHIN_S = 15.0


@contextmanager
def subscribers_told(log: Logger) -> Iterator[None]:
    """Send webhooks while the block runs. Messages go by the real clock: receivers compare it with their own."""
    stop = Event()
    thread = Thread(target=_tell, args=(stop, log), name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        # Longer than one attempt can take; what is under way then is sent again by whoever comes next.
        thread.join(_ENDS_WITHIN_S)


def _tell(stop: Event, log: Logger) -> None:
    from django.db import DatabaseError, InterfaceError, connection

    from karnet.faces.api.webhooks.sending import work

    while not stop.is_set():
        try:
            done = work(clock.now, stop.is_set)
            if done.failed:
                log.warning(f"{done.failed} webhook messages were not taken; they will be sent again")
            stop.wait(_EVERY_S)
        except (DatabaseError, InterfaceError):
            connection.close()  # The worker's first thread says so already.
            stop.wait(_RETRY_S)
        except Exception as fault:
            connection.close()
            log.error(f"webhooks: {type(fault).__name__}: {fault}")
            stop.wait(_RETRY_S)
    connection.close()
