"""What a page of a subject shows beside its fields: whether the value was compared with its source, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from trialsite.models import Subject
from trialsite.sdv_selectors import Check, Item, State, verified_items
from trialsite.source_items import SOURCES

#: Page -> kinds of records whose fields stand on it, by the name of the field.
PAGES: Mapping[str, tuple[str, ...]] = {
    "visit": ("visit",),
    "visit_labs": ("visit", "specimen", "lab_result"),
    "visit_disease": ("visit", "disease_assessment"),
    "subject_eligibility": ("screening_answer",),
    "subject_end_of_treatment": ("end_of_treatment",),
    "subject_departure": ("departure",),
    "adverse_event": ("adverse_event",),
    "medication": ("medication",),
    "subject_safety_report": ("safety_report",),
}
#: Page that lists records -> their kind.
LISTS: Mapping[str, str] = {"subject_consent": "consent", "subject_follow_up": "contact", "subject_dosing": "dose"}


@dataclass(frozen=True)
class Mark:
    """Items of one record that stand alike: compared by the same person on the same day, or to be compared again."""

    words: str
    latest: Check
    state: State

    @property
    def is_verified(self) -> bool:
        return self.state is State.VERIFIED


def beside(request: HttpRequest) -> dict[str, object]:
    """Context of every page, read only where a template asks for it: `source_marks`, item by name of its field; where
    records are listed `record_marks`, marks by row.
    """
    match, actor = request.resolver_match, getattr(request, "actor", None)
    name = (match.url_name or "") if match else ""
    if match is None or name not in {*PAGES, *LISTS} or actor is None or actor.user_id is None:
        return {}
    key, wanted = match.kwargs["key"], match.kwargs
    if name in LISTS:
        return {"record_marks": SimpleLazyObject(lambda: marks_of_rows(key, LISTS[name]))}
    return {"source_marks": SimpleLazyObject(lambda: marks(key, PAGES[name], wanted))}


def marks_of_rows(key: str, kind: str) -> dict[int, list[Mark]]:
    """Row -> what of its record was verified at any time, alike items together. Row security has judged the key."""
    subject = Subject.objects.filter(key=key).first()
    kinds = tuple(dict.fromkeys(("visit", kind)))
    found = verified_items(subject, kinds) if subject is not None else []
    grouped: dict[int, dict[tuple[State, str, date], list[tuple[Item, Check]]]] = {}
    for one in found:
        if one.record_type == kind and one.latest is not None:
            alike = (one.state, one.latest.person, one.latest.verification.verified_at.date())
            grouped.setdefault(one.row_id, {}).setdefault(alike, []).append((one, one.latest))
    return {row: [_mark(alike[0], items) for alike, items in groups.items()] for row, groups in grouped.items()}


def _mark(state: State, items: Sequence[tuple[Item, Check]]) -> Mark:
    return Mark(", ".join(one.label for one, _ in items), items[0][1], state)


def marks(key: str, kinds: tuple[str, ...], wanted: Mapping[str, object]) -> dict[str, Item]:
    """Items of the page that were verified at any time, by the name of the field. Row security has judged the key.

    wanted: what the address says of the record: code of the visit, number or id.
    """
    subject = Subject.objects.filter(key=key).first()
    if subject is None:
        return {}
    found = [one for one in verified_items(subject, kinds) if one.record_type == kinds[-1] and _is_of(one, wanted)]
    return {name: one for one in found for name in (*SOURCES[one.record_type].columns(one.item), one.name)}


def _is_of(one: Item, wanted: Mapping[str, object]) -> bool:
    told = {"code": one.place, "number": one.number, "pk": one.record_id}
    return all(wanted[name] == value for name, value in told.items() if name in wanted)
