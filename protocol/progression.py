"""Progression: every criterion tested against the nadir, before any response (R-PD-*)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from protocol.baseline import CIRCULATING, DFLC, DIAMETER, IGA, MARROW, SERUM, SPD, URINE, Quantity, Reading
from protocol.derived import pct_change
from protocol.explain import Test, finding_input, outcome, percent, plain, signed, spoken
from protocol.mde import corrected
from protocol.measurements import assay_changed
from protocol.view import View
from protocol.vocabulary import Component, CriterionOutcome, Mde, PdReason

_PROTEINS = (Component.SERUM, Component.URINE)
_ONE_CM = Decimal(10)


@dataclass(frozen=True)
class PdTest:
    """A progression criterion as tested. `method_changed`: nadir and value differ in laboratory or method."""

    reason: PdReason
    test: Test
    method_changed: bool = False

    @property
    def met(self) -> bool:
        return self.test.outcome is CriterionOutcome.MET


def progression_tests(view: View) -> tuple[PdTest, ...]:
    """Every progression criterion of the version in force, in the order of the specification."""
    return tuple(_tests(view))


def _tests(view: View) -> Iterator[PdTest]:
    yield _serum(view)
    yield _urine(view)
    yield _light_chains(view)
    yield _marrow(view)
    yield _bone(view)
    yield _plasmacytoma(view)
    yield _circulating(view)
    yield _calcium(view)


def _serum(view: View) -> PdTest:
    c = view.criteria
    by_iga = view.serum is IGA
    rise = c.pd_iga_rise if by_iga else c.pd_serum_rise
    words = f"Serum M-protein at least 25 % and {plain(rise)} {view.serum.unit} above the nadir"
    if c.high_m_reference and not by_iga:
        words += f"; or {plain(c.pd_serum_high_rise)} g/dL above it where the {_HIGH[c.high_m_reference]} is 5 or more"

    def rule(now: Decimal, low: Decimal) -> bool:
        return _rises(now, low, c.pd_ratio, rise) or (
            not by_iga and _starts_high(view, low) and now - low >= c.pd_serum_high_rise
        )

    return _against_nadir(view, view.serum, "R-PD-S", PdReason.SERUM_M, words, rule)


_HIGH = {"NADIR": "nadir", "BASELINE": "baseline M-spike"}


def _starts_high(view: View, low: Decimal) -> bool:
    """Whether the +1 g/dL rule applies: by the nadir in 2016, by the starting M-spike before, not in EBMT."""
    start = view.at_baseline(SERUM)
    reference = {"NADIR": low, "BASELINE": start.value if start else None}.get(view.criteria.high_m_reference)
    return reference is not None and reference >= view.criteria.pd_serum_high_from


def _urine(view: View) -> PdTest:
    c = view.criteria
    words = f"Urine M-protein at least 25 % and {plain(c.pd_urine_rise)} mg/24 h above the nadir"
    return _against_nadir(
        view, URINE, "R-PD-U", PdReason.URINE_M, words, lambda now, low: _rises(now, low, c.pd_ratio, c.pd_urine_rise)
    )


def _light_chains(view: View) -> PdTest:
    c = view.criteria
    words = f"dFLC at least 25 % and more than {plain(c.pd_flc_rise)} mg/L above the nadir"
    if any(view.measures(protein) for protein in _PROTEINS):
        return _not_applicable("R-PD-F", PdReason.FLC, words, "serum or urine is measurable")
    return _against_nadir(
        view,
        DFLC,
        "R-PD-F",
        PdReason.FLC,
        words,
        lambda now, low: now >= c.pd_ratio * low and now - low > c.pd_flc_rise,
    )


def _marrow(view: View) -> PdTest:
    c = view.criteria
    points = plain(c.pd_marrow_points)
    words = {
        "RISE": f"Marrow plasma cells at least 25 % and {points} points above the nadir",
        "ABSOLUTE": f"Marrow plasma cells at least 25 % above the nadir and at least {points} %",
    }.get(c.marrow_pd, "Marrow progression is not part of these criteria")
    measurable = [m for m in view.baseline.measurable if m is not Component.MARROW]
    if not c.marrow_pd or (c.marrow_pd_restricted and measurable):
        return _not_applicable("R-PD-BM", PdReason.BM_PC, words, "serum, urine or light chains are measurable")

    def rule(now: Decimal, low: Decimal) -> bool:
        reached = now if c.marrow_pd == "ABSOLUTE" else now - low
        return now >= c.pd_ratio * low and reached >= c.pd_marrow_points

    return _against_nadir(view, MARROW, "R-PD-BM", PdReason.BM_PC, words, rule)


def _circulating(view: View) -> PdTest:
    c = view.criteria
    words = "Circulating plasma cells at least 50 % above the nadir and at least 200 /uL, as the only measure"
    if not c.circulating_pd or view.baseline.measurable:
        return _not_applicable("R-PD-CIRC", PdReason.CIRCULATING_PC, words, "there is another measure of disease")
    return _against_nadir(
        view,
        CIRCULATING,
        "R-PD-CIRC",
        PdReason.CIRCULATING_PC,
        words,
        lambda now, low: now >= c.pd_circulating_ratio * low and now >= c.pd_circulating_from,
    )


def _bone(view: View) -> PdTest:
    words = "New or enlarged bone lesion"
    finding = view.finding
    if finding is None:
        return _not_applicable("R-PD-LES", PdReason.BONE_LESION, words, "no imaging at this time point")
    signs = {"new_bone_lesion": finding.new_bone_lesion, "enlarged_bone_lesion": finding.enlarged_bone_lesion}
    inputs = tuple(finding_input(finding, name, value) for name, value in signs.items() if value is not None)
    seen = [name.replace("_", " ") for name, value in signs.items() if value]
    return PdTest(
        PdReason.BONE_LESION, Test("R-PD-LES", words, outcome(bool(seen)), ", ".join(seen) or "none seen", inputs)
    )


def _plasmacytoma(view: View) -> PdTest:
    c = view.criteria
    words = (
        "New plasmacytoma; or SPD of more than one lesion at least 1.5 times the nadir; or longest diameter at least "
        "1.5 times that of a lesion of more than 1 cm in short axis"
    )
    finding = view.finding
    if finding is None:
        return _not_applicable("R-PD-LES", PdReason.PLASMACYTOMA, words, "no imaging at this time point")
    spd = finding.plasmacytoma_count != 1 and _grows(view, SPD, c.pd_lesion_ratio)
    wide = finding.short_axis_mm is None or finding.short_axis_mm > _ONE_CM
    grown = spd or (wide and _grows(view, DIAMETER, c.pd_lesion_ratio))
    inputs = [finding_input(finding, "new_plasmacytoma", bool(finding.new_plasmacytoma))]
    inputs += [i for q in (SPD, DIAMETER) if (now := view.now(q)) for i in now.inputs]
    figures = "new" if finding.new_plasmacytoma else "grown" if grown else "none seen"
    met = bool(finding.new_plasmacytoma) or grown
    return PdTest(PdReason.PLASMACYTOMA, Test("R-PD-LES", words, outcome(met), figures, tuple(inputs)))


def _grows(view: View, quantity: Quantity, ratio: Decimal) -> bool:
    now, low = view.now(quantity), view.nadir(quantity)
    return now is not None and low is not None and now.value > 0 and now.value >= ratio * low.value


def _calcium(view: View) -> PdTest:
    limit = view.criteria.calcium_pd_above
    words = f"Corrected calcium above {plain(limit or Decimal(0))} mg/dL, attributed to myeloma"
    if limit is None:
        return _not_applicable("R-PD-CA", PdReason.CALCIUM, words, "counted as clinical relapse, not progression")
    value = corrected(view.sample.values)
    attributed = bool(view.finding and Mde.CALCIUM in view.finding.attributed)
    met = None if value is None else value.mg_dl > limit and attributed
    figures = "no corrected calcium" if value is None else f"{plain(value.mg_dl)} mg/dL"
    return PdTest(
        PdReason.CALCIUM,
        Test("R-PD-CA", words, outcome(met), figures, value.inputs if value else (), (f"> {plain(limit)} mg/dL",)),
    )


def _rises(now: Decimal, low: Decimal, ratio: Decimal, rise: Decimal) -> bool:
    return now >= ratio * low and now - low >= rise


def _against_nadir(
    view: View,
    quantity: Quantity,
    rule_id: str,
    reason: PdReason,
    words: str,
    rule: Callable[[Decimal, Decimal], bool],
) -> PdTest:
    now, low = view.now(quantity), view.nadir(quantity)
    if now is None or low is None:
        absent = quantity.name if now is None else f"an earlier {quantity.name}"
        return PdTest(
            reason, Test(rule_id, words, CriterionOutcome.INDETERMINATE, f"{absent} is missing", missing=(absent,))
        )
    met = rule(now.value, low.value)
    test = Test(rule_id, words, outcome(met), _figures(quantity, now, low), now.inputs + low.inputs)
    return PdTest(reason, test, assay_changed(now.assay, low.assay))


def _figures(quantity: Quantity, now: Reading, low: Reading) -> str:
    difference = now.value - low.value
    return (
        f"{plain(now.value)} against nadir {plain(low.value)} {quantity.unit} of {spoken(low.on)}: "
        f"{signed(difference)} {quantity.unit}, {percent(pct_change(low.value, now.value))}"
    )


def _not_applicable(rule: str, reason: PdReason, words: str, why: str) -> PdTest:
    return PdTest(reason, Test(rule, words, CriterionOutcome.NOT_APPLICABLE, why))
