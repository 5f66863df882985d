"""What goes wrong inside: missed reads, lost bands, people who vanished, evacuations."""

from __future__ import annotations

from typing import get_args

import msgspec

from karnet.entitlements.operations import BlockCode, Blocked, MediumBlocked, MediumIssued
from karnet.entitlements.rules import Desk as Media
from karnet.entitlements.rules import issued_state, outrun
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.lockers.rules.keeping import hand_on
from karnet.orders.rules.counter import Counter, Place
from karnet.orders.rules.tab_entries import Entry
from karnet.stays.operations import (
    OUTSIDE,
    BandChanged,
    BandLost,
    BandsIssued,
    Corrected,
    CorrectionReason,
    Evacuated,
    ForceClosed,
    ForceReason,
    Forgiven,
    Moved,
    MoveDropped,
    Resumed,
)
from karnet.stays.requests import (
    BandReplaced,
    Closed,
    Correct,
    Evacuate,
    Evacuation,
    ForceClose,
    LoseBand,
    Mended,
    Resume,
)
from karnet.stays.rules import billing, on_passes
from karnet.stays.rules.passing import close_if_done, end
from karnet.stays.rules.state import Facility, HaltState, Inside, MoveState, StayState


def decide_correct(request: Correct, inside: Inside) -> tuple[Mended | Refused, tuple[Operation, ...]]:
    """Put a reading right. The bill follows the moves that are left; what was charged already is raised or lowered when
    the stay is settled next. Where the person is now is where the last move put them."""
    stay = inside.stays.get(request.stay)
    if stay is None:
        return refused(Reason.NO_STAY), ()
    if not stay.goes_on:
        return refused(Reason.STAY_ENDED), ()
    if late := outrun(request.at, stay.changed_at):
        return late, ()
    problems = _correction_problems(request, stay)
    if problems:
        return bad_values(problems), ()
    moves = [move for move in stay.moves if move.id != request.drop]
    made = None
    if request.zone is not None and request.since is not None:
        made = Moved(id=made_id(request, "move"), stay=stay.id, zone=request.zone, since=instant(request.since))
        moves.append(MoveState(id=made.id, zone=made.zone, since=made.since))
        moves.sort(key=lambda move: move.since)
    zone = moves[-1].zone if moves else OUTSIDE
    located = inside.facilities[stay.facility].move(stay, zone)
    if isinstance(located, Refused):
        return located, ()
    after = msgspec.structs.replace(stay, moves=tuple(moves), zone=zone)
    inside.put(msgspec.structs.replace(after, changed_at=instant(request.at)) if located else after)
    corrected = Corrected(
        stay=stay.id,
        reason=request.reason,
        dropped=MoveDropped(id=request.drop) if request.drop else None,
        moved=made,
        located=located,
    )
    return Mended(stay=stay.id, zone=zone), (corrected,)


def _correction_problems(request: Correct, stay: StayState) -> dict[str, str]:
    problems = {}
    if request.reason not in get_args(CorrectionReason):
        problems["reason"] = f"must be one of {', '.join(get_args(CorrectionReason))}"
    if request.drop is None and request.zone is None:
        problems["drop"] = "name a move to drop, or a zone to put in"
    if request.drop is not None and request.drop not in {move.id for move in stay.moves}:
        problems["drop"] = "is no move of this stay"
    if (request.zone is None) != (request.since is None):
        problems["since"] = "goes with a zone, and only with that"
    if request.since is not None and (
        request.since.tzinfo is None or not stay.begun_at <= instant(request.since) <= instant(request.at)
    ):
        problems["since"] = "must lie between the beginning of the stay and now"
    return problems


def decide_force_close(
    request: ForceClose, inside: Inside, counter: Counter
) -> tuple[Closed | Refused, tuple[Operation, ...]]:
    """End a stay by hand. The prepayment pays what it can; the rest is owed by the tab, or forgiven (a line of its own)."""
    stay = inside.stays.get(request.stay)
    if stay is None:
        return refused(Reason.NO_STAY), ()
    if not stay.goes_on:
        return refused(Reason.STAY_ENDED), ()
    if late := outrun(request.at, stay.changed_at):
        return late, ()
    at = instant(request.until or request.at)
    problems = {}
    if request.reason not in get_args(ForceReason):
        problems["reason"] = f"must be one of {', '.join(get_args(ForceReason))}"
    if request.debt not in get_args(Forgiven):
        problems["debt"] = f"must be one of {', '.join(get_args(Forgiven))}"
    if not stay.begun_at <= at <= instant(request.at):
        problems["until"] = "must lie between the beginning of the stay and now"
    if problems:
        return bad_values(problems), ()
    facility, state = inside.facilities[stay.facility], inside.tabs.get(stay.tab)
    assert state is not None, "a stay has a tab"
    entry = Entry(request, state)
    ended, after, total = end(entry, stay, facility, inside, at, "forced")
    others = [other for other in inside.of_tab(stay.tab) if other.id != stay.id]
    owed = max(0, -billing.free_money(entry.state, others))
    if request.debt == "forgiven" and owed:
        _forgive(entry, stay, facility, owed)
        owed = max(0, -billing.free_money(entry.state, others))
    # What is forgiven the pass need not pay.
    payers, owed = on_passes.payers([stay], inside.wallets, entry.state, owed, request.at)
    held = on_passes.pay(payers, entry, counter.places[state.sales_point])
    bill = close_if_done(entry, inside, {stay.id}, counter)
    located = facility.move(stay, OUTSIDE)
    assert not isinstance(located, Refused), "outside there is always room"
    inside.put(after)
    inside.tabs.put(entry)
    closed = ForceClosed(
        reason=request.reason,
        debt=request.debt,
        ended=ended,
        change=None if entry.empty else entry.change(),
        located=located,
        passes=held,
    )
    answer = Closed(stay=stay.id, tab=stay.tab, total=total, owed=owed)
    return answer, (closed, *((bill,) if bill else ()))


