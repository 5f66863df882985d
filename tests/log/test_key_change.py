"""A log goes over to another key: what it signed before stays believed, whoever is killed in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from karnet.federation import services
from karnet.federation.requests import AnnounceKey, JoinHub, MemberAnswer, OpenHub, ReplaceKey
from karnet.journal.tests.test_transaction import AT
from karnet.journal.tlog.checkpoint import Checkpoint, sign_checkpoint
from karnet.journal.tlog.note import SignatureType, SigningKey
from karnet.journal.verification import verify_home
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.installation import Installation
from karnet.wiring.key_change import make_next_key, next_key
from karnet.wiring.log_directory import LogDirectory, verify_export
from karnet.wiring.log_export import export
from karnet.wiring.log_keys import (
    earlier_keys,
    earlier_keys_file,
    key_file,
    next_key_file,
    own_keys,
    read_verifier_key,
    signing_key,
    verifier_key,
)
from karnet.wiring.problem import InstallationProblem
from karnet.wiring.sealing import KEY_WAITS, sealer_for
from tests.log.conftest import NAME, record, seal

pytestmark = pytest.mark.database


@pytest.fixture
def opened(server: UUID, home: Installation) -> int:
    """A log whose own word counts about its keys, sealed; its size."""
    record(server, 3)
    seal(home)
    cosigner = SigningKey(NAME, SignatureType.COSIGNATURE_V1, bytes(32)).verifier.format()
    own = verifier_key(home).format()
    done = services.open_hub(OpenHub(key="open", at=AT, actor=server, log=NAME, vkey=own, cosigner=cosigner))
    assert done == MemberAnswer(log=NAME)
    seal(home)
    return CheckpointFile(home.checkpoints_file).read() and own_size(home)


@pytest.fixture
def joined(server: UUID, home: Installation) -> None:
    """A member's log, sealed: the hub's word counts about its keys."""
    record(server, 3)
    seal(home)
    hub = "karnet.test/hub"
    key, cosigner = (
        SigningKey(hub, kind, bytes(32)).verifier.format()
        for kind in (SignatureType.ED25519, SignatureType.COSIGNATURE_V1)
    )
    done = services.join_hub(JoinHub(key="join", at=AT, actor=server, log=hub, vkey=key, cosigner=cosigner))
    assert done == MemberAnswer(log=hub)


def own_size(home: Installation) -> int:
    return own_keys(home).open(CheckpointFile(home.checkpoints_file).tail(1)[0].note).checkpoint.size


def announce(server: UUID, home: Installation) -> str:
    """Make the next key, announce it and seal that."""
    new = make_next_key(home).verifier.format()
    asked = AnnounceKey(key=f"announce {new}", at=AT, actor=server, log=NAME, vkey=new)
    assert services.announce_key(asked) == MemberAnswer(log=NAME)
    seal(home)
    return new


def is_sound(home: Installation, place: Path) -> bool:
    """Whether the database, and an export of it, are what was signed."""
    witnessed = CheckpointFile(home.checkpoints_file).read()
    found = verify_home(own_keys(home), witnessed)
    directory = LogDirectory(place / "export")
    export(directory, own_keys(home))
    alone = verify_export(directory, read_verifier_key(directory.key_file))
    return found.sound and verify_export(directory, own_keys(home), witnessed).sound and alone.sound


def test_an_announced_key_signs_nothing_before_it_is_confirmed(
    server: UUID, home: Installation, joined: None, place: Path
) -> None:
    before = signing_key(home)
    announce(server, home)
    record(server, 2, "more")
    seal(home)
    assert signing_key(home) == before
    assert next_key(home) == make_next_key(home), "asked again, it is the same"
    assert is_sound(home, place)


def test_the_hubs_next_key_signs_what_follows_and_the_old_one_stays_believed_for_what_it_signed(
    server: UUID, home: Installation, opened: int, place: Path
) -> None:
    before = signing_key(home)
    assert is_sound(home, place)
    new = announce(server, home)
    size = own_size(home)
    record(server, 2, "more")
    seal(home)
    assert verifier_key(home).format() == new == signing_key(home).verifier.format()
    assert earlier_keys(home) == [(size, before.verifier)]
    assert next_key(home) is None
    assert before.format() not in "".join(file.read_text() for file in home.keys_dir.iterdir())
    assert is_sound(home, place), "an export under the old key goes on under the new one"
    with sealer_for(home):
        """The guard believes the notes of both keys."""


def crashed_after_noting(home: Installation, size: int) -> None:
    earlier_keys_file(home).write_text(f"{size} {verifier_key(home).format()}\n")


def crashed_before_publishing(home: Installation, size: int) -> None:
    crashed_after_noting(home, size)
    next_key_file(home).rename(key_file(home))


@pytest.mark.parametrize("crash", [crashed_after_noting, crashed_before_publishing])
def test_a_change_that_was_killed_goes_on_before_the_next_signature(
    server: UUID, home: Installation, opened: int, place: Path, crash: Callable[[Installation, int], None]
) -> None:
    before = verifier_key(home)
    new = announce(server, home)
    size = own_size(home)
    crash(home, size)
    record(server, 2, "more")
    seal(home)
    assert verifier_key(home).format() == new
    assert earlier_keys(home) == [(size, before)]
    assert is_sound(home, place)


def test_a_lost_key_seals_nothing_until_its_successor_is_in_force(
    server: UUID, home: Installation, opened: int, place: Path
) -> None:
    before, size = verifier_key(home), own_size(home)
    key_file(home).unlink()
    with pytest.raises(InstallationProblem) as lost, sealer_for(home):
        pass
    assert lost.value.code == "log-key-lost"
    new = make_next_key(home).verifier.format()
    with pytest.raises(InstallationProblem) as waits, sealer_for(home):
        pass
    assert waits.value.code == KEY_WAITS
    asked = ReplaceKey(key="replace", at=AT, actor=server, log=NAME, vkey=new, held=size)
    assert services.replace_key(asked) == MemberAnswer(log=NAME)
    seal(home)
    assert (verifier_key(home).format(), earlier_keys(home)) == (new, [(size, before)])
    assert is_sound(home, place)


def test_an_old_key_put_back_signs_nothing(server: UUID, home: Installation, opened: int, place: Path) -> None:
    old = key_file(home).read_text()
    announce(server, home)
    seal(home)
    key_file(home).write_text(old)
    with pytest.raises(InstallationProblem) as found, sealer_for(home):
        pass
    assert found.value.code == "log-key-ended"
    assert is_sound(home, place)


def test_a_restored_backup_changes_no_key(server: UUID, home: Installation, opened: int) -> None:
    """Where the old key ends would be read from a database that lacks some of what it signed."""
    announce(server, home)
    lines = CheckpointFile(home.checkpoints_file).read()
    more = own_keys(home).open(lines[-1].note).checkpoint
    ahead = sign_checkpoint(Checkpoint(NAME, more.size + 5, bytes(32)), signing_key(home))
    CheckpointFile(home.checkpoints_file).append(lines[-1].at, ahead)
    before = verifier_key(home)
    with pytest.raises(InstallationProblem) as found, sealer_for(home):
        pass
    assert (found.value.code, verifier_key(home), earlier_keys(home)) == ("log-behind", before, [])
