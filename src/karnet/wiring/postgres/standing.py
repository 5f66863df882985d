"""How the clusters of one database stand to each other: who follows, how far behind, and whether commits wait."""

from __future__ import annotations

import msgspec
import psycopg

from karnet.wiring.postgres import cluster as clusters
from karnet.wiring.postgres.place import Cluster, Part, Role
from karnet.wiring.postgres.supervisor import is_primary

WAITING_IS_LONG_S = 3.0


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """A standby as its primary sees it. `sync`: quorum, async, or "" while it does not follow.

    `behind_bytes`: what is not on its disk yet; `behind_s`: how long ago it had everything. `slot_lost`: the log that it
    needs is gone, so that it has to be made anew.
    """

    name: str
    directory: str
    sync: str
    behind_bytes: int | None
    behind_s: float | None
    slot_lost: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The standing of one cluster. A primary has `standbys`; `waiting` commits wait for one of them, the oldest for
    `waiting_s`. A standby `follows` (or not) and has everything up to `received`."""

    part: str
    quorum: bool = False
    standbys: tuple[Follower, ...] = ()
    waiting: int = 0
    waiting_s: float = 0.0
    follows: bool = False
    received: str = ""
    behind_s: float | None = None
    primary_answers: bool = False

    @property
    def held_up(self) -> bool:
        """Whether commits wait for a standby that does not come."""
        return self.quorum and not any(one.sync == "quorum" for one in self.standbys)


def standing(cluster: Cluster) -> Standing:
    """Ask the running server of `cluster` (one fenced is not asked). Raises psycopg.Error if it does not answer."""
    if cluster.part is Part.FENCED:
        return Standing(part="fenced", primary_answers=_primary_among_peers(cluster))
    with psycopg.connect(clusters.conninfo(cluster, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
        if cluster.part is Part.STANDBY:
            return _of_standby(cluster, connection)
        rows = {row[0]: row[1:] for row in connection.execute(_FOLLOWERS).fetchall()}
        waiting = connection.execute(_WAITING).fetchone()
    assert waiting is not None
    return Standing(
        part="primary",
        quorum=cluster.quorum,
        standbys=tuple(_follower(peer.name, peer.directory, rows.get(peer.name)) for peer in cluster.peers),
        waiting=waiting[0],
        waiting_s=float(waiting[1]),
    )


def _follower(name: str, directory: str, row: tuple[str, int, float, bool] | None) -> Follower:
    if row is None:
        return Follower(name=name, directory=directory, sync="", behind_bytes=None, behind_s=None, slot_lost=True)
    sync, behind_bytes, behind_s, lost = row
    behind = None if behind_s is None else float(behind_s)
    return Follower(
        name=name, directory=directory, sync=sync or "", behind_bytes=behind_bytes, behind_s=behind, slot_lost=lost
    )


_FOLLOWERS = """
SELECT s.slot_name, CASE WHEN r.state = 'streaming' THEN r.sync_state END,
       pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(r.flush_lsn, s.restart_lsn))::bigint,
       extract(epoch FROM coalesce(r.flush_lag, CASE WHEN r.pid IS NOT NULL THEN interval '0' END))::float8,
       s.wal_status IS NOT DISTINCT FROM 'lost'
FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_type = 'physical'
"""
_WAITING = """
SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - state_change)), 0)::float8
FROM pg_stat_activity WHERE wait_event = 'SyncRep'
"""
_STANDBY = """
SELECT coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false),
       coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
       pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn()
"""


def _of_standby(cluster: Cluster, connection: psycopg.Connection) -> Standing:
    row = connection.execute(_STANDBY).fetchone()
    assert row is not None
    follows, received, behind_s, whole = row
    return Standing(
        part="standby",
        follows=follows,
        received=received or "",
        behind_s=0.0 if follows and whole else behind_s,
        primary_answers=_primary_among_peers(cluster),
    )


def _primary_among_peers(cluster: Cluster) -> bool:
    return any(
        is_primary(clusters.conninfo_of(cluster, peer, Role.SUPERUSER, dbname="postgres")) for peer in cluster.peers
    )
