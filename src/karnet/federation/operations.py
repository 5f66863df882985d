"""Who takes part, as facts. All but `joined` and the members' own announcements stand in the hub's log alone."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation, operation


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A server that takes part: its log's permanent name, its actor, the keys it signs and cosigns with (vkeys)."""

    log: str
    server: UUID
    vkey: str
    cosigner: str


class LogKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A key that may sign checkpoints of `log` whose size is above `above`. `ends`: the keys before it sign no size
    above that any more (none where they may go on, as while a key is changed for the next)."""

    log: str
    vkey: str
    above: int
    ends: int | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whether a member's entries count: all of them (`good` null), or those with an index below `good`."""

    log: str
    good: int | None = None


@operation("federation.opened")
class Opened(Operation, frozen=True, kw_only=True):
    """A server has become the hub of a common card: the first fact of a federation, in the hub's log."""

    member: Member
    key: LogKey


@operation("federation.invited")
class Invited(Operation, frozen=True, kw_only=True):
    """A server of this name may join once, until then. The token that opens it is no part of the record."""

    id: UUID
    log: str
    until: datetime


@operation("federation.admitted")
class Admitted(Operation, frozen=True, kw_only=True):
    """A server has joined by an invitation, proving that it holds the key."""

    invitation: UUID
    member: Member
    key: LogKey


@operation("federation.joined", scope="house")
class Joined(Operation, frozen=True, kw_only=True):
    """This server has joined a hub: whose word counts here about who takes part. `key` signs the hub's log now, those
    `earlier` signed it before: what they signed has to be believed, too."""

    member: Member
    key: LogKey
    earlier: tuple[LogKey, ...] = ()


@operation("federation.key_announced")
class KeyAnnounced(Operation, frozen=True, kw_only=True):
    """A server says in its own log, still signed by the old key, by which key it will sign from now on.

    A member's key waits for the hub's word. The hub's own needs nobody's: it may sign what follows the announcement."""

    log: str
    vkey: str


@operation("federation.key_changed")
class KeyChanged(Operation, frozen=True, kw_only=True):
    """The hub has found the announcement: the new key may sign what follows it."""

    key: LogKey


@operation("federation.key_vouched")
class KeyVouched(Operation, frozen=True, kw_only=True):
    """The manager of the member `voucher` (in whose log this stands) knows that `log`, which lost its key, has this
    new one: the words were compared.

    Of the hub's key each member's manager decides for the own server; then `above` says how many entries the lost key
    signed."""

    voucher: str
    log: str
    vkey: str
    above: int | None = None


@operation("federation.key_replaced")
class KeyReplaced(Operation, frozen=True, kw_only=True):
    """A lost key is replaced: every other member's manager has vouched for the new one. Of the hub's own key it tells
    those that join later; who is there believes its own manager (KeyVouched)."""

    key: LogKey
    vouchers: tuple[str, ...]


@operation("federation.suspended")
class Suspended(Operation, frozen=True, kw_only=True):
    """A member is suspended from its entry `standing.good` on: later ones are kept and not applied."""

    standing: Standing


@operation("federation.reinstated")
class Reinstated(Operation, frozen=True, kw_only=True):
    """A suspended member takes part again, with all it has sent."""

    standing: Standing


HomeAct = Literal["refund", "replacement", "invoice"]
"""What one server alone may do, and another asked it for."""


@operation("federation.act_refused")
class ActRefused(Operation, frozen=True, kw_only=True):
    """A till of `facility` could not do what the server of `home` alone may do: that refused, or did not answer and the
    agreement lets no more be done without it. `subject`: the order or medium; `reason`: a code of kernel.reasons."""

    id: UUID
    act: HomeAct
    facility: UUID
    home: UUID
    subject: UUID
    reason: str
    operator: UUID
    sales_point: UUID
