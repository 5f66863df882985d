"""Reading the ledger. A hot account's balance is what was folded plus what was not yet, in one snapshot: exact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from karnet.accounts.operations import StoredKind
from karnet.accounts.rules import Balance, CardTerms
from karnet.journal.flight import Send

__all__ = [
    "Balance",
    "CardTerms",
    "Discrepancy",
    "OwnedAccount",
    "Statement",
    "StatementLine",
    "StoredHeld",
    "ask_balances",
    "balances",
    "books_balance",
    "card_terms",
    "discrepancies",
    "lock",
    "owned",
    "payable",
    "statement",
    "stored",
]

_EXACT = (
    " a.unit, a.balance + coalesce(u.amount, 0), a.reserved, a.overdraft, a.hot FROM accounts_account a"
    " LEFT JOIN LATERAL (SELECT sum(amount)::bigint AS amount FROM accounts_unfolded"
    " WHERE a.hot AND account = a.id) u ON true"
)


def lock(ids: Collection[UUID]) -> None:
    """Lock accounts in the order of their ids until the transaction ends; hot ones are passed over (never locked).

    For accounts that no other lock covers: what a card's medium lock, or a shift's, covers needs none. Read balances
    in the next statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM accounts_account WHERE id = ANY(%b) AND NOT hot ORDER BY id FOR NO KEY UPDATE", [list(ids)]
        )


def balances(ids: Collection[UUID]) -> dict[UUID, Balance]:
    """Return what accounts hold, exact at any time; unknown ids are left out. One statement, one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [list(ids)])
        return _held(cursor.fetchall())


def ask_balances(send: Send, ids: Collection[UUID]) -> Callable[[], dict[UUID, Balance]]:
    """Like `balances`, sent in a flight that others share; call what is returned when it has landed."""
    landed = send(_BALANCES, [list(ids)])
    return lambda: _held(landed.rows())


_BALANCES = f"SELECT a.id, {_EXACT} WHERE a.id = ANY(%b::uuid[])"


def _held(rows: Iterable[tuple[Any, ...]]) -> dict[UUID, Balance]:
    return {
        account: Balance(unit=unit, balance=balance, reserved=reserved, overdraft=overdraft, hot=hot)
        for account, unit, balance, reserved, overdraft, hot in rows
    }


def payable(ids: Collection[UUID]) -> dict[UUID, Balance]:
    """Return what accounts hold that a payment may name, those of clients; others are left out.

    Not money on cards and passes: who draws on those says whose it is, keeps to their rules, and tells other servers or
    not, as they must know. Nor drawers, tabs, points and house accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.id, {_EXACT} WHERE a.id = ANY(%b::uuid[]) AND NOT a.hot AND a.purpose NOT LIKE 'pass%%'"
            " AND a.purpose NOT IN ('money', 'bonus', 'drawer', 'safe', 'tab', 'points')",
            [list(ids)],
        )
        return _held(cursor.fetchall())


class OwnedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of an owner (a facility, an entitlement, a shift, a customer)."""

    id: UUID
    purpose: str
    held: Balance


def owned(owner: UUID) -> list[OwnedAccount]:
    """Return an owner's accounts, by purpose and unit."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.id, a.purpose, {_EXACT} WHERE a.owner = %s ORDER BY a.purpose, a.unit", [owner])
        return [
            OwnedAccount(
                id=account,
                purpose=purpose,
                held=Balance(unit=unit, balance=balance, reserved=reserved, overdraft=overdraft, hot=hot),
            )
            for account, purpose, unit, balance, reserved, overdraft, hot in cursor.fetchall()
        ]


class StoredHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Money on a medium in one account: of which issue, held by which facility (`code`), what kind, how much."""

    account: UUID
    medium: UUID
    issue: int
    facility: UUID
    code: str
    kind: StoredKind
    held: Balance


def stored(media: Collection[UUID]) -> dict[UUID, list[StoredHeld]]:
    """Return the accounts of money on media, by medium, in the order of the holders' codes. To draw on them, hold the
    media's locks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.account, s.medium, s.issue, s.facility, f.code, s.kind, a.unit, a.balance, a.reserved, a.overdraft"
            " FROM accounts_stored s JOIN accounts_account a ON a.id = s.account"
            " JOIN parties_facility f ON f.id = s.facility WHERE s.medium = ANY(%b::uuid[]) ORDER BY f.code, s.kind DESC",
            [list(media)],
        )
        found: dict[UUID, list[StoredHeld]] = {medium: [] for medium in media}
        for account, medium, issue, facility, code, kind, unit, balance, reserved, overdraft in cursor.fetchall():
            held = Balance(unit=unit, balance=balance, reserved=reserved, overdraft=overdraft)
            found[medium].append(
                StoredHeld(
                    account=account, medium=medium, issue=issue, facility=facility, code=code, kind=kind, held=held
                )
            )
        return found


