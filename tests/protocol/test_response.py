"""Situations of clinical practice beside the case file: what the first month brings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from protocol.measurements import Decision, DiseaseFinding, Measurement, PhaseInterval
from protocol.phases import find_discrepancies, propose
from protocol.response import assess, assess_against, fingerprint
from protocol.trial import TRIAL
from protocol.vocabulary import (
    Analyte,
    Component,
    CriteriaVersion,
    Flag,
    LabKind,
    Mde,
    MissingReason,
    Month6Basis,
    PdAction,
    PdReason,
    Phase,
    ProposalKind,
    Response,
)
from tests.protocol.build import DAY1, course, finding, on, result, under

BASE = (-5, {"m": "3.0", "u": "0"})
CR = {"m": "0", "u": "0", "sife": "neg", "uife": "neg"}


def first(subject, trial=TRIAL):
    return assess(subject, trial).time_points[0]


def test_central_before_local_then_latest_time_on_one_day() -> None:
    subject = course(BASE, (28, {"m": "2.0", "u": "0"}))
    local = Measurement(Analyte.SERUM_M, on(28), Decimal("3.0"), lab=LabKind.LOCAL, collected_time="18:00", source="x")
    point = first(replace(subject, measurements=(*subject.measurements, local)))
    assert point.timepoint is Response.MR
    assert point.notes == ("Results of one day disagree: serum_m.",)


def test_components_within_seven_days_form_one_time_point_dated_by_serum() -> None:
    base = (-5, {"m": "4.0", "u": "900"})
    points = assess(course(base, (28, {"m": "1.9"}), (35, {"u": "80"})), TRIAL).time_points
    assert [(p.on, p.timepoint) for p in points] == [(on(28), Response.PR)]
    apart = assess(course(base, (28, {"m": "1.9"}), (36, {"u": "80"})), TRIAL).time_points
    assert [p.timepoint for p in apart] == [Response.MR, Response.PR]


def test_a_second_count_of_the_same_week_is_a_time_point_of_its_own() -> None:
    subject = course(
        (-5, {"m": "3.0", "u": "0", "hb": "13"}), (28, {"m": "3.0", "u": "0", "hb": "12"}), (30, {"hb": "9"})
    )
    history = assess(subject, TRIAL)
    assert [p.mde_candidates for p in history.time_points] == [(), (Mde.ANAEMIA,)]
    assert history.latest is not None
    assert history.latest.on == on(28)


@pytest.mark.parametrize(("offset", "measurable"), [(-42, True), (-43, False), (0, True)])
def test_baseline_window(offset: int, measurable) -> None:
    history = assess(course((offset, {"m": "3.0", "u": "0"}), (28, {"m": "1.0", "u": "0"})), TRIAL)
    assert history.baseline_ok is measurable
    assert history.confirmed_status is (Response.SD if measurable else Response.NE)


def test_a_sample_after_the_first_dose_is_never_baseline() -> None:
    late = replace(result("m", 0, "3.0"), after_first_dose=True)
    assert not assess(replace(course((28, {"m": "1.0"})), measurements=(late,)), TRIAL).baseline_ok


@pytest.mark.parametrize(
    ("values", "component"),
    [
        ({"m": "1.0", "u": "200"}, (Component.SERUM, Component.URINE)),
        ({"m": "0.9", "u": "199", "k": "100", "l": "10", "bm": "40"}, (Component.FLC,)),
        ({"m": "0.9", "u": "0", "l": "100", "k": "10"}, (Component.FLC,)),
        ({"m": "0.9", "u": "0", "k": "99", "l": "10", "bm": "30"}, (Component.MARROW,)),
        ({"m": "0.9", "u": "0", "k": "10", "l": "10", "bm": "29"}, ()),
    ],
)
def test_measurable(values, component) -> None:
    history = assess(course((-5, values)), TRIAL)
    assert history.baseline is not None
    assert history.baseline.measurable == component


def test_marrow_only_disease() -> None:
    base = (-5, {"m": "0.5", "u": "0", "bm": "40"})
    assert first(course(base, (28, {"m": "0.5", "u": "0", "bm": "20"}))).timepoint is Response.PR
    assert first(course(base, (28, {"m": "0.5", "u": "0", "bm": "28"}))).timepoint is Response.SD
    ebmt = under(criteria_version=CriteriaVersion.EBMT1998)
    assert first(course(base, (28, {"m": "0.5", "u": "0", "bm": "28"})), ebmt).timepoint is Response.MR
    progressed = first(course(base, (28, {"m": "0.5", "u": "0", "bm": "50"})))
    assert (progressed.timepoint, progressed.confirmed) == (Response.PD, Response.PD)
    missing = first(course(base, (28, {"m": "0.5", "u": "0"})))
    assert (missing.timepoint, missing.missing_critical) == (Response.NE, ("bm_pc_pct",))


@pytest.mark.parametrize(
    ("version", "marrow", "is_pd"),
    [
        (CriteriaVersion.IMWG2006, "23", True),
        (CriteriaVersion.IMWG2011, "23", False),
        (CriteriaVersion.IMWG2016, "60", False),
        (CriteriaVersion.EBMT1998, "60", False),
    ],
)
def test_marrow_progression_by_version_where_serum_is_measurable(version, marrow: str, is_pd) -> None:
    subject = course((-5, {"m": "3.0", "u": "0", "bm": "18"}), (28, {"m": "3.0", "u": "0", "bm": marrow}))
    assert (first(subject, under(criteria_version=version)).timepoint is Response.PD) is is_pd


@pytest.mark.parametrize(
    ("version", "is_pd"),
    [
        (CriteriaVersion.IMWG2016, False),
        (CriteriaVersion.IMWG2011, True),
        (CriteriaVersion.IMWG2006, True),
        (CriteriaVersion.EBMT1998, False),
    ],
)
def test_one_gram_rule_by_starting_m_or_by_nadir(version, is_pd) -> None:
    subject = course((-5, {"m": "6.0", "u": "0"}), (28, {"m": "4.8", "u": "0"}), (56, {"m": "5.8", "u": "0"}))
    assert (assess(subject, under(criteria_version=version)).time_points[1].timepoint is Response.PD) is is_pd


def test_circulating_plasma_cells_only_as_the_sole_measure() -> None:
    sole = course((-5, {"m": "0.1", "u": "0", "circ": "130"}), (28, {"m": "0.1", "u": "0", "circ": "200"}))
    assert first(sole).pd_reasons == (PdReason.CIRCULATING_PC,)
    beside = course((-5, {"m": "3.0", "u": "0", "circ": "130"}), (28, {"m": "3.0", "u": "0", "circ": "200"}))
    assert first(beside).pd_reasons == ()


def test_plasmacytoma() -> None:
    def judged(*findings, m: str = "1.0", trial=TRIAL):
        rows = [BASE, *((28 * k, {"m": m, "u": "0"}) for k, _ in enumerate(findings, 1))]
        seen = [finding(-5, plasmacytoma_present=True, plasmacytoma_spd=Decimal(400), longest_diameter_mm=Decimal(20))]
        seen += [finding(28 * k, **f) for k, f in enumerate(findings, 1) if f]
        return [p.timepoint for p in assess(course(*rows, findings=tuple(seen)), trial).time_points]

    assert judged({"plasmacytoma_spd": Decimal(200)}, {}) == [Response.PR, Response.PR]
    assert judged({"plasmacytoma_spd": Decimal(300)}) == [Response.SD]
    assert judged({"plasmacytoma_spd": Decimal(300)}, trial=under(criteria_version=CriteriaVersion.IMWG2011)) == [
        Response.MR
    ]
    assert judged({}) == [Response.MR]
    assert judged({"plasmacytoma_spd": Decimal(600)}) == [Response.PD]
    assert judged({"plasmacytoma_spd": Decimal(600), "plasmacytoma_count": 1}) == [Response.SD]
    assert judged({"longest_diameter_mm": Decimal(30)}) == [Response.PD]
    assert judged({"longest_diameter_mm": Decimal(30), "short_axis_mm": Decimal(10)}) == [Response.MR]
    assert judged({"new_plasmacytoma": True}) == [Response.PD]


def test_complete_response_and_plasmacytoma() -> None:
    rows = ((-5, {"m": "3.0", "u": "0"}), (28, {**CR, "bm": "2"}))
    old = finding(-5, plasmacytoma_spd=Decimal(400))
    assert first(course(*rows, findings=(old, finding(28, plasmacytoma_spd=Decimal(0))))).timepoint is Response.CR
    assert first(course(*rows, findings=(old, finding(28, plasmacytoma_spd=Decimal(9))))).timepoint is Response.VGPR
    assert first(course(*rows, findings=(old,))).timepoint is Response.PR
    assert first(course(*rows)).missing_critical == ("bm_clonal", "flc_ratio")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"m": "0.1"}, Response.VGPR),
        ({"m": "<0.1"}, Response.CR),
        ({"bm": "5"}, Response.VGPR),
        ({"sife": "pos"}, Response.VGPR),
        ({"k": "12", "l": "10", "clonal": "neg"}, Response.SCR),
        ({"k": "30", "l": "10", "clonal": "neg"}, Response.CR),
        ({"k": "12", "l": "10", "clonal": "pos"}, Response.CR),
    ],
)
def test_complete_response(change, expected) -> None:
    assert first(course(BASE, (28, {**CR, "bm": "2", **change}))).timepoint is expected


@pytest.mark.parametrize(
    ("between", "days", "expected"),
    [
        ({}, 208, Response.CR),
        ({}, 209, Response.VGPR),
        ({"sife": "pos"}, 84, Response.VGPR),
    ],
)
def test_marrow_carried_forward(between, days: int, expected) -> None:
    rows = [BASE, (28, {**CR, "bm": "2"}), (days, CR)]
    if between:
        rows.insert(2, (56, {**CR, **between}))
    assert assess(course(*rows), TRIAL).time_points[-1].timepoint is expected


def test_iga_route_never_mixes_with_the_m_spike() -> None:
    subject = course((-5, {"iga": "2000", "u": "0"}), (28, {"iga": "1500", "u": "0"}), (56, {"iga": "2000", "u": "0"}))
    points = assess(replace(subject, serum_measure=Analyte.IGA), TRIAL).time_points
    assert [p.timepoint for p in points] == [Response.MR, Response.PD]


def test_serum_missing_but_urine_present() -> None:
    base = (-5, {"m": "4.0", "u": "1000"})
    point = first(course(base, (28, {"u": "80"})))
    assert (point.timepoint, point.missing_critical) == (Response.PR, ("serum_m_g_dl",))
    assert first(course(base, (28, {"u": "900"}))).timepoint is Response.SD
    assert first(course(base, (28, {"hb": "12"}))).timepoint is Response.NE


def test_lowering_steps_over_mr_where_it_does_not_exist() -> None:
    point = first(course((-5, {"m": "4.0", "u": "900"}), (28, {"m": "1.9"})), under(criteria_version="IMWG2006"))
    assert point.timepoint is Response.SD


def events(values, base=None, findings=(), trial=TRIAL):
    subject = course((-5, {"m": "3.0", "u": "0", **(base or {})}), (28, {"m": "3.0", "u": "0", **values}))
    return assess(replace(subject, findings=tuple(findings)), trial)


@pytest.mark.parametrize(
    ("values", "base", "event"),
    [
        ({"ca": "11.1", "alb": "4.0"}, {}, "C"),
        ({"ca": "11.0", "alb": "4.0"}, {}, ""),
        ({"ca": "12.4", "alb": "4.0"}, {"ca": "11.5", "alb": "4.0"}, ""),
        ({"ca": "12.5", "alb": "4.0"}, {"ca": "11.5", "alb": "4.0"}, "C"),
        ({"ca": "14"}, {}, ""),
        ({"cr": "2.01"}, {}, "R"),
        ({"cr": "2.00"}, {}, ""),
        ({"cr": "4.1"}, {"cr": "2.1"}, "R"),
        ({"cr": "4.0"}, {"cr": "2.1"}, ""),
        ({"crcl": "39"}, {}, "R"),
        ({"crcl": "39"}, {"crcl": "38"}, ""),
        ({"crcl": "40"}, {}, ""),
        ({"hb": "9.9"}, {}, "A"),
        ({"hb": "10.0"}, {}, ""),
        ({"hb": "7.8"}, {"hb": "9.8"}, "A"),
        ({}, {"hb": "9.8"}, ""),
    ],
)
def test_myeloma_defining_events(values, base, event: str) -> None:
    open_event = events(values, base)
    assert "".join(open_event.time_points[0].mde_candidates) == event
    assert (Flag.MDE_CANDIDATE_UNATTRIBUTED in open_event.flags) is bool(event)
    judged = events(values, base, [finding(28, attributed=frozenset(Mde))])
    assert "".join(judged.time_points[0].mde) == event
    assert (judged.active_mm_on == on(28)) is bool(event)
    refused = events(values, base, [finding(28, not_attributed=frozenset(Mde))])
    assert refused.flags == ()


def test_limits_printed_in_two_units_are_compared_as_typed() -> None:
    def crossed(analyte: Analyte, value: str, typed: str, unit: str, *more: Measurement) -> bool:
        m = Measurement(analyte, on(28), Decimal(value), typed_value=typed, typed_unit=unit)
        subject = course(BASE, (28, {"m": "3.0", "u": "0", "alb": "4.0"}))
        subject = replace(subject, measurements=(*subject.measurements, m, *more))
        return bool(first(subject).mde_candidates)

    assert not crossed(Analyte.CALCIUM, "11.022", "2.75", "mmol/L")
    assert crossed(Analyte.CALCIUM, "11.062", "2.76", "mmol/L")
    assert not crossed(Analyte.CREATININE, "2.0023", "177", "umol/L")
    assert crossed(Analyte.CREATININE, "2.0136", "178", "umol/L")
    assert crossed(Analyte.CALCIUM_CORRECTED, "11.5", "11.5", "mg/dL")


def test_limits_of_the_laboratory() -> None:
    subject = course(BASE, (28, {"m": "3.0", "u": "0"}))
    low = replace(result("hb", 28, "10.9"), lln=Decimal(13))
    high = Measurement(Analyte.CALCIUM_CORRECTED, on(28), Decimal("10.9"), uln=Decimal("9.8"))
    point = first(replace(subject, measurements=(*subject.measurements, low, high)))
    assert point.mde_candidates == (Mde.CALCIUM, Mde.ANAEMIA)


@pytest.mark.parametrize(("transfused", "esa", "candidate"), [(28, None, False), (29, None, True), (None, 42, False)])
def test_haemoglobin_after_transfusion_is_no_candidate(transfused, esa, candidate) -> None:
    subject = course(BASE, (60, {"m": "3.0", "u": "0", "hb": "9"}))
    given = tuple(on(60 - d) for d in (transfused,) if d)
    subject = replace(subject, transfusions=given, esa_doses=tuple(on(60 - d) for d in (esa,) if d))
    assert bool(first(subject).mde_candidates) is candidate


def test_slim_biomarkers_count_only_when_switched_on() -> None:
    values = {"bm": "60", "clonal": "pos", "k": "1000", "l": "10"}
    findings = [finding(28, mri_focal_lesions=2, attributed=frozenset(Mde))]
    assert events(values, findings=findings).time_points[0].mde == ()
    on_switch = events(values, findings=findings, trial=under(slim_counts_as_active=True))
    assert on_switch.time_points[0].mde == (Mde.MARROW_60, Mde.FLC_100, Mde.MRI_FOCAL)


def test_an_attributed_lesion_is_active_myeloma_and_progression() -> None:
    history = events({}, findings=[finding(28, enlarged_bone_lesion=True, attributed=frozenset({Mde.BONE}))])
    assert history.time_points[0].mde == (Mde.BONE,)
    assert (history.first_pd_on, history.active_mm_on) == (on(28), on(28))
    assert events({}, findings=[finding(28, new_bone_lesion=True)]).flags == ()


def test_high_dose_is_judged_in_its_own_epoch() -> None:
    rows = (BASE, (28, {"m": "3.8", "u": "0"}), (56, {"m": "3.9", "u": "0"}), (120, {"m": "2.9", "u": "0"}))
    subject = course(*rows)
    subject = replace(
        subject, phases=(PhaseInterval(Phase.INDUCTION, DAY1, on(69)), PhaseInterval(Phase.HIGH_DEX, on(70)))
    )
    history = assess(subject, TRIAL)
    assert [e.confirmed_status for e in history.epochs] == [Response.PD, Response.SD]
    assert history.confirmed_status is Response.SD
    assert history.nadir["M-spike"] == Decimal("2.9")
    assert propose(Phase.HIGH_DEX, subject, history, on(121), TRIAL).kind is None


def test_low_dose_has_a_second_descriptive_reading() -> None:
    subject = course(BASE, (180, {"m": "3.2", "u": "0"}), (240, {"m": "2.3", "u": "0"}), (270, {"m": "2.3", "u": "0"}))
    subject = replace(subject, phases=(*subject.phases, PhaseInterval(Phase.LOW_DEX_7_12, on(182))))
    history = assess(subject, TRIAL)
    assert history.confirmed_status is Response.SD
    assert history.combination is not None
    assert history.combination.confirmed_status is Response.MR
    assert history.combination.first_minimal_response_on == on(240)
    assert history.combination.first_response_on is None, "a minimal response is none of PR or better"


def test_before_the_first_dose_there_is_nothing() -> None:
    empty = replace(course(BASE), day1=None)
    history = assess(empty, TRIAL)
    assert (history.confirmed_status, history.latest, history.baseline, history.nadir) == (Response.NE, None, None, {})
    assert assess_against(empty, TRIAL, DAY1) is None
    assert propose(Phase.ENROLLED, empty, history, DAY1, TRIAL).kind is None


@pytest.mark.req("E1")
def test_fingerprint_changes_with_a_value_and_not_with_its_entry_date() -> None:
    subject = course(BASE, (28, {"m": "2.0"}))
    entered = replace(subject, measurements=tuple(replace(m, entered_on=on(40)) for m in subject.measurements))
    assert fingerprint(entered, TRIAL) == fingerprint(subject, TRIAL)
    assert fingerprint(course(BASE, (28, {"m": "2.1"})), TRIAL) != fingerprint(subject, TRIAL)
    assert fingerprint(subject, under(bm_valid_days=90)) != fingerprint(subject, TRIAL)


MR_AT_6 = (BASE, (150, {"m": "2.0", "u": "0"}), (179, {"m": "2.0", "u": "0"}))
M6 = 182


def proposed(subject, state=Phase.INDUCTION, offset=M6, trial=TRIAL):
    return propose(state, subject, assess(subject, trial, on(offset)), on(offset), trial)


def test_progression_measured_by_another_method_waits() -> None:
    subject = course(BASE, (28, {"m": "4.0", "u": "0"}), (56, {"m": "4.0", "u": "0"}))
    methods = {m.source: "A" if m.collected_on < DAY1 else "B" for m in subject.measurements}
    subject = replace(subject, measurements=tuple(replace(m, method=methods[m.source]) for m in subject.measurements))
    assert proposed(subject, offset=60).kind is ProposalKind.AWAIT_CONFIRMATION
    accepted = replace(subject, method_change_accepted=True)
    assert proposed(accepted, offset=60).kind is ProposalKind.ASSIGN_HIGH_DEX


def test_late_month_6_sample_counts_with_a_signed_deviation() -> None:
    subject = course(BASE, (M6 + 15, {"m": "3.0", "u": "0"}))
    waiting = proposed(subject, offset=M6 + 16)
    assert waiting.kind is ProposalKind.AWAIT_DATA
    assert "late" in waiting.notes[0]
    signed = replace(subject, accepted_late_samples=frozenset({on(M6 + 15)}))
    assert proposed(signed, offset=M6 + 16).kind is ProposalKind.ASSIGN_LOW_DEX


def test_without_a_baseline_nothing_is_proposed() -> None:
    assert proposed(course((M6, {"m": "3.0", "u": "0"}))).rule == "R-BASE"


def test_switches_for_progression() -> None:
    early = course(BASE, findings=(finding(28, new_bone_lesion=True),))
    assert proposed(early, offset=30).rule == "T7"
    off = under(early_pd=PdAction.OFF_TREATMENT)
    assert proposed(early, offset=30, trial=off).kind is ProposalKind.OFF_TREATMENT_PD


def test_progression_on_high_dose_ends_therapy_unless_the_switch_says_otherwise() -> None:
    """A01; in an extension after high dose it always ends (T13)."""
    subject = course(*MR_AT_6, findings=(finding(240, new_bone_lesion=True),))
    high = PhaseInterval(Phase.HIGH_DEX, on(182))
    on_high = replace(subject, phases=(*subject.phases, high))
    stays = under(pd_on_high_dex=PdAction.HIGH_DEX)
    ended, kept = proposed(on_high, Phase.HIGH_DEX, 250), proposed(on_high, Phase.HIGH_DEX, 250, stays)
    assert (ended.kind, ended.phase, ended.rule) == (ProposalKind.OFF_TREATMENT_PD, Phase.FOLLOW_UP, "T12")
    assert (kept.kind, kept.phase, kept.rule) == (ProposalKind.ASSIGN_HIGH_DEX, Phase.HIGH_DEX, "T12")
    extended = replace(on_high, phases=(*on_high.phases, PhaseInterval(Phase.EXTENSION, on(230))))
    for trial in (TRIAL, stays):
        assert proposed(extended, Phase.EXTENSION, 250, trial).kind is ProposalKind.OFF_TREATMENT_PD


@pytest.mark.parametrize(
    ("state", "starts", "kind"),
    [
        (Phase.ANAKINRA_ONLY, 182, ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION),
        (Phase.LOW_DEX_7_12, 182, ProposalKind.CONTINUE_LOW_DEX_13_18),
        (Phase.HIGH_DEX, 182, ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION),
        (Phase.EXTENSION, 182, ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION),
    ],
)
def test_end_of_phase(state, starts: int, kind) -> None:
    subject = course(*MR_AT_6, (360, {"m": "2.9", "u": "0"}))
    subject = replace(subject, phases=(PhaseInterval(Phase.INDUCTION, DAY1, on(181)), PhaseInterval(state, on(starts))))
    assert proposed(subject, state, 340).kind is None
    found = proposed(subject, state, 365)
    assert found.kind in (kind, ProposalKind.AWAIT_CONFIRMATION)
    steady = replace(subject, measurements=course(*MR_AT_6, (360, {"m": "2.4", "u": "0"})).measurements)
    assert proposed(steady, state, 365).kind is kind


def test_a_lost_response_on_anakinra_alone_is_noted() -> None:
    rows = (BASE, (150, {"m": "2.2", "u": "0"}), (179, {"m": "2.2", "u": "0"}), (250, {"m": "2.4", "u": "0"}))
    subject = course(*rows)
    subject = replace(subject, phases=(*subject.phases, PhaseInterval(Phase.ANAKINRA_ONLY, on(182))))
    assert "lost" in proposed(subject, Phase.ANAKINRA_ONLY, 260).notes[0]


def test_time_point_basis_and_discordance() -> None:
    subject = course(BASE, (120, {"m": "2.2", "u": "0"}), (150, {"m": "2.2", "u": "0"}), (180, {"m": "2.5", "u": "0"}))
    by_status, by_sample = proposed(subject), proposed(subject, trial=under(month6_basis=Month6Basis.TIMEPOINT))
    assert by_status.kind is ProposalKind.ASSIGN_ANAKINRA_ONLY
    assert by_sample.kind is ProposalKind.ASSIGN_LOW_DEX
    assert by_status.flags == by_sample.flags == (Flag.DISCORDANT_TIMEPOINT,)


@pytest.mark.req("E3")
def test_a_result_corrected_to_missing_undoes_what_it_confirmed() -> None:
    subject = course(*MR_AT_6)
    decision = Decision(on(182), Phase.INDUCTION, Phase.ANAKINRA_ONLY, ProposalKind.ASSIGN_ANAKINRA_ONLY)
    void = [replace(m, superseded_on=on(200)) if m.collected_on == on(150) else m for m in subject.measurements]
    gone = Measurement(Analyte.SERUM_M, on(150), missing=MissingReason.ND, entered_on=on(200))
    phases = (*subject.phases, PhaseInterval(Phase.ANAKINRA_ONLY, on(182)))
    subject = replace(subject, measurements=(*void, gone), decisions=(decision,), phases=phases)
    assert find_discrepancies(subject, on(199), TRIAL) == ()
    (found,) = find_discrepancies(subject, on(200), TRIAL)
    assert found.proposed_now is ProposalKind.AWAIT_CONFIRMATION
    assert assess(subject.known_by(on(199)), TRIAL).confirmed_status is Response.MR
    assert assess(subject, TRIAL).confirmed_status is Response.SD


@pytest.mark.req("E10")
def test_explanations_carry_sources_dates_and_figures() -> None:
    point = first(course(BASE, (28, {"m": "2.0", "u": "0"})))
    met = next(t for t in point.tests if t.rule == "R-MR")
    assert "reduction 33.3 %" in met.figures
    assert {i.source for i in met.inputs} == {"m28", "m-5"}
    assert point.sources == ("m28", "u28")


@pytest.mark.req("D5", "E10")
def test_what_nobody_measured_is_never_said_to_be_seen() -> None:
    """Urine that was not measurable at baseline may stay unmeasured; the words say so instead of "yes"."""
    bare = first(course(BASE, (28, {"m": "2.0"})))
    complete = next(t for t in bare.tests if t.rule == "R-CR")
    assert "urine_m_mg_24h: not measured, not needed" in complete.figures
    assert "serum_m_g_dl: no" in complete.figures
    assert "urine_m_mg_24h" not in complete.missing
    measured = first(course(BASE, (28, {"m": "2.0", "u": "0"})))
    assert "urine_m_mg_24h: yes" in next(t for t in measured.tests if t.rule == "R-CR").figures


@pytest.mark.req("D5", "E10")
def test_imaging_that_was_not_done_shows_no_figure() -> None:
    def figures(*findings: DiseaseFinding) -> dict[str, str]:
        seen = course(BASE, (28, {"m": "2.0"}))
        return {t.rule: t.figures for t in first(replace(seen, findings=findings)).tests if "MDE" in t.rule}

    absent = figures()
    assert (absent["R-MDE-B"], absent["R-MDE-M"]) == ("not assessed", "no count of an MRI")
    done = figures(finding(28, new_bone_lesion=False, enlarged_bone_lesion=False, mri_focal_lesions=1))
    assert (done["R-MDE-B"], done["R-MDE-M"]) == ("none seen", "1 counted")


def test_a_phase_is_found_by_its_day() -> None:
    subject = course(BASE)
    assert subject.phase_on(DAY1 - timedelta(days=1)) is None
    assert subject.phase_start(Phase.HIGH_DEX) is None


def test_findings_of_one_time_point_are_merged() -> None:
    imaging = finding(30, new_bone_lesion=True, plasmacytoma_spd=Decimal(5))
    form = finding(28, new_bone_lesion=False, plasmacytoma_spd=Decimal(4), attributed=frozenset({Mde.BONE}))
    (point,) = assess(course(BASE, (28, {"m": "3.0", "u": "0"}), findings=(imaging, form)), TRIAL).time_points
    assert (point.on, point.mde) == (on(28), (Mde.BONE,))
    assert {"f28", "f30"} & set(point.sources)


def test_an_iga_only_date_and_a_missing_light_chain() -> None:
    base = (-5, {"m": "0", "u": "0", "k": "450", "l": "10"})
    point = first(course(base, (28, {"m": "0", "u": "0", "k": "50"})))
    assert (point.timepoint, point.missing_critical) == (Response.NE, ("flc_ratio",))
