"""What a result is read against: the subject's baseline, lowest value so far, and the visit before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from labs.selectors.visits import visit_label
from labs.words import unit_words
from protocol.derived import corrected_calcium, flc_ratio
from protocol.explain import plain
from protocol.measurements import Course, Measurement, assay_changed
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, PanelCode
from trialsite.days import in_words

#: Panels whose lowest value means something; a nadir of haemoglobin does not.
WITH_NADIR = frozenset(
    analyte
    for code in (PanelCode.MYELOMA, PanelCode.URINE, PanelCode.MARROW, PanelCode.INFLAMMATION, PanelCode.RESEARCH)
    for analyte in TRIAL.panels[code].analytes
) | {Analyte.FLC_RATIO}

#: Results of which a progression can be made; there the nadir must have been measured in the same way.
PROGRESSES = frozenset({Analyte.SERUM_M, Analyte.URINE_M, Analyte.IGA, Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA})


@dataclass(frozen=True)
class Background:
    """Canonical values by analyte. `previous` are those of the visit named in `previous_label`.

    lowest: the result that is the nadir, with what measured it.
    """

    baseline: Mapping[Analyte, Decimal] = field(default_factory=dict)
    previous: Mapping[Analyte, Decimal] = field(default_factory=dict)
    previous_label: str = ""
    lowest: Mapping[Analyte, Measurement] = field(default_factory=dict)

    @property
    def nadir(self) -> dict[Analyte, Decimal]:
        return {analyte: m.value for analyte, m in self.lowest.items() if m.value is not None}


def background_for(course: Course, code: str, on: date) -> Background:
    """What a sample of visit `code`, collected on `on`, is read against.

    Baseline: the last value before the first dose. Nadir: the lowest value of baseline and everything drawn
    since and before this sample. There is no baseline while there was no first dose.
    """
    known = _with_derived([m for m in course.measurements if m.value is not None and m.visit != code])
    earlier = [m for m in known if m.collected_on < on]
    before = earlier[-1].visit if earlier else ""
    at_baseline = {m.analyte: m for m in known if _is_baseline(m, course)}
    baseline = {analyte: m.value for analyte, m in at_baseline.items() if m.value is not None}
    since = [m for m in earlier if not _is_baseline(m, course)]
    return Background(
        baseline=baseline if course.day1 is not None and on > course.day1 else {},
        lowest=_lowest(at_baseline, since) if course.day1 is not None and on > course.day1 else {},
        previous={m.analyte: m.value for m in earlier if m.visit == before and m.value is not None},
        previous_label=visit_label(before) if before else "",
    )


def measured_otherwise(
    lowest: Measurement | None, analyte: Analyte, now: tuple[str, str], laboratories: Mapping[str, str]
) -> str:
    """That nadir and result come from different laboratories or methods, and what that means; empty if not.

    lowest: the nadir. now: laboratory (its id) and method of the result. laboratories: names by id.
    """
    if analyte not in PROGRESSES or lowest is None or lowest.value is None or not assay_changed(now, lowest.assay):
        return ""
    was, is_now = (
        ", ".join(part for part in (laboratories.get(one[0], ""), one[1]) if part) for one in (lowest.assay, now)
    )
    figure = f"{plain(lowest.value)} {unit_words(TRIAL.analytes[analyte].unit)} of {in_words(lowest.collected_on)}"
    return f"The lowest result so far, {figure}, was measured by {was}; this one by {is_now}."


def _is_baseline(m: Measurement, course: Course) -> bool:
    return course.day1 is not None and m.collected_on <= course.day1 and not m.after_first_dose


def _lowest(baseline: Mapping[Analyte, Measurement], since: list[Measurement]) -> dict[Analyte, Measurement]:
    lowest = {analyte: m for analyte, m in baseline.items() if analyte in WITH_NADIR}
    for m in since:
        standing = lowest.get(m.analyte)
        if standing is not None and m.value is not None and standing.value is not None and m.value < standing.value:
            lowest[m.analyte] = m
    return lowest


def _with_derived(measurements: list[Measurement]) -> list[Measurement]:
    """By date, and beside each visit's results those that are computed from them."""
    ordered = sorted(measurements, key=lambda m: (m.collected_on, m.collected_time))
    by_visit: dict[str, dict[Analyte, Measurement]] = {}
    for m in ordered:
        by_visit.setdefault(m.visit, {})[m.analyte] = m
    computed = [
        Measurement(analyte, mine[source].collected_on, value, visit=visit,
                    after_first_dose=mine[source].after_first_dose)
        for visit, mine in by_visit.items()
        for analyte, (source, value) in derived_values(
            {a: m.value for a, m in mine.items() if m.value is not None}
        ).items()
    ]  # fmt: skip
    return sorted([*ordered, *computed], key=lambda m: (m.collected_on, m.collected_time))


def derived_values(values: Mapping[Analyte, Decimal]) -> dict[Analyte, tuple[Analyte, Decimal]]:
    """Computed results that the values allow: analyte -> (the analyte below which it stands, value)."""
    found: dict[Analyte, tuple[Analyte, Decimal]] = {}
    kappa, lam = values.get(Analyte.FLC_KAPPA), values.get(Analyte.FLC_LAMBDA)
    if kappa is not None and lam:
        ratio = flc_ratio(kappa, lam)
        if ratio is not None:
            found[Analyte.FLC_RATIO] = (Analyte.FLC_LAMBDA, ratio)
    calcium, albumin = values.get(Analyte.CALCIUM), values.get(Analyte.ALBUMIN)
    if calcium is not None and albumin is not None:
        found[Analyte.CALCIUM_CORRECTED] = (Analyte.ALBUMIN, corrected_calcium(calcium, albumin))
    return found
