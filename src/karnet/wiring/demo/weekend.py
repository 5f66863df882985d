"""The demo's network as servers of their own: each facility enrols itself, and every member signs the agreement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from karnet.wiring.demo import network
from karnet.wiring.demo.network import DESKS
from karnet.wiring.network.servers import Card
from karnet.wiring.play.steps import Agree, Publish, Step


def facility_of(step: Step) -> str | None:
    """Return the facility where a step happens; None for what concerns all."""
    for name in ("gate", "sales_point", "operator", "facility"):
        place = getattr(step, name, None)
        if place:
            return str(place).split("/")[0]
    return None


def found_network(card: Card, day: date) -> None:
    """Let each member set itself up, the hub propose the season's agreement among them, and every manager sign it."""
    steps = list(network.setup(day))
    (agree,) = [step for step in steps if isinstance(step, Agree)]
    # A price list may name facilities of other servers, so they are enrolled everywhere first.
    for publishing in (False, True):
        for name in card.members:
            own = [step for step in steps if facility_of(step) == name and isinstance(step, Publish) is publishing]
            _play(card, name, own)
        card.settled_cut()
    proposed = card.hub.ask("propose", step=msgspec.to_builtins(_among(agree, card)))
    assert proposed["ok"], proposed
    card.settled_cut()
    for name, server in card.members.items():
        signed = server.ask(
            "sign", agreement=proposed["id"], sha256=proposed["sha256"], operator=_manager(name), at=agree.at
        )
        assert signed["ok"], signed
    card.settled_cut()


def _play(card: Card, member: str, steps: Iterable[Step]) -> None:
    outcomes = card.members[member].ask("play", steps=[msgspec.to_builtins(step) for step in steps])["outcomes"]
    refused = [outcome for outcome in outcomes if not outcome["ok"]]
    assert not refused, refused


def _among(agree: Agree, card: Card) -> Agree:
    """The agreement among the members there are: a smaller network has less of it."""
    return msgspec.structs.replace(
        agree,
        members=tuple(card.members),
        gates={gate: terms for gate, terms in agree.gates.items() if gate.split("/")[0] in card.members},
    )


def _manager(facility: str) -> str:
    return next(desk.clerk for desk in DESKS if desk.facility == facility and desk.operator)
