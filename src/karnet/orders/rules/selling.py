"""A counter sale: everything it makes, as one operation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from karnet.accounts.operations import AccountOpened, Transfer
from karnet.accounts.rules import Book, numbered
from karnet.entitlements.operations import DepositTaken, EntitlementIssued, MediumHeld, MediumIssued, MediumKind
from karnet.entitlements.rules import (
    FOR_EVER,
    Desk,
    MediumState,
    decide_held,
    expired,
    issued_state,
    points_account,
    usable_medium,
    validity_at_sale,
)
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant, local_day
from karnet.orders.operations import Line, Sold
from karnet.orders.requests import Card, Sale, SaleLine, Sell, TopUp
from karnet.orders.rules.counter import Counter, Place, RunningShift
from karnet.orders.rules.pricing import (
    Offer,
    Position,
    allocate,
    change,
    check_payments,
    earned,
    house,
    payment_account,
    price,
)
from karnet.orders.rules.purses import Draw, Purse

PLASTIC = frozenset(("card", "wristband"))
"""Media on which a deposit is taken; a printed or shown code is nobody's to bring back [ours]."""

MAX_LINES = 1_000


def card_deposit(kind: MediumKind, deposit_minor: int) -> int:
    """Return the deposit to take on a medium of this kind that is given out, where its product asks for one (minor)."""
    return deposit_minor if kind in PLASTIC else 0


class Basket:
    """What a sale makes, gathered line by line. Nothing of it is folded into desk and counter until it holds."""

    def __init__(self, request: Sell, place: Place, desk: Desk) -> None:
        self.request, self.place, self.desk = request, place, desk
        self.at = instant(request.at)
        self.lines: list[Line] = []
        self.entitlements: list[EntitlementIssued] = []
        self.issued: dict[str, MediumIssued] = {}
        self.media: dict[UUID, None] = {}
        self.holders: dict[UUID, MediumHeld] = {}
        self._deposits: dict[UUID, int] = {}

    def id(self, what: str) -> UUID:
        """Return the id of a thing this sale makes."""
        return made_id(self.request, what)

    @property
    def deposits(self) -> list[DepositTaken]:
        """The card deposits taken: one per medium given out, however many tickets go on it."""
        place = self.place
        return [
            DepositTaken(
                id=self.id(f"deposit:{n}"),
                medium=medium,
                facility=place.facility,
                amount=amount,
                currency=place.currency,
            )
            for n, (medium, amount) in enumerate(self._deposits.items())
        ]

    def add(self, index: int, position: Position) -> Refused | None:
        """Put a priced position into the basket: its lines, and what goes on which card."""
        cards: tuple[Card | None, ...] = position.line.cards or (None,)
        for card, (quantity, amount, vat) in zip(cards, position.pieces, strict=True):
            entitlement = None
            if card is not None:
                medium = self._medium(card, position.product.deposit_minor)
                refusal = medium if isinstance(medium, Refused) else self._hold(card, medium)
                if refusal is not None or isinstance(medium, Refused):
                    return refusal
                if position.product.kind in ("points", "time"):
                    issued = self._entitlement(position, medium)
                    if isinstance(issued, Refused):
                        return issued
                    entitlement = issued.id
            self.lines.append(
                Line(
                    id=self.id(f"line:{len(self.lines)}"), product=position.product.id,
                    product_code=position.product.code, category=position.line.category, quantity=quantity,
                    unit_price=position.unit_price, amount=amount, vat_bp=position.product.vat_bp, vat=vat,
                    position=index, entitlement=entitlement,
                )
            )  # fmt: skip
        return None

    def _medium(self, card: Card, deposit_minor: int) -> MediumState | Refused:
        issued = self.issued.get(card.number)
        if issued is None and card.issue:
            chip = card.chip or card.number
            decided = self.desk.decide_issue(card.number, chip, card.kind, self.place.facility, self.at)
            if isinstance(decided, Refused):
                return decided
            if any(other.chip == decided.chip for other in self.issued.values()):
                return refused(Reason.MEDIUM_IN_USE, number=card.number, chip=decided.chip)
            issued = self.issued[card.number] = decided
        if issued is not None:
            if deposit := card_deposit(issued.kind, deposit_minor):
                self._deposits[issued.id] = max(deposit, self._deposits.get(issued.id, 0))
            self.media[issued.id] = None
            return issued_state(issued, self.at)
        medium = self.desk.find(card.number)
        if medium is None:
            return refused(Reason.UNKNOWN_MEDIUM, number=card.number)
        self.media[medium.id] = None
        return usable_medium(medium) or medium

    def _hold(self, card: Card, medium: MediumState) -> Refused | None:
        if card.holder is None:
            return None
        held = decide_held(self.desk, medium, card.holder, self.at)
        if isinstance(held, Refused):
            return held
        self.holders[medium.id] = held
        return None

    def _entitlement(self, position: Position, medium: MediumState) -> EntitlementIssued | Refused:
        product, place = position.product, self.place
        start = position.line.start or self.at
        if local_day(start, place.time_zone) < local_day(self.at, place.time_zone):
            return bad_values({"start": "lies before the day of the sale"})
        validity = product.validity or FOR_EVER
        span = validity_at_sale(validity, start, place.time_zone)
        if span is not None and span[1] is not None and span[1] <= max(span[0], self.at):
            return expired(span[1], place.time_zone, product=product.code)
        issued = EntitlementIssued(
            id=self.id(f"entitlement:{len(self.entitlements)}"),
            medium=medium.id,
            issue=medium.issue,
            product=product.id,
            product_code=product.code,
            kind="points" if product.kind == "points" else "time",
            category=position.line.category,
            operator=self.request.actor,
            sales_point=place.sales_point,
            facility=place.facility,
            currency=place.currency,
            price=position.unit_price,
            list_price=position.list_price,
            time_zone=place.time_zone,
            validity=validity,
            points=product.points if product.kind == "points" else 0,
            valid_from=span[0] if span else None,
            valid_until=span[1] if span else None,
            facilities=product.facilities,
            stays=product.stays,
        )
        self.entitlements.append(issued)
        return issued


