"""The course of a subject as the rules read it, built from the database in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet

from labs.models import DiseaseAssessment, LabResult
from protocol.measurements import Course, DiseaseFinding, Measurement, PhaseInterval
from protocol.vocabulary import Analyte, LabKind, Mde, MissingReason, Phase
from trialsite.models import StatePeriod, Subject, SubjectRecord

Row = TypeVar("Row", bound=SubjectRecord)

#: Visits whose samples are drawn before the first dose even when dated on Day 1.
BEFORE_FIRST_DOSE = frozenset({"scr", "bl"})
CODES = {DiseaseAssessment.Finding.POSITIVE: "pos", DiseaseAssessment.Finding.NEGATIVE: "neg"}
ATTRIBUTIONS = {
    "calcium_attributed": Mde.CALCIUM,
    "renal_attributed": Mde.RENAL,
    "anaemia_attributed": Mde.ANAEMIA,
    "bone_attributed": Mde.BONE,
}


def course_for(
    subject: Subject, *, known_at: datetime | None = None, analytes: Collection[Analyte] | None = None
) -> Course:
    """Everything the rules read about one subject: what stands now, or what stood at the instant `known_at`.

    Every measurement and finding carries the reference of its record version as `source`. Three queries.
    """
    return courses_for([subject], known_at=known_at, analytes=analytes)[subject.pk]


def courses_for(
    subjects: Iterable[Subject], *, known_at: datetime | None = None, analytes: Collection[Analyte] | None = None
) -> dict[int, Course]:
    """The courses of many subjects by primary key, in as many queries as for one. Subjects come with their site.

    `analytes` leaves out every other result, for pages that read many subjects at once.
    """
    wanted = list(subjects)
    mine = Q(subject_id__in=[subject.pk for subject in wanted])
    standing = mine & _standing(known_at)
    results = _grouped(_results(standing & _one_of(analytes)))
    assessments = _by_subject(DiseaseAssessment.objects.filter(standing).select_related("visit").order_by("id"))
    lived = StatePeriod.objects.filter(mine & _recorded(known_at)).exclude(ends_on__lt=F("starts_on"))
    periods = _by_subject(lived.order_by("id"))
    return {
        subject.pk: _course(
            subject, results[subject.pk], assessments[subject.pk], _intervals(periods[subject.pk], known_at)
        )
        for subject in wanted
    }


def _standing(known_at: datetime | None) -> Q:
    """Versions that stand now, or stood at that instant."""
    if known_at is None:
        return Q(superseded_at=None)
    return Q(entered_at__lte=known_at) & (Q(superseded_at=None) | Q(superseded_at__gt=known_at))


def _one_of(analytes: Collection[Analyte] | None) -> Q:
    return Q() if analytes is None else Q(analyte__in=[analyte.value for analyte in analytes])


def _recorded(known_at: datetime | None) -> Q:
    return Q() if known_at is None else Q(recorded_at__lte=known_at)


def _by_subject(rows: QuerySet[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.subject_id].append(row)
    return grouped


def _intervals(periods: list[StatePeriod], known_at: datetime | None) -> tuple[PhaseInterval, ...]:
    """States as lived; as known at an earlier instant, the last one that had begun was still open."""
    spans = [PhaseInterval(Phase(one.state), one.starts_on, one.ends_on) for one in periods]
    if spans and known_at is not None:
        spans[-1] = replace(spans[-1], ends_on=None)
    return tuple(spans)


class Result(NamedTuple):
    """The columns of a result and its specimen that the rules read; whole rows would be most of a save's time."""

    subject_id: int
    pk: int
    analyte: str
    value: Decimal | None
    coded: str
    comparator: str
    missing: str
    typed: str
    typed_unit: str
    reference_low: Decimal | None
    reference_high: Decimal | None
    entered_at: datetime
    collected_on: date
    collected_time: time | None
    method: str
    visit_code: str
    is_central: bool | None
    laboratory_id: int | None


_COLUMNS = (*Result._fields[:12], "specimen__collected_on", "specimen__collected_time", "specimen__method",
            "specimen__visit__code", "specimen__laboratory__is_central", "specimen__laboratory_id")  # fmt: skip


def _results(standing: Q) -> Iterator[Result]:
    return map(Result._make, LabResult.objects.filter(standing).order_by("id").values_list(*_COLUMNS))


def _grouped(rows: Iterable[Result]) -> dict[int, list[Result]]:
    grouped: dict[int, list[Result]] = defaultdict(list)
    for row in rows:
        grouped[row.subject_id].append(row)
    return grouped


def _course(
    subject: Subject,
    results: list[Result],
    assessments: list[DiseaseAssessment],
    phases: tuple[PhaseInterval, ...],
) -> Course:
    measured = [_measurement(result, subject) for result in results]
    assessed = [one for assessment in assessments for one in _assessed_measurements(assessment, subject)]
    found = [one for assessment in assessments for one in _findings(assessment, subject)]
    return Course(
        day1=subject.day1_on,
        measurements=(*measured, *assessed),
        findings=tuple(found),
        phases=phases,
        registered_on=subject.registered_on,
        ended_treatment_on=subject.treatment_ended_on,
        new_therapy_on=subject.new_therapy_on,
        death_on=subject.died_on,
        death_due_to_myeloma=bool(subject.died_of_progression),
    )


