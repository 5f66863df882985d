"""The first operation of a log. Everything else names an actor that an earlier operation enrolled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from karnet.journal.models import Origin
from karnet.journal.operations import ActorEnrolled, Founded
from karnet.journal.recording import HOME
from karnet.journal.transaction import Outcome, Transaction, found
from karnet.kernel.ids import named_id


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Found the log `name`. The server that it enrols is also its actor."""

    key: str
    at: datetime
    actor: UUID
    name: str


class FoundedAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="founded"):
    server: UUID


def server_id(name: str) -> UUID:
    """Return the id of the server (an actor) whose log has this name."""
    return named_id("server", name)


def found_server(name: str, at: datetime) -> UUID:
    """Found this installation's log unless it is founded; return the server's actor id. Safe to repeat.

    Guarantees: the operation `journal.founded` is the first of the log. A log's name is permanent: another name than
    the one it was founded with raises ValueError.
    """
    server = server_id(name)
    present = Origin.objects.filter(id=HOME).values_list("name", flat=True).first()
    if present is not None and present != name:
        raise ValueError(f"this log was founded as {present!r}; a log's name is permanent")
    if present is None:
        found(Found(key=f"found:{name}", at=at, actor=server, name=name), _found, answers=FoundedAnswer)
    return server


def _found(tx: Transaction[Found, FoundedAnswer]) -> None:
    (request,) = tx.fresh
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_origin (id, name, server) VALUES (%s, %s, %s)", [HOME, request.name, request.actor]
        )
        cursor.execute("INSERT INTO journal_tree (origin_id, size, settled) VALUES (%s, 0, 0)", [HOME])
    enrolled = ActorEnrolled(id=request.actor, kind="server")
    tx.record([Outcome(request, FoundedAnswer(server=request.actor), (Founded(name=request.name, server=enrolled),))])
