"""Stays, zones and readers as decisions see them, folded from one decision of a batch to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from karnet.kernel.outcomes import Refused, refused
from karnet.kernel.reasons import Reason
from karnet.lockers.rules.state import Lockers
from karnet.orders.rules.tabs import Tabs
from karnet.passes.rules.wallets import Wallet
from karnet.stays.operations import OUTSIDE, UNLIMITED, WHOLE, Located, heads_of
from karnet.stays.requests import Border, HouseRules
from karnet.tariffs.rating import Rater
from karnet.tariffs.stays import Halt


class MoveState(msgspec.Struct, frozen=True, kw_only=True):
    """A move on the meter that was not dropped."""

    id: UUID
    zone: str
    since: datetime
    gate: UUID | None = None


class StayState(msgspec.Struct, frozen=True, kw_only=True):
    """A stay. `zone`: where its person is now; `moves` in order of time; `ended_at` None = it goes on.

    `settled_until`: up to when everything was paid last; `stopped_at`: the last "time stop" reading. `changed_at`: the last
    change of any of these, before which no other may be dated (entitlements.rules.outrun).
    """

    id: UUID
    tab: UUID
    facility: UUID
    medium: UUID
    issue: int
    tariff: UUID
    category: str
    begun_at: datetime
    package: str = ""
    prepaid_minor: int = 0
    prepaid_billed: bool = False
    own_card: bool = False
    paying: UUID | None = None
    zone: str = OUTSIDE
    changed_at: datetime | None = None
    moves: tuple[MoveState, ...] = ()
    stopped_at: datetime | None = None
    settled_until: datetime | None = None
    ended_at: datetime | None = None
    charged_until: datetime | None = None
    how: str | None = None

    @property
    def goes_on(self) -> bool:
        """Whether nobody has ended it."""
        return self.ended_at is None


class ZoneState(msgspec.Struct, frozen=True, kw_only=True):
    """A zone: heads in it, and how many there may be."""

    code: str
    heads: int = 0
    capacity: int = UNLIMITED


class Facility:
    """A facility's zones, rules and evacuations, as the decisions of a batch so far leave them.

    Zones are not locked before a decision: their guard in the database is the last word (ZONE_FULL all the same).
    """

    def __init__(
        self, id_: UUID, currency: str, zones: Iterable[ZoneState], rules: HouseRules, halts: Iterable[HaltState]
    ) -> None:
        self.id, self.currency, self.rules = id_, currency, rules
        self.zones = {zone.code: zone for zone in zones}
        self.halts = list(halts)

    @property
    def evacuation(self) -> HaltState | None:
        """The evacuation that goes on, if one does."""
        return next((halt for halt in self.halts if halt.until is None), None)

    def stops(self, since: datetime) -> tuple[Halt, ...]:
        """Return when clocks stood still, for a stay that began at `since`."""
        return tuple(Halt(since=h.since, until=h.until) for h in self.halts if h.until is None or h.until > since)

    def move(self, stay: StayState, zone: str) -> Located | Refused | None:
        """Move a head; None where it stays where it was. Refuses a zone that does not exist or is full: nothing moves."""
        changes = heads_of(stay.zone, zone)
        if not changes:
            return None
        for code, heads in changes.items():
            found = self.zones.get(code)
            if found is None:
                return refused(Reason.UNKNOWN_ZONE, zone=code)
            if heads > 0 and found.heads + heads > found.capacity:
                return refused(Reason.ZONE_FULL, zone=code)
        self.shift(changes)
        return Located(stay=stay.id, facility=self.id, before=stay.zone, zone=zone)

    def shift(self, changes: Mapping[str, int]) -> None:
        """Add heads to zones."""
        for code, heads in changes.items():
            zone = self.zones[code]
            self.zones[code] = msgspec.structs.replace(zone, heads=zone.heads + heads)

    @property
    def heads(self) -> int:
        """How many people are inside."""
        return self.zones[WHOLE].heads if WHOLE in self.zones else 0


class HaltState(msgspec.Struct, frozen=True, kw_only=True):
    """An evacuation; `until` None = it goes on."""

    id: UUID
    since: datetime
    until: datetime | None = None


class Inside:
    """What a batch decides about: stays, their tabs, their tariffs, facilities and readers, and folds as it goes.

    `wallets`: the passes that pay for stays, by id. `raters` by tariff version; `borders` by gate, with the facility they belong to. `bands`: stay by what was read.
    `lockers`: those that bands have which may come back here.
    """

    def __init__(
        self,
        *,
        stays: Iterable[StayState] = (),
        tabs: Tabs,
        facilities: Mapping[UUID, Facility],
        raters: dict[UUID, Rater],
        borders: Mapping[UUID, tuple[UUID, Border]] | None = None,
        bands: Mapping[str, UUID] | None = None,
    ) -> None:
        self.stays: dict[UUID, StayState] = {}
        self._of_tabs: dict[UUID, set[UUID]] = {}
        self.put(*stays)
        self.tabs, self.facilities, self.raters = tabs, facilities, raters
        self.borders, self.bands = borders or {}, bands or {}
        self.wallets: Mapping[UUID, Wallet] = {}
        self.lockers = Lockers()

    def put(self, *stays: StayState) -> None:
        """Take in stays as a decision left them."""
        for stay in stays:
            self.stays[stay.id] = stay
            self._of_tabs.setdefault(stay.tab, set()).add(stay.id)

    def of_tab(self, tab: UUID) -> list[StayState]:
        """Return the stays of a tab that go on."""
        return [stay for id_ in self._of_tabs.get(tab, ()) if (stay := self.stays[id_]).goes_on]
