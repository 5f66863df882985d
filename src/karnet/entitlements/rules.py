"""When a ticket opens gates, and what replacing a medium moves. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import owned_account
from karnet.catalogue.operations import Validity
from karnet.entitlements.operations import (
    Activated,
    BlockCode,
    DayUsed,
    DepositReturned,
    DepositTaken,
    EntitlementKind,
    EntitlementMoved,
    HolderNamed,
    MediumBlocked,
    MediumHeld,
    MediumIssued,
    MediumKind,
    Replaced,
)
from karnet.entitlements.purse import OpenMoney, carry
from karnet.entitlements.requests import NameHolder, Replace, ReplaceAlone
from karnet.journal.requests import made_id
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import day_end, day_start, inside, instant, local_day, next_opening

FOR_EVER = Validity(kind="season")
"""A validity without bounds (a points ticket that never expires)."""

MAX_NUMBER, MAX_CHIP = 64, 128

Span = tuple[datetime, datetime | None]
"""[from, until) in UTC; no `until` = for ever."""


class MediumState(msgspec.Struct, frozen=True, kw_only=True):
    """A medium as decisions see it. `blocks`: how many blocks lie on it; `state_at`: when its state last changed.

    `holder`: the customer who holds it now, if that was written down; `holder_at`: when it was last, for whichever
    issue. `away`: the code of the facility that gave it out, where that is another server's. Gates do not read these.
    """

    id: UUID
    number: str
    chip: str
    kind: MediumKind
    state: str
    issue: int = 0
    blocks: int = 0
    state_at: datetime | None = None
    holder: UUID | None = None
    holder_at: datetime | None = None
    away: str | None = None


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An entitlement on a medium, with all that a gate decides by.

    `facility` sold it; `facilities`: where it opens gates (empty = wherever an agreement gives the gate terms).
    `points`: on issue; `available`: left to draw now (reservations taken off). `days_used`: ascending.
    `valid_from` is None until the first passage of a ticket that starts there. `placed_at`: when it came onto its medium.
    `stayed`: a stay that it includes has begun; gates do not read that.
    """

    id: UUID
    medium: UUID
    product: UUID
    product_code: str
    kind: EntitlementKind
    category: str
    facility: UUID
    currency: str
    price: int
    time_zone: str
    validity: Validity
    sold_at: datetime
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    facilities: tuple[UUID, ...] = ()
    points: int = 0
    available: int = 0
    days_used: tuple[date, ...] = ()
    activated: bool = False
    voided: bool = False
    placed_at: datetime | None = None
    stayed: bool = False

    @property
    def points_account(self) -> UUID:
        """The account its points are on; it stays the same when the entitlement moves to another medium."""
        return points_account(self.id)


class OpenDeposit(msgspec.Struct, frozen=True, kw_only=True):
    """A card deposit that nobody was paid back yet. Minor units; `facility` took it."""

    id: UUID
    medium: UUID
    facility: UUID
    amount: int
    currency: str


class OpenBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block that no unblock has lifted."""

    block: UUID
    medium: UUID
    code: BlockCode
    at: datetime


def medium_id(number: str) -> UUID:
    """Return the id of the medium with this printed number."""
    return named_id("medium", number)


def chip_key(chip: str) -> UUID:
    """Return the key under which a chip is claimed by the one medium that has it."""
    return named_id("chip", chip)


def included_key(entitlement: UUID, facility: UUID, nth: int) -> UUID:
    """Return the key under which a bundle's `nth` stay at a facility is claimed by the one stay that uses it."""
    return named_id("included stay", entitlement, facility, nth)


def points_account(entitlement: UUID) -> UUID:
    """Return the id of the account with the entitlement's points."""
    return owned_account(entitlement, "points", "points")


def validity_at_sale(validity: Validity, start: datetime, zone: str) -> Span | None:
    """Return the span of a ticket sold to start at `start`, or None when it starts at the first passage (SPEC N12)."""
    if validity.starts == "first_passage" and validity.kind != "season":
        return None
    return _span(validity, start, zone)


def validity_from_first_passage(validity: Validity, at: datetime, zone: str) -> Span:
    """Return the span of a ticket whose first passage is at `at`."""
    return _span(validity, at, zone)


def _span(validity: Validity, start: datetime, zone: str) -> Span:
    """Hours are real elapsed hours; days are calendar days of the zone, however long (SPEC X2).

    `first_day` and `last_day` bound a span of any kind [ours]: a week bought on the last day of the season ends with it.
    """
    start = start.astimezone(UTC)
    until: datetime | None
    if validity.kind == "hours":
        until = start + timedelta(hours=validity.hours)
    elif validity.kind == "season":
        until = None
    else:
        days = validity.days if validity.kind == "days" else validity.within_days
        first = local_day(start, zone)
        start, until = day_start(first, zone), day_end(first + timedelta(days=days - 1), zone)
    opens, closes = bounds(validity, zone)
    if opens is not None and start < opens:
        start = opens
    if closes is not None and (until is None or until > closes):
        until = closes
    return start, until


