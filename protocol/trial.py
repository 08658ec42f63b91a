"""NCT00635154: the protocol. Anakinra with or without dexamethasone in smoldering or indolent multiple myeloma.

Every row names its source. [S0] registry outline, [S3] abstract of 2004, [V] read in a public source,
[R] recalled and not read again, [P] proposed for the study owner. Unconfirmed rows say so and are shown so.
"""

from collections.abc import Mapping
from decimal import Decimal

from protocol.analytes import ANALYTES, PANELS
from protocol.dose_rules import DoseRule, EventOf, Intravenous, LabBelow, Missed, Recovered
from protocol.medicines import AGENT, ANTIBIOTIC
from protocol.schema import (
    Config,
    Criterion,
    Parameter,
    Protocol,
    Regimen,
    ResponseCriteria,
    ScheduleItem,
    ScheduleSlot,
    Transition,
    Washout,
)
from protocol.vocabulary import (
    LOW_DEX_PHASES,
    TREATMENT_PHASES,
    Advice,
    Analyte,
    CriteriaVersion,
    Drug,
    Necessity,
    PanelCode,
    Phase,
)

FACTS = {
    "Registry": "NCT00635154 (MC0282; 1316-02; CDR0000583300)",
    "Design": "Phase 2, one group, open label. The branches are response-adapted treatment phases, not randomised arms",
    "Sponsor": "Mayo Clinic, with the National Cancer Institute",
    "Recruitment": "November 2002 to December 2007",
    "Enrolled": "55; one progressed before starting and was left out of every analysis; 54 started",
    "Primary objective": "Response rate (registry)",
}

X, O, IF = Necessity.REQUIRED, Necessity.OPTIONAL, Necessity.CONDITIONAL
COLUMNS = ("SCR", "D1", "M1-M5", "M6", "M7-M11", "M12", "M13-M17", "M18", "EOT", "FU")
COLUMN_LABELS = {
    "SCR": "Screening (days -28 to -1)",
    "D1": "Day 1",
    "M1-M5": "Months 1-5 (end of each month, -7 to +7 days)",
    "M6": "Month 6 (-14 to +14 days)",
    "M7-M11": "Months 7-11 (-7 to +7 days)",
    "M12": "Month 12 (-14 to +14 days)",
    "M13-M17": "Months 13-17 (-7 to +7 days, low-dose branch)",
    "M18": "Month 18 (-14 to +14 days)",
    "EOT": "End of treatment (30-day safety)",
    "FU": "Follow-up every 6 months (-30 to +30 days)",
}


def _cells(*marks: Necessity | None) -> Mapping[str, Necessity]:
    return {column: mark for column, mark in zip(COLUMNS, marks, strict=True) if mark is not None}


def _always(*without: str) -> Mapping[str, Necessity]:
    return {column: X for column in COLUMNS if column not in without}


