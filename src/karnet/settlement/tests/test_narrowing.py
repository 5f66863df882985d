"""A settlement reads the tickets of its own season only, and comes to what reading everything comes to."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from karnet.access.selectors import Passed, passages_of
from karnet.entitlements.facts import SoldEntitlement, sold_entitlements
from karnet.journal.cuts import Cut, extent, instant_of, latest_cut
from karnet.settlement import selectors
from karnet.settlement.rules.division import Visit
from karnet.settlement.rules.totals import Kind, Terms, Ticket, Totals, has_ended
from karnet.settlement.selectors import AgreementRow
from karnet.settlement.settling import Cumulative, cumulative
from karnet.settlement.tests.season import Season, draft

pytestmark = pytest.mark.database

BORDER = datetime(2027, 4, 5, 22, tzinfo=UTC)
"""Where winter ends and summer begins."""
PRICES = [
    {"product": "day", "price": "160.00", "vat": "8"},
    {"product": "points-for-ever", "price": "10.00", "vat": "8"},
]
DEPOSITS = {Kind.DEPOSITS_HELD, Kind.OWES_DEPOSITS}
INSTANTS = [BORDER + timedelta(days=days, hours=10) for days in (-3, -2, -1, 0, 1, 2)]
INSTANTS += [BORDER - timedelta(milliseconds=1), BORDER]


def play(season: Season, chance: random.Random) -> None:
    """Play around the border of two seasons: tickets sold in one and used in the other, and used before their sale."""
    for _ in range(10):
        at = chance.choice(INSTANTS)
        product = chance.choice(["day", "points-for-ever", "points-for-ever", "local"])
        seller = chance.choice("ABC")
        season.sell(product, seller=seller, at=at)
        (number,) = season.numbers
        # Days later, perhaps in the other season; or a little before the sale, by the clock of a gate that is slow.
        ways = [timedelta(days=days) for days in chance.sample(range(8), chance.randrange(3))]
        if product != "points-for-ever":
            hours = range(1, chance.randrange(1, 4)) if at != BORDER else (0,)
            ways = [-timedelta(hours=hour) for hour in hours]
        for away in ways:
            places = "ABC" if product != "local" else seller
            season.pass_gates("".join(chance.choices(places, k=chance.randrange(1, 3))), number=number, at=at + away)


@pytest.mark.parametrize("seed", range(8))
def test_a_settlement_of_one_of_two_seasons_is_that_of_all_tickets_read_one_by_one(database: None, seed: int) -> None:
    chance = random.Random(seed)
    season = Season()
    season.agree(draft(season="winter", prices=PRICES))
    season.agree(draft(season="summer", first_day="2027-04-06", last_day="2027-09-30", prices=PRICES))
    ((name, empty),) = season.seal().sizes.items()
    play(season, chance)
    cut = season.seal()
    rows = selectors.agreements()
    assert [row.text.season for row in rows] == ["winter", "summer"]
    some = Cut({name: chance.randrange(empty, cut.sizes[name])})
    untils = [None, *chance.sample(INSTANTS, 2), BORDER - timedelta(minutes=70)]
    settled = 0
    for row, since in zip(rows, (None, BORDER), strict=True):
        for given in (cut, some):
            for until in untils:
                found = cumulative(given, at=BORDER, agreement=row.id, until=until)
                assert isinstance(found, Cumulative), found
                amounts = {key: amount for key, amount in found.amounts.items() if key[1] not in DEPOSITS}
                assert (amounts, found.unmatched_passages) == read_one_by_one(given, row, since, until)
                settled += sum(amount for (_, kind, _), amount in amounts.items() if kind == Kind.PASSAGES)
    assert settled, "something was used"


def read_one_by_one(
    cut: Cut, row: AgreementRow, since: datetime | None, until: datetime | None
) -> tuple[Mapping[tuple[int, Kind, int], int], int]:
    """Return the same figures from every ticket and every passage there is, chosen by the instants of their facts."""
    facts, places = extent(cut, until), selectors.places()
    place_of = {place.facility: index for index, place in enumerate(places)}
    totals, as_of = Totals(selectors.terms_of(row, places)), until or instant_of(cut) or row.valid_from
    everything = [ticket for ticket in sold_entitlements(extent(latest_cut())) if ticket.at < row.valid_until]
    sold = {ticket.id: ticket for ticket in sold_entitlements(facts)}
    unmatched = 0
    for ticket in everything:
        if since is not None and ticket.at < since:
            continue
        visits = visits_of(passages_of([ticket.id], facts), place_of)
        if ticket.id in sold:
            totals.add_tickets(1, as_ticket(sold[ticket.id], place_of, totals.terms, as_of), visits)
        else:
            unmatched += sum(visit.passages for visit in visits)
    return totals.result(), unmatched


def visits_of(passed: list[Passed], place_of: Mapping[UUID, int]) -> tuple[Visit, ...]:
    by_place: dict[int, list[Passed]] = {}
    for passage in passed:
        by_place.setdefault(place_of[passage.facility], []).append(passage)
    return tuple(
        Visit(place, len(there), sum(p.points for p in there), sum(p.weight for p in there))
        for place, there in by_place.items()
    )


def as_ticket(sold: SoldEntitlement, place_of: Mapping[UUID, int], terms: Terms, as_of: datetime) -> Ticket:
    return Ticket(
        place_of[sold.facility], sold.product_code, sold.category, sold.kind, sold.currency, sold.price, sold.points,
        has_ended(sold.valid_until, terms, as_of), sold.voided,
    )  # fmt: skip
