"""Rows of a laboratory's file as the review shows them, and the answers that were posted to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import QuerySet

from labs.mapping import IMPORTABLE, Part
from labs.models import ImportRow, LabImport
from labs.selectors import visit_label
from labs.selectors.imports import Counts, rows_of
from labs.services import RowAnswer
from labs.words import unit_words
from protocol.checks import read_value
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.units import accepted_units, convert
from protocol.vocabulary import Analyte
from trialsite.days import read_day

D, Decision = ImportRow.Disposition, ImportRow.Decision
TO_FIX = (D.REJECTED, D.CONFLICTING)
#: What the page can show: name in the address, words, dispositions.
SHOWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("fix", "To fix", TO_FIX),
    ("new", "New", (D.NEW,)),
    ("changed", "Changed", (D.CORRECTED,)),
    ("recorded", "Already recorded", (D.UNCHANGED,)),
    ("all", "All", tuple(D)),
)
OUTCOMES: Mapping[str, str] = {
    D.NEW: "Imported",
    D.CORRECTED: "Changed",
    D.UNCHANGED: "Already recorded",
    Decision.KEEP: "Kept what is recorded",
    Decision.LEAVE_OUT: "Left out",
}
_TESTS = tuple((one.value, TRIAL.analytes[one].label) for one in IMPORTABLE)


@dataclass
class Answers:
    """What was posted: answers by place, and sentences for what could not be read, by id of the control."""

    given: dict[int, RowAnswer] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read_answers(posted: Mapping[str, str], rows: Iterable[ImportRow], today: date) -> Answers:
    """The answers to the rows that wait. Boxes that still say what the file says are no answer."""
    answers = Answers()
    left_out = posted.get("leave", "")
    for row in rows:
        if row.settled_at is not None:
            continue
        if str(row.place) == left_out:
            answers.given[row.place] = RowAnswer(decision=Decision.LEAVE_OUT)
            continue
        answer = RowAnswer(
            fixes=_fixes(posted, row, today, answers.problems),
            remember=f"{row.place}-remember" in posted,
            decision=posted.get(f"{row.place}-decision", ""),
            reason=posted.get(f"{row.place}-reason", ""),
        )
        if not answer.is_empty:
            answers.given[row.place] = answer
    return answers


def _fixes(posted: Mapping[str, str], row: ImportRow, today: date, problems: dict[str, str]) -> dict[str, str]:
    typed = posted.get(f"{row.place}-{row.field}", "").strip()
    if row.field not in {"subject", "test", "unit", "visit", "collected_on"} or not typed or typed == boxed(row):
        return {}
    if row.field != "collected_on":
        return {row.field: typed}
    try:
        return {"collected_on": read_day(typed, today).isoformat()}
    except ValueError as problem:
        problems[f"{row.place}-collected_on"] = f"Row {row.line}: {problem}"
        return {}


def boxed(row: ImportRow) -> str:
    """What stands in the row's box before anybody types."""
    if row.field == "subject":
        return str(row.fixes.get("subject") or row.received["parts"].get(Part.SUBJECT, ""))
    if row.field == "collected_on":
        return str(row.received["parts"].get(Part.COLLECTED_ON, ""))
    return ""


def outcome(row: ImportRow) -> str:
    """What became of a row, in words."""
    if row.settled_at is None:
        return "Waits"
    return OUTCOMES[row.decision] if row.decision in OUTCOMES else OUTCOMES[row.disposition]


def is_to_fix(row: ImportRow) -> bool:
    return row.settled_at is None and row.disposition in TO_FIX


def chosen_rows(imported: LabImport, show: str) -> QuerySet[ImportRow]:
    """Rows of one segment; "fix" shows what waits for a person only."""
    wanted = next(dispositions for name, _, dispositions in SHOWS if name == show)
    rows = rows_of(imported).filter(disposition__in=wanted)
    return rows.filter(settled_at=None) if show == "fix" else rows


def segments(counts: Counts, show: str) -> list[dict[str, Any]]:
    """What the page can show, with how many rows each holds."""
    found = []
    for name, words, dispositions in SHOWS:
        counted = counts.waiting if name == "fix" else counts.rows
        number = sum(counted[one] for one in dispositions)
        found.append({"label": words, "url": f"?show={name}", "active": name == show, "count": number})
    return found


def posted_places(posted: Mapping[str, str]) -> set[int]:
    """Rows to which something was posted."""
    names = [name.partition("-")[0] for name in posted] + [posted.get("leave", "")]
    return {int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 10}


def shown(
    row: ImportRow, posted: Mapping[str, str], visits: Iterable[tuple[str, str]], otherwise: str = ""
) -> dict[str, Any]:
    """One row of the table. otherwise: that its nadir was measured in another way, if so."""
    parts = row.received["parts"]
    return {
        "row": row,
        "subject": row.subject.number if row.subject else parts.get(Part.SUBJECT, ""),
        "collected": row.collected_on,
        "collected_text": parts.get(Part.COLLECTED_ON, ""),
        "visit": visit_words(row.visit_code),
        "test": TRIAL.analytes[Analyte(row.analyte)].label if row.analyte else parts.get(Part.TEST, ""),
        "in_file": f"{parts.get(Part.VALUE, '')} {parts.get(Part.UNIT, '')}".strip(),
        "outcome": outcome(row),
        "to_fix": is_to_fix(row),
        "otherwise": otherwise,
        "choices": _choices(row, visits),
        "typed": posted.get(f"{row.place}-{row.field}", boxed(row)),
        "remember": f"{row.place}-remember" in posted,
        "decision": posted.get(f"{row.place}-decision", ""),
        "reason": posted.get(f"{row.place}-reason", ""),
    }


def visit_words(code: str) -> str:
    return "A new unscheduled visit" if code == "uns" else visit_label(code) if code else ""


def _choices(row: ImportRow, visits: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    if row.field == "unit" and row.analyte:
        return _units(Analyte(row.analyte), row.received["parts"].get(Part.VALUE, ""))
    return {"test": list(_TESTS), "visit": list(visits)}.get(row.field, [])


def _units(analyte: Analyte, written: str) -> list[tuple[str, str]]:
    """Each unit with the value that it would give, so that the choice is made on the result."""
    spec = TRIAL.analytes[analyte]
    typed, _ = read_value(spec, written)
    choices = []
    for code in accepted_units(analyte):
        words = unit_words(code)
        if typed is not None and typed.value is not None and code != spec.unit:
            words += f" (= {plain(convert(analyte, typed.value, code))} {unit_words(spec.unit)})"
        choices.append((code, words))
    return choices
