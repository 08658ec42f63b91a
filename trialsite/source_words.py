"""Items of the source in words: where they are verified, under which heading, what they are called, what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from protocol.trial import TRIAL
from protocol.vocabulary import Drug, PanelCode
from trialsite.audit_words import analyte_words, label, shown, visit_words
from trialsite.days import in_words
from trialsite.records import KINDS
from trialsite.source_fold import Record
from trialsite.source_items import CRITICAL_ANALYTES, DOSES, LABELS, PLACES, SOURCES, UNITS

#: (kind, row as first written) -> record: how a record finds the visit that it belongs to.
Records = Mapping[tuple[str, int], Record]


@dataclass(frozen=True)
class Form:
    """A heading under which items stand together and are verified with one key. `page` shows it in the record."""

    key: str
    words: str
    page: str


def place_of(record: Record, records: Records) -> str:
    """The visit's code, or the name of the part of the record."""
    fixed = SOURCES[record.kind].place
    if fixed == DOSES:
        return f"{DOSES}{str(record.row.get('on'))[:7]}"
    return fixed or _visit_code(record, records)


def _visit_code(record: Record, records: Records) -> str:
    row = record.row
    if record.kind == "lab_result":
        return _visit_code(records["specimen", row["specimen_id"]], records)
    if "visit_code" in row:
        return str(row["visit_code"])
    return str(row["code"] if record.kind == "visit" else records["visit", row["visit_id"]].row["code"])


def place_words(place: str) -> str:
    """Month 6; Doses, March 2026; Consent and eligibility."""
    if place.startswith(DOSES):
        year, _, month = place.removeprefix(DOSES).partition("-")
        return f"Doses, {date(int(year), int(month), 1):%B %Y}"
    return PLACES.get(place) or visit_words(place)


def _panel(record: Record, records: Records) -> tuple[str, str]:
    specimen = record if record.kind == "specimen" else records["specimen", record.row["specimen_id"]]
    code = specimen.row["panel"]
    words = TRIAL.panels[PanelCode(code)].label if code in set(PanelCode) else str(code)
    return f"panel-{specimen.record_id}", words


def _whole(words: str) -> Callable[[Record, Records], tuple[str, str]]:
    return lambda record, _: (record.kind, words)


def _each(words: str) -> Callable[[Record, Records], tuple[str, str]]:
    """A form of its own for each record; `words` may name columns of the row."""
    return lambda record, _: (f"{record.kind}-{record.record_id}", words.format_map(record.row))


#: Kind -> key and heading of the form under which its items stand.
_FORMS: Mapping[str, Callable[[Record, Records], tuple[str, str]]] = {
    "subject": _whole("Person"),
    "consent": _each("Consent to version {form_version}"),
    "screening_answer": _whole("Eligibility checklist"),
    "visit": _whole("Visit, vital signs and ECOG"),
    "specimen": _panel,
    "lab_result": _panel,
    "disease_assessment": _whole("Disease assessment"),
    "contact": _whole("Follow-up contact"),
    "dose": lambda record, _: (f"dose-{record.row['drug']}", _drug(record.row["drug"])),
    "dose_modification": lambda record, _: (
        f"dose_modification-{record.record_id}", f"Dose modification, {_drug(record.row['drug']).lower()}"
    ),
    "end_of_treatment": _each("End of treatment"),
    "departure": _each("Departure from the study"),
    "adverse_event": _each("Adverse event {number}: {term}"),
    "safety_report": _each("Report with a deadline {number}"),
    "medication": _each("Medication: {name}"),
}  # fmt: skip


def _drug(code: str) -> str:
    return code.capitalize() if code in set(Drug) else str(code)


def form_of(record: Record, records: Records) -> Form:
    key, words = _FORMS[record.kind](record, records)
    return Form(key, words, KINDS[record.kind].page)


def item_words(record: Record, item: str) -> str:
    """Serum M-spike; Date of the visit; 3 Mar 2026 for a dose."""
    row = record.row
    if record.kind == "lab_result":
        words = analyte_words(row["analyte"])
    elif record.kind == "screening_answer":
        words = str(row["item"]).replace("_", " ")
    elif record.kind == "dose":
        words = in_words(date.fromisoformat(row["on"]))
    else:
        words = LABELS.get(item) or label(KINDS[record.kind].table, item)
    return words[:1].upper() + words[1:]


def value_words(record: Record, item: str) -> str:
    """What stands there, as a person reads it; "entered in error" where the record stands no more."""
    if record.ended is not None:
        return "entered in error"
    table = KINDS[record.kind].table
    told = [
        f"{_told(table, column, value)} {UNITS.get(column, '')}".strip()
        for column in SOURCES[record.kind].columns(item)
        if (value := record.row.get(column)) not in (None, "")
    ]
    return _JOINED.get(item, " ").join(told) or "empty"


#: Item -> what stands between its columns.
_JOINED = {"pressure": "/"}


def _told(table: str, column: str, value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else shown(table, column, value)


def is_critical(record: Record, item: str) -> bool:
    if record.kind == "lab_result":
        return record.row["analyte"] in CRITICAL_ANALYTES
    return item in SOURCES[record.kind].critical
