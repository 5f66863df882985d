"""Bands read at borders: zones change, clocks stop, people leave who owe nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.entitlements.operations import MediumReturned
from karnet.entitlements.rules import MediumState, outrun, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.rules.keeping import free
from karnet.orders.operations import TabBilled
from karnet.orders.rules.counter import Counter
from karnet.orders.rules.tab_entries import Entry
from karnet.stays.operations import (
    OUTSIDE,
    BandsReturned,
    ClockStopped,
    EndHow,
    Moved,
    Passed,
    StayEnded,
)
from karnet.stays.requests import Border, Let, Read
from karnet.stays.rules import billing, on_passes
from karnet.stays.rules.state import Facility, Inside, MoveState, StayState

Decided = tuple[Let | Refused, tuple[Operation, ...]]


def decide_read(request: Read, inside: Inside, counter: Counter, media: Mapping[UUID, MediumState]) -> Decided:
    """Decide a reading. `counter` has the sales points of the tabs, for the documents of those that close here.

    Refuses a band without a stay or blocked, a border that leads nowhere, somebody who is inside already, a full zone, and
    whoever owes money at an exit. While the place is evacuated nobody is refused but strangers.
    """
    known = inside.borders.get(request.gate)
    if known is None:
        return refused(Reason.UNKNOWN_GATE, gate=str(request.gate)), ()
    facility, border = inside.facilities[known[0]], known[1]
    stay = inside.stays.get(inside.bands[request.chip]) if request.chip in inside.bands else None
    if stay is None or not stay.goes_on or stay.facility != facility.id:
        return refused(Reason.NO_STAY), ()
    medium = media.get(stay.medium)
    blocked = usable_medium(medium) if medium else None
    if blocked is not None and facility.evacuation is None:
        return blocked, ()
    if late := outrun(request.at, stay.changed_at):
        return late, ()
    if border.role == "time_stop":
        return _stop(request, stay, inside)
    target = border.into if border.role == "way" or stay.zone != border.into else border.out_of
    if facility.evacuation is not None:
        return _flee(request, stay, target, facility, inside)
    if border.leads_out:
        return _leave(request, stay, border, facility, inside, counter)
    if stay.zone == target:
        return refused(Reason.ALREADY_INSIDE, zone=target), ()
    return _cross(request, stay, border, target, facility, inside)


def _stop(request: Read, stay: StayState, inside: Inside) -> Decided:
    at = instant(request.at)
    inside.put(msgspec.structs.replace(stay, stopped_at=at, changed_at=at))
    answer = Let(stay=stay.id, before=stay.zone, zone=stay.zone, stopped=True)
    return answer, (Passed(stay=stay.id, gate=request.gate, stopped=ClockStopped(stay=stay.id)),)


def _cross(request: Read, stay: StayState, border: Border, target: str, facility: Facility, inside: Inside) -> Decided:
    located = facility.move(stay, target)
    if isinstance(located, Refused):
        return located, ()
    sides = (border.out_of,) if border.role == "way" else (border.out_of, border.into)
    passed = Passed(
        stay=stay.id,
        gate=request.gate,
        moved=_moved(request, stay, target),
        located=located,
        missed=stay.zone not in sides,
    )
    inside.put(_after(request, stay, target))
    return Let(stay=stay.id, before=stay.zone, zone=target, missed=passed.missed), (passed,)


def _flee(request: Read, stay: StayState, target: str, facility: Facility, inside: Inside) -> Decided:
    """Gates stand open: count heads, ask nothing. Who is out still owes what the clocks showed when they stopped."""
    located = facility.move(stay, target)
    if located is None or isinstance(
        located, Refused
    ):  # A full zone is no reason to stop anybody now; only its guard would be broken.
        return Let(stay=stay.id, before=stay.zone, zone=stay.zone, open=True), ()
    passed = Passed(
        stay=stay.id, gate=request.gate, moved=_moved(request, stay, target), located=located, evacuated=True
    )
    inside.put(_after(request, stay, target))
    return Let(stay=stay.id, before=stay.zone, zone=target, open=True), (passed,)


def _leave(
    request: Read, stay: StayState, border: Border, facility: Facility, inside: Inside, counter: Counter
) -> Decided:
    """The exit: allowed when the locker is given up and nothing is owed; the last of a tab takes the document along."""
    if (taken := locker_taken(stay, inside)) is not None:
        return taken, ()
    state = inside.tabs.get(stay.tab)
    assert state is not None, "a stay has a tab"
    entry = Entry(request, state)
    last = end(entry, stay, facility, inside, request.at, "gate")
    free = billing.free_money(entry.state, (other for other in inside.of_tab(stay.tab) if other.id != stay.id))
    payers, owed = on_passes.payers([stay], inside.wallets, entry.state, max(0, -free), request.at)
    if owed > state.limit_minor:
        return on_passes.short(owed - state.limit_minor, payers, state.currency), ()
    held = on_passes.pay(payers, entry, counter.places[state.sales_point])
    bill = close_if_done(entry, inside, {stay.id}, counter)
    located = facility.move(stay, OUTSIDE)
    assert not isinstance(located, Refused), "outside there is always room"
    inside.put(last.state)
    inside.tabs.put(entry)
    passed = Passed(
        stay=stay.id,
        gate=request.gate,
        located=located,
        ended=last.ended,
        change=None if entry.empty else entry.change(),
        missed=stay.zone not in (border.out_of, OUTSIDE),
        passes=held,
    )
    answer = Let(
        stay=stay.id,
        before=stay.zone,
        zone=OUTSIDE,
        ended=True,
        missed=passed.missed,
        document=bill.number if bill else None,
        drawn=on_passes.drawn(payers),
    )
    bands = returned(facility.id, [stay] if border.keeps_band else [])
    lockers = lockers_freed([stay] if border.keeps_band or stay.own_card else [], inside)
    return answer, (passed, *bands, *lockers, *((bill,) if bill else ()))


def locker_taken(stay: StayState, inside: Inside) -> Refused | None:
    """Return the refusal of who has not given the locker up, where its section waits for that (SPEC S15)."""
    use = inside.lockers.of_band(stay.medium)
    if use is None or not inside.lockers.sections[use.section].exit_waits:
        return None
    locker, section = inside.lockers.lockers[use.locker], inside.lockers.sections[use.section]
    return refused(Reason.LOCKER_TAKEN, locker=locker.number, section=section.code)


def lockers_freed(stays: list[StayState], inside: Inside) -> tuple[Operation, ...]:
    """Return the operations by which lockers are free again: of bands that are back, and of cards whose stay is over,
    which nobody takes back."""
    lockers = inside.lockers
    back = [use for stay in stays if not stay.own_card and (use := lockers.of_band(stay.medium)) is not None]
    over = [use for stay in stays if stay.own_card and (use := lockers.of_band(stay.medium)) is not None]
    return (*free(back, lockers, "returned"), *free(over, lockers, "stay_over"))


class Ended(NamedTuple):
    """A stay that is over: the part that says so, its state after, and what it cost."""

    ended: StayEnded
    state: StayState
    total_minor: int


def end(entry: Entry, stay: StayState, facility: Facility, inside: Inside, at: datetime, how: EndHow) -> Ended:
    """Charge a stay for good: all its bill says, and the prepayment it did not need."""
    at = instant(at)
    until = billing.charged_until(stay, facility, at)
    bill = billing.bill(stay, facility, inside.raters[stay.tariff], at)
    billing.charge(entry, stay, facility, bill)
    billing.keep_unused(entry, stay, facility, bill)
    after = msgspec.structs.replace(stay, ended_at=at, charged_until=until, how=how, zone=OUTSIDE)
    return Ended(StayEnded(stay=stay.id, until=until, how=how), after, bill.total_minor)


def close_if_done(entry: Entry, inside: Inside, ending: set[UUID], counter: Counter) -> TabBilled | None:
    """Close a tab whose last stays end, where nothing is owed and nothing is left; return its document.

    It is numbered at the sales point that opened the tab, in the name of who opened it.
    """
    state = entry.state
    if state.balance != 0 or any(stay.id not in ending for stay in inside.of_tab(state.id)):
        return None
    place = counter.places[state.sales_point]
    entry.close()
    return entry.bill(counter, place, state.operator)


def returned(facility: UUID, stays: list[StayState]) -> tuple[Operation, ...]:
    """Return the operation by which the bands of stays are back; none where all have cards of their own."""
    media = tuple(MediumReturned(id=stay.medium, facility=facility) for stay in stays if not stay.own_card)
    if not media:
        return ()
    return (BandsReturned(facility=facility, media=media),)


def _moved(request: Read, stay: StayState, zone: str) -> Moved:
    return Moved(id=made_id(request, "move"), stay=stay.id, zone=zone, since=instant(request.at), gate=request.gate)


def _after(request: Read, stay: StayState, zone: str) -> StayState:
    at = instant(request.at)
    move = MoveState(id=made_id(request, "move"), zone=zone, since=at, gate=request.gate)
    return msgspec.structs.replace(stay, zone=zone, changed_at=at, moves=(*stay.moves, move))
