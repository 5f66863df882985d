"""The benchmark's stays: what is measured is right, and the same in every run."""

from __future__ import annotations

import numpy as np

from karnet.tariffs.checking import problems
from karnet.tariffs.rating import Rater
from karnet.tariffs.repricing import PART, reprice
from karnet.wiring.bench.stays import made, stay, tariff


def test_the_stays_measured_come_to_the_same_in_columns_and_one_by_one() -> None:
    stays, rater = made(600), Rater(tariff(2))
    assert problems(tariff(2)) == {}
    assert reprice(tariff(2), stays).total_minor.tolist() == [
        rater.rate(stay(stays, n)).total_minor for n in range(600)
    ]


def test_a_dearer_tariff_brings_more_whatever_the_number_of_threads_and_parts() -> None:
    stays = made(2 * PART + 17)
    old, new = (reprice(tariff(level), stays) for level in (1, 2))
    assert len(old.total_minor) == 2 * PART + 17
    assert (new.total_minor >= old.total_minor).all()
    assert new.total_minor.sum() > old.total_minor.sum()
    for one, two in zip(old, reprice(tariff(1), stays, workers=2), strict=True):
        assert np.array_equal(one, two)


def test_the_same_count_makes_the_same_stays() -> None:
    for one, two in zip(made(50)[3:], made(50)[3:], strict=True):
        assert np.array_equal(one, two)
