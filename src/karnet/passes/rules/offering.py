"""What kinds of passes may be published."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from uuid import UUID

from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.orders.rules.pricing import MAX_AMOUNT
from karnet.passes.kinds import Contract, Pack, PassKind
from karnet.passes.operations import KindSet, Offered, ProgrammeSet, ProgrammesSet
from karnet.passes.requests import OfferPasses, PassesOffered, ProgrammesHold, SetProgrammes

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}")
MAX_KINDS = 50


def decide_offer(
    request: OfferPasses, known: bool, before: Mapping[str, PassKind]
) -> tuple[PassesOffered | Refused, tuple[Operation, ...]]:
    """Publish kinds of passes. `known`: there is such a facility; `before`: the kinds as they are.

    Refuses what nobody could sell, and a version that leaves out or changes a purse on which people may have money.
    """
    if not known:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = {}
    if not 0 < len(request.kinds) <= MAX_KINDS or len({kind.code for kind in request.kinds}) < len(request.kinds):
        problems["kinds"] = f"must be 1 to {MAX_KINDS}, each code once"
    for n, kind in enumerate(request.kinds):
        problems |= {f"kinds[{n}].{field}": problem for field, problem in kind_problems(kind).items()}
        earlier = before.get(kind.code)
        for purse in earlier.purses if earlier else ():
            now = kind.purse(purse.code)
            if now is None or (now.unit, now.vat_bp, now.bonus) != (purse.unit, purse.vat_bp, purse.bonus):
                problems[f"kinds[{n}].purses"] = f"must keep purse {purse.code} as it is: people have something in it"
    if problems:
        return bad_values(problems), ()
    sets = tuple(
        KindSet(id=made_id(request, f"kind:{kind.code}"), facility=request.facility, kind=kind)
        for kind in request.kinds
    )
    answer = PassesOffered(codes=tuple(kind.code for kind in request.kinds))
    return answer, (Offered(facility=request.facility, kinds=sets),)


def decide_programmes(
    request: SetProgrammes, known: bool, issuers: Collection[UUID]
) -> tuple[ProgrammesHold | Refused, tuple[Operation, ...]]:
    """Say which benefit cards a facility takes. `issuers`: the companies named that are known."""
    if not known:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = {}
    for n, programme in enumerate(request.programmes):
        if not _CODE.fullmatch(programme.code) or sum(o.code == programme.code for o in request.programmes) > 1:
            problems[f"programmes[{n}].code"] = "each once, of 1 to 24 letters, digits, points, dashes"
        if not 0 < len(programme.package) <= 64:
            problems[f"programmes[{n}].package"] = "name the package that the issuer pays"
        if not 0 <= programme.vat_bp <= 10_000:
            problems[f"programmes[{n}].vat_bp"] = "must be 0 to 10000 basis points"
        if programme.issuer is not None and programme.issuer not in issuers:
            problems[f"programmes[{n}].issuer"] = "is no company that is known"
    if problems or not request.programmes:
        return bad_values(problems or {"programmes": "name at least one"}), ()
    parts = tuple(
        ProgrammeSet(id=made_id(request, f"programme:{one.code}"), facility=request.facility, programme=one)
        for one in request.programmes
    )
    answer = ProgrammesHold(codes=tuple(one.code for one in request.programmes))
    return answer, (ProgrammesSet(facility=request.facility, programmes=parts),)


def kind_problems(kind: PassKind) -> dict[str, str]:
    """Return what is wrong with a kind of pass, by field; all at once."""
    problems = {}
    if not _CODE.fullmatch(kind.code):
        problems["code"] = "must have 1 to 24 letters, digits, points, dashes"
    codes = [purse.code for purse in kind.purses]
    if not codes or len(set(codes)) < len(codes) or not all(_CODE.fullmatch(code) for code in codes):
        problems["purses"] = "must be at least one, each code once, of 1 to 24 letters, digits, points, dashes"
    if any(purse.vat_bp is not None and not 0 <= purse.vat_bp <= 10_000 for purse in kind.purses):
        problems["purses"] = "vat_bp must be 0 to 10000 basis points"
    if any(purse.unit == "credits" and (purse.bonus or purse.vat_bp is None) for purse in kind.purses):
        problems["purses"] = "credits are no bonus, and taxed when they are paid for: give them vat_bp"
    if any(purse.bonus and purse.vat_bp is not None for purse in kind.purses):
        problems["purses"] = "bonus money is given, so there is no VAT when it comes in: leave its vat_bp out"
    if any(not 0 < amount <= MAX_AMOUNT for amount in (*kind.amounts, kind.least_minor)):
        problems["amounts"] = f"must be 1 to {MAX_AMOUNT} minor units"
    if (kind.amounts or kind.free_amounts) and kind.filled is None:
        problems["purses"] = "top-ups need a purse of money that is no bonus"
    for tier in kind.tiers:
        if not (0 <= tier.from_minor <= MAX_AMOUNT and 0 <= tier.bonus_bp <= 100_000):
            problems["tiers"] = "from_minor must not be below zero, bonus_bp 0 to 100000 basis points"
        if tier.valid_days is not None and not 0 < tier.valid_days <= 36_500:
            problems["tiers"] = "valid_days must be 1 to 36500"
    if any(tier.bonus_bp for tier in kind.tiers) and kind.given is None:
        problems["tiers"] = "a bonus needs a purse of bonus money"
    if not (0 <= kind.card_price_minor <= MAX_AMOUNT and 0 <= kind.card_vat_bp <= 10_000):
        problems["card_price_minor"] = "must not be below zero; card_vat_bp 0 to 10000"
    if kind.hold_minor is not None and not 0 <= kind.hold_minor <= MAX_AMOUNT:
        problems["hold_minor"] = f"must be 0 to {MAX_AMOUNT} minor units"
    if not 0 < kind.hold_hours <= 24 * 366:
        problems["hold_hours"] = "must be 1 to 8784"
    if kind.people is not None and kind.people < 1:
        problems["people"] = "must be at least 1, or left out"
    for pack in kind.packs:
        if wrong := _pack_problem(pack, kind):
            problems["packs"] = f"{pack.code}: {wrong}"
    if kind.contract is not None and (wrong := _contract_problem(kind.contract)):
        problems["contract"] = wrong
    if not (kind.amounts or kind.free_amounts or kind.packs or kind.contract):
        problems["amounts"] = "there must be something to sell: amounts, free amounts, packs or a contract"
    return problems


def _pack_problem(pack: Pack, kind: PassKind) -> str:
    if not _CODE.fullmatch(pack.code) or sum(one.code == pack.code for one in kind.packs) > 1:
        return "each code once, of 1 to 24 letters, digits, points, dashes"
    if not pack.into or not 0 < pack.price_minor <= MAX_AMOUNT:
        return "must hold something, and cost something"
    for code, content in pack.into.items():
        purse = kind.purse(code)
        if purse is None or not 0 < content.amount <= MAX_AMOUNT or content.price_minor < 0:
            return f"{code} must be a purse, with an amount above zero"
        if purse.bonus and content.price_minor:
            return f"{code} is given: it has no price"
        if purse.unit == "money" and not purse.bonus and content.price_minor != content.amount:
            return f"{code} is money, so it costs what it holds; put what is given into a purse of bonus money"
    if pack.valid_days is not None and not 0 < pack.valid_days <= 36_500:
        return "valid_days must be 1 to 36500"
    return ""


def _contract_problem(contract: Contract) -> str:
    if not 0 < contract.months <= 120 or not 0 < contract.instalments <= contract.months:
        return "must have 1 to 120 months, and at most one instalment a month"
    if not contract.instalments <= contract.price_minor <= MAX_AMOUNT or not 0 <= contract.vat_bp <= 10_000:
        return "price_minor must be above zero, vat_bp 0 to 10000"
    return "" if 0 <= contract.grace_days <= 366 else "grace_days must be 0 to 366"
