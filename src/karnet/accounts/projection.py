"""Projection of the ledger, and the folding of hot accounts when their transfers are sealed.

A transfer does not say whether its accounts are hot; the statements find out from the account itself. Balances of
accounts that are not hot are added to at once, under their guard; what goes to or from hot ones is put into
`accounts_unfolded`, so that no request ever waits for another at a hot account. Sealing moves it into the balance.
Tables are named without a schema: a rebuild runs all of this in another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from karnet.accounts import models
from karnet.accounts.operations import (
    AccountOpened,
    CardTermsSet,
    CardTermsSigned,
    MoneyDrawn,
    MoneyLoaded,
    PointsCharged,
    ReservationEnded,
    Reserved,
    StoredAccount,
    Transfer,
)
from karnet.journal.operations import Recorded
from karnet.journal.projection import Add, Insert, InsertOrSetEarlier, Row, Write, projects, stamped
from karnet.journal.sealing import on_sealed


class _Sums(Add):
    """Adds to sums; additions that cancel each other out cost nothing. Rows of the other temperature are passed over."""

    must_hit_all = False  # that the accounts exist is a foreign key's business

    def prepare(self, rows: list[Row]) -> list[Row]:
        width = len(self.key)
        return [row for row in super().prepare(rows) if any(row[width:])]


class _GuardedSums(_Sums):
    """Adds to accounts that are not hot. Locks them in the order of their ids first: two batches never cross.

    `overdrawn` is always exactly what a bounded account lacks. A local operation may lessen it, never raise it, so the
    check of the row refuses to spend what is not there; an arriving one was done elsewhere, and raises it.
    """

    slack = "overdrawn"

    def statement(self) -> str:
        return self._update("least(t.overdrawn, {lacking})")

    def arrival_statement(self) -> str:
        return self._update("{lacking}")

    def _update(self, overdrawn: str) -> str:
        lacking = "greatest(0, t.reserved + d.reserved - t.balance - d.balance - t.overdraft)"
        return (
            "UPDATE accounts_account AS t SET balance = t.balance + d.balance, reserved = t.reserved + d.reserved,"
            f" overdrawn = CASE WHEN t.overdraft IS NULL THEN 0 ELSE {overdrawn.format(lacking=lacking)} END"
            " FROM (SELECT d.* FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS d(id, balance, reserved)"
            " JOIN accounts_account AS a ON a.id = d.id"
            " WHERE NOT a.hot ORDER BY a.id FOR NO KEY UPDATE OF a) AS d WHERE t.id = d.id"
        )


class _HotSums(_Sums):
    """Puts down what an operation adds to hot accounts, to be folded later."""

    def statement(self) -> str:
        return (
            "INSERT INTO accounts_unfolded (number, account, amount) SELECT d.number, d.account, d.amount"
            " FROM unnest(%b::bigint[], %b::uuid[], %b::bigint[]) AS d(number, account, amount)"
            " JOIN accounts_account AS a ON a.id = d.account WHERE a.hot"
        )


class _End(Insert):
    """Ends reservations: a row counts only where the reservation is there, of the same server (its gate waits for the
    turn), with this account and this amount."""

    def statement(self) -> str:
        return (
            "INSERT INTO accounts_reservation_end (reservation, posted, origin, number)"
            " SELECT d.id, d.posted, d.origin, d.number"
            " FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::boolean[], %b::smallint[], %b::bigint[])"
            " AS d(id, source, amount, posted, origin, number) JOIN accounts_reservation AS r"
            " ON r.id = d.id AND r.source = d.source AND r.amount = d.amount AND r.origin = d.origin"
            " ON CONFLICT DO NOTHING"
        )


ACCOUNT = Insert(models.Account, ["id", "owner", "purpose", "unit", "overdraft", "hot"], present_ok=True)
TRANSFER = Insert(models.Transfer, ["origin", "number", "n", "source", "target", "amount", "unit", "at"])
RESERVATION = Insert(models.Reservation, ["id", "source", "target", "amount", "unit", "expires_at", "origin", "number"])
STORED = Insert(models.Stored, ["account", "medium", "issue", "facility", "kind", "currency"], present_ok=True)
LOAD = Insert(
    models.Load,
    ["id", "medium", "facility", "currency", "money", "bonus", "sales_point", "at", "origin", "number"],
)
# The same text may be proposed by two servers at once: its terms are the same.
CARD_TERMS = InsertOrSetEarlier(
    models.CardTerms,
    ["agreement", "facilities", "refund_minor", "replacements", "valid_from", "valid_until", "missing"],
    {"": []},
)


class _Signatures(Add):
    """Counts down the signatures that an agreement waits for."""

    must_hit_all = False


CARD_TERMS_SIGNED = _Signatures(models.CardTerms, ["agreement"], ["missing"])
DRAWN = Insert(
    models.Drawn,
    ["charge", "n", "medium", "facility", "held_by", "currency", "money", "bonus", "at", "origin", "number"],
)
POINTS = Insert(
    models.PointsCharge, ["charge", "medium", "entitlement", "facility", "points", "at", "origin", "number"]
)
END = _End(models.ReservationEnd, [])
GUARDED = _GuardedSums(models.Account, ["id"], ["balance", "reserved"])
HOT = _HotSums(models.Unfolded, ["number", "account"], ["amount"])


@projects(AccountOpened)
def account_opened(part: AccountOpened, recorded: Recorded, write: Write) -> None:
    write(ACCOUNT, (part.id, part.owner, part.purpose, part.unit, part.overdraft, part.hot))


@projects(Transfer)
def transfer(part: Transfer, recorded: Recorded, write: Write) -> None:
    number, amount = recorded.number, part.amount
    write(TRANSFER, (recorded.origin, number, part.n, part.source, part.target, amount, part.unit, recorded.entry.at))
    write(GUARDED, (part.source, -amount, 0))
    write(GUARDED, (part.target, amount, 0))
    write(HOT, (number, part.source, -amount))
    write(HOT, (number, part.target, amount))


@projects(Reserved)
def reserved(part: Reserved, recorded: Recorded, write: Write) -> None:
    write(
        RESERVATION,
        (
            part.id, part.source, part.target, part.amount, part.unit, part.expires_at,
            recorded.origin, recorded.number,
        ),
    )  # fmt: skip
    write(GUARDED, (part.source, 0, part.amount))


@projects(ReservationEnded)
def reservation_ended(part: ReservationEnded, recorded: Recorded, write: Write) -> None:
    write(END, (part.id, part.source, part.amount, part.posted, recorded.origin, recorded.number))
    write(GUARDED, (part.source, 0, -part.amount))


@projects(StoredAccount)
def stored_account(part: StoredAccount, recorded: Recorded, write: Write) -> None:
    write(STORED, (part.account, part.medium, part.issue, part.facility, part.kind, part.currency))


@projects(MoneyLoaded)
def money_loaded(part: MoneyLoaded, recorded: Recorded, write: Write) -> None:
    stamp = stamped(recorded)
    write(LOAD, (part.id, part.medium, part.facility, part.currency, part.money, part.bonus, part.sales_point, *stamp))


@projects(CardTermsSet)
def card_terms_set(part: CardTermsSet, recorded: Recorded, write: Write) -> None:
    facilities = " ".join(sorted(facility.hex for facility in part.facilities))
    write(
        CARD_TERMS,
        (
            part.agreement, facilities, part.refund_minor, part.replacements, part.valid_from, part.valid_until,
            part.signatures, recorded,
        ),
    )  # fmt: skip


@projects(CardTermsSigned)
def card_terms_signed(part: CardTermsSigned, recorded: Recorded, write: Write) -> None:
    write(CARD_TERMS_SIGNED, (part.agreement, -1))


@projects(MoneyDrawn)
def money_drawn(part: MoneyDrawn, recorded: Recorded, write: Write) -> None:
    write(
        DRAWN,
        (
            part.charge, part.n, part.medium, part.facility, part.held_by, part.currency, part.money, part.bonus,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(PointsCharged)
def points_charged(part: PointsCharged, recorded: Recorded, write: Write) -> None:
    write(POINTS, (part.charge, part.medium, part.entitlement, part.facility, part.points, *stamped(recorded)))


@on_sealed
def fold(cursor: Any, numbers: Sequence[int]) -> None:
    """Move what these operations added to hot accounts into their balances.

    Called with the numbers just sealed, in the sealer's transaction, the projected tables open (`karnet.recording`).
    A row is moved by deleting it, so folding a number again adds nothing. One statement, whatever the batch.
    """
    cursor.execute(
        # The applier folds what arrived while the sealer folds what was sealed: one order of locks for both.
        "WITH gone AS (DELETE FROM accounts_unfolded WHERE number = ANY(%b) RETURNING account, amount),"
        " sums AS (SELECT account, sum(amount)::bigint AS amount FROM gone GROUP BY account),"
        " locked AS (SELECT a.id, s.amount FROM accounts_account AS a JOIN sums AS s ON s.account = a.id"
        " ORDER BY a.id FOR NO KEY UPDATE OF a)"
        " UPDATE accounts_account AS a SET balance = a.balance + s.amount FROM locked AS s WHERE a.id = s.id",
        [list(numbers)],
    )
