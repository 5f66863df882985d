"""Refunds between simulated facilities: let by who sold, paid out by another, with its word or without, and answered.

What asks and answers say of each other on their way is not simulated, only what they come to: operations in two logs that
bear one name, in any order of arrival, after crashes, with restored backups.
"""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from karnet.accounts.operations import Transfer, house_account
from karnet.entitlements.operations import EntitlementVoided, MediumReturned
from karnet.entitlements.rules import points_account
from karnet.federation.sim.schema import Row
from karnet.journal.operations import Operation
from karnet.kernel.ids import named_id
from karnet.kernel.time import instant
from karnet.orders.operations import RefundOwed, RefundPaid, RefundRefused, Returned
from karnet.orders.rules.elsewhere import refunds_account
from karnet.orders.rules.pricing import allocate, earned

if TYPE_CHECKING:
    from karnet.federation.sim.business import Desk

CURRENCY = "PLN"


def let(desk: Desk, chance: Random, at: datetime) -> Operation | None:
    """Somebody at another facility wants money for a ticket that was sold here."""
    others = _others(desk)
    lines = [line for line in _sold_at(desk, desk.facility) if _returnable(desk, line)]
    if not others or not lines:
        return None
    line = chance.choice(lines)
    return _given_back(desk, chance, at, line, _name(line, chance), chance.choice(others))


def pay(desk: Desk, chance: Random, at: datetime) -> Operation | None:
    """What another facility let be paid out here is paid, once."""
    done = {row["refund"] for row in desk.server.rows("orders.RefundPaid").values()}
    waiting = [
        row
        for row in desk.server.rows("orders.RefundOwed").values()
        if row["payer"] == desk.facility and row["refund"] not in done
    ]
    if not waiting:
        return None
    owed = chance.choice(waiting)
    return _paid(desk, chance, at, refund=owed["refund"], order=owed["order"], lines=(), home=owed["facility"])


def pay_alone(desk: Desk, chance: Random, at: datetime) -> Operation | None:
    """Another facility does not answer: its ticket is refunded here all the same, and the card comes back."""
    paid = {row["order"] for row in desk.server.rows("orders.RefundPaid").values()}
    found = [
        line
        for place in _others(desk)
        for line in _sold_at(desk, place)
        if line["order"] not in paid and _returnable(desk, line)
    ]
    if not found:
        return None
    line = chance.choice(found)
    order = desk.server.rows("orders.Order")[line["order"],]
    medium = desk.server.rows("entitlements.Medium")[_ticket(desk, line)["medium"],]
    if medium["state"] != "in_use" or medium["state_at"] >= instant(at):
        return None
    return _paid(
        desk, chance, at, refund=_name(line, chance), order=line["order"], lines=(line["id"],), home=order["facility"],
        medium=medium["id"],
    )  # fmt: skip


def answer(desk: Desk, chance: Random, at: datetime) -> Operation | None:
    """What others paid out alone for sales of this facility is stood for, or it is said why not."""
    said = {
        row["refund"]
        for table in ("orders.RefundOwed", "orders.RefundRefused")
        for row in desk.server.rows(table).values()
    }
    waiting = [
        row
        for row in desk.server.rows("orders.RefundPaid").values()
        if row["alone"] and row["home"] == desk.facility and row["refund"] not in said
    ]
    if not waiting:
        return None
    paid = chance.choice(waiting)
    line = desk.server.rows("orders.OrderLine")[UUID(paid["lines"]),]
    if _returnable(desk, line):
        return _given_back(desk, chance, at, line, paid["refund"], paid["facility"])
    return RefundRefused(
        refund=paid["refund"], order=paid["order"], facility=desk.facility, payer=paid["facility"],
        reason="already_returned",
    )  # fmt: skip


def _name(line: Row, chance: Random) -> UUID:
    return named_id("refund", line["id"], chance.getrandbits(64))


def _others(desk: Desk) -> list[UUID]:
    known = (place for (place,) in desk.server.rows("parties.Facility"))
    return [place for place in known if isinstance(place, UUID) and place != desk.facility]


def _sold_at(desk: Desk, facility: UUID) -> list[Row]:
    orders = desk.server.rows("orders.Order")
    return [
        line for line in desk.server.rows("orders.OrderLine").values() if orders[line["order"],]["facility"] == facility
    ]


def _ticket(desk: Desk, line: Row) -> Row:
    return desk.server.rows("entitlements.Entitlement")[line["entitlement"],]


def _returnable(desk: Desk, line: Row) -> bool:
    """Whether nothing of a line was used or given back, as far as is known here."""
    ticket = _ticket(desk, line)
    account = desk.server.rows("accounts.Account")[points_account(ticket["id"]),]
    untouched = account["balance"] == ticket["points"] and not account["reserved"]
    back = (line["id"],) in desk.server.rows("orders.LineBack")
    return untouched and not back and ticket["activated_at"] is None and ticket["voided_at"] is None


def _given_back(desk: Desk, chance: Random, at: datetime, line: Row, refund: UUID, payer: UUID) -> Returned:
    account = refunds_account(desk.facility, CURRENCY)
    owed = earned(desk.facility, CURRENCY, gross=line["amount"], vat=line["vat"], deposit=0)
    money = allocate(owed, [(account.id, line["amount"])], CURRENCY)
    ticket = _ticket(desk, line)
    issued = house_account(desk.facility, "points_issued", "points")
    return Returned(
        id=desk._new(at, chance, "return"), facility=desk.facility, sales_point=desk.till, operator=desk.operator,
        currency=CURRENCY, refund=line["amount"], refund_kind="elsewhere", vat=line["vat"], order=line["order"],
        lines=(line["id"],), voided=(EntitlementVoided(id=ticket["id"]),), accounts=(account,),
        transfers=(
            *money,
            Transfer(
                source=points_account(ticket["id"]), target=issued, amount=ticket["points"], unit="points",
                n=len(money),
            ),
        ),
        owed=RefundOwed(
            refund=refund, order=line["order"], facility=desk.facility, payer=payer, currency=CURRENCY,
            amount=line["amount"],
        ),
    )  # fmt: skip


def _paid(
    desk: Desk, chance: Random, at: datetime, *, refund: UUID, order: UUID, lines: tuple[UUID, ...], home: UUID,
    medium: UUID | None = None,
) -> Returned:  # fmt: skip
    amount = desk.server.rows("orders.Order")[order,]["total"]
    account = refunds_account(desk.facility, CURRENCY)
    card = house_account(desk.facility, "card_payments", CURRENCY)
    return Returned(
        id=desk._new(at, chance, "return"), facility=desk.facility, sales_point=desk.till, operator=desk.operator,
        currency=CURRENCY, refund=amount, refund_kind="card", accounts=(account,),
        media=(MediumReturned(id=medium, facility=desk.facility),) if medium else (),
        transfers=tuple(allocate([(account.id, amount)], [(card, amount)], CURRENCY)),
        paid=RefundPaid(
            refund=refund, order=order, lines=lines, facility=desk.facility, home=home, currency=CURRENCY,
            amount=amount, alone=medium is not None, medium=medium,
        ),
    )  # fmt: skip
