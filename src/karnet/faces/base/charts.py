"""Charts as SVG, made on the server: no script, sharp at every size, readable without colours.

Colours and fonts come from the style sheet (a policy forbids styles in pages); lengths are attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_ROW, _BAR = 32, 18
_NAME_W, _VALUE_W, _WIDTH = 180, 90, 640
_COLUMNS_H, _COLUMNS_FOOT, _COLUMNS_HEAD = 180, 24, 20


def bars(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a horizontal bar chart. `rows`: (what, value) or (what, value, value in words), values not negative.

    The picture has a table's text in it: what, bar, value; screen readers get `label` and every row.
    """
    most = max((int(row[1]) for row in rows), default=0) or 1
    room = _WIDTH - _NAME_W - _VALUE_W
    drawn = format_html_join(
        "",
        '<g transform="translate(0 {})"><text class="chart-name" x="{}" y="21" text-anchor="end">{}</text>'
        '<rect class="chart-bar" x="{}" y="7" height="{}" width="{}" rx="3"/>'
        '<text class="chart-value" x="{}" y="21">{}</text></g>',
        (
            (
                number * _ROW,
                _NAME_W - 12,
                _short(str(row[0]), 24),
                _NAME_W,
                _BAR,
                (width := max(1, round(room * int(row[1]) / most))),
                _NAME_W + width + 8,
                row[2] if len(row) > 2 else f"{int(row[1]):,}".replace(",", "\u202f"),
            )
            for number, row in enumerate(rows)
        ),
    )
    return _picture(len(rows) * _ROW, label, rows, drawn)


def columns(rows: Sequence[Sequence[Any]], label: str = "") -> SafeString:
    """Return a column chart: (what, value) from left to right; about eight of the names are written below."""
    most = max((int(row[1]) for row in rows), default=0) or 1
    step = _WIDTH / max(1, len(rows))
    every = max(1, -(-len(rows) // 8))
    foot = _COLUMNS_HEAD + _COLUMNS_H
    heights = [round(_COLUMNS_H * int(row[1]) / most) for row in rows]
    drawn = format_html_join(
        "",
        '<rect class="chart-bar" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}: {}</title></rect>',
        (
            (round(n * step + step * 0.1, 2), foot - height, round(step * 0.8, 2), height, row[0], row[1])
            for n, (row, height) in enumerate(zip(rows, heights, strict=True))
        ),
    )
    names = format_html_join(
        "",
        '<text class="chart-value" x="{}" y="{}" text-anchor="middle">{}</text>',
        ((round((n + 0.5) * step, 2), foot + 17, row[0]) for n, row in enumerate(rows) if n % every == 0),
    )
    top = format_html(
        '<line class="chart-line" x1="0" x2="{0}" y1="{1}" y2="{1}"/><line class="chart-line" x1="0" x2="{0}" y1="{2}"'
        ' y2="{2}"/><text class="chart-value" x="0" y="{3}">{4}</text>',
        _WIDTH, foot, _COLUMNS_HEAD, _COLUMNS_HEAD - 5, most,
    )  # fmt: skip
    return _picture(foot + _COLUMNS_FOOT, label, rows, format_html("{}{}{}", top, drawn, names))


def _picture(height: int, label: str, rows: Sequence[Sequence[Any]], drawn: SafeString) -> SafeString:
    told = "; ".join(f"{row[0]} {row[2] if len(row) > 2 else row[1]}" for row in rows)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        _WIDTH, max(1, height), f"{label}: {told}" if label else told, drawn,
    )  # fmt: skip


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