def _measurement(result: Result, subject: Subject) -> Measurement:
    return Measurement(
        analyte=Analyte(result.analyte),
        collected_on=result.collected_on,
        value=result.value,
        coded=result.coded,
        comparator=result.comparator,
        missing=MissingReason(result.missing) if result.missing else None,
        typed_value=result.typed.strip().lstrip("<>").replace(",", ".").strip() if result.value is not None else "",
        typed_unit=result.typed_unit,
        lab=LabKind.CENTRAL if result.is_central else LabKind.LOCAL,
        method=result.method,
        laboratory=str(result.laboratory_id or ""),
        collected_time=f"{result.collected_time:%H:%M}" if result.collected_time else "",
        after_first_dose=_is_after(result.visit_code, result.collected_on, subject),
        lln=result.reference_low,
        uln=result.reference_high,
        entered_on=_site_day(result.entered_at, subject),
        visit=result.visit_code,
        source=f"lab_result:{result.pk}",
    )


def _is_after(visit_code: str, on: date, subject: Subject) -> bool:
    """True for a sample drawn after the first dose; Day 1's own visit draws before it."""
    return subject.day1_on is not None and on >= subject.day1_on and visit_code not in BEFORE_FIRST_DOSE


def _site_day(at: datetime, subject: Subject) -> date:
    return at.astimezone(ZoneInfo(subject.site.time_zone)).date()


def _assessed_measurements(assessment: DiseaseAssessment, subject: Subject) -> Iterator[Measurement]:
    """Results that the disease-assessment form holds: immunofixation, marrow, circulating plasma cells."""
    for analyte, on, value, coded in _assessed_values(assessment):
        if on is None or (value is None and not coded):
            continue
        yield Measurement(
            analyte=analyte,
            collected_on=on,
            value=value,
            coded=coded,
            after_first_dose=_is_after(assessment.visit.code, on, subject),
            entered_on=_site_day(assessment.entered_at, subject),
            visit=assessment.visit.code,
            source=f"disease_assessment:{assessment.pk}",
        )


def _assessed_values(one: DiseaseAssessment) -> tuple[tuple[Analyte, date | None, Decimal | None, str], ...]:
    drawn = one.marrow_on or one.immunofixation_on or one.visit.occurred_on
    return (
        (Analyte.SERUM_IFE, one.immunofixation_on, None, _code(one.serum_ife)),
        (Analyte.URINE_IFE, one.immunofixation_on, None, _code(one.urine_ife)),
        (Analyte.BM_PC, one.marrow_on, one.bm_pc, ""),
        (Analyte.BM_CLONAL, one.marrow_on, None, _code(one.bm_clonal)),
        (Analyte.CIRCULATING_PC, drawn, one.circulating_pc_per_ul, ""),
    )


def _code(finding: str) -> str:
    return CODES[DiseaseAssessment.Finding(finding)] if finding else ""


def _findings(assessment: DiseaseAssessment, subject: Subject) -> Iterator[DiseaseFinding]:
    """Imaging on its own date, attribution on the date of the sample that it judges."""
    if assessment.imaging_on is not None:
        yield _imaging(assessment, assessment.imaging_on, subject)
    if assessment.attribution_on is not None:
        yield _attribution(assessment, assessment.attribution_on, subject)


def _imaging(one: DiseaseAssessment, on: date, subject: Subject) -> DiseaseFinding:
    new = DiseaseAssessment.Lesions.NEW_OR_ENLARGED
    return DiseaseFinding(
        on=on,
        new_bone_lesion=one.bone_lesions == new if one.bone_lesions else None,
        new_plasmacytoma=one.plasmacytoma == new if one.plasmacytoma else None,
        plasmacytoma_present=one.plasmacytoma != DiseaseAssessment.Lesions.NONE if one.plasmacytoma else None,
        plasmacytoma_spd=one.plasmacytoma_spd_mm2,
        mri_focal_lesions=one.focal_mri_lesions,
        after_first_dose=_is_after(one.visit.code, on, subject),
        entered_on=_site_day(one.entered_at, subject),
        visit=one.visit.code,
        source=f"disease_assessment:{one.pk}",
    )


def _attribution(one: DiseaseAssessment, on: date, subject: Subject) -> DiseaseFinding:
    answers = {event: getattr(one, name) for name, event in ATTRIBUTIONS.items()}
    return DiseaseFinding(
        on=on,
        attributed=frozenset(event for event, answer in answers.items() if answer is True),
        not_attributed=frozenset(event for event, answer in answers.items() if answer is False),
        after_first_dose=_is_after(one.visit.code, on, subject),
        entered_on=_site_day(one.entered_at, subject),
        visit=one.visit.code,
        source=f"disease_assessment:{one.pk}",
    )
