"""How often one token may call, and how often one address may guess."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock

_MOST = 10_000


class Rate:
    """A bucket per caller that holds one minute's calls and fills again steadily. Safe between threads.

    It lives in the process: several web processes allow several times as much. It goes by the machine's monotonic
    clock, not by the demo's, since it protects the machine.
    """

    def __init__(self) -> None:
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, caller: object, per_minute: int, cost: float = 1) -> float:
        """Take `cost` calls out of a caller's bucket and return 0; or take nothing and return the seconds to wait."""
        now = time.monotonic()
        with self._lock:
            left, since = self._buckets.pop(caller, (float(per_minute), now))
            left = min(float(per_minute), left + (now - since) * per_minute / 60)
            # More than the bucket holds is let in when it is full: a batch must get in at some time.
            enough = left >= min(cost, per_minute)
            self._buckets[caller] = (left - cost if enough else left, now)
            while len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        return 0 if enough else (min(cost, per_minute) - left) * 60 / per_minute

    def clear(self) -> None:
        """Forget every caller."""
        with self._lock:
            self._buckets.clear()
