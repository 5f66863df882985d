"""Amounts, instants and refusals in templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from django.template import engines
from django.utils import translation

from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason


@dataclass
class Facility:
    currency: str = "PLN"
    time_zone: str = "Europe/Warsaw"


SUMMER = datetime(2026, 7, 1, 22, 30, 15, tzinfo=UTC)


def made(template: str, language: str = "pl", **context: object) -> str:
    with translation.override(language):
        return engines["django"].from_string("{% load karnet %}" + template).render(context)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("language", "money", "moment"),
    [
        ("en", "1,234.50\u00a0PLN", "2026-07-02 00:30"),
        ("pl", "1\u00a0234,50\u00a0PLN", "02.07.2026 00:30"),
        ("ru", "1\u00a0234,50\u00a0PLN", "02.07.2026 00:30"),
        ("it", "1.234,50\u00a0PLN", "02/07/2026 00:30"),
        ("de", "1.234,50\u00a0PLN", "02.07.2026 00:30"),
    ],
)
def test_money_and_time_are_written_as_the_reader_does_at_the_facility(language: str, money: str, moment: str) -> None:
    said = made("{{ minor|money:place }} {{ at|moment:place }}", language, minor=123450, at=SUMMER, place=Facility())
    assert said == f"{money} {moment}"


def test_shapes_of_time_and_nothing_for_nothing() -> None:
    said = made('{{ at|clock_time:"Asia/Tokyo" }} {{ day|day }}', at=SUMMER, day=date(2026, 7, 2))
    assert said == "07:30 02.07.2026"
    assert made('{{ x|money:"PLN" }}{{ x|moment:"UTC" }}{{ x|clock_time:"UTC" }}{{ x|day }}', x=None) == ""


def test_a_refusal_is_a_notice_and_anything_else_is_none() -> None:
    refusal = refused(Reason.INSUFFICIENT_FUNDS, available_minor=100, needed_minor=250, currency="EUR")
    said = made('{% refused answer "UTC" %}', answer=refusal)
    assert 'role="alert"' in said
    assert "1,00\u00a0EUR" in said
    assert made('{% refused answer "UTC" %}', answer="sold").strip() == ""


def test_a_form_has_a_new_key_each_time() -> None:
    assert 'type="hidden" name="key"' in made("{% key %}")
    assert made("{% key %}") != made("{% key %}")


def test_charts_escape_what_they_are_told_and_draw_something_for_little() -> None:
    rows = [("<b>", 1_000_000), ("few", 1), ("none", 0)]
    said = made('{% bars rows "Sales" %}', rows=rows)
    assert "&lt;b&gt;" in said
    assert "<b>" not in said
    assert [width in said for width in ('width="100.0%"', 'width="0.5%"', 'width="0.0%"')] == [True] * 3
    assert "1\u202f000\u202f000" in said
    assert made("{% columns rows %}", rows=[]).startswith("<svg")
    assert "&lt;b&gt;: 1\u202f000\u202f000" in made("{% columns rows %}", rows=rows)
