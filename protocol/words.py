"""What the codes of a protocol mean to a reader: phases, drugs, choices, and every setting that the rules read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from protocol.schema import Parameter
from protocol.trial import RESPONSE_CRITERIA
from protocol.vocabulary import (
    Component,
    Drug,
    FollowUpOrigin,
    Month6Basis,
    MonthConvention,
    NadirMode,
    PdAction,
    Phase,
    Response,
)

PHASE_WORDS: dict[Phase, str] = {
    Phase.SCREENING: "Screening",
    Phase.SCREEN_FAILED: "Screen failure",
    Phase.ENROLLED: "Registered",
    Phase.INDUCTION: "Anakinra",
    Phase.ANAKINRA_ONLY: "Anakinra alone",
    Phase.LOW_DEX_7_12: "Anakinra + low-dose dex",
    Phase.LOW_DEX_13_18: "Anakinra + low-dose dex",
    Phase.HIGH_DEX: "Anakinra + high-dose dex",
    Phase.EXTENSION: "Extension",
    Phase.FOLLOW_UP: "Follow-up",
    Phase.COMPLETED: "Completed",
    Phase.WITHDRAWN: "Consent withdrawn",
    Phase.LOST: "Lost to follow-up",
    Phase.DEAD: "Died",
    Phase.OFF_STUDY: "Off study",
}

#: When a phase runs, as it stands above its name.
PHASE_SPAN: dict[Phase, str] = {
    Phase.INDUCTION: "Months 1 to 6",
    Phase.ANAKINRA_ONLY: "Months 7 to 12",
    Phase.LOW_DEX_7_12: "Months 7 to 12",
    Phase.LOW_DEX_13_18: "Months 13 to 18",
    Phase.HIGH_DEX: "Six months of high dose",
    Phase.EXTENSION: "Six months of extension",
    Phase.FOLLOW_UP: "Follow-up",
}

RESPONSE_WORDS: dict[Response, str] = {
    Response.SCR: "Stringent complete response",
    Response.CR: "Complete response",
    Response.VGPR: "Very good partial response",
    Response.PR: "Partial response",
    Response.MR: "Minimal response",
    Response.SD: "Stable disease",
    Response.PD: "Progressive disease",
    Response.NE: "Not evaluable",
}

DRUG_WORDS: dict[Drug, str] = {Drug.ANAKINRA: "Anakinra", Drug.DEXAMETHASONE: "Dexamethasone"}


def phase_in_words(phase: Phase) -> str:
    """A phase in words, with its months where they tell it from another phase of the same words."""
    span = PHASE_SPAN.get(phase, "")
    return PHASE_WORDS[phase] + (f", {span.lower()}" if span.startswith("Months") else "")


@dataclass(frozen=True)
class Setting:
    """A setting in the field's words, with the unit of its numbers."""

    label: str
    unit: str = ""

    def value(self, stored: object) -> str:
        """The stored value in words, with its unit."""
        words = said(stored)
        return f"{words} {self.unit}".strip() if words else "none"


#: Choices by their code. Phases have their own words; `HIGH_DEX` as an action names what follows.
CHOICES: Mapping[str, str] = {
    MonthConvention.CALENDAR: "calendar months",
    MonthConvention.D28: "28 days",
    MonthConvention.D30: "30 days",
    NadirMode.LOWEST_OBSERVED: "lowest value observed",
    NadirMode.LOWEST_CONFIRMED: "lowest value confirmed by a second sample",
    Month6Basis.CONFIRMED_STATUS: "confirmed response",
    Month6Basis.TIMEPOINT: "response of the month-6 sample alone",
    FollowUpOrigin.END_OF_TREATMENT: "end of treatment",
    FollowUpOrigin.REGISTRATION: "registration",
    PdAction.HIGH_DEX: "high-dose dexamethasone",
    PdAction.OFF_TREATMENT: "off treatment",
    "FIRST_LOW_DEX_DAY_CONTINUOUS": "first day of low dose, without a restart",
    "RELATIVE_TO_PHASE_START": "counted from the start of the phase",
    "STUDY_BASELINE": "baseline of the study",
    "NADIR": "nadir",
    "BASELINE": "baseline",
    "RISE": "a rise above nadir",
    "ABSOLUTE": "a share of all cells",
    "PR": "partial response",
    "MR": "minimal response",
    Component.SERUM: "serum",
    Component.URINE: "urine",
    Component.FLC: "free light chains",
    Component.MARROW: "marrow",
    **{version.value: criteria.title for version, criteria in RESPONSE_CRITERIA.items()},
}