ITEMS = (
    ScheduleItem(
        "visit", "History, ECOG, vital signs, weight (consent at screening)", PanelCode.PERFORMANCE, _always()
    ),
    ScheduleItem("haematology", "Blood count with differential", PanelCode.HAEMATOLOGY, _always()),
    ScheduleItem(
        "chemistry",
        "Creatinine, calcium, albumin, liver tests, glucose, electrolytes",
        PanelCode.CHEMISTRY,
        _always(),
    ),
    ScheduleItem(
        "spep",
        "Serum electrophoresis with M-spike, quantitative immunoglobulins, free light chains",
        PanelCode.MYELOMA,
        {**_always("D1"), "D1": O},
        "Day 1: pre-dose, asked for where the last sample is older than 28 days",
    ),
    ScheduleItem(
        "serum_ife",
        "Serum immunofixation",
        PanelCode.MYELOMA,
        _cells(X, None, IF, X, IF, X, IF, X, X, X),
        "where marked: if the M-spike is 0",
    ),
    ScheduleItem(
        "urine",
        "24-hour urine electrophoresis and immunofixation",
        PanelCode.URINE,
        _cells(X, None, IF, X, IF, X, IF, X, X, X),
        "where marked: if measurable at baseline",
    ),
    ScheduleItem("hs_crp", "hs-CRP", PanelCode.INFLAMMATION, {**_always("FU"), "FU": O}),
    ScheduleItem(
        "research",
        "IL-6 and IL-1 production",
        PanelCode.RESEARCH,
        _cells(X, None, None, X, None, X, None, None, None, None),
    ),
    ScheduleItem(
        "marrow",
        "Marrow: plasma cells, labelling index, clonality",
        PanelCode.MARROW,
        _cells(X, None, None, X, None, IF, None, O, IF, O),
        "screening: at most 90 days old; month 12: if complete response is suspected; end of treatment: at progression",
    ),
    ScheduleItem(
        "imaging",
        "Skeletal survey, CT or MRI",
        None,
        _cells(X, None, None, O, None, X, None, X, IF, O),
        "screening: at most 90 days old; end of treatment: at progression; follow-up: yearly",
    ),
    ScheduleItem(
        "prognostic",
        "Beta-2 microglobulin, LDH",
        PanelCode.CHEMISTRY,
        _cells(X, None, None, X, None, X, None, X, X, None),
    ),
    ScheduleItem(
        "pregnancy",
        "Pregnancy test",
        PanelCode.PREGNANCY,
        _cells(IF, IF, IF, IF, IF, IF, IF, IF, IF, None),
        "women of child-bearing potential",
    ),
    ScheduleItem(
        "safety",
        "Adverse events, concomitant medication, dose diary",
        None,
        {**_always("SCR", "FU"), "FU": O},
        "follow-up: related serious events only",
    ),
    ScheduleItem(
        "survival",
        "Survival, next therapy, second malignancy",
        None,
        _cells(None, None, None, None, None, None, None, None, None, X),
    ),
)


def _column(month: int) -> str:
    if month in (6, 12, 18):
        return f"M{month}"
    return "M1-M5" if month < 6 else "M7-M11" if month < 12 else "M13-M17"


def _month_slot(month: int) -> ScheduleSlot:
    days = 14 if month in (6, 12, 18) else 7
    return ScheduleSlot(f"m{month:02d}", f"Month {month}", _column(month), month, -days, days)


#: Slots on the road from screening to the end of month 18. Follow-up slots grow from the end of treatment.
SCHEDULE = (
    ScheduleSlot("scr", "Screening", "SCR", 0, -28, -1),
    ScheduleSlot("bl", "Day 1", "D1", 0, 0, 0),
    *(_month_slot(month) for month in range(1, 19)),
    ScheduleSlot("eot", "End of treatment", "EOT", 0, 0, 30),
)


def _criterion(
    id: str,
    words: str,
    inputs: str,
    own: str,
    source: str,
    note: str = "",
    confirmed: bool = True,
    records: tuple[str, ...] = (),
) -> Criterion:
    return Criterion(id, words, tuple(inputs.split()), tuple(own.split()), source, confirmed, note, records)


