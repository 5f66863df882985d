"""What happens at desks: shifts, sales with every way to pay, replaced cards, returns of tickets and deposits."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.kernel.decimals import money
from karnet.wiring.demo import network
from karnet.wiring.demo.network import CURRENCY, DEPOSIT, DESKS, OK, TICKETS, Desk
from karnet.wiring.demo.people import MINUTE, Group, Habit, Visitor, pick
from karnet.wiring.demo.world import TILLS_CLOSE, Process, World
from karnet.wiring.play.steps import (
    Block,
    CloseShift,
    Invoice,
    OpenShift,
    Replace,
    Return,
    Sell,
    TopUp,
    Unblock,
)
from karnet.wiring.play.words import Buyer, Payment, PaymentKind, SaleLine

FLOAT = 50_000
VOUCHER = 5_000
_DIFFERENCES = (0, 0, 0, -50, 100, -1000, 0, 20)  # what is in a drawer too much or too little in the evening, in grosz
_LINE_OF_THEIR_OWN = (Habit.CHANGES_MIND, Habit.HAGGLES)
_SCHOOL = Buyer(name="Szkoła Podstawowa nr 3", tax_number="1234563218", address="ul. Szkolna 1, 00-001 Warszawa")


def early_bird(world: World, desk: Desk) -> Process:
    """The first customer of the day comes before the till is ready."""
    pay = Payment(kind="cash", amount=_text(network.GOODS["map"]))
    world.emit(
        Sell(at=world.instant(), sales_point=desk.code, operator=desk.operator, lines=(SaleLine(product="map"),),
             pay=(pay,), expect={"refused": "no_open_shift"})
    )  # fmt: skip
    yield from ()


def shift(world: World, desk: Desk, closes_s: int) -> Process:
    """One shift at a desk, from the first float to the count of the drawer."""
    place = desk.code, desk.clerk
    world.emit(
        OpenShift(at=world.instant(), sales_point=place[0], operator=place[1], float_amount=_text(FLOAT), expect=OK)
    )
    world.cash[desk.code] = FLOAT
    yield closes_s
    expected = world.cash[desk.code]
    difference = world.chance.choice(_DIFFERENCES)
    world.emit(
        CloseShift(
            at=world.instant(), sales_point=place[0], operator=place[1], counted=_text(expected + difference),
            expect={"expected": _text(expected), "difference": money(difference, CURRENCY)},
        )
    )  # fmt: skip


def buy(world: World, group: Group) -> Process:
    """The group queues and buys its tickets, on new cards."""
    desk = _desk_of(world, group)
    group.bought_at = desk.facility
    yield world.desks[desk.code].join(world.now) + desk.sale_s
    lines, total = _lines(desk.facility, group.members)
    if desk.kind in ("till", "reception") and not group.school and world.chance.random() < 0.12:
        goods = world.chance.choice(sorted(network.GOODS))
        lines.append(SaleLine(product=goods, quantity=2))
        total += 2 * network.GOODS[goods]
    if not group.early and world.chance.random() < 0.004:
        # A slip: the price of a day ticket typed for the sum. Nothing is sold, and the cashier starts again.
        slip = Payment(kind="card", amount=_text(total + 100 + DEPOSIT * len(group.members)))
        world.emit(
            Sell(at=world.instant(), sales_point=desk.code, operator=desk.operator, lines=tuple(lines), pay=(slip,),
                 expect={"refused": "payment_mismatch"})
        )  # fmt: skip
        yield world.now + 20
    world.emit(
        Sell(
            at=world.instant(), label=label(group), sales_point=desk.code, operator=desk.operator, lines=tuple(lines),
            pay=_payments(world, desk, total + DEPOSIT * len(group.members), school=group.school),
            buyer=_SCHOOL if group.school else None, expect={"total": _text(total)},
        )
    )  # fmt: skip
    if group.school:
        world.start(world.now + 5 * MINUTE, _invoice(world, desk, group))


def label(group: Group) -> str | None:
    """Return the name of the group's sale, where a later step refers to it."""
    special = group.school or any(visitor.habit in _LINE_OF_THEIR_OWN for visitor in group.members)
    return f"group-{group.number}" if special else None


def top_up(world: World, facility: str, visitor: Visitor) -> Process:
    """More points for a card that has too few."""
    desk = world.desk(facility)
    yield world.desks[desk.code].join(world.now) + desk.sale_s
    price = network.price(facility, "points-30", visitor.category)
    pay: PaymentKind = "card"
    if desk.has_drawer:
        pay = "cash"
        world.cash[desk.code] += price
    world.emit(
        TopUp(
            at=world.instant(), sales_point=desk.code, operator=desk.operator, card=visitor.card,
            product="points-30", category=visitor.category, pay=pay, expect=OK,
        )
    )  # fmt: skip


def replace_card(world: World, facility: str, visitor: Visitor) -> Process:
    """A card that is not there any more is replaced with everything on it; the visitor has the new one from now on."""
    desk = world.desk(facility, drawer=True)
    yield world.desks[desk.code].join(world.now) + 2 * desk.sale_s
    new = f"{visitor.card}R"
    world.emit(
        Replace(at=world.instant(), card=visitor.card, by=new, sales_point=desk.code, operator=desk.clerk,
                reason="other" if visitor.habit is Habit.FORGOT else "lost", expect=OK)
    )  # fmt: skip
    visitor.card = new


