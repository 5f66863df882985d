"""Projection of rules, rewards and rights, and of replacements of cards, which rights follow."""

from __future__ import annotations

from karnet.entitlements.operations import Replaced
from karnet.journal.operations import Recorded
from karnet.journal.projection import CLAIM, Insert, Write, projects, stamped
from karnet.kernel import canonical
from karnet.loyalty import models
from karnet.loyalty.operations import Earned, RightGiven, RightUsed, RulesPublished

USED = "right_used"
"""What may happen once, of rights (`CLAIM`)."""

_FACT = ("at", "origin", "number")


class _Earned(Insert):
    """Rewards, in the name of the server that published the rule alone: whoever else could earn for it would be first."""

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        chosen = ", ".join(f"d.{self._column(name)}" for name in self.columns)
        return (
            f"INSERT INTO loyalty_earned ({names}) SELECT {chosen} FROM {self._unnest()}"
            " JOIN loyalty_rule r ON r.id = d.rule_id AND r.origin = d.origin ON CONFLICT DO NOTHING"
        )


RULE = Insert(models.Rule, ["id", "facility", "code", "currency", "definition", "valid_from", "valid_until", *_FACT])
EARNED = _Earned(models.Earned, ["id", "rule", "medium", "issue", "nth", *_FACT])
RIGHT = Insert(models.Right, ["id", "medium", "issue", "facility", "discount_bp", "products", "valid_until", *_FACT])
SUCCESSION = Insert(models.Succession, ["old", "medium", "issue", *_FACT])
USE = Insert(models.RightUse, ["right", "order", *_FACT])


@projects(RulesPublished)
def rules_published(part: RulesPublished, recorded: Recorded, write: Write) -> None:
    for rule in part.rules:
        definition = canonical.encode(rule).decode()
        write(
            RULE,
            (
                rule.id, part.facility, rule.code, part.currency, definition, part.valid_from, part.valid_until,
                *stamped(recorded),
            ),
        )  # fmt: skip


@projects(Earned)
def earned(part: Earned, recorded: Recorded, write: Write) -> None:
    write(EARNED, (part.id, part.rule, part.medium, part.issue, part.nth, *stamped(recorded)))


@projects(RightGiven)
def right_given(part: RightGiven, recorded: Recorded, write: Write) -> None:
    products = canonical.encode(part.products).decode()
    write(
        RIGHT,
        (
            part.id, part.medium, part.issue, part.facility, part.discount_bp, products, part.valid_until,
            *stamped(recorded),
        ),
    )  # fmt: skip


@projects(RightUsed)
def right_used(part: RightUsed, recorded: Recorded, write: Write) -> None:
    write(USE, (part.id, part.order, *stamped(recorded)))
    write(CLAIM, (USED, part.id))


@projects(Replaced)
def replaced(part: Replaced, recorded: Recorded, write: Write) -> None:
    """Rights stay where they were given: one that arrives after the replacement is found on the new card all the same."""
    write(SUCCESSION, (part.old, part.new.id, part.new.issue, *stamped(recorded)))
