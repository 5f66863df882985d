"""A changing room: section A with two aisles of four columns, two high; a small section B; marked bands in section S."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from karnet.entitlements.operations import MediumIssued, MediumReturned
from karnet.entitlements.rules import medium_id
from karnet.journal.founding import found_server
from karnet.journal.operations import ActorEnrolled, Operation, Part, operation
from karnet.journal.transaction import Outcome, Transaction, transact
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.lockers.operations import Spot
from karnet.lockers.requests import Furnish, Grid, LockerShown, LockersReady, Section, Touch
from karnet.lockers.services import furnish, touch
from karnet.parties.operations import facility_id
from karnet.parties.services import EnrolFacility, enrol_facilities

NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
POOL = facility_id("POOL")
READERS = {code: named_id("test reader", code) for code in ("A", "B", "S")}


@operation("test.lockers_bands")
class BandsGiven(Operation, frozen=True, kw_only=True):
    """Bands were given out."""

    media: tuple[MediumIssued, ...]

    def parts(self) -> Iterable[Part]:
        return self.media


@operation("test.lockers_bands_back")
class BandsBack(Operation, frozen=True, kw_only=True):
    """Bands came back."""

    media: tuple[MediumReturned, ...]

    def parts(self) -> Iterable[Part]:
        return self.media


@operation("test.lockers_readers")
class ReadersEnrolled(Operation, frozen=True, kw_only=True):
    """Readers were enrolled, as gates are."""

    readers: tuple[ActorEnrolled, ...]

    def parts(self) -> Iterable[Part]:
        return self.readers


class World:
    """Short words for tests."""

    def __init__(self, server: UUID) -> None:
        self.server = server
        self.sections: dict[str, UUID] = {}
        self._keys = itertools.count()

    def asked(self, at: int = 0) -> dict[str, Any]:
        return {"key": f"key {next(self._keys)}", "at": NOW + timedelta(seconds=at), "actor": self.server}

    def issue(self, *bands: str) -> None:
        """Give bands out, as stays do."""
        self.record(
            BandsGiven(
                media=tuple(
                    MediumIssued(id=medium_id(n), number=n, chip=n, kind="wristband", facility=POOL) for n in bands
                )
            )
        )

    def reissue(self, band: str) -> None:
        """A band comes back where nobody knows of lockers, and is given to somebody else."""
        self.record(BandsBack(media=(MediumReturned(id=medium_id(band), facility=POOL),)))
        again = MediumIssued(id=medium_id(band), number=band, chip=band, kind="wristband", facility=POOL, issue=1)
        self.record(BandsGiven(media=(again,)))

    def record(self, operation: Operation) -> None:
        """Record an operation of a slice that lockers know nothing of."""

        def body(tx: Transaction[Any, Any]) -> None:
            tx.record([Outcome(r, LockersReady(sections={}, added=0), (operation,)) for r in tx.fresh])

        answer = transact([Furnish(**self.asked(), facility=POOL, sections=())], body, answers=LockersReady)[0]
        assert isinstance(answer, LockersReady), answer

    def touching(self, section: str, band: str, at: int = 0, **changes: Any) -> Touch:
        return Touch(**self.asked(at), reader=READERS[section], chip=band, **changes)

    def touches(self, section: str, band: str, **changes: Any) -> Any:
        return touch([self.touching(section, band, **changes)])[0]

    def given(self, section: str, band: str, **changes: Any) -> LockerShown:
        answer = self.touches(section, band, **changes)
        assert isinstance(answer, LockerShown), answer
        return answer


def refusal(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


@pytest.fixture
def world(database: None) -> World:
    world = World(found_server("karnet.test/log", NOW))
    enrol_facilities([EnrolFacility(code="POOL", currency="PLN", time_zone="Europe/Warsaw", **world.asked())])
    readers = tuple(ActorEnrolled(id=reader, kind="device", parent=POOL) for reader in READERS.values())
    world.record(ReadersEnrolled(readers=readers))
    marked = tuple(Spot(number=f"S{n}", position=n, band=f"BAND-S{n}", hook=f"H{n}") for n in (1, 2))
    sections = (
        Section(code="A", grid=Grid(aisles=2, positions=4, rows=2), readers=(READERS["A"],)),
        Section(code="B", grid=Grid(positions=2, rows=1, first=101), readers=(READERS["B"],), exit_waits=True),
        Section(code="S", lockers=marked, readers=(READERS["S"],), mode="static"),
    )
    ready = furnish([Furnish(**world.asked(), facility=POOL, sections=sections)])[0]
    assert isinstance(ready, LockersReady), ready
    assert ready.added == 20
    world.sections = ready.sections
    return world
