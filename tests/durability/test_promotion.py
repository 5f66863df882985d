"""The primary dies under load and a standby takes over: with a quorum, nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from karnet.kernel import canonical
from karnet.wiring import postgres
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from tests.durability import story
from tests.durability.killing import Lost, fork, in_child, wait_for
from tests.durability.record import assert_sound, seal
from tests.durability.standbys import karnet, kill_postmaster, load, place_on_disk, standby_served
from tests.durability.test_storm import _acknowledged, _seal_for_ever, _tell_again, _tell_all

pytestmark = pytest.mark.durability

CLIENTS, STORIES = 3, 30


@pytest.fixture(scope="module")
def _model() -> Iterator[Path]:
    """A furnished installation and its standby, which has the keys, too; both stopped. Tests get copies."""
    with place_on_disk() as place:
        first = place / "first"
        karnet(first, "init", "--name", story.NAME)
        with postgres.running(load(first)):
            in_child(load(first), story.furnish)
            karnet(first, "standby", "make", str(place / "second"), "--with-keys")
        yield place


@pytest.fixture
def pair(_model: Path) -> Iterator[tuple[Path, Path]]:
    """A furnished installation and its standby, both stopped."""
    with place_on_disk() as place:
        for name in ("first", "second"):
            subprocess.run(["cp", "-a", _model / name, place / name], check=True)
            record = place / name / "cluster.json"
            record.write_text(record.read_text().replace(str(_model), str(place)))
        yield place / "first", place / "second"


def test_nothing_acknowledged_is_lost_when_a_standby_takes_over_under_load_and_back_again(
    pair: tuple[Path, Path], tmp_path: Path, chance: random.Random
) -> None:
    told: dict[str, list[bytes]] = {}
    names: list[str] = []
    first, second = pair
    for round_ in range(2):
        with standby_served(second):
            old = postgres.start(load(first))
            karnet(first, "standby", "quorum", "on")
            more = [[f"round-{round_}-{client}-{n}" for n in range(STORIES)] for client in range(CLIENTS)]
            sold = in_child(load(first), story.product)
            _die_under_load(load(first), chance, more, sold, tmp_path, told)
            names += [name for client in more for name in client]
            old.leave()
            karnet(second, "standby", "promote")
            _look(load(second), names, sold, told)
            _assert_sound(load(second), load(first))
            karnet(first, "standby", "rejoin")
        first, second = second, first
    assert told, "nobody ever finished a step: the storm was too fierce to show anything"


def _die_under_load(
    primary: Installation,
    chance: random.Random,
    names: list[list[str]],
    sold: Any,
    place: Path,
    told: dict[str, list[bytes]],
) -> None:
    """Clients tell stories and a sealer seals, until the whole server is killed; note down what was acknowledged."""
    files = [place / f"{client[0]}.told" for client in names]
    clients = [
        fork(primary, lambda n=n, f=f: _tell_all(n, sold, f))  # type: ignore[misc]
        for n, f in zip(names, files, strict=True)
    ]
    sealer = fork(primary, lambda: _seal_for_ever(primary))
    while not all(file.exists() and file.stat().st_size for file in files):
        time.sleep(0.05)
    time.sleep(chance.uniform(0.1, 2.0))
    kill_postmaster(primary)
    os.kill(sealer[0], signal.SIGKILL)
    lost = 0
    for child in (*clients, sealer):
        try:
            wait_for(*child)
        except Lost:
            lost += 1
    assert lost > 1, "everybody was done before the server died"
    for file in files:
        for who, answer in _acknowledged(file):
            told.setdefault(who, []).append(answer)


def _look(standby: Installation, names: list[str], sold: Any, told: dict[str, list[bytes]]) -> None:
    before = in_child(standby, lambda: {name: story.state(name) for name in names})
    for name in names:
        assert before[name].requests >= len(told.get(name, [])), f"{name}: acknowledged, and not there any more"
    again = in_child(standby, lambda: [_tell_again(name, sold) for name in names])
    for name, (answers, state) in zip(names, again, strict=True):
        assert answers[: len(told.get(name, []))] == told.get(name, []), name
        assert state == story.WHOLE, name


def _assert_sound(standby: Installation, primary: Installation) -> None:
    in_child(standby, lambda: assert_sound(standby))
    assert in_child(standby, lambda: _promises_kept(standby, primary)) > 0


def _promises_kept(standby: Installation, primary: Installation) -> int:
    """Everything that the dead primary signed is in the log that goes on: no fork. Returns how many notes that were."""
    from karnet.journal.verification import verify_home
    from karnet.wiring.log_keys import verifier_key

    promised = CheckpointFile(primary.checkpoints_file).read()
    found = verify_home(verifier_key(standby), promised)
    assert found.sound, found.faults
    return found.witnessed


def test_without_a_quorum_what_is_lost_is_found_out_and_not_signed_over(pair: tuple[Path, Path]) -> None:
    first, second = pair
    primary, standby = load(first), load(second)
    with standby_served(second), postgres.running(primary):
        karnet(first, "standby", "quorum", "on")  # It has caught up.
        karnet(first, "standby", "quorum", "off")
    old = postgres.start(primary)
    sold = in_child(primary, story.product)
    assert in_child(primary, lambda: [canonical.encode(answer) for answer in story.tell("lost", sold)])
    in_child(primary, lambda: seal(primary))
    kill_postmaster(primary)
    old.leave()
    promised = primary.checkpoints_file.read_bytes()
    with standby_served(second):
        karnet(second, "standby", "promote")
        assert in_child(standby, lambda: story.state("lost")).requests == 0, "the standby never had it"
        standby.checkpoints_file.write_bytes(promised)
        told = karnet(second, "journal", "recover", succeed=False)
        assert "entries, but" in told
        assert "--abandon" in told
        assert "restored from an older backup" in karnet(second, "journal", "seal", succeed=False)


def test_a_lost_standby_stops_commits_loudly_until_it_is_done_without(pair: tuple[Path, Path]) -> None:
    first, second = pair
    primary = load(first)
    with postgres.running(primary):
        with standby_served(second):
            karnet(first, "standby", "quorum", "on")
            told = karnet(first, "standby", "status")
            assert "follows (quorum)" in told
        sold = in_child(primary, story.product)
        waiting = fork(primary, lambda: [canonical.encode(answer) for answer in story.tell("waits", sold)])
        while "1 commits wait" not in (told := karnet(first, "standby", "status", succeed=False)):
            time.sleep(0.2)
        assert "nothing is sold" in told
        assert "karnet standby quorum off" in told
        doctor = karnet(first, "doctor", succeed=False)
        assert "✗ standbys" in doctor
        assert "karnet standby quorum off" in doctor
        karnet(first, "standby", "quorum", "off")
        assert len(wait_for(*waiting)) == 7
        assert in_child(primary, lambda: story.state("waits")) == story.WHOLE


def test_two_primaries_never_work_side_by_side(pair: tuple[Path, Path]) -> None:
    first, second = pair
    with standby_served(second):
        server = postgres.start(load(first))
        assert "two primaries would be two histories" in karnet(second, "standby", "promote", succeed=False)
        assert "is a standby of" in karnet(second, "serve", succeed=False)
        before = (first / "cluster.json").read_bytes()
        server.leave()
        karnet(second, "standby", "promote")
        # As if the old primary could not have been reached: its own record says nothing.
        (first / "cluster.json").write_bytes(before)
        with pytest.raises(postgres.supervisor.InstallationProblem) as caught:
            postgres.start(load(first))
        assert caught.value.code == "database-fenced"
        assert postgres.status(load(first)) is None


def test_an_installation_with_a_database_elsewhere_finds_the_primary_among_several(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = pair
    clusters = [postgres.load_cluster(load(path)) for path in pair]
    hosts = ",".join(cluster.host for cluster in clusters if cluster)
    assert clusters[0] is not None
    password = clusters[0].passwords[postgres.Role.APP]
    url = f"postgresql://karnet_app:{password}@/karnet?host={hosts}&port=5432,5432&target_session_attrs=primary"
    node = Installation.create(tmp_path / "node", name=story.NAME, environment={"DATABASE_URL": url})
    with standby_served(second):
        with postgres.running(load(first)):
            karnet(first, "standby", "quorum", "on")  # It follows.
            sold = in_child(node, story.product)
            in_child(node, lambda: [canonical.encode(answer) for answer in story.tell("before", sold)])
        karnet(second, "standby", "promote")
        assert in_child(node, lambda: story.state("before")) == story.WHOLE
        in_child(node, lambda: [canonical.encode(answer) for answer in story.tell("after", sold)])
        assert in_child(load(second), lambda: story.state("after")) == story.WHOLE
