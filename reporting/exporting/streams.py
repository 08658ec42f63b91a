"""CSV in pieces, straight from the database, from one state of it.

`one_state(by, at)` is a REPEATABLE READ transaction that sees what `by` may see: every file made inside it speaks of
the same moment. A streamed response runs after the request's own transaction, so it opens this one itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import connection, transaction

from reporting.exporting.spreadsheets import neutralised, neutralised_sql
from reporting.selectors.computed import Computed
from trialsite.access import Actor
from trialsite.context import reading
from trialsite.exporting import Dataset

PIECE = 64 * 1024
#: PostgreSQL types whose cells are never text: booleans, numbers, dates, times, uuid.
PLAIN_TYPES = frozenset({16, 20, 21, 23, 700, 701, 1082, 1083, 1114, 1184, 1266, 1700, 2950})


class WrongColumns(Exception):
    """A data set's SELECT does not give the columns that it describes."""


@dataclass
class Tally:
    """What left so far: rows without the heading, bytes, and their SHA-256."""

    rows: int = 0
    size: int = 0
    digest: Any = field(default_factory=sha256)

    @property
    def sha256(self) -> str:
        return str(self.digest.hexdigest())

    def count(self, piece: bytes) -> bytes:
        self.size += len(piece)
        self.digest.update(piece)
        return piece


@contextmanager
def one_state(by: Actor, at: datetime) -> Iterator[None]:
    """One unchanging state of the database, only what `by` may see at `at`. Never inside another transaction."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with reading(by, at):
            yield


def pieces(dataset: Dataset | Computed, tally: Tally) -> Iterator[bytes]:
    """The file in pieces of about 64 KB, counted in `tally`. Runs inside `one_state`."""
    made = _copied(dataset, tally) if isinstance(dataset, Dataset) else _written(dataset, tally)
    for piece in _gathered(made):
        yield tally.count(piece)


def _gathered(small: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for one in small:
        waiting += one
        if len(waiting) >= PIECE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _copied(dataset: Dataset, tally: Tally) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        with cursor.copy(_copy_statement(dataset)) as copy:
            for block in copy:
                yield bytes(block)
        tally.rows = max(cursor.rowcount, 0)


def _copy_statement(dataset: Dataset) -> str:
    """COPY of the data set with every text column under the spreadsheet rule."""
    names = ", ".join(
        f"{neutralised_sql(f'd.{_quoted(name)}::text')} AS {_quoted(name)}" if is_text else f"d.{_quoted(name)}"
        for name, is_text in _columns(dataset)
    )
    return f"COPY (SELECT {names} FROM ({dataset.sql}) AS d) TO STDOUT WITH (FORMAT csv, HEADER true)"  # noqa: S608


def _columns(dataset: Dataset) -> list[tuple[str, bool]]:
    """Names of the columns in order, and whether each is text. WrongColumns if they are not those described."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({dataset.sql}) AS d LIMIT 0")  # noqa: S608  (declared in the program)
        found = [(column.name, column.type_code not in PLAIN_TYPES) for column in cursor.description]
    if [name for name, _ in found] != [column.name for column in dataset.columns]:
        raise WrongColumns(f"{dataset.name}: the SELECT gives {', '.join(name for name, _ in found)}.")
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _written(computed: Computed, tally: Tally) -> Iterator[bytes]:
    yield _line([column.name for column in computed.columns])
    for row in computed.rows():
        tally.rows += 1
        yield _line([neutralised(cell) if isinstance(cell, str) else "" if cell is None else str(cell) for cell in row])


def _line(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()