def block(world: World, facility: str, visitor: Visitor) -> None:
    """A stolen card is reported by telephone."""
    desk = world.desk(facility, drawer=True)
    world.emit(
        Block(at=world.instant(), card=visitor.card, sales_point=desk.code, operator=desk.clerk, reason="stolen",
              expect=OK)
    )  # fmt: skip


def unblock(world: World, facility: str, visitor: Visitor) -> Process:
    """The card was found: the block is lifted at a till."""
    desk = world.desk(facility, drawer=True)
    yield world.desks[desk.code].join(world.now) + desk.sale_s
    world.emit(Unblock(at=world.instant(), card=visitor.card, sales_point=desk.code, operator=desk.clerk, expect=OK))


def give_back(world: World, group: Group, visitor: Visitor, *, used: bool) -> Process:
    """A visitor wants the money back, where the ticket was bought: granted for an unused one, with the card's deposit;
    refused for a used one."""
    desk = world.desk(group.bought_at, drawer=True)
    yield world.desks[desk.code].join(world.now) + desk.sale_s
    refund = network.price(group.bought_at, visitor.ticket, visitor.category) + DEPOSIT
    pay = _refund(world, desk, 0 if used else refund)
    world.emit(
        Return(
            at=world.instant(), sales_point=desk.code, operator=desk.clerk, order=label(group), pay=pay,
            lines=(line_of(group, visitor),), cards=() if used else (visitor.card,),
            expect={"refused": "used_cannot_return"} if used else {"refund": _text(refund)},
        )
    )  # fmt: skip


def hand_in(world: World, facility: str, cards: Sequence[str]) -> Process:
    """Cards go back for their deposit, wherever the visitors happen to be (SPEC N3)."""
    desk = world.desk(facility, drawer=True)
    served = world.desks[desk.code].join(world.now)
    if not cards or served >= TILLS_CLOSE:
        return
    yield served
    refund = DEPOSIT * len(cards)
    pay = _refund(world, desk, refund)
    world.emit(
        Return(at=world.instant(), sales_point=desk.code, operator=desk.clerk, cards=tuple(cards), pay=pay,
               expect={"refund": _text(refund)})
    )  # fmt: skip


def line_of(group: Group, visitor: Visitor) -> int:
    """Return the number, from 1, of the sale line that a visitor with a line of their own is on."""
    lines, _ = _lines(group.facility, group.members)
    return next(number for number, line in enumerate(lines, start=1) if visitor.card in line.cards)


def _lines(facility: str, members: Sequence[Visitor]) -> tuple[list[SaleLine], int]:
    """Return the lines of a group's sale and their sum: one per product and category, and one for each visitor who
    will want to give a ticket back."""
    cards: dict[tuple[str, str, str], list[str]] = {}
    for visitor in members:
        own = visitor.card if visitor.habit in _LINE_OF_THEIR_OWN else ""
        cards.setdefault((visitor.ticket, visitor.category, own), []).append(visitor.card)
    lines = [
        SaleLine(product=ticket, category=category, cards=tuple(numbers))
        for (ticket, category, _), numbers in cards.items()
    ]
    return lines, sum(network.price(facility, line.product, line.category) * len(line.cards) for line in lines)


def _desk_of(world: World, group: Group) -> Desk:
    if group.school:
        return next(desk for desk in DESKS if desk.facility == group.facility and desk.has_drawer)
    if group.early or world.chance.random() < 0.05:
        return world.chance.choice([desk for desk in DESKS if desk.kind in ("web", "partner")])
    return world.desk(group.facility)


def _payments(world: World, desk: Desk, total: int, *, school: bool) -> tuple[Payment, ...]:
    if school:
        return (Payment(kind="invoice", amount=_text(total)),)
    if desk.kind == "web":
        return (Payment(kind="bank_transfer", amount=_text(total)),)
    if not desk.has_drawer:
        return (Payment(kind="card", amount=_text(total)),)
    how = pick(world.chance, (("card", 55), ("cash", 38), ("voucher", 7)))
    if how == "cash":
        world.cash[desk.code] += total
        return (Payment(kind="cash", amount=_text(total), tendered=_text(_notes(world, total))),)
    if how == "voucher" and total > VOUCHER:
        rest: PaymentKind = world.chance.choice(("cash", "card"))
        if rest == "cash":
            world.cash[desk.code] += total - VOUCHER
        return Payment(kind="voucher", amount=_text(VOUCHER)), Payment(kind=rest, amount=_text(total - VOUCHER))
    return (Payment(kind="card", amount=_text(total)),)


def _notes(world: World, total: int) -> int:
    """Return what somebody puts on the counter: the sum, or the next whole 10, 50 or 100 zlotys."""
    note = world.chance.choice((1, 1000, 5000, 10_000))
    return -(-total // note) * note


def _refund(world: World, desk: Desk, amount: int) -> PaymentKind:
    if world.cash[desk.code] < amount:
        return "card"
    world.cash[desk.code] -= amount
    return "cash"


def _invoice(world: World, desk: Desk, group: Group) -> Process:
    order = label(group)
    assert order is not None
    world.emit(Invoice(at=world.instant(), order=order, operator=desk.clerk, expect=OK))
    yield from ()


def _text(minor: int) -> str:
    return money(minor, CURRENCY)


def keeps_value(visitor: Visitor, points_left: int) -> bool:
    """Tell whether somebody takes the card home: there is something left on it."""
    ticket = TICKETS[visitor.ticket]
    return points_left > 0 or ticket.code.startswith(("days-", "season"))