def decide_sale(
    request: Sell,
    counter: Counter,
    desk: Desk,
    offers: Mapping[UUID, Offer],
    companies: set[UUID],
    book: Book,
    customers: Collection[UUID] = (),
    purse: Purse | None = None,
) -> tuple[Sale | Refused, tuple[Operation, ...]]:
    """Decide a sale. Refuses whole: an unknown, closed or foreign product, a card that may not be sold on, payments
    that do not settle it, a missing shift, an invoice with no buyer. When it holds, folds it into counter and desk.

    `book` holds the internal accounts that the payments name, `purse` the money on the cards that they name; `companies`
    and `customers` are those known of the named.
    """
    place = counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    shift = counter.shift(request, place, {payment.kind for payment in request.payments})
    refusal = shift if isinstance(shift, Refused) else _check(request, companies, customers)
    if refusal is not None or isinstance(shift, Refused):
        return refusal or refused(Reason.NO_OPEN_SHIFT), ()
    basket = Basket(request, place, desk)
    for index, line in enumerate(request.lines):
        position = price(line, offers.get(line.product), place.facility, basket.at)
        refusal = (
            position if isinstance(position, Refused) else _outside(position, place) or basket.add(index, position)
        )
        if refusal is not None:
            return refusal, ()
    deposits = basket.deposits
    deposit, total = sum(d.amount for d in deposits), sum(line.amount for line in basket.lines)
    refusal = check_payments(request.payments, total + deposit, place.currency) or _check_accounts(request, place, book)
    if refusal is not None:
        return refusal, ()
    draws = _draws(basket, purse)
    if isinstance(draws, Refused):
        return draws, ()
    if sum(part.bonus for drawn in draws.values() for part in drawn.parts) > total:
        # A deposit is paid back in cash, and bonus money never is [ours].
        return bad_values({"payments": "bonus money pays no card deposit: take the deposit in another way"}), ()
    money = _money(basket, shift, deposits, draws)
    refusal = counter.over_limit(place, basket.at, total + deposit) or book.take(money)
    if refusal is not None:
        return refusal, ()
    if purse is not None:
        overdrawn = purse.book.take(money)
        assert overdrawn is None, "what was drawn was there"
    counter.spend(place, basket.at, total + deposit)
    for issued in basket.issued.values():
        desk.put(issued_state(issued, basket.at))
    for held in basket.holders.values():
        desk.name(held, basket.at)
    sold = _sold(basket, counter, shift, deposits, money, list(draws.values()))
    operations: tuple[Operation, ...] = (sold,)
    number = None
    if request.invoice and request.buyer is not None:
        invoice = counter.invoice(order=sold.order, place=place, at=request.at, buyer=request.buyer)
        operations, number = (sold, invoice), invoice.number
    answer = Sale(
        order=sold.order,
        number=sold.number,
        total=total,
        vat=sum(line.vat for line in sold.lines),
        deposit=deposit,
        change=change(request.payments),
        lines=tuple(line.id for line in sold.lines),
        entitlements=tuple(e.id for e in sold.entitlements),
        media=tuple(basket.media),
        invoice=number,
    )
    return answer, operations


def as_sale(request: TopUp) -> Sell:
    """Return a top-up as the sale it is: one ticket onto a medium in use."""
    line = SaleLine(
        product=request.product,
        category=request.category,
        cards=(Card(number=request.number),),
        unit_price=request.unit_price,
    )
    return Sell(
        key=request.key,
        at=request.at,
        actor=request.actor,
        sales_point=request.sales_point,
        lines=(line,),
        payments=request.payments,
    )


