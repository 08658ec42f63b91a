"""Laboratory results that a machine would grade: suggestions that an investigator judges, never events by themselves.

A result is suggested if it was drawn after the first dose and its grade is higher than at baseline.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from django.db.models import Q

from labs.models import SPECIMEN_STANDS, LabResult
from protocol.derived import corrected_calcium
from protocol.toxicity import TERM_FOR, grade, row_for
from protocol.units import canonical_unit, convert_between
from protocol.vocabulary import Analyte
from safety.models import AdverseEvent, GradeJudgement
from safety.vocabulary import CTCAE
from trialsite.models import Subject

#: Results that are read for the terms; corrected calcium is computed from calcium and albumin of one visit.
READ = frozenset((Analyte.CALCIUM if analyte is Analyte.CALCIUM_CORRECTED else analyte) for analyte, _ in TERM_FOR) | {
    Analyte.ALBUMIN
}


@dataclass(frozen=True)
class Value:
    """One figure that can be graded, in the unit in which it is compared, with that laboratory's limits."""

    result: LabResult
    analyte: Analyte
    value: Decimal
    unit: str
    low: Decimal | None
    high: Decimal | None

    @property
    def collected_on(self) -> date:
        return self.result.specimen.collected_on


@dataclass(frozen=True)
class GradedResult:
    """A value with the grade that numbers alone suggest; `ask`: what they cannot know."""

    value: Value
    term: str
    grade: int
    ask: str


@dataclass(frozen=True)
class Suggestion:
    """One term: its worst result that waits for a judgement, and all that do. `event`: stands with a lower grade."""

    worst: GradedResult
    waiting: tuple[GradedResult, ...]
    event: AdverseEvent | None = None


def suggestions(subject: Subject) -> list[Suggestion]:
    """What waits for the investigator's judgement, the highest grade first; three queries."""
    return suggestions_for([subject])[subject.pk]


def suggestions_for(subjects: Collection[Subject]) -> dict[int, list[Suggestion]]:
    """The same of many subjects by primary key, in as many queries; nothing before the first dose."""
    found: dict[int, list[Suggestion]] = {one.pk: [] for one in subjects}
    day1s = {one.pk: one.day1_on for one in subjects if one.day1_on is not None}
    if not day1s:
        return found
    mine = Q(subject_id__in=day1s)
    judged = set(GradeJudgement.objects.filter(mine, withdrawn_at=None).values_list("lab_result_id", "term"))
    events: dict[int, list[AdverseEvent]] = defaultdict(list)
    for event in AdverseEvent.objects.filter(mine, in_error=False):
        events[event.subject_id].append(event)
    for key, series in _series(day1s).items():
        waiting = [one for one in graded(series, day1s[key]) if (one.value.result.pk, one.term) not in judged]
        found[key] = _by_term(waiting, events[key])
    return found


def _by_term(graded_results: Iterable[GradedResult], events: list[AdverseEvent]) -> list[Suggestion]:
    waiting: dict[str, list[GradedResult]] = defaultdict(list)
    for one in graded_results:
        if not _is_covered(one, events):
            waiting[one.term].append(one)
    found = [_suggestion(ones, events) for ones in waiting.values()]
    return sorted(found, key=lambda one: (-one.worst.grade, one.worst.value.collected_on, one.worst.term))


def graded(series: Mapping[Analyte, list[Value]], day1: date) -> list[GradedResult]:
    """Every result after the first dose whose grade is above the one at baseline, in order of collection."""
    found = []
    for (analyte, _), term in TERM_FOR.items():
        values = series.get(analyte, [])
        before = [one for one in values if one.collected_on <= day1]
        base = before[-1] if before else None
        at_baseline = _grade(base, term, None) if base else None
        for value in values[len(before):]:  # fmt: skip
            now = _grade(value, term, base)
            if now is not None and now.grade > (at_baseline.grade if at_baseline else 0):
                found.append(now)
    return sorted(found, key=lambda one: (one.value.collected_on, one.value.result.pk))