REGISTRY = "registry, eligibility"
CRITERIA = (
    _criterion("I01", "Age 18 or older on the day of consent", "age", "age", REGISTRY),
    _criterion(
        "I02",
        "New or pre-existing diagnosis of smoldering or indolent multiple myeloma",
        "diagnosis",
        "diagnosis",
        REGISTRY,
    ),
    _criterion(
        "I03",
        "One of: marrow plasma cells at least 10 %; IgG or IgA M-protein at least 3.0 g/dL; "
        "urine monoclonal light chain at least 1 g/24 h",
        "bm_pc heavy_chain serum_m urine_lc",
        "bm_pc heavy_chain",
        REGISTRY,
        "The abstract of 2004 has no urine limb",
    ),
    _criterion(
        "I04",
        "Measurable disease: M-spike at least 1.0 g/dL, or urine M-protein at least 200 mg/24 h, or involved free "
        "light chain at least 100 mg/L with an abnormal ratio",
        "serum_m urine_m urine_lc flc_kappa flc_lambda",
        "urine_m flc_kappa flc_lambda",
        "criterion: registry; definition proposed after IMWG",
        confirmed=False,
    ),
    _criterion(
        "I05",
        "No immediate chemotherapy needed, by the treating physician's judgement",
        "needs_chemo",
        "needs_chemo",
        REGISTRY,
    ),
    _criterion("I06", "ECOG performance status 0", "ecog", "ecog", REGISTRY),
    _criterion("I07", "White blood cells at least 3500 /mm3", "wbc", "wbc", REGISTRY),
    _criterion("I08", "Neutrophils at least 1700 /mm3", "anc", "anc", REGISTRY),
    _criterion(
        "I09",
        "Creatinine at most 1.5 times the laboratory's upper limit on that date",
        "creatinine creatinine_uln",
        "creatinine creatinine_uln",
        REGISTRY,
    ),
    _criterion(
        "I10",
        "Can inject the drug, or has a caregiver who can",
        "self_inject caregiver",
        "self_inject caregiver",
        REGISTRY,
    ),
    _criterion(
        "I11",
        "Negative pregnancy test at most 7 days before registration (women of child-bearing potential)",
        "sex wocbp pregnancy_test pregnancy_test_days",
        "wocbp pregnancy_test pregnancy_test_days",
        "registry; the 7 days are proposed",
        confirmed=False,
    ),
    _criterion(
        "E01",
        "No active myeloma or AL amyloidosis that needs chemotherapy, no agent that may interact "
        "(etanercept, infliximab, thalidomide)",
        "active_myeloma amyloidosis tnf_or_thalidomide",
        "active_myeloma amyloidosis tnf_or_thalidomide",
        REGISTRY,
        "Recorded medications are read: other TNF and IL-1 blockers count too, as proposed",
        records=(AGENT,),
    ),
    _criterion("E02", "Not pregnant or nursing", "pregnant nursing", "pregnant nursing", REGISTRY),
    _criterion(
        "E03",
        "No acute or chronic infection or open wound, and no infection that needed intravenous antibiotics in the "
        "past 12 weeks (day 84 itself fails)",
        "active_infection iv_antibiotic_days",
        "active_infection iv_antibiotic_days",
        "registry; the boundary is proposed",
        "Recorded medications are read: an intravenous antibiotic counts whatever it was given for",
        confirmed=False,
        records=(ANTIBIOTIC,),
    ),
    _criterion(
        "E04",
        "No active malignancy in the past 5 years, except basal-cell skin carcinoma or cervical carcinoma in situ",
        "active_malignancy",
        "active_malignancy",
        REGISTRY,
        "A resected malignancy that needs no further treatment is allowed",
    ),
    _criterion("E05", "No heart failure of NYHA class III or IV", "nyha", "nyha", REGISTRY),
    _criterion(
        "E06",
        "No rheumatoid arthritis or other disease that needs immunosuppression",
        "immunosuppressive_disease",
        "immunosuppressive_disease",
        REGISTRY,
    ),
    _criterion(
        "E07",
        "No asthma, inflammatory bowel disease, or debilitating illness that would interfere",
        "asthma_ibd debilitating_illness",
        "asthma_ibd debilitating_illness",
        REGISTRY,
    ),
    _criterion(
        "E08",
        "Prior and concurrent therapy within the washout table",
        "washout_ok",
        "washout_ok",
        "the registry has the heading; its text was not available",
        confirmed=False,
    ),
    _criterion(
        "E09",
        "No hypersensitivity to E. coli-derived protein",
        "ecoli_hypersensitivity",
        "ecoli_hypersensitivity",
        "anakinra label; not in the registry",
        confirmed=False,
    ),
    _criterion(
        "E10",
        "No SLiM biomarker (clonal marrow at least 60 %, free light chain ratio at least 100, more than one focal "
        "MRI lesion)",
        "bm_pc flc_kappa flc_lambda mri_focal_lesions",
        "mri_focal_lesions",
        "proposed for trials opened after 2014; off in this protocol",
        confirmed=False,
    ),
)

#: The registry names the heading only; the study owner fills this table.
WASHOUTS: tuple[Washout, ...] = ()

