"""The sale that is being made. It lives in the session: nothing of it is recorded before it is paid, and no error loses it.

Everything here decides on values: what was tapped and scanned, against the price list of the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4

import msgspec
from django.http import HttpRequest

from karnet.catalogue.selectors import Version
from karnet.entitlements.rules import MediumState
from karnet.kernel.time import day_start
from karnet.loyalty.requests import RightOnLine
from karnet.loyalty.rules import discounted
from karnet.orders.operations import Payment
from karnet.orders.requests import Card, SaleLine
from karnet.orders.rules.selling import MAX_LINES, PLASTIC

_SESSION = "till_cart"


class CartLine(msgspec.Struct, kw_only=True):
    """A product in a category, for `wanted` cards (tickets), of which `cards` were scanned; or `wanted` pieces of goods.
    `start`: the first day of its tickets, where another than today was chosen."""

    product: UUID
    category: str
    wanted: int = 1
    cards: list[str] = msgspec.field(default_factory=list)
    on_card: bool = True
    start: date | None = None

    @property
    def lacks(self) -> int:
        """How many cards are still to be scanned."""
        return self.wanted - len(self.cards) if self.on_card else 0


class CartRight(msgspec.Struct, frozen=True, kw_only=True):
    """A right that makes the ticket of a product, in a category, on a card cheaper by so many basis points."""

    right: UUID
    product: UUID
    category: str
    card: str
    discount_bp: int

    def concerns(self, line: CartLine) -> bool:
        """Whether its ticket is one of this line."""
        return (self.product, self.category) == (line.product, line.category) and self.card in line.cards


class Cart(msgspec.Struct, kw_only=True):
    """A sale before it is paid. `key` is its request key. `cards` by number; `onto`: scanned before any ticket."""

    key: str = msgspec.field(default_factory=lambda: str(uuid4()))
    category: str = "adult"
    lines: list[CartLine] = msgspec.field(default_factory=list)
    cards: dict[str, Card] = msgspec.field(default_factory=dict)
    onto: str | None = None
    group: bool = False
    payments: list[Payment] = msgspec.field(default_factory=list)
    buyer: UUID | None = None
    customer: UUID | None = None
    sold: UUID | None = None
    rights: list[CartRight] = msgspec.field(default_factory=list)

    @property
    def held(self) -> str:
        """The card that the customer holds from this sale on: the only one in it, if it is given out here; else "".

        Whoever buys several cards holds none of them, as far as we know; whose they are is said at each card.
        """
        numbers = {number for line in self.lines for number in line.cards}
        only = self.cards.get(next(iter(numbers))) if len(numbers) == 1 and not self.group else None
        return only.number if self.customer is not None and only is not None and only.issue else ""

    @property
    def waiting(self) -> CartLine | None:
        """The first line that lacks a card; in group mode the last ticket line takes any number of them."""
        lacking = next((line for line in self.lines if line.lacks > 0), None)
        if lacking is None and self.group:
            return next((line for line in reversed(self.lines) if line.on_card), None)
        return lacking

    @property
    def ready(self) -> bool:
        """Whether every ticket has its card and something is sold at all."""
        return bool(self.lines) and all(line.lacks == 0 for line in self.lines)

    @property
    def paid(self) -> int:
        """What was paid in part so far, minor units."""
        return sum(payment.amount for payment in self.payments)

    def changed(self) -> None:
        """Note that this is another sale than the one that was asked for before: under a key of its own."""
        self.key = str(uuid4())
        self.sold = None


def load(request: HttpRequest) -> Cart:
    """Return the sale of this session, an empty one where none is being made."""
    try:
        return msgspec.json.decode(request.session.get(_SESSION, "{}"), type=Cart)
    except msgspec.ValidationError:  # Kept by another version of the program.
        return Cart()


def save(request: HttpRequest, cart: Cart) -> None:
    """Keep the sale in the session."""
    request.session[_SESSION] = msgspec.json.encode(cart).decode()


def add(cart: Cart, version: Version) -> bool:
    """Put one more of a product into the sale, in the category that is chosen or the only one it has. False: full."""
    product = version.product
    if pieces(cart) >= MAX_LINES:
        return False
    category = cart.category if cart.category in product.prices else next(iter(product.prices), cart.category)
    on_card = product.kind != "goods"
    line = next((line for line in cart.lines if line.product == product.id and line.category == category), None)
    if line is None:
        line = CartLine(product=product.id, category=category, on_card=on_card)
        cart.lines.append(line)
    else:
        line.wanted += 1
    if on_card and cart.onto is not None and cart.onto not in line.cards:
        line.cards.append(cart.onto)
        cart.onto = None
    cart.changed()
    return True


def scan(cart: Cart, number: str, medium: MediumState | None) -> str:
    """Take a card that was read: onto the line that waits for one, else aside until a ticket is chosen.

    Returns "added", "aside", "twice" (it is on that line already), "full".
    """
    card = known_card(number, medium)
    line = cart.waiting
    if line is None:
        cart.onto = card.number
        cart.cards[card.number] = card
        cart.changed()
        return "aside"
    if card.number in line.cards:
        return "twice"
    if line.lacks <= 0:
        if pieces(cart) >= MAX_LINES:
            return "full"
        line.wanted += 1
    line.cards.append(card.number)
    cart.cards[card.number] = card
    cart.changed()
    return "added"


def known_card(number: str, medium: MediumState | None) -> Card:
    """Return the card that was read: given out in this sale when it is new or was handed back, else its holder's."""
    if medium is None:
        return Card(number=number, chip=number, issue=True)
    return Card(number=medium.number, chip=medium.chip, kind=medium.kind, issue=medium.state == "returned")


