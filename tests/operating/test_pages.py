"""Every command of docs/operating, in its order, on a real installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from karnet.wiring.network.servers import free_port
from tests.durability.standbys import karnet
from tests.operating.pages import Terminal, commands, missing


def follow(page: str, place: Path) -> None:
    terminal = Terminal(place, free_port())
    try:
        for command, shown in commands(page):
            terminal.type(command, shown)
    finally:
        terminal.close()


def test_installing(bare: Path) -> None:
    follow("install.md", bare)


@pytest.mark.parametrize("page", ["backup.md", "standby.md", "upgrade.md", "incidents.md"])
def test_operating(page: str, bare: Path) -> None:
    (bare / "srv").mkdir(mode=0o711)
    karnet(bare / "srv" / "karnet", "init", "--name", "karnet.test/log")
    karnet(bare / "srv" / "karnet", "journal", "seal")
    follow(page, bare)


def test_a_page_that_shows_what_is_not_said_is_found_out() -> None:
    assert missing(["one …", "… three"], "zero\none two\nmore\ntwo three\n") is None
    assert missing(["two …", "one …"], "one 1\ntwo 2\n") == "one …"
    assert missing(["all … well"], "all is not we\n") == "all … well"
