"""Forms and items of a casebook in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from enrollment.questions import QUESTIONS
from followup.casebook import SOURCES, FormChange, ItemChange
from labs.words import unit_words
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.vocabulary import PanelCode
from trialsite.audit_words import analyte_words, label, shown, visit_words
from trialsite.days import in_words

TABLES = {source.kind: source.model._meta.db_table for source in SOURCES}
VALUES = {source.kind: source.value for source in SOURCES}
SECTIONS = {
    "consent": "Consent",
    "screening": "Eligibility questions",
    "registration": "Registration",
    "visit": "visit",
    "labs": "labs",
    "disease": "disease assessment",
    "doses": "Doses",
    "dose_modification": "Order to change a dose",
    "adverse_event": "Adverse event",
    "grade_judgement": "Judged laboratory grade",
    "vital_judgement": "Judged grade of vital signs",
    "medication": "Medication",
    "end_of_treatment": "End of treatment",
    "contact": "Follow-up contact",
    "departure": "Departure from the study",
}
#: What is named in the heading of a form of that section.
NAMED = {
    "adverse_event": "adverse_event/term",
    "medication": "medication/name",
    "grade_judgement": "grade_judgement/term",
    "vital_judgement": "vital_judgement/term",
    "contact": "contact/contacted_on",
    "dose_modification": "dose_modification/drug",
    "consent": "consent/form_version",
}
OF_A_VISIT = frozenset({"visit", "labs", "disease"})
STATES = {"new": "New", "changed": "Changed", "gone": "Entered in error"}


@dataclass(frozen=True)
class ItemLine:
    label: str
    old: str
    new: str


@dataclass(frozen=True)
class FormLine:
    """One form as a page lists it."""

    heading: str
    state: str
    alters: bool
    is_new: bool
    items: tuple[ItemLine, ...]


def form_lines(changes: tuple[FormChange, ...]) -> list[FormLine]:
    return [
        FormLine(_heading(one), STATES[one.state], one.alters, one.is_new, tuple(map(_item, one.items)))
        for one in changes
    ]


def _heading(change: FormChange) -> str:
    section, _, identity = change.form.partition(":")
    if section in OF_A_VISIT:
        return f"{visit_words(identity)} {SECTIONS[section]}"
    if section == "doses":
        return f"Doses of {date.fromisoformat(f'{identity}-01'):%b %Y}"
    named = next((_item(one) for one in change.items if one.item == NAMED.get(section)), None)
    return f"{SECTIONS[section]}: {named.new or named.old}" if named else SECTIONS[section]


def _item(change: ItemChange) -> ItemLine:
    kind, _, name = change.item.partition("/")
    return ItemLine(_label(kind, name), _value(kind, name, change.old), _value(kind, name, change.new))


def _label(kind: str, name: str) -> str:
    words = LABELS[kind](name) if kind in LABELS else label(TABLES[kind], name)
    return words[:1].upper() + words[1:]


def _dose_label(name: str) -> str:
    day, _, drug = name.partition(" ")
    return f"{in_words(date.fromisoformat(day))}, {drug.lower()}"


def _answer_label(name: str) -> str:
    return QUESTIONS[name].words if name in QUESTIONS else name.replace("_", " ")


LABELS = {
    "lab_result": analyte_words,
    "specimen": lambda panel: f"{TRIAL.panels[PanelCode(panel)].label}, collected",
    "dose": _dose_label,
    "screening_answer": _answer_label,
}


def _value(kind: str, name: str, value: Any) -> str:
    if value is None:
        return ""
    if not VALUES[kind]:
        return shown(TABLES[kind], name, value)
    parts = dict(zip(VALUES[kind], value, strict=True))
    if kind == "lab_result":
        words = (parts["typed"], unit_words(parts["typed_unit"]), parts["missing_reason"])
        return " ".join(filter(None, words))
    if kind == "dose":
        return f"{shown(TABLES[kind], 'status', parts['status'])}, {plain(Decimal(parts['given_mg']))} mg"
    return ", ".join(_told(kind, parts))


def _told(kind: str, parts: Mapping[str, Any]) -> list[str]:
    return [shown(TABLES[kind], column, part) for column, part in parts.items() if part not in (None, "")]
