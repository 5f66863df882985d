"""What every step of a scenario has."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from karnet.wiring.play.words import Instant, Label


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="do"):
    """What every step has.

    `at`: when it happens; steps stand in the order of time. `key`: the idempotency key; by default it is made from the step itself. `expect`: fields the outcome must have.
    `note`: for the reader.
    """

    at: Instant
    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    label: Label | None = msgspec.field(default=None, name="as")
    expect: dict[str, Any] | None = None
    note: str = ""
