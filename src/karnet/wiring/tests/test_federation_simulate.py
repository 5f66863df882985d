"""`karnet federation simulate`: no installation, no database; the seed of a failure is told."""

from __future__ import annotations

import msgspec
import pytest

from karnet.federation.sim import server as sim_server
from karnet.wiring.cli import run
from karnet.wiring.cli.exits import Exit


def test_a_seed_alone_is_one_history_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["federation", "simulate", "--seed", "3", "--json"]) == Exit.OK
    answer = msgspec.json.decode(capsys.readouterr().out)
    assert (answer["histories"], answer["failed"]) == (1, [])
    assert answer["told"][0]["seed"] == 3
    assert answer["totals"]["operations"] > 0


def test_several_are_added_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["federation", "simulate", "--histories", "4", "--attack", "garbage"]) == Exit.OK
    assert "4 histories" in (told := capsys.readouterr().out)
    assert "everything held" in told


def test_what_does_not_hold_is_told_with_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sim_server, "judge", lambda claims, log, actor_of: None)
    line = ["federation", "simulate", "--histories", "10", "--attack", "nameless_seller", "--json"]
    assert run(line) == Exit.REFUSED
    failed = msgspec.json.decode(capsys.readouterr().out)["failed"]
    assert failed
    assert all("quarantine" in one["what"] for one in failed)


def test_a_wrong_name_of_an_attack_lists_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["federation", "simulate", "--attack", "bribery"]) == Exit.USAGE
    assert "rewrite" in capsys.readouterr().err
