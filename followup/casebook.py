"""What a casebook holds: every form of a subject as it stands, and what changed since it was last signed.

Forms are kept as plain JSON: form -> item -> stored value. Words are made when a page is shown, so that a new wording
changes no digest. A form is `section:identity` ("labs:m06"), an item `kind/name` ("lab_result/serum_m").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Q

from dosing.models import DoseModification, DoseRecord
from enrollment.models import Consent, Registration, ScreeningAnswer
from followup.models import Departure, EndOfTreatment, FollowUpContact
from labs.models import SPECIMEN_STANDS, DiseaseAssessment, LabResult, Specimen
from safety.models import AdverseEvent, ConcomitantMedication, GradeJudgement, VitalJudgement
from trialsite.audit_words import QUIET
from trialsite.models import SubjectRecord, Visit

Items = dict[str, Any]
Forms = dict[str, Items]


@dataclass(frozen=True)
class Source:
    """One kind of record. `form`: column that tells its forms apart. `item` and `value`: columns of one value per row;
    without them every column of the row that holds data is an item."""

    kind: str
    section: str
    model: type[SubjectRecord]
    standing: Q
    form: str
    item: str = ""
    value: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are items."""
        if self.value:
            return self.value
        versioned = any(one.name == "superseded_at" for one in self.model._meta.concrete_fields)
        quiet = QUIET | {"in_error", "in_error_reason"} | ({"reason"} if versioned else set())
        return tuple(
            one.column for one in self.model._meta.concrete_fields if not one.is_relation and one.column not in quiet
        )


CURRENT, RIGHT, NOT_MARKED = Q(superseded_at=None), Q(in_error=False), Q(in_error_at=None)
NOT_WITHDRAWN = Q(withdrawn_at=None)
#: Every form of a casebook, in the order in which it is read.
SOURCES = (
    Source("consent", "consent", Consent, Q(), "id"),
    Source(
        "screening_answer", "screening", ScreeningAnswer, CURRENT, "subject_id", "item", ("value", "evidence_on")
    ),
    Source("registration", "registration", Registration, Q(), "id"),
    Source("visit", "visit", Visit, ~Q(status=Visit.Status.IN_ERROR), "code"),
    Source(
        "specimen", "labs", Specimen, Q(status=Specimen.Status.COMPLETE), "visit__code", "panel",
        ("collected_on", "collected_time", "accession", "method"),
    ),
    Source(
        "lab_result", "labs", LabResult, CURRENT & SPECIMEN_STANDS, "specimen__visit__code", "analyte",
        ("typed", "typed_unit", "missing_reason"),
    ),
    Source("disease_assessment", "disease", DiseaseAssessment, CURRENT & RIGHT, "visit__code"),
    Source("dose", "doses", DoseRecord, CURRENT, "on", "drug", ("status", "given_mg")),
    Source("dose_modification", "dose_modification", DoseModification, NOT_MARKED, "id"),
    Source("adverse_event", "adverse_event", AdverseEvent, RIGHT, "number"),
    Source("grade_judgement", "grade_judgement", GradeJudgement, NOT_WITHDRAWN, "id"),
    Source("vital_judgement", "vital_judgement", VitalJudgement, NOT_WITHDRAWN, "id"),
    Source("medication", "medication", ConcomitantMedication, RIGHT, "id"),
    Source("end_of_treatment", "end_of_treatment", EndOfTreatment, NOT_MARKED, "id"),
    Source("contact", "contact", FollowUpContact, NOT_MARKED, "id"),
    Source("departure", "departure", Departure, NOT_MARKED, "id"),
)  # fmt: skip


@dataclass
class Casebook:
    """The forms of one subject as they stand, and the record versions that they consist of."""

    forms: Forms = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)


def casebooks_of(subject_ids: Iterable[int]) -> dict[int, Casebook]:
    """One casebook each; one query per kind of record, however many subjects there are."""
    ids = list(subject_ids)
    books = {pk: Casebook() for pk in ids}
    for source in SOURCES:
        read = dict.fromkeys(("subject_id", "pk", source.form, *filter(None, (source.item,)), *source.columns))
        rows = source.model._default_manager.filter(source.standing, subject_id__in=ids).order_by("id").values(*read)
        for row in rows:
            book = books[row["subject_id"]]
            book.versions.append(f"{source.kind}:{row['pk']}")
            book.forms.setdefault(_form(source, row), {}).update(_items(source, row))
    return books


def _form(source: Source, row: Mapping[str, Any]) -> str:
    identity = row[source.form]
    return f"{source.section}:{identity:%Y-%m}" if isinstance(identity, date) else f"{source.section}:{identity}"


def _items(source: Source, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if source.value:
        name = f"{row['on']:%Y-%m-%d} {row['drug']}" if source.kind == "dose" else row[source.item]
        yield f"{source.kind}/{name}", [_plain(row[column]) for column in source.value]
        return
    for column in source.columns:
        if row[column] not in (None, ""):
            yield f"{source.kind}/{column}", _plain(row[column])


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime | time) else value


# -- what changed --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemChange:
    """One item: stored values, None where there is none."""

    item: str
    old: Any
    new: Any


@dataclass(frozen=True)
class FormChange:
    """One form that is new, has other values, or does not stand any more."""

    form: str
    state: str
    items: tuple[ItemChange, ...]

    @property
    def is_new(self) -> bool:
        return self.state == NEW

    @property
    def alters(self) -> bool:
        """True if something that was signed reads otherwise now, or is gone. An addition alters nothing."""
        return any(one.old is not None for one in self.items)


NEW, CHANGED, GONE = "new", "changed", "gone"


def changes_between(before: Forms, now: Forms) -> tuple[FormChange, ...]:
    """Forms that differ, in the order of the casebook; those that went come last."""
    found: dict[str, list[ItemChange]] = defaultdict(list)
    for form in [*now, *(form for form in before if form not in now)]:
        old, new = before.get(form, {}), now.get(form, {})
        for item in [*new, *(item for item in old if item not in new)]:
            if old.get(item) != new.get(item):
                found[form].append(ItemChange(item, old.get(item), new.get(item)))
    return tuple(
        FormChange(form, NEW if form not in before else GONE if form not in now else CHANGED, tuple(items))
        for form, items in found.items()
    )
