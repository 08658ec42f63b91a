"""The shape in which a room describes what can be taken away: a named SELECT and the words for its columns.

Each room lists its data sets in `exports.py`; `reporting.datasets` lists the rooms. The SELECT runs under row
security, so it needs no condition on sites. It takes no parameters, names every column, begins with the subject's
number where there is a subject, and is ordered by something that never ties, so that an unchanged database
gives the same bytes. A value that is missing is said in words by a column beside it (status and reason), never by
a zero. Timestamps are written with `to_char(... AT TIME ZONE 'UTC', ...)`, see `instant`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: its name in the file, and what it means, with the unit where there is one."""

    name: str
    words: str


@dataclass(frozen=True)
class Dataset:
    """One file of an export. `sql` gives exactly `columns`, in that order."""

    name: str
    title: str
    sql: str
    columns: tuple[Column, ...]


def instant(column: str) -> str:
    """SQL for an instant as ISO 8601 in UTC with seconds, for example 2026-03-16T14:42:07Z."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


#: What people see of a subject: the subject number, before registration the screening number. `s` is the subject.
SUBJECT_NUMBER = "coalesce(s.subject_number, s.screening_number)"
