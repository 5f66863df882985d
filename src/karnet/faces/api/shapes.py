"""Building blocks of what goes in and out: strict, bounded, and the same everywhere.

Amounts are whole numbers of minor units (`…_minor`); instants are RFC 3339 with an offset; ids are UUIDs.
"""

from __future__ import annotations

import re
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from ninja import Path, Schema
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_AMOUNT = 10**12
"""Far above any sale, far below where sums of many leave 64 bits."""

MAX_BATCH = 256

Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
Number = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,63}$", min_length=1, max_length=64)
]
"""The number printed on a card, or what a reader reads of it."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@][A-Za-z0-9._-]{0,63}$", min_length=1, max_length=64)]
"""A code of the house: a product, a category."""


def _text_like(pattern: str, what: str) -> BeforeValidator:
    """Take text of one form only: pydantic would read numbers as instants, and ids in braces."""
    form = re.compile(pattern, re.ASCII)

    def check(value: object) -> object:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return BeforeValidator(check)


Instant = Annotated[
    AwareDatetime,
    _text_like(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
        "an instant with an offset, such as 2026-01-17T09:00:00Z",
    ),
]
Id = Annotated[UUID, _text_like(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "a UUID with hyphens")]
Flag = Annotated[bool, Field(strict=True)]


class In(BaseModel):
    """What callers send: fields we do not know are refused, so that a misspelt one is not passed over.

    No ninja Schema: that one looks every field of every item up in Python, which a batch of scans feels.
    """

    model_config = ConfigDict(extra="forbid")


MediumNumber = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,63}$", max_length=64)]
Limit = Annotated[int, Field(ge=1, le=200)]

ItemT = TypeVar("ItemT")


class Page(Schema, Generic[ItemT]):
    """One page of a list. `next`: pass it as `cursor` for the page after; null at the end."""

    items: list[ItemT]
    next: str | None = None


class FieldProblem(Schema):
    """One field at fault."""

    field: str
    problem: str


class LineOut(Schema):
    """What a display says in one language: a word to read from afar, a sentence to read close by."""

    language: str
    word: str
    sentence: str


class ProblemOut(Schema):
    """Problem details (RFC 9457). `code` is stable; `detail` is for people, in the language of Accept-Language.

    `display`: of a reading that was refused at a border, the same in the languages its display shows."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    facts: dict[str, str | int] = Field(default={})
    errors: list[FieldProblem] = Field(default=[])
    display: list[LineOut] = Field(default=[])
