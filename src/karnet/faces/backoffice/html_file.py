"""A document of tables and a picture as one HTML file that opens anywhere: no script, nothing from elsewhere."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from karnet.faces.backoffice.exporting import Document, Table, shown
from karnet.faces.base.words import language

_STYLE = """
:root { color-scheme: light; font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: #16212c; }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0; color: #51606f; } .frame { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid #d5dce3; white-space: nowrap; }
thead th { border-bottom: 2px solid #7c8a98; white-space: normal; vertical-align: bottom; } .number { text-align: right; }
svg { width: 100%; max-width: 54rem; height: auto; display: block; margin: 1rem auto; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def as_html(document: Document) -> bytes:
    """Return the document as a page of its own, in the reader's language, UTF-8."""
    page = format_html(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>{}</title><style>{}</style></head><body><h1>{}</h1>{}{}{}</body></html>\n",
        language(),
        document.title,
        mark_safe(_STYLE),  # noqa: S308 (our own)
        document.title,
        format_html_join("", "<p>{}</p>", ((line,) for line in document.lines)),
        mark_safe(document.picture),  # noqa: S308 (drawn by us, every text in it escaped)
        format_html_join("", "{}", ((_table(table, document),) for table in document.tables)),
    )
    return page.encode()


def _table(table: Table, document: Document) -> SafeString:
    numbers = [column.kind in ("money", "count") for column in table.columns]
    return format_html(
        '<h2>{}</h2><div class="frame"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        table.title,
        format_html_join(
            "",
            '<th scope="col"{}>{}</th>',
            (
                (mark_safe(' class="number"') if number else "", column.title)
                for column, number in zip(table.columns, numbers, strict=True)
            ),
        ),
        format_html_join(
            "",
            "<tr>{}</tr>",
            (
                (
                    format_html_join(
                        "",
                        "<td{}>{}</td>",
                        (
                            (mark_safe(' class="number"') if number else "", shown(value, column, document))
                            for value, column, number in zip(row, table.columns, numbers, strict=True)
                        ),
                    ),
                )
                for row in table.rows
            ),
        ),
    )
