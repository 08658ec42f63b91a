"""All that rows of a file are read against, for many subjects at once: as many queries for one sample as for thousands.

What a form asks of one visit (labs.selectors.results) is asked here of every visit that the rows name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from django.db.models import F

from labs.models import DiseaseAssessment, LabResult, Specimen
from labs.selectors.results import StoredPanel
from labs.selectors.visits import anchors_of
from protocol.visits import PlannedVisit, schedule
from protocol.vocabulary import Analyte
from trialsite.models import StatePeriod, Subject, Visit
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Calendar:
    """Visits of some subjects: as planned, as they took place, and on which days they were sampled."""

    known: Mapping[int, Mapping[str, Visit]]
    sampled: Mapping[tuple[int, date], frozenset[str]]
    planned: Mapping[int, tuple[PlannedVisit, ...]]

    def visit(self, subject: Subject, code: str) -> Visit | None:
        return self.known.get(subject.pk, {}).get(code)

    def fitting_visit(self, subject: Subject, on: date) -> str:
        """The one visit that a sample of that day can belong to; empty if there is none, or more than one.

        A visit that took place or was sampled on that day goes before a planned one whose window holds the day.
        """
        known = self.known.get(subject.pk, {})
        took_place = {code for code, one in known.items() if _took_place(one) and one.occurred_on == on}
        of_the_day = took_place | self.sampled.get((subject.pk, on), frozenset())
        if of_the_day:
            return min(of_the_day) if len(of_the_day) == 1 else ""
        if subject.registered_on is None:
            return "scr" if "scr" not in known or _took_place(known["scr"]) else ""
        fitting = [one.code for one in self.planned[subject.pk] if one.opens_on <= on <= one.closes_on]
        open_ones = [code for code in fitting if code not in known or _took_place(known[code])]
        return open_ones[0] if len(open_ones) == 1 else ""


def _took_place(visit: Visit) -> bool:
    return visit.status not in {Visit.Status.NOT_DONE, Visit.Status.IN_ERROR}


def calendar_of(subjects: Iterable[Subject]) -> Calendar:
    """Three queries."""
    by_id = {one.pk: one for one in subjects}
    known: dict[int, dict[str, Visit]] = defaultdict(dict)
    for visit in Visit.objects.filter(subject__in=list(by_id)).exclude(status=Visit.Status.IN_ERROR):
        known[visit.subject_id][visit.code] = visit
    sampled: dict[tuple[int, date], frozenset[str]] = defaultdict(frozenset)
    drawn = Specimen.objects.filter(subject__in=list(by_id), status=Specimen.Status.COMPLETE)
    for subject_id, on, code in drawn.values_list("subject_id", "collected_on", "visit__code"):
        sampled[subject_id, on] |= {code}
    periods: dict[int, list[StatePeriod]] = defaultdict(list)
    standing = StatePeriod.objects.filter(subject__in=list(by_id)).exclude(ends_on__lt=F("starts_on"))
    for period in standing.order_by("id"):
        periods[period.subject_id].append(period)
    planned = {pk: schedule(anchors_of(one, periods[pk]), protocol_of(one)) for pk, one in by_id.items()}
    return Calendar(known, sampled, planned)


#: A recorded value: day, whether its time is unknown, time, id of the result, code of the visit, canonical value.
_Value = tuple[date, bool, time, int, str, Decimal]


@dataclass(frozen=True)
class Standing:
    """What is recorded of some visits, and the values of their subjects.

    panels, older: by visit id; `older` are versions that no longer stand. values: by subject id and analyte.
    """

    panels: Mapping[int, Mapping[str, StoredPanel]]
    older: Mapping[tuple[int, str], tuple[LabResult, ...]]
    assessments: Mapping[int, DiseaseAssessment]
    values: Mapping[tuple[int, str], tuple[_Value, ...]]

    def panels_of(self, visit: Visit | None) -> Mapping[str, StoredPanel]:
        return self.panels.get(visit.pk, {}) if visit else {}

    def earlier_versions(self, visit: Visit, analyte: str) -> tuple[LabResult, ...]:
        return self.older.get((visit.pk, analyte), ())

    def previous(self, subject: Subject, analyte: Analyte, before: date, visit_code: str) -> Decimal | None:
        """The newest value collected before a day at another visit; the same as results.previous_values says."""
        earlier = [
            one
            for one in self.values.get((subject.pk, analyte.value), ())
            if one[0] < before and one[4] != visit_code
        ]  # fmt: skip
        return max(earlier)[5] if earlier else None


def standing_at(visits: Collection[Visit], subjects: Iterable[Subject], analytes: Iterable[str]) -> Standing:
    """Four queries. analytes: those of the rows; values of others are not fetched."""
    ids = [one.pk for one in visits]
    panels: dict[int, dict[str, StoredPanel]] = defaultdict(dict)
    complete = Specimen.objects.filter(visit__in=ids, status=Specimen.Status.COMPLETE)
    by_specimen = {
        one.pk: StoredPanel(one, {}) for one in complete.select_related("laboratory", "recorded_by", "visit")
    }
    for stored in by_specimen.values():
        panels[stored.specimen.visit_id][stored.specimen.panel] = stored
    older: dict[tuple[int, str], tuple[LabResult, ...]] = defaultdict(tuple)
    versions = LabResult.objects.filter(specimen__visit__in=ids).select_related("specimen").order_by("id")
    for result in versions:
        if result.superseded_at is not None:
            older[result.specimen.visit_id, result.analyte] += (result,)
        elif result.specimen_id in by_specimen:
            by_specimen[result.specimen_id].results[Analyte(result.analyte)] = result
    assessed = DiseaseAssessment.objects.filter(visit__in=ids, superseded_at=None)
    return Standing(panels, older, {one.visit_id: one for one in assessed}, _values(subjects, analytes))


def _values(subjects: Iterable[Subject], analytes: Iterable[str]) -> dict[tuple[int, str], tuple[_Value, ...]]:
    """Where several samples are of one day, one without a time counts as the last, as it does in a form."""
    found: dict[tuple[int, str], list[_Value]] = defaultdict(list)
    rows = LabResult.objects.filter(
        subject__in=[one.pk for one in subjects], analyte__in=set(analytes), superseded_at=None, value__isnull=False
    ).values_list(
        "subject_id", "analyte", "specimen__collected_on", "specimen__collected_time", "id", "specimen__visit__code",
        "value",
    )  # fmt: skip
    for subject_id, analyte, on, at, pk, code, value in rows:
        if value is not None:
            found[subject_id, analyte].append((on, at is None, at or time.min, pk, code, value))
    return {key: tuple(values) for key, values in found.items()}