REGIMENS = (
    *(
        Regimen(phase, Drug.ANAKINRA, "anakinra_mg", "once a day by subcutaneous injection, on every day of the phase")
        for phase in TREATMENT_PHASES
    ),
    Regimen(
        Phase.LOW_DEX_7_12, Drug.DEXAMETHASONE, "low_dex_mg", "once a week by mouth, from the first day of month 7"
    ),
    Regimen(
        Phase.LOW_DEX_13_18,
        Drug.DEXAMETHASONE,
        "low_dex_mg",
        "once a week by mouth, in the rhythm of months 7-12 without a restart",
    ),
    Regimen(
        Phase.HIGH_DEX,
        Drug.DEXAMETHASONE,
        "high_dex_mg",
        "days 1-4, 9-12 and 17-20 of relative months 1, 3, 5; days 1-4 of relative months 2, 4, 6",
    ),
    Regimen(
        Phase.EXTENSION,
        Drug.DEXAMETHASONE,
        "low_dex_mg",
        "after low dose: once a week by mouth, in the same rhythm (proposed)",
    ),
    Regimen(
        Phase.EXTENSION,
        Drug.DEXAMETHASONE,
        "high_dex_mg",
        "after high dose: the days of odd and even relative months go on (proposed)",
    ),
)
#: High dose: days of a relative month, by odd and even month.
HIGH_DEX_DAYS = {
    1: (*range(1, 5), *range(9, 13), *range(17, 21)),
    0: tuple(range(1, 5)),
}

#: CTCAE terms by what the rules of dose modification name.
INFECTIONS = frozenset({
    "Upper respiratory infection", "Sinusitis", "Bronchial infection", "Lung infection", "Skin infection",
    "Soft tissue infection", "Urinary tract infection", "Sepsis", "Thrush", "Shingles",
})  # fmt: skip
#: Hyperglycaemia; mood and psychosis; fluid retention; myopathy; bleeding or ulcer of stomach or bowel.
OF_DEXAMETHASONE = frozenset({
    "Hyperglycemia",
    "Agitation", "Anxiety", "Confusion", "Depression", "Irritability", "Mania", "Personality change", "Psychosis",
    "Edema limbs", "Weight gain",
    "Generalized muscle weakness",
    "Gastric hemorrhage", "Gastric ulcer",
})  # fmt: skip
_NAMED = "hyperglycemia, mood or psychosis, fluid retention, myopathy, gastrointestinal bleeding or ulcer"
_LABEL, _TYPICAL, _OWN = "anakinra label", "typical myeloma protocols, recalled", "proposed"

