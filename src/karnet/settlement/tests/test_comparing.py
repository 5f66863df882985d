"""What a manager reads before signing: every difference of two texts, and where weights come from."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.settlement.rules.comparing import Change, differences
from karnet.settlement.rules.drafts import Draft
from karnet.settlement.rules.weighing import UNITS, Basis, weigh
from karnet.settlement.tests.test_agreements import draft


def text(**changes: Any) -> Draft:
    return msgspec.convert(draft(**changes), Draft)


def test_a_text_differs_from_itself_in_nothing() -> None:
    assert differences(text(), text()) == ()


def test_every_change_is_told_with_what_it_was_and_what_it_becomes() -> None:
    gates = {**draft()["gates"], "C/lift": {"points": 2, "weight": "2.50"}, "B/exit": {}}
    prices = [
        {"product": "day", "price": "165.00", "vat": "8.00"},
        {"product": "week", "price": "700", "vat": "8", "parts": [{"facility": "A", "amount": "220", "vat": "23"}]},
    ]
    new = text(gates=gates, prices=prices, members=["A", "B"], bonus="members", limits={"refund": "50"})
    assert set(differences(text(), new)) == {
        Change(subject="member", name="C", old="C", new=None),
        Change(subject="price", name="day adult", old="160.00", new="165.00"),
        Change(subject="price", name="points30 adult", old="26", new=None),
        Change(subject="vat", name="points30 adult", old="8", new=None),
        Change(subject="price", name="week adult", old=None, new="700"),
        Change(subject="vat", name="week adult", old=None, new="8"),
        Change(subject="bundle_part", name="week adult, A", old=None, new="220 (23 %)"),
        Change(subject="points", name="C/lift", old="1", new="2"),
        Change(subject="points", name="B/exit", old=None, new="0"),
        Change(subject="weight", name="C/lift", old="2.250001", new="2.50"),
        Change(subject="weight", name="B/exit", old=None, new="0"),
        Change(subject="bonus", name="", old="giver", new="members"),
        Change(subject="limit_refund", name="", old="0", new="50"),
    }


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Draft)])
def test_no_field_of_a_text_can_change_unseen(name: str) -> None:
    other: dict[str, Any] = {
        "first_day": "2026-12-02", "last_day": "2027-04-06", "members": ["A"], "partners": ["C"], "prices": [], "gates": {},
        "limits": {"replacements": 3}, "division": "equal_visited", "unused": "equal_members", "overdrawn": "seller",
        "second_payout": "taker", "unreturned": "taker", "bonus": "spender",
    }  # fmt: skip
    assert differences(text(), text(**{name: other.get(name, "9")}))


def test_weights_even_out_what_a_passage_costs() -> None:
    bases = [
        Basis(facility="A", price=16000, passages=16),
        Basis(facility="B", price=12000, passages=8),
        Basis(facility="C", price=18000, passages=8),
    ]
    weighed = weigh(bases)
    assert [(one.facility, one.text) for one in weighed] == [("A", "1.00"), ("B", "1.50"), ("C", "2.25")]
    assert [one.text for one in weigh(bases, base="B")] == ["0.666667", "1.00", "1.50"]
    third = weigh(bases, base="B")[0]
    assert (third.numerator, third.denominator, third.over_by) == (2, 3, 500)


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 100)), min_size=1, max_size=6))
def test_a_weight_is_the_exact_ratio_to_the_last_decimal_place(given_: list[tuple[int, int]]) -> None:
    weighed = weigh([Basis(facility=f"F{n}", price=price, passages=many) for n, (price, many) in enumerate(given_)])
    assert min(one.weight for one in weighed) == UNITS
    for one in weighed:
        exact = Fraction(one.numerator, one.denominator)
        assert abs(Fraction(one.weight, UNITS) - exact) <= Fraction(1, 2 * UNITS)


@pytest.mark.parametrize(
    "bases",
    [
        [],
        [Basis(facility="A", price=0)],
        [Basis(facility="A", price=1, passages=0)],
        [Basis(facility="A", price=1)] * 2,
    ],
)
def test_a_basis_without_sense_is_refused(bases: list[Basis]) -> None:
    with pytest.raises(ValueError):
        weigh(bases)
