"""Asking a service once, however often a form arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.http import HttpRequest

from karnet.faces.base.clock import now
from karnet.journal.requests import Asked
from karnet.journal.selectors import asked_at
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

RequestT = TypeVar("RequestT", bound=Asked)
AnswerT = TypeVar("AnswerT")


def ask(
    service: Callable[[Sequence[RequestT]], Sequence[AnswerT | Refused]], build: Callable[[datetime], RequestT]
) -> AnswerT | Refused:
    """Ask for one thing. A repeat is answered like the first: the instant is part of what is remembered, so where the
    key was used before the request is made again with the instant of that time."""
    request = build(instant(now()))
    (answer,) = service([request])
    if not (isinstance(answer, Refused) and answer.reason is Reason.KEY_REUSED):
        return answer
    first = asked_at([request.key]).get(request.key)
    again = build(instant(first)) if first is not None else request
    return answer if again == request else service([again])[0]


def key_of(request: HttpRequest) -> str:
    """Return the request key that came with a form; "" (which no service takes) for one that is none."""
    try:
        return f"till:{UUID(request.POST.get('key', ''))}"
    except ValueError:
        return ""
