"""Tests run on a real PostgreSQL: each worker has a cluster of its own, with a migrated template and a clone of it.

`pytestmark = pytest.mark.database` (or the fixture `database`) gives a test a database with empty tables, connected as
`karnet_app`: guards and rights are the real ones, commits are real. Afterwards the superuser empties every table.
Threads get connections of their own from Django; close them with `django.db.connection.close()` at the thread's end.
`superuser` is a connection that no right stops, for attacks by SQL.

A file is one worker's, so that what it makes for all its tests is made once; files that wait for processes come first, so
that the last minute is many small ones.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import hypothesis
import psycopg
import pytest
from django.utils import translation
from xdist.scheduler import LoadFileScheduling

_DATA = "KARNET_TEST_DATA"
_TEMPLATE = "karnet_template"

os.environ["DJANGO_SETTINGS_MODULE"] = "karnet.wiring.settings"
os.environ.setdefault("KARNET_SECRET_KEY", "tests only")
django.setup()
# A busy machine is no failure: tests have no wall-clock limit.
hypothesis.settings.register_profile("karnet", deadline=None)
hypothesis.settings.load_profile("karnet")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database: the test commits to a real PostgreSQL database, emptied afterwards")
    config.addinivalue_line("markers", "durability: the test kills processes of a cluster of its own, fsync on")
    if not hasattr(config, "workerinput"):
        place = tempfile.mkdtemp(prefix="karnet-test-", dir=_shelf())
        Path(place).chmod(0o711)  # PostgreSQL may run as another user
        os.environ[_DATA] = place


SLOWEST_FIRST = (
    "tests/network/",
    "tests/operating/",
    "tests/durability/",
    "tests/faces/",
    "src/karnet/wiring/",
    "src/karnet/federation/sim/",
    "tests/",
    "",
)
ONE_CARD = "tests/network/"
"""Tests that share a card of several servers, in the order in which they stand."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next(n for n, start in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(start)))


class _ByFile(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        shares = nodeid.startswith(ONE_CARD) and "test_operating_docs" not in nodeid
        return ONE_CARD if shares else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return _ByFile(config, log)  # type: ignore[arg-type]


def _shelf() -> str | None:
    """In memory where there is room: cloning and emptying databases is mostly files, and none outlives the run."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    return str(memory) if roomy else None


def pytest_collection_finish(session: pytest.Session) -> None:
    # What was imported stays: the garbage collector need not look through all of it again and again.
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(_DATA, ""), ignore_errors=True)


@pytest.fixture(scope="session")
def installation() -> Iterator[object]:
    """This worker's installation, its database server up (fsync off: durability tests make their own).

    A server each: the sealer waits for every transaction of the server that might still matter, so what one worker's
    test sees would depend on another's. No autovacuum for the same reason.
    """
    from karnet.wiring.installation import Installation
    from karnet.wiring.postgres import Role, dsn, running

    path = Path(os.environ[_DATA]) / os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = Installation.create(path, name="karnet.test/log", environment={})
    with running(made, fsync=False):
        with psycopg.connect(dsn(made, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        _make_template(made)
        yield made


def _make_template(made: object) -> None:
    import subprocess

    from karnet.wiring.postgres import create_database

    create_database(made, _TEMPLATE)
    # A process of its own, so that no connection to the template stays open here.
    code = (
        "from pathlib import Path; from karnet.wiring.boot import boot; from karnet.wiring.postgres import Role;"
        "from karnet.wiring.installation import Installation;"
        f"boot(Installation.load(Path({str(made.path)!r}), environment={{}}), Role.OWNER, {_TEMPLATE!r});"
        "from karnet.wiring.database import migrate; migrate()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="session")
def database_clone(installation: object) -> str:
    """This worker's clone of the template, Django connected to it; the superuser's connection string."""
    from django.conf import settings
    from django.db import connections

    from karnet.wiring.postgres import Role, create_database, dsn
    from karnet.wiring.settings import database

    name = "karnet_tests"
    create_database(installation, name, _TEMPLATE)
    connections["default"].close()
    del connections["default"]
    settings.DATABASES["default"] = database(dsn(installation, Role.APP, name))
    connections.settings = connections.configure_settings(settings.DATABASES)
    return dsn(installation, Role.SUPERUSER, name)


@pytest.fixture
def database(database_clone: str) -> Iterator[None]:
    """Empty tables, real commits; emptied again afterwards."""
    yield
    empty_tables(database_clone)


@pytest.fixture
def superuser(database_clone: str) -> Iterator[psycopg.Connection]:
    """A connection that no right stops (attacks on the record, clean-up). Autocommit."""
    with psycopg.connect(database_clone, autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _language_of_nobody() -> None:
    """A page asked for in a test leaves its reader's language behind."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _marked_database(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("database"):
        request.getfixturevalue("database")


def empty_tables(dsn: str) -> None:
    """Delete every row of every table, guards and foreign keys aside, and start the numbers again."""
    from django.db import connections

    connections["default"].close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname NOT IN"
            " ('django_migrations', 'django_content_type', 'auth_permission')"
        ).fetchall()
        # One statement: DELETE of small tables is far cheaper than TRUNCATE, and replica mode skips triggers.
        deletes = "; ".join(f'DELETE FROM "{table}"' for (table,) in rows)
        connection.execute(f"SET session_replication_role = replica; {deletes}")
        connection.execute("SELECT setval('journal_operation_number', 1, false)")
