"""The report as a PDF for print and archive, set by typst with the fonts that it brings along.

No font of the machine is used, and the time at which it was made is not in the file, so that the same
document gives the same bytes everywhere. Whether these fonts have every character is not checked.
"""

import json
from dataclasses import asdict
from functools import cache
from typing import Any

from dashboards.rendering import TEMPLATES
from dashboards.reports import codes
from dashboards.reports.as_html import chart_svg
from dashboards.reports.charts import Chart
from dashboards.reports.document import Block, Document, Paragraph, Table, Terms

FONT = "Libertinus Serif"


def as_pdf(document: Document) -> bytes:
    """The report as a PDF.

    Raises:
        ImportError: typst is not installed.
    """
    import typst  # noqa: PLC0415 - only who asks for a PDF waits for it

    setting = _Setting()
    content = {
        "language": document.language,
        "letterhead": list(document.house.letterhead),
        "address": document.house.address,
        "facility": document.facility,
        "title": document.title,
        "period": document.period,
        "lines": list(document.lines),
        "sections": [
            {
                "title": section.title,
                "level": section.level,
                "blocks": [setting.block(block) for block in section.blocks],
            }
            for section in document.sections
        ],
        "proof": asdict(document.proof),
        "signing": asdict(document.signing),
        "foot": document.foot,
        "page_words": document.page_words,
        "omitted": list(document.omitted),
    }
    if code := codes.svg(document.proof.address):
        setting.drawings["qr"] = code
        setting.told["qr"] = document.proof.address
    content |= {"drawings": setting.drawings, "told": setting.told}
    written = typst.compile(
        _template(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"report": json.dumps(content, ensure_ascii=False)},
    )
    assert isinstance(written, bytes)
    return written


class _Setting:
    """Collects the drawings while the blocks are put into data."""

    def __init__(self) -> None:
        self.drawings: dict[str, str] = {}
        self.told: dict[str, str] = {}

    def block(self, block: Block) -> dict[str, Any]:
        """One block as the template reads it."""
        match block:
            case Table():
                return {
                    "kind": "table",
                    "title": block.title,
                    "columns": [asdict(column) for column in block.columns],
                    "rows": [
                        {
                            "is_total": row.is_total,
                            "cells": [{"text": cell.text, "small": cell.small} for cell in row.cells],
                        }
                        for row in block.rows
                    ],
                }
            case Chart():
                name = f"chart-{len(self.drawings)}"
                self.drawings[name] = chart_svg(block, font=FONT)
                self.told[name] = f"{block.title}. {block.told}"
                return {"kind": "chart", "title": block.title, "drawing": name}
            case Terms():
                return {"kind": "terms", "items": [list(item) for item in block.items]}
            case Paragraph():
                return {
                    "kind": "paragraph",
                    "text": block.text,
                    "is_notice": block.is_notice,
                    "is_blank": block.is_blank,
                }


@cache
def _template() -> bytes:
    return (TEMPLATES / "reports" / "report.typ").read_bytes()
