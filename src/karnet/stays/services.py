"""Stays at work: people come, cross zones, eat, pay and leave; and what goes wrong is put right.

Every service takes a batch and answers each request once, in a fixed handful of statements. Locks: shifts (shared),
sequences, tabs by id; then media, then sections of lockers. A tab's lock covers its stays; zones are guarded by their own
check.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import errors

from karnet.access.selectors import gates
from karnet.accounts.services import overdrawn
from karnet.catalogue.tariffs import tariffs_in_force
from karnet.entitlements.included import included
from karnet.entitlements.rules import medium_id
from karnet.entitlements.selectors import lock_desk, lock_media, media, medium_ids_by_chip
from karnet.entitlements.services import already_issued
from karnet.journal.projection import CLAIM, Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, conflict, transact
from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import local_day
from karnet.lockers import holding
from karnet.orders import selectors as counters
from karnet.orders import tabs
from karnet.orders.requests import CloseTab as CloseTab
from karnet.orders.requests import SaleLine
from karnet.orders.requests import TabNow as TabNow
from karnet.orders.rules.counter import Counter
from karnet.orders.rules.tab_entries import TabState
from karnet.orders.rules.tabs import Desk
from karnet.passes.benefits import keep_numbers, programmes, used
from karnet.passes.operations import benefit_card
from karnet.passes.selectors import lock_passes, on_cards, wallets
from karnet.passes.services import used_today
from karnet.stays import selectors
from karnet.stays.models import ZONE_HAS_ROOM
from karnet.stays.requests import BandReplaced as BandReplaced
from karnet.stays.requests import BandTaken as BandTaken
from karnet.stays.requests import ChargeBand as ChargeBand
from karnet.stays.requests import Closed as Closed
from karnet.stays.requests import Correct as Correct
from karnet.stays.requests import Enter as Enter
from karnet.stays.requests import Entered as Entered
from karnet.stays.requests import Evacuate as Evacuate
from karnet.stays.requests import Evacuation as Evacuation
from karnet.stays.requests import ForceClose as ForceClose
from karnet.stays.requests import Furnish as Furnish
from karnet.stays.requests import Let as Let
from karnet.stays.requests import LoseBand as LoseBand
from karnet.stays.requests import Mended as Mended
from karnet.stays.requests import Read as Read
from karnet.stays.requests import Ready as Ready
from karnet.stays.requests import Resume as Resume
from karnet.stays.requests import Settle as Settle
from karnet.stays.requests import StaysSettled as StaysSettled
from karnet.stays.requests import TakeBand as TakeBand
from karnet.stays.requests import TakeOff as TakeOff
from karnet.stays.rules.entering import Versions, decide_enter
from karnet.stays.rules.furnishing import decide_furnish
from karnet.stays.rules.mending import (
    decide_correct,
    decide_evacuate,
    decide_force_close,
    decide_lose_band,
    decide_resume,
)
from karnet.stays.rules.on_benefits import Cards
from karnet.stays.rules.on_passes import Passes
from karnet.stays.rules.passing import decide_read
from karnet.stays.rules.settling import (
    decide_charge_band,
    decide_settle,
    decide_take_band,
    decide_take_off,
    medium_by_number,
)
from karnet.stays.rules.state import Inside


def guarded(request: Asked, error: Exception) -> Refused:
    """Word what the last guards refuse: a zone that filled up, a band that another till gave out, money that is gone."""
    cause: Any = error.__cause__
    if isinstance(cause, errors.CheckViolation):
        full = cause.diag.constraint_name == ZONE_HAS_ROOM
        return refused(Reason.ZONE_FULL) if full else overdrawn(request, error)
    if isinstance(request, Enter) and isinstance(error, Conflict) and error.form is CLAIM:
        named = {band.included for band in request.bands if band.included}
        places = {place.facility for place in counters.places({request.sales_point}).values()}
        if any(bundle.used >= bundle.times for bundle in included(named, places).values()):
            return refused(Reason.NO_STAY_INCLUDED)
    if refusal := used_today(error):
        return refusal
    return already_issued(request, error) if isinstance(error, Conflict) else conflict(request, error)


def furnish(requests: Sequence[Furnish]) -> list[Ready | Refused]:
    """Set zones, readers and rules of facilities. Readers are gates: enrol them in access first."""
    return transact(requests, _furnish, answers=Ready, refuse=guarded)


def _furnish(tx: Transaction[Furnish, Ready]) -> None:
    facilities = selectors.facility_states({request.facility for request in tx.fresh})
    known = {gate.id: gate.facility for gate in gates()}
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_furnish(request, facilities.get(request.facility), known))])


def enter(requests: Sequence[Enter]) -> list[Entered | Refused]:
    """Let people in: bands are given out, stays begin, prepayments are on their tabs (SPEC S1, S2).

    Guarantees: all of a request or nothing; a band carries one stay; a payment is taken once however often it is sent;
    a zone takes no more heads than it has room for, whoever races.
    """
    return transact(requests, _enter, answers=Entered, refuse=guarded)


def _enter(tx: Transaction[Enter, Entered]) -> None:
    joined = {request.tab for request in tx.fresh if request.tab is not None}
    desk = tabs.till(
        tx.fresh, joined, (payment for r in tx.fresh for payment in r.payments), opening=True, billing=True,
        people={r.customer for r in tx.fresh if r.customer}, buyers={r.buyer for r in tx.fresh if r.buyer},
    )  # fmt: skip
    passes = _passes({request.pass_number for request in tx.fresh})
    benefits = _benefits(tx.fresh, desk)
    cards = lock_desk((), {(b.number, b.chip or b.number) for r in tx.fresh for b in r.bands})
    places = {place.facility for place in desk.counter.places.values()}
    around = selectors.inside(_states(joined, desk.tabs.get), facility_ids=places, moving=True)
    versions = _in_force(places, {request.at for request in tx.fresh})
    around.raters.update({id_: rater for known in versions.values() for id_, rater in known.values()})
    busy = set(selectors.stays_on(list(cards.media)))
    bundles = included({b.included for r in tx.fresh for b in r.bands if b.included}, places)
    for request in tx.fresh:
        known = versions[request.at]
        tx.record(
            [Outcome(request, *decide_enter(request, desk, cards, around, known, busy, bundles, passes, benefits))]
        )
    let_in = [outcome.request for outcome in tx.outcomes if outcome.operations]
    if shown := [(one.programme, one.card, r.at) for r in let_in for band in r.bands if (one := band.benefit)]:
        keep_numbers(shown)


def _benefits(requests: Sequence[Enter], desk: Desk) -> Cards:
    """Return the benefit cards that are taken, and those of the requests that were used on the days in question."""
    shown = {(one.programme, one.card) for r in requests for band in r.bands if (one := band.benefit)}
    if not shown:
        return Cards({}, set())
    places = desk.counter.places
    days = {local_day(r.at, place.time_zone) for r in requests if (place := places.get(r.sales_point))}
    cards = [benefit_card(programme, number) for programme, number in shown]
    return Cards(programmes({place.facility for place in places.values()}), used(cards, days))


def _passes(read: Collection[str], around: Inside | None = None) -> Passes:
    """Lock the passes on cards that were read and those that pay for stays, and give `around` the latter."""
    on = on_cards({text for text in read if text})
    ids = on.ids | (selectors.paying(around) if around is not None else set())
    lock_passes(ids)
    held = wallets(ids)
    if around is not None:
        around.wallets = held
    found = {(text, facility): on.unusable.get(text, id_) for (text, facility), id_ in on.found.items()}
    return Passes(held, found, selectors.people_on(on.ids) if on.ids else {})


def _in_force(facilities: Collection[UUID], instants: Collection[datetime]) -> dict[datetime, Versions]:
    """Return the tariffs in force at each of these instants, most often one a batch."""
    return {
        at: {
            (facility, code): (version.id, version.rater)
            for facility in facilities
            for code, version in tariffs_in_force(facility, at).items()
        }
        for at in instants
    }


def _states(ids: Iterable[UUID], get: Callable[[UUID], TabState | None]) -> dict[UUID, TabState]:
    return {id_: state for id_ in ids if (state := get(id_)) is not None}


def read(requests: Sequence[Read]) -> list[Let | Refused]:
    """Decide readings of bands at borders: zones change, clocks stop, people leave who owe nothing (SPEC S3, S15).

    Guarantees: of two readings of one band one comes first, and the other sees what it did; a stay ends once, and what it
    costs is charged once.
    """
    return transact(requests, _read, answers=Let, refuse=guarded)


def _read(tx: Transaction[Read, Let]) -> None:
    where = selectors.borders({request.gate for request in tx.fresh})
    chips = medium_ids_by_chip({request.chip for request in tx.fresh})
    # Money is looked at where people leave, and nowhere else.
    leaving = any(border.leads_out for _, border in where.values())
    on = _lock(chips.values(), numbers=leaving)
    ids = {tab for _, tab in on.values()}
    held = tabs.tab_states(ids) if leaving and ids else {}
    counter = tab_counter(held, numbers=True)
    bands = {chip: on[medium][0] for chip, medium in chips.items() if medium in on}
    around = selectors.inside(held, tab_ids=ids, where=where, bands=bands, moving=True)
    if leaving:
        _passes((), around)
        # The media's lock keeps the lockers' readers from giving one to who is just leaving.
        lock_media(on)
        around.lockers = holding.lock(media=on)
    cards = media(chips.values())
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_read(request, around, counter, cards))])


def _lock(bands: Collection[UUID], *, numbers: bool) -> dict[UUID, tuple[UUID, UUID]]:
    """Lock the tabs of the stays on media, and (`numbers`) the order numbers of the sales points that opened them.

    Returns the stay and tab by medium.
    """
    locked = set[UUID]()
    while True:
        on = selectors.stays_on(list(bands))
        wanted = {tab for _, tab in on.values()}
        if wanted <= locked:
            break
        # Between looking and locking a band may have begun another stay: then its tab is locked, too.
        if numbers:
            tabs.lock_numbers(tabs.sales_points_of(wanted - locked))
        tabs.hold_tabs(wanted - locked)
        locked |= wanted
    return on


def tab_counter(ids: Collection[UUID], *, numbers: bool = False) -> Counter:
    """Return a counter with the sales points that opened tabs; `numbers`: hold their order numbers."""
    points = tabs.sales_points_of(ids) if ids else set()
    counter = Counter(places=counters.places(points) if points else {}, operators={}, shifts={})
    if numbers:
        tabs.numbers_of(counter, points)
    return counter


def settle(requests: Sequence[Settle]) -> list[StaysSettled | Refused]:
    """Charge stays at a till and take what is owed; in mode "close" their bands are back and they are over (SPEC S2).

    Guarantees: what the bill says is charged, once, whatever was charged before; when the last stay of a tab ends with
    nothing owed, the tab is closed with its document; the books balance.
    """
    return transact(requests, _settle, answers=StaysSettled, refuse=guarded)


def _settle(tx: Transaction[Settle, StaysSettled]) -> None:
    known = selectors.stay_states({stay for request in tx.fresh for stay in request.stays})
    asked = {stay.tab for stay in known.values()}
    payments = (payment for request in tx.fresh for payment in request.payments)
    desk = tabs.till(tx.fresh, asked, payments, billing=True)
    around = selectors.inside(_states(asked, desk.tabs.get))
    bands = {stay.medium for stay in around.stays.values()}
    passes = _passes({request.pass_number for request in tx.fresh}, around)
    lock_media(bands)
    around.lockers = holding.lock(media=bands)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_settle(request, desk, around, passes))])


def charge_bands(requests: Sequence[ChargeBand]) -> list[TabNow | Refused]:
    """Charge goods and services through bands: a restaurant point, a massage; nothing is paid now (SPEC S6).

    Guarantees: a sales point with a daily limit never charges more than that, however many requests race.
    """
    return transact(requests, _charge_bands, answers=TabNow)


def _charge_bands(tx: Transaction[ChargeBand, TabNow]) -> None:
    desk, around = _at_bands(tx.fresh, (line for request in tx.fresh for line in request.lines))
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_charge_band(request, desk, around))])


def take_off(requests: Sequence[TakeOff]) -> list[TabNow | Refused]:
    """Take dishes and goods off the tabs of bands again, never more than the sales point charged there."""
    return transact(requests, _take_off, answers=TabNow)


def _take_off(tx: Transaction[TakeOff, TabNow]) -> None:
    desk, around = _at_bands(tx.fresh, ())
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_take_off(request, desk, around))])


def _at_bands(requests: Sequence[ChargeBand | TakeOff], lines: Iterable[SaleLine]) -> tuple[Desk, Inside]:
    """Lock the tabs of the stays on bands, and what else a sales point needs to charge them."""
    read = {request.band for request in requests}
    known = {band: medium_id(band) for band in read} | medium_ids_by_chip(read)
    on = selectors.stays_on(list(known.values()))
    desk = tabs.till(requests, {tab for _, tab in on.values()}, lines=lines, limited=True)
    # What was on a band before its tab was locked may be over by now: then the band has no stay, as far as we know.
    bands = {band: on[medium][0] for band, medium in known.items() if medium in on}
    return desk, selectors.inside(_states({tab for _, tab in on.values()}, desk.tabs.get), bands=bands, moving=True)


def take_bands(requests: Sequence[TakeBand]) -> list[BandTaken | Refused]:
    """Take back bands whose stays are over. Locks the media."""
    return transact(requests, _take_bands, answers=BandTaken)


def _take_bands(tx: Transaction[TakeBand, BandTaken]) -> None:
    counter = counters.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    wanted = {medium_id(request.band) for request in tx.fresh}
    lock_media(wanted)
    cards, busy = media(wanted), set(selectors.stays_on(wanted))
    lockers = holding.lock(media=wanted)
    for request in tx.fresh:
        place = counter.place(request)
        if isinstance(place, Refused):
            tx.record([Outcome(request, place)])
            continue
        medium = medium_by_number(cards, request.band)
        answer, operations = decide_take_band(request, place.facility, medium, busy, lockers)
        if operations and medium is not None:
            del cards[medium.id]  # A second request of the batch finds it gone.
        tx.record([Outcome(request, answer, operations)])


def close_tabs(requests: Sequence[CloseTab]) -> list[TabNow | Refused]:
    """Close tabs, each with its document: what is owed is paid, what is left is paid back. Refuses while stays go on."""
    return tabs.close_tabs(requests, selectors.goes_on)


def correct(requests: Sequence[Correct]) -> list[Mended | Refused]:
    """Put missed and wrong readings right, each with a reason (SPEC S15)."""
    return transact(requests, _correct, answers=Mended, refuse=guarded)


def _correct(tx: Transaction[Correct, Mended]) -> None:
    around, _ = _lock_stays({request.stay for request in tx.fresh})
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_correct(request, around))])


def force_close(requests: Sequence[ForceClose]) -> list[Closed | Refused]:
    """End stays by hand, each with a reason (SPEC S15): the band never came back, the place closes."""
    return transact(requests, _force_close, answers=Closed, refuse=guarded)


def _force_close(tx: Transaction[ForceClose, Closed]) -> None:
    around, counter = _lock_stays({request.stay for request in tx.fresh}, numbers=True)
    _passes((), around)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_force_close(request, around, counter))])


def lose_bands(requests: Sequence[LoseBand]) -> list[BandReplaced | Refused]:
    """Block lost bands, charge their fee, and put the stays on new ones (SPEC S15). Locks tabs, then media."""
    return transact(requests, _lose_bands, answers=BandReplaced, refuse=guarded)


def _lose_bands(tx: Transaction[LoseBand, BandReplaced]) -> None:
    counter = counters.counter({r.sales_point for r in tx.fresh}, {r.actor for r in tx.fresh})
    around, _ = _lock_stays({request.stay for request in tx.fresh})
    old = {stay.medium for stay in around.stays.values()}
    cards = lock_desk(old, {(r.new_number, r.new_chip or r.new_number) for r in tx.fresh if r.new_number})
    around.lockers = holding.lock(media=old)
    for request in tx.fresh:
        place = counter.place(request)
        if isinstance(place, Refused):
            tx.record([Outcome(request, place)])
            continue
        tx.record([Outcome(request, *decide_lose_band(request, place, around, cards))])


def _lock_stays(ids: Collection[UUID], *, numbers: bool = False) -> tuple[Inside, Counter]:
    """Lock the tabs of stays; return what decisions about them rest on."""
    wanted = {stay.tab for stay in selectors.stay_states(ids).values()}
    counter = tab_counter(wanted, numbers=numbers)
    return selectors.inside(tabs.lock_tabs(wanted), moving=True), counter


def evacuate(requests: Sequence[Evacuate]) -> list[Evacuation | Refused]:
    """Evacuate facilities: from the commit on gates stand open and clocks stand still (SPEC S15). The list of who is
    inside: `selectors.who_is_inside`."""
    return transact(requests, _evacuate, answers=Evacuation)


def _evacuate(tx: Transaction[Evacuate, Evacuation]) -> None:
    facilities = _lock_facilities(request.facility for request in tx.fresh)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_evacuate(request, facilities.get(request.facility)))])


def resume(requests: Sequence[Resume]) -> list[Evacuation | Refused]:
    """End evacuations: clocks run again for who is inside."""
    return transact(requests, _resume, answers=Evacuation)


def _resume(tx: Transaction[Resume, Evacuation]) -> None:
    facilities = _lock_facilities(request.facility for request in tx.fresh)
    for request in tx.fresh:
        tx.record([Outcome(request, *decide_resume(request, facilities.get(request.facility)))])


def _lock_facilities(ids: Iterable[UUID]) -> Mapping[UUID, Any]:
    wanted = set(ids)
    counters.lock_sequences([("evacuation", facility) for facility in wanted])
    return selectors.facility_states(wanted)
