"""What can be asked of the capacity engine, and the answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.capacity.operations import AllotmentKind


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An allotment of a resource. `capacity`: on each section (one number for all of them); None = as much as there is.

    A `share` of numbered units names them (`units`: their numbers); one of counted places names its capacity.
    """

    code: str
    kind: AllotmentKind = "limit"
    parent: str = ""
    capacity: tuple[int, ...] = ()
    units: tuple[str, ...] = ()


class Define(msgspec.Struct, frozen=True, kw_only=True):
    """Set up a resource, or let it grow: `units` are added, allotments are new or get another capacity.

    `capacity` of what has no numbers: one number for all sections, or one for each; () leaves it as it is.
    """

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    resource: UUID
    kind: str
    sections: int = 1
    units: tuple[str, ...] = ()
    capacity: tuple[int, ...] = ()
    shares: tuple[Share, ...] = ()


class CapacitySet(msgspec.Struct, frozen=True, kw_only=True, tag="capacity_defined"):
    """The resource and its allotments by code; "" is its own."""

    resource: UUID
    allotments: dict[str, UUID]


class Want(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is wanted of an allotment on sections [first, until): `units`, or a `quantity` without numbers."""

    allotment: UUID
    units: tuple[UUID, ...] = ()
    quantity: int = 0
    first: int = 0
    until: int = 1
    holder: UUID | None = None


class TakePlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Claim places of one resource, all of them or none. `holds`: claims what was held, under the same ids."""

    key: str
    at: datetime
    actor: UUID
    resource: UUID
    wants: tuple[Want, ...] = ()
    holds: tuple[UUID, ...] = ()


class HoldPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Hold places of one resource until an instant, all of them or none. No operation: a hold ends by itself."""

    key: str
    at: datetime
    actor: UUID
    resource: UUID
    wants: tuple[Want, ...]
    until: datetime


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="places_taken"):
    """The claims: those of `holds` first, then one for each unit or quantity in the order wanted."""

    claims: tuple[UUID, ...]


class Held(msgspec.Struct, frozen=True, kw_only=True, tag="places_held"):
    """The holds, in the order wanted, and when they end."""

    holds: tuple[UUID, ...]
    until: datetime


class ReleasePlaces(msgspec.Struct, frozen=True, kw_only=True):
    """End claims of one resource."""

    key: str
    at: datetime
    actor: UUID
    resource: UUID
    claims: tuple[UUID, ...]


class Freed(msgspec.Struct, frozen=True, kw_only=True, tag="places_freed"):
    """So many claims ended."""

    claims: int
