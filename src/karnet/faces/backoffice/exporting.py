"""Tables for other programs and for paper: CSV, XLSX and PDF of the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
from django.http import HttpResponse
from django.utils.translation import gettext as _

from karnet.faces.base.words import language, moment
from karnet.kernel.time import zone

Kind = Literal["text", "count", "money", "time"]
FORMATS = ("html", "pdf", "xlsx", "csv")
PDF_ROWS = 3_000
"""Nobody reads more on paper; the other formats hold everything."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_SHEET = Path(__file__).with_name("sheet.typ")
_NUMBER_FORMATS = {"money": "#,##0.00", "count": "#,##0", "time": "yyyy-mm-dd hh:mm:ss"}


@dataclass(frozen=True)
class Column:
    """A column: money is in minor units of two decimals, times are aware instants."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """A titled table; every row has one value for each column, None for an empty cell."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Document:
    """What is exported: CSV holds the first table, the others all of them. `lines` stand below the title of PDF and HTML,
    and below them `picture` (SVG)."""

    name: str
    title: str
    tables: Sequence[Table]
    time_zone: str
    lines: Sequence[str] = ()
    picture: str = ""


def exported(document: Document, form: str) -> HttpResponse:
    """Answer with a document as a file in one of FORMATS."""
    response = HttpResponse(written(document, form), content_type=_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{document.name}.{form}"'
    return response


def written(document: Document, form: str) -> bytes:
    """Return a document as the bytes of a file in one of FORMATS."""
    from karnet.faces.backoffice.html_file import as_html

    return {"csv": as_csv, "xlsx": as_xlsx, "pdf": as_pdf, "html": as_html}[form](document)


def as_csv(document: Document) -> bytes:
    """Return the first table as RFC 4180 CSV, UTF-8 with a byte order mark (spreadsheets look for one)."""
    table = document.tables[0]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(column.title for column in table.columns)
    for row in table.rows:
        writer.writerow(_plain(value, column, document) for value, column in zip(row, table.columns, strict=True))
    return out.getvalue().encode("utf-8-sig")


def _plain(value: Any, column: Column, document: Document) -> str:
    if value is None:
        return ""
    if column.kind == "money":
        return str(_decimal(value))
    if column.kind == "time":
        return str(value.astimezone(zone(document.time_zone)).isoformat(timespec="seconds"))
    text = str(value)
    # A text that a spreadsheet would take for a formula is shown, not run.
    return f"'{text}" if column.kind == "text" and text[:1] in "=+-@\t\r" and text else text


def as_xlsx(document: Document) -> bytes:
    """Return a workbook with a sheet for each table; amounts and times are numbers that can be summed and sorted."""
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
    from openpyxl.styles import Font  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    for n, table in enumerate(document.tables, start=1):
        sheet = book.create_sheet(_sheet_name(table.title, n))
        sheet.freeze_panes = "A2"
        for place, column in enumerate(table.columns, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = max(12, len(column.title) + 2)
        head = []
        for column in table.columns:
            cell = WriteOnlyCell(sheet, column.title)
            cell.font = Font(bold=True)
            head.append(cell)
        sheet.append(head)
        for row in table.rows:
            cells = []
            for value, column in zip(row, table.columns, strict=True):
                cell = WriteOnlyCell(sheet, _value(value, column, document))
                if column.kind == "text":
                    cell.data_type = "s"  # Never a formula.
                else:
                    cell.number_format = _NUMBER_FORMATS[column.kind]
                cells.append(cell)
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _value(value: Any, column: Column, document: Document) -> Any:
    if value is None:
        return None if column.kind != "text" else ""
    if column.kind == "money":
        return _decimal(value)
    if column.kind == "time":
        # Spreadsheets know no zones: the wall clock of the document's.
        return value.astimezone(zone(document.time_zone)).replace(tzinfo=None)
    return str(value) if column.kind == "text" else value


def _sheet_name(title: str, n: int) -> str:
    name = "".join(character for character in title if character not in "[]:*?/\\")[:28]
    return name or str(n)


def as_pdf(document: Document) -> bytes:
    """Return the tables as pages of A4, set by typst; long tables end after PDF_ROWS rows and say so."""
    import typst

    data = {
        "title": document.title,
        "lines": list(document.lines),
        "picture": "".join(document.picture),  # plain, for the encoder
        "language": language(),
        "page": _("page"),
        "tables": [_set(table, document) for table in document.tables],
    }
    made: bytes = typst.compile(
        _SHEET.read_bytes(), format="pdf", sys_inputs={"data": msgspec.json.encode(data).decode()}
    )
    return made


def _set(table: Table, document: Document) -> dict[str, Any]:
    left_out = max(0, len(table.rows) - PDF_ROWS)
    return {
        "title": table.title,
        "columns": [{"title": column.title, "number": column.kind in ("money", "count")} for column in table.columns],
        "rows": [
            [shown(value, column, document) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:PDF_ROWS]
        ],
        "note": _("%(count)s more rows are in the CSV and XLSX files.") % {"count": left_out} if left_out else "",
    }


def shown(value: Any, column: Column, document: Document) -> str:
    """Return a cell as people read it."""
    if value is None:
        return ""
    if column.kind == "money":
        return amount_text(value)
    if column.kind == "time":
        return moment(value, document.time_zone, "seconds")
    return str(value)


def amount_text(minor: int) -> str:
    """Return an amount without its currency, as readers of the page's language write it."""
    from karnet.kernel.reason_words import amount

    return amount(minor, "", language())


def _decimal(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def local_time(at: datetime, time_zone: str) -> str:
    """Return an instant for a line of text."""
    return moment(at, time_zone)
