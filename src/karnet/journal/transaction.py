"""One transaction per batch: known requests are answered, the rest decided, recorded, projected and remembered.

    def admit(scans):
        return transact(scans, _admit, answers=Verdict)

    def _admit(tx):
        holders = selectors.lock_holders(tx.fresh)        # lock ids in slice order, sorted; read in the next statement
        tx.record(rules.decide_all(holders, tx.fresh))    # decide each on the state the one before left

The body is a function, not a `with` block, because a batch that loses a race is rolled back and run again (ADR 0002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Generic
from uuid import UUID

import msgspec
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors

from karnet.journal import projection, recording
from karnet.journal.requests import AnswerT, Asked, Outcome, RequestT
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason

__all__ = ["Asked", "Outcome", "Transaction", "conflict", "found", "transact"]

MAX_TRIES = 8


class _KeysTaken(Exception):
    """Another transaction answered some of our keys while we decided."""


class Transaction(Generic[RequestT, AnswerT]):
    """What a body sees: the requests that are new, and `record`."""

    def __init__(self, fresh: Sequence[RequestT]) -> None:
        self.fresh = fresh
        self.outcomes: list[Outcome[RequestT, AnswerT]] = []

    def record(self, outcomes: Iterable[Outcome[RequestT, AnswerT]]) -> None:
        """Take the outcomes of fresh requests, in the order decided. May be called more than once."""
        self.outcomes.extend(outcomes)


Body = Callable[[Transaction[RequestT, AnswerT]], None]
Refuse = Callable[[RequestT, Exception], Refused]


def conflict(request: Asked, error: Exception) -> Refused:
    """Return the refusal for a request the database's last guard stopped, when the service has no better words."""
    cause = error.__cause__
    name = cause.diag.constraint_name if isinstance(cause, errors.IntegrityError) else None
    return refused(Reason.CONFLICT, guard=name or str(error).splitlines()[0][:200])


def transact(
    requests: Sequence[RequestT],
    body: Body[RequestT, AnswerT],
    *,
    answers: type[AnswerT] | Any,
    refuse: Refuse[RequestT] = conflict,
) -> list[AnswerT | Refused]:
    """Answer requests exactly once each, in one transaction; return the answers in the order of the requests.

    Guarantees: operations, projections and answers are committed together or not at all; a key seen before gets the
    answer it got then and nothing is recorded; a key seen before with other contents gets KEY_REUSED. A batch that
    the database refuses is run again one by one, so one bad request harms only itself; `refuse` words that refusal.
    A request whose actor is not enrolled, or retired by then, is refused before the body sees it (SPEC N7).
    Must not be called inside another transaction.
    """
    return _transact(requests, _acting(body), answers, refuse)


def found(request: RequestT, body: Body[RequestT, AnswerT], *, answers: type[AnswerT] | Any) -> AnswerT | Refused:
    """Like `transact` for the one request whose actor cannot be enrolled yet: the founding of a log."""
    return _transact([request], body, answers, conflict)[0]


def _transact(
    requests: Sequence[RequestT], body: Body[RequestT, AnswerT], answers: Any, refuse: Refuse[RequestT]
) -> list[AnswerT | Refused]:
    assert not connection.in_atomic_block, "transact() opens and commits its own transaction"
    for _ in range(MAX_TRIES):
        try:
            return _attempt(requests, body, answers)
        except (_KeysTaken, OperationalError) as error:
            if isinstance(error, OperationalError) and not _worth_retrying(error):
                raise
        except (IntegrityError, projection.Conflict) as error:
            if len(requests) > 1:
                return [_transact([request], body, answers, refuse)[0] for request in requests]
            return _attempt(requests, _refusing(error, refuse), answers)
    raise OperationalError(f"{len(requests)} requests lost {MAX_TRIES} races in a row")


