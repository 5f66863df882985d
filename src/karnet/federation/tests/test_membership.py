"""Words for the telephone, invitations as text, certificates that can be pinned."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.federation.membership.certificates import certificate_fingerprint, make_certificate
from karnet.federation.membership.fingerprints import grouped, key_words, same_words, words
from karnet.federation.membership.invitation import BadInvitation, Invitation
from karnet.journal.tlog.note import SignatureType, SigningKey

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
KEY = SigningKey("tatry.example/hub", SignatureType.ED25519, bytes(range(32)))
INVITATION = Invitation(
    hub=KEY.name,
    vkey=KEY.verifier.format(),
    addresses=("https://hub.tatry.example:8443", "https://10.0.0.2:8444"),
    certificate=sha256(b"certificate").hexdigest(),
    token="t" * 43,
    member="jawor.example/log",
    until=AT + timedelta(days=7),
)


@pytest.mark.parametrize(
    ("address", "proquint"),
    [("127.0.0.1", "lusab-babad"), ("63.84.220.193", "gutih-tugad"), ("140.98.193.141", "mudof-sakat")],
)
def test_words_are_the_proquints_of_the_published_examples(address: str, proquint: str) -> None:
    assert words(bytes(map(int, address.split("."))) + bytes(12)).startswith(proquint)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_other_bits_have_other_words(one: bytes, other: bytes) -> None:
    assert (words(one) == words(other)) == (one == other)


def test_words_need_128_bits() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        words(bytes(15))


def test_words_typed_as_they_were_heard_are_the_same_words() -> None:
    meant = key_words(KEY.verifier.format())
    assert same_words(meant.upper().replace("-", " ,  "), meant)
    assert not same_words(meant[:-1] + ("b" if meant[-1] != "b" else "d"), meant)
    assert not same_words("", meant)


def test_a_fingerprint_is_shown_in_groups_of_four() -> None:
    assert grouped("0123456789ab") == "0123 4567 89ab"


def test_an_invitation_survives_as_text() -> None:
    mailed = "".join(f"  > {line}\r\n" for line in INVITATION.text().splitlines())
    assert Invitation.parse(INVITATION.text().replace("\n", " \r\n\t")) == INVITATION
    with pytest.raises(BadInvitation):  # but not quoting, which changes it
        Invitation.parse(mailed)


@given(st.data())
def test_a_damaged_invitation_is_never_taken(data: st.DataObject) -> None:
    text = INVITATION.text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    damaged = text[:place] + other + text[place + 1 :]
    if "".join(damaged.split()) == "".join(text.split()):
        return
    try:
        taken = Invitation.parse(damaged)
    except BadInvitation:
        return
    assert taken == INVITATION  # the last letter carries bits that mean nothing


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_an_invitation_copied_in_part_says_so(cut: int) -> None:
    with pytest.raises(BadInvitation, match="copy it whole"):
        Invitation.parse(INVITATION.text()[:-cut])


@pytest.mark.parametrize(
    "change",
    [
        {"hub": "another/hub"},
        {"vkey": "nonsense"},
        {"addresses": ()},
        {"addresses": ("http://hub.example",)},
        {"addresses": ("https://hub.example/path",)},
        {"addresses": ("https://user@hub.example",)},
        {"addresses": ("https://hub.example:99999",)},
        {"certificate": "ab"},
        {"until": datetime(2026, 12, 1)},
    ],
)
def test_an_invitation_with_impossible_values_cannot_be_made(change: dict[str, object]) -> None:
    with pytest.raises(BadInvitation):
        msgspec.structs.replace(INVITATION, **change)


def test_an_invitation_needs_nothing_but_the_systems_trust_where_there_is_a_real_certificate() -> None:
    assert Invitation.parse(msgspec.structs.replace(INVITATION, certificate="").text()).certificate == ""


def test_a_certificate_is_pinned_by_what_travels_on_the_wire() -> None:
    made = make_certificate("tatry.example/hub", ["127.0.0.1", "::1", "hub.tatry.example"], AT)
    der = ssl.PEM_cert_to_DER_cert(made.pem.decode())
    assert certificate_fingerprint(made.pem) == sha256(der).hexdigest()
    assert make_certificate("tatry.example/hub", ["127.0.0.1"], AT).pem != made.pem
    assert b"PRIVATE" in made.key_pem
    assert b"PRIVATE" not in made.pem


def test_only_a_certificate_has_a_fingerprint() -> None:
    with pytest.raises(ValueError):
        certificate_fingerprint(b"no certificate")
