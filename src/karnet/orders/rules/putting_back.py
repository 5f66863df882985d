"""Refunds of what cards and passes paid: the money goes back where it came from, bonus money to bonus money. Pure.

What was drawn last goes back first, so bonus money before money, and before anything is handed out: nobody turns a bonus
into cash [ours].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, StoredAccount, StoredKind, Transfer, stored_account
from karnet.entitlements.rules import Desk, MediumState, usable_medium
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import house
from karnet.orders.rules.purses import opened


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what an order was paid with: money of a kind on a medium, or from the account of a pass. Minor units."""

    amount: int
    medium: UUID | None = None
    kind: StoredKind = "money"
    account: UUID | None = None


class PutBack(NamedTuple):
    """What goes back: the house's accounts and amounts it is booked to by the return (`targets`), the accounts on cards that
    this opens, and for passes, whose accounts stay at home, the transfers that follow (`at_home`)."""

    amount: int
    targets: tuple[tuple[UUID, int], ...]
    stored: tuple[StoredAccount, ...]
    accounts: tuple[AccountOpened, ...]
    at_home: tuple[Transfer, ...]


NOTHING = PutBack(0, (), (), (), ())


def put_back(
    paid: Sequence[Paid], already: int, gross: int, place: Place, desk: Desk, other: MediumState | None
) -> PutBack | Refused:
    """Return what of a refund of `gross` goes back to cards and passes. `paid`: in the order in which it goes back;
    `already`: how much of that did before. `other`: a card to put it on instead of those that paid.

    Refuses a card that counts for nothing any more, where no other is named.
    """
    onto: dict[tuple[UUID, StoredKind], int] = {}
    homeward: dict[UUID, int] = {}
    left, skipped = gross, already
    for one in paid:
        gone = min(skipped, one.amount)
        skipped -= gone
        part = min(left, one.amount - gone)
        if part <= 0:
            continue
        left -= part
        if one.account is not None:
            homeward[one.account] = homeward.get(one.account, 0) + part
            continue
        medium = other or (desk.media.get(one.medium) if one.medium is not None else None)
        if medium is None:
            return refused(Reason.UNKNOWN_MEDIUM)
        if wrong := usable_medium(medium):
            return wrong
        onto[medium.id, one.kind] = onto.get((medium.id, one.kind), 0) + part
    return _booked(onto, homeward, place, {medium.id: medium for medium in desk.media.values()})


def _booked(
    onto: Mapping[tuple[UUID, StoredKind], int],
    homeward: Mapping[UUID, int],
    place: Place,
    media: Mapping[UUID, MediumState],
) -> PutBack:
    targets: list[tuple[UUID, int]] = []
    stored, accounts, at_home = [], [], []
    for (medium, kind), amount in onto.items():
        issue = media[medium].issue
        # The facility that gives it back holds it from now on, as it does what it takes: what was owed to it stays so.
        account = stored_account(medium, issue, place.facility, kind, place.currency)
        stored.append(
            StoredAccount(
                account=account, medium=medium, issue=issue, facility=place.facility, kind=kind, currency=place.currency
            )
        )
        accounts.append(AccountOpened(id=account, owner=medium, purpose=kind, unit=place.currency, overdraft=0))
        targets.append((account, amount))
    if homeward:
        through = house(place.facility, "stored", place.currency)
        accounts += opened(place.facility, "stored", place.currency)
        targets.append((through, sum(homeward.values())))
        at_home = [
            Transfer(source=through, target=account, amount=amount, unit=place.currency, n=n)
            for n, (account, amount) in enumerate(homeward.items())
        ]
    return PutBack(sum(amount for _, amount in targets), tuple(targets), tuple(stored), tuple(accounts), tuple(at_home))
