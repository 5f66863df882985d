"""Selling passes and topping them up. What is paid goes over a tab that closes at once: a document for what is revenue now
(card, instalment, what is taxed when it comes in), the rest onto the pass, owed to its holder until it is spent."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened
from karnet.accounts.rules import Book
from karnet.accounts.top_ups import top_up
from karnet.entitlements.operations import MediumIssued
from karnet.entitlements.rules import Desk as Media
from karnet.entitlements.rules import MediumState, issued_state, outrun, usable_medium
from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.money import vat_included
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import day_end, day_start, instant, local_day
from karnet.orders.operations import TabBilled
from karnet.orders.rules.counter import Place
from karnet.orders.rules.pricing import MAX_AMOUNT, change, house
from karnet.orders.rules.purses import opened
from karnet.orders.rules.tab_entries import Entry
from karnet.orders.rules.tabs import Desk, check_money, open_tab
from karnet.passes.kinds import Contract, PassKind
from karnet.passes.operations import (
    CREDITS,
    CardsIssued,
    ContractRuns,
    InstalmentAgreed,
    InstalmentPaid,
    PassSold,
    PassToppedUp,
    Sold,
    ToppedUp,
    contra_account,
    kind_id,
)
from karnet.passes.requests import PassNow, SellPass, TopUpPass
from karnet.passes.rules.state import InstalmentState, PassState
from karnet.passes.rules.wallets import Wallet, accounts_of
from karnet.passes.selling import Quote, instalments, quote

CARD, INSTALMENT = "pass_card", "pass_instalment"

Kinds = Mapping[tuple[UUID, str], PassKind]
"""The kinds of passes that facilities offer, by (facility, code)."""

Decided = tuple[PassNow | Refused, tuple[Operation, ...]]


class Terms(NamedTuple):
    """What a pass gets when it is sold or topped up: the parts that say so, and its state after."""

    topped: PassToppedUp | None
    runs: ContractRuns | None
    agreed: tuple[InstalmentAgreed, ...]
    paid: tuple[InstalmentPaid, ...]
    state: PassState


def decide_sell(
    request: SellPass, desk: Desk, media: Media, kinds: Kinds, taken: set[tuple[UUID, int, UUID]], customers: Collection[UUID]
) -> Decided:  # fmt: skip
    """Sell a pass with its first top-up. `taken`: (medium, issue, facility) of passes there are.

    Refuses a kind that is not offered, a card that has a pass already or counts for nothing, amounts that may not be topped
    up, and payments that are not what it costs.
    """
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    kind = kinds.get((place.facility, request.kind))
    if kind is None or not place.terms.allows(request.kind) or place.kind == "partner":
        return refused(Reason.NOT_ON_SALE, product=request.kind), ()
    if request.customer is not None and request.customer not in customers:
        return bad_values({"customer": "is not known"}), ()
    problem = asked_problem(request.amount, request.pack, kind, needed=kind.contract is None)
    if problem is not None:
        return problem, ()
    card = _card(request, place, media)
    if isinstance(card, Refused):
        return card, ()
    medium, issued = card
    if (medium.id, medium.issue, place.facility) in taken:
        return refused(Reason.PASS_ON_CARD, number=request.number), ()
    contract = kind.contract is not None
    due = quote(kind, amount=request.amount, pack=request.pack, new_card=issued is not None, contract=contract)
    began = _begin(request, desk, place, due)
    if isinstance(began, Refused):
        return began, ()
    fresh = PassState(
        id=made_id(request, "pass"), facility=place.facility, kind=kind.code, number=medium.number, medium=medium.id,
        currency=place.currency, time_zone=place.time_zone, sold_at=instant(request.at),
    )  # fmt: skip
    accounts = accounts_of(fresh, kind)
    wallet = Wallet(fresh, kind, Book({}), {})
    wallet.book.take(accounts)
    if issued is not None and kind.card_price_minor:
        _charge(began, CARD, kind.card_price_minor, kind.card_vat_bp, kind, place)
    terms = _terms(request, began, wallet, place, contract=contract)
    bill = _end(began, desk, place, request.actor)
    sold = PassSold(
        id=fresh.id, facility=place.facility, kind=kind.code, medium=medium.id, issue=medium.issue,
        sales_point=place.sales_point, operator=request.actor, customer=request.customer,
    )  # fmt: skip
    taken.add((medium.id, medium.issue, place.facility))
    if issued is not None:
        media.put(medium)
    operation = Sold(
        change=began.change(), sold=sold, accounts=(*_bonuses(due, place), *accounts), topped=terms.topped,
        runs=terms.runs, instalments=terms.agreed, paid=terms.paid,
    )  # fmt: skip
    cards = (CardsIssued(facility=place.facility, media=(issued,)),) if issued is not None else ()
    now = pass_now(wallet, terms.state, request.at, quote=due, change=change(request.payments), bill=bill)
    return now, (*cards, operation, *((bill,) if bill else ()))


def decide_top_up(request: TopUpPass, desk: Desk, wallet: Wallet | None) -> Decided:
    """Top up a pass, or renew its contract. A block stays: money is taken all the same, and counts when it is lifted.

    Refuses an unknown pass or one of another facility, a card that counts for nothing, amounts that may not be topped up.
    """
    place = desk.counter.place(request)
    if isinstance(place, Refused):
        return place, ()
    if wallet is None or wallet.state.facility != place.facility:
        return refused(Reason.UNKNOWN_PASS, number=request.number), ()
    kind, state = wallet.kind, wallet.state
    if not place.terms.allows(kind.code) or place.kind == "partner":
        return refused(Reason.NOT_ON_SALE, product=kind.code), ()
    if state.lost is not None:
        return state.lost, ()
    if late := outrun(request.at, state.changed_at):
        return late, ()
    if request.renew and kind.contract is None:
        return bad_values({"renew": "this kind of pass has no contract"}), ()
    if problem := asked_problem(request.amount, request.pack, kind, needed=not request.renew):
        return problem, ()
    due = quote(kind, amount=request.amount, pack=request.pack, contract=request.renew)
    began = _begin(request, desk, place, due)
    if isinstance(began, Refused):
        return began, ()
    # A purse that the kind got since the pass was sold is opened now.
    accounts = accounts_of(state, kind)
    wallet.book.take(accounts)
    terms = _terms(request, began, wallet, place, contract=request.renew)
    bill = _end(began, desk, place, request.actor)
    wallet.state = terms.state
    operation = ToppedUp(
        of=state.id, change=began.change(), accounts=(*_bonuses(due, place), *accounts), topped=terms.topped,
        runs=terms.runs, instalments=terms.agreed, paid=terms.paid,
    )  # fmt: skip
    now = pass_now(wallet, terms.state, request.at, quote=due, change=change(request.payments), bill=bill)
    return now, (operation, *((bill,) if bill else ()))


def asked_problem(amount: int, pack: str, kind: PassKind, *, needed: bool) -> Refused | None:
    """Return why a pass of this kind cannot be topped up like that. `needed`: it must be topped up with something."""
    if pack:
        return (
            None if kind.pack(pack) and not amount else bad_values({"pack": "is not offered, or comes with an amount"})
        )
    if not amount:
        return bad_values({"amount": "choose an amount or a pack"}) if needed else None
    free = kind.free_amounts and kind.least_minor <= amount <= MAX_AMOUNT
    if amount in kind.amounts or free:
        return None
    offered = ", ".join(map(str, kind.amounts)) or "none"
    return bad_values({"amount": f"must be one of: {offered}" + (f", or from {kind.least_minor}" if kind.free_amounts else "")})  # fmt: skip


def _card(request: SellPass, place: Place, media: Media) -> tuple[MediumState, MediumIssued | None] | Refused:
    known = media.find(request.number)
    if known is not None and known.state == "in_use":
        return usable_medium(known) or (known, None)
    issued = media.decide_issue(
        request.number, request.chip or request.number, request.medium, place.facility, request.at
    )
    return issued if isinstance(issued, Refused) else (issued_state(issued, request.at), issued)


def _begin(request: SellPass | TopUpPass, desk: Desk, place: Place, due: Quote) -> Entry | Refused:
    """Open the tab over which the money goes, and take the payments."""
    shift = desk.counter.shift(request, place, {payment.kind for payment in request.payments})
    if isinstance(shift, Refused):
        return shift
    refusal = desk.counter.over_limit(place, request.at, due.total_minor + due.bonus_minor)
    refusal = refusal or check_money(request.payments, due.total_minor, place, desk.book)
    if refusal is not None:
        return refusal
    desk.counter.spend(place, request.at, due.total_minor + due.bonus_minor)
    entry = open_tab(request, place, desk.sequences, limit_minor=0, buyer=None, customer=None)
    entry.pay(request.payments, place, shift)
    return entry


def _end(entry: Entry, desk: Desk, place: Place, operator: UUID) -> TabBilled | None:
    entry.close()
    return entry.bill(desk.counter, place, operator)


def _charge(entry: Entry, code: str, amount: int, vat_bp: int, kind: PassKind, place: Place) -> None:
    entry.charge(
        code, kind_id(place.facility, kind.code), amount=amount, vat=vat_included(amount, vat_bp), vat_bp=vat_bp,
        sales_point=place.sales_point,
    )  # fmt: skip


def _terms(request: SellPass | TopUpPass, entry: Entry, wallet: Wallet, place: Place, *, contract: bool) -> Terms:
    """Put what was bought on the pass, and agree its contract."""
    topped = _fill(request, entry, wallet, place)
    state = wallet.state
    if topped is not None:
        state = msgspec.structs.replace(state, good_until=topped.until, topped=True, changed_at=instant(request.at))
    if not contract or wallet.kind.contract is None:
        return Terms(topped, None, (), (), state)
    terms = wallet.kind.contract
    start = max(instant(request.at), state.runs_until or instant(request.at))
    first = local_day(start, state.time_zone)
    runs = ContractRuns(of=state.id, until=day_start(_months_on(first, terms.months), state.time_zone))
    agreed = _agree(request, state, terms, first)
    _charge(entry, INSTALMENT, agreed[0].amount, terms.vat_bp, wallet.kind, place)
    known = (
        InstalmentState(id=one.id, n=one.n, due_on=one.due_on, amount=one.amount, paid=one is agreed[0])
        for one in agreed
    )
    state = msgspec.structs.replace(
        state, runs_until=runs.until, changed_at=instant(request.at), instalments=(*state.instalments, *known)
    )
    return Terms(topped, runs, agreed, (InstalmentPaid(id=agreed[0].id),), state)


def _agree(
    request: SellPass | TopUpPass, state: PassState, terms: Contract, first: date
) -> tuple[InstalmentAgreed, ...]:
    before = len(state.instalments)
    return tuple(
        InstalmentAgreed(
            id=made_id(request, f"instalment:{n}"), of=state.id, facility=state.facility, n=before + n,
            due_on=_months_on(first, n), amount=amount,
        )
        for n, amount in enumerate(instalments(terms))
    )  # fmt: skip


def _fill(request: SellPass | TopUpPass, entry: Entry, wallet: Wallet, place: Place) -> PassToppedUp | None:
    """Put a top-up on the pass: money to its purse, what is taxed now through the document, bonus from the house."""
    kind, state = wallet.kind, wallet.state
    contents = _contents(kind, request.amount, request.pack)
    if not contents:
        return None
    bonus = 0
    for code, (amount, price) in contents.items():
        purse = kind.purse(code)
        assert purse is not None, "the kind was checked when it was published"
        account = wallet.account(purse)
        if purse.bonus:
            entry.book(house(place.facility, "bonuses", place.currency), account, amount)
            bonus += amount
        elif purse.vat_bp is None:
            entry.put_on(account, amount, place)
        else:
            _charge(entry, kind.code, price, purse.vat_bp, kind, place)
            unit = CREDITS if purse.unit == "credits" else place.currency
            entry.book(contra_account(place.facility, unit), account, amount, unit)
        wallet.credit(purse, amount)
    return PassToppedUp(
        id=made_id(request, "top_up"), of=state.id, paid=sum(price for _, price in contents.values()), bonus=bonus,
        sales_point=place.sales_point, pack=request.pack, until=_good_until(request, wallet),
    )  # fmt: skip


def _contents(kind: PassKind, amount: int, pack: str) -> dict[str, tuple[int, int]]:
    """Return (amount, price) for each purse that a top-up fills."""
    bought = kind.pack(pack)
    if bought is not None:
        return {code: (content.amount, content.price_minor) for code, content in bought.into.items()}
    if not amount or kind.filled is None:
        return {}
    made = {kind.filled.code: (amount, amount)}
    bonus = top_up(kind.tiers, amount).bonus_minor
    if bonus and kind.given is not None:
        made[kind.given.code] = (bonus, 0)
    return made


def _good_until(request: SellPass | TopUpPass, wallet: Wallet) -> datetime | None:
    """Return until when what is on the pass is good now: each top-up may prolong it, none shortens it [ours]."""
    kind, state = wallet.kind, wallet.state
    pack = kind.pack(request.pack)
    days = pack.valid_days if pack is not None else top_up(kind.tiers, request.amount).valid_days
    if days is None or (state.topped and state.good_until is None):
        return None
    until = day_end(local_day(request.at, state.time_zone) + timedelta(days=days), state.time_zone)
    return max(until, state.good_until or until)


def _months_on(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _bonuses(due: Quote, place: Place) -> tuple[AccountOpened, ...]:
    return opened(place.facility, "bonuses", place.currency) if due.bonus_minor else ()


def pass_now(
    wallet: Wallet, state: PassState, at: datetime, *, quote: Quote | None = None, change: int = 0, drawn: int = 0,
    bill: TabBilled | None = None,
) -> PassNow:  # fmt: skip
    """Return the answer that tells of a pass."""
    after = Wallet(state, wallet.kind, wallet.book, {})
    return PassNow(
        id=state.id, number=state.number, kind=state.kind, currency=state.currency, purses=after.purses(at),
        paid=quote.top_up_minor if quote else 0, bonus=quote.bonus_minor if quote else 0, drawn=drawn, change=change,
        good_until=state.good_until, runs_until=state.runs_until, blocked=bool(state.blocks),
        order=bill.order if bill else None, document=bill.number if bill else None,
        counting=tuple(purse.code for purse in wallet.kind.purses if purse.unit == "credits"),
    )  # fmt: skip
