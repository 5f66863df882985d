"""What an agreement says of cards, in force without one: settlement lies above."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.accounts.operations import CardTermsSet
from karnet.journal.operations import Operation, Part, operation
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import named_id
from karnet.orders.tests.conftest import ANNA, MORNING, World


@operation("test.agreed")
class Agreed(Operation, frozen=True, kw_only=True):
    terms: CardTermsSet

    def parts(self) -> Iterable[Part]:
        return (self.terms,)


class Agree(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    at: datetime
    actor: UUID
    terms: CardTermsSet


class Done(msgspec.Struct, frozen=True, tag="agreed"):
    pass


def _agree(tx: Transaction[Agree, Done]) -> None:
    tx.record([Outcome(request, Done(), (Agreed(terms=request.terms),)) for request in tx.fresh])


def agreed(world: World, *facilities: UUID, since: datetime = MORNING, days: int = 90, **changes: int) -> None:
    """Let these facilities charge cards from an instant on."""
    key = world.key("agreement")
    terms = CardTermsSet(
        agreement=named_id("agreement", key),
        valid_from=since,
        valid_until=since + timedelta(days=days),
        facilities=facilities,
        **changes,
    )
    assert transact([Agree(key=key, at=MORNING, actor=ANNA, terms=terms)], _agree, answers=Done) == [Done()]
