"""A bundle's parts: the same whatever use is made of it, and nothing is lost when it is given back (SPEC N11)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from karnet.settlement.rules.totals import NOBODY, BundlePart, Kind, Priced, Totals
from karnet.settlement.tests.small import A, B, C, day_ticket, passages, report_of, terms

TICKETS = st.lists(
    st.tuples(st.integers(0, 40_000), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 4)), max_size=6
)


@given(TICKETS, st.integers(0, 16_000))
def test_a_bundle_pays_its_pool_the_same_and_all_of_it_adds_up(tickets: Any, part: int) -> None:
    """`part` of 160.00 is C's. Whatever was paid, skied or given back: C gets it, unless the bundle came back unswum."""
    agreed = terms(unused="equal_members")
    prices = {("day", "adult"): Priced(16_000, 800, (BundlePart(C, part, 2300),))}
    totals = Totals(agreed._replace(prices=prices))
    for price, voided, swum, ended, ways in tickets:
        sold = day_ticket(price, voided=voided, ended=ended)._replace(stayed=(C,) if voided and swum else ())
        totals.add_tickets(1, sold, tuple(passages(place, "1.00") for place in (A, B)[:ways]))
    report = report_of(totals)  # checks that balances add up to zero and every line to its parts
    owed = sum(part for _, voided, swum, _, _ in tickets if swum or not voided)
    assert totals.result().get((C, Kind.BUNDLES, NOBODY), 0) == owed
    assert sum(line.earned + line.deferred for line in report.facilities) == sum(
        price for price, voided, *_ in tickets if not voided
    )
