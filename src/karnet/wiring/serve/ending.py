"""When a process of ours ends: told by a signal, or because its supervisor is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

SUPERVISOR_PIPE = "KARNET_SUPERVISOR_PIPE"
"""Environment: a descriptor that shows end of file when the supervisor, however it died, is gone."""

_ORDERLY_MAY_TAKE_S = 15.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """The wish to end, as an event. A second signal ends the process at once (KeyboardInterrupt).

    `install` makes it listen to signals, in the main thread.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._reading, self._writing = os.pipe()
        self._signals = 0

    def install(self) -> None:
        """Listen to SIGINT, SIGTERM and SIGHUP from here on."""
        os.set_blocking(self._writing, False)
        for number in SIGNALS:
            signal.signal(number, self._signalled)
        # Event.set may not be called by a handler: it might interrupt Event.wait while that holds the event's lock.
        threading.Thread(target=self._wait_for_signal, name="ending", daemon=True).start()

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            raise KeyboardInterrupt
        os.write(self._writing, b"!")

    def _wait_for_signal(self) -> None:
        os.read(self._reading, 1)
        self.event.set()


def end_with_supervisor() -> bool:
    """Make this process end itself when its supervisor is gone; False if it has none and runs alone."""
    pipe = os.environ.pop(SUPERVISOR_PIPE, None)
    if pipe is None:
        return False

    def wait() -> None:
        os.read(int(pipe), 1)
        end_orderly_or_not()

    threading.Thread(target=wait, name="supervisor", daemon=True).start()
    return True


def end_orderly_or_not() -> None:
    """Ask this process to end, and end it if it does not. Called by a thread that saw its parent go."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_ORDERLY_MAY_TAKE_S)
    os._exit(1)
