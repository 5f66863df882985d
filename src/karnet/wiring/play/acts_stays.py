"""Metered places: tariffs and zones, bands at gates, bills, settling, and what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from karnet.catalogue.tariffs import PublishTariff, publish_tariffs, tariffs_in_force
from karnet.entitlements.included import included_on
from karnet.entitlements.rules import medium_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.orders.requests import Extra, SaleLine
from karnet.stays import bills, requests, selectors, services
from karnet.stays.rules.billing import package_price
from karnet.tariffs.stays import BadStay
from karnet.wiring.play import steps_stays as steps
from karnet.wiring.play.amounts import Money, basis_points
from karnet.wiring.play.asking import ask
from karnet.wiring.play.price_lists import Prices, payments
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, Unplayable, facility_of


def publish_tariff(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put tariffs in force."""

    def request(line: Line) -> PublishTariff:
        step = line.step
        assert isinstance(step, steps.PublishTariff)
        return PublishTariff(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(step.facility),
            in_force_from=step.in_force_from or step.at,
            tariff=step.tariff,
        )

    return ask(lines, request, publish_tariffs, lambda line, made: {"tariff": made.code})


def furnish(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Set zones, readers and rules."""

    def request(line: Line) -> requests.Furnish:
        step = line.step
        assert isinstance(step, steps.Furnish)
        return requests.Furnish(
            key=line.key,
            at=step.at,
            actor=stage.server,
            facility=stage.facility(step.facility),
            zones=step.zones,
            borders=tuple(
                requests.Border(
                    gate=stage.gate(gate),
                    role=leads.role,
                    out_of=leads.out_of,
                    into=leads.into,
                    keeps_band=leads.keeps_band,
                )
                for gate, leads in step.gates.items()
            ),
            rules=None if step.rules is None else _rules(stage, step.facility, step.rules),
        )

    return ask(lines, request, services.furnish, lambda line, ready: {"zones": len(ready.zones)})


def _rules(stage: Stage, facility: str, rules: steps.StayRules) -> requests.HouseRules:
    return requests.HouseRules(
        metered_from=rules.metered_from,
        exit_grace_s=rules.exit_grace_s,
        vat_bp=basis_points(rules.vat),
        on_top_vat_bp=basis_points(rules.on_top_vat),
        receipt=rules.receipt,
        lost_band_minor=stage.minor(rules.lost_band, facility, "rules.lost_band"),
    )


def enter(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Let people in."""

    def request(line: Line) -> requests.Enter:
        step = line.step
        assert isinstance(step, steps.Enter)
        facility = facility_of(step.sales_point)
        if step.tab is not None and step.tab not in stage.tabs:
            raise Unplayable(refused(Reason.UNKNOWN_TAB, tab=step.tab))
        bands = tuple(
            requests.Band(
                number=band.card,
                category=band.category,
                package=band.package,
                prepaid_minor=None if band.prepaid is None else stage.minor(band.prepaid, facility, "bands.prepaid"),
                included=None if band.bundle is None else _bundle(band.bundle, stage.facility(facility), step.at),
            )
            for band in step.bands
        )
        return requests.Enter(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            tariff=step.tariff,
            bands=bands,
            payments=payments(stage, facility, step.pay, 0 if step.on_pass else _prepaid(stage, step, bands)),
            tab=None if step.tab is None else stage.tabs[step.tab],
            limit_minor=stage.minor(step.limit, facility, "limit"),
            pass_number=step.on_pass or "",
        )

    def fields(line: Line, entered: requests.Entered) -> Fields:
        step = line.step
        assert isinstance(step, steps.Enter)
        facility = facility_of(step.sales_point)
        stage.stays.update({band.card: stay for band, stay in zip(step.bands, entered.stays, strict=True)})
        if step.label is not None:
            stage.tabs[step.label] = entered.tab
        return {
            "tab": entered.number,
            "prepaid": stage.money(entered.prepaid, facility),
            "change": stage.money(entered.change, facility),
            "document": entered.document,
        } | ({"held": stage.money(entered.held, facility)} if step.on_pass else {})

    return ask(lines, request, services.enter, fields)


def _bundle(card: str, facility: UUID, at: datetime) -> UUID:
    """Return the bundle on a card whose stay may begin now; any id where there is none, which the service refuses."""
    medium = medium_id(card)
    offered = included_on([medium], facility, at).get(medium)
    return offered[0].entitlement if offered else medium


def _prepaid(stage: Stage, step: steps.Enter, bands: Sequence[requests.Band]) -> int:
    """Return what bands prepay, for payments that say "the rest"; what is really due, the service reckons for itself."""
    facility = stage.facility(facility_of(step.sales_point))
    version = tariffs_in_force(facility, step.at, [step.tariff]).get(step.tariff)
    total = 0
    for band in bands:
        if band.included is not None:
            continue
        if band.prepaid_minor is not None:
            total += band.prepaid_minor
        elif version is not None:
            try:
                total += package_price(version.rater, band.category, band.package, step.at)
            except BadStay:
                continue
    return total


def read(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Read bands at gates and readers."""

    def request(line: Line) -> requests.Read:
        step = line.step
        assert isinstance(step, steps.ReadBand)
        gate = stage.gate(step.gate)
        return requests.Read(key=line.key, at=step.at, actor=gate, gate=gate, chip=step.card)

    def fields(line: Line, let: requests.Let) -> Fields:
        told: Fields = {"before": let.before, "zone": let.zone}
        for name in ("ended", "stopped", "open", "missed"):
            if getattr(let, name):
                told[name] = True
        if let.drawn:
            assert isinstance(line.step, steps.ReadBand)
            told["drawn"] = stage.money(let.drawn, facility_of(line.step.gate))
        return told if let.document is None else told | {"document": let.document}

    return ask(lines, request, services.read, fields)


def bill(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell what stays cost at this moment."""
    return [_bill(stage, line) for line in lines]


def _bill(stage: Stage, line: Line) -> Answer:
    step = line.step
    assert isinstance(step, steps.Bill)
    try:
        stay = _stay(stage, step.card)
    except Unplayable as unplayable:
        return unplayable.refusal
    told = bills.bills([stay], step.at)[stay]
    amounts = {
        "total": told.bill.total_minor,
        "on_top": told.bill.on_top_minor,
        "prepaid": told.bill.prepaid_minor,
        "owed": told.owed_minor,
        "by_pass": told.pass_minor,
    }
    lines = [str(one.code) for one in told.bill.lines]
    return {name: Money(amount, told.currency) for name, amount in amounts.items()} | {
        "zone": told.zone,
        "lines": lines,
    }


def settle(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Charge stays and take what is owed."""

    def request(line: Line) -> requests.Settle:
        step = line.step
        assert isinstance(step, steps.SettleStays)
        return requests.Settle(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            stays=tuple(_stay(stage, card) for card in step.cards),
            payments=payments(stage, facility_of(step.sales_point), step.pay, 0),
            mode=step.mode,
            pass_number=step.on_pass or "",
        )

    def fields(line: Line, done: requests.StaysSettled) -> Fields:
        assert isinstance(line.step, steps.SettleStays)
        facility = facility_of(line.step.sales_point)
        return {
            "totals": [stage.money(total, facility) for total in done.totals],
            "paid": stage.money(done.paid, facility),
            "drawn": stage.money(done.drawn, facility),
            "change": stage.money(done.change, facility),
            "refund": stage.money(done.refund, facility),
            "balance": stage.money(done.balance, facility),
            "closed": done.closed,
            "document": done.document,
        }

    return ask(lines, request, services.settle, fields)


def charge(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Charge goods and services through bands."""
    prices = Prices(stage)

    def request(line: Line) -> requests.ChargeBand:
        step = line.step
        assert isinstance(step, steps.ChargeBand)
        facility = facility_of(step.sales_point)
        return requests.ChargeBand(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            band=step.card,
            lines=tuple(
                SaleLine(
                    product=prices.product(facility, sold.product, step.at).id,
                    category=sold.category,
                    quantity=sold.quantity,
                )
                for sold in step.lines
            ),
            extras=tuple(
                Extra(
                    code=dish.code,
                    unit_price=stage.minor(dish.price, facility, "extras.price"),
                    vat_bp=basis_points(dish.vat),
                    quantity=dish.quantity,
                )
                for dish in step.extras
            ),
        )

    return ask(lines, request, services.charge_bands, lambda line, tab: {"balance": Money(tab.balance, tab.currency)})


def correct(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put readings right."""

    def request(line: Line) -> requests.Correct:
        step = line.step
        assert isinstance(step, steps.CorrectStay)
        stay = _stay(stage, step.card)
        moves = selectors.stay_states([stay])[stay].moves
        drop = next((move.id for move in moves if move.since == step.drop), None)
        return requests.Correct(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            stay=stay,
            reason=step.reason,
            drop=drop,
            zone=step.zone,
            since=step.since,
        )

    return ask(lines, request, services.correct, lambda line, mended: {"zone": mended.zone})


def lose_band(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Replace lost bands."""

    def request(line: Line) -> requests.LoseBand:
        step = line.step
        assert isinstance(step, steps.LoseBand)
        return requests.LoseBand(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            sales_point=stage.sales_point(step.sales_point),
            stay=_stay(stage, step.card),
            new_number=step.by or "",
        )

    def fields(line: Line, done: requests.BandReplaced) -> Fields:
        assert isinstance(line.step, steps.LoseBand)
        if line.step.by is not None:
            stage.stays[line.step.by] = done.stay
        return {"fee": stage.money(done.fee, facility_of(line.step.sales_point))}

    return ask(lines, request, services.lose_bands, fields)


def force_close(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """End stays by hand."""

    def request(line: Line) -> requests.ForceClose:
        step = line.step
        assert isinstance(step, steps.ForceClose)
        return requests.ForceClose(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            stay=_stay(stage, step.card),
            reason=step.reason,
            debt=step.debt,
            until=step.until,
        )

    def fields(line: Line, closed: requests.Closed) -> Fields:
        assert isinstance(line.step, steps.ForceClose)
        facility = facility_of(line.step.operator)
        return {"total": stage.money(closed.total, facility), "owed": stage.money(closed.owed, facility)}

    return ask(lines, request, services.force_close, fields)


def evacuate(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Open gates, stop clocks."""

    def request(line: Line) -> requests.Evacuate:
        step = line.step
        assert isinstance(step, steps.Evacuate)
        return requests.Evacuate(
            key=line.key, at=step.at, actor=stage.operator(step.operator), facility=stage.facility(step.facility)
        )

    return ask(lines, request, services.evacuate, lambda line, told: {"inside": told.inside})


def resume(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Let clocks run again."""

    def request(line: Line) -> requests.Resume:
        step = line.step
        assert isinstance(step, steps.Resume)
        return requests.Resume(
            key=line.key, at=step.at, actor=stage.operator(step.operator), facility=stage.facility(step.facility)
        )

    return ask(lines, request, services.resume, lambda line, told: {"inside": told.inside})


def heads(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell how many people are in each zone."""
    told: list[Answer] = []
    for line in lines:
        assert isinstance(line.step, steps.Heads)
        found = selectors.heads(stage.facility(line.step.facility))
        told.append({"zones": {zone.code: zone.heads for zone in found if zone.heads}})
    return told


def _stay(stage: Stage, card: str) -> UUID:
    """Return the stay that a step of this scenario began on a band, else the one that goes on there. Raises Unplayable."""
    known = stage.stays.get(card)
    if known is not None:
        return known
    medium = medium_id(card)
    found = selectors.stays_on([medium]).get(medium)
    if found is None:
        raise Unplayable(Refused(Reason.NO_STAY, {"number": card}))
    return found[0]
