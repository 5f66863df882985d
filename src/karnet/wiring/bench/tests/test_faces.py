"""Figures of the faces in small: they run, against real server processes, and measure what they say. No time is tested."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from karnet.wiring.bench.dashboard import dashboard_10m
from karnet.wiring.bench.gates import gates_http
from karnet.wiring.bench.measure import Figure, Yardstick
from karnet.wiring.bench.pages import first_page, till_sale
from karnet.wiring.bench.season import DAYS, Season
from karnet.wiring.bench.settlement import settlement_10m
from karnet.wiring.bench.site import serving
from karnet.wiring.bench.world import Size, World
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import ensure_log_key

pytestmark = pytest.mark.database
AGAINST = Yardstick(name="none", per_s=1.0)
SMALL = Size(passages=DAYS * 10, cards=DAYS, seconds=0.02, gates=(3,), tills=2)


@pytest.fixture
def world(database: None, database_clone: str) -> Iterator[World]:
    """A small world in the test database; its site reaches it by the address of a database server of one's own."""
    with tempfile.TemporaryDirectory() as place:
        home = Installation.create(
            Path(place) / "home", name="karnet.test/log", environment={"DATABASE_URL": database_clone}
        )
        ensure_log_key(home)
        yield World(home, lambda text: None, SMALL)


def _count(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {sql}")
        return int(cursor.fetchone()[0])


def _sound(figure: Figure) -> bool:
    return all((one.per_s or one.seconds or 0) > 0 for one in (figure, *figure.parts.values()))


def test_pages_sales_and_scans_are_measured_over_http(world: World, tmp_path: Path) -> None:
    with serving(world.installation, world.now):
        pages = first_page(world, AGAINST, tmp_path)
        assert set(pages.parts) == {"static_file", "log_in", "home", "till", "dashboard"}
        assert _sound(pages)
        before = _count("orders_order")
        assert _sound(till_sale(world, AGAINST, tmp_path))
        # One sale before the clock is looked at, and at each till at least one.
        assert _count("orders_order") >= before + 2 + SMALL.tills
        before = _count("access_passage")
        assert _sound(gates_http(world, AGAINST, tmp_path))
        assert _count("access_passage") >= before + 1 + sum(SMALL.gates)
        assert (tmp_path / "profile-gates_http.txt").stat().st_size > 0


def test_the_dashboard_is_measured_over_a_season_that_is_there(world: World, tmp_path: Path) -> None:
    figure = dashboard_10m(world, AGAINST, tmp_path)
    assert _sound(figure)
    assert set(figure.parts) >= {"passages", "sales", "refusals", "journal", "search", "card", "closed", "closing"}
    assert _count("access_passage") == SMALL.passages
    season = Season(world)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(at) >= %s, count(DISTINCT gate) FROM access_passage WHERE at >= %s AND at < %s",
            [season.since, season.since, season.until],
        )
        assert cursor.fetchone() == (season.today, True, 10)
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'access_passage'")
        assert cursor.fetchone() == (4,), "the indexes are made again"


def test_a_season_made_in_sql_is_settled_beside_its_bare_scan(world: World, tmp_path: Path) -> None:
    figure = settlement_10m(world, AGAINST, tmp_path)
    assert _sound(figure)
    assert f"{SMALL.passages:,} passages" in figure.note
