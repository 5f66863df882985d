"""The application that the HTTP server loads, in a process of its own."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import threading

from django.core.wsgi import get_wsgi_application

from karnet.wiring.installation import Installation
from karnet.wiring.serve.ending import end_orderly_or_not
from karnet.wiring.serve.logs import start_logging


def _end_with_parent() -> None:
    """The HTTP server's own supervisor may be killed; then nobody would end this process."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        end_orderly_or_not()

    threading.Thread(target=wait, name="parent", daemon=True).start()


_end_with_parent()
start_logging(Installation.load(), "web")
application = get_wsgi_application()
