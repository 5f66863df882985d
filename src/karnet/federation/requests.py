"""What is asked about membership, and what is answered."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.federation.operations import LogKey


class OpenHub(msgspec.Struct, frozen=True, kw_only=True):
    """Make this server the hub. `vkey` and `cosigner`: its public keys."""

    key: str
    at: datetime
    actor: UUID
    log: str
    vkey: str
    cosigner: str


class JoinHub(msgspec.Struct, frozen=True, kw_only=True):
    """Remember the hub that this server has joined: the hub's own name and keys. `vkey` signs its log above `above`
    entries, those `earlier` signed what was before."""

    key: str
    at: datetime
    actor: UUID
    log: str
    vkey: str
    cosigner: str
    above: int = 0
    ends: int | None = None
    earlier: tuple[LogKey, ...] = ()


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """Let a server of this log name join until then."""

    key: str
    at: datetime
    actor: UUID
    log: str
    until: datetime


class Admit(msgspec.Struct, frozen=True, kw_only=True):
    """Admit the server that came with an invitation, and with a proof (checked before) that it holds `vkey`."""

    key: str
    at: datetime
    actor: UUID
    invitation: UUID
    log: str
    vkey: str
    cosigner: str


class AnnounceKey(msgspec.Struct, frozen=True, kw_only=True):
    """Say in this server's own log by which key it will sign from now on."""

    key: str
    at: datetime
    actor: UUID
    log: str
    vkey: str


class ConfirmKey(msgspec.Struct, frozen=True, kw_only=True):
    """Let the key that `log` announced sign what follows. Asked at the hub, which has applied the announcement."""

    key: str
    at: datetime
    actor: UUID
    log: str
    vkey: str


class VouchKey(msgspec.Struct, frozen=True, kw_only=True):
    """Vouch, as the manager of the member `voucher`, for the new key of a member that lost its own.

    Or for that of the hub: then `above` is how many entries of its log the lost key signed, as the hub's people say, and
    `held` how many of them are here."""

    key: str
    at: datetime
    actor: UUID
    voucher: str
    log: str
    vkey: str
    above: int | None = None
    held: int = 0


class ReplaceKey(msgspec.Struct, frozen=True, kw_only=True):
    """Replace a lost key by one that all other members have vouched for. Asked at the hub. `held`: entries of the log
    that the hub holds; the new key signs what follows them."""

    key: str
    at: datetime
    actor: UUID
    log: str
    vkey: str
    held: int


class Suspend(msgspec.Struct, frozen=True, kw_only=True):
    """Suspend a member from its entry `good` on. `held`: entries of its log that the hub holds."""

    key: str
    at: datetime
    actor: UUID
    log: str
    good: int
    held: int


class Reinstate(msgspec.Struct, frozen=True, kw_only=True):
    """Let a suspended member take part again."""

    key: str
    at: datetime
    actor: UUID
    log: str


class InvitedAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="invited"):
    """The invitation is open until then."""

    invitation: UUID
    until: datetime


class MemberAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="member"):
    """What was asked about this member is recorded."""

    log: str
