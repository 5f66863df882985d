"""Template tags of the faces: `{% load karnet %}`. docs/faces.md lists them; /design shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from karnet.faces.base import charts, words
from karnet.faces.base.clock import now
from karnet.faces.base.server import server_name as name_of_server
from karnet.faces.base.status_lines import lines_for
from karnet.kernel.outcomes import Refused

register = template.Library()
KEY = "key"
"""The form field that carries the request key."""


@register.simple_tag
def key() -> SafeString:
    """A hidden field with a new request key: the same form sent twice is one request."""
    return format_html('<input type="hidden" name="{}" value="{}">', KEY, uuid4())


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of icons.svg. Without a label it is decoration, hidden from screen readers."""
    address = f"{static('karnet/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


@register.simple_tag
def field(bound: BoundField, **attributes: str) -> SafeString:
    """A form field: label, hint, input and error, tied together for screen readers. Attributes: `data_x="…"`."""
    described = [f"{bound.id_for_label}-hint"] if bound.help_text else []
    described += [f"{bound.id_for_label}-error"] if bound.errors else []
    attrs: dict[str, Any] = {name.replace("_", "-"): value for name, value in attributes.items()}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return render_to_string(
        "karnet/field.html",
        {
            "field": bound,
            "widget": bound.as_widget(attrs=attrs),
            "check": isinstance(bound.field.widget, CheckboxInput),
        },
    )


@register.inclusion_tag("karnet/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """What is wrong with a form as a whole; errors of fields stand beside them."""
    return {"errors": form.non_field_errors()}


@register.inclusion_tag("karnet/notice.html")
def refused(answer: object, where: words.Place | str = "UTC") -> dict[str, Any]:
    """A refusal as a notice in words; what is no refusal shows nothing."""
    if not isinstance(answer, Refused):
        return {"kind": "none"}
    return {"kind": "bad", "text": words.refusal(answer, where, now())}


@register.inclusion_tag("karnet/status_lines.html", takes_context=True)
def status_lines(context: template.RequestContext) -> dict[str, Any]:
    """What to know of the machinery: the lines that other parts of the system registered."""
    return {"lines": lines_for(context["request"])}


@register.simple_tag
def server_name() -> str:
    """The permanent name of this server."""
    return name_of_server()


@register.filter
def money(amount_minor: int | None, where: words.Place | str) -> str:
    """`{{ line.gross_minor|money:facility }}` or `|money:"PLN"`; nothing for None."""
    return "" if amount_minor is None else words.money(amount_minor, where)


@register.filter
def moment(at: datetime | None, where: words.Place | str) -> str:
    """Day and time by the wall clock of a facility or zone."""
    return "" if at is None else words.moment(at, where)


@register.filter
def clock_time(at: datetime | None, where: words.Place | str) -> str:
    """The time alone by the wall clock of a facility or zone."""
    return "" if at is None else words.moment(at, where, "time")


@register.filter
def day(when: date | None) -> str:
    """A calendar day."""
    return "" if when is None else words.day(when)


@register.filter
def in_words(answer: Refused, where: words.Place | str) -> str:
    """A refusal as a sentence."""
    return words.refusal(answer, where)


@register.simple_tag
def bars(rows: Sequence[tuple[str, int]] | Sequence[tuple[str, int, str]], label: str = "") -> SafeString:
    """A bar chart: rows of (what, value) or (what, value, value in words)."""
    return charts.bars(rows, label)


@register.simple_tag
def columns(rows: Sequence[tuple[str, int]], label: str = "") -> SafeString:
    """A column chart over time: rows of (what, value)."""
    return charts.columns(rows, label)
