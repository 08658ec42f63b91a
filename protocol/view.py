"""One time point as the rules see it: the sample, its reference values and what came before."""

from dataclasses import dataclass

from protocol.baseline import (
    IGA,
    SERUM,
    Baseline,
    Quantity,
    Reading,
    baseline_reading,
    nadir,
    number,
    ratio_of,
    reading,
    single,
)
from protocol.measurements import Course, DiseaseFinding, Measurement
from protocol.samples import Sample
from protocol.schema import Protocol, ResponseCriteria
from protocol.vocabulary import Analyte, Component


@dataclass(frozen=True)
class View:
    """`earlier` are the samples of the same epoch before this one, in order of date."""

    sample: Sample
    earlier: tuple[Sample, ...]
    baseline: Baseline
    course: Course
    trial: Protocol

    @property
    def criteria(self) -> ResponseCriteria:
        return self.trial.response_version

    @property
    def finding(self) -> DiseaseFinding | None:
        return self.sample.finding

    @property
    def serum(self) -> Quantity:
        """What the serum is followed by: the M-spike, or quantitative IgA where that was chosen at baseline."""
        return IGA if self.baseline.serum is Analyte.IGA else SERUM

    def measures(self, component: Component) -> bool:
        return component in self.baseline.measurable

    def now(self, quantity: Quantity) -> Reading | None:
        return reading(quantity, self.sample, self.baseline)

    def at_baseline(self, quantity: Quantity) -> Reading | None:
        return baseline_reading(quantity, self.baseline)

    def m_spike(self) -> Reading | None:
        """The M-spike of this sample, whatever the serum is followed by."""
        return single(Analyte.SERUM_M, self.sample.values)

    def nadir(self, quantity: Quantity) -> Reading | None:
        return nadir(quantity, self.earlier, self.baseline, self.trial.config.nadir_mode)

    def result(self, analyte: Analyte) -> Measurement | None:
        return self.sample.values.get(analyte)

    def is_negative(self, analyte: Analyte) -> bool | None:
        """Whether a coded result is negative; None if there is none or it is neither."""
        found = self.result(analyte)
        return {"neg": True, "pos": False}.get(found.coded) if found else None

    def ratio_is_normal(self) -> bool | None:
        ratio, limits = ratio_of(self.sample.values), self.trial.measurable
        return None if ratio is None else limits.ratio_low <= ratio <= limits.ratio_high

    def marrow(self) -> Sample | None:
        """The sample whose marrow counts here: its own, or one carried forward (R-BMCF).

        Only post-baseline marrow, percentage and clonality together, within the valid days, and only while both
        immunofixations are negative here and none was positive since.
        """
        if number(self.sample.values, Analyte.BM_PC) is not None:
            return self.sample
        if not all(self.is_negative(ife) for ife in (Analyte.SERUM_IFE, Analyte.URINE_IFE)):
            return None
        last = next((s for s in reversed(self.earlier) if Analyte.BM_PC in s.values), None)
        if last is None or (self.sample.on - last.on).days > self.trial.config.bm_valid_days:
            return None
        since = (s for s in self.earlier if s.on >= last.on)
        return None if any(_has_positive_ife(s) for s in since) else last


def _has_positive_ife(sample: Sample) -> bool:
    results = (sample.values.get(ife) for ife in (Analyte.SERUM_IFE, Analyte.URINE_IFE))
    return any(r.coded == "pos" for r in results if r is not None)
