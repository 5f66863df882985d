"""Electronic passes: offered, sold, topped up, used, and the day's work on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from karnet.entitlements.selectors import media_by_number
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.orders.requests import Extra, SaleLine
from karnet.passes import requests, selectors, services
from karnet.passes.kinds import PassKind
from karnet.passes.selling import quote
from karnet.wiring.play import steps_passes as steps
from karnet.wiring.play.amounts import Money, basis_points
from karnet.wiring.play.asking import ask
from karnet.wiring.play.price_lists import Prices, payments
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, facility_of


def offer(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Publish kinds of passes."""

    def request(line: Line) -> requests.OfferPasses:
        step = line.step
        assert isinstance(step, steps.OfferPasses)
        return requests.OfferPasses(
            key=line.key, at=step.at, actor=stage.server, facility=stage.facility(step.facility), kinds=step.kinds
        )

    return ask(lines, request, services.offer, lambda line, made: {"kinds": list(made.codes)})


def sell(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Sell passes."""

    def request(line: Line) -> requests.SellPass:
        step = line.step
        assert isinstance(step, steps.SellPass)
        code = facility_of(step.sales_point)
        kind = selectors.kinds([stage.facility(code)]).get((stage.facility(code), step.kind))
        amount = stage.minor(step.amount, code, "amount")
        card = media_by_number([step.card]).get(step.card)
        new = card is None or card.state != "in_use"
        due = _due(kind, amount, step.pack, new_card=new, contract=True)
        return requests.SellPass(
            key=line.key, at=step.at, actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point), kind=step.kind, number=step.card, amount=amount,
            pack=step.pack, payments=payments(stage, code, step.pay, due),
        )  # fmt: skip

    return ask(lines, request, services.sell, lambda line, now: _fields(now))


def top_up(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Top passes up."""

    def request(line: Line) -> requests.TopUpPass:
        step = line.step
        assert isinstance(step, steps.TopUpPass)
        code = facility_of(step.sales_point)
        amount = stage.minor(step.amount, code, "amount")
        kind = _kind(stage, code, step.card, step.at)
        due = _due(kind, amount, step.pack, new_card=False, contract=step.renew)
        return requests.TopUpPass(
            key=line.key, at=step.at, actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point), number=step.card, amount=amount, pack=step.pack,
            renew=step.renew, payments=payments(stage, code, step.pay, due),
        )  # fmt: skip

    return ask(lines, request, services.top_up, lambda line, now: _fields(now))


def _due(kind: PassKind | None, amount: int, pack: str, *, new_card: bool, contract: bool) -> int:
    """Return what is to be paid, for payments that say "the rest"; what is really due, the service reckons for itself."""
    if kind is None:
        return amount
    return quote(kind, amount=amount, pack=pack, new_card=new_card, contract=contract).total_minor


def _kind(stage: Stage, facility: str, card: str, at: datetime) -> PassKind | None:
    seen = selectors.pass_by_number(card, stage.facility(facility), at)
    return seen.kind if seen is not None else None


def pay_instalments(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Take instalments."""

    def request(line: Line) -> requests.PayInstalments:
        step = line.step
        assert isinstance(step, steps.PayInstalments)
        return requests.PayInstalments(
            key=line.key, at=step.at, actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point), number=step.card,
            payments=payments(stage, facility_of(step.sales_point), step.pay, 0),
        )  # fmt: skip

    return ask(lines, request, services.pay_instalments, lambda line, now: _fields(now))


def charge(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Pay goods and services with passes."""
    prices = Prices(stage)

    def request(line: Line) -> requests.ChargePass:
        step = line.step
        assert isinstance(step, steps.ChargePass)
        code = facility_of(step.sales_point)
        return requests.ChargePass(
            key=line.key, at=step.at, actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point), number=step.card,
            lines=tuple(
                SaleLine(
                    product=prices.product(code, sold.product, step.at).id, category=sold.category,
                    quantity=sold.quantity,
                )
                for sold in step.lines
            ),
            extras=tuple(
                Extra(
                    code=dish.code, unit_price=stage.minor(dish.price, code, "extras.price"),
                    vat_bp=basis_points(dish.vat), quantity=dish.quantity,
                )
                for dish in step.extras
            ),
            payments=payments(stage, code, step.pay, 0),
        )  # fmt: skip

    return ask(lines, request, services.charge, lambda line, now: _fields(now))


def use_credits(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Take credits."""

    def request(line: Line) -> requests.UseCredits:
        step = line.step
        assert isinstance(step, steps.UseCredits)
        return requests.UseCredits(
            key=line.key, at=step.at, actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point), number=step.card, purse=step.purse, credits=step.credits,
            code=step.code,
        )  # fmt: skip

    return ask(lines, request, services.use_credits, lambda line, now: _fields(now, drawn=False))


def keep_up(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Do the day's work."""

    def request(line: Line) -> requests.KeepUp:
        step = line.step
        assert isinstance(step, steps.KeepUpPasses)
        return requests.KeepUp(key=line.key, at=step.at, actor=stage.server, facility=stage.facility(step.facility))

    def fields(line: Line, done: requests.KeptUp) -> Fields:
        return {"lapsed": done.lapsed, "expired": done.expired, "blocked": done.blocked}

    return ask(lines, request, lambda asked: [services.keep_up(one) for one in asked], fields)


def inspect(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell what is on passes."""
    answers: list[Answer] = []
    for line in lines:
        step = line.step
        assert isinstance(step, steps.InspectPass)
        seen = selectors.pass_by_number(step.card, stage.facility(step.facility), step.at)
        if seen is None:
            answers.append(refused(Reason.UNKNOWN_PASS, number=step.card))
            continue
        told: Fields = {
            purse.code: purse.available if purse.unit == "credits" else Money(purse.available, seen.currency)
            for purse in seen.purses
        }
        told["held"] = Money(sum(one.held for one in seen.purses if one.unit == "money"), seen.currency)
        told["due"] = [Money(amount, seen.currency) for _, amount in seen.due]
        told["blocked"] = bool(seen.blocks)
        if seen.good_until is not None:
            told["good_until"] = seen.good_until.date().isoformat()
        if seen.runs_until is not None:
            told["runs_until"] = seen.runs_until.date().isoformat()
        answers.append(told)
    return answers


def _fields(now: requests.PassNow, *, drawn: bool = True) -> Fields:
    """Return what is told of a pass after a step: its purses by code, and what was put on or taken off."""
    told: Fields = {
        code: amount if code in now.counting else Money(amount, now.currency) for code, amount in now.purses.items()
    }
    told |= {"paid": Money(now.paid, now.currency), "bonus_given": Money(now.bonus, now.currency)}
    if drawn:
        told["drawn"] = Money(now.drawn, now.currency)
    return told | {"change": Money(now.change, now.currency), "document": now.document}
