"""The demo: proves itself, is shown, goes on where it was, and touches no other installation."""

from __future__ import annotations

import io
import socket
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from karnet.journal.selectors import progress
from karnet.wiring.demo.place import (
    FIRST_DAY,
    Day,
    Diary,
    demo_directory,
    demo_installation,
    free_port,
    read_diary,
    write_diary,
)
from karnet.wiring.demo.running import Played, play_day
from karnet.wiring.demo.showing import as_data, show
from karnet.wiring.installation import Installation
from karnet.wiring.problem import InstallationProblem

DAY = Day(day=FIRST_DAY, seed=1, skiers=60)


def run(demo: Installation, day: Day = DAY) -> Played:
    return play_day(demo, day, lambda message: None, show_bar=False)


def test_a_day_comes_out_as_reckoned_and_is_proved(demo: Installation) -> None:
    played = run(demo)
    assert played.tally.surprises == []
    assert played.proof.sound
    assert not any(played.proof.books.values())
    assert played.sound
    assert sum(line.balance for line in played.report.facilities) == 0
    assert sum(line.passages for line in played.report.facilities) == sum(played.tally.passages.values())


def test_the_day_is_shown_in_words_and_figures(demo: Installation) -> None:
    played, screen = run(demo), io.StringIO()
    show(Console(file=screen, width=80), played, DAY)
    for told in (
        "60 skiers",
        "Day ticket",
        "passages",
        "refusals at gates",
        "swimmers",
        "Settlement of season 2025-26",
        "pays",
        "✓",
    ):
        assert told in screen.getvalue()
    assert "✗" not in screen.getvalue()
    assert as_data(played)["sound"] is True


def test_the_same_day_again_records_nothing_and_the_next_day_follows(demo: Installation) -> None:
    run(demo)
    recorded = progress().recorded
    again = run(demo)
    assert progress().recorded == recorded
    assert again.tally.surprises == []
    tomorrow = run(demo, Day(day=date(2026, 1, 18), seed=1, skiers=60))
    assert tomorrow.tally.surprises == []
    assert progress().recorded > recorded


def test_an_interrupted_day_is_played_to_its_end_before_the_next_begins(tmp_path: Path) -> None:
    diary = Diary().noting(DAY)
    write_diary(tmp_path, diary)
    assert read_diary(tmp_path).next(seed=9, skiers=9) == DAY
    done = diary.noting(Day(day=DAY.day, seed=1, skiers=60, done=True))
    assert done.next(seed=9, skiers=9) == Day(day=date(2026, 1, 18), seed=9, skiers=9)
    over = Diary((Day(day=date(2026, 4, 12), seed=1, skiers=1, done=True),))
    with pytest.raises(InstallationProblem, match="season ended"):
        over.next(seed=1, skiers=1)


def test_the_demo_never_plays_into_an_installation_that_is_not_its_own(tmp_path: Path) -> None:
    Installation.create(tmp_path / "real", name="real/log", environment={})
    with pytest.raises(InstallationProblem) as caught:
        demo_installation(tmp_path / "real")
    assert caught.value.code == "not-a-demo"


def test_the_demo_has_a_directory_of_its_own_unless_one_is_named(tmp_path: Path) -> None:
    assert demo_directory(None, {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}).name == "karnet-demo"
    assert demo_directory(None, {"KARNET_DATA": str(tmp_path / "x")}) == tmp_path / "x"
    assert demo_directory(tmp_path / "y", {}) == tmp_path / "y"
    assert demo_installation(tmp_path / "z") == demo_installation(tmp_path / "z")


def test_a_damaged_diary_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(InstallationProblem, match="start the demo again"):
        read_diary(tmp_path)


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port