def alter(cart: Cart, index: int, action: str, number: str = "") -> None:
    """Change a line: "more", "less", "remove", "card" (take this card off it) or "plain" (use no right for the ticket on
    this card). What does not fit changes nothing."""
    if not 0 <= index < len(cart.lines):
        return
    line = cart.lines[index]
    if action == "more" and pieces(cart) < MAX_LINES:
        line.wanted += 1
    elif action == "less" and line.wanted > 1:
        line.wanted -= 1
        del line.cards[line.wanted :]
    elif action in ("less", "remove"):
        cart.lines.remove(line)
    elif action == "card" and number in line.cards:
        line.cards.remove(number)
        if line.wanted > 1:
            line.wanted -= 1
    elif action == "plain":
        cart.rights = [right for right in cart.rights if not (right.card == number and right.concerns(line))]
    cart.rights = [right for right in cart.rights if any(right.concerns(line) for line in cart.lines)]
    used = {card for line in cart.lines for card in line.cards} | {cart.onto}
    cart.cards = {number: card for number, card in cart.cards.items() if number in used}
    cart.changed()


def use(cart: Cart, version: Version, medium: MediumState, right: UUID, discount_bp: int) -> bool:
    """Make a ticket of a product on a card cheaper by a right: the one that is in the sale, else one more. False: full."""
    product, number = version.product, medium.number
    taken = {(one.product, one.category) for one in cart.rights if one.card == number}
    fitting = [line for line in cart.lines if line.product == product.id and (product.id, line.category) not in taken]
    line = next((line for line in fitting if number in line.cards), None) or next(
        (line for line in fitting if line.lacks > 0), None
    )
    if line is None:
        aside, cart.onto = cart.onto, None
        if not add(cart, version):
            cart.onto = aside
            return False
        cart.onto = None if aside == number else aside
        category = cart.category if cart.category in product.prices else next(iter(product.prices), cart.category)
        line = next(line for line in cart.lines if (line.product, line.category) == (product.id, category))
    if number not in line.cards:
        line.cards.append(number)
    cart.cards[number] = known_card(number, medium)
    cart.rights.append(
        CartRight(right=right, product=product.id, category=line.category, card=number, discount_bp=discount_bp)
    )
    if cart.onto == number:
        cart.onto = None
    cart.changed()
    return True


def begin(cart: Cart, index: int, typed: str, today: date) -> None:
    """Choose the first day of a line's tickets. What is no day, or one that has gone by, means today."""
    if not 0 <= index < len(cart.lines):
        return
    try:
        day: date | None = date.fromisoformat(typed)
    except ValueError:
        day = None
    cart.lines[index].start = day if day is not None and day > today else None
    cart.changed()


def pieces(cart: Cart) -> int:
    """Return how many tickets and pieces are in the sale."""
    return sum(line.wanted if line.on_card else 1 for line in cart.lines)


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its price: `unit` each, `amount` in all less `off` by rights, minor units. `version` is None when it is
    off the list."""

    line: CartLine
    version: Version | None
    unit: int = 0
    amount: int = 0
    off: int = 0


def priced(cart: Cart, versions: Mapping[UUID, Version]) -> list[Priced]:
    """Return the lines with their prices."""
    found = []
    for line in cart.lines:
        version = versions.get(line.product)
        unit = version.product.prices.get(line.category, 0) if version else 0
        off = sum(unit - discounted(unit, right.discount_bp) for right in cart.rights if right.concerns(line))
        found.append(Priced(line=line, version=version, unit=unit, amount=unit * line.wanted - off, off=off))
    return found


def deposit(cart: Cart, lines: Iterable[Priced]) -> int:
    """Return the card deposits of the cards given out in this sale: one each, the highest of its tickets."""
    highest: dict[str, int] = {}
    for one in lines:
        for number in one.line.cards if one.version else ():
            card = cart.cards.get(number)
            if card is not None and card.issue and card.kind in PLASTIC:
                assert one.version is not None, "only lines with a version are walked"
                highest[number] = max(highest.get(number, 0), one.version.product.deposit_minor)
    return sum(highest.values())


def asked_lines(cart: Cart, time_zone: str) -> tuple[SaleLine, ...]:
    """Return the lines as the sale asks for them. A card that is given out is so on every line that names it; a ticket
    that starts on another day does so as that day begins in the zone. Tickets made cheaper by rights come last, each on
    a line of its own."""
    cards = dict(cart.cards)
    if cart.held:
        cards[cart.held] = msgspec.structs.replace(cards[cart.held], holder=cart.customer)
    plain, cheaper = [], []
    for line in cart.lines:
        own = [right.card for right in cart.rights if right.concerns(line)]
        others = [number for number in line.cards if number not in own]
        if others or not own:
            plain.append(_asked(line, others, cards, time_zone))
        cheaper += [_asked(line, [number], cards, time_zone) for number in own]
    return (*plain, *cheaper)


def asked_rights(cart: Cart, lines: Sequence[SaleLine]) -> tuple[RightOnLine, ...]:
    """Return which of the lines asked for is made cheaper by which right."""
    by_line = [right for line in cart.lines for right in cart.rights if right.concerns(line)]
    first = len(lines) - len(by_line)
    return tuple(RightOnLine(right=right.right, line=first + n) for n, right in enumerate(by_line))


def _asked(line: CartLine, numbers: Iterable[str], cards: Mapping[str, Card], time_zone: str) -> SaleLine:
    return SaleLine(
        product=line.product,
        category=line.category,
        cards=tuple(cards[number] for number in numbers),
        quantity=1 if line.on_card else line.wanted,
        start=day_start(line.start, time_zone) if line.start else None,
    )
