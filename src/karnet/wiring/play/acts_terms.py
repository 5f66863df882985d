"""What things cost and how they are divided: price lists and agreements."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from karnet.catalogue.operations import IncludedStay, Validity
from karnet.catalogue.services import ProductDraft, Publish
from karnet.catalogue.services import publish as publish_price_lists
from karnet.kernel.decimals import money
from karnet.kernel.time import Window
from karnet.settlement.requests import PublishAgreement
from karnet.settlement.rules.drafts import Draft, DraftGate, DraftPart, DraftPrice
from karnet.settlement.services import publish_agreements
from karnet.wiring.play import steps, words
from karnet.wiring.play.amounts import basis_points
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Stage


def publish(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Publish price lists."""

    def request(line: Line) -> Publish:
        step = line.step
        assert isinstance(step, steps.Publish)
        return Publish(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(step.facility),
            on_sale_from=step.on_sale_from or step.at,
            on_sale_until=step.on_sale_until,
            products=tuple(_product(stage, step.facility, product) for product in step.products),
        )

    return ask(lines, request, publish_price_lists, lambda line, answer: {"products": len(answer.versions)})


def _product(stage: Stage, facility: str, product: words.Product) -> ProductDraft:
    return ProductDraft(
        code=product.code,
        kind=product.kind,
        names=product.names or {"en": product.code},
        prices={
            category: stage.minor(price, facility, f"prices.{category}") for category, price in product.prices.items()
        },
        vat_bp=basis_points(product.vat),
        points=product.points,
        validity=None if product.validity is None else _validity(product.validity),
        deposit_minor=stage.minor(product.deposit, facility, "deposit"),
        facilities=tuple(stage.facility(code) for code in product.facilities),
        stays=tuple(
            IncludedStay(
                facility=stage.facility(stay.facility), tariff=stay.tariff, package=stay.package, times=stay.times
            )
            for stay in product.stays
        ),
    )


def _validity(validity: words.Validity) -> Validity:
    return Validity(
        kind=validity.kind,
        starts=validity.starts,
        hours=validity.hours,
        days=validity.days,
        within_days=validity.within_days,
        first_day=validity.first_day,
        last_day=validity.last_day,
        windows=tuple(_window(hours) for hours in validity.windows),
    )


def _window(hours: words.Hours) -> Window:
    start, end = (int(wall[:2]) * 60 + int(wall[3:]) for wall in (hours.start, hours.until))
    return Window(
        weekdays=tuple(words.WEEKDAYS.index(day) for day in hours.weekdays), start_minute=start, end_minute=end
    )


def agree(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put agreements into force."""

    def request(line: Line) -> PublishAgreement:
        step = line.step
        assert isinstance(step, steps.Agree)
        return PublishAgreement(key=line.key, at=step.at, actor=stage.server, text=draft_text(step))

    return ask(
        lines,
        request,
        publish_agreements,
        lambda line, answer: {"agreement": str(answer.id), "sha256": answer.sha256},
    )


def draft_text(step: steps.Agree) -> str:
    """Return the draft of an agreement that a step asks for, as JSON."""
    return msgspec.json.encode(_draft(step)).decode()


def _draft(step: steps.Agree) -> Draft:
    def text(amount: str | int) -> str:
        return money(amount, step.currency) if isinstance(amount, int) else amount

    return Draft(
        season=step.season,
        currency=step.currency,
        time_zone=step.time_zone,
        first_day=step.first_day,
        last_day=step.last_day,
        members=step.members,
        prices=tuple(
            DraftPrice(
                product=agreed.product,
                category=agreed.category,
                price=text(agreed.price),
                vat=agreed.vat,
                parts=tuple(
                    DraftPart(facility=part.facility, amount=text(part.amount), vat=part.vat) for part in agreed.parts
                ),
                division=agreed.division,
            )
            for agreed in step.prices
        ),
        gates={gate: DraftGate(points=terms.points, weight=terms.weight) for gate, terms in step.gates.items()},
        division=step.division,
        unused=step.unused,
        deposit=text(step.deposit),
        floor=step.floor,
        overdrawn=step.overdrawn,
        second_payout=step.second_payout,
        unreturned=step.unreturned,
        bonus=step.bonus,
        partners=step.partners,
    )
