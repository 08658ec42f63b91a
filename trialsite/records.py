"""What the audit trail's tables are called by people, and how the versions of one record are found.

Rooms above are named as text only, so that imports fall downwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    identity: columns that all versions of one record share; empty if a row is the record.
    value: columns that together are the value, in the order in which they are read.
    page: name of the page that shows the record; `code` there is the visit.
    is_administration: it holds nothing of any subject, so whoever reads the trail may read it.
    """

    table: str
    words: str
    identity: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    page: str = "subject"
    is_administration: bool = False


#: Name in addresses, queries and source references -> kind.
KINDS: dict[str, Kind] = {
    "subject": Kind("trialsite_subject", "subject"),
    "state_period": Kind("trialsite_stateperiod", "treatment phase"),
    "visit": Kind("trialsite_visit", "visit", page="visit"),
    "consent": Kind("enrollment_consent", "consent", page="subject_consent"),
    "consent_gap": Kind("trialsite_consentgap", "wait for a new consent", page="subject_consent"),
    "screening_answer": Kind(
        "enrollment_screeninganswer", "screening answer", ("subject_id", "item"), ("value",), "subject_eligibility"
    ),
    "eligibility": Kind("enrollment_eligibilitysnapshot", "eligibility", page="subject_eligibility"),
    "registration": Kind("enrollment_registration", "registration", page="subject_eligibility"),
    "screen_failure": Kind("enrollment_screenfailure", "screen failure", page="subject_eligibility"),
    "specimen": Kind("labs_specimen", "specimen", page="visit_labs"),
    "lab_result": Kind(
        "labs_labresult", "laboratory result", ("specimen_id", "analyte"), ("typed", "typed_unit"), "visit_labs"
    ),
    "disease_assessment": Kind("labs_diseaseassessment", "disease assessment", ("visit_id",), page="visit_disease"),
    "response_assessment": Kind("labs_responseassessment", "derived response", page="subject_responses"),
    "response_signature": Kind("labs_responsesignature", "signature under a response", page="subject_responses"),
    "phase_proposal": Kind("dosing_phaseproposal", "proposal of a treatment phase", page="subject_responses"),
    "phase_decision": Kind("dosing_phasedecision", "decision on a treatment phase", page="subject_responses"),
    "discrepancy": Kind("dosing_assignmentdiscrepancy", "discrepancy", page="subject_responses"),
    "dose": Kind("dosing_doserecord", "dose", ("subject_id", "drug", "on"), ("status",), "subject_dosing"),
    "dose_modification": Kind("dosing_dosemodification", "dose modification", page="subject_modifications"),
    "medication": Kind("safety_concomitantmedication", "medication", page="subject_medications"),
    "adverse_event": Kind("safety_adverseevent", "adverse event", page="subject_adverse_events"),
    "safety_report": Kind("safety_safetyreport", "report with a deadline", page="subject_adverse_events"),
    "clock_escalation": Kind("safety_clockescalation", "step of a reporting clock", page="subject_adverse_events"),
    "grade_judgement": Kind("safety_gradejudgement", "judged laboratory grade", page="subject_adverse_events"),
    "vital_judgement": Kind("safety_vitaljudgement", "judged grade of vital signs", page="subject_adverse_events"),
    "end_of_treatment": Kind("followup_endoftreatment", "end of treatment", page="subject_end_of_treatment"),
    "departure": Kind("followup_departure", "departure from the study", page="subject_departure"),
    "contact": Kind("followup_followupcontact", "follow-up contact", page="subject_follow_up"),
    "reminder": Kind("followup_reminder", "reminder", page="subject_follow_up"),
    "query": Kind("trialsite_query", "query", page="subject_queries"),
    "query_message": Kind("trialsite_querymessage", "query", page="subject_queries"),
    "signature": Kind("trialsite_signature", "signature"),
    "signature_event": Kind("trialsite_signatureevent", "signature"),
    "source_verification": Kind("trialsite_sourceverification", "source data verification", page="subject_sdv"),
    "source_verification_withdrawal": Kind(
        "trialsite_sourceverificationwithdrawal", "withdrawal of a source data verification", page="subject_sdv"
    ),
    "lock_step": Kind("trialsite_lockstep", "lock", page="subject_locks"),
    "waiver": Kind("enrollment_waiver", "waiver of a criterion", page="subject_eligibility"),
    "consent_form": Kind("enrollment_consentform", "version of the consent form", is_administration=True),
    "laboratory": Kind("labs_laboratory", "laboratory", is_administration=True),
    "reference_range": Kind("labs_referencerange", "reference range", is_administration=True),
    "import_mapping": Kind("labs_importmapping", "matched columns of a laboratory", is_administration=True),
    "laboratory_token": Kind("labs_laboratorytoken", "token of a laboratory", is_administration=True),
    "lab_import": Kind("labs_labimport", "laboratory file"),
    "import_row": Kind("labs_importrow", "row of a laboratory file"),
    "site": Kind("trialsite_site", "site", is_administration=True),
    "user": Kind("trialsite_user", "account", is_administration=True),
    "delegation": Kind("trialsite_delegation", "delegation", is_administration=True),
    "training": Kind("trialsite_training", "training", is_administration=True),
    "invitation": Kind("trialsite_invitation", "link to set a password", is_administration=True),
    "protocol_period": Kind("trialsite_protocolperiod", "protocol version"),
    "protocol_activation": Kind(
        "trialsite_protocolactivation", "activation of a protocol version", is_administration=True
    ),
    "parameter_confirmation": Kind("trialsite_parameterconfirmation", "confirmed parameter", is_administration=True),
}

#: Tables that hold nothing of any subject, with those that have no page of their own.
ADMINISTRATION = (
    *(kind.table for kind in KINDS.values() if kind.is_administration),
    "trialsite_failedsigning",
    "mfa_authenticator",
)

BY_TABLE: dict[str, str] = {kind.table: name for name, kind in KINDS.items()}

#: Rows that only carry messages or repeat what another row says. Left out unless everything is asked for.
#: What a person changed of one is not: that news was tried again.
BOOKKEEPING = ("trialsite_outboxmessage", "trialsite_mail", "trialsite_signaturebasis", "trialsite_query")
