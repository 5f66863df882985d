"""Whatever travels and has a key of its own is made by the server in whose log it stands, and says so: else whoever hears
of it first could make it, too, and the honest log would be refused (docs/federation.md, ids).

Found out by projecting made-up operations: every unique key of a row they insert must hold something that nobody else
can put there.
"""

from __future__ import annotations

import types
import typing
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid4

import msgspec

from karnet.federation.sim.schema import schema_of
from karnet.journal.operations import Entry, Operation, Recorded, kinds
from karnet.journal.projection import Insert, InsertOrSetLater, collect
from karnet.journal.rules.arrivals import Log, Made, Own, Place, claims_of

LOG = Log("alp.example/log", uuid4())
SHARED = {
    f"{kind} {version}": struct
    for (kind, version), struct in kinds().items()
    if struct.SCOPE == "shared" and not kind.startswith(("test.", "bench."))
}

# Keys that hold no id of the server's making. What keeps others from putting a row there first:
BY_NAME = "its id is a name, and claims compare it with what it names"
BY_ITS_SERVER = "the tables believe one server only"
BY_THE_HUB = "it points at the hub that said it, and nobody else has a row to point at"
SAME_FOR_ALL = "whoever says it says the same: saying it twice is saying it once"
KEPT_OTHERWISE = {
    "journal_actor (id)": BY_NAME,
    # Codes are given by people, and seldom: docs/federation.md, what is not guarded yet.
    "parties_facility (code)": "whoever comes first has it",
    "loyalty_rule (id)": BY_NAME,
    "loyalty_earned (id)": BY_NAME,
    "loyalty_earned (rule, medium, issue, nth)": BY_ITS_SERVER,
    "loyalty_right (id)": BY_ITS_SERVER,
    "accounts_load (id)": BY_ITS_SERVER,
    "orders_line_back (line)": BY_ITS_SERVER,
    "orders_invoice (order)": BY_ITS_SERVER,
    "settlement_closing (agreement, sequence)": BY_ITS_SERVER,
    "accounts_account (id)": SAME_FOR_ALL,
    "accounts_account (id, unit)": SAME_FOR_ALL,
    "accounts_stored (account)": SAME_FOR_ALL,
    "entitlements_day (entitlement, day)": SAME_FOR_ALL,
    "federation_announcement (log, vkey)": SAME_FOR_ALL,
    "federation_voucher (log, vkey, voucher)": SAME_FOR_ALL,
    "federation_hub (only)": BY_THE_HUB,
    "federation_hub (server)": BY_THE_HUB,
    "federation_key (log, vkey)": BY_THE_HUB,
    "federation_member (invitation)": BY_THE_HUB,
    "federation_member (log)": BY_THE_HUB,
    "federation_member (server)": BY_THE_HUB,
    "federation_invitation (id)": BY_THE_HUB,
}


def made_up(annotation: Any) -> Any:
    """A value of this type: every id new, every collection with one thing in it, nothing left out."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return made_up(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return made_up(next(one for one in arguments if one is not type(None)))
    if origin is typing.Literal:
        return arguments[0]
    if origin in (tuple, list):
        return origin([made_up(arguments[0])])
    if origin is dict:
        return {made_up(arguments[0]): made_up(arguments[1])}
    if issubclass(annotation, msgspec.Struct):
        hints = typing.get_type_hints(annotation)
        return annotation(**{field: made_up(hints[field]) for field in annotation.__struct_fields__})
    return _PLAIN[annotation]()


_PLAIN: dict[Any, Any] = {
    UUID: uuid4, str: lambda: "ab", int: lambda: 0, bool: lambda: False, bytes: bytes,
    datetime: lambda: datetime(2027, 1, 16, tzinfo=UTC), date: lambda: date(2027, 1, 16), time: time,
}  # fmt: skip


def open_to_others(body: Operation) -> set[str]:
    """The keys of rows this operation inserts that hold nothing which its own server alone can say."""
    entry = Entry(id=uuid4(), at=datetime.now(UTC), actor=uuid4(), body=body)
    claimed = claims_of(entry, Place(LOG, 1))
    whose = {claim.id for claim in claimed if isinstance(claim, Made)}
    for claim in claimed:
        if isinstance(claim, Own):
            whose |= {claim.actor, claim.under or claim.actor}  # What belongs to it, belongs to its server.
    return {
        f"{form.table} ({', '.join(key)})"
        for form, rows in collect([Recorded(entry, 2, 1, LOG.server)])
        # Of two that make the same, the earlier or the later prevails: nobody is refused.
        if isinstance(form, Insert) and not isinstance(form, InsertOrSetLater)
        for row in rows
        for key in schema_of(form.model).keys
        if not {"origin", "origin_id"} & set(key)
        and set(key) <= set(form.columns)
        and whose.isdisjoint(row[form.columns.index(column)] for column in key)
    }


def test_what_an_operation_puts_under_a_key_nobody_else_can_put_there_first() -> None:
    found = {kind: open_to_others(made_up(struct)) for kind, struct in SHARED.items()}
    forgotten = {kind: keys - KEPT_OTHERWISE.keys() for kind, keys in found.items()}
    assert not {kind: keys for kind, keys in forgotten.items() if keys}, "claim Made(id) in the slice's arriving.py"
    assert KEPT_OTHERWISE.keys() == set().union(*found.values()), "what is listed is there"
