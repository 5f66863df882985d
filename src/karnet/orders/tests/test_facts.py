"""What a cut knows of tickets and deposits stays as it was, whatever is recorded afterwards (SPEC N5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from time import sleep
from uuid import UUID

import msgspec
import pytest

from karnet.entitlements.facts import deposit_sums, sold_entitlements
from karnet.entitlements.operations import Activated
from karnet.entitlements.rules import activation, medium_id
from karnet.entitlements.selectors import holdings
from karnet.journal.cuts import Cut, extent, latest_cut
from karnet.journal.operations import Operation, Part, operation
from karnet.journal.sealing import Sealer
from karnet.journal.selectors import progress
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.orders.tests.conftest import ANNA, CARLA, MORNING, NORTH, SOUTH, SOUTH_TILL, World

pytestmark = pytest.mark.database
KEY = SigningKey("karnet.test/log", SignatureType.ED25519, b"\x07" * 32)
CARD = medium_id("1")


@operation("test.first_passage")
class FirstPassage(Operation, frozen=True, kw_only=True):
    """What a passage carries for entitlements."""

    activated: Activated

    def parts(self) -> Iterable[Part]:
        return (self.activated,)


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    at: datetime
    actor: UUID


class Passed(msgspec.Struct, frozen=True, tag="passed"):
    pass


def passing(tx: Transaction[Pass, Passed]) -> None:
    for request in tx.fresh:
        (ticket,) = holdings([CARD])[CARD]
        # A gate without a link knows nothing of an earlier passage elsewhere.
        alone = msgspec.structs.replace(ticket, activated=False, valid_from=None, valid_until=None)
        started = activation(alone, request.at)
        assert started is not None
        tx.record([Outcome(request, Passed(), (FirstPassage(activated=started),))])


def seal() -> Cut:
    # Transactions of other tests' databases count as running, too: the sealer waits for them.
    with Sealer(KEY, clock=lambda: MORNING, witness=lambda *_: None) as sealer:
        while progress().unsealed:
            sealer.seal_all()
            sleep(0.01)
    return latest_cut()


def ends(cut: Cut) -> list[datetime | None]:
    return [ticket.valid_until for ticket in sold_entitlements(extent(cut))]


def test_an_earlier_first_passage_that_arrives_later_changes_no_cut_made_before(world: World) -> None:
    world.sold(world.line("FIRST", "1"), pay=9000)
    sold = seal()
    late, early = MORNING + timedelta(hours=5), MORNING + timedelta(hours=3)
    transact([Pass(key="late", at=late, actor=ANNA)], passing, answers=Passed)
    passed = seal()
    transact([Pass(key="early", at=early, actor=ANNA)], passing, answers=Passed)
    corrected = seal()
    four = timedelta(hours=4)
    assert (ends(sold), ends(passed), ends(corrected)) == ([None], [late + four], [early + four])
    (ticket,) = holdings([CARD])[CARD]
    assert (ticket.valid_from, ticket.valid_until) == (early, early + four)


def test_a_return_counts_in_cuts_from_then_on(world: World) -> None:
    sale = world.sold(world.line("DAY", "1"), pay=17000)
    before = seal()
    world.taken_back(sale.order)
    world.taken_back(cards=("1",), actor=CARLA, sales_point=SOUTH_TILL)
    after = seal()
    found = [[ticket.voided for ticket in sold_entitlements(extent(cut))] for cut in (before, after)]
    assert found == [[False], [True]]
    until = MORNING + timedelta(days=1)
    sums = [deposit_sums(extent(cut), "PLN", None, until) for cut in (before, after)]
    assert sums == [[(NORTH, None, 1000, 1, 1000, 0)], [(NORTH, SOUTH, 1000, 1, 1000, 1000)]]
