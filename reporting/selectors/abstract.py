"""The seven patients of the abstract as this trial holds them: found by their published values on study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dosing.models import PhaseDecision
from labs.models import DiseaseAssessment, LabResult
from labs.selectors import latest_responses
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.versions import ORIGINAL
from protocol.vocabulary import Analyte, Phase
from reporting.abstract import NOTE, TABLE, Agreement, Published, agreement
from reporting.abstract_statements import Held, Patient, statements
from reporting.selectors.computed import Cell, Computed
from trialsite.exporting import Column
from trialsite.models import Subject

ON_STUDY = ("scr", "bl")
SIX_MONTHS = "m06"
ANALYTES = tuple(dict.fromkeys(line.analyte for line in TABLE))
PATIENTS = tuple(dict.fromkeys(line.patient for line in TABLE))


@dataclass(frozen=True)
class AbstractLine:
    """One analyte of one patient: what is printed beside what is stored and computed. None where no subject fits."""

    published: Published
    subject: Subject | None
    on_study: Decimal | None
    six_months: Decimal | None
    result: Agreement | None
    response: str

    @property
    def label(self) -> str:
        return TRIAL.analytes[self.published.analyte].short

    @property
    def unit(self) -> str:
        return TRIAL.analytes[self.published.analyte].unit


def abstract_lines() -> list[AbstractLine]:
    """The table in printed order; three queries. Only subjects in reach are found."""
    on_study, later = _values(ON_STUDY), _values((SIX_MONTHS,))
    subjects = {
        patient: _subject_with({one.analyte: one.on_study for one in TABLE if one.patient == patient}, on_study)
        for patient in PATIENTS
    }
    found = Subject.objects.in_bulk([key for key in subjects.values() if key is not None])
    responses = latest_responses(found)
    lines = []
    for published in TABLE:
        key = subjects[published.patient]
        before = on_study.get(key, {}).get(published.analyte) if key else None
        after = later.get(key, {}).get(published.analyte) if key else None
        result = None if before is None or after is None else agreement(before, after, published.change)
        response = responses[key].confirmed if key in responses else ""
        lines.append(AbstractLine(published, found.get(key) if key else None, before, after, result, response))
    return lines


def _values(codes: Sequence[str]) -> dict[int, dict[Analyte, Decimal]]:
    """The newest standing value of each analyte at these visits, by subject.

    What was entered in error stands no more; a subject that was is nobody, whatever stands under it.
    """
    rows = (
        LabResult.objects.filter(
            analyte__in=[analyte.value for analyte in ANALYTES],
            superseded_at=None,
            specimen__visit__code__in=codes,
            subject__entered_in_error_at=None,
        )
        .order_by("specimen__collected_on", "id")
        .values_list("subject_id", "analyte", "value")
    )
    values: dict[int, dict[Analyte, Decimal]] = {}
    for subject_id, analyte, value in rows:
        if value is not None:
            values.setdefault(subject_id, {})[Analyte(analyte)] = Decimal(plain(value))
    return values


def _subject_with(printed: Mapping[Analyte, Decimal], on_study: Mapping[int, Mapping[Analyte, Decimal]]) -> int | None:
    return next((key for key in sorted(on_study) if on_study[key] == printed), None)


def held(lines: Sequence[AbstractLine]) -> Held:
    """What the abstract's statements are held against: the table's lines, and three queries."""
    found = {line.subject.pk: line.subject for line in lines if line.subject}
    marrow = dict(
        DiseaseAssessment.objects.filter(subject_id__in=found, visit__code__in=ON_STUDY, superseded_at=None)
        .exclude(bm_pc=None)
        .order_by("marrow_on", "id")
        .values_list("subject_id", "bm_pc")
    )
    signed = PhaseDecision.objects.filter(subject_id__in=found, to_phase=Phase.LOW_DEX_7_12)
    low_dose = set(signed.values_list("subject_id", flat=True))
    seven = [
        Patient(
            on_study={one.published.analyte: one.on_study for one in own if one.on_study is not None},
            six_months={one.published.analyte: one.six_months for one in own if one.six_months is not None},
            marrow=marrow.get(key),
            low_dose=key in low_dose,
        )
        for key in found
        if (own := [line for line in lines if line.subject and line.subject.pk == key])
    ]
    registered = Subject.objects.exclude(registered_on=None).count()
    return Held(seven, registered, ORIGINAL)


def _statement_rows() -> Iterable[Sequence[Cell]]:
    for number, one in enumerate(statements(held(abstract_lines())), start=1):
        yield number, one.words, one.printed, one.computed, one.verdict, one.because


ABSTRACT_STATEMENTS = Computed(
    name="abstract_statements",
    title="Every other count of the abstract of 2004, printed beside computed",
    columns=(
        Column("number", "in the order of the abstract"),
        Column("statement", "what the abstract states"),
        Column("printed", "as printed"),
        Column("computed", "what the same figures give here"),
        Column("verdict", "agrees, differs or cannot be computed"),
        Column("because", "why it cannot be computed, or on what the answer rests"),
    ),
    rows=_statement_rows,
)


def _rows() -> Iterable[Sequence[Cell]]:
    for line in abstract_lines():
        printed, result = line.published, line.result
        yield (
            printed.patient,
            line.subject.number if line.subject else None,
            printed.analyte.value,
            line.unit,
            line.on_study,
            line.six_months,
            result.computed if result else None,
            printed.change,
            result.words if result else "no subject has these values",
            line.response or None,
            NOTE,
        )


ABSTRACT_TABLE = Computed(
    name="abstract_table",
    title="The table of the abstract of 2004, printed beside computed",
    columns=(
        Column("patient", "number in printed order; the source lost the patients' own numbers"),
        Column("subject", "subject of this trial with exactly these values on study"),
        Column("analyte", "pcli, hs_crp or serum_m"),
        Column("unit", "canonical unit of the analyte"),
        Column("on_study", "value on study"),
        Column("six_months", "value at month 6"),
        Column("computed_change", "percent change, unrounded"),
        Column("published_change", "percent change as printed"),
        Column("agreement", "equal, rounded, truncated or differs: the rule that explains the print"),
        Column("response", "confirmed response derived from the data"),
        Column("note", "how the source rounds, and that it prints the table twice; the same in every row"),
    ),
    rows=_rows,
)
