"""What only another server may do, asked for through the hub: on real processes."""

from __future__ import annotations

from typing import Any

import msgspec

from karnet.wiring.network.servers import Card, Server, until
from karnet.wiring.play.steps import OpenShift
from tests.network.conftest import morning, sale


def _replace(card: Card, key: str, old: str, new: str) -> dict[str, Any]:
    return card.members["kopa"].ask(
        "replace_elsewhere", key=key, old=old, new=new, operator="kopa/anna", sales_point="kopa/till-1"
    )


def _states(server: Server, *numbers: str) -> list[str]:
    sql = "SELECT number, state FROM entitlements_medium WHERE number = ANY(%s)"
    rows = dict(server.ask("query", sql=sql, values=[list(numbers)])["rows"])
    return [rows.get(number, "unknown") for number in numbers]


def _sold_and_known(card: Card, number: int, name: str) -> None:
    assert card.members["jawor"].ask("sell", step=sale(number, name))["ok"]
    until(lambda: _states(card.members["kopa"], name) == ["in_use"], f"{name} to be known")


def test_a_till_replaces_a_card_that_another_server_gave_out(card: Card) -> None:
    _sold_and_known(card, 0, "lost")
    told = _replace(card, "ask-1", "lost", "found")
    assert told["ok"], told
    assert len(told["entitlements"]) == 1
    for server in card.servers:
        until(lambda server=server: _states(server, "lost", "found") == ["replaced", "in_use"], server.name)
    again = _replace(card, "ask-1", "lost", "found")
    assert again == told, "a repeat is answered alike"
    kind = "SELECT count(*) FROM journal_operation WHERE kind = 'entitlements.replaced'"
    assert card.members["jawor"].ask("query", sql=kind)["rows"] == [["1"]], "and done once"
    used = _replace(card, "ask-2", "lost", "another")
    assert (used["ok"], used["reason"]) == (False, "medium_replaced"), "the home server's own refusal comes back"


def test_a_home_server_out_of_reach_is_told_of_in_seconds_and_does_nothing_later(card: Card) -> None:
    _sold_and_known(card, 10, "lost-2")
    jawor = card.members["jawor"]
    jawor.cut()
    try:
        told = _replace(card, "ask-3", "lost-2", "found-2")
        assert (told["ok"], told["reason"], told["facts"]["facility"]) == (False, "home_silent", "jawor")
        assert told["facts"]["since"], "since when it was not heard"
    finally:
        jawor.mend()
    _sold_and_known(card, 20, "after")  # What JAWOR heard from the hub since, it has acted on.
    assert _states(jawor, "lost-2", "found-2") == ["in_use", "unknown"]
    again = until(lambda: (a := _replace(card, "ask-3", "lost-2", "found-2"))["ok"] and a, "the link")
    assert again["ok"], "the same ask succeeds when the link is up"


def test_an_asker_out_of_reach_of_the_hub_is_told_so(card: Card) -> None:
    _sold_and_known(card, 30, "lost-3")
    kopa = card.members["kopa"]
    kopa.cut()
    try:
        assert _replace(card, "ask-4", "lost-3", "found-3")["reason"] == "home_silent"
    finally:
        kopa.mend()
    again = until(lambda: (a := _replace(card, "ask-4", "lost-3", "found-3"))["ok"] and a, "the link")
    assert again["ok"]


def test_an_ask_survives_the_death_of_whoever_carries_it(card: Card) -> None:
    for n, (where, role) in enumerate((("jawor", "relay"), ("hub", "hub-1"), ("kopa", "relay"))):
        old, new = f"lost-5{n}", f"found-5{n}"
        _sold_and_known(card, 50 + n, old)
        server = card.hub if where == "hub" else card.members[where]
        pid = server.kill(role)
        told = until(lambda n=n, old=old, new=new: (a := _replace(card, f"ask-5{n}", old, new))["ok"] and a, where)
        assert told["ok"]
        server.wait_for(role, other_than=pid)
        until(lambda old=old, new=new: _states(card.hub, old, new) == ["replaced", "in_use"], f"{new} at the hub")
    cut = card.settled_cut()
    at = morning(14 * 3600).isoformat()
    assert len({server.ask("settle", cut=cut, at=at)["sha256"] for server in card.servers}) == 1


def test_a_refund_is_paid_out_once_whoever_dies_in_between(card: Card) -> None:
    kopa = card.members["kopa"]
    shift = OpenShift(at=morning(), sales_point="kopa/till-1", operator="kopa/anna", float_amount="1000.00")
    assert kopa.ask("play", steps=[msgspec.to_builtins(shift)])["outcomes"][0]["ok"]
    for n, (where, role) in enumerate((("jawor", "relay"), ("kopa", "relay"))):
        name, server = f"back-{n}", card.members[where]
        _sold_and_known(card, 60 + n, name)
        pid = server.kill(role)
        refund = {"key": f"refund-{n}", "card": name, "operator": "kopa/anna", "sales_point": "kopa/till-1"}
        told = until(lambda asked=refund: (a := kopa.ask("refund_elsewhere", **asked))["ok"] and a, where)
        assert kopa.ask("refund_elsewhere", **refund) == told, "a repeat is told alike"
        server.wait_for(role, other_than=pid)
        until(lambda name=name: _states(card.hub, name) == ["returned"], f"{name} to come back")
    sql = "SELECT (SELECT count(*) FROM orders_refund_owed), (SELECT count(*) FROM orders_refund_paid WHERE NOT alone)"
    for server in card.servers:
        until(lambda server=server: server.ask("query", sql=sql)["rows"] == [["2", "2"]], server.name)
