"""Whoever names people and places of a server in what travels has to say that they are its own."""

from __future__ import annotations

import typing
from uuid import UUID

import msgspec

from karnet.journal.operations import Operation, Part, kinds
from karnet.journal.rules.arrivals import claiming_parts

CARRYING_TABS = ("TabChanged", "Begun", "Passed", "Settled", "ForceClosed", "BandLost", "BandCharged")
ON_PASSES = ("Sold", "ToppedUp", "InstalmentsPaid", "Charged")
HOLDING = ("HoldsLapsed", "Begun", "Passed", "Settled", "ForceClosed")
OURS = ("facility", "sales_point", "operator", "gate", "member")


def _parts(struct: type[Operation]) -> set[type[Part]]:
    found: set[type[Part]] = set()
    waiting: list[object] = [struct]
    while waiting:
        annotation = waiting.pop()
        waiting += typing.get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) and annotation not in found:
            if issubclass(annotation, Part):
                found.add(annotation)
            hints = typing.get_type_hints(annotation)
            waiting += [hint for hint in hints.values() if typing.get_origin(hint) is not typing.ClassVar]
    return found


def _names(part: type[Part]) -> bool:
    hints = typing.get_type_hints(part)
    return any(UUID in (hints.get(field), *typing.get_args(hints.get(field))) for field in OURS)


def test_parts_that_name_a_servers_people_and_places_claim_them_as_its_own() -> None:
    shared = [s for (kind, _), s in kinds().items() if s.SCOPE == "shared" and not kind.startswith("test.")]
    naming = {part for struct in shared for part in _parts(struct) if _names(part)}
    silent = {f"{part.__module__.removeprefix('karnet.')}.{part.__name__}" for part in naming - claiming_parts()}
    assert not silent, "say so in the slice's arriving.py"


def test_a_house_operation_makes_nothing_that_a_shared_one_could_name() -> None:
    """Other servers do not see it made: what names it would be refused there."""
    made = ("Opened", "Issued", "Enrolled", "Taken", "Reserved")
    house = {
        struct for (kind, _), struct in kinds().items() if struct.SCOPE == "house" and not kind.startswith("test.")
    }
    making = {(s.__name__, p.__name__) for s in house for p in _parts(s) - {s} if p.__name__.endswith(made)}
    assert making == {
        # The safe of a facility is named by movements of cash alone, which are house operations too.
        ("CashMoved", "AccountOpened"),
        # What a tab ends in (TabBilled) repeats its lines and payments, and names the tab without a foreign key.
        *(
            (operation, opened)
            for operation in (*CARRYING_TABS, *ON_PASSES)
            for opened in ("AccountOpened", "TabOpened")
        ),
        # What passes hold is reserved on accounts of theirs, which no shared operation draws on.
        *((operation, "Reserved") for operation in HOLDING),
    }