def bounds(validity: Validity, zone: str) -> tuple[datetime | None, datetime | None]:
    """Return the instants between which a ticket can be used at all: its season [from, until), open where not set."""
    opens = day_start(validity.first_day, zone) if validity.first_day else None
    closes = day_end(validity.last_day, zone) if validity.last_day else None
    return opens, closes


def unusable(holding: Holding, at: datetime) -> Refused | None:
    """Return why the entitlement opens no gate at `at`, or None when it may: void, too early, too late, days used up,
    outside its weekly windows. Points and places are the gate's question."""
    if holding.voided:
        return refused(Reason.ENTITLEMENT_VOID, entitlement=str(holding.id))
    opens, closes = holding.valid_from, holding.valid_until
    if opens is None:
        opens, closes = bounds(holding.validity, holding.time_zone)
    if opens is not None and at < opens:
        return refused(Reason.NOT_YET_VALID, valid_from=_iso(opens), time_zone=holding.time_zone)
    if closes is not None and at >= closes:
        return expired(closes, holding.time_zone)
    if days_left(holding, at) == 0:
        return refused(Reason.DAYS_USED_UP, days=holding.validity.days)
    if holding.validity.windows and not inside(holding.validity.windows, at, holding.time_zone):
        since = next_opening(holding.validity.windows, at, holding.time_zone)
        if since is None or (closes is not None and since >= closes):
            return refused(Reason.OUTSIDE_WINDOW)
        return refused(Reason.OUTSIDE_WINDOW, since=_iso(since))
    return None


def expired(valid_until: datetime, time_zone: str, **facts: str) -> Refused:
    """Return the refusal of a ticket whose time is over, told by the wall clock of the facility that sells it."""
    return refused(Reason.EXPIRED, valid_until=_iso(valid_until), time_zone=time_zone, **facts)


def days_left(holding: Holding, at: datetime) -> int | None:
    """Return on how many days, the day of `at` included, a k-of-n ticket may still be used; None for other tickets."""
    if holding.validity.kind != "days_within":
        return None
    today = local_day(at, holding.time_zone)
    return holding.validity.days - sum(day != today for day in holding.days_used)


def activation(holding: Holding, at: datetime) -> Activated | None:
    """Return the part that a passage at `at` must carry when it is the ticket's first, else None."""
    if holding.activated:
        return None
    valid_from, valid_until = holding.valid_from, holding.valid_until
    if valid_from is None:
        valid_from, valid_until = validity_from_first_passage(holding.validity, at, holding.time_zone)
    return Activated(id=holding.id, valid_from=valid_from, valid_until=valid_until)


def day_use(holding: Holding, at: datetime) -> DayUsed | None:
    """Return the part that a passage at `at` must carry when it uses up a day of a k-of-n ticket, else None."""
    day = local_day(at, holding.time_zone)
    if holding.validity.kind != "days_within" or day in holding.days_used:
        return None
    return DayUsed(id=holding.id, day=day)


def after_passage(holding: Holding, at: datetime, points: int = 0) -> Holding:
    """Return the holding as the next decision of a batch must see it, after a passage at `at` that took `points`."""
    started, used = activation(holding, at), day_use(holding, at)
    return msgspec.structs.replace(
        holding,
        available=holding.available - points,
        activated=True,
        valid_from=started.valid_from if started else holding.valid_from,
        valid_until=started.valid_until if started else holding.valid_until,
        days_used=tuple(sorted((*holding.days_used, used.day))) if used else holding.days_used,
    )


def unused(holding: Holding) -> bool:
    """Tell whether nothing was used of an entitlement: no passage, no day, no point drawn or reserved, no included stay."""
    return not (holding.activated or holding.stayed or holding.days_used or holding.available < holding.points)


def usable_medium(medium: MediumState) -> Refused | None:
    """Return why nothing on the medium counts now, or None: blocked, handed back, replaced."""
    if medium.state == "replaced":
        return refused(Reason.MEDIUM_REPLACED, number=medium.number)
    if medium.blocks > 0:
        return refused(Reason.MEDIUM_BLOCKED, number=medium.number)
    if medium.state == "returned":
        return refused(Reason.MEDIUM_RETURNED, number=medium.number)
    return None


