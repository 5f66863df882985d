"""Signatures of webhooks, with the headers and the scheme of Standard Webhooks: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

TOLERANCE_S = 300
"""How far a message's time may be from the receiver's clock; older ones are somebody's replay."""

PREFIX = "whsec_"


class BadSignature(ValueError):
    """The message is not from whom we share the secret with, or it is an old one sent again."""


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header webhook-signature: "v1," and the base64 of the HMAC."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
    """Return the id of a message that is genuine and fresh at `now` (seconds since 1970); else raise BadSignature.

    `headers` by lower-case name. The caller remembers ids for at least TOLERANCE_S and passes over those it has seen.
    """
    message_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not sent.isascii() or not sent.isdecimal() or len(sent) > 12:
        raise BadSignature("webhook-id or webhook-timestamp is missing")
    expected = signature(secret, message_id, int(sent), body).encode()
    given = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise BadSignature("no signature matches")
    if abs(now - int(sent)) > TOLERANCE_S:
        raise BadSignature("the message is too old, or from the future")
    return message_id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is whsec_ and base64") from None
