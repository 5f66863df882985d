"""Division and VAT: the golden numbers of SPEC N-a to N-e, and the properties behind them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karnet.kernel.money import divide, vat_included


def test_golden_n_a_divides_by_weighted_passages_with_ties_to_the_first_id() -> None:
    assert divide(16000, {"A": 400, "B": 450, "C": 450}) == {"A": 4923, "B": 5539, "C": 5538}


def test_golden_n_b_divides_points_with_the_unused_ones() -> None:
    assert divide(2600, {"A": 6, "B": 6, "C": 4, "unused": 14}) == {
        "A": 520,
        "B": 520,
        "C": 347,
        "unused": 1213,
    }


def test_golden_n_c_equal_split() -> None:
    assert divide(16000, {"A": 1, "B": 1, "C": 1}) == {"A": 5334, "B": 5333, "C": 5333}
    assert divide(16000, {"A": 1, "B": 1, "C": 0}) == {"A": 8000, "B": 8000, "C": 0}


def test_golden_n_e_cumulative_amounts_of_one_point_a_month() -> None:
    cumulative = [divide(2600, {"A": taken, "unused": 30 - taken})["A"] for taken in range(5)]
    assert [b - a for a, b in zip(cumulative, cumulative[1:], strict=False)] == [87, 86, 87, 87]


def test_nobody_to_divide_among_is_an_error_not_a_loss() -> None:
    with pytest.raises(ValueError, match="positive"):
        divide(100, {"A": 0})


@given(
    st.integers(-(10**12), 10**12),
    st.dictionaries(st.text(max_size=3), st.integers(0, 10**9), min_size=1, max_size=9).filter(
        lambda weights: sum(weights.values()) > 0
    ),
)
def test_division_conserves_money_and_stays_within_one_unit_of_the_exact_share(
    total: int, weights: dict[str, int]
) -> None:
    shares = divide(total, weights)
    assert sum(shares.values()) == total
    whole = sum(weights.values())
    for key, weight in weights.items():
        assert abs(shares[key] * whole - total * weight) < whole
    assert all(shares[key] == 0 for key, weight in weights.items() if weight == 0)


@pytest.mark.parametrize(
    ("gross", "rate", "vat"), [(16000, 800, 1185), (100, 0, 0), (123, 2300, 23), (-123, 2300, -23)]
)
def test_vat_is_inside_the_gross_amount(gross: int, rate: int, vat: int) -> None:
    assert vat_included(gross, rate) == vat
