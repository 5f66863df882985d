"""Money on cards: put on at one place, charged at any (SPEC N10). One operation each; the books balance after it."""

from __future__ import annotations

from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import (
    AccountOpened,
    Charged,
    Loaded,
    MoneyLoaded,
    PointsCharged,
    StoredAccount,
    StoredKind,
    Transfer,
    house_account,
    stored_account,
)
from karnet.accounts.rules import numbered
from karnet.entitlements.rules import Desk, MediumState, points_account, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import operation_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import PaymentKind
from karnet.orders.rules.counter import Counter, Place
from karnet.orders.rules.pricing import MAX_AMOUNT, allocate, earned, payment_account
from karnet.orders.rules.purses import Pocket, Purse, opened

POINTS = "points"


class LoadMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Put money on a medium in use, by its printed number: `amount` paid, minor units of the facility's currency.

    `bonus` is given with it, and `rule` names what grants it. `payment`: how it is paid.
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    amount: int
    bonus: int = 0
    payment: PaymentKind = "cash"
    rule: UUID | None = None


class MoneyOn(msgspec.Struct, frozen=True, kw_only=True, tag="money_on"):
    """What is on the medium now: money and bonus money, minor units. `id`: of the load or the charge."""

    id: UUID
    medium: UUID
    currency: str
    money: int
    bonus: int
    points: int | None = None


