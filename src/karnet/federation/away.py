"""What one server alone may do, done for another that asks (docs/federation.md): here the replacement of a card.

The asker's side is `replace_elsewhere`; the home server's is `answer_ask`, which decides by the rules it decides by
for its own tills, in the name of an unattended sales point of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.db import InterfaceError, OperationalError

from karnet.entitlements import services as entitlements
from karnet.entitlements.operations import BlockCode, MediumKind
from karnet.entitlements.requests import Replace, ReplaceAlone, ReplacementIssued
from karnet.entitlements.selectors import holdings, media, media_by_number, was_replaced_alone
from karnet.federation import selectors
from karnet.federation.asks import WAIT_MS, AskHome, ask_home
from karnet.federation.core import asking
from karnet.federation.core.messages import Asked
from karnet.federation.counter import asks_for_itself, counter_of, first_asked
from karnet.federation.homes import last_heard
from karnet.federation.invoices import issue_for
from karnet.federation.refunds import grant_refund
from karnet.federation.refusals import note_refusal
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant

_ARRIVES_S, _LOOK_S = 3.0, 0.1


class ReplaceElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Replace a card that another server gave out. `facility`: the code of the facility that did; `operator`,
    `sales_point`: who hands the new one out. No money changes hands there: `deposit` moves to the new card, or is left
    to whoever brings the old one."""

    facility: str
    old: UUID
    new_number: str
    new_chip: str = ""
    kind: MediumKind = "card"
    operator: UUID
    sales_point: UUID
    code: BlockCode = "lost"
    deposit: Literal["move", "leave"] = "move"


def replace_elsewhere(
    request: ReplaceElsewhere,
    *,
    key: str,
    now: datetime,
    at: datetime | None = None,
    wait_ms: int = WAIT_MS,
    ask: AskHome = ask_home,
) -> ReplacementIssued | Refused:
    """Let the home server of a card replace it; return what it answers, within seconds (`ask_home`).

    Guarantees: done once for a key, however often it is asked, and whatever is lost on the way. The home server records
    it; returns as soon as the new card has arrived here, too, or a little later without it. Where it does not answer, the
    card is replaced here if the agreement lets so many be a day (`entitlements.alone`); what is refused is noted for both
    partners. `now`: the wall clock; `at`: that of the till, where it is another.
    """
    at = at or now
    if done := _replaced_alone(request):
        return done
    new = media_by_number([request.new_number]).get(request.new_number)
    old = media([request.old]).get(request.old)
    if new is not None and new.state == "in_use" and old is not None and old.state == "in_use":
        # Sold here a moment ago, the home server may not know of it yet. (After a lost answer, the old one is replaced.)
        return refused(Reason.MEDIUM_IN_USE, number=request.new_number)
    answer = ask(request.facility, "replace_card", key, request, ReplacementIssued, now=now, wait_ms=wait_ms)
    if isinstance(answer, ReplacementIssued):
        _await(request.new_number, answer.medium)
        return answer
    if answer.reason is Reason.HOME_SILENT:
        alone = _alone(request, f"replace-alone:{key}:{instant(now).isoformat()}", at)
        if isinstance(alone, ReplacementIssued):
            return alone
        answer = last_heard(alone, request.facility)
    note_refusal(
        "replacement", answer, key=key, at=at, home=request.facility, subject=request.old, operator=request.operator,
        sales_point=request.sales_point,
    )  # fmt: skip
    return answer


def _alone(request: ReplaceElsewhere, key: str, at: datetime) -> ReplacementIssued | Refused:
    asked = ReplaceAlone(
        key=key, at=at, actor=request.operator, old=request.old, new_number=request.new_number, new_chip=request.new_chip,
        kind=request.kind, sales_point=request.sales_point, code=request.code, deposit=request.deposit,
    )  # fmt: skip
    answer = entitlements.replace_alone([asked])[0]
    return answer if isinstance(answer, ReplacementIssued) else _replaced_alone(request) or answer


def _replaced_alone(request: ReplaceElsewhere) -> ReplacementIssued | None:
    """Return the replacement that was made here without asking, where this is a repeat of it."""
    new = media_by_number([request.new_number]).get(request.new_number)
    if new is None or new.state != "in_use" or not was_replaced_alone(request.old):
        return None
    moved = tuple(holding.id for holding in holdings([new.id])[new.id])
    return ReplacementIssued(medium=new.id, entitlements=moved)


def answer_ask(asked: Asked, home: str, now: datetime) -> bytes:
    """Do what another server asks, if its asker is a member in good standing who signed it; return the answer.

    Done once however often it is called; recorded in this server's log with the actors who asked. Raises only if the
    database is away: anything else would stop what comes after it.
    """
    try:
        answer: object = _answer(asked, home, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        answer = refused(Reason.CONFLICT, guard=f"{type(fault).__name__}: {fault}"[:200])
    return canonical.encode(answer)


def _answer(asked: Asked, home: str, now: datetime) -> object:
    member = selectors.known().get(asked.asker)
    if member is None or member.good is not None:
        return refused(Reason.UNKNOWN_MEMBER, code=asked.asker)
    wrong = asking.distrust(asked, home, _valid_keys(asked.asker), now)
    if wrong:
        return bad_values({"ask": wrong})
    act = _ACTS.get(asked.kind)
    if act is None:
        return bad_values({"kind": f"this server cannot {asked.kind}: it may need a newer Karnet"})
    return act(asked, now)


def _valid_keys(log: str) -> list[str]:
    """Return the keys that may sign for a log today: not those that a replacement after a loss has ended."""
    keys = selectors.log_keys().get(log, [])
    begins = max((place for place, key in enumerate(keys) if key.ends is not None), default=0)
    return [key.vkey for key in keys[begins:]]


def _replace_card(asked: Asked, now: datetime) -> ReplacementIssued | Refused:
    try:
        body = msgspec.json.decode(asked.body, type=ReplaceElsewhere)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return bad_values({"body": str(error)})
    if wrong := asks_for_itself(asked.asker, body.operator, body.sales_point):
        return wrong
    counter = counter_of(body.facility, now)
    if isinstance(counter, Refused):
        return counter
    sales_point, operator = counter
    key = f"ask:{asked.asker}:{asked.key}"
    request = Replace(
        key=key,
        at=first_asked(key, now),  # Our clock decides, not the asker's.
        actor=operator,
        old=body.old,
        new_number=body.new_number,
        new_chip=body.new_chip,
        kind=body.kind,
        sales_point=sales_point,
        code=body.code,
        deposit=body.deposit,
        for_operator=body.operator,
        for_sales_point=body.sales_point,
    )
    return entitlements.replace([request])[0]


_ACTS: Mapping[str, Callable[[Asked, datetime], object]] = {
    "replace_card": _replace_card,
    "refund": grant_refund,
    "invoice": issue_for,
}


def _await(number: str, medium: UUID) -> None:
    """Wait until the new card is known here: gates open for it from then on."""
    end = time.monotonic() + _ARRIVES_S
    while time.monotonic() < end:
        known = media_by_number([number]).get(number)
        if known is not None and known.id == medium and known.state == "in_use":
            return
        time.sleep(_LOOK_S)
