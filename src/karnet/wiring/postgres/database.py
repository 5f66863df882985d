"""Addresses and databases: what the rest of the program needs to connect."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from karnet.wiring.installation import Installation
from karnet.wiring.postgres import cluster as clusters
from karnet.wiring.postgres.place import Cluster, Role, load_cluster
from karnet.wiring.problem import InstallationProblem

DATABASE = clusters.DATABASE


def dsn(installation: Installation, role: Role = Role.APP, database: str | None = None) -> str:
    """A libpq connection string for `role` on `database` (default: the installation's own). Starts nothing.

    With standbys it names them all, and connects to whichever is the primary. An external database (DATABASE_URL) has the
    one role its URL names; READ there means read-only transactions.
    Raises InstallationProblem before the cluster has been made (`karnet init`).
    """
    if installation.database_url is not None:
        return _external(installation.database_url, role, database)
    return clusters.conninfo_of_primary(_made(installation), role, database or DATABASE)


def django_database(installation: Installation, role: Role = Role.APP, database: str | None = None) -> dict[str, Any]:
    """The same address as an entry of Django's DATABASES."""
    parts = conninfo_to_dict(dsn(installation, role, database))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    entry: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql"}
    entry |= {theirs: str(parts.pop(ours)) for ours, theirs in names.items() if parts.get(ours) is not None}
    entry["OPTIONS"] = parts
    return entry


def create_database(installation: Installation, name: str, template: str | None = None) -> None:
    """Create a database with the rights of the installation's own, or a clone of `template` (nobody may be using it).

    The server must be running. Raises psycopg.errors.DuplicateDatabase if the name is taken.
    """
    with psycopg.connect(dsn(installation, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
        clusters.create_database_with(connection.cursor(), name, template)
    if template is None and installation.database_url is None:
        clusters.grant(_made(installation), name)


def drop_database(installation: Installation, name: str) -> None:
    """Drop a database if it exists, cutting off whoever uses it. The server must be running."""
    with psycopg.connect(dsn(installation, Role.SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(psycopg.sql.Identifier(name))
        )


def _made(installation: Installation) -> Cluster:
    cluster = load_cluster(installation)
    if cluster is None:
        raise InstallationProblem(
            "no-cluster",
            f"The installation in {installation.path} has no database yet.",
            "Make it with `karnet init`.",
        )
    return cluster


def _external(url: str, role: Role, database: str | None) -> str:
    extra: dict[str, str] = {"application_name": "karnet"}
    if database is not None:
        extra["dbname"] = database
    if role is Role.READ:
        extra["options"] = "-c default_transaction_read_only=on"
    return make_conninfo(url, **extra)
