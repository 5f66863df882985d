"""Whatever is recorded: the books balance, the tables are what memory says, and batching changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karnet.accounts import selectors
from karnet.accounts.operations import AccountOpened, ReservationEnded, Reserved, Transfer
from karnet.accounts.rules import Book
from karnet.accounts.tests.conftest import AT, ISSUED, TAKEN, Ledger, record
from karnet.journal.operations import Part
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused

_examples = itertools.count()

# What happens to accounts 0 to 2 (bounded) and 3 (the house's points, hot): kind, account, other account, amount.
Event = tuple[str, int, int, int]
EVENTS = st.tuples(
    st.sampled_from(("transfer", "transfer", "reserve", "end", "post")),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(1, 12),
)
HISTORIES = st.lists(st.lists(EVENTS, min_size=1, max_size=3), min_size=1, max_size=12)
REPEATS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class World:
    """Accounts of one example, and the parts its events come to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.accounts = [*(named_id(name, n) for n in range(3)), ISSUED]
        self.pending: list[Reserved] = []
        self.grants = itertools.count()

    def open(self, ledger: Ledger) -> None:
        for account in self.accounts[:3]:
            opened = AccountOpened(id=account, owner=account, purpose="points", unit="points", overdraft=5)
            ledger.record(opened, Transfer(source=ISSUED, target=account, amount=10, unit="points"))

    def parts(self, events: Sequence[Event]) -> list[Part]:
        parts: list[Part] = []
        for kind, one, other, amount in events:
            source, target = self.accounts[one], self.accounts[other]
            if kind == "transfer" and source != target:
                parts.append(Transfer(source=source, target=target, amount=amount, unit="points"))
            elif kind == "reserve" and one != 3:
                reserved = self._reserve(source, amount)
                self.pending.append(reserved)
                parts.append(reserved)
            elif kind in ("end", "post") and self.pending:
                held = self.pending.pop(amount % len(self.pending))
                posted = kind == "post"
                parts.append(ReservationEnded(id=held.id, source=held.source, amount=held.amount, posted=posted))
                if posted:
                    parts.append(Transfer(source=held.source, target=TAKEN, amount=held.amount, unit="points"))
        return parts

    def _reserve(self, source: UUID, amount: int) -> Reserved:
        grant = named_id("grant", self.name, next(self.grants))
        until = AT + timedelta(seconds=15)
        return Reserved(id=grant, source=source, target=TAKEN, amount=amount, unit="points", expires_at=until)

    def refused(self, parts: Sequence[Part]) -> None:
        """What an operation did to the pending list, its refusal undoes."""
        made = {part.id for part in parts if isinstance(part, Reserved)}
        self.pending = [held for held in self.pending if held.id not in made]
        self.pending += [
            Reserved(id=part.id, source=part.source, target=TAKEN, amount=part.amount, unit="points", expires_at=AT)
            for part in parts
            if isinstance(part, ReservationEnded) and part.id not in made
        ]


@REPEATS
@given(history=HISTORIES, folds=st.integers(1, 4))
def test_books_balance_after_every_operation_and_tables_are_what_memory_says(
    ledger: Ledger, history: list[list[Event]], folds: int
) -> None:
    world = World(f"whole {next(_examples)}")
    world.open(ledger)
    book = Book(selectors.balances(world.accounts))
    for n, events in enumerate(history):
        parts = world.parts(events)
        expected = book.take(parts)
        answer = ledger.record(*parts, checked=True)
        assert isinstance(answer, Refused) == (expected is not None)
        if expected is not None:
            world.refused(parts)
        assert selectors.books_balance() == {"PLN": 0, "points": 0}
        held = selectors.balances(world.accounts)
        assert {id_: held[id_].balance for id_ in world.accounts} == {id_: book[id_].balance for id_ in world.accounts}
        assert all(held[account] == book[account] for account in world.accounts[:3])
        if n % folds == 0:
            ledger.fold()
    assert selectors.discrepancies() == []


@REPEATS
@given(history=HISTORIES)
def test_a_batch_is_answered_as_its_requests_one_by_one(ledger: Ledger, history: list[list[Event]]) -> None:
    example = next(_examples)
    one, other = World(f"single {example}"), World(f"batch {example}")
    one.open(ledger)
    other.open(ledger)
    single = []
    asks = []
    for events in history:
        # The same events on either side; a refusal is undone on both, as its answer will be the same.
        parts, mirrored = one.parts(events), other.parts(events)
        answer = ledger.record(*parts, checked=True)
        single.append(answer)
        asks.append(ledger.ask(*mirrored, checked=True))
        if isinstance(answer, Refused):
            one.refused(parts)
            other.refused(mirrored)
    assert record(asks) == single
    left, right = selectors.balances(one.accounts[:3]), selectors.balances(other.accounts[:3])
    assert [left[id_] for id_ in one.accounts[:3]] == [right[id_] for id_ in other.accounts[:3]]
