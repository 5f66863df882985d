"""What can be asked about media, and the answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.entitlements.operations import BlockCode, MediumKind


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Put a medium on the hotlist."""

    key: str
    at: datetime
    actor: UUID
    medium: UUID
    code: BlockCode
    sales_point: UUID | None = None


class BlockPlaced(msgspec.Struct, frozen=True, kw_only=True, tag="block_placed"):
    """`block` is what an unblock must name."""

    block: UUID
    medium: UUID


class Unblock(msgspec.Struct, frozen=True, kw_only=True):
    """Lift one block; others on the medium stand."""

    key: str
    at: datetime
    actor: UUID
    medium: UUID
    block: UUID
    sales_point: UUID | None = None


class BlockLifted(msgspec.Struct, frozen=True, kw_only=True, tag="block_lifted"):
    """`blocks_left`: how many blocks still lie on the medium."""

    medium: UUID
    blocks_left: int


class NameHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Write down which customer holds a medium, by id; None takes the holder off it."""

    key: str
    at: datetime
    actor: UUID
    medium: UUID
    customer: UUID | None = None
    sales_point: UUID | None = None


class HolderIs(msgspec.Struct, frozen=True, kw_only=True, tag="holder_named", omit_defaults=True):
    """Who holds the medium from now on."""

    medium: UUID
    customer: UUID | None = None


class Replace(msgspec.Struct, frozen=True, kw_only=True):
    """Replace a lost or broken medium by another. `code`: why the old one is blocked for good.

    `deposit` "move": the deposit of the old medium is from now on the new one's; "leave": it stays to be paid to
    whoever hands the old one in. A new deposit for the new card is a matter of money: `orders.services.replace_cards`.
    `for_operator`, `for_sales_point`: who asked for it at another server, where the card is handed out.
    """

    key: str
    at: datetime
    actor: UUID
    old: UUID
    new_number: str
    new_chip: str = ""
    kind: MediumKind = "card"
    sales_point: UUID
    code: BlockCode = "lost"
    deposit: Literal["move", "leave"] = "move"
    for_operator: UUID | None = None
    for_sales_point: UUID | None = None

    @property
    def chip(self) -> str:
        """What readers will read: the number where no chip is named (barcodes)."""
        return self.new_chip or self.new_number


class ReplaceAlone(Replace, frozen=True, kw_only=True):
    """Replace a medium that another server gave out, which does not answer: up to the agreement's number a day."""


class ReplacementIssued(msgspec.Struct, frozen=True, kw_only=True, tag="replaced"):
    """The new medium and the entitlements that are on it now. `deposit`: newly taken for it, minor units."""

    medium: UUID
    entitlements: tuple[UUID, ...]
    deposit: int = 0