def outrun(at: datetime, *changes: datetime | None) -> Refused | None:
    """Return the refusal of a change at `at` to what has changed later than that, else None.

    Of two changes the later counts, everywhere and in any order of arrival; so one that claims to have happened
    before the change it was decided after would be recorded and do nothing. A clock is wrong somewhere.
    """
    latest = max((change for change in changes if change is not None), default=None)
    if latest is None or instant(at) >= latest:
        return None
    return bad_values({"at": f"lies before the last change, which was at {_iso(latest)}; compare the clocks"})


def decide_issue(
    *,
    number: str,
    chip: str,
    kind: MediumKind,
    facility: UUID,
    at: datetime,
    by_number: MediumState | None,
    by_chip: MediumState | None,
) -> MediumIssued | Refused:
    """Decide whether a medium may be given to a visitor: a new one, or one that came back.

    `by_number` and `by_chip` are the media that bear this number and this chip, if any: number and chip belong
    together for good, so a card with another card's chip is refused.
    """
    problems = {
        field: f"must have 1 to {longest} characters"
        for field, text, longest in (("number", number, MAX_NUMBER), ("chip", chip, MAX_CHIP))
        if not 0 < len(text) <= longest
    }
    if kind not in get_args(MediumKind):
        problems["kind"] = f"must be one of {', '.join(get_args(MediumKind))}"
    if problems:
        return bad_values(problems)
    if by_number is None and by_chip is None:
        return MediumIssued(id=medium_id(number), number=number, chip=chip, kind=kind, facility=facility)
    if by_number is None or by_chip is None or by_number.id != by_chip.id:
        return refused(Reason.MEDIUM_IN_USE, number=number, chip=chip)
    blocker = usable_medium(by_number)
    if blocker is None:
        return refused(Reason.MEDIUM_IN_USE, number=number)
    if blocker.reason != Reason.MEDIUM_RETURNED:
        return blocker
    late = outrun(at, by_number.state_at)
    if late is not None:
        return late
    return MediumIssued(
        id=by_number.id, number=number, chip=chip, kind=by_number.kind, facility=facility, issue=by_number.issue + 1
    )


class Desk:
    """The media that a batch decides about, as the decisions so far leave them. Whoever has one holds their locks."""

    def __init__(self, media: Iterable[MediumState] = ()) -> None:
        self.media: dict[UUID, MediumState] = {}
        self._by_number: dict[str, MediumState] = {}
        self._by_chip: dict[str, MediumState] = {}
        for medium in media:
            self.put(medium)

    def put(self, medium: MediumState) -> None:
        """Take in a medium, or its new state. When its holder was last written down is not forgotten by a new issue."""
        known = self.media.get(medium.id)
        if known is not None and medium.holder_at is None:
            medium = msgspec.structs.replace(medium, holder_at=known.holder_at)
        self.media[medium.id] = self._by_number[medium.number] = self._by_chip[medium.chip] = medium

    def find(self, number: str) -> MediumState | None:
        """Return the medium with this printed number, if there is one."""
        return self._by_number.get(number)

    def name(self, held: MediumHeld, at: datetime) -> None:
        """Take in who holds a medium."""
        self.put(msgspec.structs.replace(self.media[held.medium], holder=held.customer, holder_at=instant(at)))

    def decide_issue(
        self, number: str, chip: str, kind: MediumKind, facility: UUID, at: datetime
    ) -> MediumIssued | Refused:
        """Decide as `decide_issue` on the present state, which stays as it is: `put(issued_state(…))` when it holds."""
        return decide_issue(
            number=number, chip=chip, kind=kind, facility=facility, at=at,
            by_number=self.find(number), by_chip=self._by_chip.get(chip),
        )  # fmt: skip


def issued_state(issued: MediumIssued, at: datetime) -> MediumState:
    """Return the state of a medium that is issued at `at`, for the next decision."""
    return MediumState(
        id=issued.id,
        number=issued.number,
        chip=issued.chip,
        kind=issued.kind,
        state="in_use",
        issue=issued.issue,
        state_at=instant(at),
    )


class Held:
    """What is on the media of a desk: entitlements, deposits and money, as the decisions so far leave them."""

    def __init__(
        self,
        holdings: Mapping[UUID, list[Holding]],
        deposits: Mapping[UUID, list[OpenDeposit]],
        money: Mapping[UUID, list[OpenMoney]] | None = None,
    ) -> None:
        self.holdings, self.deposits, self.money = dict(holdings), dict(deposits), dict(money or {})

    def put_deposit(self, taken: DepositTaken) -> None:
        """Take in a deposit that was just taken."""
        deposit = OpenDeposit(
            id=taken.id, medium=taken.medium, facility=taken.facility, amount=taken.amount, currency=taken.currency
        )
        self.deposits.setdefault(taken.medium, []).append(deposit)


