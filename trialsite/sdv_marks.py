"""What a page of a subject shows beside its fields: whether the value was compared with its source, and by whom."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from trialsite.models import Subject
from trialsite.sdv_selectors import Item, verified_items
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


def beside(request: HttpRequest) -> dict[str, object]:
    """Context of every page: `source_marks`, item by name of its field, read only where a template asks for it."""
    match, actor = request.resolver_match, getattr(request, "actor", None)
    kinds = PAGES.get(match.url_name or "") if match else None
    if match is None or kinds is None or actor is None or actor.user_id is None:
        return {}
    key, wanted = match.kwargs["key"], match.kwargs
    return {"source_marks": SimpleLazyObject(lambda: marks(key, kinds, wanted))}


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
