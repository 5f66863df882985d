"""Publishing rules, giving what was earned, and selling with a right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from karnet.catalogue.selectors import Version, product_versions
from karnet.entitlements.rules import MediumState
from karnet.entitlements.selectors import lock_media, media, media_by_number
from karnet.entitlements.services import already_issued
from karnet.journal.projection import CLAIM, Conflict
from karnet.journal.transaction import Asked, Outcome, Transaction, transact
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import instant
from karnet.loyalty import selectors
from karnet.loyalty.operations import Redeemed, RightUsed
from karnet.loyalty.requests import (
    Award,
    Awarded,
    PublishedRules,
    PublishRules,
    RightOnLine,
    RuleDraft,
    SellWithRights,
)
from karnet.loyalty.rules import Right, check_right, decide_award, decide_rules, discounted, rule_id
from karnet.orders.requests import Sale, SaleLine, Sell
from karnet.orders.services import decide_sales
from karnet.parties.selectors import actors, all_facilities, facilities, home_server

__all__ = [
    "Award",
    "Awarded",
    "PublishRules",
    "PublishedRules",
    "RightOnLine",
    "RuleDraft",
    "SellWithRights",
    "award",
    "award_active",
    "publish_rules",
    "sell_with_rights",
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


def sell_with_rights(requests: Sequence[SellWithRights]) -> list[Sale | Refused]:
    """Sell as `orders.services.sell`, tickets cheaper by rights on their cards, in one transaction: the rights are used
    up if and only if the sale is made. Of two sales with one right the second is refused RIGHT_USED."""
    return [transact([request], _sell, answers=Sale, refuse=_used_already)[0] for request in requests]


def _sell(tx: Transaction[SellWithRights, Sale]) -> None:
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
        order = outcome.answer.order
        used = (Redeemed(use=RightUsed(id=right, order=order), given=off) for right, off in given.items())
        operations = (*operations, *used)
    tx.record([Outcome(request, outcome.answer, operations)])


def _prepared(request: SellWithRights) -> tuple[Sell, dict[UUID, int]] | Refused:
    """Return the sale with the prices of the lines reduced, and by how much each right does so."""
    lines = list(request.sale.lines)
    asked = {one.right: one.line for one in request.rights}
    if not asked or len(asked) < len(request.rights) or len(set(asked.values())) < len(asked):
        return bad_values({"rights": "name each right once, and each for a line of its own"})
    if not all(0 <= place < len(lines) and len(lines[place].cards) == 1 for place in asked.values()):
        return bad_values({"rights": "each names a line of the sale with one ticket on one card"})
    cards = media_by_number([lines[place].cards[0].number for place in asked.values()])
    versions = product_versions({lines[place].product for place in asked.values()})
    known = selectors.rights(asked)
    given: dict[UUID, int] = {}
    for id_, place in asked.items():
        line = lines[place]
        reduced = _reduced(
            line, versions.get(line.product), known.get(id_), cards.get(line.cards[0].number), instant(request.at)
        )
        if isinstance(reduced, Refused):
            return reduced
        lines[place], given[id_] = reduced
    changes = {"key": request.key, "at": request.at, "actor": request.actor, "lines": tuple(lines)}
    return msgspec.structs.replace(request.sale, **changes), given


def _reduced(
    line: SaleLine, version: Version | None, right: Right | None, medium: MediumState | None, at: datetime
) -> tuple[SaleLine, int] | Refused:
    """Return a line of one ticket at the price that a right leaves of it, and what the right takes off."""
    if version is None:
        return refused(Reason.UNKNOWN_PRODUCT, product=str(line.product))
    product = version.product
    if line.category not in product.prices:
        return refused(Reason.UNKNOWN_CATEGORY, product=product.code, category=line.category)
    problem = check_right(right, medium, product.code, version.facility, at)
    if problem is not None or right is None:
        return problem or refused(Reason.NO_RIGHT)
    full = product.prices[line.category] if line.unit_price is None else line.unit_price
    price = discounted(full, right.discount_bp)
    return msgspec.structs.replace(line, unit_price=price), full - price


def _used_already(request: Asked, error: Exception) -> Refused:
    if isinstance(error, Conflict) and error.form is CLAIM and isinstance(request, SellWithRights):
        asked = selectors.rights([one.right for one in request.rights])
        if any(right.used for right in asked.values()):
            return refused(Reason.RIGHT_USED)
    return already_issued(request, error)
