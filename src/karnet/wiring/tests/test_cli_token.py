"""`karnet token` and `karnet webhook`: from the command line, on an installation of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation

Karnet = Callable[..., "subprocess.CompletedProcess[str]"]

NETWORK = """\
{"do": "enrol_facility", "at": "2026-01-01T08:00:00+01:00", "facility": "north", "currency": "PLN", "time_zone": "Europe/Warsaw"}
{"do": "enrol_sales_point", "at": "2026-01-01T08:00:00+01:00", "sales_point": "north/hotel", "kind": "partner"}
{"do": "enrol_operator", "at": "2026-01-01T08:00:00+01:00", "operator": "north/renata"}
{"do": "enrol_gate", "at": "2026-01-01T08:00:00+01:00", "gate": "north/lift"}
"""


@pytest.fixture
def karnet(made: Installation, tmp_path: Path) -> Karnet:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from karnet.wiring.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KARNET_DATA": str(made.path)},
        )

    assert run("init").returncode == Exit.OK
    network = tmp_path / "network.jsonl"
    network.write_text(NETWORK)
    played = run("play", str(network))
    assert played.returncode == Exit.OK, played.stdout + played.stderr
    return run


def test_tokens_are_made_listed_and_revoked_and_shown_once(karnet: Karnet) -> None:
    assert "No tokens yet" in karnet("token", "list").stdout
    device = karnet("token", "create", "lift 1", "--gate", "north/lift")
    assert device.returncode == Exit.OK, device.stderr
    text = device.stdout.strip()
    assert text.startswith("knt_")
    partner = karnet(
        "token", "create", "Hotel", "--sales-point", "north/hotel", "--operator", "north/renata",
        "--product", "day", "--limit", "200000", "--days", "30", "--json",
    )  # fmt: skip
    made = json.loads(partner.stdout)
    assert (made["kind"], made["limit_minor"], made["products"]) == ("partner", 200000, ["day"])
    assert made["ends_at"] is not None
    listed = karnet("token", "list", "--json")
    assert [one["name"] for one in json.loads(listed.stdout)] == ["lift 1", "Hotel"]
    assert text not in listed.stdout
    assert made["token"] not in listed.stdout
    assert karnet("token", "revoke", made["id"]).returncode == Exit.OK
    assert karnet("token", "revoke", made["id"]).returncode == Exit.USAGE
    assert "ended" in karnet("token", "list").stdout


def test_a_token_of_nobody_is_refused_with_the_field_at_fault(karnet: Karnet) -> None:
    unknown = karnet("token", "create", "x", "--gate", "north/nothing", "--json")
    assert unknown.returncode == Exit.REFUSED
    assert json.loads(unknown.stdout)["facts"]["field"] == "gates"
    assert karnet("token", "create", "x", "--gate", "lift").returncode == Exit.USAGE
    two = karnet("token", "create", "x", "--gate", "north/lift", "--facility", "south")
    assert "of one facility" in two.stderr
    scope = karnet("token", "create", "x", "--facility", "north", "--scope", "everything")
    assert (scope.returncode, "no such scope" in scope.stderr) == (Exit.REFUSED, True)


def test_webhooks_are_added_listed_and_removed(karnet: Karnet) -> None:
    added = karnet("webhook", "add", "https://example.org/hook", "--event", "sale.made", "--json")
    assert added.returncode == Exit.OK, added.stderr
    made = json.loads(added.stdout)
    assert made["secret"].startswith("whsec_")
    assert "https://example.org/hook" in karnet("webhook", "list").stdout
    assert karnet("webhook", "add", "https://10.0.0.1/", "--event", "sale.made").returncode == Exit.REFUSED
    assert karnet("webhook", "retry", made["subscription"]["id"]).returncode == Exit.OK
    assert karnet("webhook", "remove", made["subscription"]["id"]).returncode == Exit.OK
    assert "No webhooks yet" in karnet("webhook", "list").stdout
