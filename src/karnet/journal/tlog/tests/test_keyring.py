"""A key is believed for the sizes that are its own, and for no others."""

from __future__ import annotations

import pytest

from karnet.journal.tlog.checkpoint import Checkpoint, sign_checkpoint
from karnet.journal.tlog.keyring import Keyring, LogKey
from karnet.journal.tlog.note import NoteError, SignatureType, SigningKey

NAME = "log.example/a"
OLD, NEW, THIEF = (SigningKey(NAME, SignatureType.ED25519, bytes([seed]) * 32) for seed in (1, 2, 3))
EXCHANGED = Keyring((LogKey(key=OLD.verifier, until=7), LogKey(key=NEW.verifier, above=7)))


def note(key: SigningKey, size: int) -> bytes:
    return sign_checkpoint(Checkpoint(NAME, size, bytes(32)), key)


@pytest.mark.parametrize(("key", "size"), [(OLD, 0), (OLD, 7), (NEW, 8), (NEW, 1_000_000)])
def test_a_key_signs_its_own_sizes(key: SigningKey, size: int) -> None:
    signed = EXCHANGED.open(note(key, size))
    assert (signed.checkpoint.size, signed.log_signatures[0].key) == (size, key.verifier)


@pytest.mark.parametrize(("key", "size"), [(OLD, 8), (NEW, 7), (NEW, 0), (THIEF, 7), (THIEF, 8)])
def test_a_key_signs_no_size_of_another(key: SigningKey, size: int) -> None:
    with pytest.raises(NoteError):
        EXCHANGED.open(note(key, size))


def test_a_log_that_never_changed_its_key_has_one_for_all_sizes() -> None:
    ring = Keyring.of(OLD.verifier)
    assert ring.open(note(OLD, 99)).checkpoint.size == 99
    assert Keyring.of(ring) is ring
    assert (ring.name, ring.newest) == (NAME, OLD.verifier)
