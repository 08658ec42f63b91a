"""Edit checks, eligibility, toxicity, endpoints, visits and doses."""

import operator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import checks, endpoints, toxicity, visits
from protocol.censored import AsReported, exceeds, reaches
from protocol.confirmation import Reported, confirm
from protocol.derived import cockcroft_gault, fall_exceeds, flc_ratio, pct_change, reduction
from protocol.doses import UnconfirmedDose, intensity, planned_days, planned_doses
from protocol.eligibility import Evidence, is_eligible, judge
from protocol.explain import percent, to_json
from protocol.measurements import PhaseInterval
from protocol.response import assess
from protocol.schema import Washout
from protocol.spans import plan_phases, planned_end
from protocol.trial import TRIAL
from protocol.vocabulary import (
    Analyte,
    CriterionOutcome,
    CtcaeVersion,
    Drug,
    DueState,
    FollowUpOrigin,
    Phase,
    Response,
    Severity,
)
from tests.protocol.build import DAY1, course, on, under


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("analyte", "text", "unit", "previous", "code"),
    [
        (Analyte.SERUM_M, "2.4", "g/dL", None, ""),
        (Analyte.SERUM_M, "2,4", "g/dL", "2.5", ""),
        (Analyte.SERUM_M, "<0.1", "g/dL", None, ""),
        (Analyte.SERUM_M, "abc", "g/dL", None, "unreadable"),
        (Analyte.SERUM_M, "", "g/dL", None, "unreadable"),
        (Analyte.SERUM_M, "-1", "g/dL", None, "negative"),
        (Analyte.SERUM_M, "2.4", "mmol/L", None, "unit"),
        (Analyte.SERUM_M, "24", "g/dL", None, "implausible"),
        (Analyte.BM_PC, "101", "%", None, "implausible"),
        (Analyte.SERUM_M, "9", "g/dL", "2.5", "jump"),
        (Analyte.SERUM_M, "0.5", "g/dL", "2.5", "jump"),
        (Analyte.SERUM_IFE, "NEG", "", None, ""),
        (Analyte.SERUM_IFE, "maybe", "", None, "not_a_code"),
        (Analyte.SPEP_TEXT, "band", "", None, ""),
    ],
)
def test_check_value(analyte, text: str, unit: str, previous, code: str) -> None:
    last = Decimal(previous) if previous else None
    found = checks.check_value(analyte, text, unit, TRIAL, last)
    assert "".join(f.code for f in found) == code
    hard = {"unreadable", "negative", "unit", "not_a_code"}
    assert all((f.severity is Severity.HARD) is (f.code in hard) for f in found)


def test_an_implausible_value_suggests_the_unit_that_fits() -> None:
    (found,) = checks.check_value(Analyte.SERUM_M, "24", "g/dL", TRIAL)
    assert found.suggestion == "In g/L this is 2.4 g/dL."
    (found,) = checks.check_value(Analyte.BM_PC, "101", "%", TRIAL)
    assert found.suggestion == ""


@pytest.mark.req("D3", "D4")
def test_a_unit_is_proposed_only_where_it_brings_the_value_to_the_last_result() -> None:
    (found,) = checks.check_value(Analyte.SERUM_M, "27", "g/dL", TRIAL, Decimal("2.6"))
    assert (found.code, found.suggestion) == ("implausible", "In g/L this is 2.7 g/dL, close to the last result.")
    (found,) = checks.check_value(Analyte.SERUM_M, "27", "g/dL", TRIAL, Decimal("0.1"))
    assert (found.code, found.suggestion) == ("implausible", "")
    (found,) = checks.check_value(Analyte.IGG, "34", "mg/dL", TRIAL, Decimal(3420))
    assert (found.code, found.suggestion) == ("jump", "In g/L this is 3400 mg/dL, close to the last result.")


