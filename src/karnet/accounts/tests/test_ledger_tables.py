"""What the ledger's tables themselves refuse, whoever writes them."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.database


def test_smoke() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conname LIKE 'accounts_%in_unit'")
        assert len(cursor.fetchall()) == 3
