"""What stands in every item of a subject, and which event of the audit trail wrote it.

The trail is the one place that every write passes, whatever page, file, message or job it comes from. So the version
of an item is the number of the event that gave it its present value, and nobody who writes has to remember to reset
a verification: it was made of another version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trialsite.records import BY_TABLE, KINDS
from trialsite.source_items import SOURCES

Row = Mapping[str, Any]
#: Kind -> item -> its columns.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    kind: {item: source.columns(item) for item in source.items} for kind, source in SOURCES.items()
}
_IN_ERROR = "in_error"


@dataclass(frozen=True)
class Event:
    """One insert or update, as much of it as matters here. `new`: the whole row, or the columns that changed."""

    number: int
    table: str
    row_id: str
    is_insert: bool
    new: Row
    at: datetime
    person: str
    user_id: int | None
    transaction: int


@dataclass
class Record:
    """One record over all its versions. `ended`: the event since which it stands no more, None while it stands.

    record_id: the row as it was first written. written: item -> event that gave it its present value; an item that
    never held anything is not in it.
    """

    kind: str
    record_id: int
    row_id: str
    row: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Event] = field(default_factory=dict)
    ended: Event | None = None

    def version_of(self, item: str) -> Event:
        """What a verification of this item holds for: the event that wrote it, or the one that ended its record."""
        return self.ended or self.written[item]

    def take(self, event: Event, row: Row) -> None:
        """The record reads so from this event on; what reads as before keeps its version.

        What was ended by an earlier act and is entered anew is new, even where it says the same.
        """
        returns = self.ended is not None and self.ended.transaction != event.transaction
        before = {} if returns else self.row
        self.row = dict(row)
        for item, columns in COLUMNS[self.kind].items():
            if any(_plain(before.get(column)) != _plain(self.row.get(column)) for column in columns):
                self.written[item] = event
        if _stands(self.row):
            self.ended = None
        elif self.ended is None:
            self.ended = event


def _plain(value: Any) -> Any:
    return None if value == "" else value


def _stands(row: Row) -> bool:
    away = ("superseded_at", "in_error_at", "entered_in_error_at", _IN_ERROR)
    return row.get("status") != _IN_ERROR and not any(row.get(column) for column in away)


def fold(events: Iterable[Event]) -> list[Record]:
    """Every record of the events, which come in their order; whose they are does not matter."""
    records: dict[tuple[object, ...], Record] = {}
    by_row: dict[tuple[str, str], Record] = {}
    for event in events:
        if event.is_insert:
            record = records.setdefault(_lineage(event), Record(BY_TABLE[event.table], int(event.row_id), event.row_id))
            record.row_id = event.row_id
            by_row[event.table, event.row_id] = record
            record.take(event, event.new)
        else:
            known = by_row.get((event.table, event.row_id))
            if known is not None and known.row_id == event.row_id:
                known.take(event, {**known.row, **event.new})
    return list(records.values())


def _lineage(event: Event) -> tuple[object, ...]:
    """What all versions of one record share: the columns of its identity, else its own row."""
    identity = KINDS[BY_TABLE[event.table]].identity
    return (event.table, *((event.new.get(column) for column in identity) if identity else (event.row_id,)))
