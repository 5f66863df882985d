"""What is asked of loyalty, and what it answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.loyalty.operations import Event, Reward
from karnet.orders.requests import Sell


class RuleDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A rule as people write it (operations.LoyaltyRule; `facilities` by id)."""

    code: str
    event: Event
    threshold: int
    reward: Reward
    window_days: int = 0
    at_most: int = 0
    facilities: tuple[UUID, ...] = ()


class PublishRules(msgspec.Struct, frozen=True, kw_only=True):
    """Publish rules of a facility of this server, over [valid_from, valid_until)."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    valid_from: datetime
    valid_until: datetime
    rules: tuple[RuleDraft, ...]


class PublishedRules(msgspec.Struct, frozen=True, kw_only=True, tag="rules_published"):
    """The rules' ids by code."""

    rules: dict[str, UUID]


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """Give a card (by the id of its medium) every reward that it has earned by `at` and has not got yet."""

    key: str
    at: datetime
    actor: UUID
    medium: UUID


class Awarded(msgspec.Struct, frozen=True, kw_only=True, tag="awarded"):
    """What was given now: the ids of rewards, bonus money in minor units, and rights."""

    rewards: tuple[UUID, ...]
    bonus: int
    rights: tuple[UUID, ...]


class RightOnLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A right by its id, and the line of the sale (its place, from 0) whose one ticket it makes cheaper."""

    right: UUID
    line: int = 0


class SellWithRights(msgspec.Struct, frozen=True, kw_only=True):
    """A sale in which rights make tickets cheaper: each one ticket, alone on its line, on the card that has the right."""

    key: str
    at: datetime
    actor: UUID
    rights: tuple[RightOnLine, ...]
    sale: Sell
