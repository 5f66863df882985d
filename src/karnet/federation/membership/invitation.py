"""An invitation: one text that a hub's manager sends to a future member, with all that the member needs to join.

It holds the hub's name and public key, the addresses of its nodes, the fingerprint of their certificate and a token
that can be used once. Whoever has the text can join in the member's name until it is used or ends, so it goes by a way
that is not public; the words of both keys are compared by telephone afterwards.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Self
from urllib.parse import urlsplit

import msgspec

from karnet.federation.operations import LogKey
from karnet.journal.tlog.note import NoteError, SignatureType, VerifierKey

_PREFIX = "karnet-invitation-1:"
_CHECK_BYTES = 4
_LINE = 76
MAX_ADDRESSES = 16


class BadInvitation(ValueError):
    """A text that is no invitation, or one that was damaged on its way. The message says what to do."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a member needs to join. `certificate`: SHA-256 (hex) of the nodes' certificate, "" where they have one that
    the system trusts. `member`: the log name of the server invited. A hub that has changed its key says from which size on
    it is this one (`above`, `ends`), and which were `earlier`. Raises BadInvitation for values that cannot be."""

    hub: str
    vkey: str
    addresses: tuple[str, ...]
    certificate: str
    token: str
    member: str
    until: datetime
    above: int = 0
    ends: int | None = None
    earlier: tuple[LogKey, ...] = ()

    def __post_init__(self) -> None:
        try:
            key = VerifierKey.parse(self.vkey)
        except NoteError as error:
            raise BadInvitation(f"the hub's key is not one: {error}") from error
        if key.name != self.hub or key.type is not SignatureType.ED25519:
            raise BadInvitation("the key is not the hub's")
        if not 1 <= len(self.addresses) <= MAX_ADDRESSES:
            raise BadInvitation(f"a hub has 1 to {MAX_ADDRESSES} addresses")
        for address in self.addresses:
            check_address(address)
        if self.certificate and not re.fullmatch(r"[0-9a-f]{64}", self.certificate):
            raise BadInvitation("the certificate's fingerprint is not 64 hexadecimal digits")
        if self.until.tzinfo is None:
            raise BadInvitation("the end has no time zone")

    def text(self) -> str:
        """Return the invitation as text, in lines that survive e-mail."""
        body = msgspec.json.encode(self)
        encoded = urlsafe_b64encode(sha256(body).digest()[:_CHECK_BYTES] + body).decode().rstrip("=")
        whole = _PREFIX + encoded
        return "\n".join(whole[at : at + _LINE] for at in range(0, len(whole), _LINE))

    @classmethod
    def parse(cls, text: str) -> Self:
        """From its text, with any white space in it. Raises BadInvitation."""
        joined = "".join(text.split())
        if not joined.startswith(_PREFIX):
            raise BadInvitation(f"this is no invitation: one begins with {_PREFIX!r}")
        encoded = joined.removeprefix(_PREFIX)
        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except ValueError as error:
            raise BadInvitation("the invitation was damaged on its way: copy it whole") from error
        check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if sha256(body).digest()[:_CHECK_BYTES] != check:
            raise BadInvitation("the invitation was damaged on its way: copy it whole")
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.ValidationError as error:
            raise BadInvitation(f"the invitation cannot be used: {error}") from error


def check_address(address: str) -> None:
    """Raise BadInvitation unless this is the base address of a hub node: https, a host, perhaps a port, no more."""
    try:
        parts = urlsplit(address)
        sound = parts.scheme == "https" and parts.hostname and not (parts.path.strip("/") or parts.query)
        sound = sound and not parts.username and not parts.fragment and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise BadInvitation(f"{address!r} is not a hub's address: write https://host:port")
