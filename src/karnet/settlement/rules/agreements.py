"""What an agreement must be before it can be in force: from a draft people write to the exact text (SPEC N8, N9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import msgspec

from karnet.access.operations import Direction, GateTerms
from karnet.kernel import canonical
from karnet.kernel.decimals import BadDecimal, money, places, scaled, written
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.kernel.time import UnknownZone, day_end, day_start, zone
from karnet.settlement.operations import AgreedPrice, Agreement, AgreementPublished
from karnet.settlement.requests import PublishedAgreement
from karnet.settlement.rules.division import DivisionRule, UnusedRule

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_WHERE = re.compile(r"(?P<what>.*) - at `\$(?P<path>[^`]*)`$")
_CURRENCY = re.compile(r"[A-Z]{3}")
WEIGHT_PLACES = 6
PERCENT_PLACES = 2


class DraftPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An agreed price: gross, as text ("160.00"), VAT in percent ("8")."""

    product: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    price: str
    vat: str
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "adult"


class DraftGate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a passage draws from a points ticket, and what it weighs ("1.50", at most six places) for a time ticket."""

    points: Count = 0
    weight: str = "0"


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An agreement as people write it, in JSON. Members by facility code, gates by "FACILITY/GATE", decimals as text.

    In force from the first instant of `first_day` to the last of `last_day`, by the clock of `time_zone`.
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


class MemberFact(msgspec.Struct, frozen=True):
    """A facility that is enrolled and active."""

    id: UUID
    code: str
    currency: str


class GateFact(msgspec.Struct, frozen=True):
    """A gate that is enrolled."""

    id: UUID
    facility: UUID
    code: str
    direction: Direction


class InForce(msgspec.Struct, frozen=True):
    """An agreement published before: its time of force is [valid_from, valid_until)."""

    id: UUID
    season: str
    valid_from: datetime
    valid_until: datetime


class Facts(msgspec.Struct, frozen=True):
    """What an agreement is checked against. Facilities by code; gates by (facility code, gate code)."""

    facilities: Mapping[str, MemberFact]
    gates: Mapping[tuple[str, str], GateFact]
    agreements: Collection[InForce]


def read_draft(text: str) -> Draft | Refused:
    """Return the draft in a text; a refusal names the field at fault."""
    try:
        return msgspec.json.decode(text, type=Draft)
    except (msgspec.DecodeError, UnicodeError) as error:
        match = _WHERE.match(str(error))
        return bad_values({match["path"].lstrip(".") or "text": match["what"]} if match else {"text": str(error)})


def canonical_text(agreement: Agreement) -> bytes:
    """Return the exact text of an agreement: these bytes are hashed, and signed where many must sign."""
    return canonical.encode(agreement)


def agreement_id(digest: str) -> UUID:
    """Return the id of the agreement whose canonical text has this SHA-256 (hex)."""
    return named_id("agreement", digest)


def decide_agreement(text: str, facts: Facts) -> tuple[PublishedAgreement | Refused, tuple[AgreementPublished, ...]]:
    """Return the answer to publishing a draft, and the operation to record unless it is refused."""
    agreement = resolve(text, facts)
    if isinstance(agreement, Refused):
        return agreement, ()
    digest = sha256(canonical_text(agreement)).hexdigest()
    operation = AgreementPublished(
        id=agreement_id(digest),
        sha256=digest,
        text=agreement,
        valid_from=day_start(agreement.first_day, agreement.time_zone),
        valid_until=day_end(agreement.last_day, agreement.time_zone),
    )
    for other in facts.agreements:
        if other.id == operation.id:
            return refused(Reason.ALREADY_EXISTS, code=other.season), ()
        if other.valid_from < operation.valid_until and operation.valid_from < other.valid_until:
            return overlaps(other), ()
    answer = PublishedAgreement(
        id=operation.id, sha256=digest, valid_from=operation.valid_from, valid_until=operation.valid_until
    )
    return answer, (operation,)


def overlaps(other: InForce) -> Refused:
    """Return the refusal of an agreement that would be in force beside another."""
    return refused(
        Reason.AGREEMENT_OVERLAPS,
        season=other.season,
        valid_from=other.valid_from.isoformat().replace("+00:00", "Z"),
        until=other.valid_until.isoformat().replace("+00:00", "Z"),
    )


def resolve(text: str, facts: Facts) -> Agreement | Refused:
    """Return the agreement that a draft means: codes become ids, decimals whole numbers, lists their canonical order.
    A refusal names every field at fault, each with what is wrong with it."""
    draft = read_draft(text)
    if isinstance(draft, Refused):
        return draft
    problems: dict[str, str] = {}
    _check_frame(draft, problems)
    members = _members(draft, facts, problems)
    prices = _prices(draft, problems)
    gates = _gates(draft, facts, problems)
    deposit = _decimal(draft.deposit, places(draft.currency), "deposit", problems)
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


def _members(draft: Draft, facts: Facts, problems: dict[str, str]) -> list[UUID]:
    """Return the ids of the members in the order of their codes."""
    found = []
    for index, code in enumerate(draft.members):
        facility = facts.facilities.get(code)
        if facility is None:
            problems[f"members[{index}]"] = f"no active facility has the code {code!r}"
        elif facility.currency != draft.currency:
            problems[f"members[{index}]"] = f"{code} keeps its books in {facility.currency}, not in {draft.currency}"
        elif code in draft.members[:index]:
            problems[f"members[{index}]"] = f"{code} is named twice"
        else:
            found.append(facility)
    return [facility.id for facility in sorted(found, key=lambda facility: facility.code)]


def _prices(draft: Draft, problems: dict[str, str]) -> list[AgreedPrice]:
    found: dict[tuple[str, str], AgreedPrice] = {}
    for index, price in enumerate(draft.prices):
        where = f"prices[{index}]"
        key = (price.product, price.category)
        if key in found:
            problems[where] = f"{price.product} has two prices for {price.category}"
        found[key] = AgreedPrice(
            product_code=price.product,
            category=price.category,
            price=_decimal(price.price, places(draft.currency), f"{where}.price", problems),
            vat_bp=_decimal(price.vat, PERCENT_PLACES, f"{where}.vat", problems),
        )
        if found[key].vat_bp > 10_000:
            problems[f"{where}.vat"] = f"{price.vat} % is more than 100 %"
    return [found[key] for key in sorted(found)]


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


def _decimal(text: str, places: int, where: str, problems: dict[str, str]) -> int:
    try:
        return scaled(text, places)
    except BadDecimal as error:
        problems[where] = str(error)
        return 0


def draft_of(agreement: Agreement, facility_code: Callable[[UUID], str], gate_name: Callable[[UUID], str]) -> Draft:
    """Return an agreement as people write it; publishing that draft again would make the same text."""
    return Draft(
        season=agreement.season,
        currency=agreement.currency,
        time_zone=agreement.time_zone,
        first_day=agreement.first_day,
        last_day=agreement.last_day,
        members=tuple(facility_code(member) for member in agreement.members),
        prices=tuple(
            DraftPrice(
                product=price.product_code,
                category=price.category,
                price=money(price.price, agreement.currency),
                vat=written(price.vat_bp, PERCENT_PLACES),
            )
            for price in agreement.prices
        ),
        gates={
            gate_name(terms.gate): DraftGate(points=terms.points, weight=written(terms.weight, WEIGHT_PLACES, least=2))
            for terms in agreement.gates
        },
        division=agreement.division,
        unused=agreement.unused,
        deposit=money(agreement.deposit_minor, agreement.currency),
    )
