"""A season of passages and refusals, made in SQL: the history under which pages must not grow slow.

Only projections may write projected tables; here the superuser goes past them. That is allowed in this world alone,
which is thrown away: ten million scans through the services take half an hour, and what is measured afterwards reads
tables, not the record. `karnet rebuild --check` would name every one of these rows, as it must, so a figure that reads
the record is not measured after one that was made here (`karnet bench` sees to the order).

Sales are real ones, made by the services, some every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg

from karnet.kernel.time import day_end, day_start, local_day
from karnet.wiring.bench.world import OPENING, ZONE, World
from karnet.wiring.postgres import Role, dsn

DAYS = 84
"""From the opening to just before the season's end: the last of them is the day that is looked at."""
_OPEN_S = 36_000
_REFUSED_EVERY = 20
_CHUNK = 1_000_000


class Season:
    """Fills a world day by day. `day`, the last one, is today: [since, until) around `now`, its late afternoon."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._per_day = max(1, world.size.passages // DAYS)
        self.now = OPENING + timedelta(days=DAYS - 1, seconds=_OPEN_S)
        today = local_day(self.now, ZONE)
        self.since, self.until = day_start(today, ZONE), day_end(today, ZONE)

    @property
    def today(self) -> int:
        """How many passages today has."""
        return self._per_day

    @property
    def passages(self) -> int:
        """How many the season has."""
        return self._per_day * DAYS

    def sell(self) -> None:
        """Sell half of the cards at the opening, the others as many every day, and seal: settlements take what is sealed."""
        world = self._world
        for day in range(DAYS):
            world.go_on(max(timedelta(0), OPENING + timedelta(days=day, minutes=30) - world.now))
            world.cards(world.size.cards * (DAYS + day + 1) // (2 * DAYS))
        world.go_on(max(timedelta(0), self.now - world.now))
        with world.sealer() as sealer:
            sealer.seal_all()

    def fill_today(self) -> None:
        """Let today's passages and refusals have happened."""
        self._fill(DAYS - 1, DAYS)

    def fill_history(self) -> None:
        """Let those of all days before have happened; see to statistics as the database does by itself in time."""
        self._fill(0, DAYS - 1)

    def _fill(self, first: int, end: int) -> None:
        with psycopg.connect(dsn(self._world.installation, Role.SUPERUSER), autocommit=True) as connection:
            connection.execute("SET karnet.recording = 'on'; SET session_replication_role = 'replica'")
            connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = 'off'")
            connection.execute(_TICKETS)
            connection.execute(_GATES)
            with _without_indexes(connection, "access_passage"):
                start, stop = first * self._per_day, end * self._per_day
                for chunk in range(start, stop, _CHUNK):
                    connection.execute(_PASSAGES, self._values(chunk, min(stop, chunk + _CHUNK)))
                    self._world.say(f"{min(stop, chunk + _CHUNK) - start:,} passages of {stop - start:,}")
            connection.execute(_REFUSALS, self._values(start, stop))
            for table in ("access_passage", "journal_request", "entitlements_entitlement", "orders_order"):
                connection.execute(f"VACUUM ANALYZE {table}")

    def _values(self, start: int, stop: int) -> dict[str, object]:
        return {
            "start": start, "last": stop - 1, "per_day": self._per_day, "days": DAYS, "opening": OPENING,
            "open_s": _OPEN_S, "every": _REFUSED_EVERY,
        }  # fmt: skip


@contextmanager
def _without_indexes(connection: psycopg.Connection, table: str) -> Iterator[None]:
    """Fill a table without its b-trees (but for the primary key, which is filled in its order), then make them again."""
    made = connection.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = %s::regclass AND NOT i.indisprimary AND a.amname = 'btree'",
        [table],
    ).fetchall()
    for name, _ in made:
        connection.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in made:
        connection.execute(definition)


_TICKETS = """
CREATE TEMPORARY TABLE ticket AS
SELECT row_number() OVER (ORDER BY id) - 1 AS k, id, medium_id AS medium, kind FROM entitlements_entitlement;
ANALYZE ticket
"""
_GATES = """
CREATE TEMPORARY TABLE gate AS
SELECT row_number() OVER (ORDER BY g.id) - 1 AS k, g.id, g.facility_id AS facility, t.points, t.weight
FROM access_gate g JOIN access_terms t ON t.gate_id = g.id;
ANALYZE gate
"""

_AT = "%(opening)s + (n / %(per_day)s) * interval '1 day' + n %% %(per_day)s * interval '1 second' * %(open_s)s / %(per_day)s"

# Each day's passages are of cards sold until then, spread by a prime; the ids begin with the instant, as real ones do.
_PASSAGES = f"""
INSERT INTO access_passage (id, gate, facility, medium, entitlement, direction, points, weight, at, origin, number)
SELECT (lpad(to_hex((extract(epoch FROM p.at) * 1000)::bigint), 12, '0') || '7' || substr(p.mixed, 1, 3)
        || '8' || substr(p.mixed, 4, 3) || substr(p.mixed, 7, 12))::uuid,
       g.id, g.facility, t.medium, t.id, 'in', CASE WHEN t.kind = 'points' THEN g.points ELSE 0 END, g.weight, p.at,
       sealed.origin_id, sealed.operation_id
FROM (SELECT n, md5(n::text) AS mixed, {_AT} AS at,
             n * 7919 %% greatest(1, (SELECT count(*) FROM ticket) * (%(days)s + n / %(per_day)s + 1) / (2 * %(days)s)) AS ticket
      FROM generate_series(%(start)s::bigint, %(last)s::bigint) AS n) p
JOIN ticket t ON t.k = p.ticket
JOIN gate g ON g.k = p.n %% (SELECT count(*) FROM gate)
CROSS JOIN (SELECT origin_id, operation_id FROM journal_entry ORDER BY index DESC LIMIT 1) sealed
"""

# The dashboard's index holds refusals alone, so what was answered otherwise need not be here.
_REFUSALS = f"""
INSERT INTO journal_request (key, digest, answer, at)
SELECT 'season:' || n, decode(md5(n::text) || md5(n::text), 'hex'),
       convert_to('{{"facts":{{}},"reason":"' || (ARRAY['passback', 'expired', 'not_enough_points'])[1 + n %% 3]
                  || '","type":"refused"}}', 'UTF8'), {_AT}
FROM generate_series(%(start)s::bigint, %(last)s::bigint, %(every)s) AS n
"""
