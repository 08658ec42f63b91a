"""From the bytes of a laboratory's file to a table of text. What is not plain CSV is refused with one sentence.

A row that cannot be used as it stands (a formula, signs that are not UTF-8) says so and keeps no other row back.
"""

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
)
#: First bytes that leave no doubt that the file is UTF-16.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
NOT_UTF_8 = "The file is not written in UTF-8. Save it as CSV in UTF-8 and upload that."
#: Stands for what could not be read as UTF-8.
_LOST = "\ufffd"
_PIECE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: What a spreadsheet would run: a sign that is followed by anything but a number, or by more signs as in +/-.
_FORMULA = re.compile(r"[=@]|[+-](?=\S)(?!\d+([.,]\d+)?\s*\Z)(?![+/-]+\Z)")


class Unreadable(Exception):
    """The file is refused as a whole. The message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file by its number (the heading is 1); `problem` if nothing of it can be used, and why.

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
        return _line(_Row(number, cells, start, end), self.header)


def text_of(content: bytes) -> str:
    """The file as text, with U+FFFD for what is not UTF-8. Unreadable for anything that is no text."""
    if not content.strip():
        raise Unreadable("The file is empty.")
    if len(content) > MOST_BYTES:
        raise Unreadable(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it by month or by subject.")
    for start, words in _OTHER_KINDS:
        if content.startswith(start):
            raise Unreadable(words)
    text = _decoded(content)
    if found := _CONTROL.search(text):
        line = text[: found.start()].count("\n") + 1
        raise Unreadable(f"Row {line} holds a sign that no text has. Ask the laboratory for the file again.")
    if text.lstrip().startswith("<"):
        raise Unreadable("This is an XML or HTML file. Ask the laboratory for the results as CSV.")
    return text


def _decoded(content: bytes) -> str:
    if not content.startswith(_UTF_16):
        return content.decode("utf-8-sig", errors="replace")
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError:
        raise Unreadable("The file is damaged UTF-16. Save it as CSV in UTF-8 and upload that.") from None


def read_table(text: str) -> Table:
    """Heading and rows. Unreadable with a sentence for what cannot be a laboratory's table."""
    separator = _separator(text)
    heading = next((row for row in _rows(text, separator) if row.cells), None)
    if heading is None:
        raise Unreadable("The file has a heading and no rows.")
    _check_size(heading)
    header = tuple(cell.strip() for cell in heading.cells)
    _check_header(header)
    count = _checked(text, separator)
    if not count:
        raise Unreadable("The file has a heading and no rows.")
    if count > MOST_ROWS:
        raise Unreadable(f"The file has {count:,} rows; {MOST_ROWS:,} can be imported at once. Split it.")
    return Table(header, count, separator, text)


def _checked(text: str, separator: str) -> int:
    """How many rows there are below the heading. Unreadable for a row that no laboratory's table has, and where more
    rows than not cannot be read as UTF-8: then it is the file that is written otherwise."""
    count, lost = -1, 0
    for row in _rows(text, separator):
        _check_size(row)
        count += any(cell.strip() for cell in row.cells)
        lost += any(_LOST in cell for cell in row.cells)
    if lost * 2 > count > 0:
        raise Unreadable(NOT_UTF_8)
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
            yield _line(row, header)


def _check_size(row: _Row) -> None:
    if len(row.cells) > MOST_COLUMNS:
        raise Unreadable(f"Row {row.number} has {len(row.cells):,} columns; at most {MOST_COLUMNS} are read.")
    for place, cell in enumerate(row.cells, start=1):
        if len(cell) > LONGEST_CELL:
            raise Unreadable(f"Row {row.number}, column {place} is longer than {LONGEST_CELL} characters.")


def _check_header(header: tuple[str, ...]) -> None:
    if len(header) < 2:
        raise Unreadable("No columns were found. They are parted by commas, semicolons or tabs.")
    if any(_LOST in name for name in header):
        raise Unreadable(NOT_UTF_8)
    if formula := next((place for place, name in enumerate(header, start=1) if _FORMULA.match(name)), 0):
        raise Unreadable(f"Column {formula} of the heading holds a formula. Save the file with values only.")
    if "" in header:
        raise Unreadable(f"Column {header.index('') + 1} has no name in the heading.")
    twice = next((name for name in header if header.count(name) > 1), "")
    if twice:
        raise Unreadable(f"The heading has the column {twice[:60]} twice.")


def _line(row: _Row, header: tuple[str, ...]) -> Line:
    told = tuple(cell.strip() for cell in row.cells)
    fitting = (told + ("",) * len(header))[: len(header)]
    return Line(row.number, fitting, _problem(told, header), row.start, row.end)


def _problem(cells: tuple[str, ...], header: tuple[str, ...]) -> str:
    """Why nothing of this row can be used, or nothing."""
    if len(cells) != len(header):
        return f"This row has {len(cells)} cells where the heading has {len(header)}."
    for name, cell in zip(header, cells, strict=True):
        if _LOST in cell:
            return f"{name[:40]} holds a sign that is not written in UTF-8."
        if _FORMULA.match(cell):
            return f"{name[:40]} holds a formula, and a formula is never run here."
    return ""


def written(rows: list[list[str]]) -> bytes:
    """CSV for a spreadsheet; a cell that it would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[_safe(cell) for cell in row] for row in rows])
    return out.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) or cell.startswith("'") else cell
