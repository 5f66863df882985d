"""Engine, columns and oracle agree. The whole comparison is `make oracle`: 100,000 cases."""

from __future__ import annotations

import pytest

from karnet.tariffs.columns import columns
from karnet.tariffs.rating import Rater
from karnet.tariffs.repricing import reprice
from tests.tariffs.compare import difference
from tests.tariffs.random_cases import Case

EACH = 250


@pytest.mark.parametrize("first", range(0, 3000, EACH))
def test_engine_and_oracle_agree(first: int) -> None:
    for seed in range(first, first + EACH):
        assert difference(seed) is None


@pytest.mark.parametrize("first", range(100_000, 100_600, 100))
def test_columns_agree_with_the_engine_to_the_bit(first: int) -> None:
    for seed in range(first, first + 100):
        case = Case(seed)
        stays = [case.stay() for _ in range(25)]
        rater = Rater(case.tariff)
        bills = [rater.rate(stay) for stay in stays]
        for workers in (1, 2):
            found = reprice(case.tariff, columns(stays), workers=workers)
            for name in found._fields:
                assert getattr(found, name).tolist() == [getattr(bill, name) for bill in bills], (seed, name)