def _check(request: Sell, companies: set[UUID], customers: Collection[UUID]) -> Refused | None:
    if not request.lines:
        return refused(Reason.EMPTY_SALE)
    if sum(max(1, len(line.cards)) for line in request.lines) > MAX_LINES:
        return bad_values({"lines": f"at most {MAX_LINES} tickets in one sale"})
    wants_buyer = request.invoice or any(payment.kind == "invoice" for payment in request.payments)
    if (request.buyer is None and wants_buyer) or (request.buyer is not None and request.buyer not in companies):
        return refused(Reason.INVOICE_DATA_MISSING, field="buyer")
    if not request.people <= set(customers):
        return bad_values({"customer": "is not known"})
    return None


def _outside(position: Position, place: Place) -> Refused | None:
    product = position.product.code
    return None if place.terms.allows(product) else refused(Reason.NOT_ON_SALE, product=product)


def _check_accounts(request: Sell, place: Place, book: Book) -> Refused | None:
    for n, payment in enumerate(request.payments):
        if payment.kind == "on_account" and place.kind != "partner":
            return bad_values({f"payments[{n}].kind": "on account is sold at partners' sales points only"})
        if payment.account is None:
            continue
        if payment.account not in book or book[payment.account].unit != place.currency:
            return bad_values({f"payments[{n}].account": f"is no account in {place.currency}"})
    return None


def _draws(basket: Basket, purse: Purse | None) -> dict[UUID, Draw] | Refused:
    """Return what is drawn of the money on each card that pays, by medium. A card given out here has none yet."""
    draws: dict[UUID, Draw] = {}
    parts = 0
    for n, payment in enumerate(basket.request.payments):
        if payment.medium is None:
            continue
        medium = basket.desk.media.get(payment.medium)
        if medium is None or purse is None:
            return bad_values({f"payments[{n}].medium": "is not known"})
        place = basket.place
        drawn = usable_medium(medium) or purse.draw(
            medium, place.facility, payment.amount, place.currency, basket.id("order"), basket.at, parts
        )
        if isinstance(drawn, Refused):
            return drawn
        draws[medium.id] = drawn
        parts += len(drawn.parts)
    return draws


def _money(
    basket: Basket, shift: RunningShift | None, deposits: list[DepositTaken], draws: Mapping[UUID, Draw]
) -> list[Transfer]:
    place = basket.place
    sources: list[tuple[UUID, int]] = []
    for payment in basket.request.payments:
        if payment.kind == "stored_money":
            assert payment.medium is not None, "payments were checked"
            sources.extend(draws[payment.medium].sources)
            continue
        account = payment_account(
            payment.kind,
            facility=place.facility,
            shift=shift.id if shift else None,
            account=payment.account,
            currency=place.currency,
        )
        assert account is not None, "cash without a shift was refused"
        sources.append((account, payment.amount))
    gross, vat = sum(line.amount for line in basket.lines), sum(line.vat for line in basket.lines)
    targets = earned(place.facility, place.currency, gross=gross, vat=vat, deposit=sum(d.amount for d in deposits))
    between = numbered(transfer for drawn in draws.values() for transfer in drawn.between)
    return [*between, *allocate(sources, targets, place.currency, first=len(between))]


def _points(place: Place, points: list[EntitlementIssued], first: int) -> list[Transfer]:
    issuer = house(place.facility, "points_issued", "points")
    return [
        Transfer(source=issuer, target=points_account(e.id), amount=e.points, unit="points", n=first + n)
        for n, e in enumerate(points)
    ]


def _sold(
    basket: Basket,
    counter: Counter,
    shift: RunningShift | None,
    deposits: list[DepositTaken],
    money: list[Transfer],
    draws: list[Draw],
) -> Sold:
    request, place = basket.request, basket.place
    number, sequence = counter.next_number(place)
    total = sum(line.amount for line in basket.lines)
    points = [entitlement for entitlement in basket.entitlements if entitlement.kind == "points"]
    return Sold(
        order=basket.id("order"),
        number=number,
        sequence=sequence,
        facility=place.facility,
        sales_point=place.sales_point,
        operator=request.actor,
        currency=place.currency,
        total=total,
        lines=tuple(basket.lines),
        payments=request.payments,
        shift=shift.id if shift else None,
        buyer=request.buyer,
        customer=request.customer,
        holders=tuple(basket.holders.values()),
        media=tuple(basket.issued.values()),
        entitlements=tuple(basket.entitlements),
        deposits=tuple(deposits),
        accounts=(
            *(
                AccountOpened(id=points_account(e.id), owner=e.id, purpose="points", unit="points", overdraft=0)
                for e in points
            ),
            *dict.fromkeys(account for drawn in draws for account in drawn.accounts),
        ),
        transfers=(*money, *_points(place, points, len(money))),
        drawn=tuple(part for drawn in draws for part in drawn.parts),
    )
