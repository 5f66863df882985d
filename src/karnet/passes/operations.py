"""What happens to passes: offered, sold, topped up, drawn, blocked, expired. All of it stays at home but cards given out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from karnet.accounts.operations import AccountOpened, ReservationEnded, Reserved, Transfer, owned_account
from karnet.entitlements.operations import MediumIssued
from karnet.journal.operations import Operation, Part, operation
from karnet.kernel.ids import named_id
from karnet.orders.operations import TabChange
from karnet.passes.kinds import PassKind, Programme, PurseUnit

BlockCode = Literal["overdue", "lost", "staff", "owner"]

CREDITS = "credits"
"""The unit of accounts that count."""


class KindSet(Part, frozen=True, kw_only=True):
    """A kind of pass as a facility offers it from now on."""

    id: UUID
    facility: UUID
    kind: PassKind


@operation("passes.offered", scope="house")
class Offered(Operation, frozen=True, kw_only=True):
    """A facility said what passes it sells. A later version of a kind holds for passes sold before it, too."""

    facility: UUID
    kinds: tuple[KindSet, ...]

    def parts(self) -> Iterable[Part]:
        return self.kinds


@operation("passes.cards_issued")
class CardsIssued(Operation, frozen=True, kw_only=True):
    """Cards were given out for passes. A fact of its own, because media are known everywhere, and passes are not."""

    facility: UUID
    media: tuple[MediumIssued, ...]

    def parts(self) -> Iterable[Part]:
        return self.media


class PassSold(Part, frozen=True, kw_only=True):
    """A pass on a card (a medium, of that issue). `customer`: whose it is, if that was said."""

    id: UUID
    facility: UUID
    kind: str
    medium: UUID
    issue: int
    sales_point: UUID
    operator: UUID
    customer: UUID | None = None


class PassToppedUp(Part, frozen=True, kw_only=True):
    """A payment onto a pass: `paid`, and the `bonus` it brought. `until`: what is on the pass is good till then; none: for ever."""

    id: UUID
    of: UUID
    paid: int
    bonus: int
    sales_point: UUID
    pack: str = ""
    until: datetime | None = None


class ContractRuns(Part, frozen=True, kw_only=True):
    """An open pass may be used without limit until `until`."""

    of: UUID
    until: datetime


class InstalmentAgreed(Part, frozen=True, kw_only=True):
    """A part of a contract's price, to be paid on a local day."""

    id: UUID
    of: UUID
    facility: UUID
    n: int
    due_on: date
    amount: int


class InstalmentPaid(Part, frozen=True, kw_only=True):
    """An instalment was paid."""

    id: UUID


class PassBlocked(Part, frozen=True, kw_only=True):
    """A pass pays nothing more until this block is lifted."""

    id: UUID
    of: UUID
    code: BlockCode


class PassUnblocked(Part, frozen=True, kw_only=True):
    """A block was lifted."""

    block: UUID


class PassHeld(Part, frozen=True, kw_only=True):
    """Money of one purse of a pass is held for somebody (`holder`: a stay). `id` is the reservation's."""

    id: UUID
    of: UUID
    holder: UUID
    account: UUID
    amount: int
    expires_at: datetime


class HoldOver(Part, frozen=True, kw_only=True):
    """A hold ended: drawn, given back, or lapsed."""

    id: UUID


class PassChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an operation does to what passes hold. Stays carry it in operations of their own."""

    reserved: tuple[Reserved, ...] = ()
    held: tuple[PassHeld, ...] = ()
    ended: tuple[ReservationEnded, ...] = ()
    over: tuple[HoldOver, ...] = ()

    def parts(self) -> tuple[Part, ...]:
        """Return the parts, in the order in which they are projected."""
        return (*self.reserved, *self.held, *self.ended, *self.over)

    def __add__(self, other: PassChange) -> PassChange:
        """Return both changes as one."""
        return PassChange(
            reserved=(*self.reserved, *other.reserved),
            held=(*self.held, *other.held),
            ended=(*self.ended, *other.ended),
            over=(*self.over, *other.over),
        )


class ProgrammeSet(Part, frozen=True, kw_only=True):
    """What was agreed with an issuer of benefit cards holds from now on."""

    id: UUID
    facility: UUID
    programme: Programme


@operation("passes.programmes_set", scope="house")
class ProgrammesSet(Operation, frozen=True, kw_only=True):
    """A facility said which benefit cards it takes."""

    facility: UUID
    programmes: tuple[ProgrammeSet, ...]

    def parts(self) -> Iterable[Part]:
        return self.programmes


class BenefitUsed(Part, frozen=True, kw_only=True):
    """An entry on a benefit card: `amount` (gross minor units) is owed by its issuer. `card` stands for its number, which is
    nobody else's to know and kept beside the journal."""

    id: UUID
    facility: UUID
    programme: str
    card: UUID
    day: date
    category: str
    amount: int
    vat_bp: int
    stay: UUID


