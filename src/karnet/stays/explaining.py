"""Stays as a till shows them before anybody pays: who is on a tab, where they were when, what that cost as time went by,
and what paying together would come to (SPEC S14). Nothing is locked or changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.catalogue.tariffs import tariff_versions, tariffs_in_force
from karnet.entitlements.selectors import media
from karnet.kernel.time import instant
from karnet.orders.rules.tab_entries import Entry, TabState
from karnet.orders.tabs import tab_states
from karnet.passes.selectors import wallets
from karnet.stays import selectors
from karnet.stays.requests import HouseRules
from karnet.stays.rules import billing
from karnet.stays.rules.passing import end
from karnet.stays.rules.state import Facility, Inside, MoveState, StayState
from karnet.tariffs.bills import Bill
from karnet.tariffs.rating import Rater, price_curve
from karnet.tariffs.stays import BadStay, Visit, second, visits

POINTS = 120
"""At how many instants a curve is reckoned: as fine as a chart of a till can show."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A stay and its bill as of the instant asked. `number`: its band's; `tariff`: the code of its tariff.

    `visits`: the zones one after another in whole seconds, halts and time after a "time stop" left out. `curve`: instants
    and what the stay would have cost if it had ended then, minor units, where curves were asked for.
    """

    stay: UUID
    tab: UUID
    facility: UUID
    medium: UUID
    number: str
    category: str
    package: str
    tariff: str
    zone: str
    begun_at: datetime
    goes_on: bool
    bill: Bill
    moves: tuple[MoveState, ...] = ()
    visits: tuple[Visit, ...] = ()
    curve: tuple[tuple[datetime, int], ...] = ()
    settled_until: datetime | None = None
    stopped_at: datetime | None = None
    prepaid_billed: bool = False


def explain(stays: Collection[UUID], at: datetime, *, curves: bool = False) -> dict[UUID, Explained]:
    """Return stays explained as of `at`, in the order asked; unknown ids are left out. A fixed handful of statements;
    `curves` costs some hundred bills for each stay."""
    inside = selectors.look(stays)
    found = [inside.stays[id_] for id_ in dict.fromkeys(stays) if id_ in inside.stays]
    bands = media([stay.medium for stay in found])
    tariffs = tariff_versions({stay.tariff for stay in found}) if found else {}
    return {
        stay.id: _explained(inside, stay, at, bands[stay.medium].number, tariffs[stay.tariff].code, curves=curves)
        for stay in found
    }


def _explained(inside: Inside, stay: StayState, at: datetime, number: str, tariff: str, *, curves: bool) -> Explained:
    facility, rater = inside.facilities[stay.facility], inside.raters[stay.tariff]
    until = billing.charged_until(stay, facility, at)
    facts = billing.facts(stay, facility, until)
    bill = rater.rate(facts)
    return Explained(
        stay=stay.id,
        tab=stay.tab,
        facility=stay.facility,
        medium=stay.medium,
        number=number,
        category=stay.category,
        package=stay.package,
        tariff=tariff,
        zone=stay.zone,
        begun_at=stay.begun_at,
        goes_on=stay.goes_on,
        bill=bill,
        moves=stay.moves,
        visits=tuple(visits(facts.moves, second(bill.ended), facts.halts)),
        curve=_curve(stay, facility, rater, until) if curves else (),
        settled_until=stay.settled_until,
        stopped_at=stay.stopped_at,
        prepaid_billed=stay.prepaid_billed,
    )


def _curve(stay: StayState, facility: Facility, rater: Rater, until: datetime) -> tuple[tuple[datetime, int], ...]:
    """Return what the stay would have cost at instants spread over it, the last one exactly at `until`."""
    facts = billing.facts(stay, facility, until)
    start, end = facts.moves[0].at, max(until, facts.moves[0].at)
    step = max(timedelta(minutes=1), (end - start) / POINTS)
    ends = []
    while start < end:
        ends.append(start)
        start += step
    ends.append(end)
    return tuple(zip(ends, price_curve(rater, facts, ends), strict=True))


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What settling would come to, minor units: `owed` is to be paid, besides `by_pass`, which the passes pay on which people
    came, and the one that is shown; `refund` would be paid back, which happens when these are the tab's `last` stays. `spare`: what the tab has for
    whoever joins it."""

    owed: int
    by_pass: int
    refund: int
    last: bool
    spare: int


def foreseen(tab: UUID, stays: Collection[UUID], at: datetime, shown: UUID | None = None) -> Foreseen | None:
    """Return what closing these stays of a tab as of `at` would come to, None for an unknown tab. No stays: what is owed on
    the tab as it stands. `shown`: a pass that pays first (`Settle.pass_number`)."""
    inside = selectors.inside(tab_states([tab]))
    inside.wallets = wallets(selectors.paying(inside) | ({shown} if shown is not None else set()))
    state = inside.tabs.get(tab)
    if state is None:
        return None
    going_on = inside.of_tab(tab)
    chosen = [stay for stay in going_on if stay.id in set(stays)]
    spare = max(0, billing.free_money(state, going_on))
    last = len(chosen) == len(going_on)
    by_pass, owed = 0, max(0, -billing.free_money(state, going_on))
    if chosen:
        first = inside.wallets.get(shown) if shown is not None else None
        by_pass, owed = billing.by_passes(inside, chosen, at, first)
    refund = _left_over(inside, chosen, state, at) if last else 0
    return Foreseen(owed=owed, by_pass=by_pass, refund=refund, last=last, spare=spare)


def _left_over(inside: Inside, stays: list[StayState], tab: TabState, at: datetime) -> int:
    """Return what would be left on a tab when its last stays have ended."""
    entry = Entry(_Looking(at=at), tab)  # Only its sums are wanted.
    for stay in stays:
        end(entry, stay, inside.facilities[stay.facility], inside, at, "till")
    return max(0, entry.state.balance)


class _Looking(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for a request where nothing is asked: entries make ids from one."""

    at: datetime
    key: str = ""
    actor: UUID = UUID(int=0)


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff that stays may begin on now. `prices`: (category, package) → what its package costs, minor units."""

    code: str
    categories: tuple[str, ...]
    packages: tuple[str, ...]
    prices: dict[tuple[str, str], int]
    tariff: UUID


def offered(facility: UUID, at: datetime) -> list[Offered]:
    """Return the tariffs in force at a facility, by code, with what each package costs who begins at `at`."""
    found = []
    for code, version in sorted(tariffs_in_force(facility, instant(at)).items()):
        tariff = version.tariff
        packages = tuple(package.code for package in tariff.packages)
        prices = {
            (category, package): _price(version.rater, category, package, at)
            for category in tariff.categories
            for package in packages
        }
        found.append(
            Offered(code=code, categories=tariff.categories, packages=packages, prices=prices, tariff=version.id)
        )
    return found


def _price(rater: Rater, category: str, package: str, at: datetime) -> int:
    try:
        return billing.package_price(rater, category, package, at)
    except BadStay:
        return 0


def house_rules_of(facility: UUID) -> HouseRules:
    """Return what a facility does with stays."""
    states = selectors.facility_states([facility])
    return states[facility].rules if facility in states else HouseRules()


def evacuated_since(facility: UUID) -> datetime | None:
    """Return when the evacuation began that goes on at a facility; None where none does."""
    states = selectors.facility_states([facility])
    halt = states[facility].evacuation if facility in states else None
    return halt.since if halt else None
