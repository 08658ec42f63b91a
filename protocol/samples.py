"""From single results to samples: one per date, components within seven days together (clinical specification 0).

Collection date rules the order, never entry order (R-ORDER). Nothing is merged across the first dose.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import TypeVar

from protocol.explain import Truth
from protocol.measurements import Course, DiseaseFinding, Measurement
from protocol.schema import Protocol
from protocol.vocabulary import Analyte, LabKind

TUMOUR = frozenset(
    {
        Analyte.SERUM_M,
        Analyte.IGA,
        Analyte.SERUM_IFE,
        Analyte.URINE_M,
        Analyte.URINE_IFE,
        Analyte.FLC_KAPPA,
        Analyte.FLC_LAMBDA,
        Analyte.FLC_RATIO,
        Analyte.BM_PC,
        Analyte.BM_CLONAL,
        Analyte.CIRCULATING_PC,
    }
)
ORGAN = frozenset(
    {
        Analyte.CALCIUM,
        Analyte.CALCIUM_CORRECTED,
        Analyte.ALBUMIN,
        Analyte.CREATININE,
        Analyte.CRCL,
        Analyte.HB,
    }
)
RELEVANT = TUMOUR | ORGAN
N = TypeVar("N", Decimal, int)
_NOT_IMAGING = {
    "on",
    "source",
    "visit",
    "entered_on",
    "superseded_on",
    "after_first_dose",
    "attributed",
    "not_attributed",
}


@dataclass(frozen=True)
class Sample:
    """What is known of one time point. `values` holds only analytes with a value."""

    on: date
    values: Mapping[Analyte, Measurement]
    finding: DiseaseFinding | None
    label: str
    assessed: bool
    has_serum_record: bool
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """References to every source record of the sample, sorted."""
        used = {m.source for m in self.values.values()}
        used |= {self.finding.source} if self.finding else set()
        return tuple(sorted(used - {""}))


def before_first_dose(course: Course) -> tuple[Sample, ...]:
    """Samples that can be baseline: before Day 1, or on Day 1 before the dose."""
    return _samples(course, [r for r in _records(course) if not _is_after(r, course)])


def after_first_dose(course: Course, trial: Protocol) -> tuple[Sample, ...]:
    """Samples in order of date, components within the allowed days merged into the serum sample."""
    dated = _samples(course, [r for r in _records(course) if _is_after(r, course)])
    return _merge_components(dated, trial.config.component_days)


Record = Measurement | DiseaseFinding


def _records(course: Course) -> list[Record]:
    relevant = [m for m in course.measurements if m.analyte in RELEVANT]
    return [*relevant, *course.findings]


def _day(record: Record) -> date:
    return record.collected_on if isinstance(record, Measurement) else record.on


def _is_after(record: Record, course: Course) -> bool:
    on, day1 = _day(record), course.day1
    return day1 is not None and (on > day1 or (on == day1 and record.after_first_dose))


def _samples(course: Course, records: list[Record]) -> tuple[Sample, ...]:
    days = sorted({_day(r) for r in records})
    return tuple(_sample(day, [r for r in records if _day(r) == day], course) for day in days)


def _sample(day: date, records: list[Record], course: Course) -> Sample:
    results = [r for r in records if isinstance(r, Measurement)]
    findings = [r for r in records if isinstance(r, DiseaseFinding)]
    best = {analyte: _best(results, analyte) for analyte in sorted({m.analyte for m in results})}
    recorded = bool(best.keys() & TUMOUR) or any(_has_imaging(f) for f in findings)
    labels = sorted({r.visit for r in records if r.visit})
    return Sample(
        day,
        {analyte: m for analyte, m in best.items() if m.has_value},
        _merge_findings(findings),
        " / ".join(labels),
        recorded,
        course.serum_measure in best,
        tuple(note for analyte in best for note in _disagreement(results, analyte)),
    )


def _best(results: list[Measurement], analyte: Analyte) -> Measurement:
    """Of several results of one day: a value before none, central before local, then the latest time."""
    return max((m for m in results if m.analyte is analyte), key=_preference)


def _preference(m: Measurement) -> tuple[bool, bool, str, str, str]:
    return (m.has_value, m.lab is LabKind.CENTRAL, m.collected_time, m.source, str(m.value) + m.coded)


def _disagreement(results: list[Measurement], analyte: Analyte) -> tuple[str, ...]:
    said = {(m.value, m.coded) for m in results if m.analyte is analyte and m.has_value}
    return (f"Results of one day disagree: {analyte.value}.",) if len(said) > 1 else ()


def _has_imaging(finding: DiseaseFinding) -> bool:
    return any(getattr(finding, f.name) is not None for f in fields(finding) if f.name not in _NOT_IMAGING)


def _merge_findings(findings: Iterable[DiseaseFinding]) -> DiseaseFinding | None:
    """Findings of one time point as one: anything seen stands, the larger measure counts, attributions add up."""
    ordered = sorted(findings, key=lambda f: (f.on, f.source))
    return reduce(_both, ordered) if ordered else None


def _both(first: DiseaseFinding, second: DiseaseFinding) -> DiseaseFinding:
    return DiseaseFinding(
        on=second.on,
        new_bone_lesion=_seen(first.new_bone_lesion, second.new_bone_lesion),
        enlarged_bone_lesion=_seen(first.enlarged_bone_lesion, second.enlarged_bone_lesion),
        new_plasmacytoma=_seen(first.new_plasmacytoma, second.new_plasmacytoma),
        plasmacytoma_present=_seen(first.plasmacytoma_present, second.plasmacytoma_present),
        plasmacytoma_spd=_larger(first.plasmacytoma_spd, second.plasmacytoma_spd),
        plasmacytoma_count=_larger(first.plasmacytoma_count, second.plasmacytoma_count),
        longest_diameter_mm=_larger(first.longest_diameter_mm, second.longest_diameter_mm),
        short_axis_mm=_larger(first.short_axis_mm, second.short_axis_mm),
        mri_focal_lesions=_larger(first.mri_focal_lesions, second.mri_focal_lesions),
        attributed=first.attributed | second.attributed,
        not_attributed=first.not_attributed | second.not_attributed,
        source=second.source or first.source,
    )


def _seen(first: Truth, second: Truth) -> Truth:
    known = [value for value in (first, second) if value is not None]
    return any(known) if known else None


def _larger(first: N | None, second: N | None) -> N | None:
    known = [value for value in (first, second) if value is not None]
    return max(known, default=None)


def _merge_components(samples: tuple[Sample, ...], days: int) -> tuple[Sample, ...]:
    """Attach dates without a serum record to the nearest serum sample that lacks what they hold."""
    anchors = {s.on: s for s in samples if s.has_serum_record}
    alone: list[Sample] = []
    for stray in (s for s in samples if s.on not in anchors):
        host = _host(stray, anchors, days)
        if host is None:
            alone.append(stray)
        else:
            anchors[host.on] = _attach(host, stray)
    return tuple(sorted([*anchors.values(), *alone], key=lambda s: s.on))


def _host(stray: Sample, anchors: Mapping[date, Sample], days: int) -> Sample | None:
    near = [
        a for a in anchors.values() if abs((a.on - stray.on).days) <= days and not stray.values.keys() & a.values.keys()
    ]
    return min(near, key=lambda a: (abs((a.on - stray.on).days), a.on), default=None)


def _attach(host: Sample, stray: Sample) -> Sample:
    findings = [f for f in (stray.finding, host.finding) if f is not None]
    return replace(
        host,
        values={**host.values, **stray.values},
        finding=_merge_findings(findings),
        label=host.label or stray.label,
        notes=(*host.notes, *stray.notes),
    )
