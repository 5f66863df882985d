"""Projection of actors, who may act, of the breaks in a log's history, and of what a log has received of others."""

from __future__ import annotations

from karnet.journal import models
from karnet.journal.models import Actor, Break
from karnet.journal.operations import ActorEnrolled, ActorRetired, HistoryBreak, Received, Recorded
from karnet.journal.projection import Insert, SetEarlier, Write, projects

ENROLLED = Insert(Actor, ["id", "kind", "parent", "enrolled_at", "origin"])
RETIRED = SetEarlier(Actor, ["id"], [], "retired")
BROKEN = Insert(Break, ["origin_id", "number", "first", "until", "root", "abandoned", "contents_missing", "at"])
RECEIVED = Insert(models.Received, ["origin", "log", "size", "number"])


@projects(ActorEnrolled)
def enrolled(actor: ActorEnrolled, recorded: Recorded, write: Write) -> None:
    write(ENROLLED, (actor.id, actor.kind, actor.parent, recorded.entry.at, recorded.origin))


@projects(ActorRetired)
def retired(actor: ActorRetired, recorded: Recorded, write: Write) -> None:
    write(RETIRED, (actor.id, recorded))


@projects(HistoryBreak)
def broken(part: HistoryBreak, recorded: Recorded, write: Write) -> None:
    row = (part.first, part.until, part.root, part.abandoned, part.contents_missing)
    write(BROKEN, (recorded.origin, recorded.number, *row, recorded.entry.at))


@projects(Received)
def received(part: Received, recorded: Recorded, write: Write) -> None:
    for log, size in part.sizes.items():
        write(RECEIVED, (recorded.origin, log, size, recorded.number))
