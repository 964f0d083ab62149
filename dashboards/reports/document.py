"""A report put into words, before it is set: the one content that page, PDF and spreadsheet are made from.

A cell holds what a person reads and what a spreadsheet calculates with, side by side, so that no two formats
can say different things. Decides nothing: chapters fill it, ``as_html``, ``as_pdf`` and ``as_xlsx`` set it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from dashboards.reports.charts import Chart
from dashboards.reports.house import House


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration, which a spreadsheet shows as hours, minutes and seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Share:
    """A part from 0 to 1, which a spreadsheet shows in per cent."""

    share: float


Value = int | float | str | datetime | Seconds | Share | None
"""What a spreadsheet gets; None leaves the cell empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Where the incidents, or the calls, stand that a figure is made of: a page below ``/reports``."""

    page: str
    wanted: Mapping[str, str]

    def address(self, period: str) -> str:
        """The page, asked for these; of *period* where the figure does not name another."""
        return f"/reports/{self.page}?{urlencode({'period': period, **self.wanted})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is read, what stands small below it, and the values for the columns of a spreadsheet.

    ``behind`` is what the figure is made of; None where it counts nothing that can be listed.
    """

    text: str
    small: str = ""
    values: Sequence[Value]
    behind: Behind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The head of a column; ``sheet`` are the heads of the columns that a spreadsheet has in its place."""

    title: str
    sheet: Sequence[str]
    is_number: bool = False
    weight: int = 1
    """How wide, in proportion to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; a total stands at its foot."""

    cells: Sequence[Cell]
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; ``name`` names its sheet."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Some sentences; ``is_notice`` must not be overlooked, ``is_blank`` is for a person to fill in."""

    text: str
    is_notice: bool = False
    is_blank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Words and what they mean here."""

    items: Sequence[tuple[str, str]]


Block = Paragraph | Table | Chart | Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chapter, or with level 2 a part of the chapter before it."""

    title: str
    blocks: Sequence[Block] = ()
    level: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What lets a reader check that nothing was changed: the fingerprint, and where it is explained how.

    A form that has nothing to prove bears none, and so no title.
    """

    title: str
    words: str
    how: str
    """What stands before the address."""
    fingerprint: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The block in which somebody signs; dots are to be filled in. Without a place it is left out."""

    place_and_date: str
    title: str
    room: str
    """What may be put into the space above the name."""
    name: str
    nip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The whole report in one language."""

    language: str
    house: House
    facility: str
    title: str
    period: str
    lines: Sequence[str]
    sections: Sequence[Section]
    proof: Proof
    signing: Signing
    foot: str
    """What stands at the foot of every page, before its number."""
    page_words: str
    """``Page %(page)s of %(pages)s``, with the two names left in."""
    omitted: Sequence[str] = field(default_factory=tuple)
    """What could not be done, a line each."""
    origin: str = ""
    """Before the addresses to which figures lead from a file; empty where they lead nowhere."""

    @property
    def tables(self) -> Sequence[Table]:
        """Every table, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]
