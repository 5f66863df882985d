"""What a role may read: people who only look (`karnet sql`) see no log-ins, tokens, sessions or keys."""

from __future__ import annotations

import psycopg
import pytest

from karnet.wiring.database import SECRET

pytestmark = pytest.mark.database


def test_who_only_looks_reads_the_tables_but_no_secrets(superuser: psycopg.Connection) -> None:
    unread = superuser.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND NOT has_table_privilege('karnet_read', oid, 'SELECT')"
    ).fetchall()
    assert {name for (name,) in unread} == set(SECRET)
