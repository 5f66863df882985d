"""Money on media while a batch is decided: whose it is, how much, and drawing on it (SPEC N10). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, MoneyDrawn, StoredKind, Transfer, house_account
from karnet.accounts.rules import Book, CardTerms, terms_at
from karnet.entitlements.rules import Holding, MediumState
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason


class Pocket(msgspec.Struct, frozen=True, kw_only=True):
    """An account of money on a medium: whose it is, and of what kind. Its balance is in the book."""

    account: UUID
    holder: UUID
    kind: StoredKind


class Draw(msgspec.Struct, frozen=True, kw_only=True):
    """What a charge takes: accounts and amounts to book from (`sources`), the transfers between holders that go before,
    the facts that settle (`parts`), and house accounts that may have to be opened first."""

    sources: tuple[tuple[UUID, int], ...]
    between: tuple[Transfer, ...]
    parts: tuple[MoneyDrawn, ...]
    accounts: tuple[AccountOpened, ...]


class Purse:
    """The money and tickets on media, as the decisions of a batch so far leave them. Whoever has one holds the locks.

    `pockets` by (medium, issue), in the order of holders' codes; `book` has their balances and those of points accounts.
    `terms`: what agreements say of cards, the one that begins last first.
    """

    def __init__(
        self,
        pockets: Mapping[tuple[UUID, int], Sequence[Pocket]],
        book: Book,
        holdings: Mapping[UUID, Sequence[Holding]] | None = None,
        terms: Sequence[CardTerms] = (),
    ) -> None:
        self._pockets = {key: list(some) for key, some in pockets.items()}
        self.book = book
        self.holdings = holdings or {}
        self._terms = terms

    def pockets(self, medium: MediumState) -> list[Pocket]:
        return self._pockets.setdefault((medium.id, medium.issue), [])

    def held(self, medium: MediumState, kind: StoredKind, currency: str) -> int:
        """Return what is on a medium, minor units."""
        balances = [self.book[one.account] for one in self.pockets(medium) if one.kind == kind]
        return sum(balance.balance for balance in balances if balance.unit == currency)

    def may_charge(self, facility: UUID, at: datetime) -> bool:
        """Tell whether a facility may charge what others hold: only members and partners of the agreement in force
        then are paid by a settlement (SPEC N10). What it holds itself it may charge always [ours]."""
        terms = terms_at(self._terms, at)
        return terms is not None and facility in terms.facilities

    def draw(
        self,
        medium: MediumState,
        facility: UUID,
        amount: int,
        currency: str,
        charge: UUID,
        at: datetime,
        first: int = 0,
    ) -> Draw | Refused:
        """Return what a charge at a facility takes of the money on a medium, all of `amount` or INSUFFICIENT_FUNDS;
        MAY_NOT_CHARGE where it would suffice with what others hold, and no agreement lets the facility have it.

        Money before bonus money; of each, first what the charging facility holds itself, then the others in the order of
        their codes [ours]: what is spent where it was taken owes nobody anything. `first`: the place of the first part
        among those of the charge. Changes nothing: the book takes the transfers that are made of it.
        """
        ordered = sorted(self.pockets(medium), key=lambda p: (p.kind != "money", p.holder != facility))
        agreed = self.may_charge(facility, at)
        left, taken, barred = amount, dict[UUID, dict[StoredKind, int]](), 0
        sources: list[tuple[UUID, int]] = []
        between: list[Transfer] = []
        for pocket in ordered:
            balance = self.book[pocket.account]
            part = min(left, balance.available) if balance.unit == currency else 0
            if part <= 0:
                continue
            if pocket.holder != facility and not agreed:
                barred += balance.available
                continue
            left -= part
            taken.setdefault(pocket.holder, {"money": 0, "bonus": 0})[pocket.kind] += part
            if pocket.holder == facility:
                sources.append((pocket.account, part))
            else:
                # Who holds the money owes it now, and whoever charged it has it to get: each facility's books balance.
                owed = house_account(pocket.holder, "stored", currency)
                between.append(Transfer(source=pocket.account, target=owed, amount=part, unit=currency))
                sources.append((house_account(facility, "stored", currency), part))
        if left and barred:
            return refused(Reason.MAY_NOT_CHARGE, available_minor=amount - left, currency=currency)
        if left:
            return refused(
                Reason.INSUFFICIENT_FUNDS, available_minor=amount - left, needed_minor=amount, currency=currency
            )
        return Draw(
            sources=tuple(sources),
            between=tuple(between),
            parts=tuple(
                MoneyDrawn(
                    charge=charge, n=first + n, medium=medium.id, facility=facility, held_by=holder,
                    currency=currency, money=parts["money"], bonus=parts["bonus"],
                )
                for n, (holder, parts) in enumerate(taken.items())
            ),
            accounts=tuple(
                account
                for party in ((facility, *taken) if between else ())
                for account in opened(party, "stored", currency)
            ),
        )  # fmt: skip


def opened(facility: UUID, purpose: Literal["stored", "bonuses"], currency: str) -> tuple[AccountOpened, ...]:
    """Return a house account as it is opened with the books: those opened long ago may not have it yet."""
    account = house_account(facility, purpose, currency)
    return (AccountOpened(id=account, owner=facility, purpose=purpose, unit=currency, hot=True),)
