"""Vital signs that a machine would grade: suggestions that an investigator judges, never events by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from labs.selectors.course import BEFORE_FIRST_DOSE
from protocol.vitals import VitalGrade, Vitals, vital_grades
from safety.models import AdverseEvent, VitalJudgement
from safety.selectors.grades import is_during
from safety.vocabulary import CTCAE
from trialsite.models import Subject, Visit


@dataclass(frozen=True)
class GradedVisit:
    """One visit after the first dose with a grade that its figures suggest."""

    visit: Visit
    on: date
    found: VitalGrade


@dataclass(frozen=True)
class VitalSuggestion:
    """One term: its worst visit that waits for a judgement, and all that do. `event`: stands with a lower grade."""

    worst: GradedVisit
    waiting: tuple[GradedVisit, ...]
    event: AdverseEvent | None = None


def vital_suggestions(subject: Subject) -> list[VitalSuggestion]:
    """What waits for the investigator's judgement, the highest grade first; three queries."""
    return vital_suggestions_for([subject])[subject.pk]


def vital_suggestions_for(subjects: Collection[Subject]) -> dict[int, list[VitalSuggestion]]:
    """The same of many subjects by primary key, in as many queries; nothing before the first dose."""
    found: dict[int, list[VitalSuggestion]] = {one.pk: [] for one in subjects}
    day1s = {one.pk: one.day1_on for one in subjects if one.day1_on is not None}
    if not day1s:
        return found
    mine = Q(subject_id__in=day1s)
    rows = VitalJudgement.objects.filter(mine, withdrawn_at=None).values_list("visit_id", "term", "grade")
    judged = set(rows)
    events: dict[int, list[AdverseEvent]] = defaultdict(list)
    for event in AdverseEvent.objects.filter(mine, in_error=False):
        events[event.subject_id].append(event)
    visits: dict[int, list[Visit]] = defaultdict(list)
    taken = Visit.objects.filter(mine, occurred_on__isnull=False).exclude(status__in=_WITHOUT_FIGURES)
    for visit in taken.order_by("occurred_on", "id"):
        visits[visit.subject_id].append(visit)
    for key, mine_ in visits.items():
        waiting = [
            one for one in graded_visits(mine_, day1s[key])
            if (one.visit.pk, one.found.term, one.found.grade) not in judged and not _is_covered(one, events[key])
        ]  # fmt: skip
        found[key] = _by_term(waiting, events[key])
    return found


_WITHOUT_FIGURES = (Visit.Status.NOT_DONE, Visit.Status.IN_ERROR)


def graded_visits(visits: Iterable[Visit], day1: date) -> list[GradedVisit]:
    """Every grade above baseline after the first dose, in order of the visits. Visits come in order of date."""
    base, found = Vitals(), list[GradedVisit]()
    for visit in visits:
        if visit.occurred_on is None:
            continue
        if visit.occurred_on < day1 or visit.code in BEFORE_FIRST_DOSE:
            base = _later(base, _vitals(visit))
            continue
        found += [GradedVisit(visit, visit.occurred_on, one) for one in vital_grades(_vitals(visit), base, CTCAE)]
    return found


def _vitals(visit: Visit) -> Vitals:
    return Vitals(visit.systolic, visit.diastolic, visit.temperature_c, visit.weight_kg)


def _later(base: Vitals, now: Vitals) -> Vitals:
    """The newest of each before the first dose; both pressures are of one visit."""
    is_measured = now.systolic is not None or now.diastolic is not None
    pressure = now if is_measured else base
    return Vitals(
        pressure.systolic,
        pressure.diastolic,
        now.temperature_c if now.temperature_c is not None else base.temperature_c,
        now.weight_kg if now.weight_kg is not None else base.weight_kg,
    )


def _is_covered(one: GradedVisit, events: Iterable[AdverseEvent]) -> bool:
    return any(is_during(event, one.found.term, one.on) and event.grade >= one.found.grade for event in events)


def _by_term(waiting: Iterable[GradedVisit], events: Collection[AdverseEvent]) -> list[VitalSuggestion]:
    terms: dict[str, list[GradedVisit]] = defaultdict(list)
    for one in waiting:
        terms[one.found.term].append(one)
    found = [_suggestion(ones, events) for ones in terms.values()]
    return sorted(found, key=lambda one: (-one.worst.found.grade, one.worst.on, one.worst.found.term))


def _suggestion(ones: list[GradedVisit], events: Iterable[AdverseEvent]) -> VitalSuggestion:
    worst = max(ones, key=lambda one: one.found.grade)
    lower = next((event for event in events if is_during(event, worst.found.term, worst.on)), None)
    return VitalSuggestion(worst, tuple(ones), lower)


def vital_judgements(subject: Subject) -> list[VitalJudgement]:
    """Vital signs judged not clinically significant, the newest first, also those taken back; one query."""
    found = VitalJudgement.objects.filter(subject=subject)
    return list(found.select_related("visit", "judged_by", "withdrawn_by").order_by("-id"))