def decide_replace(desk: Desk, held: Held, request: Replace, facility: UUID) -> Replaced | Refused:
    """Decide to replace a medium: everything on it that is not void moves, with its id and its points account.

    The old medium is blocked for good, so that a finder gets nothing but its deposit, where that is left on it.
    Folds the outcome into desk and held.
    """
    old = desk.media.get(request.old)
    if request.code not in get_args(BlockCode):
        return bad_values({"code": f"must be one of {', '.join(get_args(BlockCode))}"})
    if old is None:
        return refused(Reason.UNKNOWN_MEDIUM, medium=str(request.old))
    if old.state != "in_use":
        return usable_medium(old) or refused(Reason.MEDIUM_RETURNED, number=old.number)
    # Of two replacements at once only one could have what was on the card.
    if old.away is not None and not isinstance(request, ReplaceAlone):
        return refused(Reason.HOME_ONLY, facility=old.away, number=old.number)
    late = outrun(request.at, old.state_at, *(holding.placed_at for holding in held.holdings[old.id]))
    new = late or desk.decide_issue(request.new_number, request.chip, request.kind, facility, request.at)
    if isinstance(new, Refused):
        return new
    holder = None
    if old.holder is not None:
        held_by = decide_held(desk, issued_state(new, request.at), old.holder, request.at)
        if isinstance(held_by, Refused):
            return held_by
        holder = held_by
    at, going = instant(request.at), [holding for holding in held.holdings[old.id] if not holding.voided]
    paid, taken = [], []
    if request.deposit == "move":
        for place, deposit in enumerate(held.deposits[old.id]):
            # For the settlement it comes to nothing: the facility that moves a deposit paid and took the same.
            same = {"facility": facility, "amount": deposit.amount, "currency": deposit.currency}
            paid.append(DepositReturned(id=deposit.id, medium=old.id, **same))  # type: ignore[arg-type]
            taken.append(DepositTaken(id=made_id(request, f"deposit:{place}"), medium=new.id, **same))  # type: ignore[arg-type]
        held.deposits[old.id] = []
    carried, held.money[new.id] = carry(held.money.pop(old.id, []), new)
    desk.put(msgspec.structs.replace(old, state="replaced", blocks=old.blocks + 1, state_at=at))
    desk.put(issued_state(new, at))
    if holder is not None:
        desk.name(holder, at)
    held.holdings[old.id] = []
    held.holdings[new.id] = [msgspec.structs.replace(holding, medium=new.id, placed_at=at) for holding in going]
    for deposit_taken in taken:
        held.put_deposit(deposit_taken)
    return Replaced(
        old=old.id,
        new=new,
        block=MediumBlocked(block=made_id(request, "block"), medium=old.id, code=request.code),
        moved=tuple(EntitlementMoved(id=holding.id, medium=new.id, issue=new.issue) for holding in going),
        sales_point=request.sales_point,
        deposits_taken=tuple(taken),
        deposits_returned=tuple(paid),
        holder=holder,
        stored=carried.stored,
        accounts=carried.accounts,
        transfers=carried.transfers,
        for_operator=request.for_operator,
        for_sales_point=request.for_sales_point,
    )


def decide_holder(desk: Desk, request: NameHolder, customers: Collection[UUID]) -> HolderNamed | Refused:
    """Decide to write down who holds a medium. `customers`: those known among who is named. Folds into the desk.

    A blocked medium may be named, too: who lost it is who comes to ask.
    """
    medium = desk.media.get(request.medium)
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM, medium=str(request.medium))
    if medium.state != "in_use":
        return usable_medium(msgspec.structs.replace(medium, blocks=0)) or refused(Reason.MEDIUM_RETURNED)
    if request.customer is not None and request.customer not in customers:
        return bad_values({"customer": "is not known"})
    held = decide_held(desk, medium, request.customer, request.at)
    if isinstance(held, Refused):
        return held
    desk.name(held, request.at)
    return HolderNamed(holder=held, sales_point=request.sales_point)


def decide_held(desk: Desk, medium: MediumState, customer: UUID | None, at: datetime) -> MediumHeld | Refused:
    """Return the part that gives a medium (in this state of it) a holder; refuses one dated before the last."""
    known = desk.media.get(medium.id)
    late = outrun(at, medium.state_at, known.holder_at if known else None)
    return late or MediumHeld(medium=medium.id, customer=customer, issue=medium.issue)


def drawing_order(holdings: Iterable[Holding]) -> list[Holding]:
    """Return entitlements in the order in which a gate draws on them: what expires first, then what was sold first.

    A top-up is an entitlement of its own [ours]: the older points of a card go before the newer ones.
    """
    return sorted(
        holdings,
        key=lambda holding: (
            holding.valid_until is None,
            holding.valid_until or holding.sold_at,
            holding.sold_at,
            holding.id,
        ),
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
