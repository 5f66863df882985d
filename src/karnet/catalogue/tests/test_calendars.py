"""Holiday calendars."""

from __future__ import annotations

from datetime import date

import pytest

from karnet.catalogue.calendars import UnknownCountry, public_holidays


def test_polish_holidays_hold_the_fixed_days_and_those_that_move_with_easter() -> None:
    days = {one.first for one in public_holidays("PL", [2026])}
    assert {date(2026, 1, 6), date(2026, 4, 6), date(2026, 6, 4), date(2026, 11, 11)} <= days
    assert date(2026, 11, 10) not in days


def test_holidays_are_single_days_in_order_and_of_the_years_asked_for() -> None:
    found = public_holidays("PL", [2026, 2027])
    assert all(one.first == one.last for one in found)
    assert [one.first for one in found] == sorted(one.first for one in found)
    assert {one.first.year for one in found} == {2026, 2027}


def test_a_region_has_holidays_of_its_own() -> None:
    corpus_christi = date(2026, 6, 4)
    assert corpus_christi in {one.first for one in public_holidays("DE", [2026], "BY")}
    assert corpus_christi not in {one.first for one in public_holidays("DE", [2026], "BE")}


@pytest.mark.parametrize(("country", "region"), [("XX", ""), ("DE", "ZZ")])
def test_an_unknown_country_or_region_is_told_with_what_to_give_instead(country: str, region: str) -> None:
    with pytest.raises(UnknownCountry, match="use codes"):
        public_holidays(country, [2026], region)
