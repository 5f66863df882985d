"""Idempotency: a request's key is the caller's, inside a name space of its token, and its instant is kept with it.

A request is remembered whole, its instant included, so a repeat must be made with the instant of the first. Nothing is
looked up beforehand: only when the journal says that the key was used for something else is the remembered instant
read and the request made once more with it. So the first call costs nothing extra, and of two calls that race both get
the answer of the one that came first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

from ninja import Header
from pydantic import StringConstraints

from karnet.faces.api.tokens import Principal
from karnet.faces.base import clock
from karnet.journal.requests import Asked
from karnet.journal.selectors import asked_at
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

RequestT = TypeVar("RequestT", bound=Asked)
AnswerT = TypeVar("AnswerT")
Build = Callable[[str, datetime], RequestT | Refused]
"""Makes a request of a key and an instant, or says why there is none to make."""

KEY = r"^[A-Za-z0-9._~:@+/=-]{1,100}$"
Key = Annotated[str, StringConstraints(pattern=KEY, min_length=1, max_length=100)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY,
        min_length=1,
        max_length=100,
        description="Chosen by the caller, best a new UUID per action. The same key gets the same answer, and nothing"
        " happens twice; with other contents it is refused (key_reused).",
    ),
]


def scoped(principal: Principal, key: str) -> str:
    """Return a caller's key as the journal knows it: two tokens can never collide."""
    return f"api:{principal.id}:{key}"


def ask(
    service: Callable[[Sequence[RequestT]], Sequence[AnswerT | Refused]],
    principal: Principal,
    key: str,
    build: Build[RequestT],
) -> AnswerT | Refused:
    """Ask a service once, whatever happens to the connection and however often the caller repeats it."""
    return ask_all(service, principal, [(key, build)])[0]


def ask_all(
    service: Callable[[Sequence[RequestT]], Sequence[AnswerT | Refused]],
    principal: Principal,
    asked: Sequence[tuple[str, Build[RequestT]]],
) -> list[AnswerT | Refused]:
    """Ask a service many things at once; the answers in order."""
    now = instant(clock.now())
    keys = [scoped(principal, key) for key, _ in asked]
    requests = [build(key, now) for key, (_, build) in zip(keys, asked, strict=True)]
    answers = _answers(service, requests)
    reused = [n for n, a in enumerate(answers) if isinstance(a, Refused) and a.reason is Reason.KEY_REUSED]
    if not reused:
        return answers
    first = asked_at({keys[n] for n in reused})
    again = {n: asked[n][1](keys[n], instant(first[keys[n]])) for n in reused if keys[n] in first}
    same = {n: request for n, request in again.items() if not isinstance(request, Refused) and request != requests[n]}
    for n, answer in zip(same, _answers(service, list(same.values())), strict=True):
        answers[n] = answer
    return answers


def _answers(
    service: Callable[[Sequence[RequestT]], Sequence[AnswerT | Refused]], requests: Sequence[RequestT | Refused]
) -> list[AnswerT | Refused]:
    made = [request for request in requests if not isinstance(request, Refused)]
    given = iter(service(made) if made else ())
    return [request if isinstance(request, Refused) else next(given) for request in requests]
