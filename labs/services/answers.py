"""Two people at one form of single answers: what only one of them changed stands; what both changed is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from labs.services.refusals import Conflict, SavedMeanwhile
from trialsite.audit_selectors import last_event

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class LastSave:
    """Who saved what stands, and when."""

    by: str
    at: datetime


def merged(
    *,
    opened: Answers,
    theirs: Answers,
    mine: Answers,
    saved: Callable[[], LastSave],
    label: Callable[[str], str],
    words: Callable[[str, object], str] | None = None,
) -> dict[str, Any]:
    """Mine, with what only the other person changed since the form was opened.

    opened: the answers that lay under the form; theirs: as they stand now; words: how an answer is read, where that
    is not plain. SavedMeanwhile with every answer that both changed, each to something else.
    """
    read = words or (lambda _name, value: in_words(value))
    taken = {name: value for name, value in theirs.items() if mine[name] == opened[name] != value}
    both = [name for name in theirs if name not in taken and opened[name] != theirs[name] != mine[name]]
    if both:
        last = saved()
        conflicts = [Conflict(name, label(name), read(name, theirs[name]), read(name, mine[name])) for name in both]
        raise SavedMeanwhile(by=last.by, at=last.at, conflicts=tuple(conflicts), taken=taken)
    return {**mine, **taken}


def last_save(kind: str, row_id: int) -> LastSave:
    """Who last wrote a row that keeps no such columns, from the audit trail."""
    event = last_event(kind, row_id)
    return LastSave(event.actor_name, event.at)


def changes_in_words(before: Answers, after: Answers, label: Callable[[str], str]) -> tuple[str, ...]:
    """What would stand otherwise: "Serum immunofixation: Negative to Positive"."""
    return tuple(
        f"{label(name)}: {in_words(before[name]) or 'empty'} to {in_words(value) or 'empty'}"
        for name, value in after.items()
        if before[name] != value
    )


def in_words(value: object) -> str:
    """An answer as it is read: yes, no, a date, a time, a number; empty where there is none."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value)
