"""What operations on passes do to their tables. What is on a pass is in accounts, which project themselves."""

from __future__ import annotations

from karnet.entitlements.operations import Replaced
from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, SetEarlier, SetLater, Write, projects, stamped
from karnet.kernel import canonical
from karnet.passes import models
from karnet.passes.operations import (
    BenefitUsed,
    ContractRuns,
    CreditsUsed,
    HoldOver,
    InstalmentAgreed,
    InstalmentPaid,
    KindSet,
    PassBlocked,
    PassHeld,
    PassSold,
    PassToppedUp,
    PassUnblocked,
    ProgrammeSet,
)

_FACT = ("at", "origin", "number")

KIND = Insert(models.Kind, ["id", "facility", "code", "definition", *_FACT])
PASS = Insert(models.Pass, ["id", "facility", "kind", "medium", "issue", "sales_point", "operator", "customer", *_FACT])
TOP_UP = Insert(models.TopUp, ["id", "of", "paid", "bonus", "pack", "sales_point", "until", *_FACT])
HOLD = Insert(models.Hold, ["id", "of", "holder", "account", "amount", "expires_at", *_FACT])
BLOCK = Insert(models.Block, ["id", "of", "code", *_FACT])
INSTALMENT = Insert(models.Instalment, ["id", "of", "facility", "n", "due_on", "amount", *_FACT])
CREDIT_USE = Insert(models.CreditUse, ["id", "of", "purse", "credits", "code", "sales_point", *_FACT])
REPLACEMENT = Insert(models.Replacement, ["new", "new_issue", "old", *_FACT])
PROGRAMME = Insert(models.Programme, ["id", "facility", "code", "definition", *_FACT])
BENEFIT = Insert(
    models.BenefitEntry,
    ["id", "facility", "programme", "card", "day", "category", "amount", "vat_bp", "stay", *_FACT],
)
GOOD = SetLater(models.Pass, ["id"], ["good_until"], "good")
RUNS = SetLater(models.Pass, ["id"], ["runs_until"], "runs")
LIFTED = SetEarlier(models.Block, ["id"], [], "lifted")
OVER = SetEarlier(models.Hold, ["id"], [], "over")
PAID = SetEarlier(models.Instalment, ["id"], [], "paid")


@projects(KindSet)
def kind_set(part: KindSet, recorded: Recorded, write: Write) -> None:
    write(KIND, (part.id, part.facility, part.kind.code, canonical.encode(part.kind), *stamped(recorded)))


@projects(PassSold)
def pass_sold(part: PassSold, recorded: Recorded, write: Write) -> None:
    write(
        PASS,
        (
            part.id, part.facility, part.kind, part.medium, part.issue, part.sales_point, part.operator, part.customer,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(PassToppedUp)
def pass_topped_up(part: PassToppedUp, recorded: Recorded, write: Write) -> None:
    write(
        TOP_UP,
        (part.id, part.of, part.paid, part.bonus, part.pack, part.sales_point, part.until, *stamped(recorded)),
    )
    write(GOOD, (part.of, part.until, recorded))


@projects(ContractRuns)
def contract_runs(part: ContractRuns, recorded: Recorded, write: Write) -> None:
    write(RUNS, (part.of, part.until, recorded))


@projects(InstalmentAgreed)
def instalment_agreed(part: InstalmentAgreed, recorded: Recorded, write: Write) -> None:
    write(INSTALMENT, (part.id, part.of, part.facility, part.n, part.due_on, part.amount, *stamped(recorded)))


@projects(InstalmentPaid)
def instalment_paid(part: InstalmentPaid, recorded: Recorded, write: Write) -> None:
    write(PAID, (part.id, recorded))


@projects(PassHeld)
def pass_held(part: PassHeld, recorded: Recorded, write: Write) -> None:
    write(HOLD, (part.id, part.of, part.holder, part.account, part.amount, part.expires_at, *stamped(recorded)))


@projects(HoldOver)
def hold_over(part: HoldOver, recorded: Recorded, write: Write) -> None:
    write(OVER, (part.id, recorded))


@projects(PassBlocked)
def pass_blocked(part: PassBlocked, recorded: Recorded, write: Write) -> None:
    write(BLOCK, (part.id, part.of, part.code, *stamped(recorded)))


@projects(PassUnblocked)
def pass_unblocked(part: PassUnblocked, recorded: Recorded, write: Write) -> None:
    write(LIFTED, (part.block, recorded))


@projects(CreditsUsed)
def credits_used(part: CreditsUsed, recorded: Recorded, write: Write) -> None:
    write(
        CREDIT_USE,
        (part.id, part.of, part.purse, part.credits, part.code, part.sales_point, *stamped(recorded)),
    )


@projects(ProgrammeSet)
def programme_set(part: ProgrammeSet, recorded: Recorded, write: Write) -> None:
    programme = part.programme
    write(PROGRAMME, (part.id, part.facility, programme.code, canonical.encode(programme), *stamped(recorded)))


@projects(BenefitUsed)
def benefit_used(part: BenefitUsed, recorded: Recorded, write: Write) -> None:
    write(
        BENEFIT,
        (
            part.id, part.facility, part.programme, part.card, part.day, part.category, part.amount, part.vat_bp,
            part.stay, *stamped(recorded),
        ),
    )  # fmt: skip


@projects(Replaced)
def card_replaced(replaced: Replaced, recorded: Recorded, write: Write) -> None:
    write(REPLACEMENT, (replaced.new.id, replaced.new.issue, replaced.old, *stamped(recorded)))