#: Dose modification (clinical specification 1.7): no source fixes it; suggested to the study owner, none is confirmed.
DOSE_RULES = (
    DoseRule(
        "M-A1", Drug.ANAKINRA, Advice.HOLD, "Hold anakinra",
        "neutrophils below 1.0 × 10⁹/L", LabBelow(Analyte.ANC, Decimal("1.0")), _OWN,
    ),
    DoseRule(
        "M-A2", Drug.ANAKINRA, Advice.HOLD, "Hold anakinra",
        "an infection of grade 3 or higher that lasts", EventOf(INFECTIONS, from_grade=3), _OWN,
    ),
    DoseRule(
        "M-A3", Drug.ANAKINRA, Advice.HOLD, "Hold anakinra",
        "an infection that lasts, with intravenous therapy", Intravenous(INFECTIONS), _OWN,
    ),
    DoseRule(
        "M-A4", Drug.ANAKINRA, Advice.STOP, "Stop anakinra",
        "a serious infection that lasts", EventOf(INFECTIONS, is_serious=True), f"{_LABEL} (rheumatoid arthritis)",
    ),
    DoseRule(
        "M-A5", Drug.ANAKINRA, Advice.STOP, "Stop anakinra",
        "anaphylaxis", EventOf(frozenset({"Anaphylaxis"}), is_lasting=False), _OWN,
    ),
    DoseRule(
        "M-A6", Drug.ANAKINRA, Advice.RESUME, "Resume anakinra",
        "held, neutrophils of 1.5 × 10⁹/L or more since, and no reason to hold left",
        Recovered(Analyte.ANC, Decimal("1.5")), _OWN,
    ),
    DoseRule(
        "M-A7", Drug.ANAKINRA, Advice.CONSIDER, "Consider anakinra every other day",
        "creatinine clearance below 30 mL/min", LabBelow(Analyte.CRCL, Decimal(30)), _LABEL,
    ),
    DoseRule(
        "M-D1", Drug.DEXAMETHASONE, Advice.REDUCE, "Reduce weekly dexamethasone by a step",
        f"{_NAMED} of grade 3 or higher that lasts", EventOf(OF_DEXAMETHASONE, from_grade=3), _TYPICAL,
        LOW_DEX_PHASES, (20, 12, 8, 4),
    ),
    DoseRule(
        "M-D2", Drug.DEXAMETHASONE, Advice.REDUCE, "Reduce high-dose dexamethasone by a step",
        f"{_NAMED} of grade 3 or higher that lasts", EventOf(OF_DEXAMETHASONE, from_grade=3), _TYPICAL,
        (Phase.HIGH_DEX,), (40, 20, 10),
    ),
    DoseRule(
        "M-M1", Drug.ANAKINRA, Advice.NOTE, "Do not double the next dose",
        "a dose of anakinra was missed today or yesterday", Missed((0, 1)), _OWN,
    ),
    DoseRule(
        "M-M2", Drug.DEXAMETHASONE, Advice.NOTE, "The missed dose may still be taken",
        "a weekly dose was missed at most 3 days ago", Missed((0, 3)), _OWN, LOW_DEX_PHASES,
    ),
    DoseRule(
        "M-M3", Drug.DEXAMETHASONE, Advice.NOTE, "The missed dose is skipped",
        "a weekly dose was missed 4 to 6 days ago", Missed((4, 6)), _OWN, LOW_DEX_PHASES,
    ),
)  # fmt: skip
#: Doses below the planned one, mg, by phase: the steps that a form names. A hint, never an act.
REDUCTION_STEPS: Mapping[Phase, tuple[int, ...]] = {
    phase: rule.steps[1:] for rule in DOSE_RULES if rule.steps for phase in rule.phases
}

_P = Phase


def _leave(rule: str, target: Phase, words: str, *sources: Phase) -> tuple[Transition, ...]:
    return tuple(Transition(source, target, rule, words) for source in sources)


TRANSITIONS = (
    Transition(_P.SCREENING, _P.ENROLLED, "T1", "all criteria are met and consent is signed"),
    Transition(_P.SCREENING, _P.SCREEN_FAILED, "T1", "a criterion is not met, or consent is withdrawn"),
    Transition(_P.SCREENING, _P.DEAD, "T15", "death"),
    Transition(_P.ENROLLED, _P.INDUCTION, "T2", "first anakinra dose: Day 1"),
    Transition(_P.ENROLLED, _P.OFF_STUDY, "T3", "progression or another reason before the first dose"),
    Transition(_P.INDUCTION, _P.ANAKINRA_ONLY, "T4", "month 6: minimal response or better"),
    Transition(_P.INDUCTION, _P.LOW_DEX_7_12, "T5", "month 6: stable disease"),
    Transition(_P.INDUCTION, _P.HIGH_DEX, "T6", "progression, at month 6 or before (T7)"),
    Transition(_P.ANAKINRA_ONLY, _P.HIGH_DEX, "T8", "progression at any time"),
    Transition(_P.LOW_DEX_7_12, _P.HIGH_DEX, "T9b", "progression at any time"),
    Transition(_P.LOW_DEX_7_12, _P.LOW_DEX_13_18, "T10", "end of month 12 without progression"),
    Transition(_P.LOW_DEX_13_18, _P.HIGH_DEX, "T11b", "progression at any time"),
    Transition(_P.EXTENSION, _P.HIGH_DEX, "T13", "progression, if high dose was never given"),
    Transition(_P.ANAKINRA_ONLY, _P.EXTENSION, "T9", "end of month 12: the investigator extends"),
    Transition(_P.LOW_DEX_13_18, _P.EXTENSION, "T11", "end of month 18: the investigator extends"),
    Transition(_P.HIGH_DEX, _P.EXTENSION, "T12b", "end of six months without progression: the investigator extends"),
    Transition(_P.EXTENSION, _P.EXTENSION, "T13", "re-affirmed every six months"),
    *_leave("T14", _P.FOLLOW_UP, "end of treatment, reason coded", *TREATMENT_PHASES),
    *_leave("T15", _P.WITHDRAWN, "consent withdrawn", _P.ENROLLED, *TREATMENT_PHASES, _P.FOLLOW_UP),
    *_leave("T15", _P.LOST, "lost to follow-up", *TREATMENT_PHASES, _P.FOLLOW_UP),
    *_leave("T15", _P.DEAD, "death", _P.ENROLLED, *TREATMENT_PHASES, _P.FOLLOW_UP),
    Transition(_P.FOLLOW_UP, _P.COMPLETED, "T16", "tenth visit done, or its window closed"),
)

