"""News of the tables, between processes: somebody sealed, received or asked. PostgreSQL's LISTEN, one connection.

The trigger on `journal_tree` (wiring.database) notifies at commit, so whoever hears it finds what it is about.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connections
from psycopg import Error as PsycopgError

CHANNEL = "karnet_news"
_LOOK_S = 1.0
"""How long hearing may go wrong unnoticed. Waiters look by themselves as often, so news lost costs a second."""


class News:
    """Counts news. A waiter remembers the count it has seen, so that nothing between two looks is missed."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()

    @property
    def count(self) -> int:
        """How much news there was so far."""
        return self._count

    def tell(self) -> None:
        """Wake every waiter."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Return the count as soon as it is not `seen` any more, or after so many seconds."""
        with self._changed:
            if self._count == seen:
                self._changed.wait(max(0.0, seconds))
            return self._count

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen in a thread of its own while the block runs."""
        thread = threading.Thread(target=self.listen, name="news", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self.tell()
            thread.join(_LOOK_S * 3)

    def listen(self) -> None:
        """Listen until `heard` ends, whatever becomes of the database meanwhile."""
        while not self._stop.is_set():
            own = connections["default"].copy()
            try:
                own.ensure_connection()
                with own.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                self.tell()  # What came before the first LISTEN, or between two, is looked for once.
                while not self._stop.is_set():
                    for _ in own.connection.notifies(timeout=_LOOK_S, stop_after=1):
                        self.tell()
            except (DatabaseError, InterfaceError, PsycopgError):
                self._stop.wait(_LOOK_S)
            finally:
                own.close()
