"""Projection of actors, who may act, and of the breaks in a log's history."""

from __future__ import annotations

from karnet.journal.models import Actor, Break
from karnet.journal.operations import ActorEnrolled, ActorRetired, HistoryBreak, Recorded
from karnet.journal.projection import Insert, SetEarlier, Write, projects

ENROLLED = Insert(Actor, ["id", "kind", "parent", "enrolled_at"])
RETIRED = SetEarlier(Actor, ["id"], [], "retired")
BROKEN = Insert(Break, ["origin_id", "number", "first", "until", "root", "abandoned", "contents_missing", "at"])


@projects(ActorEnrolled)
def enrolled(actor: ActorEnrolled, recorded: Recorded, write: Write) -> None:
    write(ENROLLED, (actor.id, actor.kind, actor.parent, recorded.entry.at))


@projects(ActorRetired)
def retired(actor: ActorRetired, recorded: Recorded, write: Write) -> None:
    write(RETIRED, (actor.id, recorded))


@projects(HistoryBreak)
def broken(part: HistoryBreak, recorded: Recorded, write: Write) -> None:
    row = (part.first, part.until, part.root, part.abandoned, part.contents_missing)
    write(BROKEN, (recorded.origin, recorded.number, *row, recorded.entry.at))
