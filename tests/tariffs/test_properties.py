"""What holds for every tariff that can be published and every stay (issue: properties of the engine)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karnet.tariffs.bills import Bill, LineCode
from karnet.tariffs.model import Band, Clock, Tariff, from_json, to_json
from karnet.tariffs.rating import Rater, covered_until, price_curve, rate
from karnet.tariffs.stays import Halt, Move, Stay, second, visits
from tests.tariffs.compare import clocks
from tests.tariffs.random_cases import CHANGES, Case

seeds = st.integers(0, 10**9)
many = settings(max_examples=400)


class Drawn:
    """A random tariff, a stay under it, and chance for what else a test needs, all from one seed."""

    def __init__(self, seed: int) -> None:
        case = Case(seed)
        self.tariff, self.stay = case.tariff, case.stay()
        self.rater = Rater(self.tariff)
        self.random = Random(seed)

    @property
    def entry(self) -> datetime:
        return self.stay.moves[0].at

    def instant(self) -> datetime:
        """Some whole second of the stay."""
        return self.entry + timedelta(seconds=self.random.randint(0, self.seconds))

    @property
    def seconds(self) -> int:
        return max(0, second(self.stay.ended) - second(self.entry))


@given(seeds)
@many
def test_nothing_is_below_zero_and_money_is_conserved(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    parts = (bill.charged_minor, bill.on_top_minor, bill.fees_minor, bill.due_minor, bill.returned_minor)
    assert min(*parts, bill.kept_minor) >= 0
    assert bill.total_minor == bill.charged_minor + bill.on_top_minor + bill.fees_minor
    assert bill.prepaid_minor + bill.due_minor == bill.total_minor + bill.returned_minor + bill.kept_minor
    assert drawn.tariff.return_unused or bill.returned_minor == 0


@given(seeds)
@many
def test_the_lines_add_up_to_the_total_exactly_in_both_groups(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    below = sum(line.amount for line in bill.lines if not line.on_top)
    assert below == bill.charged_minor * bill.denominator
    on_top = sum(line.amount for line in bill.lines if line.on_top)
    assert on_top == (bill.on_top_minor + bill.fees_minor) * bill.denominator


@given(seeds)
@many
def test_the_lines_of_a_clock_account_for_all_the_time_it_ran(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    said: dict[str, int] = defaultdict(int)
    for line in bill.lines:
        said[line.clock] += line.time_s
    spent = visits(drawn.stay.moves, second(bill.ended), drawn.stay.halts)
    for clock in drawn.tariff.clocks:
        ran = waited = 0
        pauses = {pause.zone: pause.at_most_s for pause in clock.pauses}
        by_zone: dict[str, int] = defaultdict(int)
        for visit in spent:
            by_zone[visit.zone] += visit.end_s - visit.start_s
        for zone, seconds in by_zone.items():
            if not zone or (clock.zones and zone not in clock.zones):
                continue
            pause = pauses.get(zone, 0)
            waited = seconds if pause is None else min(seconds, pause)
            ran += seconds - waited
        assert said[clock.code] == ran


@given(seeds)
@many
def test_a_later_look_never_shows_less(seed: int) -> None:
    drawn = Drawn(seed)
    looks = sorted(
        drawn.entry + timedelta(seconds=drawn.random.randint(0, 2 * drawn.seconds + 3600)) for _ in range(12)
    )
    looks += [look + timedelta(seconds=1) for look in looks]
    bills = [drawn.rater.rate(msgspec.structs.replace(drawn.stay, ended=look)) for look in sorted(looks)]
    for name in ("charged_minor", "on_top_minor", "fees_minor", "total_minor", "due_minor"):
        amounts = [getattr(bill, name) for bill in bills]
        assert amounts == sorted(amounts), name
    kept = [bill.returned_minor + bill.kept_minor for bill in bills]
    assert kept == sorted(kept, reverse=True)


@given(seeds)
@many
def test_no_cap_is_exceeded(seed: int) -> None:
    drawn = Drawn(seed)
    tariff, category = drawn.tariff, drawn.stay.category
    bill = drawn.rater.rate(drawn.stay)
    if category in tariff.caps.stay:
        assert bill.charged_minor <= tariff.caps.stay[category]
    days = (drawn.stay.ended - drawn.entry).days + 3
    if category in tariff.caps.day and bill.charged_minor > tariff.minimum.get(category, 0):
        assert bill.charged_minor <= tariff.caps.day[category] * days
    charged = clocks(bill)
    for clock in tariff.clocks:
        if category in clock.caps.stay:
            assert charged[clock.code] <= clock.caps.stay[category]
        if category in clock.caps.day:
            assert charged[clock.code] <= clock.caps.day[category] * days


@given(seeds)
@many
def test_a_reading_in_the_zone_one_is_in_changes_nothing(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    at = drawn.instant()
    earlier = [move for move in drawn.stay.moves if move.at <= at]
    later = drawn.stay.moves[len(earlier) :]
    again = Move(at=at, zone=earlier[-1].zone)
    passed_by = (Move(at=at, zone="corridor"), again)
    for more in ((again,), (again, again), passed_by):
        assert drawn.rater.rate(msgspec.structs.replace(drawn.stay, moves=(*earlier, *more, *later))) == bill


@given(seeds)
@many
def test_what_happens_after_the_end_or_never_took_effect_changes_nothing(seed: int) -> None:
    drawn = Drawn(seed)
    stay = msgspec.structs.replace(drawn.stay, stopped=None)
    bill = drawn.rater.rate(stay)
    after = stay.ended + timedelta(seconds=drawn.random.randint(0, 3600))
    last = max(after, stay.moves[-1].at)
    lapsed = stay.ended - timedelta(seconds=drawn.tariff.stop_hold_s + 1)
    irrelevant = [
        msgspec.structs.replace(stay, moves=(*stay.moves, Move(at=last, zone="sauna"))),
        msgspec.structs.replace(stay, halts=(*stay.halts, Halt(since=after))),
        msgspec.structs.replace(stay, stopped=lapsed),
        msgspec.structs.replace(stay, stopped=stay.ended + timedelta(seconds=1)),
        msgspec.structs.replace(stay, stopped=drawn.entry - timedelta(seconds=1)),
        msgspec.structs.replace(stay, moves=tuple(move for move in stay.moves if move.at < stay.ended) or stay.moves),
    ]
    for other in irrelevant:
        assert drawn.rater.rate(other) == bill


@given(seeds, st.integers(0, 999_999))
@many
def test_parts_of_a_second_change_nothing(seed: int, microseconds: int) -> None:
    drawn = Drawn(seed)
    stay = drawn.stay

    def later(at: datetime) -> datetime:
        return at.replace(microsecond=microseconds)

    moves = tuple(Move(at=later(move.at), zone=move.zone) for move in stay.moves)
    finer = msgspec.structs.replace(stay, moves=moves, ended=later(stay.ended))
    assert drawn.rater.rate(finer) == drawn.rater.rate(stay)


@given(seeds)
@many
def test_prepayment_changes_what_is_due_and_nothing_else(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    unpaid = drawn.rater.rate(msgspec.structs.replace(drawn.stay, prepaid_minor=0))
    assert (unpaid.lines, unpaid.total_minor) == (bill.lines, bill.total_minor)
    assert unpaid.due_minor == unpaid.total_minor


@given(seeds)
@many
def test_a_tariff_survives_its_canonical_form(seed: int) -> None:
    tariff = Case(seed).tariff
    assert from_json(to_json(tariff)) == tariff
    assert to_json(from_json(to_json(tariff))) == to_json(tariff)


@given(seeds, st.integers(0, 8000))
@settings(max_examples=100)
def test_paid_time_ends_at_the_last_second_that_is_covered(seed: int, budget: int) -> None:
    drawn = Drawn(seed)
    latest = drawn.entry + timedelta(hours=4)

    def total(at: datetime) -> int:
        return drawn.rater.rate(msgspec.structs.replace(drawn.stay, ended=at)).total_minor

    found = covered_until(drawn.rater, drawn.stay, budget, latest)
    if found is None:
        assert total(drawn.entry) > budget
        return
    assert total(found) <= budget
    assert found == latest or total(found + timedelta(seconds=1)) > budget
    assert price_curve(drawn.rater, drawn.stay, [found, latest]) == [total(found), total(latest)]


def _flat(zone: str, **more: object) -> Tariff:
    clock = Clock(code="all", unit_s=60, bands=(Band(code="any", prices={"adult": 7}),))
    return msgspec.convert(
        {
            "code": "flat",
            "currency": "PLN",
            "time_zone": zone,
            "categories": ("adult",),
            "zones": (),
            "clocks": (clock,),
        }
        | more,
        Tariff,
    )


@pytest.mark.parametrize(("zone", "change"), [(zone, at) for zone, changes in CHANGES.items() for at in changes])
@given(st.integers(-2000, 2000), st.integers(0, 3000))
@settings(max_examples=60)
def test_a_flat_rate_charges_elapsed_minutes_whatever_the_clocks_on_the_wall_do(
    zone: str, change: str, begin: int, minutes: int
) -> None:
    entry = datetime.fromisoformat(change).replace(tzinfo=UTC) + timedelta(minutes=begin)
    stay = Stay(category="adult", moves=(Move(at=entry, zone="pool"),), ended=entry + timedelta(minutes=minutes))
    assert rate(_flat(zone), stay).total_minor == 7 * minutes


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)], ids=["spring", "autumn", "summer"]
)
def test_a_band_of_a_whole_day_has_23_24_or_25_hours(day: str, hours: int) -> None:
    weekday = datetime.fromisoformat(day).weekday()
    band = {"code": "that-day", "prices": {"adult": 1}, "weekdays": [weekday]}
    clock = {"code": "all", "unit_s": 60, "bands": [band]}
    around = datetime.fromisoformat(f"{day}T00:00+00:00")
    stay = Stay(
        category="adult",
        moves=(Move(at=around - timedelta(days=2), zone="pool"),),
        ended=around + timedelta(days=3),
    )
    tariff = _flat("Europe/Warsaw", clocks=[clock])
    bill = rate(tariff, stay)
    assert bill.total_minor == hours * 60
    capped = _flat("Europe/Warsaw", clocks=[clock | {"caps": {"day": {"adult": hours * 60 - 1}}}])
    assert rate(capped, stay).total_minor == hours * 60 - 1


@given(seeds)
@many
def test_whole_units_of_one_clock_cost_their_price_exactly(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    units = {clock.code: clock.unit_s for clock in drawn.tariff.clocks}
    for line in bill.lines:
        if line.code in (LineCode.TIME, LineCode.FREE, LineCode.HELD):
            assert line.unit_s == units[line.clock]
            exact = Fraction(line.price_minor * line.unit_s, line.price_s) * line.units
            assert Fraction(line.amount, bill.denominator) == exact


@given(seeds)
@many
def test_a_line_can_be_read_unit_by_unit(seed: int) -> None:
    drawn = Drawn(seed)
    for line in drawn.rater.rate(drawn.stay).lines:
        steps = list(line.steps())
        if line.since is None or not line.units:
            assert steps == []
            continue
        assert sum(step.amount for step in steps) == line.amount
        assert len({step.amount for step in steps}) == 1
        assert [step.since for step in steps] == sorted({step.since for step in steps})
        assert line.until is not None
        assert line.since == steps[0].since <= steps[-1].since < line.until


def _charged(bill: Bill, clock: str) -> Fraction:
    return clocks(bill)[clock]


@given(seeds)
@many
def test_clocks_do_not_know_of_each_other(seed: int) -> None:
    drawn = Drawn(seed)
    bill = drawn.rater.rate(drawn.stay)
    package = next((one for one in drawn.tariff.packages if one.code == drawn.stay.package), None)
    for clock in drawn.tariff.clocks:
        own = {clock.code: package.included_s[clock.code]} if package and clock.code in package.included_s else {}
        packages = (msgspec.structs.replace(package, included_s=own),) if package else ()
        alone = msgspec.structs.replace(drawn.tariff, clocks=(clock,), packages=packages)
        assert _charged(rate(alone, drawn.stay), clock.code) == _charged(bill, clock.code)
