"""Myeloma-defining events: the road from smoldering to active myeloma (R-MDE, clinical specification 2.5).

A threshold crossed counts only with the investigator's attribution; without it, it is a candidate. Where the
criterion was already met at baseline, change is judged instead.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocol.baseline import number, ratio_of
from protocol.derived import corrected_calcium
from protocol.explain import Input, Test, Truth, all_of, any_of, as_input, finding_input, outcome, plain
from protocol.measurements import Measurement
from protocol.schema import MdeLimits
from protocol.units import FACTORS
from protocol.view import View
from protocol.vocabulary import CRAB, Analyte, CriterionOutcome, Mde

Values = Mapping[Analyte, Measurement]
_MMOL = FACTORS[Analyte.CALCIUM]["mmol/L"][0]
_NORMAL_ALBUMIN = Decimal("4.0")


@dataclass(frozen=True)
class CorrectedCalcium:
    """Corrected calcium in mg/dL, and in mmol/L where it was typed so; `uln` in mg/dL where known."""

    mg_dl: Decimal
    mmol_l: Decimal | None
    uln: Decimal | None
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class MdeTest:
    event: Mde
    test: Test
    confounded: bool = False

    @property
    def met(self) -> bool:
        return self.test.outcome is CriterionOutcome.MET


def corrected(values: Values) -> CorrectedCalcium | None:
    """Corrected calcium as reported, else from calcium and albumin; None if either is missing."""
    reported = values.get(Analyte.CALCIUM_CORRECTED)
    if reported is not None and reported.value is not None:
        return CorrectedCalcium(reported.value, _typed_mmol(reported), reported.uln, (as_input(reported),))
    calcium, albumin = values.get(Analyte.CALCIUM), values.get(Analyte.ALBUMIN)
    if calcium is None or albumin is None or calcium.value is None or albumin.value is None:
        return None
    typed = _typed_mmol(calcium)
    mg_dl = corrected_calcium(calcium.value, albumin.value)
    mmol = None if typed is None else typed + (mg_dl - calcium.value) / _MMOL
    return CorrectedCalcium(mg_dl, mmol, calcium.uln, (as_input(calcium), as_input(albumin)))


def _typed_mmol(m: Measurement) -> Decimal | None:
    return Decimal(m.typed_value) if m.typed_unit == "mmol/L" and m.typed_value else None


def event_tests(view: View) -> tuple[MdeTest, ...]:
    """Every myeloma-defining event tested at a time point; SLiM biomarkers too, whether or not they count."""
    return tuple(test(view) for test in _TESTS)


def counted(view: View, events: Iterable[MdeTest]) -> tuple[Mde, ...]:
    """Those of the tested events of the protocol that the investigator attributed to myeloma."""
    attributed = view.finding.attributed if view.finding else frozenset()
    return tuple(t.event for t in events if t.met and t.event in attributed and _counts(view, t.event))


def candidates(view: View, events: Iterable[MdeTest]) -> tuple[Mde, ...]:
    """Thresholds crossed that nobody has attributed yet. Seen bone lesions are progression, not candidates."""
    judged = view.finding.attributed | view.finding.not_attributed if view.finding else frozenset()
    open_events = (t for t in events if t.met and t.event not in judged and not t.confounded)
    return tuple(t.event for t in open_events if _counts(view, t.event) and t.event is not Mde.BONE)


def _counts(view: View, event: Mde) -> bool:
    return event in CRAB or view.trial.config.slim_counts_as_active


def _calcium_high(value: CorrectedCalcium, limits: MdeLimits) -> bool:
    """Compared in the unit in which it was typed, so that 2.75 mmol/L is not above 11 mg/dL by conversion."""
    absolute = value.mg_dl > limits.calcium_mg_dl if value.mmol_l is None else value.mmol_l > limits.calcium_mmol_l
    return absolute or (value.uln is not None and value.mg_dl > value.uln + limits.calcium_over_uln_mg_dl)


def _calcium(view: View) -> MdeTest:
    limits = view.trial.mde
    now, base = corrected(view.sample.values), corrected(view.baseline.values)
    met: bool | None = None
    words = "Corrected calcium above 11 mg/dL (2.75 mmol/L) or more than 1 mg/dL above the upper limit"
    if now is not None:
        met = _calcium_high(now, limits)
        if base is not None and _calcium_high(base, limits):
            words = "High calcium at baseline: a further rise of at least 1 mg/dL"
            met = now.mg_dl - base.mg_dl >= limits.calcium_further_rise
    figures = "calcium or albumin is missing" if now is None else f"{plain(now.mg_dl)} mg/dL"
    return _test(Mde.CALCIUM, words, met, figures, now.inputs if now else ())


def _creatinine_high(m: Measurement | None, limits: MdeLimits) -> bool | None:
    if m is None or m.value is None:
        return None
    if m.typed_unit == "umol/L" and m.typed_value:
        return Decimal(m.typed_value) > limits.creatinine_umol_l
    return m.value > limits.creatinine_mg_dl


def _renal_met(values: Values, limits: MdeLimits) -> bool | None:
    creatinine, clearance = values.get(Analyte.CREATININE), number(values, Analyte.CRCL)
    high = _creatinine_high(creatinine, limits)
    low = None if clearance is None else clearance < limits.clearance_below
    known = [limb for limb in (high, low) if limb is not None]
    return any(known) if known else None


def _renal(view: View) -> MdeTest:
    limits, values = view.trial.mde, view.sample.values
    met = _renal_met(values, limits)
    words = "Creatinine above 2 mg/dL (177 umol/L) or creatinine clearance below 40 mL/min"
    now, base = number(values, Analyte.CREATININE), number(view.baseline.values, Analyte.CREATININE)
    if _renal_met(view.baseline.values, limits):
        words = "Renal criterion met at baseline: creatinine up by at least 2.0 mg/dL"
        met = None if now is None or base is None else now - base >= limits.creatinine_rise
    return _from_results(Mde.RENAL, words, met, view, Analyte.CREATININE, Analyte.CRCL)


def _hb_low(m: Measurement | None, limits: MdeLimits) -> bool | None:
    if m is None or m.value is None:
        return None
    return m.value < limits.hb_below or (m.lln is not None and m.value < m.lln - limits.hb_under_lln)


def _anaemia(view: View) -> MdeTest:
    limits = view.trial.mde
    now, base = view.result(Analyte.HB), view.baseline.values.get(Analyte.HB)
    met = _hb_low(now, limits)
    words = "Haemoglobin below 10 g/dL or more than 2 g/dL below the lower limit"
    if _hb_low(base, limits):
        words = "Low haemoglobin at baseline: a fall of at least 2.0 g/dL"
        met = _fell(base, now, limits.hb_fall)
    return _from_results(Mde.ANAEMIA, words, met, view, Analyte.HB, confounded=_transfused(view))


def _fell(base: Measurement | None, now: Measurement | None, fall: Decimal) -> bool | None:
    if base is None or now is None or base.value is None or now.value is None:
        return None
    return base.value - now.value >= fall


def _transfused(view: View) -> bool:
    """Within 28 days after a transfusion or 42 after an ESA, haemoglobin makes no candidate by itself."""
    limits, course, on = view.trial.mde, view.course, view.sample.on
    spans = ((course.transfusions, limits.transfusion_days), (course.esa_doses, limits.esa_days))
    return any(0 <= (on - given).days <= days for dates, days in spans for given in dates)


def _bone(view: View) -> MdeTest:
    finding = view.finding
    signs = (finding.new_bone_lesion, finding.enlarged_bone_lesion) if finding else ()
    met = any_of(signs) if finding else None
    inputs = (finding_input(finding, "bone_lesion", bool(met)),) if finding else ()
    words = "New or enlarged osteolytic lesion; lesions seen at baseline never count"
    figures = {True: "seen", False: "none seen", None: "not assessed"}[met]
    return _test(Mde.BONE, words, met, figures, inputs)


def _marrow_60(view: View) -> MdeTest:
    limit = view.trial.mde.marrow_clonal_pct
    value, clonal = number(view.sample.values, Analyte.BM_PC), view.is_negative(Analyte.BM_CLONAL)
    met = all_of((None if value is None else value >= limit, None if clonal is None else not clonal))
    return _from_results(Mde.MARROW_60, "Clonal marrow plasma cells at least 60 %", met, view, Analyte.BM_PC)


def _flc_100(view: View) -> MdeTest:
    limits, values = view.trial.mde, view.sample.values
    kappa, lam, ratio = number(values, Analyte.FLC_KAPPA), number(values, Analyte.FLC_LAMBDA), ratio_of(values)
    met: bool | None = None
    if kappa is not None and lam is not None and ratio is not None:
        high, low = max(kappa, lam), min(kappa, lam)
        met = high >= limits.flc_involved and high >= limits.flc_ratio * low
    words = "Involved to uninvolved light chain ratio at least 100 with the involved at least 100 mg/L"
    return _from_results(Mde.FLC_100, words, met, view, Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA)


def _mri(view: View) -> MdeTest:
    lesions = view.finding.mri_focal_lesions if view.finding else None
    met = None if lesions is None else lesions > view.trial.mde.focal_lesions_over
    figures = "no count of an MRI" if lesions is None else f"{lesions} counted"
    return _test(Mde.MRI_FOCAL, "More than one focal MRI lesion of at least 5 mm", met, figures, ())


def _from_results(
    event: Mde,
    words: str,
    met: Truth,
    view: View,
    *analytes: Analyte,
    confounded: bool = False,
) -> MdeTest:
    used = [m for analyte in analytes if (m := view.result(analyte)) is not None]
    figures = ", ".join(f"{m.analyte.value} {m.comparator}{plain(m.value)}" for m in used if m.value is not None)
    return _test(event, words, met, figures or "not measured", tuple(as_input(m) for m in used), confounded=confounded)


def _test(
    event: Mde,
    words: str,
    met: Truth,
    figures: str,
    inputs: tuple[Input, ...],
    *,
    confounded: bool = False,
) -> MdeTest:
    note = "; within the time after a transfusion or ESA" if confounded else ""
    return MdeTest(event, Test(f"R-MDE-{event.value}", words, outcome(met), figures + note, inputs), confounded)


_TESTS: tuple[Callable[[View], MdeTest], ...] = (_calcium, _renal, _anaemia, _bone, _marrow_60, _flc_100, _mri)