def _forgive(entry: Entry, stay: StayState, facility: Facility, owed: int) -> None:
    """Take what is owed for a stay off its own charge again, the parts that were charged last first."""
    for code, vat_bp in (
        (billing.LATE_FEE, facility.rules.vat_bp),
        (billing.ON_TOP, facility.rules.on_top_vat_bp),
        (billing.STAY, facility.rules.vat_bp),
    ):
        posted = entry.state.posted.get((stay.id, code), (0, 0))[0]
        off = min(posted, owed)
        owed -= off
        if off:
            entry.raise_to(code, stay.tariff, stay=stay.id, amount=posted - off, vat_bp=vat_bp, category=stay.category)


def decide_lose_band(
    request: LoseBand, place: Place, inside: Inside, media: Media
) -> tuple[BandReplaced | Refused, tuple[Operation, ...]]:
    """Block a lost band, charge its fee, and put the stay on a new one where one is given: its locker goes along."""
    stay = inside.stays.get(request.stay)
    if stay is None or stay.facility != place.facility:
        return refused(Reason.NO_STAY), ()
    if not stay.goes_on:
        return refused(Reason.STAY_ENDED), ()
    if late := outrun(request.at, stay.changed_at):
        return late, ()
    if request.code not in get_args(BlockCode):
        return bad_values({"code": f"must be one of {', '.join(get_args(BlockCode))}"}), ()
    facility, state = inside.facilities[stay.facility], inside.tabs.get(stay.tab)
    assert state is not None, "a stay has a tab"
    issued: MediumIssued | None = None
    if request.new_number:
        chip = request.new_chip or request.new_number
        decided = media.decide_issue(request.new_number, chip, request.kind, facility.id, request.at)
        if isinstance(decided, Refused):
            return decided, ()
        issued = decided
    entry, fee = Entry(request, state), facility.rules.lost_band_minor
    entry.charge(
        billing.LOST_BAND,
        stay.tariff,
        amount=fee,
        vat=vat_included(fee, facility.rules.vat_bp),
        vat_bp=facility.rules.vat_bp,
        sales_point=place.sales_point,
    )
    changed = BandChanged(stay=stay.id, medium=issued.id, issue=issued.issue) if issued else None
    block = MediumBlocked(block=made_id(request, "block"), medium=stay.medium, code=request.code)
    if issued:
        media.put(issued_state(issued, request.at))
        at = instant(request.at)
        inside.put(msgspec.structs.replace(stay, medium=issued.id, issue=issued.issue, own_card=False, changed_at=at))
    inside.tabs.put(entry)
    lost = BandLost(stay=stay.id, lost=stay.medium, change=None if entry.empty else entry.change(), changed=changed)
    given = (BandsIssued(facility=facility.id, media=(issued,)),) if issued else ()
    locker = hand_on(request, stay.medium, issued.id, issued.issue, inside.lockers) if issued else ()
    operations = (*given, lost, Blocked(block=block, sales_point=request.sales_point), *locker)
    return BandReplaced(stay=stay.id, fee=fee, medium=issued.id if issued else None), operations


def decide_evacuate(request: Evacuate, facility: Facility | None) -> tuple[Evacuation | Refused, tuple[Operation, ...]]:
    """Open the gates and stop the clocks. Asked again while it goes on, the answer is the same and nothing is recorded."""
    if facility is None:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    if (running := facility.evacuation) is not None:
        return Evacuation(id=running.id, running=True, inside=facility.heads), ()
    halt = HaltState(id=made_id(request, "halt"), since=instant(request.at))
    facility.halts.append(halt)
    answer = Evacuation(id=halt.id, running=True, inside=facility.heads)
    return answer, (Evacuated(id=halt.id, facility=facility.id),)


def decide_resume(request: Resume, facility: Facility | None) -> tuple[Evacuation | Refused, tuple[Operation, ...]]:
    """End an evacuation. Refuses where there is none, and an end before its beginning."""
    if facility is None:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    running = facility.evacuation
    if running is None:
        return bad_values({"facility": "is not being evacuated"}), ()
    if instant(request.at) < running.since:
        return bad_values({"at": "lies before the evacuation"}), ()
    facility.halts.remove(running)
    facility.halts.append(msgspec.structs.replace(running, until=instant(request.at)))
    answer = Evacuation(id=running.id, running=False, inside=facility.heads)
    return answer, (Resumed(id=running.id, facility=facility.id),)
