"""Reading a CSV file of CONTRACT 6: header, rows, and what is wrong with them, by file, line and column.

Decides what a readable file is (UTF-8, commas, one header row). Knows no particular file and stores nothing.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_SHOWN = 60
"""Characters of a bad value that an error repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """One thing that is wrong with a file; ``column`` and ``value`` are empty where none is to blame."""

    file: str
    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """One line as compilers write it: ``staff.csv:3: phone '12': is no telephone number``."""
        value = self.value if len(self.value) <= _SHOWN else self.value[:_SHOWN] + "…"
        blamed = f"{self.column} {value!r}" if value else self.column
        return f"{self.file}:{self.line}: {blamed + ': ' if blamed else ''}{self.reason}"


class ImportRefusedError(Exception):
    """A file has problems; nothing of it was imported."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        """Keep every problem in the order of the file; the message is the first and how many follow."""
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        more = len(self.problems) - 1
        super().__init__(str(self.problems[0]) + (f" (and {more} more)" if more else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: the line it starts on, counted from 1, and its values by column, without outer blanks."""

    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """The value of a column; every column of the file is there."""
        return self.values[column]


@dataclass(slots=True, kw_only=True)
class CsvFile:
    """A file being read: its name, its rows, and the problems found so far."""

    name: str
    rows: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def blame(self, line: int, reason: str, *, column: str = "", value: str = "") -> None:
        """Note a problem; reading goes on, so that a person sees all of them at once."""
        self.problems.append(RowProblem(file=self.name, line=line, column=column, value=value, reason=reason))

    def blame_row(self, row: Row, column: str, reason: str) -> None:
        """Note a problem with one value of a row."""
        self.blame(row.line, reason, column=column, value=row[column])

    def refuse_if_bad(self) -> None:
        """Raise :class:`ImportRefusedError` when anything was noted."""
        if self.problems:
            raise ImportRefusedError(self.problems)


def read_csv(content: bytes, *, file: str, columns: Sequence[str]) -> CsvFile:
    """The rows of a file whose header names exactly *columns*, in any order.

    A byte order mark, either kind of line end, quoted fields and empty lines are all right. Rows that do not
    fit the header are noted as problems of the result.

    Raises:
        ImportRefusedError: the file cannot be read as CSV in UTF-8, or its header is wrong.
    """
    read = CsvFile(name=file)
    lines = _lines(content, read)
    header = next(lines, None)
    if header is None:
        read.blame(1, "the file is empty; its first line must be " + ",".join(columns))
        raise ImportRefusedError(read.problems)
    names = _columns(header, columns, read)
    for line, values in lines:
        if len(values) != len(names):
            read.blame(line, f"has {len(values)} values where the header has {len(names)}")
            continue
        row = Row(line=line, values=dict(zip(names, values, strict=True)))
        for column, value in row.values.items():
            if any(unicodedata.category(character) == "Cc" for character in value):
                read.blame_row(row, column, "has a line break or another invisible character in it")
        read.rows.append(row)
    return read


def _lines(content: bytes, read: CsvFile) -> Iterator[tuple[int, list[str]]]:
    """Every line with something on it, with its number."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        read.blame(line, "is not UTF-8 text; save the file as CSV UTF-8")
        raise ImportRefusedError(read.problems) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            read.blame(line, f"is not CSV: {error}")
            raise ImportRefusedError(read.problems) from error
        if values is None:
            return
        stripped = [value.strip() for value in values]
        if any(stripped):
            yield line, stripped


def _columns(header: tuple[int, list[str]], columns: Sequence[str], read: CsvFile) -> list[str]:
    """The columns in the file's order."""
    line, written = header
    names = [name.lower() for name in written]
    if len(names) == 1 and ";" in names[0]:
        read.blame(line, "columns are separated by semicolons here; save the file with commas")
        raise ImportRefusedError(read.problems)
    for name in dict.fromkeys(names):
        if name not in columns:
            read.blame(
                line, "is not a column of this file; it has " + ",".join(columns), column=name or "(empty)"
            )
        elif names.count(name) > 1:
            read.blame(line, "stands twice in the header", column=name)
    for column in columns:
        if column not in names:
            read.blame(line, "is missing in the header", column=column)
    read.refuse_if_bad()
    return names
