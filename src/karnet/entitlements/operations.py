"""What happens to media and entitlements. Sales carry these as parts; blocking and replacing are operations here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from karnet.accounts.operations import AccountOpened, StoredAccount, Transfer
from karnet.catalogue.operations import IncludedStay, Validity
from karnet.journal.operations import Operation, Part, operation

MediumKind = Literal["card", "wristband", "barcode", "qr", "phone"]
EntitlementKind = Literal["points", "time"]
BlockCode = Literal["lost", "stolen", "misused", "unpaid", "other"]


class MediumIssued(Part, frozen=True, kw_only=True):
    """A medium in a visitor's hands. `number` is printed on it; `chip` is what readers read (may equal number).

    A medium handed back may be issued again: `issue` counts how often it was before, and only what was put on it
    since then counts as its visitor's.
    """

    id: UUID
    number: str
    chip: str
    kind: MediumKind
    facility: UUID
    issue: int = 0


class MediumReturned(Part, frozen=True, kw_only=True):
    """The medium came back to a facility."""

    id: UUID
    facility: UUID


class MediumBlocked(Part, frozen=True, kw_only=True):
    """On the hotlist. `block` identifies this block; several may lie on one medium."""

    block: UUID
    medium: UUID
    code: BlockCode


class MediumUnblocked(Part, frozen=True, kw_only=True):
    """Lifts exactly the block it names."""

    block: UUID
    medium: UUID


class DepositTaken(Part, frozen=True, kw_only=True):
    """A returnable card deposit (SPEC N3): no revenue, no VAT. Minor units."""

    id: UUID
    medium: UUID
    facility: UUID
    amount: int
    currency: str


class DepositReturned(Part, frozen=True, kw_only=True):
    """The deposit paid back, perhaps at another facility; the difference is settled (SPEC N-f)."""

    id: UUID
    medium: UUID
    facility: UUID
    amount: int
    currency: str


class MediumHeld(Part, frozen=True, kw_only=True):
    """Who holds the medium, on this `issue` of it: a customer's id and nothing else of them (SPEC X4); None = nobody.

    The later of two counts. Who it is stays beside the journal, at the server that knows the customer.
    """

    medium: UUID
    customer: UUID | None = None
    issue: int = 0


class EntitlementIssued(Part, frozen=True, kw_only=True):
    """A right of access on a medium and who sold it (SPEC N7). Carries every value its use and settlement need.

    `price`: what was paid for it, gross minor units; `list_price`: its price-list price then. `points`: on issue.
    `valid_from`/`valid_until` [from, until): known at sale unless it starts at the first passage; no `valid_until`
    with a `valid_from` = for ever. `issue`: which issue of the medium it is put on. `stays`: what a bundle includes.
    """

    id: UUID
    medium: UUID
    product: UUID
    product_code: str
    kind: EntitlementKind
    category: str
    operator: UUID
    sales_point: UUID
    facility: UUID
    currency: str
    price: int
    list_price: int
    time_zone: str
    validity: Validity
    points: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    facilities: tuple[UUID, ...] = ()
    issue: int = 0
    stays: tuple[IncludedStay, ...] = ()


class IncludedStayUsed(Part, frozen=True, kw_only=True):
    """A stay that a bundle includes has begun at `facility`: the `nth` of those there (from 1). The bundle is used: it is
    not given back any more. What happens in the stay is the facility's own affair."""

    entitlement: UUID
    facility: UUID
    nth: int
    stay: UUID


class Activated(Part, frozen=True, kw_only=True):
    """First passage on a ticket: from now on it counts as used. Of two, the earlier counts.

    Carries the validity: new where it starts at the first passage, else as it was sold.
    """

    id: UUID
    valid_from: datetime
    valid_until: datetime | None = None


class DayUsed(Part, frozen=True, kw_only=True):
    """A k-of-n ticket was used on a calendar day (of the facility that sold it)."""

    id: UUID
    day: date


class EntitlementMoved(Part, frozen=True, kw_only=True):
    """The entitlement is on another medium now (on that medium's `issue`)."""

    id: UUID
    medium: UUID
    issue: int = 0


class EntitlementVoided(Part, frozen=True, kw_only=True):
    """Returned or cancelled: opens nothing from now on."""

    id: UUID


@operation("entitlements.blocked")
class Blocked(Operation, frozen=True, kw_only=True):
    block: MediumBlocked
    sales_point: UUID | None = None

    def parts(self) -> Iterable[Part]:
        return (self.block,)


@operation("entitlements.unblocked")
class Unblocked(Operation, frozen=True, kw_only=True):
    lift: MediumUnblocked
    sales_point: UUID | None = None

    def parts(self) -> Iterable[Part]:
        return (self.lift,)


@operation("entitlements.holder_named")
class HolderNamed(Operation, frozen=True, kw_only=True):
    """A medium's holder is written down, or taken off it."""

    holder: MediumHeld
    sales_point: UUID | None = None

    def parts(self) -> Iterable[Part]:
        return (self.holder,)


class ReplacedAlone(Part, frozen=True, kw_only=True):
    """A card that the server of `home` gave out was replaced at `facility` without its word: it did not answer, and the
    agreement lets so many be replaced a day."""

    medium: UUID
    facility: UUID
    home: UUID


@operation("entitlements.replaced")
class Replaced(Operation, frozen=True, kw_only=True):
    """A lost or broken medium is replaced with everything on it (SPEC N12), its `holder` too. The old one is blocked
    for good. `for_operator`, `for_sales_point`: who of another server asked for it and hands the new one out."""

    old: UUID
    new: MediumIssued
    block: MediumBlocked
    moved: tuple[EntitlementMoved, ...]
    sales_point: UUID
    accounts: tuple[AccountOpened, ...] = ()
    stored: tuple[StoredAccount, ...] = ()
    deposits_taken: tuple[DepositTaken, ...] = ()
    deposits_returned: tuple[DepositReturned, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    holder: MediumHeld | None = None
    for_operator: UUID | None = None
    for_sales_point: UUID | None = None
    alone: ReplacedAlone | None = None

    def parts(self) -> Iterable[Part]:
        return (
            self.new, self.block, *self.moved, *self.accounts, *self.stored,
            *self.deposits_taken, *self.deposits_returned, *self.transfers,
            *((self.holder,) if self.holder else ()), *((self.alone,) if self.alone else ()),
        )  # fmt: skip
