"""What a stay costs, and what of that is charged: the bill is `tariffs.rate`, the tab follows it step by step.

A stay's charge is three parts on its tab (SPEC S5): "stay", what is compared with the prepayment; "on_top", zones that
are always charged in addition; "late_fee". Each is raised to what the bill says and never charged twice. When the stay ends,
"unused" is the prepayment that was neither needed nor given back (S18).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.orders.rules.tab_entries import Entry, TabState
from karnet.passes.rules.wallets import Wallet
from karnet.stays.operations import OUTSIDE
from karnet.stays.rules import on_passes
from karnet.stays.rules.state import Facility, Inside, StayState
from karnet.tariffs.bills import Bill
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import Move, Stay

STAY, ON_TOP, LATE_FEE, UNUSED, PREPAID = "stay", "on_top", "late_fee", "unused", "prepaid"
LOST_BAND, FORGIVEN = "lost_band", "forgiven"


def facts(stay: StayState, facility: Facility, at: datetime) -> Stay:
    """Return a stay as the rating engine takes it, looked at at `at`.

    Who has not come in yet is nowhere: the package is due, and no clock has run.
    """
    moves = tuple(Move(at=move.since, zone=move.zone) for move in stay.moves)
    return Stay(
        category=stay.category,
        moves=moves or (Move(at=stay.begun_at, zone=OUTSIDE),),
        ended=max(at, moves[0].at if moves else stay.begun_at),
        package=stay.package,
        prepaid_minor=stay.prepaid_minor,
        stopped=stay.stopped_at,
        halts=facility.stops(stay.begun_at),
    )


def package_price(rater: Rater, category: str, package: str, at: datetime) -> int:
    """Return what a package costs who begins at `at`, minor units: 0 without one. Raises BadStay for what the tariff does
    not know."""
    return rater.rate(
        Stay(category=category, moves=(Move(at=at, zone=OUTSIDE),), ended=at, package=package)
    ).total_minor


def charged_until(stay: StayState, facility: Facility, at: datetime) -> datetime:
    """Return up to when a stay is charged if it is looked at at `at`.

    Who has paid may take the grace to leave: up to then the bill stays as it was paid.
    """
    if stay.charged_until is not None:
        return stay.charged_until
    paid = stay.settled_until
    if paid is not None and paid <= at <= paid + timedelta(seconds=facility.rules.exit_grace_s):
        return paid
    return at


def bill(stay: StayState, facility: Facility, rater: Rater, at: datetime) -> Bill:
    """Return what a stay costs as of `at`, explained line by line."""
    return rater.rate(facts(stay, facility, charged_until(stay, facility, at)))


def charge(entry: Entry, stay: StayState, facility: Facility, bill: Bill) -> None:
    """Raise what is charged for a stay to what its bill says."""
    rules = facility.rules
    over = max(0, bill.charged_minor - stay.prepaid_minor) if stay.prepaid_billed else bill.charged_minor
    for code, amount, vat_bp in (
        (STAY, over, rules.vat_bp),
        (ON_TOP, bill.on_top_minor, rules.on_top_vat_bp),
        (LATE_FEE, bill.fees_minor, rules.vat_bp),
    ):
        entry.raise_to(code, stay.tariff, stay=stay.id, amount=amount, vat_bp=vat_bp, category=stay.category)


def keep_unused(entry: Entry, stay: StayState, facility: Facility, bill: Bill) -> None:
    """Charge the prepayment that was neither needed nor is given back; its document may have been made on entry."""
    if bill.kept_minor and not stay.prepaid_billed:
        entry.raise_to(
            UNUSED,
            stay.tariff,
            stay=stay.id,
            amount=bill.kept_minor,
            vat_bp=facility.rules.vat_bp,
            category=stay.category,
        )


def set_aside(stay: StayState, tab: TabState) -> int:
    """Return what of a tab's money is a stay's prepayment that its own charge has not used yet: nobody else's."""
    if stay.prepaid_billed:
        return 0
    return max(0, stay.prepaid_minor - tab.posted.get((stay.id, STAY), (0, 0))[0])


def free_money(tab: TabState, staying: Iterable[StayState]) -> int:
    """Return what a tab has for anything; below zero is owed. `staying`: its stays that go on."""
    return tab.balance - sum(set_aside(stay, tab) for stay in staying)


def owed(inside: Inside, stays: Iterable[StayState], at: datetime) -> int:
    """Return what would have to be paid for the tab of these stays if they were settled at `at`, besides what the passes pay
    on which they came. Changes nothing."""
    return by_passes(inside, stays, at)[1]


def by_passes(inside: Inside, stays: Iterable[StayState], at: datetime, first: Wallet | None = None) -> tuple[int, int]:
    """Return what passes would pay for the tab of these stays if they were settled at `at`, and what is left for the till.

    `first`: a pass that is shown, on which they need not have come.
    """
    chosen = list(stays)
    tab = inside.tabs.get(chosen[0].tab)
    assert tab is not None, "a stay has a tab"
    for stay in chosen:
        facility = inside.facilities[stay.facility]
        bill_now = bill(stay, facility, inside.raters[stay.tariff], at)
        entry = Entry(_Looking(at), tab)  # Only its sums are wanted.
        charge(entry, stay, facility, bill_now)
        tab = entry.state
    owed = max(0, -free_money(tab, inside.of_tab(tab.id)))
    payers, left = on_passes.payers(chosen, inside.wallets, tab, owed, at, first)
    return on_passes.drawn(payers), left


class _Looking(msgspec.Struct, frozen=True):
    """Stands for a request where nothing is asked: entries make ids from one."""

    at: datetime
    key: str = ""
    actor: UUID = UUID(int=0)
