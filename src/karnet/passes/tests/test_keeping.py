"""What the worker asks before it does the day's work: nothing due, nothing written."""

from __future__ import annotations

import pytest

from karnet.orders.tests.conftest import ANNA, NORTH
from karnet.passes.requests import KeepUp, KeptUp
from karnet.passes.selectors import facilities_with_work
from karnet.passes.services import keep_up
from karnet.passes.tests.conftest import LATER, Till, days

pytestmark = pytest.mark.database


def test_a_facility_has_work_when_money_ends_or_somebody_is_late_and_none_when_it_is_done(till: Till) -> None:
    till.sold("DAYS", "D1", 10000, pay=10000)
    till.sold("OPEN", "O1", pay=10000)
    assert facilities_with_work(LATER) == []
    assert facilities_with_work(days(60)) == [NORTH]
    done = keep_up(KeepUp(key="late", at=days(60), actor=ANNA, facility=NORTH))
    assert isinstance(done, KeptUp)
    assert (done.blocked, done.expired, facilities_with_work(days(60))) == (1, 0, [])
    assert facilities_with_work(days(91)) == [NORTH]
    keep_up(KeepUp(key="end", at=days(91), actor=ANNA, facility=NORTH))
    assert facilities_with_work(days(91)) == []
