"""What one server alone may do and could not be done for another: noted for both partners, with its cause."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from karnet.entitlements.selectors import media
from karnet.federation.operations import ActRefused, HomeAct
from karnet.journal.requests import Outcome, made_id
from karnet.journal.selectors import asked_at
from karnet.journal.transaction import Transaction, transact
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.orders.selectors import orders
from karnet.parties.operations import facility_id
from karnet.parties.selectors import facilities, sales_points


class NoteRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Note that a till here could not do what another facility's server alone may do."""

    key: str
    at: datetime
    actor: UUID
    act: HomeAct
    sales_point: UUID
    facility: UUID
    home: UUID
    subject: UUID
    reason: str


class RefusalNoted(msgspec.Struct, frozen=True, kw_only=True, tag="refusal_noted"):
    """What was noted."""

    id: UUID


def note_refusal(
    act: HomeAct,
    answer: Refused,
    *,
    key: str,
    at: datetime,
    home: str,
    subject: UUID,
    operator: UUID,
    sales_point: UUID,
) -> None:
    """Record that what `key` asked of a facility's server (by code) was refused, and why: once for each reason, however
    often it is asked. It travels to both partners. What a wrong form asks for names nobody, and is not recorded."""
    point, facility = sales_points([sales_point]).get(sales_point), facility_id(home)
    name = f"refused:{key}:{answer.reason}"
    wrong_form = answer.reason in (Reason.BAD_VALUE, Reason.KEY_REUSED)
    if wrong_form or point is None or facility not in facilities([facility]) or asked_at([name]):
        return
    request = NoteRefusal(
        key=name, at=instant(at), actor=operator, act=act, sales_point=sales_point, facility=point.facility,
        home=facility, subject=subject, reason=str(answer.reason),
    )  # fmt: skip
    transact([request], _note, answers=RefusalNoted)


def _note(tx: Transaction[NoteRefusal, RefusalNoted]) -> None:
    for request in tx.fresh:
        noted = ActRefused(
            id=made_id(request, "refused"),
            act=request.act,
            facility=request.facility,
            home=request.home,
            subject=request.subject,
            reason=request.reason,
            operator=request.actor,
            sales_point=request.sales_point,
        )
        tx.record([Outcome(request, RefusalNoted(id=noted.id), (noted,))])


class RefusedHere(msgspec.Struct, frozen=True, kw_only=True):
    """An act that `facility` could not do because `home` refused it or did not answer. `called`: the sale's or card's
    number; `done`: it was done since. `operation`: where it stands in the record."""

    at: datetime
    act: str
    facility: UUID
    home: UUID
    called: str
    reason: str
    done: bool
    operation: UUID


def refused_acts(limit: int = 50) -> list[RefusedHere]:
    """Return the refused acts that are on the record, the latest first: the same at every server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.at, r.act, r.facility_id, r.home_id, r.subject, r.reason, j.id FROM federation_refused_act r"
            " JOIN journal_operation j ON j.number = r.number ORDER BY r.at DESC, r.id LIMIT %s",
            [limit],
        )
        found = cursor.fetchall()
    subjects = {row[4] for row in found}
    sold, cards = (orders(subjects), media(subjects)) if subjects else ({}, {})
    acts = []
    for at, act, facility, home, subject, reason, operation in found:
        called, done = "", False
        if (order := sold.get(subject)) is not None:
            called, done = order.number, order.invoice is not None if act == "invoice" else order.refunded > 0
        elif (card := cards.get(subject)) is not None:
            called, done = card.number, card.state == "replaced"
        acts.append(
            RefusedHere(
                at=at, act=act, facility=facility, home=home, called=called, reason=reason, done=done, operation=operation
            )
        )  # fmt: skip
    return acts
