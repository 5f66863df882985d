"""Opening a facility's books, and moving amounts by hand. Other slices' operations carry their own ledger parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg import errors

from karnet.accounts import rules, selectors
from karnet.accounts.models import NOT_OVERDRAWN
from karnet.accounts.rules import Book, Move, MovedAnswer, Movement, OpenBooks, Opened
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.parties.selectors import facilities

__all__ = ["Move", "MovedAnswer", "Movement", "OpenBooks", "Opened", "move", "open_books", "overdrawn"]


def open_books(requests: Sequence[OpenBooks]) -> list[Opened | Refused]:
    """Open house accounts of facilities. Safe to repeat: accounts that are open stay as they are."""
    return transact(requests, _open_books, answers=Opened)


def _open_books(tx: Transaction[OpenBooks, Opened]) -> None:
    known = facilities({request.facility for request in tx.fresh})
    wanted = {a.id for r in tx.fresh for a in rules.house_accounts(r.facility, r.currency)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_account WHERE id = ANY(%s)", [list(wanted)])
        present = {account for (account,) in cursor.fetchall()}
    outcomes: list[Outcome[OpenBooks, Opened]] = []
    for request in tx.fresh:
        answer, operations = rules.decide_books(request, facility_known=request.facility in known, open_already=present)
        if isinstance(answer, Opened):
            present.update(answer.accounts.values())
        outcomes.append(Outcome(request, answer, operations))
    tx.record(outcomes)


def move(requests: Sequence[Move]) -> list[MovedAnswer | Refused]:
    """Move amounts by hand, each request whole or not at all. Locks the accounts that are not hot, by id."""
    return transact(requests, _move, answers=MovedAnswer, refuse=overdrawn)


def _move(tx: Transaction[Move, MovedAnswer]) -> None:
    touched = {side for request in tx.fresh for m in request.movements for side in (m.source, m.target)}
    selectors.lock(touched)
    book = Book(selectors.balances(touched))
    outcomes: list[Outcome[Move, MovedAnswer]] = []
    for request in tx.fresh:
        answer, operations = rules.decide_move(request, book)
        outcomes.append(Outcome(request, answer, operations))
    tx.record(outcomes)


def overdrawn(request: Asked, error: Exception) -> Refused:
    """Word a refusal of the database for `transact(refuse=…)`: the guard of a bounded account is INSUFFICIENT_FUNDS."""
    cause: Any = error.__cause__
    if isinstance(cause, errors.CheckViolation) and cause.diag.constraint_name == NOT_OVERDRAWN:
        return refused(Reason.INSUFFICIENT_FUNDS)
    return conflict(request, error)