RESPONSE_CRITERIA = {
    CriteriaVersion.EBMT1998: ResponseCriteria(
        CriteriaVersion.EBMT1998,
        "EBMT 1998",
        has_mr=True,
        confirmation_min_days=42,
        high_m_reference="",
        marrow_pd="",
        marrow_pd_restricted=True,
        calcium_pd_above=Decimal("11.5"),
        circulating_pd=False,
        mr_plasmacytoma_pct=Decimal(25),
        marrow_mr_pct=Decimal(25),
        unconfirmed=("reference of progression", "calcium limit", "VGPR and sCR (inherited from 2016)"),
    ),
    CriteriaVersion.IMWG2006: ResponseCriteria(
        CriteriaVersion.IMWG2006,
        "IMWG 2006 (Durie)",
        has_mr=False,
        confirmation_min_days=0,
        high_m_reference="BASELINE",
        marrow_pd="ABSOLUTE",
        marrow_pd_restricted=False,
        calcium_pd_above=Decimal("11.5"),
        circulating_pd=False,
        mr_plasmacytoma_pct=Decimal(50),
        marrow_mr_pct=None,
        unconfirmed=(),
    ),
    CriteriaVersion.IMWG2011: ResponseCriteria(
        CriteriaVersion.IMWG2011,
        "IMWG 2011 (Rajkumar)",
        has_mr=True,
        confirmation_min_days=0,
        high_m_reference="BASELINE",
        marrow_pd="ABSOLUTE",
        marrow_pd_restricted=True,
        calcium_pd_above=Decimal("11.5"),
        circulating_pd=False,
        mr_plasmacytoma_pct=Decimal(25),
        marrow_mr_pct=None,
        unconfirmed=("minimal response",),
    ),
    CriteriaVersion.IMWG2016: ResponseCriteria(
        CriteriaVersion.IMWG2016,
        "IMWG 2016 (Kumar) with minimal response",
        has_mr=True,
        confirmation_min_days=0,
        high_m_reference="NADIR",
        marrow_pd="RISE",
        marrow_pd_restricted=True,
        calcium_pd_above=None,
        circulating_pd=True,
        mr_plasmacytoma_pct=Decimal(50),
        marrow_mr_pct=None,
        unconfirmed=(),
    ),
}


def _parameter(label: str, value: str, unit: str, source: str, why: str, confirmed: bool = False) -> Parameter:
    return Parameter(label, value, unit, source, confirmed, why)


