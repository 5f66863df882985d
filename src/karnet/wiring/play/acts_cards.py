"""Cards in trouble: blocked, unblocked, replaced; and what is on a card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from karnet.entitlements import selectors, services
from karnet.entitlements.requests import Block, Unblock
from karnet.entitlements.rules import Holding, medium_id, unused
from karnet.journal.requests import id_made_by
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import zone
from karnet.wiring.play import steps
from karnet.wiring.play.amounts import Money
from karnet.wiring.play.asking import ask
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Stage, Unplayable


def block(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Put cards on the hotlist."""

    def request(line: Line) -> Block:
        step = line.step
        assert isinstance(step, steps.Block)
        return Block(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            medium=medium_id(step.card),
            code=step.reason,
            sales_point=stage.sales_point(step.sales_point),
        )

    return ask(lines, request, services.block, lambda line, answer: {})


def _block_of(stage: Stage, line: Line) -> UUID:
    """Return the id of the block that a step of this scenario placed."""
    assert isinstance(line.step, steps.Block)
    return id_made_by(stage.server, stage.operator(line.step.operator), line.step.at, line.key, "block")


def unblock(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Lift the last block on each card: the one this scenario placed, else the one found on the card."""
    open_blocks = selectors.open_blocks({_medium(line) for line in lines if line.about is None})

    def request(line: Line) -> Unblock:
        step = line.step
        assert isinstance(step, steps.Unblock)
        medium = _medium(line)
        if line.about is not None:
            block = _block_of(stage, line.about)
        elif found := open_blocks[medium]:
            block = found[-1].block
        else:
            raise Unplayable(refused(Reason.NOT_BLOCKED, number=step.card))
        return Unblock(
            key=line.key,
            at=step.at,
            actor=stage.operator(step.operator),
            medium=medium,
            block=block,
            sales_point=stage.sales_point(step.sales_point),
        )

    return ask(lines, request, services.unblock, lambda line, answer: {"blocks_left": answer.blocks_left})


def _medium(line: Line) -> UUID:
    assert isinstance(line.step, steps.Unblock)
    return medium_id(line.step.card)


def inspect(stage: Stage, lines: Sequence[Line]) -> list[Answer]:
    """Tell what is on cards."""
    return [_inspected(stage, line.step) for line in lines]


def _inspected(stage: Stage, step: steps.Step) -> Answer:
    assert isinstance(step, steps.Inspect)
    id_ = medium_id(step.card)
    medium = selectors.media({id_}).get(id_)
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM, number=step.card)
    deposits = selectors.open_deposits({id_})[id_]
    tickets = selectors.holdings({id_})[id_]
    told: Fields = {
        "state": medium.state,
        "blocks": [block.code for block in selectors.open_blocks({id_})[id_]],
        "deposits": [Money(deposit.amount, deposit.currency) for deposit in deposits],
        "points": sum(ticket.available for ticket in tickets if not ticket.voided),
        "tickets": [_ticket(ticket) for ticket in tickets],
    }
    return told


def _ticket(ticket: Holding) -> Fields:
    told: Fields = {
        "product": ticket.product_code,
        "category": ticket.category,
        "price": Money(ticket.price, ticket.currency),
        "valid_from": _wall(ticket.valid_from, ticket.time_zone),
        "valid_until": _wall(ticket.valid_until, ticket.time_zone),
        "used": not unused(ticket),
        "void": ticket.voided,
    }
    if ticket.kind == "points":
        told |= {"points": ticket.points, "left": ticket.available}
    if ticket.validity.kind == "days_within":
        told["days_used"] = [day.isoformat() for day in ticket.days_used]
    return told


def _wall(at: datetime | None, time_zone: str) -> str | None:
    return None if at is None else at.astimezone(zone(time_zone)).isoformat()
