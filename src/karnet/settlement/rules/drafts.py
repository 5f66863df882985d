"""Agreements as people write them: drafts, what is wrong with one, and the exact text that it means (SPEC N8, N9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from karnet.access.operations import Direction, GateTerms
from karnet.kernel.decimals import BadDecimal, money, places, scaled, written
from karnet.kernel.outcomes import Refused, bad_values
from karnet.kernel.time import UnknownZone, zone
from karnet.settlement.operations import AgreedPart, AgreedPrice, Agreement, Limits
from karnet.settlement.rules.division import WHOLE, DivisionRule, OverdrawnRule, UnusedRule
from karnet.settlement.rules.totals import BonusRule, SecondPayoutRule, UnreturnedRule

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_WHERE = re.compile(r"(?P<what>.*) - at `\$(?P<path>[^`]*)`$")
_CURRENCY = re.compile(r"[A-Z]{3}")
WEIGHT_PLACES = 6
PERCENT_PLACES = 2


class DraftPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fixed part of a bundle's price, for a facility by code: gross, as text ("220.00"), VAT in percent ("8")."""

    facility: str
    amount: str
    vat: str


class DraftPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An agreed price: gross, as text ("160.00"), VAT in percent ("8"). What `parts` leave is divided by use."""

    product: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    price: str
    vat: str
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "adult"
    parts: tuple[DraftPart, ...] = ()
    division: DivisionRule | None = None


class DraftGate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a passage draws from a points ticket, and what it weighs ("1.50", at most six places) for a time ticket."""

    points: Count = 0
    weight: str = "0"


class DraftLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What servers may do for each other's cards while a link is down (operations.Limits)."""

    refund: str = "0"
    replacements: Count = 0


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An agreement as people write it, in JSON. Members by facility code, gates by "FACILITY/GATE", decimals as text.

    In force from the first instant of `first_day` to the last of `last_day`, by the clock of `time_zone`. `floor` is in
    percent; `replaces` is the SHA-256 of the agreement that ends when this one begins. What the rules mean:
    operations.Agreement.
    """

    season: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    currency: str
    time_zone: str
    first_day: date
    last_day: date
    members: tuple[str, ...]
    prices: tuple[DraftPrice, ...]
    gates: dict[str, DraftGate] = {}
    division: DivisionRule = "weighted_passages"
    unused: UnusedRule = "seller"
    deposit: str = "0"
    floor: str = "0"
    overdrawn: OverdrawnRule = "shared"
    second_payout: SecondPayoutRule = "payer"
    unreturned: UnreturnedRule = "held"
    bonus: BonusRule = "giver"
    partners: tuple[str, ...] = ()
    limits: DraftLimits = DraftLimits()
    replaces: str = ""


class MemberFact(msgspec.Struct, frozen=True):
    """A facility that is enrolled and active. `server` is the one it belongs to."""

    id: UUID
    code: str
    currency: str
    server: UUID | None = None


class GateFact(msgspec.Struct, frozen=True):
    """A gate that is enrolled."""

    id: UUID
    facility: UUID
    code: str
    direction: Direction


class Standing(msgspec.Struct, frozen=True):
    """An agreement that is in force over [valid_from, valid_until), or a text proposed for that time and not signed by
    all (`in_force` is false)."""

    id: UUID
    season: str
    valid_from: datetime
    valid_until: datetime
    sha256: str = ""
    members: frozenset[UUID] = frozenset()
    in_force: bool = True


class Facts(msgspec.Struct, frozen=True):
    """What an agreement is checked against. Facilities by code; gates by (facility code, gate code). `home`: the server
    that asks."""

    facilities: Mapping[str, MemberFact]
    gates: Mapping[tuple[str, str], GateFact]
    agreements: Sequence[Standing]
    home: UUID | None = None


def read_draft(text: str) -> Draft | Refused:
    """Return the draft in a text; a refusal names the field at fault."""
    try:
        return msgspec.json.decode(text, type=Draft)
    except (msgspec.DecodeError, UnicodeError) as error:
        match = _WHERE.match(str(error))
        return bad_values({match["path"].lstrip(".") or "text": match["what"]} if match else {"text": str(error)})


def resolve(text: str, facts: Facts) -> Agreement | Refused:
    """Return the agreement that a draft means: codes become ids, decimals whole numbers, lists their canonical order.
    A refusal names every field at fault, each with what is wrong with it."""
    draft = read_draft(text)
    if isinstance(draft, Refused):
        return draft
    problems: dict[str, str] = {}
    _check_frame(draft, problems)
    members = _facilities("members", draft.members, draft, facts, problems)
    partners = _facilities("partners", draft.partners, draft, facts, problems)
    for code in sorted({*draft.members} & {*draft.partners}):
        problems["partners"] = f"{code} is a member, and charges cards as such"
    prices = _prices(draft, {*members, *partners}, facts, problems)
    replaced = _replaced(draft, members, facts, problems)
    gates = _gates(draft, facts, problems)
    deposit = _decimal(draft.deposit, places(draft.currency), "deposit", problems)
    refund = _decimal(draft.limits.refund, places(draft.currency), "limits.refund", problems)
    floor = _decimal(draft.floor, PERCENT_PLACES, "floor", problems)
    if floor > WHOLE:
        problems["floor"] = f"{draft.floor} % is more than 100 %"
    if draft.unused == "weights_of_members" and not any(terms.weight for terms in gates):
        problems["unused"] = "nothing can go by the members' weights while no gate has one"
    if problems:
        return bad_values(problems)
    return Agreement(
        season=draft.season,
        currency=draft.currency,
        first_day=draft.first_day,
        last_day=draft.last_day,
        time_zone=draft.time_zone,
        members=tuple(members),
        prices=tuple(prices),
        gates=tuple(gates),
        division=draft.division,
        unused=draft.unused,
        deposit_minor=deposit,
        floor_bp=floor,
        overdrawn=draft.overdrawn,
        second_payout=draft.second_payout,
        unreturned=draft.unreturned,
        bonus=draft.bonus,
        partners=tuple(partners),
        limits=Limits(refund_minor=refund, replacements=draft.limits.replacements),
        replaces=replaced,
    )


def _check_frame(draft: Draft, problems: dict[str, str]) -> None:
    if not _CURRENCY.fullmatch(draft.currency):
        problems["currency"] = f"{draft.currency!r} is not a code such as PLN (ISO 4217)"
    try:
        zone(draft.time_zone)
    except UnknownZone as error:
        problems["time_zone"] = str(error)
    if draft.last_day < draft.first_day:
        problems["last_day"] = f"{draft.last_day} is before the first day, {draft.first_day}"
    if not draft.members:
        problems["members"] = "an agreement needs members"
    if not draft.prices:
        problems["prices"] = "an agreement needs prices"


def _facilities(where: str, codes: tuple[str, ...], draft: Draft, facts: Facts, problems: dict[str, str]) -> list[UUID]:
    """Return the ids of facilities in the order of their codes."""
    found = []
    for index, code in enumerate(codes):
        facility = facts.facilities.get(code)
        if facility is None:
            problems[f"{where}[{index}]"] = f"no active facility has the code {code!r}"
        elif facility.currency != draft.currency:
            problems[f"{where}[{index}]"] = f"{code} keeps its books in {facility.currency}, not in {draft.currency}"
        elif code in codes[:index]:
            problems[f"{where}[{index}]"] = f"{code} is named twice"
        else:
            found.append(facility)
    return [facility.id for facility in sorted(found, key=lambda facility: facility.code)]


def _prices(draft: Draft, named: set[UUID], facts: Facts, problems: dict[str, str]) -> list[AgreedPrice]:
    found: dict[tuple[str, str], AgreedPrice] = {}
    for index, price in enumerate(draft.prices):
        where = f"prices[{index}]"
        key = (price.product, price.category)
        if key in found:
            problems[where] = f"{price.product} has two prices for {price.category}"
        parts = _parts(price, where, draft.currency, named, facts, problems)
        found[key] = AgreedPrice(
            product_code=price.product,
            category=price.category,
            price=_decimal(price.price, places(draft.currency), f"{where}.price", problems),
            vat_bp=_percent(price.vat, f"{where}.vat", problems),
            parts=parts,
            division=price.division,
        )
        if sum(part.amount for part in parts) > found[key].price:
            problems[f"{where}.parts"] = f"come to more than the price, {price.price}"
    return [found[key] for key in sorted(found)]


def _parts(
    price: DraftPrice, where: str, currency: str, named: set[UUID], facts: Facts, problems: dict[str, str]
) -> tuple[AgreedPart, ...]:
    found = []
    for index, part in enumerate(price.parts):
        at = f"{where}.parts[{index}]"
        facility = facts.facilities.get(part.facility)
        amount = _decimal(part.amount, places(currency), f"{at}.amount", problems)
        vat = _percent(part.vat, f"{at}.vat", problems)
        if facility is None or facility.id not in named:
            problems[at] = f"{part.facility!r} is neither a member nor a partner"
        else:
            found.append((facility.code, AgreedPart(facility=facility.id, amount=amount, vat_bp=vat)))
    return tuple(part for _, part in sorted(found, key=lambda pair: (pair[0], pair[1].vat_bp, pair[1].amount)))


def _replaced(draft: Draft, members: list[UUID], facts: Facts, problems: dict[str, str]) -> UUID | None:
    """Return the agreement that this one ends (SPEC N9: a change is a new agreement, and all who signed the old one sign
    it): so its members must all be members here."""
    if not draft.replaces:
        return None
    old = next((one for one in facts.agreements if one.sha256 == draft.replaces and one.in_force), None)
    if old is None:
        problems["replaces"] = "no agreement in force has this SHA-256"
        return None
    left_out = [f.code for f in facts.facilities.values() if f.id in old.members and f.id not in members]
    if left_out:
        problems["replaces"] = f"members of the old agreement must sign the new one: {', '.join(sorted(left_out))}"
    return old.id


def _gates(draft: Draft, facts: Facts, problems: dict[str, str]) -> list[GateTerms]:
    found = []
    for name, terms in sorted(draft.gates.items()):
        where = f"gates.{name}"
        facility, _, code = name.partition("/")
        gate = facts.gates.get((facility, code))
        weight = _decimal(terms.weight, WEIGHT_PLACES, f"{where}.weight", problems)
        if facility not in draft.members:
            problems[where] = f"{facility!r} is no member of this agreement; gates are named FACILITY/GATE"
        elif gate is None:
            problems[where] = f"{facility} has no gate {code!r}: enrol it first"
        elif gate.direction != "in" and (terms.points or weight):
            problems[where] = "passages through an exit do not settle: leave its points and weight at 0"
        elif terms.points and not weight:
            problems[f"{where}.weight"] = (
                "a gate that takes points needs a weight above 0: at 0 its passages do not settle"
            )
        else:
            found.append(GateTerms(gate=gate.id, points=terms.points, weight=weight))
    return found


def _percent(text: str, where: str, problems: dict[str, str]) -> int:
    value = _decimal(text, PERCENT_PLACES, where, problems)
    if value > WHOLE:
        problems[where] = f"{text} % is more than 100 %"
    return value


def _decimal(text: str, places: int, where: str, problems: dict[str, str]) -> int:
    try:
        return scaled(text, places)
    except BadDecimal as error:
        problems[where] = str(error)
        return 0


def draft_of(
    agreement: Agreement,
    facility_code: Callable[[UUID], str],
    gate_name: Callable[[UUID], str],
    replaced: str = "",
) -> Draft:
    """Return an agreement as people write it; publishing that draft again would make the same text. `replaced`: the
    SHA-256 of the agreement it replaces."""
    currency = agreement.currency
    return Draft(
        season=agreement.season,
        currency=currency,
        time_zone=agreement.time_zone,
        first_day=agreement.first_day,
        last_day=agreement.last_day,
        members=tuple(facility_code(member) for member in agreement.members),
        prices=tuple(_draft_price(price, currency, facility_code) for price in agreement.prices),
        gates={
            gate_name(terms.gate): DraftGate(points=terms.points, weight=written(terms.weight, WEIGHT_PLACES, least=2))
            for terms in agreement.gates
        },
        division=agreement.division,
        unused=agreement.unused,
        deposit=money(agreement.deposit_minor, currency),
        floor=written(agreement.floor_bp, PERCENT_PLACES) if agreement.floor_bp else "0",
        overdrawn=agreement.overdrawn,
        second_payout=agreement.second_payout,
        unreturned=agreement.unreturned,
        bonus=agreement.bonus,
        partners=tuple(facility_code(partner) for partner in agreement.partners),
        limits=DraftLimits(
            refund=money(agreement.limits.refund_minor, currency) if agreement.limits.refund_minor else "0",
            replacements=agreement.limits.replacements,
        ),
        replaces=replaced,
    )


def _draft_price(price: AgreedPrice, currency: str, facility_code: Callable[[UUID], str]) -> DraftPrice:
    return DraftPrice(
        product=price.product_code,
        category=price.category,
        price=money(price.price, currency),
        vat=written(price.vat_bp, PERCENT_PLACES),
        parts=tuple(
            DraftPart(
                facility=facility_code(part.facility),
                amount=money(part.amount, currency),
                vat=written(part.vat_bp, PERCENT_PLACES),
            )
            for part in price.parts
        ),
        division=price.division,
    )
