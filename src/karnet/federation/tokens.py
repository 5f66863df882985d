"""What opens the hub to a server: an invitation's token, once; then a token of its own. Kept as SHA-256 alone."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from karnet.federation.models import Token


def invitation_token(log: str, invitation: UUID, at: datetime) -> str:
    """Make the token of an invitation and return it: it is shown once."""
    return _made(log, invitation, at)


def member_token(log: str, at: datetime) -> str:
    """Make a member's token and return it. Tokens it had before end: whoever joins anew holds the only one."""
    Token.objects.filter(log=log, invitation=None, ended_at=None).update(ended_at=at)
    return _made(log, None, at)


def member_of(token: str) -> str | None:
    """Return the log of the member whose token this is, None for any other."""
    found = Token.objects.filter(digest=_digest(token), invitation=None, ended_at=None)
    return found.values_list("log", flat=True).first()


def invitation_of(token: str) -> UUID | None:
    """Return the invitation that a token opens; whether that is still open is decided by rules."""
    found = Token.objects.filter(digest=_digest(token), invitation__isnull=False)
    return found.values_list("invitation", flat=True).first()


def _made(log: str, invitation: UUID | None, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    Token.objects.create(digest=_digest(token), log=log, invitation=invitation, made_at=at)
    return token


def _digest(token: str) -> bytes:
    # 256 random bits: there is nothing to guess, so nothing is gained by a slow hash.
    return sha256(token.encode()).digest()
