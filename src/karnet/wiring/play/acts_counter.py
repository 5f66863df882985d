"""The counter: shifts, sales, top-ups, returns, replaced cards, invoices."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from karnet.catalogue.operations import Product
from karnet.entitlements.requests import ReplacementIssued
from karnet.entitlements.rules import medium_id
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders import requests, selectors, services
from karnet.orders.requests import GiveBack, IssueInvoice, ReplaceCard, Sale, ShiftCounted, ShiftOpen, TakenBack
from karnet.parties.services import CompanyDetails, save_company
from karnet.wiring.play import steps, words
from karnet.wiring.play.asking import ask
from karnet.wiring.play.price_lists import Prices, due, payments
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, Unplayable, facility_of


def open_shift(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Operators take drawers."""

    def request(line: Line) -> requests.OpenShift:
        step = line.step
        assert isinstance(step, steps.OpenShift)
        return requests.OpenShift(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            float_minor=stage.minor(step.float_amount, facility_of(step.sales_point), "float"),
        )

    def fields(line: Line, opened: ShiftOpen) -> Fields:
        assert isinstance(line.step, steps.OpenShift)
        stage.shifts[stage.sales_point(line.step.sales_point), stage.operator(line.step.operator)] = opened.shift
        return {"shift": str(opened.shift)}

    return ask(lines, request, services.open_shifts, fields)