@pytest.mark.req("D3")
def test_dates_and_windows() -> None:
    today = date(2024, 5, 1)
    assert checks.check_dates(today, today, today) == ()
    assert checks.check_dates(today + timedelta(days=1), today)[0].code == "future"
    assert checks.check_dates(date(2000, 1, 1), today, date(2001, 1, 1))[0].code == "impossible"
    opens, closes = date(2024, 4, 1), date(2024, 4, 30)
    assert checks.check_window(opens, opens, closes) == ()
    assert "2 d before" in checks.check_window(date(2024, 3, 30), opens, closes)[0].message
    assert "1 d after" in checks.check_window(today, opens, closes)[0].message


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({Analyte.SERUM_IFE: "neg", Analyte.SERUM_M: Decimal("0.1")}, "ife_serum"),
        ({Analyte.URINE_IFE: "neg", Analyte.URINE_M: Decimal(1)}, "ife_urine"),
        ({Analyte.SERUM_M: Decimal(8), Analyte.TOTAL_PROTEIN: Decimal(7)}, "spike_above_protein"),
        ({Analyte.URINE_M: Decimal(8), Analyte.URINE_PROTEIN: Decimal(7)}, "urine_m_above_protein"),
        ({Analyte.ANC: Decimal(8), Analyte.WBC: Decimal(7)}, "anc_above_wbc"),
        ({Analyte.LYMPH: Decimal(8), Analyte.WBC: Decimal(7)}, "lymph_above_wbc"),
        ({Analyte.SERUM_IFE: "neg", Analyte.SERUM_M: Decimal(0), Analyte.WBC: Decimal(7)}, ""),
        ({}, ""),
    ],
)
def test_contradictions_within_a_panel(values, code: str) -> None:
    assert "".join(f.code for f in checks.check_panel(values)) == code


GOOD = {
    "age": Decimal(61),
    "diagnosis": "SMM",
    "bm_pc": Decimal(12),
    "heavy_chain": "IgG",
    "serum_m": Decimal("2.4"),
    "urine_lc": Decimal(0),
    "urine_m": Decimal(0),
    "needs_chemo": False,
    "ecog": Decimal(0),
    "wbc": Decimal("4.2"),
    "anc": Decimal("2.1"),
    "creatinine": Decimal("1.0"),
    "creatinine_uln": Decimal("1.2"),
    "self_inject": True,
    "caregiver": False,
    "sex": "F",
    "wocbp": True,
    "pregnancy_test": "neg",
    "pregnancy_test_days": Decimal(7),
    "active_myeloma": False,
    "amyloidosis": False,
    "tnf_or_thalidomide": False,
    "pregnant": False,
    "nursing": False,
    "active_infection": False,
    "iv_antibiotic_days": "never",
    "active_malignancy": False,
    "nyha": Decimal(0),
    "immunosuppressive_disease": False,
    "asthma_ibd": False,
    "debilitating_illness": False,
    "ecoli_hypersensitivity": False,
}


def outcomes(changes, trial=TRIAL):
    judged = judge({name: Evidence(value) for name, value in {**GOOD, **changes}.items()}, trial)
    return judged, {j.criterion_id: j.outcome for j in judged}


def test_an_eligible_subject_meets_every_criterion() -> None:
    judged, by_id = outcomes({})
    assert is_eligible(judged)
    assert by_id["E10"] is by_id["E08"] is CriterionOutcome.NOT_APPLICABLE


@pytest.mark.req("D2", "D5")
@pytest.mark.parametrize(
    ("criterion", "change"),
    [
        ("I01", {"age": Decimal(17)}),
        ("I02", {"diagnosis": "MGUS"}),
        ("I03", {"bm_pc": Decimal(9)}),
        ("I04", {"serum_m": Decimal("0.9"), "flc_kappa": Decimal(99), "flc_lambda": Decimal(10)}),
        ("I05", {"needs_chemo": True}),
        ("I06", {"ecog": Decimal(1)}),
        ("I07", {"wbc": Decimal("3.49")}),
        ("I08", {"anc": Decimal("1.69")}),
        ("I09", {"creatinine": Decimal("1.81")}),
        ("I10", {"self_inject": False}),
        ("I11", {"pregnancy_test": "pos"}),
        ("I11", {"pregnancy_test_days": Decimal(8)}),
        ("E01", {"amyloidosis": True}),
        ("E02", {"nursing": True}),
        ("E03", {"iv_antibiotic_days": Decimal(84)}),
        ("E03", {"active_infection": True}),
        ("E04", {"active_malignancy": True}),
        ("E05", {"nyha": Decimal(3)}),
        ("E06", {"immunosuppressive_disease": True}),
        ("E07", {"debilitating_illness": True}),
        ("E09", {"ecoli_hypersensitivity": True}),
    ],
)
def test_each_criterion_can_fail_and_can_lack_data(criterion: str, change) -> None:
    judged, by_id = outcomes(change)
    assert by_id[criterion] is CriterionOutcome.NOT_MET
    assert not is_eligible(judged)
    blank = dict.fromkeys(next(c for c in TRIAL.criteria if c.id == criterion).inputs)
    judged, by_id = outcomes(blank)
    assert by_id[criterion] is CriterionOutcome.INDETERMINATE
    assert not is_eligible(judged)
    assert next(j for j in judged if j.criterion_id == criterion).why.startswith("Missing: ")


