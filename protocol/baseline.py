"""Baseline, what is measurable, and the nadir (R-BASE, R-MEAS, R-NADIR)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from protocol.derived import dflc, flc_ratio
from protocol.explain import Input, as_input, finding_input
from protocol.measurements import DiseaseFinding, Measurement
from protocol.samples import Sample
from protocol.schema import MeasurableLimits, Protocol
from protocol.vocabulary import Analyte, Component, NadirMode

_MARROW = {Analyte.BM_PC, Analyte.BM_CLONAL}
_CHAINS = {"kappa": (Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA), "lambda": (Analyte.FLC_LAMBDA, Analyte.FLC_KAPPA)}


@dataclass(frozen=True)
class Baseline:
    """Reference values of an epoch. `involved` is the light chain fixed at baseline, empty if neither is."""

    values: Mapping[Analyte, Measurement]
    finding: DiseaseFinding | None
    measurable: tuple[Component, ...]
    involved: str
    serum: Analyte = Analyte.SERUM_M

    @property
    def spd(self) -> Decimal | None:
        return self.finding.plasmacytoma_spd if self.finding else None

    @property
    def has_plasmacytoma(self) -> bool:
        return bool(self.finding and self.finding.plasmacytoma_present) or bool(self.spd)


@dataclass(frozen=True)
class Reading:
    """One quantity of one sample with the results it was made of."""

    value: Decimal
    on: date
    inputs: tuple[Input, ...]
    assay: tuple[str, str] = ("", "")
    censored: bool = False


@dataclass(frozen=True)
class Quantity:
    """A quantity that can be followed: how to read it from results and findings."""

    name: str
    unit: str
    read: Callable[[Mapping[Analyte, Measurement], DiseaseFinding | None, "Baseline"], Reading | None]


def study_baseline(samples: Sequence[Sample], day1: date, serum: Analyte, trial: Protocol) -> Baseline:
    """Last value of each analyte before the first dose, within the allowed age (42 days, marrow 104)."""
    limits = {True: trial.config.baseline_marrow_days, False: trial.config.baseline_days}
    values = {
        analyte: m
        for sample in samples
        for analyte, m in sample.values.items()
        if (day1 - sample.on).days <= limits[analyte in _MARROW]
    }
    oldest = day1 - timedelta(days=limits[True])
    finding = _last_finding(s for s in samples if s.on >= oldest)
    return make_baseline(values, finding, serum, trial.measurable)


def phase_baseline(samples: Sequence[Sample], study: Baseline, limits: MeasurableLimits) -> Baseline:
    """Last value of each analyte at the start of a phase, falling back on the study baseline.

    What is measurable is judged anew; if nothing is, the components measurable at study baseline stay in use.
    """
    values = dict(study.values) | {analyte: m for sample in samples for analyte, m in sample.values.items()}
    finding = _last_finding(samples) or study.finding
    own = make_baseline(values, finding, study.serum, limits)
    involved = study.involved or own.involved
    return Baseline(values, finding, own.measurable or study.measurable, involved, study.serum)


def make_baseline(
    values: Mapping[Analyte, Measurement],
    finding: DiseaseFinding | None,
    serum: Analyte,
    limits: MeasurableLimits,
) -> Baseline:
    """Baseline with its measurable components and involved light chain."""
    involved = _involved(values, limits)
    return Baseline(values, finding, _measurable(values, serum, involved, limits), involved, serum)


def _last_finding(samples: Iterable[Sample]) -> DiseaseFinding | None:
    return next((s.finding for s in reversed(list(samples)) if s.finding), None)


def number(values: Mapping[Analyte, Measurement], analyte: Analyte) -> Decimal | None:
    """The value of an analyte, None if it is not there."""
    return values[analyte].value if analyte in values else None


def ratio_of(values: Mapping[Analyte, Measurement]) -> Decimal | None:
    """The light chain ratio, computed where both chains are there, else as reported."""
    kappa, lam = number(values, Analyte.FLC_KAPPA), number(values, Analyte.FLC_LAMBDA)
    if kappa is None or lam is None:
        return number(values, Analyte.FLC_RATIO)
    return flc_ratio(kappa, lam)


def _involved(values: Mapping[Analyte, Measurement], limits: MeasurableLimits) -> str:
    ratio = ratio_of(values)
    if ratio is None:
        return ""
    return "kappa" if ratio > limits.ratio_high else "lambda" if ratio < limits.ratio_low else ""


def _measurable(
    values: Mapping[Analyte, Measurement],
    serum: Analyte,
    involved: str,
    limits: MeasurableLimits,
) -> tuple[Component, ...]:
    serum_limit = limits.iga if serum is Analyte.IGA else limits.serum_m
    proteins = [
        component
        for component, analyte, limit in (
            (Component.SERUM, serum, serum_limit),
            (Component.URINE, Analyte.URINE_M, limits.urine_m),
        )
        if reaches(number(values, analyte), limit)
    ]
    if proteins:
        return tuple(proteins)
    if involved and reaches(number(values, _CHAINS[involved][0]), limits.flc_involved):
        return (Component.FLC,)
    return (Component.MARROW,) if reaches(number(values, Analyte.BM_PC), limits.marrow) else ()


def reaches(value: Decimal | None, limit: Decimal) -> bool:
    """True if the value is there and at least the limit."""
    return value is not None and value >= limit


def single(analyte: Analyte, values: Mapping[Analyte, Measurement]) -> Reading | None:
    """One analyte as a reading, None if it has no value."""
    m = values.get(analyte)
    if m is None or m.value is None:
        return None
    return Reading(m.value, m.collected_on, (as_input(m),), m.assay, m.comparator == "<")


def _dflc(values: Mapping[Analyte, Measurement], baseline: Baseline) -> Reading | None:
    if not baseline.involved:
        return None
    involved, other = (single(chain, values) for chain in _CHAINS[baseline.involved])
    if involved is None or other is None:
        return None
    return Reading(dflc(involved.value, other.value), involved.on, involved.inputs + other.inputs, involved.assay)


def _from_finding(finding: DiseaseFinding | None, name: str, value: Decimal | None) -> Reading | None:
    if finding is None or value is None:
        return None
    return Reading(value, finding.on, (finding_input(finding, name, value),))


SERUM = Quantity("M-spike", "g/dL", lambda values, finding, baseline: single(baseline.serum, values))
#: The serum as followed by quantitative IgA: the same reading under its own name and unit.
IGA = replace(SERUM, name="quantitative IgA", unit="mg/dL")
URINE = Quantity("urine M-protein", "mg/24 h", lambda values, finding, baseline: single(Analyte.URINE_M, values))
DFLC = Quantity("dFLC", "mg/L", lambda values, finding, baseline: _dflc(values, baseline))
MARROW = Quantity("marrow plasma cells", "%", lambda values, finding, baseline: single(Analyte.BM_PC, values))
CIRCULATING = Quantity(
    "circulating plasma cells", "/uL", lambda values, finding, baseline: single(Analyte.CIRCULATING_PC, values)
)
SPD = Quantity(
    "plasmacytoma SPD",
    "mm2",
    lambda values, finding, baseline: _from_finding(
        finding, "plasmacytoma_spd", finding.plasmacytoma_spd if finding else None
    ),
)
DIAMETER = Quantity(
    "longest diameter",
    "mm",
    lambda values, finding, baseline: _from_finding(
        finding, "longest_diameter_mm", finding.longest_diameter_mm if finding else None
    ),
)
QUANTITIES = (SERUM, URINE, DFLC, MARROW, CIRCULATING, SPD, DIAMETER)


def reading(quantity: Quantity, sample: Sample, baseline: Baseline) -> Reading | None:
    """A quantity as a sample has it."""
    return quantity.read(sample.values, sample.finding, baseline)


def baseline_reading(quantity: Quantity, baseline: Baseline) -> Reading | None:
    return quantity.read(baseline.values, baseline.finding, baseline)


def nadir(quantity: Quantity, earlier: Sequence[Sample], baseline: Baseline, mode: NadirMode) -> Reading | None:
    """The lowest value of baseline and earlier samples; under LOWEST_CONFIRMED the lowest seen twice in a row."""
    first = baseline_reading(quantity, baseline)
    followed = [r for s in earlier if (r := reading(quantity, s, baseline)) is not None]
    series = [first, *followed] if first is not None else followed
    if mode is NadirMode.LOWEST_CONFIRMED:
        series = series[:1] + [max(pair, key=lambda r: r.value) for pair in pairwise(series)]
    return min(series, key=lambda r: r.value, default=None)
