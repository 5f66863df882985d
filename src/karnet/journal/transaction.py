"""One transaction per batch: known requests are answered, the rest decided, recorded, projected and remembered.

    def admit(scans):
        return transact(scans, _admit, answers=Verdict)

    def _admit(tx):
        holders = selectors.lock_holders(tx.fresh)        # lock ids in slice order, sorted; read in the next statement
        tx.record(rules.decide_all(holders, tx.fresh))    # decide each on the state the one before left

The body is a function, not a `with` block, because a batch that loses a race is rolled back and run again (ADR 0002).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Generic
from uuid import UUID

import msgspec
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors

from karnet.journal import projection, recording
from karnet.journal.flight import Send, in_one_flight
from karnet.journal.requests import AnswerT, Asked, Outcome, RequestT, deciding_at
from karnet.kernel import canonical
from karnet.kernel.canonical import NotCanonical
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason

__all__ = ["Asked", "Outcome", "Transaction", "conflict", "found", "transact"]

MAX_TRIES = 8
_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
MAX_KEY = 200


class _KeysTaken(Exception):
    """Another transaction answered some of our keys while we decided."""


class Transaction(Generic[RequestT, AnswerT]):
    """What a body sees: the requests that are new, and `record`."""

    def __init__(self, fresh: Sequence[RequestT], actors: dict[UUID, datetime | None]) -> None:
        self.fresh = fresh
        self.actors = actors
        """When each enrolled actor of the requests was retired; None = it acts still."""
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
    A request whose actor is not enrolled here (actors of other servers act there), or retired by then, is refused before the body sees it (SPEC N7); one that
    the journal could not keep (key, instant, numbers, text) is refused with BAD_VALUE and not even remembered.
    Must not be called inside another transaction.
    """
    digests = [_digest(request) for request in requests]
    fit = [(r, digest) for r, digest in zip(requests, digests, strict=True) if not isinstance(digest, Refused)]
    given = iter(_transact(fit, _acting(body), answers, refuse) if fit else ())
    return [digest if isinstance(digest, Refused) else next(given) for digest in digests]


def found(request: RequestT, body: Body[RequestT, AnswerT], *, answers: type[AnswerT] | Any) -> AnswerT | Refused:
    """Like `transact` for the one request whose actor cannot be enrolled yet: the founding of a log."""
    digest = _digest(request)
    return digest if isinstance(digest, Refused) else _transact([(request, digest)], body, answers, conflict)[0]


