"""The common card on real processes: a hub with two nodes, servers with databases of their own, HTTPS between them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from karnet.wiring import postgres
from karnet.wiring.network.servers import Card, Server, copy_cluster, karnet, restore_cluster, until
from karnet.wiring.play.steps import CloseShift
from karnet.wiring.serve.report import State, read_report
from tests.network.conftest import morning, open_shift, sale
from tests.network.tapping import TappedLink

WAIT_S = 120
COUNTED = "9157319"
"""Money in Jawor's drawer, in grosz: nobody else's business."""
KILLED = [
    ("hub", "hub-1"),
    ("hub", "hub-2"),
    ("hub", "relay"),
    ("hub", "sealer"),
    ("jawor", "relay"),
    ("jawor", "sealer"),
    ("jawor", "web"),
    ("jawor", "worker"),
    ("jawor", "database"),
    ("kopa", "relay"),
]


def admitted(card: Card, number: int, name: str) -> dict[str, Any]:
    at = morning(number + 300).isoformat()
    return card.members["kopa"].ask("admit", gate="kopa/chair", card=name, at=at, wait_s=WAIT_S)


def hashes(card: Card) -> set[str]:
    cut = card.settled_cut()
    return {server.ask("settle", cut=cut, at=morning(14 * 3600).isoformat())["sha256"] for server in card.servers}


def test_a_card_sold_at_one_server_opens_a_gate_of_another(card: Card) -> None:
    assert card.members["jawor"].ask("sell", step=sale(0, "first"))["ok"]
    assert admitted(card, 0, "first")["ok"]
    assert len(hashes(card)) == 1


def test_a_cut_link_stops_no_sale_and_everything_flows_afterwards(card: Card) -> None:
    jawor = card.members["jawor"]
    jawor.cut()
    try:
        for n in range(5):
            assert jawor.ask("sell", step=sale(100 + n, f"cut-{n}"))["ok"]
        at = morning(500).isoformat()
        unknown = card.members["kopa"].ask("admit", gate="kopa/chair", card="cut-0", at=at, wait_s=1)
        assert (unknown["ok"], unknown["tries"]) == (False, 0), "nobody has heard of it there"
        status = until(lambda: (s := _status(jawor))["down_since"] and s, "the member to notice")
        assert status["error"]
    finally:
        jawor.mend()
    assert all(admitted(card, 1000 + n, f"cut-{n}")["ok"] for n in range(5))
    assert len(hashes(card)) == 1
    assert until(lambda: _status(jawor)["down_since"] is None, "the member to be back") is True


def test_a_member_whose_first_node_is_away_uses_the_other(card: Card) -> None:
    first = card.members["jawor"].links[0]
    first.cut()
    try:
        for n in range(3):
            assert card.members["jawor"].ask("sell", step=sale(600 + n, f"node-{n}"))["ok"]
        assert all(admitted(card, 2000 + n, f"node-{n}")["ok"] for n in range(3))
    finally:
        first.mend()


@pytest.mark.parametrize(("where", "role"), KILLED)
def test_no_killed_process_loses_or_doubles_a_sale(card: Card, where: str, role: str) -> None:
    jawor = card.members["jawor"]
    server = card.hub if where == "hub" else card.members[where]
    names = [f"{where}-{role}-{n}" for n in range(12)]
    base = 1000 * (10 + KILLED.index((where, role)))
    pid = 0
    for n, name in enumerate(names):
        if n == 3:
            pid = _killed(server, role)
        assert jawor.ask("sell", step=sale(base + n, name))["ok"]
    refused = [told for n, name in enumerate(names) if not (told := admitted(card, base + n, name))["ok"]]
    assert not refused, card.where()
    if role == "database":
        until(lambda: (now := postgres.status(server.installation)) and now.pid != pid, "another database server")
    else:
        server.wait_for(role, other_than=pid)
    assert len(hashes(card)) == 1


def _killed(server: Server, role: str) -> int:
    if role != "database":
        return server.kill(role)
    before = postgres.status(server.installation)
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)  # Whoever keeps it starts it again within a second.
    return before.pid


def test_a_machine_restored_as_a_whole_signs_nothing_until_it_has_its_log_back(card: Card) -> None:
    """Its checkpoint file is as old as its database: only the hub knows better."""
    jawor = card.members["jawor"]
    backup = jawor.path / "backup"
    card.settled_cut()
    jawor.stop()
    copy_cluster(jawor, backup)
    checkpoints = jawor.installation.checkpoints_file.read_bytes()
    jawor.serve()
    for n in range(3):
        assert jawor.ask("sell", step=sale(40_000 + n, f"behind-{n}"))["ok"]
    assert all(admitted(card, 40_000 + n, f"behind-{n}")["ok"] for n in range(3))
    card.settled_cut()
    jawor.stop()
    restore_cluster(jawor, backup)
    jawor.installation.checkpoints_file.write_bytes(checkpoints)
    jawor.serve()
    report = until(lambda: (r := read_report(jawor.installation, "sealer")) and r.code and r, "the sealer's refusal")
    assert (report.state, report.code) == (State.REFUSED, "log-behind")
    jawor.stop()
    karnet(jawor.path, "federation", "recover")
    jawor.serve()
    assert len(hashes(card)) == 1
    rows = _rows(jawor, "SELECT number FROM entitlements_medium WHERE number LIKE 'behind-%%' ORDER BY 1")
    assert rows == [["behind-0"], ["behind-1"], ["behind-2"]]


def test_a_new_server_catches_up_from_nothing(card: Card) -> None:
    late = Server(card.hub.path.parent / "polana", "karnet.test/polana")
    late.make()
    card.join(late)
    late.serve()
    card.members["polana"] = late
    try:
        assert len(hashes(card)) == 1
        assert late.ask("logs")["applied"].keys() == card.hub.ask("logs")["applied"].keys()
    finally:
        late.stop()
        del card.members["polana"]


def test_house_contents_never_leave_their_server(card: Card) -> None:
    count = CloseShift(
        at=morning(13 * 3600), sales_point="jawor/till-1", operator="jawor/grzegorz", counted="91573.19", counts={}
    )
    assert card.members["jawor"].ask("play", steps=[msgspec.to_builtins(count)])["outcomes"][0]["ok"]
    card.settled_cut()
    kept = _rows(card.members["jawor"], "SELECT encode(data, 'escape') FROM journal_content WHERE salt <> ''")
    (content,) = [text for (text,) in kept if COUNTED in text]
    assert COUNTED.encode() in _dump(card.members["jawor"]), "what was counted is at home"
    for server in (card.hub, card.members["kopa"]):
        dump = _dump(server)
        assert b"jawor" in dump, "the dump shows the common record"
        assert COUNTED.encode() not in dump
        assert content.encode() not in dump
        assert b"orders.shift_closed" in dump, "that somebody counted is in the common record"
        # What the partner keeps apart are its own house contents, such as whom it joined.
        own = _rows(server, "SELECT count(*) FROM journal_operation WHERE content IS NOT NULL AND origin_id <> 1")
        held = "SELECT count(*) FROM journal_content c JOIN journal_operation o ON o.content = c.digest"
        assert int(own[0][0]) > 0, "entries of others name contents"
        assert _rows(server, f"{held} WHERE o.origin_id <> 1 AND c.salt <> ''") == [["0"]]
    heard = [bytes(said) for link in links(card) for said in link.heard]
    assert any(b"orders.shift_closed" in said for said in heard), "what goes over the wire is heard"
    assert not any(COUNTED.encode() in said or content.encode() in said for said in heard)
    open_shift(card, morning(13 * 3600 + 60))


def test_evidence_of_who_vouches_reaches_everybody(card: Card) -> None:
    card.settled_cut()
    for server in card.servers:
        rows = _rows(server, "SELECT log, cosigner FROM federation_cosignature ORDER BY 1, 2")
        assert ["karnet.test/jawor", "karnet.test/hub"] in rows, server.name


def test_every_log_verifies_where_it_is_held(card: Card) -> None:
    card.settled_cut()
    for server in card.servers:
        told = karnet(server.path, "journal", "verify")  # ends otherwise than with 0 if any log is not sound
        assert "karnet.test/jawor" in told, server.name


def links(card: Card) -> list[TappedLink]:
    return [link for member in card.members.values() for link in member.links if isinstance(link, TappedLink)]


def _rows(server: Server, sql: str) -> list[list[str]]:
    rows: list[list[str]] = server.ask("query", sql=sql)["rows"]
    return rows


def _status(server: Server) -> dict[str, Any]:
    rows = _rows(server, "SELECT coalesce(down_since::text, ''), error FROM federation_peer")
    return {"down_since": rows[0][0] or None, "error": rows[0][1]} if rows else {"down_since": None, "error": ""}


def _dump(server: Server) -> bytes:
    """Every row of every table, as the superuser sees it."""
    code = (
        "import sys, psycopg; from pathlib import Path; from karnet.wiring.installation import Installation;"
        "from karnet.wiring.postgres import Role, dsn;"
        "c = psycopg.connect(dsn(Installation.load(Path(sys.argv[1]), environment={}), Role.SUPERUSER));"
        "c.execute(\"SET bytea_output = 'escape'\");"
        "tables = c.execute(\"SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname = 'public'\").fetchall()\n"
        "for (table,) in tables:\n"
        "    with c.cursor().copy(f'COPY {table} TO STDOUT') as rows:\n"
        "        for row in rows: sys.stdout.buffer.write(row)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(server.path)], capture_output=True, check=True)
    return done.stdout
