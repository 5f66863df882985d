"""A worker process of the HTTP server ends when its parent is gone, however that ended."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import threading

from karnet.wiring.serve.ending import end_orderly_or_not


def end_with_parent() -> None:
    """Watch the parent in a thread. The HTTP server's own supervisor may be killed; then nobody else would end us."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        end_orderly_or_not()

    threading.Thread(target=wait, name="parent", daemon=True).start()
