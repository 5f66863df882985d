"""What goes into a decision and what comes out of it: requests and outcomes. Pure, so that rules can use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation
from karnet.kernel.ids import owned_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.time import instant


class Asked(Protocol):
    """What every request has: a key its client made, an instant, and the actor who asks.

    The whole struct is the request's digest: the same key with other contents is refused.
    """

    @property
    def key(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> UUID: ...


RequestT = TypeVar("RequestT", bound=Asked)
AnswerT = TypeVar("AnswerT")


class Outcome(msgspec.Struct, Generic[RequestT, AnswerT], frozen=True):
    """What a rule decided for a request: the operations to record (none for a refusal) and the answer to give.

    `subject` and `place`: what a refusal is about and where it was given (a card, a gate), so that it can be found
    again (`browsing.refusals_about`); nothing else of it is recorded.
    """

    request: RequestT
    answer: AnswerT | Refused
    operations: tuple[Operation, ...] = ()
    cause: UUID | None = None
    subject: UUID | None = None
    place: UUID | None = None


def operation_id(request: Asked, ordinal: int = 0) -> UUID:
    """Return the id that the request's `ordinal`-th operation will have (for ids a rule derives from it)."""
    return made_id(request, ordinal)


def made_id(request: Asked, what: int | str) -> UUID:
    """Return the id of a thing that a request makes: the same whenever it is asked again, at this server alone.

    It tells which server made it (kernel.ids.owned_id), so that no other can give it to something of its own. Which server
    that is, whoever runs the decision says (`deciding_at`); what is only tried out, with no server, has nobody's ids.
    """
    return id_made_by(_deciding.get(), request.actor, request.at, request.key, what)


def id_made_by(server: UUID, actor: UUID, at: datetime, key: str, what: int | str) -> UUID:
    """As `made_id`, at a server, of a request that is told by its parts.

    One server may be asked under one key in the same millisecond by several of its actors.
    """
    return owned_id(server, instant(at), f"{actor}\x1f{key}", what)


@contextmanager
def deciding_at(server: UUID) -> Iterator[None]:
    """Within this, rules decide at `server`: what they make has its ids. `transact` says so; rules never do."""
    before = _deciding.set(server)
    try:
        yield
    finally:
        _deciding.reset(before)


_NOBODY = UUID(int=0)
# A rule has no other way to learn it: a request names its actor, and whose that is stands in a table.
_deciding: ContextVar[UUID] = ContextVar("server that decides", default=_NOBODY)