@pytest.mark.parametrize(
    ("criterion", "change"),
    [
        ("I03", {"bm_pc": None, "serum_m": Decimal("3.0"), "heavy_chain": "IgA"}),
        ("I03", {"bm_pc": Decimal(1), "urine_lc": Decimal(1000)}),
        ("I04", {"serum_m": Decimal(0), "flc_kappa": Decimal(10), "flc_lambda": Decimal(100)}),
        ("I11", {"sex": "M", "wocbp": None, "pregnancy_test": None}),
        ("I11", {"wocbp": False, "pregnancy_test": None}),
        ("E02", {"sex": "M", "pregnant": None}),
        ("E03", {"iv_antibiotic_days": Decimal(85)}),
    ],
)
def test_the_other_roads_to_a_criterion(criterion: str, change) -> None:
    assert outcomes(change)[1][criterion] is CriterionOutcome.MET


def test_switched_criteria() -> None:
    trial = replace(under(exclude_slim=True), washouts=(Washout("any", 28, confirmed=False),))
    chains = {"flc_kappa": Decimal(1000), "flc_lambda": Decimal(10), "mri_focal_lesions": Decimal(0)}
    by_id = outcomes({"washout_ok": True, **chains}, trial)[1]
    assert (by_id["E08"], by_id["E10"]) == (CriterionOutcome.MET, CriterionOutcome.NOT_MET)
    assert outcomes({}, trial)[1]["E10"] is CriterionOutcome.INDETERMINATE


V5, V6 = CtcaeVersion.V5, CtcaeVersion.V6


def test_toxicity_says_when_numbers_are_not_enough() -> None:
    assert toxicity.grade("Hyperglycemia", V5, Decimal(260)).grade is None
    assert toxicity.grade("Anemia", V5, Decimal(11)).grade is None
    assert toxicity.grade("Anemia", V5, Decimal(7)).ask
    assert toxicity.grade("Hyponatremia", V5, Decimal(127), lln=Decimal(135)).grade == 3
    assert toxicity.grade("Anemia", V5, Decimal(79), lln=Decimal(120), unit="g/L").grade == 3
    assert toxicity.grade("Fever", V5, Decimal("38.0")).grade == 1
    assert toxicity.grade("ALT", V5, Decimal(90), uln=Decimal(45), baseline=Decimal(60)).grade == 1
    with pytest.raises(toxicity.UnknownTerm):
        toxicity.grade("Headache", V5, Decimal(1))


def test_febrile_neutropenia_and_allowed_grades() -> None:
    assert toxicity.febrile_neutropenia(Decimal("0.9"), Decimal("38.4"), over_an_hour=False).grade == 3
    assert toxicity.febrile_neutropenia(Decimal("0.9"), Decimal("38.0"), over_an_hour=True).grade == 3
    assert toxicity.febrile_neutropenia(Decimal("1.0"), Decimal("39"), over_an_hour=True).grade == 0
    assert toxicity.allowed_grades("Headache") == (1, 2, 3)
    assert toxicity.allowed_grades("Something else") == (1, 2, 3, 4, 5)


