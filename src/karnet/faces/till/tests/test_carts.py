"""The sale that is being made, and amounts as they are typed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from karnet.catalogue.operations import Product
from karnet.catalogue.selectors import Version
from karnet.entitlements.rules import MediumState
from karnet.faces.till import amounts, carts
from karnet.kernel.ids import named_id
from karnet.orders.operations import Payment


def version(code: str, kind: str = "time", deposit: int = 1000, **prices: int) -> Version:
    product = Product(
        id=named_id(code), code=code, kind=kind, names={}, prices=prices or {"adult": 16000}, vat_bp=800,
        deposit_minor=deposit,
    )  # fmt: skip
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Version(
        product=product, facility=named_id("f"), currency="PLN", on_sale_from=start, on_sale_until=None, number=1
    )


def test_a_card_goes_onto_the_first_ticket_that_waits_for_one() -> None:
    cart = carts.Cart()
    carts.add(cart, version("day"))
    carts.add(cart, version("points"))
    assert [carts.scan(cart, number, None) for number in ("1", "2")] == ["added", "added"]
    assert [line.cards for line in cart.lines] == [["1"], ["2"]]
    assert cart.ready


def test_a_card_read_before_any_ticket_takes_the_next_one() -> None:
    cart = carts.Cart()
    assert carts.scan(cart, "1", None) == "aside"
    carts.add(cart, version("day"))
    assert cart.lines[0].cards == ["1"]
    assert cart.onto is None


def test_a_group_takes_card_after_card_and_none_twice() -> None:
    cart = carts.Cart(group=True)
    carts.add(cart, version("day"))
    assert [carts.scan(cart, str(n), None) for n in (1, 2, 3, 2)] == ["added", "added", "added", "twice"]
    assert cart.lines[0].wanted == 3


def test_a_deposit_is_taken_once_for_a_new_card_and_never_for_one_in_use() -> None:
    cart = carts.Cart()
    day, points = version("day"), version("points", deposit=1500)
    for one in (day, points, day):
        carts.add(cart, one)
    in_use = MediumState(id=named_id("m"), number="2", chip="c2", kind="card", state="in_use")
    for number, medium in (("1", None), ("2", in_use), ("1", None)):
        carts.scan(cart, number, medium)
    lines = carts.priced(cart, {v.product.id: v for v in (day, points)})
    assert carts.deposit(cart, lines) == 1500
    assert not cart.cards["2"].issue


def test_every_change_of_the_sale_is_another_request() -> None:
    cart = carts.Cart()
    keys = {cart.key}
    carts.add(cart, version("day"))
    keys.add(cart.key)
    carts.scan(cart, "1", None)
    keys.add(cart.key)
    carts.alter(cart, 0, "remove")
    keys.add(cart.key)
    assert len(keys) == 4
    assert cart.cards == {}


def test_a_part_that_was_paid_is_kept_when_the_sale_changes() -> None:
    cart = carts.Cart(payments=[Payment(kind="card", amount=5000)])
    carts.add(cart, version("day"))
    carts.alter(cart, 0, "remove")
    assert cart.paid == 5000


def test_what_does_not_fit_changes_nothing() -> None:
    cart = carts.Cart()
    carts.add(cart, version("day"))
    for index, action in ((-1, "remove"), (7, "more"), (0, "nonsense")):
        carts.alter(cart, index, action)
    assert cart.lines[0].wanted == 1


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("12", 1200), ("12.5", 1250), ("12,50", 1250), ("1 000", 100000), ("12.505", None), ("-1", None), ("", None)],
)
def test_an_amount_is_read_as_people_type_it(typed: str, minor: int | None) -> None:
    assert amounts.minor_units(typed, "PLN") == minor


def test_quick_cash_is_always_more_than_what_is_due() -> None:
    for due in (1, 999, 17500, 50000, 1327500):
        assert all(value > due for value in amounts.quick_cash(due, "PLN"))


def cart_of(*numbers: str, handed_back: bool = True, group: bool = False) -> carts.Cart:
    """A sale to a customer of a day ticket on each of these cards."""
    cart = carts.Cart(customer=named_id("customer"), group=group)
    for number in numbers:
        carts.add(cart, version("day"))
        state = "returned" if handed_back else "in_use"
        medium = MediumState(id=named_id(number), number=number, chip=f"chip-{number}", kind="card", state=state)
        assert carts.scan(cart, number, medium) == "added"
    return cart


def holders(cart: carts.Cart) -> list[object]:
    return [card.holder for line in carts.asked_lines(cart, "Europe/Warsaw") for card in line.cards]


def test_who_buys_one_card_holds_it() -> None:
    cart = cart_of("1")
    assert cart.held == "1"
    assert holders(cart) == [named_id("customer")]


def test_one_card_with_two_tickets_is_still_one_card() -> None:
    cart = cart_of("1")
    carts.add(cart, version("points"))
    assert carts.scan(cart, "1", None) == "added"
    assert holders(cart) == [named_id("customer")] * 2


@pytest.mark.parametrize(
    "cart",
    [cart_of("1", "2"), cart_of("1", group=True), cart_of("1", handed_back=False), carts.Cart(customer=named_id("c"))],
    ids=["two cards", "a group", "a card in somebody's hands", "no card"],
)
def test_whose_card_it_is_is_not_guessed(cart: carts.Cart) -> None:
    assert cart.held == ""
    assert set(holders(cart)) <= {None}


def test_a_ticket_starts_on_the_day_that_was_chosen_as_it_begins_there() -> None:
    cart = carts.Cart(lines=[carts.CartLine(product=named_id("day"), category="adult", on_card=True)])
    today = date(2026, 1, 17)
    for typed, day in (("2026-01-19", date(2026, 1, 19)), ("2026-01-16", None), ("soon", None), ("2026-01-17", None)):
        carts.begin(cart, 0, typed, today)
        assert cart.lines[0].start == day
    carts.begin(cart, 7, "2026-01-19", today)
    carts.begin(cart, 0, "2026-01-19", today)
    (line,) = carts.asked_lines(cart, "Europe/Warsaw")
    assert line.start == datetime(2026, 1, 18, 23, tzinfo=UTC)


def test_a_right_makes_the_ticket_on_its_card_cheaper_and_no_other() -> None:
    cart, day = carts.Cart(), version("day", adult=9999)
    mine = MediumState(id=named_id("m"), number="1", chip="c1", kind="card", state="in_use")
    carts.add(cart, day)
    carts.scan(cart, "2", None)
    assert carts.use(cart, day, mine, named_id("right"), 1_000)
    (line,) = carts.priced(cart, {day.product.id: day})
    assert (line.line.wanted, line.amount, line.off) == (2, 9999 + 9000, 999), "rounded down in the seller's favour"
    plain, cheaper = carts.asked_lines(cart, "Europe/Warsaw")
    assert ([card.number for card in plain.cards], [card.number for card in cheaper.cards]) == (["2"], ["1"])
    assert [(one.right, one.line) for one in carts.asked_rights(cart, (plain, cheaper))] == [(named_id("right"), 1)]
    carts.alter(cart, 0, "card", "1")
    assert cart.rights == [], "a card that is taken off takes its right along"


def test_a_card_that_lies_aside_goes_onto_the_ticket_its_right_is_for() -> None:
    cart, day = carts.Cart(), version("day")
    mine = MediumState(id=named_id("m"), number="1", chip="c1", kind="card", state="in_use")
    carts.scan(cart, "1", mine)
    assert carts.use(cart, day, mine, named_id("right"), 10_000)
    assert (cart.onto, cart.lines[0].cards, cart.ready) == (None, ["1"], True)
