"""What operations at gates do to the tables of access. Passages are inserted; a grant is inserted and ends once."""

from __future__ import annotations

from karnet.access import models
from karnet.access.operations import Gate, Granted, NotTaken, Passage, Taken, TermsSet, TermsSigned
from karnet.journal.operations import Recorded
from karnet.journal.projection import Add, Insert, InsertOrSetEarlier, SetEarlier, Write, projects, stamped

GATE = Insert(models.Gate, ["actor", "facility", "code", "direction", "passback_s", "reports_turn", "grant_s"])
TERMS = InsertOrSetEarlier(
    models.Terms,
    ["gate", "agreement", "points", "weight", "valid_from", "valid_until", "missing"],
    {"": []},
)


class _Signatures(Add):
    """Counts down the signatures that an agreement's terms wait for: many rows for one agreement, or none."""

    must_hit_all = False


SIGNATURES = _Signatures(models.Terms, ["agreement"], ["missing"])
GRANT = Insert(
    models.Grant,
    [
        "id", "gate", "facility", "medium", "entitlement", "direction", "points", "weight", "expires_at", "chosen_by",
        "valid_from", "valid_until", "day", "at", "origin", "number",
    ],
)  # fmt: skip
ENDED = SetEarlier(models.Grant, ["id"], ["outcome"], "ended")
PASSAGE = Insert(
    models.Passage,
    [
        "id", "gate", "facility", "medium", "entitlement", "direction", "points", "weight", "at", "origin", "number",
    ],
)  # fmt: skip


@projects(Gate)
def gate_enrolled(gate: Gate, recorded: Recorded, write: Write) -> None:
    write(
        GATE,
        (gate.id, gate.facility, gate.code, gate.direction, gate.passback_s, gate.reports_turn, gate.grant_s),
    )


@projects(TermsSet)
def terms_set(done: TermsSet, recorded: Recorded, write: Write) -> None:
    for terms in done.terms:
        write(
            TERMS,
            (
                terms.gate, done.agreement, terms.points, terms.weight, done.valid_from, done.valid_until,
                done.signatures, recorded,
            ),
        )  # fmt: skip


@projects(TermsSigned)
def terms_signed(done: TermsSigned, recorded: Recorded, write: Write) -> None:
    write(SIGNATURES, (done.agreement, -1))


@projects(Granted)
def granted(done: Granted, recorded: Recorded, write: Write) -> None:
    activated = done.activated
    write(
        GRANT,
        (
            done.grant, done.gate, done.facility, done.medium, done.entitlement, done.direction, done.points,
            done.weight, done.expires_at, done.by,
            activated.valid_from if activated else None, activated.valid_until if activated else None,
            done.day_used.day if done.day_used else None, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(Taken)
def taken(done: Taken, recorded: Recorded, write: Write) -> None:
    write(ENDED, (done.grant, "taken", recorded))


@projects(NotTaken)
def not_taken(done: NotTaken, recorded: Recorded, write: Write) -> None:
    write(ENDED, (done.grant, "lapsed" if done.lapsed else "not_taken", recorded))


@projects(Passage)
def passage(done: Passage, recorded: Recorded, write: Write) -> None:
    write(
        PASSAGE,
        (
            done.id, done.gate, done.facility, done.medium, done.entitlement, done.direction, done.points, done.weight,
            *stamped(recorded),
        ),
    )  # fmt: skip