_DAYS, _MONTHS, _PERCENT, _MG, _AFTER = "days", "months", "%", "mg", "days from the target"
#: By group of the protocol object, then by name. A test holds them against the fields.
SETTINGS: Mapping[str, Mapping[str, Setting]] = {
    "config": {
        "month_convention": Setting("Length of a study month"),
        "anakinra_mg": Setting("Anakinra dose", _MG),
        "low_dex_mg": Setting("Low-dose dexamethasone", _MG),
        "high_dex_mg": Setting("High-dose dexamethasone", _MG),
        "criteria_version": Setting("Response criteria"),
        "nadir_mode": Setting("Nadir"),
        "confirmation_skip_ne": Setting("Samples that cannot be evaluated are passed over for confirmation"),
        "confirmation_min_days": Setting("Least distance of the confirming sample", _DAYS),
        "month6_basis": Setting("Basis of the month-6 decision"),
        "month6_window_days": Setting("Month-6 sample", _AFTER),
        "phase_end_window_days": Setting("Sample at the end of a phase", _AFTER),
        "late_sample_days": Setting("Late month-6 sample accepted, at most", _DAYS),
        "late_sample_reminder_days": Setting("Reminders of a late sample, after", _DAYS),
        "confirmation_reminder_days": Setting("Reminders of a confirming sample, after", _DAYS),
        "baseline_days": Setting("Oldest baseline sample", _DAYS),
        "baseline_marrow_days": Setting("Oldest baseline marrow or imaging", _DAYS),
        "component_days": Setting("Results of one evaluation lie apart by at most", _DAYS),
        "bm_valid_days": Setting("Marrow carried forward", _DAYS),
        "slim_counts_as_active": Setting("SLiM biomarkers count as active"),
        "exclude_slim": Setting("SLiM biomarkers exclude from the trial"),
        "screening_days": Setting("Oldest screening blood or urine result", _DAYS),
        "screening_marrow_days": Setting("Oldest screening marrow or imaging", _DAYS),
        "pregnancy_test_days": Setting("Oldest pregnancy test", _DAYS),
        "pd_on_high_dex": Setting("Progression on high dose leads to"),
        "early_pd": Setting("Progression before month 6 leads to"),
        "fu_interval_months": Setting("Between two follow-up visits", _MONTHS),
        "fu_visits": Setting("Follow-up visits"),
        "fu_cap_months": Setting("Follow-up ends at the latest after", _MONTHS),
        "fu_origin": Setting("Follow-up visits count from"),
        "fu_cap_origin": Setting("The end of follow-up counts from"),
        "fu_window_days": Setting("Follow-up window on either side", _DAYS),
        "reminder_offsets_days": Setting("Reminders around the due date", "days from it"),
        "low_dex_anchor": Setting("Weekly dexamethasone counts from"),
        "low_dex_13_18_mandatory": Setting("Months 13-18 on low dose"),
        "high_dex_months": Setting("Months of high dose"),
        "hold_shifts_calendar": Setting("A hold moves the planned doses after it"),
        "combo_reference": Setting("Reference of the combination response"),
        "orr_floor": Setting("Floor of the response rate"),
        "ctcae_version": Setting("Toxicity scale: version of CTCAE"),
        "pfs_day_count": Setting("Days to progression"),
        "accrual_subjects": Setting("Planned enrolment", "subjects"),
        "accrual_months": Setting("Planned length of enrolment", _MONTHS),
        "event_on_unconfirmed_final_pd": Setting("An unconfirmed progression at the last sample counts as an event"),
    },
    "response_version": {
        "has_mr": Setting("Minimal response is a category"),
        "confirmation_min_days": Setting("Least distance of the confirming sample by the criteria", _DAYS),
        "high_m_reference": Setting("High M-spike: progression is measured from"),
        "marrow_pd": Setting("Progression in the marrow is"),
        "marrow_pd_restricted": Setting("Progression in the marrow only if nothing else is measurable"),
        "calcium_pd_above": Setting("Progression by calcium above", "mg/dL"),
        "circulating_pd": Setting("Progression by circulating plasma cells"),
        "mr_plasmacytoma_pct": Setting("Minimal response: plasmacytoma smaller by", _PERCENT),
        "marrow_mr_pct": Setting("Minimal response: marrow lower by", _PERCENT),
        "unconfirmed": Setting("Not confirmed by a source"),
        "mr_pct": Setting("Minimal response: serum M lower by", _PERCENT),
        "pr_pct": Setting("Partial response: serum M lower by", _PERCENT),
        "vgpr_pct": Setting("Very good partial response: serum M lower by", _PERCENT),
        "urine_mr_pct": Setting("Minimal response: urine M lower by", _PERCENT),
        "urine_pr_pct": Setting("Partial response: urine M lower by", _PERCENT),
        "urine_vgpr_below": Setting("Very good partial response: urine M below", "mg/24 h"),
        "urine_pr_below": Setting("Partial response: urine M below", "mg/24 h"),
        "marrow_cr_below": Setting("Complete response: plasma cells in the marrow below", _PERCENT),
        "pd_ratio": Setting("Progression: times the nadir"),
        "pd_serum_rise": Setting("Progression: serum M higher by", "g/dL"),
        "pd_iga_rise": Setting("Progression: IgA higher by", "mg/dL"),
        "pd_serum_high_from": Setting("High M-spike from", "g/dL"),
        "pd_serum_high_rise": Setting("Progression of a high M-spike: higher by", "g/dL"),
        "pd_urine_rise": Setting("Progression: urine M higher by", "mg/24 h"),
        "pd_flc_rise": Setting("Progression: difference of free light chains higher by", "mg/L"),
        "pd_marrow_points": Setting("Progression in the marrow: plasma cells", "% of all cells"),
        "pd_lesion_ratio": Setting("Progression: times the size of a lesion"),
        "pd_circulating_ratio": Setting("Progression: times the circulating plasma cells"),
        "pd_circulating_from": Setting("Progression: circulating plasma cells from", "/µL"),
    },
    "measurable": {
        "serum_m": Setting("Measurable from: serum M", "g/dL"),
        "iga": Setting("Measurable from: IgA", "mg/dL"),
        "urine_m": Setting("Measurable from: urine M", "mg/24 h"),
        "flc_involved": Setting("Measurable from: involved light chain", "mg/L"),
        "ratio_low": Setting("Ratio of light chains, normal from"),
        "ratio_high": Setting("Ratio of light chains, normal to"),
        "marrow": Setting("Measurable from: plasma cells in the marrow", _PERCENT),
    },
    "mde": {
        "calcium_mg_dl": Setting("Active myeloma: calcium above", "mg/dL"),
        "calcium_mmol_l": Setting("Active myeloma: calcium above", "mmol/L"),
        "calcium_over_uln_mg_dl": Setting("Active myeloma: calcium over the upper limit by", "mg/dL"),
        "calcium_further_rise": Setting("Active myeloma: further rise of calcium", "mg/dL"),
        "creatinine_mg_dl": Setting("Active myeloma: creatinine above", "mg/dL"),
        "creatinine_umol_l": Setting("Active myeloma: creatinine above", "µmol/L"),
        "creatinine_rise": Setting("Active myeloma: rise of creatinine", "mg/dL"),
        "clearance_below": Setting("Active myeloma: creatinine clearance below", "mL/min"),
        "hb_below": Setting("Active myeloma: haemoglobin below", "g/dL"),
        "hb_under_lln": Setting("Active myeloma: haemoglobin under the lower limit by", "g/dL"),
        "hb_fall": Setting("Active myeloma: fall of haemoglobin", "g/dL"),
        "marrow_clonal_pct": Setting("SLiM: clonal plasma cells in the marrow from", _PERCENT),
        "flc_ratio": Setting("SLiM: ratio of involved to other light chain from"),
        "flc_involved": Setting("SLiM: involved light chain from", "mg/L"),
        "focal_lesions_over": Setting("SLiM: focal lesions in MRI, more than"),
        "transfusion_days": Setting("Haemoglobin is not judged after a transfusion for", _DAYS),
        "esa_days": Setting("Haemoglobin is not judged after erythropoietin for", _DAYS),
    },
}

_UNITS = {"d": "days"}


def said(value: object) -> str:
    """A stored value in words; empty for one that is not there."""
    if isinstance(value, tuple):
        return ", ".join(map(said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    code = str(value.value if isinstance(value, Enum) else "" if value is None else value)
    return CHOICES.get(code, code)


def parameter_value(parameter: Parameter) -> str:
    """The value of a parameter in words, with its unit."""
    return f"{said(parameter.value)} {_UNITS.get(parameter.unit, parameter.unit)}".strip()
