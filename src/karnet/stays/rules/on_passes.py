"""Stays on passes: held when people come, drawn when they leave or are settled; what is short goes to the till (SPEC S7, S8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.rules.counter import Place
from karnet.orders.rules.tab_entries import Entry, TabState
from karnet.passes.operations import PassChange
from karnet.passes.rules.state import admits
from karnet.passes.rules.wallets import Plan, Wallet
from karnet.stays.requests import Enter
from karnet.stays.rules.state import StayState


class Passes(NamedTuple):
    """The passes that a batch of requests names: `found` by (text, facility), and how many `people` each has inside."""

    wallets: Mapping[UUID, Wallet]
    found: Mapping[tuple[str, UUID], UUID | Refused]
    people: dict[UUID, int]

    def named(self, text: str, facility: UUID) -> Wallet | Refused:
        """Return the pass on a card, or why there is none."""
        found = self.found.get((text, facility))
        if isinstance(found, Refused):
            return found
        wallet = self.wallets.get(found) if found is not None else None
        return refused(Reason.UNKNOWN_PASS, number=text) if wallet is None else wallet


NOBODY = Passes({}, {}, {})


def comes_on(request: Enter, facility: UUID, passes: Passes) -> Wallet | Refused | None:
    """Return the pass that people come on, None where they come on none. Refuses one that admits nobody, or no more."""
    if not request.pass_number:
        return None
    wallet = passes.named(request.pass_number, facility)
    if isinstance(wallet, Refused):
        return wallet
    if refusal := admits(wallet.state, wallet.kind, request.at):
        return refusal
    inside = passes.people.get(wallet.state.id, 0)
    bound = wallet.kind.people
    if bound is not None and inside + len(request.bands) > bound:
        return refused(Reason.PASS_IN_USE, number=wallet.state.number, people=inside)
    return wallet


def on_its_list(request: Enter, wallet: Wallet) -> Enter:
    """Return the request by the price list of the pass (S7, S9): its tariff, and its categories."""
    kind = wallet.kind
    bands = tuple(msgspec.structs.replace(band, category=kind.category(band.category)) for band in request.bands)
    return msgspec.structs.replace(request, tariff=kind.tariff or request.tariff, bands=bands)


def wanted(asked: int | None, kind_says: int | None, price: int) -> int:
    """Return what is to be held for a band: as asked, else as the pass's kind says, else the price of its package."""
    if asked is not None:
        return asked
    return price if kind_says is None else kind_says


class Payer(NamedTuple):
    """A pass that pays for some stays, and its plan."""

    wallet: Wallet
    holders: tuple[UUID, ...]
    plan: Plan


def payers(
    stays: Iterable[StayState],
    wallets: Mapping[UUID, Wallet],
    tab: TabState,
    due: int,
    at: datetime,
    first: Wallet | None = None,
) -> tuple[list[Payer], int]:
    """Return what passes pay of what a tab owes when these stays are settled, and what is left for the till.

    `first`: a pass that was shown, on which they need not have come. Changes nothing.
    """
    holders: dict[UUID, list[UUID]] = {first.state.id: []} if first is not None else {}
    for stay in stays:
        if stay.paying is not None:
            holders.setdefault(stay.paying, []).append(stay.id)
    made = []
    for id_, some in holders.items():
        wallet = first if first is not None and first.state.id == id_ else wallets.get(id_)
        if wallet is None:
            continue
        plan = wallet.plan(tab, due, at, some)
        made.append(Payer(wallet, tuple(some), plan))
        due = plan.short_minor
    return made, due


def pay(made: Sequence[Payer], entry: Entry, place: Place) -> PassChange | None:
    """Let passes pay as planned, and end what they held. Folds it."""
    change = PassChange()
    for payer in made:
        change += payer.wallet.draw(payer.plan, entry, place, payer.holders)
    return change if change.parts() else None


def drawn(made: Sequence[Payer]) -> int:
    """Return what passes pay together."""
    return sum(payer.plan.drawn_minor for payer in made)


def short(owed: int, passes: Sequence[Payer], currency: str) -> Refused:
    """Return the refusal of an exit: what is still owed, and whether a pass was not enough or none was there."""
    if passes:
        return refused(Reason.PASS_SHORT, owed_minor=owed, pass_minor=drawn(passes), currency=currency)
    return refused(Reason.MONEY_OWED, owed_minor=owed, currency=currency)
