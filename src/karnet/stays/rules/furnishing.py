"""Setting up a metered place: zones with their capacities, readers at their borders, what the house does with stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import get_args
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation
from karnet.journal.requests import made_id
from karnet.kernel.outcomes import Refused, bad_values, refused
from karnet.kernel.reasons import Reason
from karnet.stays.operations import (
    OUTSIDE,
    UNLIMITED,
    WHOLE,
    BorderRole,
    BorderSet,
    Furnished,
    HouseRulesSet,
    ZoneSized,
    zone_id,
)
from karnet.stays.requests import Furnish, HouseRules, Ready
from karnet.stays.rules.state import Facility, ZoneState

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_AMOUNT = 10**12
MAX_GRACE_S = 24 * 60 * 60


def decide_furnish(
    request: Furnish, facility: Facility | None, gates: Mapping[UUID, UUID]
) -> tuple[Ready | Refused, tuple[Operation, ...]]:
    """Set zones, readers and rules, all or none. `gates`: facility by gate, of those enrolled.

    A capacity may not be set below the heads that are in the zone: people have to leave first.
    """
    if facility is None:
        return refused(Reason.UNKNOWN_FACILITY, facility=str(request.facility)), ()
    problems = dict(_problems(request, facility, gates))
    if problems:
        return bad_values(problems), ()
    sized = []
    for code, capacity in _zones(request, facility).items():
        wanted = UNLIMITED if capacity is None else capacity
        before = facility.zones.get(code)
        if before is not None and wanted < before.heads:
            return refused(Reason.ZONE_FULL, zone=code), ()
        by = wanted - (before.capacity if before else 0)
        if before is None or by:
            sized.append(
                ZoneSized(id=zone_id(facility.id, code), facility=facility.id, code=code, by=by, new=before is None)
            )
        facility.zones[code] = ZoneState(code=code, heads=before.heads if before else 0, capacity=wanted)
    borders = tuple(BorderSet(facility=facility.id, **msgspec.structs.asdict(border)) for border in request.borders)
    rules = None
    if request.rules is not None:
        facility.rules = request.rules
        given = msgspec.structs.asdict(request.rules)
        rules = HouseRulesSet(id=made_id(request, "rules"), facility=facility.id, **given)
    answer = Ready(zones={code: zone_id(facility.id, code) for code in request.zones})
    if not (sized or borders or rules):
        return answer, ()
    return answer, (Furnished(facility=facility.id, zones=tuple(sized), borders=borders, rules=rules),)


def _zones(request: Furnish, facility: Facility) -> dict[str, int | None]:
    """Return the zones to set: the whole facility is one from the first on."""
    new = {} if WHOLE in facility.zones or WHOLE in request.zones else {WHOLE: None}
    return {**new, **request.zones} if request.zones else {}


def _problems(request: Furnish, facility: Facility, gates: Mapping[UUID, UUID]) -> Iterator[tuple[str, str]]:
    for code, capacity in request.zones.items():
        if code != WHOLE and not _CODE.fullmatch(code):
            yield "zones", f"{code!r} is no code: letters, digits, dot, dash, underscore, at most 64"
        if capacity is not None and not 0 <= capacity < UNLIMITED:
            yield f"zones.{code}", f"must be 0 to {UNLIMITED - 1} heads, or null for no bound"
    known = {OUTSIDE, *request.zones, *facility.zones} - {WHOLE}
    for n, border in enumerate(request.borders):
        path = f"borders[{n}]"
        if gates.get(border.gate) != facility.id:
            yield f"{path}.gate", "is no gate of this facility; enrol it first"
        if border.role not in get_args(BorderRole):
            yield f"{path}.role", f"must be one of {', '.join(get_args(BorderRole))}"
        for field in ("out_of", "into"):
            if getattr(border, field) not in known:
                yield f"{path}.{field}", f"there is no zone {getattr(border, field)!r}"
        if border.role != "time_stop" and border.out_of == border.into:
            yield f"{path}.into", "must not be where it leads out of"
        if border.role == "both_ways" and OUTSIDE in (border.out_of, border.into):
            yield f"{path}.role", "a way out of the place is a gate that leads one way"
        if border.keeps_band and border.into != OUTSIDE:
            yield f"{path}.keeps_band", "only where people leave the place"
    if request.rules is not None:
        yield from _rules_problems(request.rules, known)


def _rules_problems(rules: HouseRules, known: set[str]) -> Iterator[tuple[str, str]]:
    if rules.metered_from not in known:
        yield "rules.metered_from", f"there is no zone {rules.metered_from!r}"
    for field in ("exit_grace_s", "warn_s"):
        if not 0 <= getattr(rules, field) <= MAX_GRACE_S:
            yield f"rules.{field}", f"must be 0 to {MAX_GRACE_S} seconds"
    for field in ("vat_bp", "on_top_vat_bp"):
        if not 0 <= getattr(rules, field) <= 10_000:
            yield f"rules.{field}", "must be 0 to 10000 basis points"
    if rules.receipt not in ("exit", "entry"):
        yield "rules.receipt", 'must be "exit" or "entry"'
    for n, amount in enumerate(rules.prepayments):
        if not 0 < amount <= MAX_AMOUNT:
            yield f"rules.prepayments[{n}]", f"must be 1 to {MAX_AMOUNT} minor units"
    if not 0 <= rules.lost_band_minor <= MAX_AMOUNT:
        yield "rules.lost_band_minor", f"must be 0 to {MAX_AMOUNT} minor units"
    if rules.unpaid_limit_minor is not None and not 0 <= rules.unpaid_limit_minor <= MAX_AMOUNT:
        yield "rules.unpaid_limit_minor", f"must be 0 to {MAX_AMOUNT} minor units, or null for no bound"
