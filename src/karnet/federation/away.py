"""What one server alone may do, done for another that asks (docs/federation.md): today the replacement of a card.

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
from karnet.entitlements.requests import Replace, ReplacementIssued
from karnet.entitlements.selectors import media, media_by_number
from karnet.federation import homes, selectors
from karnet.federation.asks import WAIT_MS, ask_home
from karnet.federation.core import asking
from karnet.federation.core.messages import Asked
from karnet.journal.selectors import asked_at
from karnet.kernel import canonical
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.parties.operations import facility_id, sales_point_id, service_operator_id
from karnet.parties.selectors import home_server
from karnet.parties.services import EnrolSalesPoint, enrol_sales_points

COUNTER = "card-asks"
"""The code of the unattended sales point in whose name a facility does what other servers asked for."""
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
    request: ReplaceElsewhere, *, key: str, now: datetime, wait_ms: int = WAIT_MS
) -> ReplacementIssued | Refused:
    """Let the home server of a card replace it; return what it answers, within seconds (`ask_home`).

    Guarantees: done once for a key, however often it is asked, and whatever is lost on the way. Records nothing here:
    the home server does. Returns as soon as the new card has arrived here, too, or a little later without it.
    """
    new = media_by_number([request.new_number]).get(request.new_number)
    old = media([request.old]).get(request.old)
    if new is not None and new.state == "in_use" and old is not None and old.state == "in_use":
        # Sold here a moment ago, the home server may not know of it yet. (After a lost answer, the old one is replaced.)
        return refused(Reason.MEDIUM_IN_USE, number=request.new_number)
    answer = ask_home(request.facility, "replace_card", key, request, ReplacementIssued, now=now, wait_ms=wait_ms)
    if isinstance(answer, ReplacementIssued):
        _await(request.new_number, answer.medium)
    return answer


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
    if homes.log_of_all({body.operator, body.sales_point}) != asked.asker:
        return refused(Reason.UNKNOWN_ACTOR, actor=str(body.operator))
    counter = _counter(body.facility, now)
    if isinstance(counter, Refused):
        return counter
    sales_point, operator = counter
    key = f"ask:{asked.asker}:{asked.key}"
    request = Replace(
        key=key,
        # Our clock decides, not the asker's; a repeat is the same request under the instant it had first.
        at=instant(asked_at([key]).get(key, now)),
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


_ACTS: Mapping[str, Callable[[Asked, datetime], object]] = {"replace_card": _replace_card}


def _counter(facility: str, now: datetime) -> tuple[UUID, UUID] | Refused:
    """Return the sales point and the service operator of this facility of ours that answer for asks; enrol them once."""
    place = facility_id(facility)
    if homes.home_of(facility) != homes.home_log():
        return refused(Reason.HOME_ONLY, facility=facility)
    point, operator = sales_point_id(place, COUNTER), service_operator_id(place, COUNTER)
    if homes.log_of_all({point, operator}) is None:
        key = f"ask-counter:{facility}"
        enrol = EnrolSalesPoint(
            key=key,
            at=instant(asked_at([key]).get(key, now)),
            actor=home_server(),
            facility=place,
            code=COUNTER,
            kind="web",
        )
        (enrolled,) = enrol_sales_points([enrol])
        if isinstance(enrolled, Refused) and enrolled.reason is not Reason.ALREADY_EXISTS:
            return enrolled
    return point, operator


def _await(number: str, medium: UUID) -> None:
    """Wait until the new card is known here: gates open for it from then on."""
    end = time.monotonic() + _ARRIVES_S
    while time.monotonic() < end:
        known = media_by_number([number]).get(number)
        if known is not None and known.id == medium and known.state == "in_use":
            return
        time.sleep(_LOOK_S)