def _grade(value: Value, term: str, base: Value | None) -> GradedResult | None:
    baseline = None if base is None else _in_unit(base, value.unit)
    suggested = grade(term, CTCAE, value.value, value.low, value.high, baseline, unit=value.unit)
    return GradedResult(value, term, suggested.grade, suggested.ask) if suggested.grade else None


def _in_unit(base: Value, unit: str) -> Decimal:
    return base.value if base.unit == unit else convert_between(base.analyte, base.value, base.unit, unit)


def _series(subjects: Collection[int]) -> dict[int, dict[Analyte, list[Value]]]:
    """Standing results by subject and analyte in order of collection; one query."""
    rows = LabResult.objects.filter(
        SPECIMEN_STANDS, subject_id__in=subjects, superseded_at=None, analyte__in=[one.value for one in READ]
    ).exclude(value=None)
    ordered = rows.select_related("specimen__visit").order_by(
        "specimen__collected_on", "specimen__collected_time", "id"
    )
    found: dict[int, dict[Analyte, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for result in ordered:
        found[result.subject_id][Analyte(result.analyte)].append(_value(result))
    for series in found.values():
        series[Analyte.CALCIUM_CORRECTED] = list(_corrected(series[Analyte.CALCIUM], series[Analyte.ALBUMIN]))
    return found


def _value(result: LabResult) -> Value:
    """In the unit in which it was typed where the criteria are printed in it, else in the canonical one."""
    analyte = Analyte(result.analyte)
    stored = Value(
        result, analyte, result.value or Decimal(0), canonical_unit(analyte),
        result.reference_low, result.reference_high,
    )  # fmt: skip
    terms = [term for (one, _), term in TERM_FOR.items() if one is analyte]
    if not any(row_for(term, CTCAE).si_unit == result.typed_unit != "" for term in terms):
        return stored
    try:
        typed = Decimal(result.typed.lstrip("<> "))
    except InvalidOperation:
        return stored
    low, high = (_moved(analyte, limit, stored.unit, result.typed_unit) for limit in (stored.low, stored.high))
    return replace(stored, value=typed, unit=result.typed_unit, low=low, high=high)


def _moved(analyte: Analyte, limit: Decimal | None, unit: str, to: str) -> Decimal | None:
    return None if limit is None else convert_between(analyte, limit, unit, to)


def _corrected(calcium: Iterable[Value], albumin: Iterable[Value]) -> Iterable[Value]:
    """Calcium corrected for the albumin of the same visit, in mg/dL, with the limits of the calcium."""
    by_visit = {one.result.specimen.visit_id: one.result.value for one in albumin}
    for one in calcium:
        beside = by_visit.get(one.result.specimen.visit_id)
        if beside is not None and one.result.value is not None:
            corrected = corrected_calcium(one.result.value, beside)
            yield replace(
                one, analyte=Analyte.CALCIUM_CORRECTED, value=corrected, unit=canonical_unit(Analyte.CALCIUM),
                low=one.result.reference_low, high=one.result.reference_high,
            )  # fmt: skip


def is_during(event: AdverseEvent, term: str, on: date) -> bool:
    """Whether the event can have lasted on that day, by the earliest start and the latest end."""
    ended = event.stopped_latest is not None and event.stopped_latest < on
    return event.term == term and event.started_earliest <= on and not ended


def _is_covered(one: GradedResult, events: Iterable[AdverseEvent]) -> bool:
    on = one.value.collected_on
    return any(is_during(event, one.term, on) and event.grade >= one.grade for event in events)


def _suggestion(ones: list[GradedResult], events: Iterable[AdverseEvent]) -> Suggestion:
    worst = max(ones, key=lambda one: one.grade)
    lower = next((event for event in events if is_during(event, worst.term, worst.value.collected_on)), None)
    return Suggestion(worst, tuple(ones), lower)


def grade_judgements(subject: Subject) -> list[GradeJudgement]:
    """Results judged not clinically significant, the newest first, also those taken back; one query."""
    found = GradeJudgement.objects.filter(subject=subject)
    return list(found.select_related("lab_result__specimen__visit", "judged_by", "withdrawn_by").order_by("-id"))
