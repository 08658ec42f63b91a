"""Which fields are compared with the source, and which of them are critical: source data verification (SDV).

A field is an item of its own, or several columns are one item because one line of the source says them together.
Rooms above are named as text only, as in `trialsite.records`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.samples import RELEVANT
from protocol.vocabulary import Analyte

#: Results that decide: what the response is derived from, the two markers of the trial, what eligibility reads.
CRITICAL_ANALYTES: frozenset[Analyte] = RELEVANT | {
    Analyte.HS_CRP, Analyte.PCLI, Analyte.WBC, Analyte.ANC, Analyte.HCG_SERUM, Analyte.HCG_URINE,
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One kind of record as the monitor compares it.

    critical, other: items; each is a column, or a name of `together`. together: item -> its columns, in the order in
    which they are read. place: where it is verified; empty for what belongs to a visit.
    """

    critical: tuple[str, ...]
    other: tuple[str, ...] = ()
    together: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    place: str = ""

    @property
    def items(self) -> tuple[str, ...]:
        return (*self.critical, *self.other)

    def columns(self, item: str) -> tuple[str, ...]:
        return self.together.get(item, (item,))


def _source(critical: str, other: str = "", *, place: str = "", **together: str) -> Source:
    parts = {item: tuple(columns.split()) for item, columns in together.items()}
    return Source(tuple(critical.split()), tuple(other.split()), parts, place)


#: Places besides the visits: name in addresses -> words. Doses have one for each month.
PLACES: dict[str, str] = {
    "enrolment": "Consent and eligibility",
    "course": "Course of treatment",
    "safety": "Adverse events and medications",
}
DOSES = "doses-"

#: Kind of record -> its items. What is not named here is derived, or says who and when.
SOURCES: dict[str, Source] = {
    "subject": _source("birth_year sex", place="enrolment"),
    "consent": _source(
        "form_version consented is_adult signed_by", "another_person_because",
        place="enrolment", consented="consented_on consented_time",
    ),
    "screening_answer": _source("value", place="enrolment", value="value evidence_on"),
    "visit": _source(
        "occurred_on ecog", "weight_kg temperature_c pulse pressure bedside_not_done reason",
        pressure="systolic diastolic",
    ),
    "specimen": _source("collected", "accession method", collected="collected_on collected_time"),
    "lab_result": _source("value", value="typed typed_unit missing_reason"),
    "disease_assessment": _source(
        "immunofixation_on serum_ife urine_ife marrow_on bm_pc bm_clonal imaging_on bone_lesions focal_mri_lesions"
        " plasmacytoma plasmacytoma_spd_mm2 circulating_pc_per_ul attribution_on calcium_attributed renal_attributed"
        " anaemia_attributed bone_attributed",
        "imaging_method comment",
    ),
    "contact": _source(
        "contacted_on alive progressed progressed_on new_therapy new_therapy_on second_malignancy",
        "method outcome comment",
    ),
    "dose": _source("given", place=DOSES, given="status given_mg reason"),
    "dose_modification": _source("action starts_on ends_on mg", "drug reason", place="course"),
    "end_of_treatment": _source("last_dose_on reason", "detail", place="course"),
    "departure": _source(
        "kind on death_due_to_progression progression_before_treatment", "reason passive_follow_up_allowed",
        place="course",
    ),
    "adverse_event": _source(
        "term grade started_typed stopped_typed outcome attribution_anakinra attribution_dexamethasone"
        " action_anakinra action_dexamethasone is_fatal is_life_threatening needs_hospital disables is_congenital"
        " is_important",
        "reported_as attribution_disease attribution_other",
        place="safety",
    ),
    "safety_report": _source(
        "aware_at",
        "pregnant narrative admitted_on discharged_on history tests treatment dechallenge rechallenge death_cause"
        " autopsy due_on pregnancy_outcome",
        place="safety",
    ),
    "medication": _source(
        "is_anti_myeloma started_typed", "name indication route stopped_typed", place="safety"
    ),
}  # fmt: skip