OWNER = "proposed; the study owner signs"
PARAMETERS = {
    "anakinra_mg": _parameter("Anakinra dose", "100", "mg", "abstract of 2004", "", True),
    "low_dex_mg": _parameter("Low-dose dexamethasone", "20", "mg", "abstract of 2004; papers of 2009", "", True),
    "high_dex_mg": _parameter(
        "High-dose dexamethasone",
        "40",
        "mg",
        "no text of the trial states it; usual pulse dose, recalled",
        "A high-dose calendar is refused until this is confirmed by signature",
    ),
    "month_convention": _parameter("Length of a study month", "CALENDAR", "", OWNER, "The sources say months only"),
    "criteria_version": _parameter("Response criteria", "IMWG2016", "", OWNER, "The trial of 2002 predates IMWG 2006"),
    "nadir_mode": _parameter("Nadir", "LOWEST_OBSERVED", "", OWNER, "Published texts differ"),
    "confirmation_min_days": _parameter("Days between confirming samples", "0", "d", OWNER, "EBMT asks for 42"),
    "month6_basis": _parameter("Basis of the month-6 decision", "CONFIRMED_STATUS", "", OWNER, "'Based on response'"),
    "month6_window_days": _parameter("Month-6 window", "-14 to +14", "d", OWNER, "No source gives windows"),
    "baseline_days": _parameter("Oldest baseline sample", "42", "d", OWNER, "Eligible subjects must have a baseline"),
    "baseline_marrow_days": _parameter("Oldest baseline marrow or imaging", "104", "d", OWNER, "90 + 14 days"),
    "bm_valid_days": _parameter("Marrow carried forward", "180", "d", OWNER, "Post-baseline only, both IFE negative"),
    "screening_days": _parameter("Oldest screening blood or urine result", "28", "d", OWNER, "No source gives windows"),
    "screening_marrow_days": _parameter("Oldest screening marrow or imaging", "90", "d", OWNER, "No source"),
    "first_dose_days": _parameter("Registration to first dose, at most", "14", "d", OWNER, "No source"),
    "start_ahead_days": _parameter("Phase start after signature, at most", "14", "d", OWNER, "Late decisions"),
    "late_sample_days": _parameter("Late month-6 sample accepted, at most", "42", "d", OWNER, "Signed deviation"),
    "early_pd": _parameter("Progression before month 6", "HIGH_DEX", "", OWNER, "High dose is named for months 7-12"),
    "pd_on_high_dex": _parameter("Progression on high dose", "OFF_TREATMENT", "", OWNER, "Not addressed"),
    "high_dex_months": _parameter("Months of high dose", "6 relative months", "", OWNER, "May pass month 18"),
    "low_dex_13_18_mandatory": _parameter("Months 13-18 on low dose", "yes", "", OWNER, "Branch text against note"),
    "combo_reference": _parameter("Reference of combination response", "STUDY_BASELINE", "", OWNER, "Both are stored"),
    "orr_floor": _parameter("Floor of the response rate", "PR", "", OWNER, "MR is reported beside it"),
    "slim_counts_as_active": _parameter("SLiM biomarkers count as active", "no", "", OWNER, "Definition of 2014"),
    "fu_visits": _parameter(
        "Follow-up visits", "10", "every 6 months", "registry outline", "Counted from last dose", True
    ),
    "fu_cap_origin": _parameter("Origin of the five-year cap", "END_OF_TREATMENT", "", OWNER, "Not stated"),
    "fu_window_days": _parameter("Follow-up window", "-30 to +30", "d", OWNER, "No source"),
    "reminder_offsets_days": _parameter("Reminders around the due date", "-30, -7, 0, +31", "d", OWNER, "No source"),
    "accrual": _parameter(
        "Planned enrolment",
        "55 subjects in 62 months",
        "",
        "registry: 55 enrolled from November 2002 to December 2007",
        "No source states a planned number; what was enrolled stands for it, evenly over the months",
    ),
    "ctcae_version": _parameter(
        "Toxicity scale", "5.0", "", OWNER, "Stored with every event; the historical trial has 3.0, not confirmed"
    ),
}

TRIAL = Protocol(
    id="NCT00635154",
    version="1.0",
    title="Anakinra with or without dexamethasone in smoldering or indolent multiple myeloma",
    facts=FACTS,
    config=Config(),
    analytes=ANALYTES,
    panels=PANELS,
    schedule=SCHEDULE,
    items=ITEMS,
    criteria=CRITERIA,
    washouts=WASHOUTS,
    regimens=REGIMENS,
    transitions=TRANSITIONS,
    response_criteria=RESPONSE_CRITERIA,
    parameters=PARAMETERS,
    dose_rules=DOSE_RULES,
)
