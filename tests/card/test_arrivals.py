"""What one server seals, another keeps verbatim and applies through the same projections: then both say the same."""

from __future__ import annotations

import pytest

from karnet.access.services import Verdict
from tests.card.conftest import Server, carry, facts

pytestmark = pytest.mark.database


def test_the_rows_of_a_log_are_the_same_wherever_it_is_applied(north: Server, south: Server) -> None:
    with north:
        sale = north.sold("P10", "N-1")
        north.sold("FIRST", "N-2")
        assert isinstance(north.scan("N-1"), Verdict)
        assert isinstance(north.scan("N-2"), Verdict)
        north.give_back("N-1")
    theirs = facts(south)
    carry(north, south)
    with south:
        assert south.held(north).waiting == ""
        assert south.held(north).quarantined is None
        assert south.held(north).applied == south.held(north).size > 0
    ours = facts(north)
    for table, rows in facts(south).items():
        assert sorted({*rows} - {*theirs[table]}) == sorted({*ours[table]} - {*theirs[table]}), table
    assert sale.order