#: Kinds about a subject that have no source outside this system, and why.
WITHOUT_SOURCE: dict[str, str] = {
    "state_period": "follows from signed decisions",
    "protocol_period": "follows from consents",
    "consent_gap": "follows from consents",
    "eligibility": "computed, signed here",
    "registration": "done here",
    "screen_failure": "done here",
    "waiver": "decided and signed here",
    "response_assessment": "computed",
    "response_signature": "signed here",
    "phase_proposal": "computed",
    "phase_decision": "decided and signed here",
    "discrepancy": "computed",
    "clock_escalation": "sent by the machine",
    "grade_judgement": "judged here",
    "vital_judgement": "judged here",
    "reminder": "sent by the machine",
    "query": "asked here",
    "source_verification": "says that something was verified",
    "source_verification_withdrawal": "says that something is verified no more",
    "lock_step": "says that something was frozen, locked or unlocked",
}

#: Columns of those tables that are no item, and why.
NO_ITEM: dict[str, str] = {
    "key": "made here", "screening_number": "made here", "subject_number": "made here", "number": "made here",
    "state": "derived", "protocol_version": "follows from consents", "code": "the slot of the visit",
    "screened_on": "is the day of consent", "consented_time": "is the time of consent",
    "registered_on": "done here", "day1_on": "is the day of the first dose",
    "treatment_ended_on": "is in the end of treatment", "new_therapy_on": "is in the medications",
    "died_on": "is in the departure", "died_of_progression": "is in the departure",
    "status": "says whether it stands", "status_reason": "says why it does not stand",
    "version": "counts", "superseded_at": "says whether it stands", "in_error": "says whether it stands",
    "in_error_at": "says whether it stands", "in_error_reason": "says why it does not stand",
    "entered_in_error_at": "says whether it stands", "obtained_by_id": "an account of this system",
    "laboratory_id": "chosen from the site's list", "panel": "declared by the protocol",
    "analyte": "declared by the protocol", "item": "asked by the checklist", "comparator": "read from what was typed",
    "coded": "read from what was typed", "missing": "read from what was typed", "unit": "converted here",
    "reference_low": "from the laboratory's ranges", "reference_high": "from the laboratory's ranges",
    "conversion_version": "of this system", "planned_mg": "from the protocol", "drug": "names the dose",
    "on": "names the dose", "lab_result_id": "points at a result", "event_id": "points at an event",
    "follows_id": "points at a report",
    "ctcae_version": "of this system", "started": "read from what was typed", "stopped": "read from what was typed",
    "started_earliest": "read from what was typed", "started_latest": "read from what was typed",
    "stopped_earliest": "read from what was typed", "stopped_latest": "read from what was typed",
    "expected_of_anakinra": "from the list", "expected_of_dexamethasone": "from the list", "reference_list": "the list",
    "sponsor_at": "done here", "sponsor_late_because": "written here", "authority_at": "done here",
    "authority_late_because": "written here", "visit_code": "the slot of the visit", "value": "converted here",
    "reason": "says why it was changed",
}  # fmt: skip

#: Items whose column does not say by itself what a person calls it.
LABELS: dict[str, str] = {
    "consented": "Date and time of consent", "is_adult": "18 or older", "signed_by": "Signed by",
    "form_version": "Version of the consent form", "occurred_on": "Date of the visit", "ecog": "ECOG",
    "weight_kg": "Weight, kg", "temperature_c": "Temperature, °C", "pulse": "Pulse per minute",
    "pressure": "Blood pressure, mmHg", "bedside_not_done": "Not done, because", "collected": "Collected",
    "accession": "Accession number", "serum_ife": "Serum immunofixation", "urine_ife": "Urine immunofixation",
    "immunofixation_on": "Date of immunofixation", "marrow_on": "Date of marrow", "bm_clonal": "Clonal plasma cells",
    "imaging_on": "Date of imaging", "attribution_on": "Date of attribution", "started_typed": "Started",
    "stopped_typed": "Stopped", "plasmacytoma_spd_mm2": "Plasmacytoma, mm²", "mg": "Reduced dose, mg",
    "circulating_pc_per_ul": "Circulating plasma cells per µL", "progressed_on": "Progression on",
    "new_therapy_on": "New therapy on", "contacted_on": "Date of contact", "last_dose_on": "Last dose on",
    "starts_on": "From", "ends_on": "To", "on": "Date",
}  # fmt: skip
#: What a number is counted in, where the label does not say it.
UNITS: dict[str, str] = {"given_mg": "mg"}
