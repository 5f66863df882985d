"""Money on a medium, and how it goes over to the one that replaces it (SPEC N12). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, StoredAccount, StoredKind, Transfer, stored_account
from karnet.entitlements.operations import MediumIssued


class OpenMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Money on a medium in one account: which facility holds it, of what kind, how much (minor units)."""

    account: UUID
    facility: UUID
    kind: StoredKind
    currency: str
    amount: int


class Carried(NamedTuple):
    """The parts of an operation that carry money from one medium to another."""

    stored: tuple[StoredAccount, ...]
    accounts: tuple[AccountOpened, ...]
    transfers: tuple[Transfer, ...]


def carry(money: Iterable[OpenMoney], new: MediumIssued) -> tuple[Carried, list[OpenMoney]]:
    """Return the parts that carry money to a new medium, and what is on that then: each amount is still held by who
    took it, so settlement sees no difference."""
    stored: list[StoredAccount] = []
    accounts: list[AccountOpened] = []
    transfers: list[Transfer] = []
    now: list[OpenMoney] = []
    for n, one in enumerate(money):
        account = stored_account(new.id, new.issue, one.facility, one.kind, one.currency)
        stored.append(
            StoredAccount(
                account=account, medium=new.id, issue=new.issue, facility=one.facility, kind=one.kind,
                currency=one.currency,
            )
        )  # fmt: skip
        accounts.append(AccountOpened(id=account, owner=new.id, purpose=one.kind, unit=one.currency, overdraft=0))
        transfers.append(Transfer(source=one.account, target=account, amount=one.amount, unit=one.currency, n=n))
        now.append(msgspec.structs.replace(one, account=account))
    return Carried(tuple(stored), tuple(accounts), tuple(transfers)), now