def _acting(body: Body[RequestT, AnswerT]) -> Body[RequestT, AnswerT]:
    def acting(tx: Transaction[RequestT, AnswerT]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, retired_at FROM journal_actor WHERE id = ANY(%b)", [list({r.actor for r in tx.fresh})]
            )
            retired: dict[UUID, datetime | None] = dict(cursor.fetchall())
        enrolled = []
        for request in tx.fresh:
            if request.actor not in retired:
                tx.record([Outcome(request, refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor)))])
            elif (until := retired[request.actor]) is not None and request.at >= until:
                tx.record([Outcome(request, refused(Reason.ACTOR_RETIRED, actor=str(request.actor)))])
            else:
                enrolled.append(request)
        tx.fresh = enrolled
        if enrolled:
            body(tx)

    return acting


def _refusing(error: Exception, refuse: Refuse[RequestT]) -> Body[RequestT, Any]:
    return lambda tx: tx.record([Outcome(request, refuse(request, error)) for request in tx.fresh])


def _worth_retrying(error: OperationalError) -> bool:
    return isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure)


def _attempt(requests: Sequence[RequestT], body: Body[RequestT, AnswerT], answers: Any) -> list[AnswerT | Refused]:
    digests = {request.key: sha256(canonical.encode(request)).digest() for request in reversed(requests)}
    decoder = _decoder(answers)
    with transaction.atomic(), connection.cursor() as cursor:
        known = _known(cursor, list(digests))
        seen: set[str] = set()
        fresh = [r for r in requests if r.key not in known and not (r.key in seen or seen.add(r.key))]  # type: ignore[func-returns-value]
        tx = Transaction[RequestT, AnswerT](fresh)
        if fresh:
            body(tx)
            assert {o.request.key for o in tx.outcomes} == seen, "every fresh request needs an outcome"
            _record(cursor, tx.outcomes)
            _remember(cursor, tx.outcomes, digests, decoder)
    given: dict[str, tuple[bytes, Any]] = {
        key: (digest, decoder.decode(answer)) for key, (digest, answer) in known.items()
    }
    given.update((o.request.key, (digests[o.request.key], o.answer)) for o in tx.outcomes)
    return [_answer(request, *given[request.key]) for request in requests]


def _answer(request: Asked, digest: bytes, answer: AnswerT | Refused) -> AnswerT | Refused:
    if digest != sha256(canonical.encode(request)).digest():
        return refused(Reason.KEY_REUSED, key=request.key)
    return answer


@lru_cache(maxsize=64)
def _decoder(answers: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answers | Refused)


def _known(cursor: Any, keys: list[str]) -> dict[str, tuple[bytes, bytes]]:
    cursor.execute("SELECT key, digest, answer FROM journal_request WHERE key = ANY(%b)", [keys])
    return {key: (bytes(digest), bytes(answer)) for key, digest, answer in cursor.fetchall()}


def _record(cursor: Any, outcomes: Sequence[Outcome[Any, Any]]) -> None:
    entries = [
        recording.entry(operation, outcome.request, ordinal, outcome.cause)
        for outcome in outcomes
        for ordinal, operation in enumerate(outcome.operations)
    ]
    if entries:
        projection.project(cursor, recording.append(cursor, entries))


def _remember(
    cursor: Any,
    outcomes: Sequence[Outcome[Any, Any]],
    digests: dict[str, bytes],
    decoder: msgspec.json.Decoder[Any],
) -> None:
    rows = sorted((o.request.key, digests[o.request.key], canonical.encode(o.answer), o.request.at) for o in outcomes)
    cursor.execute(
        "INSERT INTO journal_request (key, digest, answer, at)"
        " SELECT * FROM unnest(%b::text[], %b::bytea[], %b::bytea[], %b::timestamptz[]) ON CONFLICT DO NOTHING",
        [list(column) for column in zip(*rows, strict=True)],
    )
    if cursor.rowcount != len(rows):
        raise _KeysTaken