def _transact(
    requests: Sequence[tuple[RequestT, bytes]], body: Body[RequestT, AnswerT], answers: Any, refuse: Refuse[RequestT]
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
            body = _refusing(error, refuse)
        except recording.TooLarge as error:
            if len(requests) > 1:
                return [_transact([request], body, answers, refuse)[0] for request in requests]
            body = _refusing(error, lambda request, error: bad_values({"request": str(error)}))
    raise OperationalError(f"{len(requests)} requests lost {MAX_TRIES} races in a row")


def _digest(request: Asked) -> bytes | Refused:
    """Return the digest of a request, or why the journal could not keep it: a clear message, never a fault."""
    if not 0 < len(request.key) <= MAX_KEY:
        return bad_values({"key": f"must have 1 to {MAX_KEY} characters"})
    if request.at.tzinfo is None:
        return bad_values({"at": "must name its time zone"})
    try:
        data = canonical.encode(request)
    except NotCanonical as error:
        return bad_values({"request": str(error)})
    if _nul.search(data):  # PostgreSQL's text has no place for it
        return bad_values({"request": "text with a NUL character"})
    return sha256(data).digest()


def _acting(body: Body[RequestT, AnswerT]) -> Body[RequestT, AnswerT]:
    def acting(tx: Transaction[RequestT, AnswerT]) -> None:
        enrolled = []
        for request in tx.fresh:
            if request.actor not in tx.actors:
                tx.record([Outcome(request, refused(Reason.UNKNOWN_ACTOR, actor=str(request.actor)))])
            elif (until := tx.actors[request.actor]) is not None and request.at >= until:
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


def _attempt(
    requests: Sequence[tuple[RequestT, bytes]], body: Body[RequestT, AnswerT], answers: Any
) -> list[AnswerT | Refused]:
    digests = {request.key: digest for request, digest in reversed(requests)}
    decoder = _decoder(answers)
    with transaction.atomic():
        known, actors, server = _known(list(digests), list({request.actor for request, _ in requests}))
        seen = digests.keys() - known.keys()
        tx = Transaction[RequestT, AnswerT](_first_of_each(requests, seen), actors)
        if tx.fresh:
            # While a log is founded nobody is enrolled: the server itself is the actor.
            with deciding_at(server or tx.fresh[0].actor):
                body(tx)
                assert {o.request.key for o in tx.outcomes} == seen, "every fresh request needs an outcome"
                _record(tx.outcomes, digests, server)
    given: dict[str, tuple[bytes, Any]] = {
        key: (digest, decoder.decode(answer)) for key, (digest, answer) in known.items()
    }
    given.update((o.request.key, (digests[o.request.key], o.answer)) for o in tx.outcomes)
    return [
        answer if known_digest == digest else refused(Reason.KEY_REUSED, key=request.key)
        for request, digest in requests
        for known_digest, answer in (given[request.key],)
    ]


@lru_cache(maxsize=64)
def _decoder(answers: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answers | Refused)


def _first_of_each(requests: Sequence[tuple[RequestT, bytes]], keys: Set[str]) -> list[RequestT]:
    wanted = set(keys)
    first = []
    for request, _ in requests:
        if request.key in wanted:
            wanted.remove(request.key)
            first.append(request)
    return first


def _known(
    keys: list[str], actors: list[UUID]
) -> tuple[dict[str, tuple[bytes, bytes]], dict[UUID, datetime | None], UUID | None]:
    """Return what was answered before, by key; the enrolled among the actors with the end of their time; and, if there
    is one, this server."""
    with in_one_flight(connection) as send:
        answered = send("SELECT key, digest, answer FROM journal_request WHERE key = ANY(%b::text[])", [keys])
        enrolled = send(
            "SELECT a.id, a.retired_at, o.server FROM journal_actor a JOIN journal_origin o ON o.id = a.origin"
            " WHERE a.id = ANY(%b::uuid[]) AND a.origin = 1",
            [actors],
        )
    rows = enrolled.rows()
    return (
        {key: (bytes(digest), bytes(answer)) for key, digest, answer in answered.rows()},
        {actor: retired_at for actor, retired_at, _ in rows},
        rows[0][2] if rows else None,
    )


def _record(outcomes: Sequence[Outcome[Any, Any]], digests: dict[str, bytes], server: UUID | None) -> None:
    entries = [
        recording.entry(operation, outcome.request, ordinal, outcome.cause)
        for outcome in outcomes
        for ordinal, operation in enumerate(outcome.operations)
    ]
    numbers: list[int] = []
    if entries:
        with connection.cursor() as cursor:
            applied, numbers = recording.open_after_arrivals(cursor, len(entries))
        if applied:
            assert server is not None, "nothing arrives before the log is founded"
            entries.insert(0, recording.received(applied, entries[0], server))
    with in_one_flight(connection) as send:
        if entries:
            projection.project(send, recording.append(send, entries, numbers))
        _remember(send, outcomes, digests)


def _remember(send: Send, outcomes: Sequence[Outcome[Any, Any]], digests: dict[str, bytes]) -> None:
    rows: list[tuple[Any, ...]] = sorted(
        (o.request.key, digests[o.request.key], canonical.encode(o.answer), o.request.at) for o in outcomes
    )
    about = {o.request.key: (o.subject, o.place) for o in outcomes if o.subject is not None}
    if about:  # Two columns more, and only where a refusal has something to say in them.
        rows = [(*row, *about.get(row[0], (None, None))) for row in rows]

    def check(found: int) -> None:
        if found != len(rows):
            raise _KeysTaken

    send(
        _REMEMBER.format("", "") if not about else _REMEMBER.format(", subject, place", ", %b::uuid[], %b::uuid[]"),
        [list(column) for column in zip(*rows, strict=True)],
        check,
    )


_REMEMBER = (
    "INSERT INTO journal_request (key, digest, answer, at{})"
    " SELECT * FROM unnest(%b::text[], %b::bytea[], %b::bytea[], %b::timestamptz[]{}) ON CONFLICT DO NOTHING"
)
