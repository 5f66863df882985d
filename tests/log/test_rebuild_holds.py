"""A repair of tables that hold short holds beside what the journal says: bookings are put right, holds stay."""

from __future__ import annotations

import psycopg
import pytest

from karnet.capacity.selectors import live_claims, rooms
from karnet.capacity.tests.conftest import HALL, NOW, THEATRE, World, places, seat
from karnet.capacity.tests.conftest import world as world
from karnet.journal.rebuilding import check
from karnet.wiring.installation import Installation
from tests.log.test_rebuild import repair_as_owner

pytestmark = pytest.mark.database


def test_a_repair_brings_bookings_back_and_leaves_the_holds_beside_them(
    installation: Installation, world: World, superuser: psycopg.Connection
) -> None:
    world.took(HALL, places(3))
    world.took(THEATRE, seat(1, 2))
    held = {*world.holds(HALL, places(7)).holds, *world.holds(THEATRE, seat(3)).holds}
    before = {claim.id for claim in live_claims(THEATRE, NOW)} | {claim.id for claim in live_claims(HALL, NOW)}
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("UPDATE capacity_room SET taken = 5 WHERE taken = 3")
    superuser.execute("DELETE FROM capacity_claim WHERE held_until IS NULL AND unit IS NOT NULL")
    assert not check().sound
    repair_as_owner(installation)
    assert check().sound
    after = {claim.id for claim in live_claims(THEATRE, NOW)} | {claim.id for claim in live_claims(HALL, NOW)}
    assert after == before >= held
    assert (rooms([HALL], NOW)[HALL][0].taken, rooms([HALL], NOW)[HALL][0].held) == (3, 7)
