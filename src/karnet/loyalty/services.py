"""Publishing rules, giving what was earned, and selling with a right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.catalogue.selectors import product_versions
from karnet.entitlements.selectors import lock_media, media, media_by_number
from karnet.entitlements.services import already_issued
from karnet.journal.projection import CLAIM, Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.loyalty import selectors
from karnet.loyalty.operations import Redeemed, RightUsed
from karnet.loyalty.requests import Award, Awarded, PublishedRules, PublishRules, RuleDraft, SellWithRight
from karnet.loyalty.rules import check_right, decide_award, decide_rules, discounted, rule_id
from karnet.orders.requests import Sale, Sell
from karnet.orders.services import decide_sales
from karnet.parties.selectors import actors, all_facilities, facilities, home_server

__all__ = [
    "Award",
    "Awarded",
    "PublishRules",
    "PublishedRules",
    "RuleDraft",
    "SellWithRight",
    "award",
    "award_active",
    "publish_rules",
    "sell_with_right",
]

_BATCH = 200


def publish_rules(requests: Sequence[PublishRules]) -> list[PublishedRules | Refused]:
    """Publish rules, one operation a request. No lock: of two of one code the second is refused ALREADY_EXISTS."""
    return transact(
        requests, _publish, answers=PublishedRules, refuse=lambda request, error: refused(Reason.ALREADY_EXISTS)
    )


def _publish(tx: Transaction[PublishRules, PublishedRules]) -> None:
    known = facilities({request.facility for request in tx.fresh})
    servers = actors(known)
    home = home_server()
    for request in tx.fresh:
        facility = known.get(request.facility)
        ids = _rule_ids(request)
        answer, operations = decide_rules(
            request,
            currency=facility.currency if facility else None,
            at_home=facility is not None and servers[facility.id].parent == home,
            present=selectors.rule_codes(ids),
        )
        tx.record([Outcome(request, answer, operations)])


def _rule_ids(request: PublishRules) -> list[UUID]:
    return [rule_id(request.facility, draft.code) for draft in request.rules]


def award(requests: Sequence[Award]) -> list[Awarded | Refused]:
    """Give cards what they have earned by the rules of this server's facilities, each reward once. Locks the media.

    Asked again, or for a card that earned nothing, it gives nothing: so it may be asked at every sale and passage.
    """
    return transact(requests, _award, answers=Awarded)


def _award(tx: Transaction[Award, Awarded]) -> None:
    lock_media({request.medium for request in tx.fresh})
    given: dict[UUID, None] = {}
    for request in tx.fresh:
        # A card asked for twice in a batch: the second time nothing of what the first gave is in the tables yet.
        twice, known = request.medium in given, media([request.medium])
        given[request.medium] = None
        rules = [] if twice else selectors.rules_at(request.at, _home_facilities())
        progress = selectors.progress(rules, [request.medium], request.at).get(request.medium, {})
        answer, operations = decide_award(request, known.get(request.medium), rules, progress)
        tx.record([Outcome(request, answer, operations)])


def _home_facilities() -> list[UUID]:
    found = [facility.id for facility in all_facilities()]
    servers, home = actors(found), home_server()
    return [facility for facility in found if servers[facility].parent == home]


def award_active(since: datetime, until: datetime, *, actor: UUID) -> int:
    """Give every card that was used, loaded or charged in [since, until) what it has earned by `until`; return how many
    rewards were given. For a worker that runs every few minutes: its costs follow use, not history."""
    rewards = 0
    after: UUID | None = None
    asked_for: set[UUID] = set()
    if not selectors.rules_at(until, _home_facilities()):
        return 0
    while found := selectors.active_media(since, until + timedelta(milliseconds=1), _BATCH, after):
        # What was earned on a card that was replaced since is given on the new one.
        cards = set(selectors.present_cards(found).values()) - asked_for
        asked_for |= cards
        asked = [
            Award(key=f"award {card} {until.isoformat()}", at=until, actor=actor, medium=card) for card in sorted(cards)
        ]
        rewards += sum(len(answer.rewards) for answer in award(asked) if isinstance(answer, Awarded))
        after = found[-1]
    return rewards


def sell_with_right(requests: Sequence[SellWithRight]) -> list[Sale | Refused]:
    """Sell as `orders.services.sell`, one ticket cheaper by a right on its card, in one transaction: the right is used
    up if and only if the sale is made. Of two sales with one right the second is refused RIGHT_USED."""
    return [transact([request], _sell, answers=Sale, refuse=_used_already)[0] for request in requests]


def _sell(tx: Transaction[SellWithRight, Sale]) -> None:
    (request,) = tx.fresh
    prepared = _prepared(request)
    if isinstance(prepared, Refused):
        tx.record([Outcome(request, prepared)])
        return
    sale, given = prepared
    inner = Transaction[Sell, Sale]([sale], tx.actors)
    decide_sales(inner)
    (outcome,) = inner.outcomes
    operations = outcome.operations
    if isinstance(outcome.answer, Sale):
        used = Redeemed(use=RightUsed(id=request.right, order=outcome.answer.order), given=given)
        operations = (*operations, used)
    tx.record([Outcome(request, outcome.answer, operations)])


def _prepared(request: SellWithRight) -> tuple[Sell, int] | Refused:
    """Return the sale with the line's price reduced, and by how much."""
    if not 0 <= request.line < len(request.sale.lines):
        return bad_values({"line": "names no line of the sale"})
    line = request.sale.lines[request.line]
    version = product_versions([line.product]).get(line.product)
    if version is None:
        return refused(Reason.UNKNOWN_PRODUCT, product=str(line.product))
    if len(line.cards) != 1:
        return bad_values({"line": "a right makes one ticket on one card cheaper"})
    if line.category not in version.product.prices:
        return refused(Reason.UNKNOWN_CATEGORY, product=version.product.code, category=line.category)
    medium = media_by_number([line.cards[0].number]).get(line.cards[0].number)
    right = selectors.rights([request.right]).get(request.right)
    problem = check_right(right, medium, version.product.code, request.at)
    if problem is not None or right is None:
        return problem or refused(Reason.NO_RIGHT)
    full = version.product.prices[line.category] if line.unit_price is None else line.unit_price
    price = discounted(full, right.discount_bp)
    lines = list(request.sale.lines)
    lines[request.line] = msgspec.structs.replace(line, unit_price=price)
    changes = {"key": request.key, "at": request.at, "actor": request.actor, "lines": tuple(lines)}
    return msgspec.structs.replace(request.sale, **changes), full - price


def _used_already(request: Asked, error: Exception) -> Refused:
    if isinstance(error, Conflict) and error.form is CLAIM and isinstance(request, SellWithRight):
        right = selectors.rights([request.right]).get(request.right)
        if right is not None and right.used:
            return refused(Reason.RIGHT_USED)
    return already_issued(request, error)
