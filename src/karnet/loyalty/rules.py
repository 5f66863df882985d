"""What a rule may say, when a card has earned its reward, and what a right takes off a price. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

import msgspec

from karnet.accounts.operations import (
    AccountOpened,
    MoneyLoaded,
    StoredAccount,
    Transfer,
    house_account,
    stored_account,
)
from karnet.entitlements.rules import MediumState
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.loyalty.operations import (
    Earned,
    Event,
    LoyaltyRule,
    Rewarded,
    RewardKind,
    RightGiven,
    RulesPublished,
)
from karnet.loyalty.requests import Award, Awarded, PublishedRules, PublishRules, RuleDraft

WHOLE = 10_000
MAX = 10**12
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RuleInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of a facility of this server, over [valid_from, valid_until)."""

    rule: LoyaltyRule
    facility: UUID
    currency: str
    valid_from: datetime
    valid_until: datetime


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a card is with a rule: `counted` since its last reward and within the window; `given`: rewards so far."""

    counted: int
    given: int


def decide_rules(
    request: PublishRules, *, currency: str | None, at_home: bool, present: Mapping[UUID, str]
) -> tuple[PublishedRules | Refused, tuple[RulesPublished, ...]]:
    """Publish rules. Refuses a facility that is unknown or another server's, a code there is already, bad values."""
    if currency is None or not at_home:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems: dict[str, str] = {}
    if request.valid_until <= request.valid_from:
        problems["valid_until"] = "must be after the beginning"
    if not request.rules:
        problems["rules"] = "name at least one"
    for n, draft in enumerate(request.rules):
        for field, problem in _problems(draft).items():
            problems[f"rules[{n}].{field}"] = problem
    if problems:
        return bad_values(problems), ()
    rules = tuple(_rule(request.facility, draft) for draft in request.rules)
    taken = [rule.code for rule in rules if rule.id in present]
    if taken or len({rule.id for rule in rules}) < len(rules):
        return refused(Reason.ALREADY_EXISTS, code=(taken or [rules[0].code])[0]), ()
    operation = RulesPublished(
        facility=request.facility,
        currency=currency,
        valid_from=request.valid_from,
        valid_until=request.valid_until,
        rules=rules,
    )
    return PublishedRules(rules={rule.code: rule.id for rule in rules}), (operation,)


def rule_id(facility: UUID, code: str) -> UUID:
    """Return the id of a facility's rule with this code."""
    return named_id("loyalty", facility, code)


def reward_id(rule: UUID, medium: UUID, issue: int, nth: int) -> UUID:
    """Return the id of what an issue of a medium earns by a rule for the `nth` time."""
    return named_id("reward", rule, medium, issue, nth)


def _rule(facility: UUID, draft: RuleDraft) -> LoyaltyRule:
    return LoyaltyRule(id=rule_id(facility, draft.code), **msgspec.structs.asdict(draft))


def _problems(draft: RuleDraft) -> dict[str, str]:
    problems = {}
    reward = draft.reward
    if not _CODE.fullmatch(draft.code):
        problems["code"] = "letters, digits, dots and dashes, at most 64"
    if draft.event not in get_args(Event):
        problems["event"] = f"must be one of {', '.join(get_args(Event))}"
    if not 0 < draft.threshold <= MAX:
        problems["threshold"] = "must be above 0"
    if min(draft.window_days, draft.at_most, reward.valid_days) < 0:
        problems["window_days"] = "must not be negative"
    if reward.kind not in get_args(RewardKind):
        problems["reward.kind"] = f"must be one of {', '.join(get_args(RewardKind))}"
    elif reward.kind == "bonus" and not 0 < reward.amount <= MAX:
        problems["reward.amount"] = "must be above 0"
    elif reward.kind == "discount" and not (0 < reward.discount_bp <= WHOLE and reward.products and reward.valid_days):
        problems["reward.discount_bp"] = "needs a discount of 1 to 10000 basis points, products, and days to use it"
    return problems


