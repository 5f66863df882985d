"""Money on cards: put on, and charged."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.kernel.decimals import scaled
from karnet.orders import charging
from karnet.orders.charging import ChargeCard, LoadMoney, MoneyOn
from karnet.wiring.play import steps
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, facility_of


def load(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put money on cards."""

    def request(line: Line) -> LoadMoney:
        step = line.step
        assert isinstance(step, steps.Load)
        facility = facility_of(step.sales_point)
        return LoadMoney(
            key=line.key,
            at=step.at,
            actor=stage.seller(step.sales_point, step.operator),
            sales_point=stage.sales_point(step.sales_point),
            number=step.card,
            amount=stage.minor(step.amount, facility, "amount"),
            bonus=stage.minor(step.bonus, facility, "bonus"),
            payment=step.pay,
        )

    return ask(lines, request, charging.load, lambda line, on: _fields(stage, line, on))


def charge(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Charge cards."""

    def request(line: Line) -> ChargeCard:
        step = line.step
        assert isinstance(step, steps.Charge)
        return ChargeCard(
            key=line.key,
            at=step.at,
            actor=stage.seller(step.sales_point, step.operator),
            sales_point=stage.sales_point(step.sales_point),
            number=step.card,
            amount=stage.minor(step.amount, facility_of(step.sales_point), "amount"),
            vat_bp=scaled(step.vat, 2) if not step.points else 0,
            points=step.points,
        )

    return ask(lines, request, charging.charge, lambda line, on: _fields(stage, line, on))


def _fields(stage: Stage, line: Line, on: MoneyOn) -> Fields:
    assert isinstance(line.step, steps.Load | steps.Charge)
    facility = facility_of(line.step.sales_point)
    told: Fields = {"money": stage.money(on.money, facility), "bonus": stage.money(on.bonus, facility)}
    return told if on.points is None else told | {"left": on.points}
