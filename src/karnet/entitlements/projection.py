"""Projection of media and entitlements."""

from __future__ import annotations

from karnet.entitlements.models import (
    Activation,
    Block,
    Deposit,
    DepositBack,
    Entitlement,
    EntitlementDay,
    IncludedStay,
    IncludedStayUse,
    Lift,
    Medium,
)
from karnet.entitlements.models import ReplacedAlone as ReplacedAloneRow
from karnet.entitlements.operations import (
    Activated,
    DayUsed,
    DepositReturned,
    DepositTaken,
    EntitlementIssued,
    EntitlementMoved,
    EntitlementVoided,
    IncludedStayUsed,
    MediumBlocked,
    MediumHeld,
    MediumIssued,
    MediumReturned,
    MediumUnblocked,
    Replaced,
    ReplacedAlone,
)
from karnet.entitlements.rules import chip_key, included_key
from karnet.journal.operations import Recorded
from karnet.journal.projection import (
    CLAIM,
    Form,
    Insert,
    InsertOrSetLater,
    Row,
    SetEarlier,
    SetLater,
    Write,
    projects,
    stamped,
)
from karnet.kernel import canonical


class Guard:
    """What may happen once, of media, chips, blocks and deposits (`CLAIM`)."""

    MEDIUM = "medium_issued"
    CHIP = "chip_issued"
    LIFT = "block_lifted"
    DEPOSIT = "deposit_returned"
    INCLUDED = "included_stay_used"


_FACT = ("at", "origin", "number")
_PLACED = ("placed_at", "placed_origin", "placed_number")


class _StandingBlocks(Form):
    """Counts the blocks of media that no unblock has lifted, after blocks and lifts are in. Two servers may lift one
    block, so a sum of blocks and lifts would not do. Whoever blocks or lifts holds the medium's lock."""

    ORDER = 2

    def __init__(self) -> None:
        super().__init__(Medium, ["id"])

    def prepare(self, rows: list[Row]) -> list[Row]:
        return sorted(set(rows))

    def statement(self) -> str:
        return (
            "UPDATE entitlements_medium AS t SET blocks = (SELECT count(*) FROM entitlements_block b"
            " WHERE b.medium_id = t.id AND NOT EXISTS (SELECT FROM entitlements_lift l WHERE l.block_id = b.id))"
            f" FROM {self._unnest()} WHERE t.id = d.id"
        )


class _Voided(SetEarlier):
    """Ends an entitlement, in the name of the server that sold it alone: where it is given back is home-only."""

    def statement(self) -> str:
        return f"{super().statement()} AND t.origin = d.voided_origin"


# Must be new here: of two tills that issue one card at the same time, the database lets one pass (number, chip, id).
# Of two servers that did not know of each other the later counts, and the claims tell that there were two.
NEW_MEDIUM = InsertOrSetLater(
    Medium,
    ["id", "number", "chip", "kind", "facility", "issue", "blocks", "state"],
    {"issued": ["issue", "chip", "kind", "facility"], "state": ["state"]},
)
DEPOSIT = Insert(Deposit, ["id", "medium", "facility", "amount", "currency", *_FACT])
DEPOSIT_BACK = Insert(DepositBack, ["deposit", "medium", "facility", "amount", "currency", *_FACT])
REPLACED_ALONE = Insert(ReplacedAloneRow, ["medium", "facility", "home", *_FACT])
BLOCK = Insert(Block, ["id", "medium", "code", *_FACT])
LIFT = Insert(Lift, ["block", *_FACT])
ENTITLEMENT = Insert(
    Entitlement,
    [
        "id", "medium", "issue", *_PLACED, "operator", "sales_point", "facility", "product", "product_code", "kind", "category",
        "currency", "price", "list_price", "points", "time_zone", "validity", "facilities", "valid_from",
        "valid_until", *_FACT,
    ],
)  # fmt: skip
INCLUDED = Insert(IncludedStay, ["entitlement", "facility", "tariff", "package", "prepaid_minor", "times", *_FACT])
INCLUDED_USE = Insert(IncludedStayUse, ["entitlement", "facility", "nth", "stay", *_FACT])
ACTIVATION = Insert(Activation, ["entitlement", "valid_from", "valid_until", *_FACT])
DAY = Insert(EntitlementDay, ["entitlement", "day"], present_ok=True)
BLOCKS = _StandingBlocks()
REISSUED = SetLater(Medium, ["id"], ["issue", "chip", "kind", "facility"], "issued")
STATE = SetLater(Medium, ["id"], ["state"], "state")
HOLDER = SetLater(Medium, ["id"], ["holder", "holder_issue"], "holder")
PLACED = SetLater(Entitlement, ["id"], ["medium", "issue"], "placed")
ACTIVATED = SetEarlier(Entitlement, ["id"], ["active_from", "active_until"], "activated")
VOIDED = _Voided(Entitlement, ["id"], [], "voided")


