"""The report as a workbook: a cover, and one sheet for each table with typed cells and a head that stays.

The same document gives the same bytes: the file says when its period ended, and never when it was made.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from dashboards.reports.document import Document, Paragraph, Seconds, Share, Table, Terms, Value

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

_SHEET_NAME_MAX = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
_WIDEST = 60
_DAY_S = 86400


def as_xlsx(document: Document, *, ended: datetime) -> bytes:
    """The report as a workbook; *ended* is when its period did.

    Raises:
        ImportError: XlsxWriter is not installed.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - only who asks for a workbook needs it

    written = BytesIO()
    # What people said is text and never a formula or a link.
    workbook = Workbook(
        written,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    workbook.set_properties(
        {
            "title": f"{document.title} {document.period}",
            "author": document.facility,
            "created": ended.replace(tzinfo=None),
        }
    )
    _Writer(workbook).write(document)
    workbook.close()
    return written.getvalue()


class _Writer:
    """Fills one workbook."""

    def __init__(self, workbook: "Workbook") -> None:
        self._workbook = workbook
        self._names: set[str] = set()
        wrapped = {"text_wrap": True, "valign": "top"}
        self._head = workbook.add_format({**wrapped, "bold": True, "bottom": 1, "bg_color": "#E9EDF1"})
        self._title = workbook.add_format({"bold": True, "font_size": 14})
        self._bold = workbook.add_format({**wrapped, "bold": True})
        self._text = workbook.add_format(wrapped)
        self._count = workbook.add_format({"valign": "top", "num_format": "#,##0"})
        self._number = workbook.add_format({"valign": "top", "num_format": "0.0"})
        self._seconds = workbook.add_format({"valign": "top", "num_format": "[h]:mm:ss"})
        self._share = workbook.add_format({"valign": "top", "num_format": "0.0%"})
        self._instant = workbook.add_format({"valign": "top", "num_format": "yyyy-mm-dd hh:mm:ss"})

    def write(self, document: Document) -> None:
        """The cover, then every table."""
        self._cover(document)
        for table in document.tables:
            self._table(table, document)

    def _cover(self, document: Document) -> None:
        sheet = self._workbook.add_worksheet(self._name(document.title))
        sheet.set_column(0, 0, 100)
        lines: list[tuple[str, Any]] = [(line, self._bold) for line in document.house.letterhead]
        lines += [(document.facility, self._bold), (document.house.address, self._text)]
        lines += [(document.title, self._title), *((line, self._text) for line in document.lines)]
        lines += [(line, self._bold) for line in document.omitted]
        for section in document.sections:
            lines += [("", self._text), (section.title, self._bold)]
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    lines.append((block.text, self._text))
                elif isinstance(block, Terms):
                    lines += [(f"{word}: {meaning}", self._text) for word, meaning in block.items]
        proof, signing = document.proof, document.signing
        lines += [("", self._text), (proof.title, self._bold), (proof.words, self._text)]
        lines += [(proof.fingerprint, self._bold)] if proof.fingerprint else []
        lines += [(f"{proof.how} {proof.address}", self._text)] if proof.address else []
        lines += [("", self._text), (signing.place_and_date, self._text), (signing.title, self._text)]
        lines += [(signing.name, self._bold), (signing.nip, self._text)]
        for row, (line, form) in enumerate(lines):
            sheet.write_string(row, 0, line, form)
        self._paper(sheet, document)

    def _table(self, table: Table, document: Document) -> None:
        sheet = self._workbook.add_worksheet(self._name(table.name))
        heads = [head for column in table.columns for head in column.sheet]
        rows = [[value for cell in row.cells for value in cell.values] for row in table.rows]
        for at, head in enumerate(heads):
            sheet.write_string(0, at, head, self._head)
            sheet.set_column(at, at, _width([head[:24], *(row[at] for row in rows)]))
        for number, row in enumerate(rows, 1):
            for at, value in enumerate(row):
                self._cell(sheet, number, at, value)
        sheet.freeze_panes(1, 1)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(heads) - 1)
        sheet.repeat_rows(0)
        self._paper(sheet, document)

    def _cell(self, sheet: "Worksheet", row: int, at: int, value: Value) -> None:
        match value:
            case None:
                sheet.write_blank(row, at, None, self._text)
            case Seconds():
                sheet.write_number(row, at, value.seconds / _DAY_S, self._seconds)
            case Share():
                sheet.write_number(row, at, value.share, self._share)
            case int():
                sheet.write_number(row, at, value, self._count)
            case float():
                sheet.write_number(row, at, value, self._number)
            case datetime():
                sheet.write_datetime(row, at, value, self._instant)
            case _:
                sheet.write_string(row, at, value, self._text)

    def _paper(self, sheet: "Worksheet", document: Document) -> None:
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        # "&" is a command there.
        sheet.set_footer(f"&L{document.foot.replace('&', '&&')}&R&P / &N")

    def _name(self, wanted: str) -> str:
        """A name that a sheet may have, and no other has."""
        base = _NOT_IN_NAMES.sub(" ", wanted).strip()[:_SHEET_NAME_MAX] or "-"
        name, turn = base, 1
        while name.casefold() in self._names:
            turn += 1
            name = f"{base[: _SHEET_NAME_MAX - 3]} {turn}"
        self._names.add(name.casefold())
        return name


def _width(values: Sequence[Value]) -> int:
    longest = max((len(value) for value in values if isinstance(value, str)), default=0)
    if any(isinstance(value, datetime) for value in values):
        longest = max(longest, 19)
    return min(_WIDEST, max(9, longest + 2))
