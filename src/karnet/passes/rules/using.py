"""Passes in use at the till: goods paid with them, credits taken, instalments paid, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from karnet.accounts.operations import Transfer
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id, operation_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import change
from karnet.orders.rules.tabs import Desk, charge_goods, check_money, open_tab
from karnet.passes.operations import (
    CREDITS,
    Blocked,
    Charged,
    CreditsUsed,
    InstalmentPaid,
    InstalmentsPaid,
    PassBlocked,
    PassUnblocked,
    Unblocked,
    contra_account,
    kind_id,
)
from karnet.passes.requests import BlockPass, ChargePass, PassNow, PayInstalments, UnblockPass, UseCredits
from karnet.passes.rules.selling import INSTALMENT, pass_now
from karnet.passes.rules.state import InstalmentState, admits, pays
from karnet.passes.rules.wallets import Wallet, matches

Decided = tuple[PassNow | Refused, tuple[Operation, ...]]


def _at(
    request: ChargePass | PayInstalments | UseCredits, desk: Desk, wallet: Wallet | None
) -> tuple[Place, Wallet] | Refused:
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place
    if wallet is None or wallet.state.facility != place.facility:
        return refused(Reason.UNKNOWN_PASS, number=request.number)
    return place, wallet


def decide_charge(request: ChargePass, desk: Desk, wallet: Wallet | None) -> Decided:
    """Pay goods and services with a pass, in the kind's order; what it lacks is paid otherwise, exactly.

    Refuses a pass that pays nothing, and payments that are not what it lacks (PAYMENT_MISMATCH names that sum).
    """
    found = _at(request, desk, wallet)
    if isinstance(found, Refused):
        return found, ()
    place, wallet = found
    if refusal := pays(wallet.state):
        return refusal, ()
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift, ()
    entry = open_tab(request, place, desk.sequences, limit_minor=0, buyer=None, customer=None)
    refusal = charge_goods(entry, request.lines, request.extras, place, desk.offers)
    if refusal is not None:
        return refusal, ()
    plan = wallet.plan(entry.state, -entry.state.balance, request.at)
    refusal = check_money(request.payments, plan.short_minor, place, desk.book)
    if refusal is not None:
        return refusal, ()
    wallet.draw(plan, entry, place)
    entry.pay(request.payments, place, shift)
    entry.close()
    bill = entry.bill(desk.counter, place, request.actor)
    now = pass_now(wallet, wallet.state, request.at, drawn=plan.drawn_minor, change=change(request.payments), bill=bill)
    return now, (Charged(of=wallet.state.id, change=entry.change()), *((bill,) if bill else ()))


def decide_use_credits(request: UseCredits, desk: Desk, wallet: Wallet | None) -> Decided:
    """Take credits off a purse, all or none. They were billed when they came in, so nothing is billed now."""
    found = _at(request, desk, wallet)
    if isinstance(found, Refused):
        return found, ()
    place, wallet = found
    if refusal := admits(wallet.state, wallet.kind, request.at):
        return refusal, ()
    purse = wallet.kind.purse(request.purse)
    if purse is None or purse.unit != "credits" or not 0 < request.credits <= 1000 or len(request.code) > 64:
        return bad_values({"purse": "must be one that counts", "credits": "must be 1 to 1000"}), ()
    if request.code and not matches(purse, request.code):
        return bad_values({"code": "is not what this purse is for"}), ()
    available = wallet.free(purse, request.at)
    if available < request.credits:
        return refused(Reason.NO_CREDITS, available=available, needed=request.credits), ()
    transfer = Transfer(
        source=wallet.account(purse), target=contra_account(place.facility, CREDITS), amount=request.credits,
        unit=CREDITS,
    )  # fmt: skip
    refusal = wallet.book.take([transfer])
    assert refusal is None, "what is taken was there"
    used = CreditsUsed(
        id=operation_id(request), of=wallet.state.id, purse=purse.code, credits=request.credits, code=request.code,
        sales_point=place.sales_point, transfers=(transfer,),
    )  # fmt: skip
    return pass_now(wallet, wallet.state, request.at, drawn=request.credits), (used,)


def decide_pay_instalments(request: PayInstalments, desk: Desk, wallet: Wallet | None) -> Decided:
    """Take the next instalments, as many as the payments come to. When none is late any more, the block for that goes.

    Refuses payments that are no whole number of instalments (PAYMENT_MISMATCH names the next one).
    """
    found = _at(request, desk, wallet)
    if isinstance(found, Refused):
        return found, ()
    place, wallet = found
    kind, state = wallet.kind, wallet.state
    if kind.contract is None or not state.unpaid:
        return refused(Reason.NOTHING_DUE, number=state.number), ()
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift, ()
    chosen = _covered(state.unpaid, sum(payment.amount for payment in request.payments))
    due = sum(one.amount for one in chosen)
    if refusal := check_money(request.payments, due, place, desk.book):
        return refusal, ()
    entry = open_tab(request, place, desk.sequences, limit_minor=0, buyer=None, customer=None)
    entry.pay(request.payments, place, shift)
    for one in chosen:
        vat = vat_included(one.amount, kind.contract.vat_bp)
        entry.charge(
            INSTALMENT, kind_id(place.facility, kind.code), amount=one.amount, vat=vat, vat_bp=kind.contract.vat_bp,
            sales_point=place.sales_point,
        )  # fmt: skip
    entry.close()
    bill = entry.bill(desk.counter, place, request.actor)
    paid = {one.id for one in chosen}
    after = msgspec.structs.replace(
        state,
        instalments=tuple(msgspec.structs.replace(one, paid=one.paid or one.id in paid) for one in state.instalments),
    )
    lifted = () if after.late(kind, request.at) else tuple(id_ for id_, code in state.blocks if code == "overdue")
    after = msgspec.structs.replace(after, blocks=tuple(one for one in after.blocks if one[0] not in lifted))
    wallet.state = after
    operation = InstalmentsPaid(
        of=state.id, change=entry.change(), paid=tuple(InstalmentPaid(id=one.id) for one in chosen),
        lifted=tuple(PassUnblocked(block=block) for block in lifted),
    )  # fmt: skip
    now = pass_now(wallet, after, request.at, change=change(request.payments), bill=bill)
    return now, (operation, *((bill,) if bill else ()))


def _covered(unpaid: Sequence[InstalmentState], paid: int) -> list[InstalmentState]:
    """Return the instalments that a sum pays, the first due first; at least one, whatever the sum."""
    chosen: list[InstalmentState] = []
    for one in unpaid:
        if chosen and sum(other.amount for other in chosen) + one.amount > paid:
            break
        chosen.append(one)
    return chosen


def decide_block(request: BlockPass, home: UUID | None, wallet: Wallet | None) -> Decided:
    """Block a pass; where a block of this kind stands already, nothing is recorded. `home`: where who asks works."""
    if wallet is None or wallet.state.facility != home:
        return refused(Reason.UNKNOWN_PASS, number=request.number), ()
    state = wallet.state
    if any(code == request.code for _, code in state.blocks):
        return pass_now(wallet, state, request.at), ()
    block = PassBlocked(id=made_id(request, "block"), of=state.id, code=request.code)
    wallet.state = msgspec.structs.replace(state, blocks=(*state.blocks, (block.id, block.code)))
    return pass_now(wallet, wallet.state, request.at), (Blocked(block=block),)


def decide_unblock(request: UnblockPass, home: UUID | None, wallet: Wallet | None) -> Decided:
    """Lift a pass's blocks. Who is late with an instalment is blocked again by the day's work, unless it is paid."""
    if wallet is None or wallet.state.facility != home:
        return refused(Reason.UNKNOWN_PASS, number=request.number), ()
    state = wallet.state
    if not state.blocks:
        return pass_now(wallet, state, request.at), ()
    lifted = tuple(PassUnblocked(block=block) for block, _ in state.blocks)
    wallet.state = msgspec.structs.replace(state, blocks=())
    return pass_now(wallet, wallet.state, request.at), (Unblocked(of=state.id, lifted=lifted),)
