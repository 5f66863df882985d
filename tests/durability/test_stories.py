"""kill -9 between any two statements of enrolments, sales, passages and blocks: nothing lost, nothing doubled."""

from __future__ import annotations

import random
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from karnet.accounts.selectors import books_balance
from karnet.kernel import canonical
from karnet.wiring import postgres
from karnet.wiring.installation import Installation
from tests.durability import story
from tests.durability.killing import Victim, count, in_child, killed_at

pytestmark = pytest.mark.durability


class Book:
    """What clients were told, in a file that outlives them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, name: str, sold: Any) -> list[bytes]:
        """Play a story to its end, writing each answer down when it was given; return the answers."""
        answers = []
        for answer in story.tell(name, sold):
            answers.append(canonical.encode(answer))
            with self.path.open("ab", buffering=0) as file:
                file.write(name.encode() + b" " + answers[-1] + b"\n")
        return answers

    def told(self, name: str) -> list[bytes]:
        if not self.path.exists():
            return []
        lines = [line.split(b" ", 1) for line in self.path.read_bytes().splitlines()]
        return [answer for who, answer in lines if who == name.encode()]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "told")


@pytest.fixture(scope="module")
def sold(home: Installation) -> Any:
    return in_child(home, story.product)


def try_kill(home: Installation, book: Book, sold: Any, name: str, at: int, victim: Victim) -> None:
    """Kill at one point of a new story, bring back what died, and look: atomic, acknowledged, and once when repeated."""
    where = f"{victim} killed at point {at}"

    def look_and_tell_again() -> tuple[story.State, dict[str, int], list[bytes], story.State]:
        before, books = story.state(name), books_balance()
        return before, books, book.tell(name, sold), story.state(name)

    killed_at(home, lambda: book.tell(name, sold), at, victim)
    told = book.told(name)
    with postgres.running(home) if victim != Victim.CLIENT else nullcontext():  # What was killed is back after this.
        before, books, again, after = in_child(home, look_and_tell_again)
    assert set(books.values()) == {0}, where
    assert set(before.operations) <= {0, 1}, where
    assert sum(before.operations) == before.requests >= len(told), where
    assert again[: len(told)] == told, f"{where}: what was acknowledged is not what is on the record"
    assert after == story.WHOLE, where


def test_an_undisturbed_story_leaves_what_a_repeated_one_leaves(home: Installation, book: Book, sold: Any) -> None:
    first = in_child(home, lambda: book.tell("calm", sold))
    assert in_child(home, lambda: story.state("calm")) == story.WHOLE
    assert in_child(home, lambda: book.tell("calm", sold)) == first
    assert in_child(home, lambda: story.state("calm")) == story.WHOLE


def test_a_client_killed_at_any_point(home: Installation, book: Book, sold: Any) -> None:
    points = count(home, lambda: book.tell("counted", sold))
    assert points > 7 * 5, points
    for at in range(1, points + 1):
        try_kill(home, book, sold, f"client-{at}", at, Victim.CLIENT)


def test_a_server_process_killed_at_points_by_chance(
    home: Installation, book: Book, sold: Any, chance: random.Random
) -> None:
    points = count(home, lambda: book.tell("counted-again", sold))
    for at in sorted(chance.sample(range(1, points + 1), 20)):
        try_kill(home, book, sold, f"backend-{at}", at, Victim.BACKEND)


def test_a_whole_server_killed_at_points_by_chance(
    home: Installation, book: Book, sold: Any, chance: random.Random
) -> None:
    points = count(home, lambda: book.tell("counted-anew", sold))
    for at in sorted(chance.sample(range(1, points + 1), 12)):
        try_kill(home, book, sold, f"postmaster-{at}", at, Victim.POSTMASTER)