@operation("passes.sold", scope="house")
class Sold(Operation, frozen=True, kw_only=True):
    """A pass was sold, with its first top-up or instalment; what was paid went over a tab, which closed at once."""

    change: TabChange
    sold: PassSold
    accounts: tuple[AccountOpened, ...] = ()
    topped: PassToppedUp | None = None
    runs: ContractRuns | None = None
    instalments: tuple[InstalmentAgreed, ...] = ()
    paid: tuple[InstalmentPaid, ...] = ()

    def parts(self) -> Iterable[Part]:
        optional = tuple(part for part in (self.topped, self.runs) if part)
        return (*self.accounts, self.sold, *optional, *self.instalments, *self.paid, *self.change.parts())


@operation("passes.topped_up", scope="house")
class ToppedUp(Operation, frozen=True, kw_only=True):
    """A pass was topped up, or its contract renewed."""

    of: UUID
    change: TabChange
    accounts: tuple[AccountOpened, ...] = ()
    topped: PassToppedUp | None = None
    runs: ContractRuns | None = None
    instalments: tuple[InstalmentAgreed, ...] = ()
    paid: tuple[InstalmentPaid, ...] = ()

    def parts(self) -> Iterable[Part]:
        optional = tuple(part for part in (self.topped, self.runs) if part)
        return (*self.accounts, *optional, *self.instalments, *self.paid, *self.change.parts())


@operation("passes.instalments_paid", scope="house")
class InstalmentsPaid(Operation, frozen=True, kw_only=True):
    """Instalments were paid, and with the last that was late the block went."""

    of: UUID
    change: TabChange
    paid: tuple[InstalmentPaid, ...]
    lifted: tuple[PassUnblocked, ...] = ()

    def parts(self) -> Iterable[Part]:
        return (*self.paid, *self.lifted, *self.change.parts())


@operation("passes.charged", scope="house")
class Charged(Operation, frozen=True, kw_only=True):
    """Goods and services were paid with a pass at a till."""

    of: UUID
    change: TabChange

    def parts(self) -> Iterable[Part]:
        return self.change.parts()


@operation("passes.credits_used", scope="house")
class CreditsUsed(Operation, frozen=True, kw_only=True):
    """Credits were taken for something that needs no money: a class. `code` says for what."""

    id: UUID
    of: UUID
    purse: str
    credits: int
    code: str
    sales_point: UUID
    transfers: tuple[Transfer, ...]

    def parts(self) -> Iterable[Part]:
        return self.transfers


@operation("passes.blocked", scope="house")
class Blocked(Operation, frozen=True, kw_only=True):
    """A pass was blocked."""

    block: PassBlocked

    def parts(self) -> Iterable[Part]:
        return (self.block,)


@operation("passes.unblocked", scope="house")
class Unblocked(Operation, frozen=True, kw_only=True):
    """Blocks of a pass were lifted."""

    of: UUID
    lifted: tuple[PassUnblocked, ...]

    def parts(self) -> Iterable[Part]:
        return self.lifted


@operation("passes.holds_lapsed", scope="house")
class HoldsLapsed(Operation, frozen=True, kw_only=True):
    """Holds that nobody drew came to their end: the money is free again."""

    of: UUID
    change: PassChange

    def parts(self) -> Iterable[Part]:
        return self.change.parts()


@operation("passes.expired", scope="house")
class Expired(Operation, frozen=True, kw_only=True):
    """What was on a pass came to its end: money is the facility's, bonus money and credits were never anything else."""

    of: UUID
    transfers: tuple[Transfer, ...]

    def parts(self) -> Iterable[Part]:
        return self.transfers


def benefit_card(programme: str, number: str) -> UUID:
    """Return what stands for a benefit card's number in the record: digits and letters count, and nothing else of it."""
    return named_id("benefit_card", programme, "".join(sign for sign in number.upper() if sign.isalnum()))


def kind_id(facility: UUID, code: str) -> UUID:
    """Return what lines of documents name as their product for a kind of pass."""
    return named_id("pass_kind", facility, code)


def purse_account(pass_: UUID, purse: str, unit: PurseUnit, currency: str) -> UUID:
    """Return the id of the account of a purse of a pass."""
    return owned_account(pass_, f"pass:{purse}", CREDITS if unit == "credits" else currency)


def contra_account(facility: UUID, unit: str) -> UUID:
    """Return the id of the account against which a facility's passes count what was taxed when it came in, and credits."""
    return owned_account(facility, "pass_contra", unit)
