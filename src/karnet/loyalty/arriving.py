"""What loyalty of another server claims: rules and rewards of its own facilities only, each known by its name."""

from __future__ import annotations

from collections.abc import Sequence

from karnet.journal.rules.arrivals import Claim, Own, Place, Wrong, claims
from karnet.loyalty.operations import Earned, Rewarded, RightGiven, RulesPublished
from karnet.loyalty.rules import reward_id, rule_id


@claims(RulesPublished)
@claims(RightGiven)
def given(part: RulesPublished | RightGiven, place: Place) -> Sequence[Claim]:
    return [Own(part.facility, ("facility",))]


@claims(RulesPublished)
def named(part: RulesPublished, place: Place) -> Sequence[Claim]:
    wrong = [rule.code for rule in part.rules if rule.id != rule_id(part.facility, rule.code)]
    return [Wrong("wrong_id", f"the id of rule {code!r} is not that of its code") for code in wrong]


@claims(Earned)
def earned(part: Earned, place: Place) -> Sequence[Claim]:
    """Whose rule it is, the tables know: only that server gives what it promises (projection.EARNED)."""
    right = part.id == reward_id(part.rule, part.medium, part.issue, part.nth)
    return [] if right else [Wrong("wrong_id", f"reward {part.id} is not the one of its card and place")]


@claims(Rewarded)
def rewarded(part: Rewarded, place: Place) -> Sequence[Claim]:
    given = [one.id for one in (part.right, part.load) if one is not None]
    right = all(id_ == part.earned.id for id_ in given)
    return [] if right else [Wrong("wrong_id", f"it gives something else than reward {part.earned.id}")]
