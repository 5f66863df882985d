"""A log that is sealed, attacked, lost and recovered: its database is the test's, its files are an installation's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from karnet.journal.founding import found_server
from karnet.journal.tests.test_transaction import AT, enrol, request
from karnet.wiring.installation import Installation
from karnet.wiring.sealing import sealer_for

NAME = "karnet.test/log"


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory that every account may pass through."""
    path = Path(tempfile.mkdtemp(prefix="kt-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(place: Path) -> Installation:
    """An installation with files of its own; its log is in the test database."""
    return Installation.create(place / "home", name=NAME, environment={})


@pytest.fixture
def server(database: None) -> UUID:
    return found_server(NAME, AT)


def record(server: UUID, count: int, prefix: str = "gate") -> None:
    """Record `count` operations."""
    enrol([request(server, f"{prefix} {i}", f"{prefix} {i}") for i in range(count)])


def seal(home: Installation) -> int:
    """Seal all there is, as few commits as it takes; return how many entries that was."""
    _wait_for_the_horizon()
    with sealer_for(home) as sealer:
        return sealer.seal_all()


def _wait_for_the_horizon() -> None:
    # Transactions of other tests' databases on this server hold the sealer back for a moment, too.
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM journal_operation WHERE transaction >= pg_snapshot_xmin(pg_current_snapshot())"
            )
            if cursor.fetchone() == (0,):
                return