def decide_award(
    request: Award, medium: MediumState | None, rules: Sequence[RuleInForce], progress: Mapping[UUID, Progress]
) -> tuple[Awarded | Refused, tuple[Rewarded, ...]]:
    """Give what was earned, each reward an operation of its own; nothing earned is no refusal.

    A window without end counts on, so twice the threshold earns twice; a window of days starts anew after a reward.
    """
    if medium is None:
        return refused(Reason.UNKNOWN_MEDIUM, number=str(request.medium)), ()
    made: list[Rewarded] = []
    if medium.state == "replaced":  # what was earned on it counts for the new one
        rules = ()
    for one in rules:
        if not one.valid_from <= request.at < one.valid_until:
            continue
        for nth in _due(one.rule, progress[one.rule.id]):
            made.append(_rewarded(request.at, medium, one, nth))
    answer = Awarded(
        rewards=tuple(one.earned.id for one in made),
        bonus=sum(one.load.bonus for one in made if one.load),
        rights=tuple(one.right.id for one in made if one.right),
    )
    return answer, tuple(made)


def _due(rule: LoyaltyRule, progress: Progress) -> range:
    """Return which rewards (their places from 1) are due now."""
    times = progress.counted // rule.threshold
    if rule.window_days:
        last = progress.given + min(times, 1)
    else:
        last = max(times, progress.given)
    if rule.at_most:
        last = min(last, max(rule.at_most, progress.given))
    return range(progress.given + 1, last + 1)


def _rewarded(at: datetime, medium: MediumState, one: RuleInForce, nth: int) -> Rewarded:
    rule, reward = one.rule, one.rule.reward
    id_ = reward_id(rule.id, medium.id, medium.issue, nth)
    earned = Earned(id=id_, rule=rule.id, medium=medium.id, issue=medium.issue, nth=nth)
    if reward.kind == "discount":
        right = RightGiven(
            id=id_,
            medium=medium.id,
            issue=medium.issue,
            facility=one.facility,
            discount_bp=reward.discount_bp,
            products=reward.products,
            valid_until=at + timedelta(days=reward.valid_days),
        )
        return Rewarded(earned=earned, right=right)
    account = stored_account(medium.id, medium.issue, one.facility, "bonus", one.currency)
    house = house_account(one.facility, "bonuses", one.currency)
    return Rewarded(
        earned=earned,
        load=MoneyLoaded(
            id=id_, medium=medium.id, facility=one.facility, currency=one.currency, money=0, bonus=reward.amount
        ),
        stored=(
            StoredAccount(
                account=account, medium=medium.id, issue=medium.issue, facility=one.facility, kind="bonus",
                currency=one.currency,
            ),
        ),
        accounts=(
            AccountOpened(id=house, owner=one.facility, purpose="bonuses", unit=one.currency, hot=True),
            AccountOpened(id=account, owner=medium.id, purpose="bonus", unit=one.currency, overdraft=0),
        ),
        transfers=(Transfer(source=house, target=account, amount=reward.amount, unit=one.currency),),
    )  # fmt: skip


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """A right on a card; `used` once a sale has taken it."""

    id: UUID
    medium: UUID
    issue: int
    facility: UUID
    discount_bp: int
    products: tuple[str, ...]
    valid_until: datetime
    used: bool = False


def check_right(
    right: Right | None, medium: MediumState | None, product: str, seller: UUID, at: datetime
) -> Refused | None:
    """Return why a right cannot be used for a ticket of a product of `seller` on a medium at an instant, or None.

    It is used where it was given [ours]: nobody gives away what another sells.
    """
    if right is None or medium is None or (right.medium, right.issue) != (medium.id, medium.issue):
        return refused(Reason.NO_RIGHT)
    if right.used:
        return refused(Reason.RIGHT_USED)
    if at >= right.valid_until:
        return refused(Reason.EXPIRED, until=right.valid_until.isoformat().replace("+00:00", "Z"))
    if product not in right.products or seller != right.facility:
        return refused(Reason.NO_RIGHT, product=product)
    return None


def discounted(price: int, discount_bp: int) -> int:
    """Return a price less a discount; what is taken off is rounded down [ours].

    >>> discounted(9999, 1000)
    9000
    """
    return price - price * discount_bp // WHOLE
