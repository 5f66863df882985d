"""Money on passes on fiscal paper: taxed when it comes in or when it is used, and never both (SPEC S17)."""

from __future__ import annotations

import pytest
from django.db import connection

from karnet.devices.models import Job
from karnet.devices.posnet.serving import PosnetServer
from karnet.devices.posnet.simulated import RATES
from karnet.devices.tests.conftest import work
from karnet.passes.tests.conftest import Till
from karnet.passes.tests.conftest import till as till

pytestmark = pytest.mark.database


def test_a_pass_is_fiscalised_once_whether_its_vat_is_due_at_the_top_up_or_at_use(
    till: Till, fiscal: PosnetServer
) -> None:
    till.sold("TAXED", "T1", 10000, pay=10000)
    till.charged("T1", 3)
    till.charged("T1", 8)
    till.sold("VALUE", "V1", 10000, pay=11000)
    till.charged("V1", 2)
    till.sold("CLASSES", "K1", pack="TEN", pay=35000)
    work()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.vat_bp, sum(l.amount)::bigint FROM orders_line l GROUP BY l.vat_bp HAVING sum(l.amount) > 0"
        )
        sold = dict(cursor.fetchall())
    printed = {RATES[n]: amount for n, amount in enumerate(fiscal.printer.totals) if amount}
    assert printed == sold
    assert sold == {2300: 10000 + (11 * 999 - 10000) + 1000 + 2 * 999, 800: 30000}
    assert set(Job.objects.values_list("state", flat=True)) == {"printed"}