class ChargeCard(msgspec.Struct, frozen=True, kw_only=True):
    """Charge a medium for something given: `amount` (gross minor units, VAT of `vat_bp` inside), or `points` of a points
    ticket on it (`entitlement`, or the one that ends first)."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    amount: int = 0
    vat_bp: int = 0
    points: int = 0
    entitlement: UUID | None = None


def decide_load(
    request: LoadMoney, counter: Counter, desk: Desk, purse: Purse
) -> tuple[MoneyOn | Refused, tuple[Operation, ...]]:
    """Put money on a medium. It is owed to the holder until it is spent: no revenue, no VAT (a voucher for many purposes)."""
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    problems = {}
    if not 0 < request.amount <= MAX_AMOUNT and not (request.amount == 0 and 0 < request.bonus <= MAX_AMOUNT):
        problems["amount"] = f"must be 1 to {MAX_AMOUNT} minor units"
    if not 0 <= request.bonus <= MAX_AMOUNT:
        problems["bonus"] = f"must be 0 to {MAX_AMOUNT} minor units"
    if request.payment not in get_args(PaymentKind) or request.payment in ("internal_account", "invoice"):
        problems["payment"] = "must be paid at once"
    if request.payment == "on_account" and place.kind != "partner":
        problems["payment"] = "on account is for partners' sales points only"
    if problems:
        return bad_values(problems), ()
    shift = counter.shift(request, place, {request.payment}) if request.amount else None
    if isinstance(shift, Refused):
        return shift, ()
    medium = _medium(request.number, desk)
    if isinstance(medium, Refused):
        return medium, ()
    source = payment_account(
        request.payment,
        facility=place.facility,
        shift=shift.id if shift else None,
        account=None,
        currency=place.currency,
    )
    if source is None:
        return refused(Reason.NO_OPEN_SHIFT, sales_point=place.code), ()
    sides: list[tuple[StoredKind, UUID, int]] = [
        ("money", source, request.amount),
        ("bonus", house_account(place.facility, "bonuses", place.currency), request.bonus),
    ]
    made = [_load(kind, side, amount, medium, place, purse) for kind, side, amount in sides if amount]
    accounts = tuple(account for _, account, _ in made)
    house = opened(place.facility, "bonuses", place.currency) if request.bonus else ()
    transfers = numbered(transfer for _, _, transfer in made)
    # Bonus money counts as well: somebody else may have to bear it.
    refusal = counter.over_limit(place, request.at, request.amount + request.bonus)
    refusal = refusal or purse.book.take([*accounts, *transfers])
    if refusal is not None:
        return refusal, ()
    counter.spend(place, request.at, request.amount + request.bonus)
    load = MoneyLoaded(
        id=operation_id(request),
        medium=medium.id,
        facility=place.facility,
        currency=place.currency,
        money=request.amount,
        bonus=request.bonus,
        sales_point=place.sales_point,
    )
    operation = Loaded(
        load=load,
        sales_point=place.sales_point,
        shift=shift.id if shift else None,
        rule=request.rule,
        stored=tuple(stored for stored, _, _ in made),
        accounts=(*house, *accounts),
        transfers=transfers,
    )
    return _money_on(load.id, medium, place.currency, purse), (operation,)


def _load(
    kind: StoredKind, source: UUID, amount: int, medium: MediumState, place: Place, purse: Purse
) -> tuple[StoredAccount, AccountOpened, Transfer]:
    account = stored_account(medium.id, medium.issue, place.facility, kind, place.currency)
    pockets = purse.pockets(medium)
    if all(pocket.account != account for pocket in pockets):
        pockets.append(Pocket(account=account, holder=place.facility, kind=kind))
    return (
        StoredAccount(
            account=account, medium=medium.id, issue=medium.issue, facility=place.facility, kind=kind,
            currency=place.currency,
        ),
        AccountOpened(id=account, owner=medium.id, purpose=kind, unit=place.currency, overdraft=0),
        Transfer(source=source, target=account, amount=amount, unit=place.currency),
    )  # fmt: skip


def decide_charge(
    request: ChargeCard, counter: Counter, desk: Desk, purse: Purse
) -> tuple[MoneyOn | Refused, tuple[Operation, ...]]:
    """Charge a medium, whole or not at all. Money before bonus money; of each, first what the charging facility holds
    itself, then the others in the order of their codes [ours]: what is spent where it was taken owes nobody anything.

    Refuses INSUFFICIENT_FUNDS, NOT_ENOUGH_POINTS, MAY_NOT_CHARGE, and what the sales point or the medium does not allow.
    """
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    if (
        (request.amount > 0) == (request.points > 0)
        or request.amount > MAX_AMOUNT
        or min(request.amount, request.points) < 0
    ):
        return bad_values({"amount": "charge an amount, or points"}), ()
    if not 0 <= request.vat_bp <= 10_000:
        return bad_values({"vat_bp": "must be 0 to 10000 basis points"}), ()
    medium = _medium(request.number, desk)
    if isinstance(medium, Refused):
        return medium, ()
    decided = _points(request, place, medium, purse) if request.points else _money(request, place, medium, purse)
    if isinstance(decided, Refused):
        return decided, ()
    answer = _money_on(decided.id, medium, place.currency, purse)
    if decided.points is not None:
        left = purse.book[points_account(decided.points.entitlement)].available
        answer = msgspec.structs.replace(answer, points=left)
    return answer, (decided,)


def _money(request: ChargeCard, place: Place, medium: MediumState, purse: Purse) -> Charged | Refused:
    id_ = operation_id(request)
    drawn = purse.draw(medium, place.facility, request.amount, place.currency, id_, request.at)
    if isinstance(drawn, Refused):
        return drawn
    vat = vat_included(request.amount, request.vat_bp)
    targets = earned(place.facility, place.currency, gross=request.amount, vat=vat, deposit=0)
    transfers = numbered((*drawn.between, *allocate(drawn.sources, targets, place.currency)))
    refusal = purse.book.take(transfers)
    if refusal is not None:
        return refusal
    return Charged(
        id=id_,
        medium=medium.id,
        facility=place.facility,
        sales_point=place.sales_point,
        currency=place.currency,
        amount=request.amount,
        vat_bp=request.vat_bp,
        drawn=drawn.parts,
        accounts=drawn.accounts,
        transfers=transfers,
    )


def _points(request: ChargeCard, place: Place, medium: MediumState, purse: Purse) -> Charged | Refused:
    tickets = [
        ticket
        for ticket in purse.holdings.get(medium.id, ())
        if ticket.kind == "points" and not ticket.voided and request.entitlement in (None, ticket.id)
        and (ticket.valid_until is None or request.at < ticket.valid_until)
        and (ticket.valid_from is None or request.at >= ticket.valid_from)
        and (not ticket.facilities or place.facility in ticket.facilities)
    ]  # fmt: skip
    if not tickets:
        return refused(Reason.NOTHING_ON_MEDIUM, number=medium.number)
    if not purse.may_charge(place.facility, request.at):
        tickets = [ticket for ticket in tickets if ticket.facility == place.facility]
    if not tickets:
        return refused(Reason.MAY_NOT_CHARGE)
    tickets.sort(key=lambda one: (one.valid_until is None, one.valid_until or one.sold_at, one.sold_at, one.id))
    accounts = {ticket.id: purse.book[points_account(ticket.id)] for ticket in tickets}
    ticket = next((one for one in tickets if accounts[one.id].available >= request.points), None)
    if ticket is None:
        most = max(balance.available for balance in accounts.values())
        return refused(Reason.NOT_ENOUGH_POINTS, available=most, needed=request.points)
    id_ = operation_id(request)
    transfer = Transfer(
        source=points_account(ticket.id),
        target=house_account(place.facility, "points_taken", POINTS),
        amount=request.points,
        unit=POINTS,
    )
    refusal = purse.book.take([transfer])
    if refusal is not None:
        return refusal
    return Charged(
        id=id_,
        medium=medium.id,
        facility=place.facility,
        sales_point=place.sales_point,
        currency=place.currency,
        points=PointsCharged(
            charge=id_, medium=medium.id, entitlement=ticket.id, facility=place.facility, points=request.points
        ),
        transfers=(transfer,),
    )


def _medium(number: str, desk: Desk) -> MediumState | Refused:
    medium = desk.find(number)
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM, number=number)
    return usable_medium(medium) or medium


def _money_on(id_: UUID, medium: MediumState, currency: str, purse: Purse) -> MoneyOn:
    return MoneyOn(
        id=id_,
        medium=medium.id,
        currency=currency,
        money=purse.held(medium, "money", currency),
        bonus=purse.held(medium, "bonus", currency),
    )