def close_shift(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Drawers are counted."""

    def request(line: Line) -> requests.CloseShift:
        step = line.step
        assert isinstance(step, steps.CloseShift)
        facility = facility_of(step.sales_point)
        counts = {str(stage.minor(worth, facility, "counts")): pieces for worth, pieces in step.counts.items()}
        counted = step.counted
        return requests.CloseShift(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            shift=_shift(stage, step),
            counted=sum(int(worth) * pieces for worth, pieces in counts.items())
            if counted is None
            else stage.minor(counted, facility, "counted"),
            counts=counts,
        )

    def fields(line: Line, counted: ShiftCounted) -> Fields:
        assert isinstance(line.step, steps.CloseShift)
        facility = facility_of(line.step.sales_point)
        return {
            "expected": stage.money(counted.expected, facility),
            "counted": stage.money(counted.counted, facility),
            "difference": stage.money(counted.difference, facility),
        }

    return ask(lines, request, services.close_shifts, fields)


def sell(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Sell what steps list."""
    prices = Prices(stage)

    def request(line: Line) -> requests.Sell:
        step = line.step
        assert isinstance(step, steps.Sell)
        facility = facility_of(step.sales_point)
        products = [prices.product(facility, sold.product, step.at) for sold in step.lines]
        sold = [_sale_line(stage, facility, line, version) for line, version in zip(step.lines, products, strict=True)]
        return requests.Sell(
            key=line.key,
            at=step.at,
            actor=stage.seller(step.sales_point, step.operator),
            sales_point=stage.sales_point(step.sales_point),
            lines=tuple(sold),
            payments=payments(stage, facility, step.pay, due(products, sold)),
            buyer=_company(step.buyer),
            invoice=step.invoice,
        )

    return ask(lines, request, services.sell, lambda line, sale: _sold(stage, line, sale))


def _sale_line(stage: Stage, facility: str, line: words.SaleLine, version: Product) -> requests.SaleLine:
    return requests.SaleLine(
        product=version.id,
        category=line.category,
        cards=tuple(requests.Card(number=number, issue=line.issue) for number in line.cards),
        quantity=line.quantity,
        unit_price=None if line.price is None else stage.minor(line.price, facility, "lines.price"),
        start=line.start,
    )


def top_up(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Sell one more ticket onto each card."""
    prices = Prices(stage)

    def request(line: Line) -> requests.TopUp:
        step = line.step
        assert isinstance(step, steps.TopUp)
        facility = facility_of(step.sales_point)
        version = prices.product(facility, step.product, step.at)
        unit_price = None if step.price is None else stage.minor(step.price, facility, "price")
        sold = requests.SaleLine(product=version.id, category=step.category, unit_price=unit_price)
        return requests.TopUp(
            key=line.key,
            at=step.at,
            actor=stage.seller(step.sales_point, step.operator),
            sales_point=stage.sales_point(step.sales_point),
            number=step.card,
            product=version.id,
            category=step.category,
            unit_price=unit_price,
            payments=payments(stage, facility, step.pay, due([version], [sold])),
        )

    return ask(lines, request, services.top_up, lambda line, sale: _sold(stage, line, sale))


def _sold(stage: Stage, line: Line, sale: Sale) -> Fields:
    assert isinstance(line.step, steps.Sell | steps.TopUp)
    if line.step.label is not None:
        stage.sales[line.number] = sale
    facility = facility_of(line.step.sales_point)
    told: Fields = {
        "order": sale.number,
        "total": stage.money(sale.total, facility),
        "vat": stage.money(sale.vat, facility),
        "deposit": stage.money(sale.deposit, facility),
        "change": stage.money(sale.change, facility),
        "tickets": len(sale.entitlements),
    }
    return told if sale.invoice is None else told | {"invoice": sale.invoice}


def give_back(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Take back tickets and cards."""

    def request(line: Line) -> GiveBack:
        step = line.step
        assert isinstance(step, steps.Return)
        sale = None if step.order is None else _sale(stage, line)
        return GiveBack(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            order=None if sale is None else sale.order,
            lines=() if sale is None else _sold_lines(line, sale),
            cards=step.cards,
            refund_kind=step.pay,
        )

    def fields(line: Line, back: TakenBack) -> Fields:
        assert isinstance(line.step, steps.Return)
        facility = facility_of(line.step.sales_point)
        return {
            "refund": stage.money(back.refund, facility),
            "deposit": stage.money(back.deposit, facility),
            "vat": stage.money(back.vat, facility),
            "tickets": len(back.lines),
        }

    return ask(lines, request, services.give_back, fields)


def _sale(stage: Stage, line: Line) -> Sale:
    assert line.about is not None
    sale = stage.sales.get(line.about.number)
    if sale is None:
        raise Unplayable(refused(Reason.UNKNOWN_ORDER, order=line.about.step.label or ""))
    return sale


def _sold_lines(line: Line, sale: Sale) -> tuple[UUID, ...]:
    """Return the ids of the lines that a return names by their place in the sale: a line sold is one per ticket."""
    assert line.about is not None
    assert isinstance(line.step, steps.Return)
    asked = line.about.step.lines if isinstance(line.about.step, steps.Sell) else ()
    ids = iter(sale.lines)
    by_place = [[next(ids) for _ in range(len(sold.cards) or 1)] for sold in asked] or [list(sale.lines)]
    wrong = [place for place in line.step.lines if place > len(by_place)]
    if wrong:
        raise Unplayable(refused(Reason.BAD_VALUE, field="lines", problem=f"the sale has no line {wrong[0]}"))
    return tuple(id_ for place in line.step.lines for id_ in by_place[place - 1])


def replace(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Replace lost or broken cards, with everything on them."""

    def request(line: Line) -> ReplaceCard:
        step = line.step
        assert isinstance(step, steps.Replace)
        deposit = 0
        if step.deposit is not None:
            deposit = stage.minor(step.deposit, facility_of(step.sales_point), "deposit")
        return ReplaceCard(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            old=medium_id(step.card),
            new_number=step.by,
            sales_point=stage.sales_point(step.sales_point),
            code=step.reason,
            deposit="move" if step.deposit is None else "new",
            deposit_minor=deposit,
            payment_kind=step.pay,
        )

    def fields(line: Line, replaced: ReplacementIssued) -> Fields:
        assert isinstance(line.step, steps.Replace)
        deposit = stage.money(replaced.deposit, facility_of(line.step.sales_point))
        return {"tickets": len(replaced.entitlements), "deposit": deposit}

    return ask(lines, request, services.replace_cards, fields)


def invoice(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Issue invoices for earlier sales."""

    def request(line: Line) -> IssueInvoice:
        step = line.step
        assert isinstance(step, steps.Invoice)
        return IssueInvoice(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            order=_sale(stage, line).order,
            buyer=_company(step.buyer),
        )

    return ask(lines, request, services.issue_invoices, lambda line, issued: {"invoice": issued.number})


def _company(buyer: words.Buyer | None) -> UUID | None:
    """Keep a company's details and return its id: that of its country and tax number."""
    if buyer is None:
        return None
    company = named_id("company", buyer.country, buyer.tax_number)
    details = CompanyDetails(name=buyer.name, tax_number=buyer.tax_number, address=buyer.address, country=buyer.country)
    saved = save_company(company, details)
    if isinstance(saved, Refused):
        raise Unplayable(saved)
    return company


def _shift(stage: Stage, step: steps.CloseShift) -> UUID:
    """Return the shift that the operator opened in this scenario, else the one that runs at the sales point."""
    sales_point, operator = stage.sales_point(step.sales_point), stage.operator(step.operator)
    opened = stage.shifts.get((sales_point, operator))
    if opened is not None:
        return opened
    running = selectors.running_shifts([sales_point]).get(sales_point)
    if running is None or running.operator != operator:
        raise Unplayable(refused(Reason.NO_OPEN_SHIFT, sales_point=step.sales_point, operator=step.operator))
    return running.id