def test_confirmation_switches() -> None:
    near = [Reported(on(0), Response.MR), Reported(on(28), Response.PR), Reported(on(42), Response.PR)]
    assert confirm(near)[0] is Response.MR
    assert confirm(near[:2], min_days=42)[0] is Response.SD
    assert confirm(near, min_days=42)[0] is Response.MR
    gap = [Reported(on(0), Response.MR), Reported(on(28), Response.NE), Reported(on(56), Response.MR)]
    assert confirm(gap, skip_ne=False)[0] is Response.SD
    assert confirm(near, new_therapy_on=on(27))[0] is Response.SD
    assert confirm(near, new_therapy_on=on(28))[0] is Response.MR
    assert confirm([Reported(on(0), Response.PD, death_due_to_pd=True)]) == (Response.PD,)


def test_endpoints_of_a_course() -> None:
    rows = ((-5, {"m": "3.0", "u": "0"}), (60, {"m": "1.5", "u": "0"}), (90, {"m": "1.5", "u": "0"}))
    subject = course(*rows, (150, {"m": "2.5", "u": "0"}))
    history = assess(subject, TRIAL)
    dates = endpoints.dates_of(subject, history, TRIAL)
    assert dates is not None
    assert endpoints.pfs(dates) == endpoints.EventTime("CENSORED", on(90), 91)
    assert endpoints.dor(dates) == endpoints.EventTime("CENSORED", on(90), 31)
    assert endpoints.dor_minimal(dates) == endpoints.dor(dates)
    assert endpoints.best_confirmed(history) is Response.PR
    sensitive = endpoints.dates_of(subject, history, under(event_on_unconfirmed_final_pd=True))
    assert sensitive is not None
    assert endpoints.pfs(sensitive).status == "EVENT"
    on_dex = replace(subject, phases=(*subject.phases, PhaseInterval(Phase.LOW_DEX_7_12, on(89))))
    assert endpoints.best_on_anakinra_alone(on_dex, TRIAL) is Response.SD
    treated = replace(subject, new_therapy_on=on(70))
    censored = endpoints.dates_of(treated, assess(treated, TRIAL), TRIAL)
    assert censored is not None
    assert endpoints.pfs(censored).on == on(60)
    untreated = replace(subject, day1=None)
    assert endpoints.dates_of(untreated, assess(untreated, TRIAL), TRIAL) is None
    assert endpoints.best_confirmed(assess(untreated, TRIAL)) is Response.NE
    progressed = course(rows[0], (30, {"m": "4.0", "u": "0"}), (60, {"m": "4.0", "u": "0"}))
    assert endpoints.best_confirmed(assess(progressed, TRIAL)) is Response.PD


def test_the_response_of_the_rate_and_the_minimal_one_each_last_from_their_own_first_sample() -> None:
    """Correction 0.16: PR or better first, MR or better beside it; both end with the same progression."""
    values = ((-5, "4.0"), (30, "2.8"), (60, "2.7"), (90, "1.9"), (120, "1.9"), (200, "3.2"), (230, "3.2"))
    subject = course(*((day, {"m": m, "u": "0"}) for day, m in values))
    dates = endpoints.dates_of(subject, assess(subject, TRIAL), TRIAL)
    assert dates is not None
    assert endpoints.dor(dates) == endpoints.EventTime("EVENT", on(200), 111)
    assert endpoints.dor_minimal(dates) == endpoints.EventTime("EVENT", on(200), 171)
    only_minimal = course(*((day, {"m": m, "u": "0"}) for day, m in values[:3]))
    dates = endpoints.dates_of(only_minimal, assess(only_minimal, TRIAL), TRIAL)
    assert dates is not None
    assert endpoints.dor(dates) is None
    assert endpoints.dor_minimal(dates) == endpoints.EventTime("CENSORED", on(60), 31)


def test_stable_disease_lasts_as_progression_free_survival_does_for_those_who_had_it() -> None:
    stable = ((-5, {"m": "4.0", "u": "0"}), (30, {"m": "3.9", "u": "0"}))
    fails = ((200, {"m": "5.2", "u": "0"}), (230, {"m": "5.2", "u": "0"}))
    for rows, expected in (
        (stable, endpoints.EventTime("CENSORED", on(30), 31)),
        ((*stable, *fails), endpoints.EventTime("EVENT", on(200), 201)),
        ((stable[0], *fails), None),
        (stable[:1], None),
    ):
        subject = course(*rows)
        dates = endpoints.dates_of(subject, assess(subject, TRIAL), TRIAL)
        assert dates is not None
        assert endpoints.benefit(dates) == expected


