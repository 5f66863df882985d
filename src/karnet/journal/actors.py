"""Projection of actors: who may act."""

from __future__ import annotations

from karnet.journal.models import Actor
from karnet.journal.operations import ActorEnrolled, ActorRetired, Recorded
from karnet.journal.projection import Insert, SetEarlier, Write, projects

ENROLLED = Insert(Actor, ["id", "kind", "parent", "enrolled_at"])
RETIRED = SetEarlier(Actor, ["id"], [], "retired")


@projects(ActorEnrolled)
def enrolled(actor: ActorEnrolled, recorded: Recorded, write: Write) -> None:
    write(ENROLLED, (actor.id, actor.kind, actor.parent, recorded.entry.at))


@projects(ActorRetired)
def retired(actor: ActorRetired, recorded: Recorded, write: Write) -> None:
    write(RETIRED, (actor.id, recorded))
