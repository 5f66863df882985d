"""Joining: the member shows its invitation's token and proves that it holds the key it brings."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from karnet.journal.tlog.note import Note, NoteError, SigningKey, VerifierKey, open_note, sign_note


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says to join. `proof`: a signed note (text) by the key of `vkey` over `_said`."""

    token: str
    log: str
    vkey: str
    cosigner: str
    proof: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The hub has admitted the server. `token` opens the hub to it from now on; `cosigner` is the hub's second key."""

    token: str
    hub: str
    cosigner: str


class NotJoined(msgspec.Struct, frozen=True, kw_only=True):
    """Why not, for programs and for people."""

    code: str
    detail: str


def asking(token: str, hub: str, key: SigningKey, cosigner: str) -> Join:
    """Return the request to join `hub`, proven by the log's key."""
    vkey = key.verifier.format()
    proof = sign_note(_said(token, hub, vkey, cosigner), [key]).decode()
    return Join(token=token, log=key.name, vkey=vkey, cosigner=cosigner, proof=proof)


def is_proven(join: Join, hub: str) -> bool:
    """Tell whether the request was made with this token, for this hub, by who holds the key."""
    try:
        note = Note.parse(join.proof.encode())
        opened = open_note(note, [VerifierKey.parse(join.vkey)])
    except (NoteError, UnicodeEncodeError):
        return False
    return opened.text == _said(join.token, hub, join.vkey, join.cosigner)


def _said(token: str, hub: str, vkey: str, cosigner: str) -> str:
    return f"karnet joins\n{hub}\n{sha256(token.encode()).hexdigest()}\n{vkey}\n{cosigner}\n"
