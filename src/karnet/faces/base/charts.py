"""Charts as SVG, made on the server: no script, sharp at every size, readable without colours.

Colours and fonts come from the style sheet (the policy forbids styles in pages). Widths are percentages, so a chart fits
a phone and a wall, and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_HEAD, _TALL, _FOOT = 18, 165, 20  # pixels: the largest value, the columns, their names
_NAMES = 8


def bars(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a bar chart. `rows`: (what, value) or (what, value, value in words), values not negative.

    It is a list of terms and values, which screen readers read as such; the bars are decoration.
    """
    most = max((int(row[1]) for row in rows), default=0) or 1
    drawn = format_html_join(
        "\n",
        '<div><dt>{}</dt><dd aria-hidden="true"><svg><rect class="chart-bar" width="{}%" height="100%" rx="3"/></svg></dd>'
        "<dd>{}</dd></div>",
        ((row[0], _share(int(row[1]), most), row[2] if len(row) > 2 else _grouped(int(row[1]))) for row in rows),
    )
    return format_html('<dl class="bars" aria-label="{}">{}</dl>', label, drawn)


def columns(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a column chart: (what, value) from left to right; about eight of the names are written below.

    Screen readers get the label and every row; a pointer over a column shows its value.
    """
    most = max((int(row[1]) for row in rows), default=0)
    step = 100 / max(1, len(rows))
    every = max(1, -(-len(rows) // _NAMES))
    floor = _HEAD + _TALL
    heights = [round(_TALL * int(row[1]) / (most or 1)) for row in rows]
    drawn = format_html_join(
        "",
        '<rect class="chart-bar" x="{}%" y="{}" width="{}%" height="{}" rx="2"><title>{}: {}</title></rect>',
        (
            (round(n * step + step * 0.1, 2), floor - height, round(step * 0.8, 2), height, row[0], _words(row))
            for n, (row, height) in enumerate(zip(rows, heights, strict=True))
        ),
    )
    names = format_html_join(
        "",
        '<text class="chart-value" x="{}%" y="{}">{}</text>',
        ((round(n * step + step * 0.1, 2), floor + _FOOT - 4, row[0]) for n, row in enumerate(rows) if n % every == 0),
    )
    lines = format_html(
        '<line class="chart-line" x1="0" x2="100%" y1="{0}" y2="{0}"/><line class="chart-line" x1="0" x2="100%" y1="{1}"'
        ' y2="{1}"/><text class="chart-value" x="0" y="{2}">{3}</text>',
        floor,
        _HEAD,
        _HEAD - 5,
        _grouped(most),
    )
    told = "; ".join(f"{row[0]} {_words(row)}" for row in rows)
    return format_html(
        '<svg class="columns" role="img" aria-label="{}">{}{}{}</svg>',
        f"{label}: {told}" if label else told,
        lines,
        drawn,
        names,
    )


def _words(row: Sequence[Any]) -> str:
    return str(row[2]) if len(row) > 2 else _grouped(int(row[1]))


def _share(value: int, most: int) -> float:
    # Something is never drawn as nothing.
    return max(round(100 * value / most, 2), 0.5 if value else 0.0)


def _grouped(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")
