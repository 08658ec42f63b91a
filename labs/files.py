"""From the bytes of a laboratory's file to a table of text. What is not plain CSV is refused with one sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 32 * 1024 * 1024
#: Results of one file. Above AT_ONCE (labs.services.imports) they are read by a job.
MOST_ROWS = 100_000
MOST_COLUMNS = 100
LONGEST_CELL = 300
SEPARATORS = (",", ";", "\t")
#: First bytes of what is sent instead of CSV.
_OTHER_KINDS = (
    (b"PK\x03\x04", "This is a ZIP or Excel file. Save the sheet as CSV and upload that."),
    (b"\x1f\x8b", "This is a compressed file. Unpack it and upload the CSV."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel or Word file. Save the sheet as CSV and upload that."),
    (b"%PDF", "This is a PDF. Ask the laboratory for the results as CSV."),
    (b"\xff\xfe", "The file is UTF-16. Save it as CSV in UTF-8 and upload that."),
    (b"\xfe\xff", "The file is UTF-16. Save it as CSV in UTF-8 and upload that."),
)
_PIECE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: What a spreadsheet would run: a sign that is followed by anything but a number.
_FORMULA = re.compile(r"[=@]|[+-](?=\S)(?!\d+([.,]\d+)?\s*\Z)(?![+-]+\Z)")


class Unreadable(Exception):
    """The file is refused as a whole. The message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file by its number (the heading is 1); `problem` if its cells do not fit the heading.

    start, end: where it stands in the text.
    """

    number: int
    cells: tuple[str, ...]
    problem: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Table:
    """Heading and rows. Rows are read from the text whenever they are asked for: a large file is held once, as text.

    count: how many rows there are.
    """

    header: tuple[str, ...]
    count: int
    separator: str
    text: str = field(repr=False)

    @property
    def lines(self) -> Iterator[Line]:
        return _lines(self.text, self.separator, self.header)

    def line_at(self, number: int, start: int, end: int) -> Line:
        """The row of that number again, from where it stands."""
        (cells,) = csv.reader(_pieces(self.text[start:end]), delimiter=self.separator, strict=True)
        return _line(number, cells, len(self.header), start, end)


def text_of(content: bytes) -> str:
    """The file as text. Unreadable for anything that is not text in UTF-8."""
    if not content.strip():
        raise Unreadable("The file is empty.")
    if len(content) > MOST_BYTES:
        raise Unreadable(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it by month or by subject.")
    for start, words in _OTHER_KINDS:
        if content.startswith(start):
            raise Unreadable(words)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        words = f"Row {line} is not written in UTF-8. Save the file as CSV in UTF-8 and upload that."
        raise Unreadable(words) from None
    if found := _CONTROL.search(text):
        line = text[: found.start()].count("\n") + 1
        raise Unreadable(f"Row {line} holds a sign that no text has. Ask the laboratory for the file again.")
    if text.lstrip().startswith("<"):
        raise Unreadable("This is an XML or HTML file. Ask the laboratory for the results as CSV.")
    return text


def read_table(text: str) -> Table:
    """Heading and rows. Unreadable with a sentence for what cannot be a laboratory's table."""
    separator = _separator(text)
    heading = next((row for row in _rows(text, separator) if row.cells), None)
    if heading is None:
        raise Unreadable("The file has a heading and no rows.")
    _check_cells(heading.number, heading.cells)
    header = tuple(cell.strip() for cell in heading.cells)
    _check_header(header)
    count = _checked(text, separator)
    if not count:
        raise Unreadable("The file has a heading and no rows.")
    if count > MOST_ROWS:
        raise Unreadable(f"The file has {count:,} rows; {MOST_ROWS:,} can be imported at once. Split it.")
    return Table(header, count, separator, text)


def _checked(text: str, separator: str) -> int:
    """How many rows there are below the heading. Unreadable for a row that no laboratory's table has."""
    count = -1
    for row in _rows(text, separator):
        _check_cells(row.number, row.cells)
        count += any(cell.strip() for cell in row.cells)
    return count


def _separator(text: str) -> str:
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    found = max(SEPARATORS, key=heading.count)
    if not heading.count(found):
        raise Unreadable("No columns were found. They are parted by commas, semicolons or tabs.")
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: list[str]
    start: int
    end: int


def _pieces(text: str) -> Iterator[str]:
    """The text up to each line end, one after the other: no second copy of it is made."""
    return (found[0] for found in _PIECE.finditer(text))


def _rows(text: str, separator: str) -> Iterator[_Row]:
    """Every row with where it stands; those that hold no cell count, and hold none."""
    read = 0

    def pieces() -> Iterator[str]:
        nonlocal read
        for piece in _pieces(text):
            read += len(piece)
            yield piece

    reader = csv.reader(pieces(), delimiter=separator, strict=True)
    number = start = 0
    try:
        for cells in reader:
            number += 1
            yield _Row(number, cells, start, read)
            start = read
    except csv.Error:
        raise Unreadable(f"Row {number + 1} cannot be read: a quotation mark is not closed or out of place.") from None


def _lines(text: str, separator: str, header: tuple[str, ...]) -> Iterator[Line]:
    """Rows below the heading that hold anything."""
    filled = (row for row in _rows(text, separator) if row.cells)
    next(filled)
    for row in filled:
        if any(cell.strip() for cell in row.cells):
            yield _line(row.number, row.cells, len(header), row.start, row.end)


def _check_cells(number: int, cells: list[str]) -> None:
    if len(cells) > MOST_COLUMNS:
        raise Unreadable(f"Row {number} has {len(cells):,} columns; at most {MOST_COLUMNS} are read.")
    for place, cell in enumerate(cells, start=1):
        if len(cell) > LONGEST_CELL:
            raise Unreadable(f"Row {number}, column {place} is longer than {LONGEST_CELL} characters.")
        if _FORMULA.match(cell.strip()):
            raise Unreadable(f"Row {number}, column {place} holds a formula. Save the file with values only.")


def _check_header(header: tuple[str, ...]) -> None:
    if len(header) < 2:
        raise Unreadable("No columns were found. They are parted by commas, semicolons or tabs.")
    if "" in header:
        raise Unreadable(f"Column {header.index('') + 1} has no name in the heading.")
    twice = next((name for name in header if header.count(name) > 1), "")
    if twice:
        raise Unreadable(f"The heading has the column {twice[:60]} twice.")


def _line(number: int, cells: list[str], columns: int, start: int, end: int) -> Line:
    told = tuple(cell.strip() for cell in cells)
    if len(told) == columns:
        return Line(number, told, "", start, end)
    words = f"This row has {len(told)} cells where the heading has {columns}."
    return Line(number, (told + ("",) * columns)[:columns], words, start, end)


def written(rows: list[list[str]]) -> bytes:
    """CSV for a spreadsheet; a cell that it would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[_safe(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) or cell.startswith("'") else cell
