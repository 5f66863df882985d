"""Money on cards: put on at one place, charged at any (SPEC N10). One operation each; the books balance after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import (
    AccountOpened,
    Charged,
    Loaded,
    MoneyDrawn,
    MoneyLoaded,
    PointsCharged,
    StoredAccount,
    StoredKind,
    Transfer,
    house_account,
    stored_account,
)
from karnet.accounts.rules import Book, numbered
from karnet.entitlements.rules import Desk, Holding, MediumState, points_account, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import operation_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.operations import PaymentKind
from karnet.orders.rules.counter import Counter, Place
from karnet.orders.rules.pricing import MAX_AMOUNT, allocate, earned, payment_account

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


class Pocket(msgspec.Struct, frozen=True, kw_only=True):
    """An account of money on a medium: whose it is, and of what kind. Its balance is in the book."""

    account: UUID
    holder: UUID
    kind: StoredKind


class Purse:
    """The money and tickets on media, as the decisions of a batch so far leave them. Whoever has one holds the locks.

    `pockets` by (medium, issue), in the order of holders' codes; `book` has their balances and those of points accounts.
    """

    def __init__(
        self,
        pockets: Mapping[tuple[UUID, int], Sequence[Pocket]],
        book: Book,
        holdings: Mapping[UUID, Sequence[Holding]] | None = None,
    ) -> None:
        self._pockets = {key: list(some) for key, some in pockets.items()}
        self.book = book
        self.holdings = holdings or {}

    def pockets(self, medium: MediumState) -> list[Pocket]:
        return self._pockets.setdefault((medium.id, medium.issue), [])

    def held(self, medium: MediumState, kind: StoredKind, currency: str) -> int:
        """Return what is on a medium, minor units."""
        balances = [self.book[one.account] for one in self.pockets(medium) if one.kind == kind]
        return sum(balance.balance for balance in balances if balance.unit == currency)


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
    house = _opened(place.facility, "bonuses", place.currency) if request.bonus else ()
    transfers = numbered(transfer for _, _, transfer in made)
    refusal = purse.book.take([*accounts, *transfers])
    if refusal is not None:
        return refusal, ()
    load = MoneyLoaded(
        id=operation_id(request),
        medium=medium.id,
        facility=place.facility,
        currency=place.currency,
        money=request.amount,
        bonus=request.bonus,
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

    Refuses INSUFFICIENT_FUNDS, NOT_ENOUGH_POINTS, and what the sales point or the medium does not allow.
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
    ordered = sorted(purse.pockets(medium), key=lambda p: (p.kind != "money", p.holder != place.facility))
    left, taken = request.amount, dict[UUID, dict[StoredKind, int]]()
    sources: list[tuple[UUID, int]] = []
    between: list[Transfer] = []
    for pocket in ordered:
        balance = purse.book[pocket.account]
        part = min(left, balance.available) if balance.unit == place.currency else 0
        if part <= 0:
            continue
        left -= part
        taken.setdefault(pocket.holder, {"money": 0, "bonus": 0})[pocket.kind] += part
        if pocket.holder == place.facility:
            sources.append((pocket.account, part))
        else:
            # Who holds the money owes it now, and whoever charged it has it to get: each facility's books balance.
            owed = house_account(pocket.holder, "stored", place.currency)
            between.append(Transfer(source=pocket.account, target=owed, amount=part, unit=place.currency))
            sources.append((house_account(place.facility, "stored", place.currency), part))
    if left:
        return refused(
            Reason.INSUFFICIENT_FUNDS,
            available_minor=request.amount - left,
            needed_minor=request.amount,
            currency=place.currency,
        )
    vat = vat_included(request.amount, request.vat_bp)
    targets = earned(place.facility, place.currency, gross=request.amount, vat=vat, deposit=0)
    transfers = numbered((*between, *allocate(sources, targets, place.currency)))
    refusal = purse.book.take(transfers)
    if refusal is not None:
        return refusal
    id_ = operation_id(request)
    return Charged(
        id=id_,
        medium=medium.id,
        facility=place.facility,
        sales_point=place.sales_point,
        currency=place.currency,
        amount=request.amount,
        vat_bp=request.vat_bp,
        drawn=tuple(
            MoneyDrawn(
                charge=id_, n=n, medium=medium.id, facility=place.facility, held_by=holder, currency=place.currency,
                money=parts["money"], bonus=parts["bonus"],
            )
            for n, (holder, parts) in enumerate(taken.items())
        ),
        accounts=tuple(
            account
            for facility in ((place.facility, *taken) if between else ())
            for account in _opened(facility, "stored", place.currency)
        ),
        transfers=transfers,
    )  # fmt: skip


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


def _opened(facility: UUID, purpose: str, currency: str) -> tuple[AccountOpened, ...]:
    """Return a house account as it is opened with the books: those opened long ago may not have it yet."""
    account = house_account(facility, "stored" if purpose == "stored" else "bonuses", currency)
    return (AccountOpened(id=account, owner=facility, purpose=purpose, unit=currency, hot=True),)


def _money_on(id_: UUID, medium: MediumState, currency: str, purse: Purse) -> MoneyOn:
    return MoneyOn(
        id=id_,
        medium=medium.id,
        currency=currency,
        money=purse.held(medium, "money", currency),
        bonus=purse.held(medium, "bonus", currency),
    )
