"""Codes and problems of drafts in the reader's language: nothing is left in English by accident."""

from __future__ import annotations

from typing import get_args

import pytest
from django.utils.translation import override

from karnet.entitlements.operations import MediumKind
from karnet.faces.backoffice.naming import KINDS, called, problem_in_words
from karnet.orders.operations import PaidWith
from karnet.parties.operations import SalesPointKind


@pytest.mark.parametrize(
    ("kind", "codes"),
    [("payment", get_args(PaidWith)), ("medium", get_args(MediumKind)), ("sales_point", get_args(SalesPointKind))],
)
def test_every_code_has_a_name(kind: str, codes: tuple[str, ...]) -> None:
    assert set(KINDS[kind]) == set(codes)


def test_a_code_that_nobody_named_is_its_own_name() -> None:
    assert called("category", "miner") == "miner"


@pytest.mark.parametrize(
    ("problem", "polish"),
    [
        ("must be 0 to 100000000 minor units", "musi wynosić od 0 do 100000000 groszy"),
        ("must be 0 to 10000 basis points (8 % is 800)", "musi wynosić od 0 do 10000 punktów bazowych (8 % to 800)"),
        ("'DAY' is given 2 times", "'DAY' podano 2 razy"),
        ("means nothing for season", "nic nie znaczy dla season"),
        ("something new", "something new"),
    ],
)
def test_a_problem_of_a_draft_is_told_in_polish(problem: str, polish: str) -> None:
    with override("pl"):
        assert problem_in_words(problem) == polish