def test_progression_free_at_six_months_both_ways() -> None:
    milestone, closes = on(182), on(196)
    failed = endpoints.Dates(DAY1, pd_first=on(181))
    late = endpoints.Dates(DAY1, pd_first=on(190))
    lost = endpoints.Dates(DAY1, last_assessment=on(120))
    assert endpoints.pfs6(failed, milestone) == "FAILURE"
    assert endpoints.pfs6(late, milestone) == "SUCCESS"
    assert endpoints.pfs6_by_assessment(late, closes, assessed_in_window=True) == "FAILURE"
    assert endpoints.pfs6_by_assessment(lost, closes, assessed_in_window=True) == "SUCCESS"
    assert endpoints.pfs6_by_assessment(lost, closes, assessed_in_window=False).startswith("FAILURE (ITT)")
    assert endpoints.dor(lost) is None
    assert endpoints.ttp_active_mm(endpoints.Dates(DAY1, active_mm=on(9))).days == 10
    assert endpoints.pfs(endpoints.Dates(DAY1, new_therapy=on(5))).on == DAY1


def test_visits_follow_the_anchors() -> None:
    registered = visits.schedule(visits.Anchors(registered_on=DAY1), TRIAL)
    assert [v.code for v in registered] == ["scr"]
    six = visits.schedule(visits.Anchors(day1=DAY1, planned_end_on=on(181)), TRIAL)
    assert [v.code for v in six] == ["scr", "bl", "m01", "m02", "m03", "m04", "m05", "m06"]
    ended = visits.schedule(visits.Anchors(day1=DAY1, ended_treatment_on=on(100)), TRIAL)
    assert [v.code for v in ended][-12:] == ["m03", "eot", *(f"fu{k:02d}" for k in range(6, 61, 6))][-12:]
    assert visits.slot_for(on(182), six) == six[-1]
    assert visits.slot_for(on(45), six) is None


def test_due_states() -> None:
    visit = visits.follow_up_visits(DAY1, TRIAL)[0]
    before, within, after = visit.opens_on - timedelta(days=1), visit.target_on, visit.closes_on + timedelta(days=1)
    assert visits.due_state(visit, before) is DueState.PLANNED
    assert visits.due_state(visit, within) is DueState.DUE
    assert visits.due_state(visit, after) is DueState.OVERDUE
    assert visits.due_state(visit, after, done_on=within) is DueState.DONE
    assert visits.due_state(visit, after, not_done_on=within) is DueState.NOT_DONE
    assert visits.due_state(visit, after, stopped_on=before) is DueState.NOT_EXPECTED
    assert visits.due_state(visit, visit.opens_on) is visits.due_state(visit, visit.closes_on) is DueState.DUE
    assert visits.due_state(visit, after, stopped_on=visit.closes_on) is DueState.NOT_EXPECTED
    assert visits.due_state(visit, after, stopped_on=after) is DueState.OVERDUE


@pytest.mark.req("E8")
def test_reminders_catch_up_with_the_newest_only() -> None:
    visit = visits.follow_up_visits(DAY1, TRIAL)[0]
    steps = visits.reminder_steps(visit, TRIAL)
    due = visits.reminder_due(visit, visit.target_on, frozenset(), TRIAL)
    assert (due.send, due.skipped) == (steps[2], steps[:2])
    assert visits.reminder_due(visit, visit.target_on, frozenset({0}), TRIAL).send is None
    assert visits.reminder_due(visit, visit.target_on, frozenset(), TRIAL, done_on=visit.target_on).send is None


def test_follow_up_from_registration() -> None:
    trial = under(fu_origin=FollowUpOrigin.REGISTRATION)
    assert visits.follow_up_visits(on(365), trial, DAY1)[0].target_on == date(2024, 7, 15)


