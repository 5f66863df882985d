"""Views of a card: what is on it, what gates would say, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from karnet.access.requests import Scan, Verdict
from karnet.access.rules.scans import decide
from karnet.access.selectors import gates, last_passages, lock_state
from karnet.catalogue.selectors import product_versions
from karnet.entitlements.operations import BlockCode
from karnet.entitlements.requests import Block, ReplacementIssued, Unblock
from karnet.entitlements.rules import Holding, MediumState
from karnet.entitlements.selectors import holdings, open_blocks, open_deposits
from karnet.entitlements.services import block as block_media
from karnet.entitlements.services import unblock as unblock_media
from karnet.faces.base import words as base_words
from karnet.faces.base.clock import now, wall_now
from karnet.faces.base.looking import looking
from karnet.faces.till.amounts import minor_units, typed
from karnet.faces.till.asking import ask, key_of
from karnet.faces.till.desk import Desk, at_desk, in_shift
from karnet.faces.till.finding import Finding, find
from karnet.faces.till.offers import reason
from karnet.faces.till.selling import find_card
from karnet.faces.till.words import BLOCKS, CATEGORIES, STATES, called, discount, product_name, validity
from karnet.federation.away import ReplaceElsewhere, replace_elsewhere
from karnet.journal.browsing import refusals_about
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.loyalty.selectors import open_offers
from karnet.orders.charging import money_on
from karnet.orders.receipts import orders_of_tickets
from karnet.orders.requests import GiveBack, ReplaceCard
from karnet.orders.services import give_back, replace_cards
from karnet.parties.people import customers
from karnet.parties.selectors import facilities, names

PASSAGES, REFUSALS = 12, 8


@require_safe
@at_desk
def card(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Look at a card, or look for one: by the beginning of its number, a receipt, a surname, a phone."""
    number = request.GET.get("number", "").replace("\0", "").strip()[:64]
    medium = find_card(number) if number else None
    finding = find(number, desk, looking(request)) if number and medium is None else None
    missing = refused(Reason.UNKNOWN_MEDIUM, number=number) if number and medium is None and not finding else None
    return _show(request, desk, medium, number=number, refusal=missing, finding=finding, status=404 if missing else 200)