def card_terms(instants: Collection[datetime]) -> list[CardTerms]:
    """Return what agreements in force at any of these instants say of cards, the one that begins last first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT valid_from, valid_until, facilities, refund_minor, replacements FROM accounts_card_terms"
            " WHERE missing <= 0 AND valid_from <= %s AND valid_until > %s ORDER BY valid_from DESC, at, agreement",
            [max(instants), min(instants)],
        )
        return [
            CardTerms(
                valid_from=row[0], valid_until=row[1], facilities=frozenset(map(UUID, row[2].split())),
                refund_minor=row[3], replacements=row[4],
            )
            for row in cursor.fetchall()
        ]  # fmt: skip


def books_balance() -> dict[str, int]:
    """Return the sum of all balances by unit. It is zero in every unit, after every operation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unit, sum(amount)::bigint FROM (SELECT unit, balance AS amount FROM accounts_account"
            " UNION ALL SELECT a.unit, u.amount FROM accounts_unfolded u JOIN accounts_account a ON a.id = u.account) s"
            " GROUP BY unit ORDER BY unit"
        )
        return dict(cursor.fetchall())


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer as an account sees it: `amount` is positive when it came in; `balance` is what it left."""

    at: datetime
    number: int
    other: UUID
    amount: int
    balance: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An account between two instants: opening + amounts of the lines = closing."""

    opening: int
    lines: list[StatementLine]

    @property
    def closing(self) -> int:
        return self.lines[-1].balance if self.lines else self.opening


def statement(account: UUID, since: datetime | None = None, until: datetime | None = None) -> Statement:
    """Return an account's transfers in [since, until), in the order they happened, and the balance before them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH sides AS (SELECT at, origin, number, n, target AS other, -amount AS amount"
            " FROM accounts_transfer WHERE source = %(account)s"
            " UNION ALL SELECT at, origin, number, n, source, amount FROM accounts_transfer WHERE target = %(account)s)"
            " SELECT at, number, other, amount,"
            " sum(amount) OVER (ORDER BY at, origin, number, n)::bigint FROM sides"
            " WHERE %(until)s::timestamptz IS NULL OR at < %(until)s ORDER BY at, origin, number, n",
            {"account": account, "until": until},
        )
        lines = [
            StatementLine(at=at, number=number, other=other, amount=amount, balance=balance)
            for at, number, other, amount, balance in cursor.fetchall()
        ]
    before = [line for line in lines if since is not None and line.at < since]
    return Statement(opening=before[-1].balance if before else 0, lines=lines[len(before) :])


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose kept sums are not what its transfers and pending reservations come to."""

    account: UUID
    balance: int
    transfers: int
    reserved: int
    pending: int


def discrepancies() -> list[Discrepancy]:
    """Compare every kept sum with the facts it is the sum of; empty when all is well. Reads the whole ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH sides AS (SELECT account, sum(amount)::bigint AS amount FROM ("
            " SELECT source AS account, -amount AS amount FROM accounts_transfer"
            " UNION ALL SELECT target, amount FROM accounts_transfer) t GROUP BY account),"
            " pending AS (SELECT r.source AS account, sum(r.amount)::bigint AS amount FROM accounts_reservation r"
            " WHERE NOT EXISTS (SELECT 1 FROM accounts_reservation_end e WHERE e.reservation = r.id) GROUP BY r.source),"
            " unfolded AS (SELECT account, sum(amount)::bigint AS amount FROM accounts_unfolded GROUP BY account)"
            " SELECT * FROM (SELECT a.id, a.balance + coalesce(u.amount, 0) AS balance, coalesce(s.amount, 0) AS transfers,"
            " a.reserved, CASE WHEN a.hot THEN 0 ELSE coalesce(p.amount, 0) END AS pending FROM accounts_account a"
            " LEFT JOIN sides s ON s.account = a.id LEFT JOIN pending p ON p.account = a.id"
            " LEFT JOIN unfolded u ON u.account = a.id) c"
            " WHERE balance <> transfers OR reserved <> pending ORDER BY id"
        )
        return [
            Discrepancy(account=account, balance=balance, transfers=transfers, reserved=reserved, pending=pending)
            for account, balance, transfers, reserved, pending in cursor.fetchall()
        ]
