"""The privacy class of every field: none, quasi (identifies together with others), direct, or free text.

A number, a choice or a reference is classed by its type; dates of a subject's life count as quasi-identifiers. Text
has no class of its own: it is named here, by its column where that means the same in every table, else by table and
column. A text field that is not named has no class, and a test says so.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models

from trialsite.models import Subject, User


class Privacy(StrEnum):
    NONE = "none"
    QUASI = "quasi"
    DIRECT = "direct"
    FREE = "free text"


def _named(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Columns of text that mean the same in every table.
BY_COLUMN: dict[Privacy, frozenset[str]] = {
    Privacy.FREE: _named(
        "reason because detail comment note indication in_error_reason status_reason resolution new_therapy"
        " second_malignancy reported_as decision_reason another_person_because changes withdrawn_reason"
    ),
    Privacy.QUASI: _named("accession key screening_number subject_number birth_year sex race ethnicity"),
    Privacy.DIRECT: _named("username printed_name email phone by_name actor_name confirmed_by_name activated_by_name"),
    Privacy.NONE: _named(
        "visit_code record_type record_id item check_code protocol_version criteria_version conversion_version"
        " fingerprint analyte unit typed typed_unit comparator coded missing missing_reason drug lot method panel code"
        " time_zone state version term ctcae_version mapping"
        " request_id system_actor role from_state to_phase sha256 digest form_version token_digest"
    ),
}
#: Columns of text that mean something of their own in one table.
BY_TABLE: dict[str, dict[Privacy, frozenset[str]]] = {
    "trialsite_user": {Privacy.DIRECT: _named("password")},
    "trialsite_site": {Privacy.NONE: _named("name")},
    "audit_event": {
        Privacy.NONE: _named("chain table_name row_id op source software"),
        Privacy.FREE: _named("old new"),
    },
    "audit_link": {Privacy.NONE: _named("chain previous hash")},
    "trialsite_accessentry": {Privacy.NONE: _named("what")},
    "trialsite_outboxmessage": {Privacy.NONE: _named("kind"), Privacy.FREE: _named("payload last_error")},
    "trialsite_mail": {
        Privacy.NONE: _named("key"),
        Privacy.DIRECT: _named("address"),
        Privacy.FREE: _named("heading body why last_error skipped_because"),
    },
    "trialsite_submission": {Privacy.NONE: _named("outcome led_to")},
    "trialsite_query": {Privacy.FREE: _named("text")},
    "trialsite_querymessage": {Privacy.FREE: _named("text")},
    "trialsite_signature": {
        Privacy.NONE: _named("meaning statement authenticated_by"),
        Privacy.FREE: _named("content"),
    },
    "trialsite_signaturebasis": {Privacy.NONE: _named("source")},
    "trialsite_failedsigning": {Privacy.NONE: _named("what")},
    "trialsite_parameterconfirmation": {Privacy.NONE: _named("name value")},
    "trialsite_visit": {Privacy.NONE: _named("bedside_not_done")},
    "trialsite_draft": {Privacy.NONE: _named("page"), Privacy.FREE: _named("content")},
    "trialsite_training": {Privacy.FREE: _named("evidence")},
    "trialsite_sourceverification": {Privacy.NONE: _named("place"), Privacy.FREE: _named("value")},
    "trialsite_lockstep": {Privacy.NONE: _named("place"), Privacy.FREE: _named("snapshot")},
    "trialsite_protocolactivation": {Privacy.NONE: _named("replaces")},
    "labs_laboratory": {Privacy.NONE: _named("name")},
    "labs_laboratorytoken": {Privacy.NONE: _named("label")},
    "labs_labimport": {Privacy.FREE: _named("name content stopped_because")},
    "labs_importrow": {
        Privacy.NONE: _named("field would_save recorded"),
        Privacy.FREE: _named("received fixes words"),
    },
    "labs_diseaseassessment": {Privacy.NONE: _named("imaging_method")},
    "labs_responseassessment": {
        Privacy.NONE: _named("result confirmed latest_timepoint"),
        Privacy.QUASI: _named("inputs"),
        Privacy.FREE: _named("caused_by"),
    },
    "enrollment_screeninganswer": {Privacy.NONE: _named("value")},
    "enrollment_eligibilitysnapshot": {Privacy.NONE: _named("outcome"), Privacy.QUASI: _named("judgements")},
    "enrollment_waiver": {Privacy.NONE: _named("criterion"), Privacy.QUASI: _named("judgement")},
    "enrollment_screenfailure": {Privacy.NONE: _named("criteria")},
    "safety_adverseevent": {
        Privacy.NONE: _named("reference_list"),
        Privacy.QUASI: _named("started started_typed stopped stopped_typed"),
    },
    "safety_safetyreport": {
        Privacy.FREE: _named(
            "narrative history tests treatment death_cause sponsor_late_because authority_late_because"
        )
    },
    "safety_clockescalation": {Privacy.NONE: _named("reason")},
    "safety_concomitantmedication": {
        Privacy.QUASI: _named("started started_typed stopped stopped_typed"),
        Privacy.FREE: _named("name"),
    },
    "dosing_phaseproposal": {Privacy.NONE: _named("kind rule"), Privacy.QUASI: _named("words detail")},
    "dosing_phasedecision": {Privacy.NONE: _named("response"), Privacy.QUASI: _named("snapshot")},
    "dosing_assignmentdiscrepancy": {Privacy.QUASI: _named("was now")},
}


def privacy_of(field: models.Field[object, object]) -> Privacy | None:
    """The class of a field; None for text that nobody has classed."""
    table: str = field.model._meta.db_table
    for named in (BY_TABLE.get(table, {}), BY_COLUMN):
        for privacy, columns in named.items():
            if field.column in columns:
                return privacy
    return _by_type(field)


def _by_type(field: models.Field[object, object]) -> Privacy | None:
    if isinstance(field, models.ForeignKey):
        return Privacy.QUASI if field.related_model in (Subject, User) else Privacy.NONE
    if isinstance(field, models.DateField):
        return Privacy.QUASI if _is_of_a_subject(field.model) else Privacy.NONE
    if isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices:
        return None
    return Privacy.NONE


def _is_of_a_subject(model: type[models.Model]) -> bool:
    return model is Subject or any(one.name == "subject" for one in model._meta.concrete_fields)
