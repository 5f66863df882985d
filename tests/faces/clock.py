"""The clock of the test server: the wall clock, or the moment that a test wrote into a file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path


def now() -> datetime:
    """The moment in the file that KARNET_TEST_CLOCK names, else the present one."""
    try:
        return datetime.fromisoformat(Path(os.environ["KARNET_TEST_CLOCK"]).read_text())
    except (KeyError, FileNotFoundError, ValueError):
        return datetime.now(UTC)