@pytest.mark.req("E6")
def test_doses() -> None:
    high = [PhaseInterval(Phase.HIGH_DEX, on(182))]
    with pytest.raises(UnconfirmedDose):
        planned_doses(high, DAY1, TRIAL)
    assert intensity(Decimal(0), Decimal(0)) is None
    assert intensity(Decimal(100), Decimal(0)) == 0
    assert planned_end(Phase.FOLLOW_UP, DAY1, DAY1, TRIAL) is None
    closed = PhaseInterval(Phase.INDUCTION, DAY1, on(3))
    assert plan_phases([closed], DAY1, TRIAL) == (closed,)
    assert len(planned_doses([closed], DAY1, TRIAL)) == 4


def test_days_are_planned_without_an_amount() -> None:
    high = [PhaseInterval(Phase.HIGH_DEX, on(182)), PhaseInterval(Phase.EXTENSION, on(366))]
    doses = planned_doses(high, DAY1, TRIAL, TRIAL.config.high_dex_mg)
    assert sorted(planned_days(high, DAY1, TRIAL)) == [(dose.on, dose.drug) for dose in doses]
    assert {dose.regimen for dose in doses} == {Phase.HIGH_DEX}


def test_an_extension_of_anakinra_alone_brings_no_dexamethasone() -> None:
    spans = [PhaseInterval(Phase.ANAKINRA_ONLY, on(182)), PhaseInterval(Phase.EXTENSION, on(366))]
    assert {drug for _, drug in planned_days(spans, DAY1, TRIAL)} == {Drug.ANAKINRA}


@pytest.mark.req("D5")
def test_derived_values_are_undefined_rather_than_zero() -> None:
    zero, one = Decimal(0), Decimal(1)
    assert flc_ratio(one, zero) is pct_change(zero, one) is reduction(zero, one) is fall_exceeds(zero, one, one) is None
    assert cockcroft_gault(60, one, zero, "F") is None
    assert percent(None) == "undefined"
    with pytest.raises(TypeError):
        to_json(object())


# ---------------------------------------------------------------- numbers with a sign

SIGNED = st.builds(AsReported, st.decimals(0, 9, places=1), st.sampled_from(["", "<", ">"]))
STEP = Decimal("0.05")


def possible(one: AsReported) -> list[Decimal]:
    """Some of the exact numbers that a reported one may stand for: itself, close to it, and far from it."""
    return {
        "": [one.value],
        "<": [one.value - STEP, one.value - 20],
        ">": [one.value + STEP, one.value + 20],
    }[one.sign]


@given(SIGNED, SIGNED)
def test_a_reported_number_decides_only_what_every_number_behind_it_decides(one: AsReported, other: AsReported) -> None:
    for rule, compare in ((exceeds, operator.gt), (reaches, operator.ge)):
        answers = {compare(a, b) for a in possible(one) for b in possible(other)}
        found = rule(one, other)
        assert found is None or answers == {found}
        if not one.sign or not other.sign:
            assert found is not None or len(answers) == 2 or abs(one.value - other.value) <= STEP


@pytest.mark.req("D2")
@pytest.mark.parametrize(
    ("kappa", "lam", "measurable"),
    [
        ("100", "<10", CriterionOutcome.MET),
        ("99", "<10", CriterionOutcome.NOT_MET),
        (">99", "10", CriterionOutcome.INDETERMINATE),
        (">100", "10", CriterionOutcome.MET),
        ("100", ">10", CriterionOutcome.INDETERMINATE),
    ],
)
def test_light_chains_with_a_sign(kappa: str, lam: str, measurable: CriterionOutcome) -> None:
    chains = {"flc_kappa": kappa, "flc_lambda": lam}
    evidence = {
        name: Evidence(Decimal(text.strip("<>")), note=text[0] if text[0] in "<>" else "")
        for name, text in chains.items()
    }
    low = {name: Evidence(Decimal(0)) for name in ("serum_m", "urine_m", "urine_lc")}
    (found,) = [one for one in judge(evidence | low, TRIAL) if one.criterion_id == "I04"]
    assert found.outcome is measurable
    if measurable is CriterionOutcome.INDETERMINATE:
        assert found.why.startswith("Not decided by")
