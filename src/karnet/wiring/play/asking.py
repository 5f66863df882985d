"""From a batch of lines to a batch of requests, and from answers to fields: what every act has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from karnet.kernel.outcomes import Refused
from karnet.wiring.play.reading import Line
from karnet.wiring.play.stage import Answer, Fields, Unplayable

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")


def ask(
    lines: Sequence[Line],
    request: Callable[[Line], RequestT],
    service: Callable[[Sequence[RequestT]], list[AnswerT | Refused]],
    fields: Callable[[Line, AnswerT], Fields],
) -> list[Answer]:
    """Put every line that can be put as a request to the service, in one batch; return what the lines came to.

    `request` may raise Unplayable: that line is answered with its refusal, and the others are asked without it.
    """
    answers: list[Answer | None] = []
    asked: list[tuple[Line, RequestT]] = []
    for line in lines:
        try:
            asked.append((line, request(line)))
            answers.append(None)
        except Unplayable as unplayable:
            answers.append(unplayable.refusal)
    given = iter(service([one for _, one in asked]) if asked else ())
    served = iter(line for line, _ in asked)
    return [answer if answer is not None else _told(next(served), next(given), fields) for answer in answers]


def _told(line: Line, answer: AnswerT | Refused, fields: Callable[[Line, AnswerT], Fields]) -> Answer:
    return answer if isinstance(answer, Refused) else fields(line, answer)