@require_POST
@in_shift
def block(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Block a card, so that it opens nothing from now on."""
    code: Any = request.POST.get("code", "")

    def act(medium: MediumState, key: str) -> Refused | str:
        answer = ask(
            block_media,
            lambda at: Block(
                key=key, at=at, actor=desk.operator.id, medium=medium.id, code=code, sales_point=desk.place
            ),
        )
        return answer if isinstance(answer, Refused) else _("Blocked. The card opens no gate any more.")

    return act_on_card(request, desk, act)


@require_POST
@in_shift
def unblock(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Lift the blocks of a card, all of them."""

    def act(medium: MediumState, key: str) -> Refused | str:
        answer: object = refused(Reason.NOT_BLOCKED, number=medium.number)
        for n, one in enumerate(open_blocks([medium.id])[medium.id]):
            request_of = _unblocking(desk, medium, f"{key}:{n}", one)
            answer = ask(unblock_media, request_of)
            if isinstance(answer, Refused):
                return answer
        return answer if isinstance(answer, Refused) else _("Unblocked. The card opens gates again.")

    return act_on_card(request, desk, act)


def _unblocking(desk: Desk, medium: MediumState, key: str, one: Any) -> Callable[[datetime], Unblock]:
    return lambda at: Unblock(
        key=key, at=at, actor=desk.operator.id, medium=medium.id, block=one.block, sales_point=desk.place
    )


@require_POST
@in_shift
def replace(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Move everything from a lost card to another."""
    new = request.POST.get("new", "").strip()[:64]
    code: Any = request.POST.get("code", "lost")
    moved = request.POST.get("deposit") == "move"
    amount = 0 if moved else minor_units(request.POST.get("amount", ""), desk.facility.currency)
    known = find_card(new) if new else None

    def act(medium: MediumState, key: str) -> Refused | str:
        if not new or amount is None:
            return bad_field("new" if not new else "amount")
        chip = known.chip if known else new
        number = known.number if known else new
        if medium.away is not None:
            answer = _replaced_elsewhere(desk, medium, number, chip, code, key)
        else:
            answer = ask(
                replace_cards,
                lambda at: ReplaceCard(
                    key=key, at=at, actor=desk.operator.id, old=medium.id, new_number=number, new_chip=chip,
                    sales_point=desk.place, code=code, deposit="move" if moved else "new", deposit_minor=amount,
                ),
            )  # fmt: skip
        if isinstance(answer, Refused):
            return answer
        count = ngettext("%(n)s ticket is", "%(n)s tickets are", len(answer.entitlements)) % {
            "n": len(answer.entitlements)
        }
        told = _("%(count)s on card %(new)s now; card %(old)s opens nothing any more.") % {
            "count": count, "new": new, "old": medium.number,
        }  # fmt: skip
        if answer.deposit:
            told += " " + _("Take the deposit: %(amount)s.") % {
                "amount": base_words.money(answer.deposit, desk.facility)
            }
        return told

    return act_on_card(request, desk, act, then=new)


def _replaced_elsewhere(
    desk: Desk, medium: MediumState, number: str, chip: str, code: Any, key: str
) -> ReplacementIssued | Refused:
    """Let the server that gave a card out replace it. No money changes hands here: the deposit moves with the card."""
    assert medium.away is not None
    wanted = ReplaceElsewhere(
        facility=medium.away,
        old=medium.id,
        new_number=number,
        new_chip=chip,
        operator=desk.operator.id,
        sales_point=desk.place,
        code=code if code in get_args(BlockCode) else "lost",
    )
    # The relay and the other server go by the real clock, also where a demonstration runs faster.
    return replace_elsewhere(wanted, key=key, now=wall_now(), at=now())


@require_POST
@in_shift
def hand_in(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Take a card back and pay its deposit out."""

    def act(medium: MediumState, key: str) -> Refused | str:
        answer = ask(
            give_back,
            lambda at: GiveBack(key=key, at=at, actor=desk.operator.id, sales_point=desk.place, cards=(medium.number,)),
        )
        if isinstance(answer, Refused):
            return answer
        if not answer.refund:
            return _("The card is taken back. No deposit lay on it.")
        return _("Pay out %(amount)s") % {"amount": base_words.money(answer.refund, desk.facility)}

    return act_on_card(request, desk, act)


def bad_field(field: str) -> Refused:
    """Return what is wrong with a field of a form about a card."""
    wrong = {"new": _("scan the new card"), "amount": _("write an amount such as 10 or 12.50")}[field]
    return Refused(Reason.BAD_VALUE, {"field": wrong})


def act_on_card(
    request: HttpRequest, desk: Desk, act: Callable[[MediumState, str], Refused | str], then: str = ""
) -> HttpResponse:
    """Do something to the card that a form names, and show how it is afterwards."""
    number = request.POST.get("number", "").strip()[:64]
    medium = find_card(number) if number else None
    if medium is None:
        missing = refused(Reason.UNKNOWN_MEDIUM, number=number)
        return _show(request, desk, None, number=number, refusal=missing, status=422)
    answer = act(medium, key_of(request))
    if isinstance(answer, Refused):
        # Nobody answered: the same form again is the same request, so that nothing is done twice.
        again = request.POST if answer.reason in (Reason.HOME_SILENT, Reason.ALONE_LIMIT) else None
        return _show(request, desk, medium, number=number, refusal=answer, again=again, status=422)
    return _show(request, desk, find_card(then or number), number=then or number, done=answer)


def _show(
    request: HttpRequest,
    desk: Desk,
    medium: MediumState | None,
    *,
    number: str,
    refusal: Refused | None = None,
    done: str = "",
    finding: Finding | None = None,
    again: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"desk": desk, "number": number, "refusal": refusal, "done": done, "medium": medium}
    context |= {"finding": finding, "again": again}
    if medium is not None:
        context |= _about(desk, medium)
        holder = customers([medium.holder], looking(request)) if medium.holder else {}
        context["holder"] = holder.get(medium.holder) if medium.holder else None
    return render(request, "till/card.html", context, status=status)


class OnCard(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket on a card, for people. `order` is where it was sold, where that is known here."""

    name: str
    category: str
    lasts: str
    holding: Holding
    ended: bool
    order: Any = None


def _about(desk: Desk, medium: MediumState) -> dict[str, Any]:
    at = now()
    held = holdings([medium.id])[medium.id]
    versions = product_versions({holding.product for holding in held}) if held else {}
    sold = orders_of_tickets({holding.id: holding.sold_at for holding in held}) if held else {}
    deposits = open_deposits([medium.id])[medium.id]
    amount = sum(deposit.amount for deposit in deposits)
    tickets = [
        OnCard(
            name=product_name(versions[h.product].product) if h.product in versions else h.product_code,
            category=called(CATEGORIES, h.category),
            lasts=validity(h.validity) if h.kind == "time" else "",
            holding=h,
            ended=h.voided or (h.valid_until is not None and h.valid_until <= at),
            order=sold.get(h.id),
        )
        for h in held
    ]
    passed, refusals = last_passages(medium.id, PASSAGES), refusals_about(medium.id, REFUSALS)
    all_gates = {gate.id: gate for gate in gates()} if passed or refusals else {}
    places = facilities({gate.facility for gate in all_gates.values()})
    called_so = names({*all_gates, *places}) if all_gates else {}

    def gate_of(gate: UUID | None) -> tuple[str, str]:
        known = all_gates.get(gate) if gate else None
        if known is None:
            return "", ""
        where = places[known.facility]
        return called_so.get(known.id) or known.code, called_so.get(where.id) or where.code

    return {
        "state": called(STATES, medium.state),
        "tickets": tickets,
        "blocks": [(called(BLOCKS, one.code), one.at) for one in open_blocks([medium.id])[medium.id]],
        "deposit": amount,
        "money": money_on(medium.number, desk.facility.currency) or (0, 0),
        "deposit_typed": typed(amount or 1000, desk.facility.currency),
        "gates": _gates(desk, medium, at),
        "passages": [(p, *gate_of(p.gate)) for p in passed],
        "refusals": [
            (one.at, *gate_of(one.place), base_words.refusal(one.answer, desk.facility, one.at)) for one in refusals
        ],
        "rights": [
            (discount(offer.right.discount_bp), ", ".join(offer.right.products), reason(offer), offer.right.valid_until)
            for offer in open_offers([medium.id], at).get(medium.id, ())
        ],
        "codes": [(code, called(BLOCKS, code)) for code in get_args(BlockCode)],
    }  # fmt: skip


def _gates(desk: Desk, medium: MediumState, at: datetime) -> list[tuple[str, bool, str]]:
    """Return for each entry gate of the facility whether it would open for the card now, and what it takes or why not.

    The gate's own rule is asked and nothing of it recorded.
    """
    entries = [gate for gate in gates(desk.facility.id) if gate.direction == "in"]
    if not entries:
        return []
    scans = [
        Scan(key=f"look:{n}", at=at, actor=gate.id, gate=gate.id, chip=medium.chip) for n, gate in enumerate(entries)
    ]
    with transaction.atomic():
        state = lock_state(scans)
    called_so = names({gate.id for gate in entries})
    found = []
    for gate, asked in zip(entries, scans, strict=True):
        answer = decide(state.gates.get(gate.id), state.cards.get(asked.chip), asked).answer
        if isinstance(answer, Verdict):
            text = (
                ngettext("takes %(n)s point", "takes %(n)s points", answer.points) % {"n": answer.points}
                if answer.points
                else ""
            )
            found.append((called_so.get(gate.id) or gate.code, True, text))
        else:
            found.append((called_so.get(gate.id) or gate.code, False, base_words.refusal(answer, desk.facility, at)))
    return found
