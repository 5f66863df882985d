"""The day's work on passes: holds that lapsed, what came to its end, who is late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from karnet.accounts.operations import Transfer
from karnet.accounts.rules import numbered
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.orders.rules.pricing import house
from karnet.passes.operations import (
    CREDITS,
    Blocked,
    Expired,
    HoldsLapsed,
    PassBlocked,
    contra_account,
)
from karnet.passes.requests import KeepUp, KeptUp
from karnet.passes.rules.wallets import Hold, Wallet, counted, ended


class Found(NamedTuple):
    """A pass to look at: with the holds of it that have lapsed."""

    wallet: Wallet
    lapsed: tuple[Hold, ...]


def decide_keep_up(request: KeepUp, found: Iterable[Found], *, more: bool) -> tuple[KeptUp, tuple[Operation, ...]]:
    """Free lapsed holds, book off what came to its end, block who is late: one operation for each pass and matter."""
    lapsed = expired = blocked = 0
    operations: list[Operation] = []
    for wallet, holds in found:
        state = wallet.state
        if holds:
            change = ended(holds, {})
            refusal = wallet.book.take(change.ended)
            assert refusal is None, "what is released was held"
            operations.append(HoldsLapsed(of=state.id, change=change))
            lapsed += len(holds)
        if state.good_until is not None and request.at >= state.good_until:
            transfers = _written_off(wallet)
            if transfers:
                operations.append(Expired(of=state.id, transfers=transfers))
                expired += 1
        if state.late(wallet.kind, request.at) and all(code != "overdue" for _, code in state.blocks):
            block = PassBlocked(id=made_id(request, f"overdue:{state.id}"), of=state.id, code="overdue")
            operations.append(Blocked(block=block))
            blocked += 1
    # Who looks again because there is more must find less each time.
    more = more and bool(operations)
    return KeptUp(lapsed=lapsed, expired=expired, blocked=blocked, more=more), tuple(operations)


def _written_off(wallet: Wallet) -> tuple[Transfer, ...]:
    """Return what becomes of what is on a pass when its time is over. What is held for people inside stays theirs.

    Money becomes the facility's revenue, with no VAT: nothing was supplied for it [ours]. Bonus money goes back to where it
    came from; what was taxed when it came in was revenue then, and is only counted off.
    """
    state = wallet.state
    made = []
    for purse in wallet.kind.purses:
        account = wallet.account(purse)
        left = max(0, wallet.book[account].available) if account in wallet.book else 0
        unit = CREDITS if purse.unit == "credits" else state.currency
        if counted(purse):
            target = contra_account(state.facility, unit)
        else:
            target = house(state.facility, "bonuses" if purse.bonus else "revenue", state.currency)
        made.append(Transfer(source=account, target=target, amount=left, unit=unit))
    transfers = numbered(made)
    refusal = wallet.book.take(transfers)
    assert refusal is None, "what is written off was there"
    return transfers
