"""Drafts of agreements: what is refused, with the field at fault, and what the accepted text is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from karnet.access.operations import TermsSet
from karnet.accounts.operations import CardTermsSet
from karnet.kernel import canonical
from karnet.kernel.ids import named_id
from karnet.kernel.outcomes import Refused
from karnet.kernel.reasons import Reason
from karnet.settlement.operations import AgreementPublished
from karnet.settlement.requests import PublishedAgreement
from karnet.settlement.rules.agreements import agreement_id, canonical_text, decide_agreement
from karnet.settlement.rules.drafts import Facts, GateFact, MemberFact, Standing, draft_of

FACILITIES = {code: MemberFact(named_id("facility", code), code, "PLN") for code in "ABC"} | {
    "Z": MemberFact(named_id("facility", "Z"), "Z", "EUR")
}
GATES = {
    (code, gate): GateFact(named_id("gate", code, gate), FACILITIES[code].id, gate, direction)
    for code in "ABC"
    for gate, direction in (("lift", "in"), ("exit", "out"))
}
FACTS = Facts(FACILITIES, GATES, [])


def draft(**changes: Any) -> dict[str, Any]:
    return {
        "season": "2026/27",
        "currency": "PLN",
        "time_zone": "Europe/Warsaw",
        "first_day": "2026-12-01",
        "last_day": "2027-04-05",
        "members": ["B", "A", "C"],
        "prices": [
            {"product": "points30", "price": "26", "vat": "8"},
            {"product": "day", "price": "160.00", "vat": "8.00"},
        ],
        "gates": {
            "A/lift": {"points": 3, "weight": "1.00"},
            "B/lift": {"points": 2, "weight": "1.5"},
            "C/lift": {"points": 1, "weight": "2.250001"},
            "C/exit": {},
        },
        "deposit": "10.00",
        **changes,
    }


def decided(text: Any, facts: Facts = FACTS) -> tuple[Any, tuple[AgreementPublished, ...]]:
    return decide_agreement(text if isinstance(text, str) else json.dumps(text), facts)


def test_an_agreement_is_published_with_the_terms_of_its_gates_from_its_first_to_its_last_local_day() -> None:
    answer, (operation,) = decided(draft())
    assert isinstance(answer, PublishedAgreement)
    assert answer.valid_from == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert answer.valid_until == datetime(2027, 4, 5, 22, tzinfo=UTC), "summer time began on 28 March"
    terms, charging = operation.parts()
    assert charging == CardTermsSet(
        agreement=answer.id,
        valid_from=answer.valid_from,
        valid_until=answer.valid_until,
        facilities=operation.text.members,
    )
    assert terms == TermsSet(
        agreement=answer.id, valid_from=answer.valid_from, valid_until=answer.valid_until, terms=operation.text.gates
    )
    weights = {terms.gate: (terms.points, terms.weight) for terms in operation.text.gates}
    assert weights[named_id("gate", "C", "lift")] == (1, 2_250_001)
    assert weights[named_id("gate", "C", "exit")] == (0, 0)
    assert [(p.product_code, p.price, p.vat_bp) for p in operation.text.prices] == [
        ("day", 16000, 800),
        ("points30", 2600, 800),
    ]
    assert operation.text.members == tuple(FACILITIES[code].id for code in "ABC")


def test_the_agreement_is_named_by_the_sha256_of_its_canonical_text() -> None:
    answer, (operation,) = decided(draft())
    text = canonical_text(operation.text)
    assert canonical.decode(text), "the text is canonical JSON"
    assert answer.sha256 == sha256(text).hexdigest()
    assert answer.id == agreement_id(answer.sha256)


def test_the_same_content_in_another_order_is_the_same_agreement_and_any_other_weight_is_another() -> None:
    same = draft(members=["C", "B", "A"], prices=draft()["prices"][::-1])
    assert decided(same)[0] == decided(draft())[0]
    other = draft(gates={**draft()["gates"], "C/lift": {"points": 1, "weight": "2.250002"}})
    assert decided(other)[0].id != decided(draft())[0].id


def test_an_agreement_reads_back_as_the_draft_that_makes_it() -> None:
    _, (operation,) = decided(draft())
    codes = {facility.id: code for code, facility in FACILITIES.items()}
    names = {gate.id: f"{facility}/{code}" for (facility, code), gate in GATES.items()}
    again = msgspec.json.encode(draft_of(operation.text, codes.__getitem__, names.__getitem__)).decode()
    assert decided(again) == decided(draft())


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"currency": "zł"}, "currency", "ISO 4217"),
        ({"time_zone": "Europe/Zakopane"}, "time_zone", "unknown time zone"),
        ({"last_day": "2026-11-30"}, "last_day", "before the first day"),
        ({"first_day": "2026-13-01"}, "first_day", "date"),
        ({"members": []}, "members", "needs members"),
        ({"members": ["A", "X"]}, "members[1]", "no active facility"),
        ({"members": ["A", "B", "C", "A"]}, "members[3]", "named twice"),
        ({"members": ["A", "B", "C", "Z"]}, "members[3]", "EUR"),
        ({"prices": []}, "prices", "needs prices"),
        ({"prices": [{"product": "day", "price": "-1", "vat": "8"}]}, "prices[0].price", "decimal number"),
        ({"prices": [{"product": "day", "price": "1.005", "vat": "8"}]}, "prices[0].price", "2 decimal places"),
        ({"prices": [{"product": "day", "price": 160.0, "vat": "8"}]}, "prices[0].price", "`str`"),
        ({"prices": [{"product": "day", "price": "1", "vat": "101"}]}, "prices[0].vat", "100 %"),
        ({"prices": [*draft()["prices"], draft()["prices"][0]]}, "prices[2]", "two prices"),
        ({"gates": {"A/T9": {"points": 1, "weight": "1"}}}, "gates.A/T9", "no gate"),
        ({"gates": {"Z/lift": {"points": 1, "weight": "1"}}}, "gates.Z/lift", "no member"),
        ({"gates": {"lift": {"points": 1, "weight": "1"}}}, "gates.lift", "FACILITY/GATE"),
        ({"gates": {"A/lift": {"weight": "1.0000001"}}}, "gates.A/lift.weight", "decimal number"),
        ({"gates": {"A/lift": {"points": -1}}}, "gates", "int"),
        ({"gates": {"A/lift": {"points": 1}}}, "gates.A/lift.weight", "above 0"),
        ({"gates": {"A/exit": {"weight": "1"}}}, "gates.A/exit", "exit"),
        ({"gates": {}, "unused": "weights_of_members"}, "unused", "no gate has one"),
        ({"division": "as_we_like"}, "division", "enum"),
        ({"deposit": "ten"}, "deposit", "decimal number"),
        ({"weights": {}}, "text", "unknown field"),
    ],
)
def test_a_draft_with_a_fault_is_refused_and_the_field_is_named(changes: dict[str, Any], field: str, says: str) -> None:
    answer, operations = decided(draft(**changes))
    assert isinstance(answer, Refused)
    assert (answer.reason, operations) == (Reason.BAD_VALUE, ())
    at_fault = next((name for name in answer.facts if name.startswith(field)), None)
    assert at_fault is not None, answer
    assert says in str(answer.facts[at_fault])


@pytest.mark.parametrize("text", ["", "[]", "{", "\ud800", "null"])
def test_what_is_no_draft_at_all_is_refused(text: str) -> None:
    answer, operations = decided(text)
    assert (answer.reason, operations) == (Reason.BAD_VALUE, ())


def test_all_faults_are_told_at_once() -> None:
    answer, _ = decided(draft(currency="?", members=["X"], deposit="?"))
    assert {"currency", "members[0]", "deposit"} <= set(answer.facts)


def test_two_agreements_are_never_in_force_at_once_but_may_follow_each_other() -> None:
    winter, _ = decided(draft())
    known = Facts(FACILITIES, GATES, [Standing(winter.id, "2026/27", winter.valid_from, winter.valid_until)])
    overlapping, _ = decided(draft(season="spring", first_day="2027-04-05", last_day="2027-06-01"), known)
    assert (overlapping.reason, overlapping.facts["season"]) == (Reason.AGREEMENT_OVERLAPS, "2026/27")
    following, _ = decided(draft(season="spring", first_day="2027-04-06", last_day="2027-06-01"), known)
    assert isinstance(following, PublishedAgreement)
    assert following.valid_from == winter.valid_until
    assert decided(draft(), known)[0].reason == Reason.ALREADY_EXISTS


def test_the_agreement_in_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[4] / "docs" / "settlement.md").read_text()
    (text,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert isinstance(decided(text)[0], PublishedAgreement)


def test_an_agreement_may_last_a_single_day() -> None:
    answer, _ = decided(draft(last_day="2026-12-01"))
    assert answer.valid_until - answer.valid_from == timedelta(days=1)


@pytest.mark.parametrize(
    ("currency", "price", "minor"), [("PLN", "160.00", 16000), ("JPY", "16000", 16000), ("KWD", "16.125", 16125)]
)
def test_amounts_are_read_and_written_with_the_decimals_of_the_agreements_currency(
    currency: str, price: str, minor: int
) -> None:
    facilities = {code: MemberFact(FACILITIES[code].id, code, currency) for code in "ABC"}
    facts = Facts(facilities, GATES, [])
    prices = [{"product": "day", "price": price, "vat": "8"}]
    _, (operation,) = decided(draft(currency=currency, prices=prices, deposit=price), facts)
    assert (operation.text.prices[0].price, operation.text.deposit_minor) == (minor, minor)
    codes = {facility.id: code for code, facility in facilities.items()}
    names = {gate.id: f"{facility}/{code}" for (facility, code), gate in GATES.items()}
    again = draft_of(operation.text, codes.__getitem__, names.__getitem__)
    assert (again.prices[0].price, again.deposit, again.prices[0].vat) == (price, price, "8.00")


@pytest.mark.parametrize(("currency", "price"), [("JPY", "160.50"), ("KWD", "16.1255")])
def test_an_agreed_price_finer_than_the_currency_is_refused(currency: str, price: str) -> None:
    facts = Facts({code: MemberFact(FACILITIES[code].id, code, currency) for code in "ABC"}, GATES, [])
    changes = {"currency": currency, "prices": [{"product": "day", "price": price, "vat": "8"}], "deposit": "1"}
    answer, operations = decided(draft(**changes), facts)
    assert (answer.reason, answer.facts["field"], operations) == (Reason.BAD_VALUE, "prices[0].price", ())


def test_a_weight_too_large_to_be_recorded_exactly_is_refused() -> None:
    answer, _ = decided(draft(gates={"A/lift": {"weight": "999999999999"}}))
    assert "too large" in str(answer.facts["gates.A/lift.weight"])
