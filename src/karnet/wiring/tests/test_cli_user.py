"""`karnet user`: log-ins from the command line, on an installation of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation

Karnet = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = "correct horse battery"


@pytest.fixture
def karnet(made: Installation) -> Karnet:
    def run(*arguments: str, entered: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from karnet.wiring.cli import main; main()", *arguments],
            input=entered,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KARNET_DATA": str(made.path)},
        )

    assert run("init").returncode == Exit.OK
    return run


def test_a_log_in_is_added_listed_disabled_and_enabled_again(karnet: Karnet) -> None:
    assert "No log-ins yet" in karnet("user", "list").stdout
    added = karnet("user", "add", "anna", "--role", "cashier", entered=f"{GOOD}\nnot read\n")
    assert added.returncode == Exit.OK, added.stderr
    assert karnet("user", "password", "ANNA", entered="another horse battery\n").returncode == Exit.OK
    assert karnet("user", "disable", "anna").returncode == Exit.OK
    table = karnet("user", "list").stdout
    assert "disabled" in table
    assert karnet("user", "enable", "anna").returncode == Exit.OK
    (anna,) = json.loads(karnet("user", "list", "--json").stdout)
    assert (anna["username"], anna["role"], anna["active"], anna["last_login"]) == ("anna", "cashier", True, None)
    assert "argon2" not in json.dumps(anna)


def test_a_refusal_says_what_is_wrong_with_which_field_and_adds_nothing(karnet: Karnet) -> None:
    weak = karnet("user", "add", "anna", "--role", "cashier", entered="short\n")
    assert weak.returncode == Exit.REFUSED
    assert "password: This password is too short" in weak.stderr
    stranger = karnet("user", "add", "anna", "--role", "cashier", "--operator", "NORTH/anna", "--json", entered=GOOD)
    assert stranger.returncode == Exit.REFUSED
    assert json.loads(stranger.stdout)["facts"]["field"] == "operator"
    unknown = karnet("user", "disable", "bob")
    assert unknown.returncode == Exit.REFUSED
    assert "there is no log-in 'bob'" in unknown.stderr
    assert json.loads(karnet("user", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "anna", "--role", "boss"),
        ("add", "anna"),
        ("add", "anna", "--role", "cashier", "--operator", "anna"),
        ("add", "anna", "--role", "cashier", "--password", GOOD),
        ("add", "anna", "--role", "cashier"),  # no password on standard input
        ("password", "anna"),
    ],
)
def test_a_command_line_that_cannot_be_meant_changes_nothing(made: Installation, arguments: tuple[str, ...]) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "from karnet.wiring.cli import main; main()", "user", *arguments],
        input="",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KARNET_DATA": str(made.path)},
    )
    assert answer.returncode == Exit.USAGE, answer.stderr
