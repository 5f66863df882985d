"""Signed notes and cosignatures against Go's note package, C2SP, and a checkpoint of a public log."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.journal.tlog.note import (
    Note,
    NoteError,
    NoteFault,
    Signature,
    SignatureType,
    SigningKey,
    VerifierKey,
    key_id,
    open_note,
    sign_note,
)

# golang.org/x/mod, sumdb/note/note_test.go
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
PETER_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

# A public log's checkpoint with its witnesses, as kept in the tests of tlog_scales; keys as the witnesses publish them.
PUBLIC_CHECKPOINT = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""
PUBLIC_LOG_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
WITNESS_KEYS = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
]

LOG = SigningKey("log.example", SignatureType.ED25519, bytes(32))
WITNESS = SigningKey("witness.example", SignatureType.COSIGNATURE_V1, bytes([1]) * 32)
CHECKPOINT = "test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n"


def opened(text: str, *keys: VerifierKey) -> list[str]:
    return [found.key.name for found in open_note(Note.parse(text.encode()), keys).verified]


def fault_of(text: str, *keys: VerifierKey) -> NoteFault:
    with pytest.raises(NoteError) as caught:
        opened(text, *keys)
    return caught.value.fault


def test_a_note_is_signed_as_go_signs_it() -> None:
    assert sign_note(TEXT, [SigningKey.parse(PETER_SIGNER)]).decode() == f"{TEXT}\n{PETER_LINE}"


def test_the_example_of_the_specification_verifies() -> None:
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    assert opened(f"This is an example message.\n\n{line}", key) == ["example.com/foo"]


def test_the_go_checksum_database_verifies() -> None:
    # FiloSottile/torchwood, cmd/litewitness/testdata/sumdb.txt
    key = VerifierKey.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    note = (
        "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n"
        "— sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=\n"
    )
    assert opened(note, key) == ["sum.golang.org"]
    assert fault_of(note.replace("35225469", "35225470"), key) is NoteFault.BAD_SIGNATURE


def test_a_public_checkpoint_verifies_with_the_cosignatures_of_its_witnesses() -> None:
    keys = [VerifierKey.parse(key) for key in (PUBLIC_LOG_KEY, *WITNESS_KEYS)]
    found = open_note(Note.parse(PUBLIC_CHECKPOINT.encode()), keys)
    assert [signature.key for signature in found.verified] == keys
    assert [signature.timestamp for signature in found.verified] == [None] + [0x6A122120] * 4
    assert [signature.name for signature in found.unknown] == ["arche2025h1.staging.ct.transparency.dev"]
    assert Note.parse(PUBLIC_CHECKPOINT.encode()).format().decode() == PUBLIC_CHECKPOINT


def test_signatures_by_unknown_keys_are_ignored_but_kept() -> None:
    note = Note.parse(f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode())
    found = open_note(note, [PETER])
    assert [signature.key for signature in found.verified] == [PETER]
    assert [signature.line for signature in found.unknown] == [ENOCH_LINE]
    assert opened(f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}", PETER, ENOCH) == ["PeterNeumann", "EnochRoot"]


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    assert fault_of(f"{TEXT}\n{PETER_LINE}", ENOCH) is NoteFault.NO_KNOWN_SIGNATURE
    assert fault_of(f"{TEXT}\n{PETER_LINE}") is NoteFault.NO_KNOWN_SIGNATURE


def test_a_key_of_the_same_name_and_another_id_is_unknown() -> None:
    namesake = SigningKey("PeterNeumann", SignatureType.ED25519, bytes(32)).verifier
    assert fault_of(f"{TEXT}\n{PETER_LINE}", namesake) is NoteFault.NO_KNOWN_SIGNATURE


def test_one_wrong_signature_by_a_known_key_refuses_the_note() -> None:
    forged = Signature("EnochRoot", ENOCH.id, bytes(64)).line
    assert fault_of(f"{TEXT}\n{PETER_LINE}{forged}", PETER, ENOCH) is NoteFault.BAD_SIGNATURE
    assert fault_of(f"{TEXT}\n{PETER_LINE}{PETER_LINE}{forged}", ENOCH, PETER) is NoteFault.BAD_SIGNATURE
    for payload in (b"\0", bytes(63), bytes(65), bytes(72)):
        cut = Signature("EnochRoot", ENOCH.id, payload).line
        assert fault_of(f"{TEXT}\n{PETER_LINE}{cut}", PETER, ENOCH) is NoteFault.BAD_SIGNATURE


def test_a_key_that_signs_twice_counts_once() -> None:
    note = Note(CHECKPOINT, tuple(WITNESS.cosign(CHECKPOINT, timestamp=at) for at in (100, 200)))
    (found,) = open_note(note, [WITNESS.verifier, WITNESS.verifier]).verified
    assert found.timestamp == 100


def test_two_different_keys_that_look_alike_are_refused() -> None:
    twin = VerifierKey("PeterNeumann", SignatureType.ED25519, bytes(32))
    object.__setattr__(twin, "id", PETER.id)
    assert fault_of(f"{TEXT}\n{PETER_LINE}", PETER, twin) is NoteFault.AMBIGUOUS_KEY


def test_a_cosignature_signs_its_time_and_the_whole_text() -> None:
    line = WITNESS.cosign(CHECKPOINT + "extension\n", timestamp=1_679_315_147)
    key = WITNESS.verifier
    assert key.verifies(CHECKPOINT + "extension\n", line)
    assert not key.verifies(CHECKPOINT + "extensioN\n", line)
    assert not key.verifies(CHECKPOINT, line)
    later = Signature(line.name, line.key_id, (1_679_315_148).to_bytes(8, "big") + line.payload[8:])
    assert not key.verifies(CHECKPOINT + "extension\n", later)
    assert not key.verifies(CHECKPOINT, Signature(line.name, line.key_id, b"\xff" * 72))
    assert not key.verifies(CHECKPOINT, Signature(line.name, line.key_id, b"\0" * 7))


def test_a_cosignature_states_no_impossible_time() -> None:
    for timestamp in (-1, 1 << 63):
        with pytest.raises(ValueError):
            WITNESS.cosign(CHECKPOINT, timestamp=timestamp)


def test_a_cosignature_of_an_impossible_time_is_refused_though_it_is_signed() -> None:
    private = Ed25519PrivateKey.from_private_bytes(WITNESS.seed)
    for timestamp, accepted in [((1 << 63) - 1, True), (1 << 63, False)]:
        raw = private.sign(f"cosignature/v1\ntime {timestamp}\n{CHECKPOINT}".encode())
        line = Signature(WITNESS.name, WITNESS.verifier.id, timestamp.to_bytes(8, "big") + raw)
        assert WITNESS.verifier.verifies(CHECKPOINT, line) is accepted


def test_the_same_key_pair_has_another_id_for_each_signature_type() -> None:
    cosigner = SigningKey("log.example", SignatureType.COSIGNATURE_V1, LOG.seed)
    assert cosigner.verifier.id != LOG.verifier.id
    cosignature = cosigner.cosign(CHECKPOINT, timestamp=1)
    assert not LOG.verifier.verifies(CHECKPOINT, cosignature)


def test_a_key_signs_only_in_its_own_way() -> None:
    with pytest.raises(AssertionError):
        WITNESS.sign(CHECKPOINT)
    with pytest.raises(AssertionError):
        LOG.cosign(CHECKPOINT, timestamp=1)


@pytest.mark.parametrize(
    "key",
    [PUBLIC_LOG_KEY, *WITNESS_KEYS, "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"],
)
def test_a_published_key_is_written_as_it_was_read(key: str) -> None:
    assert VerifierKey.parse(key).format() == key


@pytest.mark.parametrize(
    "key",
    [
        # golang.org/x/mod, sumdb/note/note_test.go: a longer key, an unknown type, ids adjusted
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        # transparency-dev/formats, note/note_cosigv1_test.go
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        "rekor.sigstore.dev+12345678+",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_SIGNER,
    ],
)
def test_a_bad_verifier_key_is_refused(key: str) -> None:
    with pytest.raises(NoteError) as caught:
        VerifierKey.parse(key)
    assert caught.value.fault is NoteFault.MALFORMED_KEY


@pytest.mark.parametrize(("parse", "text"), [(VerifierKey.parse, PETER.format()), (SigningKey.parse, PETER_SIGNER)])
def test_a_key_with_any_letter_changed_or_any_end_cut_is_refused(parse: type[VerifierKey], text: str) -> None:
    pieces = [text[at:to] for at in range(len(text)) for to in range(at, len(text) + 1) if to - at < len(text)]
    changed = [text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))]
    for bad in pieces + changed:
        with pytest.raises(NoteError):
            parse(bad)


def test_a_private_key_is_written_as_it_was_read_and_not_shown() -> None:
    key = SigningKey.parse(PETER_SIGNER)
    assert key.format() == PETER_SIGNER
    assert key.verifier == PETER
    assert "seed" not in repr(key)
    with pytest.raises(NoteError):
        SigningKey("short", SignatureType.ED25519, bytes(31))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x01b", "a\ud800b"])
def test_a_name_with_a_space_a_plus_or_a_control_character_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey(name, SignatureType.ED25519, bytes(32))


@pytest.mark.parametrize(
    "note",
    [
        *[
            "",
            "\n",
            TEXT,
            f"{TEXT}\n",
            f"{TEXT}{PETER_LINE}",
            f"{TEXT}\n{PETER_LINE[:-1]}",
            f"\x01{TEXT}\n{PETER_LINE}",
        ],
        *[f"{TEXT}\n{PETER_LINE}Unexpected line.\n", f"{TEXT}\n{PETER_LINE}\n", f"{TEXT}\r\n{PETER_LINE}"],
        *[f"{TEXT}\n{PETER_LINE * 101}", f"{TEXT}\n-{PETER_LINE[1:]}", f"{TEXT}\n {PETER_LINE}"],
        *[
            f"{TEXT}\n" + PETER_LINE.replace("— ", "—"),
            f"{TEXT}\n" + PETER_LINE.replace("PeterNeumann", "Peter Neumann"),
        ],
        *[f"{TEXT}\n" + PETER_LINE.replace("PeterNeumann", "Peter+Neumann"), f"{TEXT}\n" + PETER_LINE.replace("=", "")],
        *[f"{TEXT}\n" + PETER_LINE.replace("AM=", "AN="), f"{TEXT}\n— Peter\n", f"{TEXT}\n— Peter x08goA\n"],
        f"{TEXT}\n— Peter {b64encode(b'only').decode()}\n",
        f"{TEXT * 11_000}\n{PETER_LINE}",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    assert fault_of(note, PETER) is NoteFault.MALFORMED_NOTE


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NoteError, match="UTF-8"):
        Note.parse(b"\xff" + f"{TEXT}\n{PETER_LINE}".encode())


def test_a_text_may_have_empty_lines() -> None:
    text = "\n\none\n\n\ntwo\n\n"
    note = sign_note(text, [LOG])
    assert open_note(Note.parse(note), [LOG.verifier]).text == text


def test_a_text_that_no_note_can_hold_is_not_signed() -> None:
    for text in ("", "no newline", "tab\t\n", "lone \ud800\n"):
        with pytest.raises(NoteError):
            LOG.sign(text)
    with pytest.raises(NoteError):
        sign_note(TEXT, [])


@given(st.integers(0), st.data())
@settings(deadline=None)
def test_any_flipped_bit_of_a_note_is_detected(bit: int, data: st.DataObject) -> None:
    note = Note(CHECKPOINT, (LOG.sign(CHECKPOINT), WITNESS.cosign(CHECKPOINT, timestamp=9))).format()
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + bytes([note[at] ^ 1 << bit % 8]) + note[at + 1 :]
    keys = [LOG.verifier, WITNESS.verifier]
    try:
        found = open_note(Note.parse(changed), keys)
    except NoteError:
        return
    # All that can survive is that one of the two lines is now by somebody unknown.
    assert found.text == CHECKPOINT
    assert len(found.verified) == len(found.unknown) == 1


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_whatever_parses_as_a_note_is_written_back_the_same(junk: bytes) -> None:
    for note in (junk, f"{TEXT}\n".encode() + junk, f"{TEXT}\n{PETER_LINE}".encode() + junk):
        try:
            parsed = Note.parse(note)
        except NoteError:
            continue
        assert parsed.format() == note


def test_a_key_id_is_the_hash_of_name_type_and_key() -> None:
    assert key_id(PETER.name, 1, PETER.public_key).hex() == "c74f20a3"
