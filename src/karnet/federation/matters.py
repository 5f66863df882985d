"""What stands between partners, for people: conflicts with their cause, what was refused, what is still to be paid out.

Every server that holds the same logs says the same, so both partners see it (SPEC N14).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.entitlements.conflicts import ConflictKind, conflicts
from karnet.federation.refusals import refused_acts
from karnet.orders.elsewhere import disputed_refunds, unpaid_refunds
from karnet.orders.selectors import orders
from karnet.parties.selectors import facilities


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict: of a card (`entitlements.conflicts`), or `refund_disputed`, a refund paid out alone that the seller does
    not stand for; then `number` is the sale's and `reason` says why. `where`: codes of facilities; `amount` of `unit`."""

    kind: str
    number: str
    at: datetime
    where: tuple[str, ...]
    operations: tuple[UUID, ...]
    amount: int = 0
    unit: str = ""
    reason: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What a till of `asked_at` could not do because the server of `asked_of` alone may (codes); `done`: it was since."""

    at: datetime
    act: str
    asked_at: str
    asked_of: str
    number: str
    reason: str
    done: bool
    operation: UUID


class Unpaid(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that `seller` let `payer` pay out (codes), and that nobody has paid out yet: minor units."""

    at: datetime
    number: str
    seller: str
    payer: str
    amount: int
    currency: str


class Matters(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between partners, the latest first."""

    conflicts: tuple[Clash, ...]
    refused: tuple[Refusal, ...]
    unpaid: tuple[Unpaid, ...]


def matters(limit: int = 50) -> Matters:
    """Return what stands between partners, at most `limit` of each kind. A fixed number of queries."""
    on_cards, disputed = conflicts(limit), disputed_refunds(limit)
    refused, unpaid = refused_acts(limit), unpaid_refunds(limit)
    named = {facility for clash in on_cards for facility in clash.facilities}
    named |= {facility for one in disputed for facility in (one.facility, one.payer)}
    named |= {facility for owed in unpaid for facility in (owed.facility, owed.payer)}
    named |= {facility for act in refused for facility in (act.facility, act.home)}
    codes = {id_: facility.code for id_, facility in facilities(named).items()} if named else {}
    numbers = orders({one.order for one in unpaid}) if unpaid else {}
    clashes = [
        Clash(
            kind=clash.kind, number=clash.number, at=clash.at, operations=clash.operations, amount=clash.amount,
            unit=clash.unit, where=tuple(codes[facility] for facility in clash.facilities if facility in codes),
        )
        for clash in on_cards
    ]  # fmt: skip
    clashes += [
        Clash(
            kind="refund_disputed", number=one.document, at=one.at, where=(codes[one.payer], codes[one.facility]),
            operations=one.operations, amount=one.amount, unit=one.currency, reason=one.reason,
        )
        for one in disputed
    ]  # fmt: skip
    return Matters(
        conflicts=tuple(sorted(clashes, key=lambda clash: (clash.at, clash.number), reverse=True)),
        refused=tuple(
            Refusal(
                at=act.at, act=act.act, asked_at=codes[act.facility], asked_of=codes[act.home], number=act.called,
                reason=act.reason, done=act.done, operation=act.operation,
            )
            for act in refused
        ),
        unpaid=tuple(
            Unpaid(
                at=one.at, number=numbers[one.order].number if one.order in numbers else "", seller=codes[one.facility],
                payer=codes[one.payer], amount=one.amount, currency=one.currency,
            )
            for one in unpaid
        ),
    )  # fmt: skip


CLASHES: dict[ConflictKind | str, str] = {
    "overdrawn": "spent more than there was: {amount}",
    "deposit_returned": "card deposit paid out more than once: {amount} too much",
    "block_lifted": "block lifted more than once",
    "medium_issued": "one card given out more than once",
    "chip_issued": "one chip given out more than once",
    "left_on_replaced": "ticket came onto a card that had been replaced",
    "replaced_twice": "one card replaced more than once; its tickets are on the card given out last",
    "refund_disputed": "refund paid out that its seller does not stand for: {amount}",
}
"""What each kind of conflict is, in English. The agreement says who bears it."""
