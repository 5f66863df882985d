"""Media over HTTP: what is on one, blocks, entity tags, pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from karnet.faces.api.tests.conftest import LIFT, Clock, World, sale, seal

pytestmark = pytest.mark.database


def test_a_blocked_card_opens_nothing_until_the_block_is_lifted(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    placed = api.post("/media/1001/blocks", {"code": "lost"}, key="b")
    assert placed.status_code == 201
    assert api.post("/media/1001/blocks", {"code": "lost"}, key="b").json() == placed.json()
    assert api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}).json()["code"] == "medium_blocked"
    (block,) = api.get("/media/1001").json()["blocks"]
    assert (block["id"], block["code"]) == (placed.json()["id"], "lost")
    lifted = api.delete(f"/media/1001/blocks/{block['id']}")
    assert (lifted.status_code, lifted.json()["blocks_left"]) == (200, 0)
    assert api.delete(f"/media/1001/blocks/{block['id']}").json()["code"] == "not_blocked"
    assert api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}).status_code == 200


def test_a_card_is_found_by_number_and_by_chip(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    by_number = api.get("/media/1001")
    assert by_number.json()["deposit_minor"] == {"PLN": 1000}
    assert api.get("/media", {"chip": "chip-1001"}).json() == by_number.json()
    unknown = api.get("/media/9999")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_medium")


def test_what_did_not_change_is_not_sent_again(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    seal()
    for path in ("/media/1001", "/products", "/journal", "/settlement"):
        first = api.get(path)
        assert first.status_code == 200, first.json()
        assert api.get(path, **{"If-None-Match": first["ETag"]}).status_code == 304
    tag = api.get("/media/1001")["ETag"]
    api.post("/media/1001/blocks", {"code": "other"})
    assert api.get("/media/1001", **{"If-None-Match": tag}).status_code == 200


def test_pages_of_passages_join_without_gap_or_repeat(world: World) -> None:
    _, api = world.token()
    api.post("/sales", sale("1001"))
    for _ in range(7):
        assert api.post(f"/gates/{LIFT}/scans", {"chip": "chip-1001"}).status_code == 200
        Clock.at += timedelta(minutes=6)
    everything = api.get("/media/1001/passages").json()
    assert everything["next"] is None
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/media/1001/passages", {"limit": 3, "cursor": cursor}).json()
        seen += page["items"]
        cursor = page["next"]
    assert seen == everything["items"]
    assert len({item["id"] for item in seen}) == 7
    for cursor in ("x", "!!", "AAAA", "MjAyNg"):
        assert api.get("/media/1001/passages", {"cursor": cursor}).status_code == 422
    assert [p["code"] for p in api.get("/products", {"limit": 2}).json()["items"]] == ["DAY", "P30"]
    following = api.get("/products", {"limit": 2}).json()["next"]
    assert [p["code"] for p in api.get("/products", {"cursor": following}).json()["items"]] == ["WAX"]
