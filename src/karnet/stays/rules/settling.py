"""At the till: stays charged and paid, bands taken back, tabs closed; goods charged through a band."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.entitlements.operations import MediumReturned
from karnet.entitlements.rules import MediumState, outrun, usable_medium
from karnet.journal.operations import Operation
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.rules.keeping import free_bands
from karnet.lockers.rules.state import Lockers
from karnet.orders.operations import PaidWith, Payment
from karnet.orders.requests import TabNow
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import change
from karnet.orders.rules.tab_entries import Entry, TabState
from karnet.orders.rules.tabs import Desk, charge_goods, check_money, tab_now
from karnet.orders.rules.taking_off import take_off
from karnet.stays.operations import OUTSIDE, BandCharged, BandsReturned, Located, Settled, StayEnded, StaySettled
from karnet.stays.requests import BandTaken, ChargeBand, Settle, StaysSettled, TakeBand, TakeOff
from karnet.stays.rules import billing, on_passes
from karnet.stays.rules.passing import end, lockers_freed, returned
from karnet.stays.rules.state import Facility, Inside, StayState

Decided = tuple[StaysSettled | Refused, tuple[Operation, ...]]


def decide_settle(request: Settle, desk: Desk, inside: Inside, passes: on_passes.Passes = on_passes.NOBODY) -> Decided:
    """Settle stays of one tab. Refuses payments that are not what is owed (a tab that may owe something may pay less), and
    a bill that is older than the grace. Passes pay first: the one that was shown, then those on which people came."""
    found = _asked(request, desk, inside)
    if isinstance(found, Refused):
        return found, ()
    stays, state, facility = found
    place = desk.counter.places[request.sales_point]
    at = instant(request.as_of or request.at)
    if not at <= instant(request.at) <= at + timedelta(seconds=facility.rules.exit_grace_s):
        return bad_values({"as_of": f"must be at most {facility.rules.exit_grace_s} s ago"}), ()
    entry = Entry(request, state)
    done = _charged(entry, request, stays, facility, inside, at)
    ending = {ended.stay for ended in done.ended}
    going_on = [stay for stay in inside.of_tab(state.id) if stay.id not in ending]
    shown = passes.named(request.pass_number, place.facility) if request.pass_number else None
    if isinstance(shown, Refused):
        return shown, ()
    owed = max(0, -billing.free_money(entry.state, going_on))
    payers, owed = on_passes.payers(stays, inside.wallets, entry.state, owed, request.at, shown)
    last = not going_on
    refund = max(0, entry.state.balance) if last else 0
    kinds: set[PaidWith] = {payment.kind for payment in request.payments}
    shift = desk.counter.shift(request, place, kinds | ({request.refund_kind} if refund else set()))
    if isinstance(shift, Refused):
        return shift, ()
    refusal = _check(request.payments, owed, state, desk, request)
    if refusal is not None:
        return refusal, ()
    held = on_passes.pay(payers, entry, place)
    entry.pay(request.payments, place, shift)
    refund = entry.pay_back(request.refund_kind, refund, request.account, place, shift)
    bill = None
    if last and entry.state.balance == 0:
        entry.close()
        bill = entry.bill(desk.counter, place, request.actor)
    located = [_out(stay, facility) for stay in stays if stay.id in ending and stay.zone != OUTSIDE]
    inside.put(*done.after)
    desk.tabs.put(entry)
    operation = Settled(
        change=entry.change(),
        settled=tuple(done.settled),
        ended=tuple(done.ended),
        located=tuple(located),
        passes=held,
    )
    answer = StaysSettled(
        tab=state.id,
        number=state.number,
        totals=tuple(done.totals),
        paid=sum(payment.amount for payment in request.payments),
        balance=entry.state.balance,
        drawn=on_passes.drawn(payers),
        change=change(request.payments),
        refund=refund,
        closed=entry.state.closed,
        order=bill.order if bill else None,
        document=bill.number if bill else None,
    )
    gone = [stay for stay in stays if stay.id in ending]
    return answer, (
        operation,
        *returned(facility.id, gone),
        *lockers_freed(gone, inside),
        *((bill,) if bill else ()),
    )


def _asked(request: Settle, desk: Desk, inside: Inside) -> tuple[list[StayState], TabState, Facility] | Refused:
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place
    stays = [inside.stays[id_] for id_ in request.stays if id_ in inside.stays]
    if not stays or len(set(request.stays)) < len(request.stays) or len(stays) < len(request.stays):
        return refused(Reason.NO_STAY)
    if len({stay.tab for stay in stays}) > 1:
        return bad_values({"stays": "must be of one tab"})
    if any(stay.facility != place.facility for stay in stays):
        return refused(Reason.NO_STAY)
    if not all(stay.goes_on for stay in stays):
        return refused(Reason.STAY_ENDED)
    if late := outrun(request.at, *(stay.changed_at for stay in stays)):
        return late
    state = desk.tabs.open(stays[0].tab)
    return state if isinstance(state, Refused) else (stays, state, inside.facilities[place.facility])


class _Charged(NamedTuple):
    settled: list[StaySettled]
    ended: list[StayEnded]
    after: list[StayState]
    totals: list[int]


def _charged(
    entry: Entry, request: Settle, stays: list[StayState], facility: Facility, inside: Inside, at: datetime
) -> _Charged:
    """Charge stays as of `at`; in mode "close" for good."""
    done = _Charged([], [], [], [])
    for stay in stays:
        if request.mode == "close":
            ended, after, total = end(entry, stay, facility, inside, at, "till")
            done.ended.append(ended)
            after = msgspec.structs.replace(after, ended_at=instant(request.at))
        else:
            until = billing.charged_until(stay, facility, at)
            bill = billing.bill(stay, facility, inside.raters[stay.tariff], at)
            billing.charge(entry, stay, facility, bill)
            done.settled.append(StaySettled(stay=stay.id, until=until))
            after = msgspec.structs.replace(stay, settled_until=until, changed_at=instant(request.at))
            total = bill.total_minor
        done.after.append(after)
        done.totals.append(total)
    return done


def _out(stay: StayState, facility: Facility) -> Located:
    located = facility.move(stay, OUTSIDE)
    assert isinstance(located, Located), "outside there is always room"
    return located


def _check(payments: tuple[Payment, ...], owed: int, state: TabState, desk: Desk, request: Settle) -> Refused | None:
    """What is owed is paid, exactly; a tab that may owe something pays at least what is above that."""
    paid = sum(payment.amount for payment in payments)
    least = max(0, owed - state.limit_minor)
    place = desk.counter.places[request.sales_point]
    return check_money(payments, paid if least <= paid <= owed else owed, place, desk.book)


def decide_charge_band(
    request: ChargeBand, desk: Desk, inside: Inside
) -> tuple[TabNow | Refused, tuple[Operation, ...]]:
    """Charge goods and services to the tab of the stay on a band (SPEC S6). Needs no shift: no money changes hands.

    Refuses a band without a stay, more than a tab may owe, and more than the sales point may sell on a day.
    """
    found = _on_band(request, desk, inside)
    if isinstance(found, Refused):
        return found, ()
    place, stay, state = found
    entry = Entry(request, state)
    refusal = charge_goods(entry, request.lines, request.extras, place, desk.offers)
    amount = entry.state.charged - state.charged
    refusal = refusal or desk.counter.over_limit(place, request.at, amount)
    if refusal is not None:
        return refusal, ()
    bound = inside.facilities[stay.facility].rules.unpaid_limit_minor
    free = billing.free_money(entry.state, inside.of_tab(stay.tab))
    if bound is not None and free < -max(bound, state.limit_minor):
        owed = max(0, -billing.free_money(state, inside.of_tab(stay.tab)))
        return refused(Reason.MONEY_OWED, owed_minor=owed, currency=state.currency), ()
    desk.tabs.put(entry)
    desk.counter.spend(place, request.at, amount)
    return tab_now(entry.state), (BandCharged(stay=stay.id, change=entry.change()),)


def decide_take_off(request: TakeOff, desk: Desk, inside: Inside) -> tuple[TabNow | Refused, tuple[Operation, ...]]:
    """Take dishes and goods off the tab of the stay on a band again. Refuses a band without a stay, and more than the
    sales point charged there."""
    found = _on_band(request, desk, inside)
    if isinstance(found, Refused):
        return found, ()
    place, stay, state = found
    entry = Entry(request, state)
    refusal = take_off(entry, request.extras, place)
    if refusal is not None:
        return refusal, ()
    desk.tabs.put(entry)
    desk.counter.spend(place, request.at, entry.state.charged - state.charged)
    return tab_now(entry.state), (BandCharged(stay=stay.id, change=entry.change()),)


def _on_band(request: ChargeBand | TakeOff, desk: Desk, inside: Inside) -> tuple[Place, StayState, TabState] | Refused:
    """Return where a band is charged, its stay, and the open tab of that."""
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place
    stay = inside.stays.get(inside.bands[request.band]) if request.band in inside.bands else None
    if stay is None or not stay.goes_on or stay.facility != place.facility:
        return refused(Reason.NO_STAY, number=request.band)
    state = desk.tabs.open(stay.tab)
    return state if isinstance(state, Refused) else (place, stay, state)


def decide_take_band(
    request: TakeBand, facility: UUID, medium: MediumState | None, busy: set[UUID], lockers: Lockers
) -> tuple[BandTaken | Refused, tuple[Operation, ...]]:
    """Take back a band whose stay is over; its locker is free. Refuses one that carries a stay: that is settled first."""
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM, number=request.band), ()
    if medium.id in busy:
        return refused(Reason.PEOPLE_INSIDE), ()
    if blocked := usable_medium(medium):
        return blocked, ()
    back = BandsReturned(facility=facility, media=(MediumReturned(id=medium.id, facility=facility),))
    return BandTaken(medium=medium.id), (back, *free_bands([medium.id], lockers))


def medium_by_number(media: Mapping[UUID, MediumState], number: str) -> MediumState | None:
    """Return the medium with this printed number, if it is among these."""
    return next((medium for medium in media.values() if medium.number == number), None)
