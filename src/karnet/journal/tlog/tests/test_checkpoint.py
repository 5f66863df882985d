"""Checkpoints against C2SP tlog-checkpoint and the checkpoints of the Tessera test log."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.journal.tlog.checkpoint import (
    Checkpoint,
    CheckpointError,
    add_cosignatures,
    cosign_checkpoint,
    open_checkpoint,
    sign_checkpoint,
)
from karnet.journal.tlog.merkle import EMPTY_ROOT, leaf_hash
from karnet.journal.tlog.note import (
    Note,
    NoteError,
    NoteFault,
    Signature,
    SignatureType,
    SigningKey,
    VerifierKey,
)
from karnet.journal.tlog.tests.vectors import TESSERA

ROOT = leaf_hash(b"hello world")
GOLDEN = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
LOG = SigningKey("log.example/a", SignatureType.ED25519, bytes(32))
NEW_LOG = SigningKey("log.example/a", SignatureType.ED25519, bytes([9]) * 32)
WITNESS = SigningKey("hub.example", SignatureType.COSIGNATURE_V1, bytes([1]) * 32)
CHECKPOINT = Checkpoint("log.example/a", 7, ROOT)

LINES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1, max_size=20)


def test_a_checkpoint_is_written_as_go_writes_it() -> None:
    # golang.org/x/mod, sumdb/tlog/note_test.go
    checkpoint = Checkpoint("go.sum database tree", 123456789012, ROOT)
    assert checkpoint.format() == GOLDEN
    assert Checkpoint.parse(GOLDEN) == checkpoint


def test_the_checkpoints_of_the_tessera_log_open_and_are_signed_the_same() -> None:
    key, signer = VerifierKey.parse(TESSERA["verifier_key"]), SigningKey.parse(TESSERA["signing_key"])
    for size, note in enumerate(TESSERA["checkpoints"]):
        signed = open_checkpoint(note.encode(), origin=TESSERA["origin"], log_keys=[key])
        assert signed.checkpoint.size == size
        assert sign_checkpoint(signed.checkpoint, signer) == note.encode()


@given(LINES, st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32), st.lists(LINES, max_size=3))
@settings(deadline=None)
def test_a_checkpoint_read_back_is_the_same(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.format()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        *["", "\n", "a\n1\n", GOLDEN[:-1], GOLDEN + "\n", GOLDEN + "JOE", GOLDEN + "a\n\nb\n", "\n" + GOLDEN],
        *[GOLDEN.replace("1234", number, 1) for number in ("0x12", "-12", "+12", " 12", "01", "1_2", "1.", "٣")],
        GOLDEN.replace("123456789012", "9223372036854775808"),
        GOLDEN.replace("123456789012", "3438945738945739845734895735"),
        GOLDEN.replace("123456789012", ""),
        *[GOLDEN.replace("Bb0=", end) for end in ("Bb0", "Bb1=", "BTOOBIG=", "Bb0=\r", "B!0=", "Bb0= ")],
        "Log\n123\nYmFuYW5hcw==\n",
        GOLDEN + "tab\there\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.parse(text)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_whatever_parses_as_a_checkpoint_is_written_back_the_same(tail: str) -> None:
    for text in (tail, f"log\n{tail}", f"log\n5\n{tail}", GOLDEN + tail):
        try:
            checkpoint = Checkpoint.parse(text)
        except CheckpointError:
            continue
        assert checkpoint.format() == text


def test_an_impossible_checkpoint_is_not_made() -> None:
    for origin, size, root in [("", 1, ROOT), ("a\nb", 1, ROOT), ("a", -1, ROOT), ("a", 1 << 63, ROOT), ("a", 1, b"")]:
        with pytest.raises(CheckpointError):
            Checkpoint(origin, size, root)
    with pytest.raises(CheckpointError):
        Checkpoint("a", 0, EMPTY_ROOT, ("",))


def test_a_signed_and_cosigned_checkpoint_opens() -> None:
    note = sign_checkpoint(CHECKPOINT, LOG)
    note = add_cosignatures(note, [cosign_checkpoint(CHECKPOINT, WITNESS, timestamp=100)])
    note = add_cosignatures(note, [cosign_checkpoint(CHECKPOINT, WITNESS, timestamp=200)])
    signed = open_checkpoint(note, origin=CHECKPOINT.origin, log_keys=[LOG.verifier], cosigners=[WITNESS.verifier])
    assert signed.checkpoint == CHECKPOINT
    assert [found.key for found in signed.log_signatures] == [LOG.verifier]
    assert [(found.key, found.timestamp) for found in signed.cosignatures] == [(WITNESS.verifier, 200)]
    assert signed.note.format() == note


def test_a_cosignature_does_not_stand_in_for_the_log() -> None:
    note = Note(CHECKPOINT.format(), (cosign_checkpoint(CHECKPOINT, WITNESS, timestamp=1),)).format()
    with pytest.raises(NoteError) as caught:
        open_checkpoint(note, origin=CHECKPOINT.origin, log_keys=[LOG.verifier], cosigners=[WITNESS.verifier])
    assert caught.value.fault is NoteFault.NO_KNOWN_SIGNATURE


def test_a_forged_cosignature_refuses_the_checkpoint() -> None:
    forged = Signature(WITNESS.name, WITNESS.verifier.id, bytes(72))
    note = add_cosignatures(sign_checkpoint(CHECKPOINT, LOG), [forged])
    with pytest.raises(NoteError) as caught:
        open_checkpoint(note, origin=CHECKPOINT.origin, log_keys=[LOG.verifier], cosigners=[WITNESS.verifier])
    assert caught.value.fault is NoteFault.BAD_SIGNATURE
    assert open_checkpoint(note, origin=CHECKPOINT.origin, log_keys=[LOG.verifier]).cosignatures == ()


def test_either_key_of_a_log_opens_it_while_keys_change() -> None:
    for signer in (LOG, NEW_LOG):
        note = sign_checkpoint(CHECKPOINT, signer)
        signed = open_checkpoint(note, origin=CHECKPOINT.origin, log_keys=[LOG.verifier, NEW_LOG.verifier])
        assert [found.key for found in signed.log_signatures] == [signer.verifier]


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = sign_checkpoint(CHECKPOINT, LOG)
    with pytest.raises(CheckpointError, match=r"not of 'log\.example/b'"):
        open_checkpoint(note, origin="log.example/b", log_keys=[LOG.verifier])
    with pytest.raises(CheckpointError, match="does not sign for"):
        sign_checkpoint(Checkpoint("log.example/b", 1, ROOT), LOG)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    note = Note("hello\n", (LOG.sign("hello\n"),)).format()
    with pytest.raises(CheckpointError):
        open_checkpoint(note, origin=LOG.name, log_keys=[LOG.verifier])
