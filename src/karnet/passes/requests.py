"""What can be asked about passes, and the answers. Amounts are minor units of the facility's currency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from karnet.entitlements.operations import MediumKind
from karnet.orders.operations import Payment
from karnet.orders.requests import Extra, SaleLine
from karnet.passes.kinds import PassKind, Programme
from karnet.passes.operations import BlockCode


class OfferPasses(msgspec.Struct, frozen=True, kw_only=True):
    """Say what kinds of passes a facility sells; those not named stay as they are."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    kinds: tuple[PassKind, ...]


class PassesOffered(msgspec.Struct, frozen=True, kw_only=True, tag="passes_offered"):
    """The codes of the kinds set."""

    codes: tuple[str, ...]


class SellPass(msgspec.Struct, frozen=True, kw_only=True):
    """Sell a pass of a kind with its first top-up (`amount`, or a `pack`) or, of an open pass, its first instalment.

    `number`: of the card. One that nobody has is given out and its price is paid; on one in its holder's hands the pass
    goes on it. `payments` are the price of the card, the top-up and the instalment together (`selling.quote`).
    """

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    kind: str
    number: str
    chip: str = ""
    medium: MediumKind = "card"
    amount: int = 0
    pack: str = ""
    payments: tuple[Payment, ...] = ()
    customer: UUID | None = None


class TopUpPass(msgspec.Struct, frozen=True, kw_only=True):
    """Top up a pass, by its card's number: `amount`, or a `pack`. `renew`: its contract for another term, too, the first
    instalment now."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    amount: int = 0
    pack: str = ""
    renew: bool = False
    payments: tuple[Payment, ...] = ()


class PayInstalments(msgspec.Struct, frozen=True, kw_only=True):
    """Pay the next instalments of an open pass, as many as `payments` come to, exactly."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    payments: tuple[Payment, ...]


class ChargePass(msgspec.Struct, frozen=True, kw_only=True):
    """Pay goods and services with a pass at a till; `payments`: what the pass does not cover."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    lines: tuple[SaleLine, ...] = ()
    extras: tuple[Extra, ...] = ()
    payments: tuple[Payment, ...] = ()


class UseCredits(msgspec.Struct, frozen=True, kw_only=True):
    """Take credits off a purse that counts, for `code` (a class)."""

    key: str
    at: datetime
    actor: UUID
    sales_point: UUID
    number: str
    purse: str
    credits: int = 1
    code: str = ""


class SetProgrammes(msgspec.Struct, frozen=True, kw_only=True):
    """Say which benefit cards a facility takes, and on what terms; those not named stay as they are."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID
    programmes: tuple[Programme, ...]


class ProgrammesHold(msgspec.Struct, frozen=True, kw_only=True, tag="programmes_set"):
    """The codes of the programmes set."""

    codes: tuple[str, ...]


class BlockPass(msgspec.Struct, frozen=True, kw_only=True):
    """Block a pass, by its card's number: it pays nothing, and nobody comes in on it."""

    key: str
    at: datetime
    actor: UUID
    number: str
    code: BlockCode = "staff"


class UnblockPass(msgspec.Struct, frozen=True, kw_only=True):
    """Lift all blocks of a pass."""

    key: str
    at: datetime
    actor: UUID
    number: str


class KeepUp(msgspec.Struct, frozen=True, kw_only=True):
    """The day's work on a facility's passes: holds that lapsed are freed, what came to its end is booked off, who is late
    with an instalment is blocked."""

    key: str
    at: datetime
    actor: UUID
    facility: UUID


class KeptUp(msgspec.Struct, frozen=True, kw_only=True, tag="passes_kept_up"):
    """How many holds were freed, passes expired and blocked. `more`: ask again, there is more to do."""

    lapsed: int
    expired: int
    blocked: int
    more: bool = False


class PassNow(msgspec.Struct, frozen=True, kw_only=True, tag="pass", omit_defaults=True):
    """A pass as it is now. `purses`: what may be drawn, by code. `paid`, `bonus`: put on now; `drawn`: taken off now.

    `good_until`: of what is on it; `runs_until`: of its contract. `order`, `document`: what was billed now. `counting`:
    the purses of credits.
    """

    id: UUID
    number: str
    kind: str
    currency: str
    purses: dict[str, int]
    paid: int = 0
    bonus: int = 0
    drawn: int = 0
    change: int = 0
    good_until: datetime | None = None
    runs_until: datetime | None = None
    blocked: bool = False
    order: UUID | None = None
    document: str | None = None
    counting: tuple[str, ...] = ()