@projects(MediumIssued)
def issued(medium: MediumIssued, recorded: Recorded, write: Write) -> None:
    if medium.issue:
        write(REISSUED, (medium.id, medium.issue, medium.chip, medium.kind, medium.facility, recorded))
        write(STATE, (medium.id, "in_use", recorded))
    else:
        made = (medium.id, medium.number, medium.chip, medium.kind, medium.facility)
        write(NEW_MEDIUM, (*made, 0, 0, "in_use", recorded))
        write(CLAIM, (Guard.MEDIUM, medium.id))
        write(CLAIM, (Guard.CHIP, chip_key(medium.chip)))


@projects(MediumReturned)
def returned(medium: MediumReturned, recorded: Recorded, write: Write) -> None:
    write(STATE, (medium.id, "returned", recorded))


@projects(MediumBlocked)
def blocked(block: MediumBlocked, recorded: Recorded, write: Write) -> None:
    write(BLOCK, (block.block, block.medium, block.code, *stamped(recorded)))
    write(BLOCKS, (block.medium,))


@projects(MediumUnblocked)
def unblocked(lift: MediumUnblocked, recorded: Recorded, write: Write) -> None:
    write(LIFT, (lift.block, *stamped(recorded)))
    write(CLAIM, (Guard.LIFT, lift.block))
    write(BLOCKS, (lift.medium,))


@projects(MediumHeld)
def held(held: MediumHeld, recorded: Recorded, write: Write) -> None:
    write(HOLDER, (held.medium, held.customer, held.issue, recorded))


@projects(Replaced)
def replaced(replaced: Replaced, recorded: Recorded, write: Write) -> None:
    write(STATE, (replaced.old, "replaced", recorded))


@projects(ReplacedAlone)
def replaced_alone(alone: ReplacedAlone, recorded: Recorded, write: Write) -> None:
    write(REPLACED_ALONE, (alone.medium, alone.facility, alone.home, *stamped(recorded)))


@projects(DepositTaken)
def deposit_taken(deposit: DepositTaken, recorded: Recorded, write: Write) -> None:
    row = (deposit.id, deposit.medium, deposit.facility, deposit.amount, deposit.currency)
    write(DEPOSIT, (*row, *stamped(recorded)))


@projects(DepositReturned)
def deposit_returned(deposit: DepositReturned, recorded: Recorded, write: Write) -> None:
    row = (deposit.id, deposit.medium, deposit.facility, deposit.amount, deposit.currency)
    write(DEPOSIT_BACK, (*row, *stamped(recorded)))
    write(CLAIM, (Guard.DEPOSIT, deposit.id))


@projects(EntitlementIssued)
def entitlement_issued(entitlement: EntitlementIssued, recorded: Recorded, write: Write) -> None:
    e, stamp = entitlement, stamped(recorded)
    write(
        ENTITLEMENT,
        (
            e.id, e.medium, e.issue, *stamp, e.operator, e.sales_point, e.facility, e.product, e.product_code, e.kind,
            e.category, e.currency, e.price, e.list_price, e.points, e.time_zone,
            canonical.encode(e.validity).decode(), canonical.encode(e.facilities).decode(),
            e.valid_from, e.valid_until, *stamp,
        ),
    )  # fmt: skip
    for stay in e.stays:
        write(INCLUDED, (e.id, stay.facility, stay.tariff, stay.package, stay.prepaid_minor, stay.times, *stamp))


@projects(IncludedStayUsed)
def included_stay_used(used: IncludedStayUsed, recorded: Recorded, write: Write) -> None:
    write(INCLUDED_USE, (used.entitlement, used.facility, used.nth, used.stay, *stamped(recorded)))
    write(CLAIM, (Guard.INCLUDED, included_key(used.entitlement, used.facility, used.nth)))


@projects(Activated)
def activated(activation: Activated, recorded: Recorded, write: Write) -> None:
    write(ACTIVATION, (activation.id, activation.valid_from, activation.valid_until, *stamped(recorded)))
    write(ACTIVATED, (activation.id, activation.valid_from, activation.valid_until, recorded))


@projects(DayUsed)
def day_used(used: DayUsed, recorded: Recorded, write: Write) -> None:
    write(DAY, (used.id, used.day))


@projects(EntitlementMoved)
def moved(moved: EntitlementMoved, recorded: Recorded, write: Write) -> None:
    write(PLACED, (moved.id, moved.medium, moved.issue, recorded))


@projects(EntitlementVoided)
def voided(voided: EntitlementVoided, recorded: Recorded, write: Write) -> None:
    write(VOIDED, (voided.id, recorded))
