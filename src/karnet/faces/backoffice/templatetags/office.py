"""Template filters of the back office: `{% load office %}`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import template

from karnet.faces.backoffice import naming
from karnet.faces.backoffice.exporting import amount_text
from karnet.faces.base.stay_words import zone_name
from karnet.kernel.decimals import written
from karnet.settlement.rendering import weight_text

register = template.Library()


@register.filter
def called(code: str, kind: str) -> str:
    """What a code is called: `{{ kind|called:"payment" }}`; also "medium", "sales_point", "category"."""
    return naming.called(kind, code)


@register.filter
def zone_called(code: str) -> str:
    """What a zone of a metered place is called."""
    return zone_name(code)


@register.filter
def problem(text: str) -> str:
    """What is wrong with a draft, in the reader's language."""
    return naming.problem_in_words(text)


@register.filter
def plain_money(minor: int | None) -> str:
    """An amount without its currency, where the column names it."""
    return "" if minor is None else amount_text(minor)


@register.filter
def beside(first: Sequence[Any], second: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    """Pairs of what stands at the same place of two sequences."""
    return list(zip(first, second, strict=True))


@register.filter
def size(amount: int) -> int:
    """An amount without its sign, where words say who pays."""
    return abs(amount)


@register.filter
def weight(millionths: int) -> str:
    """A weight as agreements write it."""
    return weight_text(millionths)


@register.filter
def percent(basis_points: int) -> str:
    """A rate: 800 is "8 %"."""
    return f"{written(int(basis_points), 2, least=0).rstrip('.')} %"


@register.filter
def figure(field: str, value: str | int | None) -> str:
    """A value of a product's field: money and rates as people write them, nothing for None."""
    if value is None:
        return "—"
    if isinstance(value, int) and (field.startswith("prices.") or field == "deposit_minor"):
        return amount_text(value)
    return percent(value) if isinstance(value, int) and field == "vat_bp" else str(value)
