"""The only writer of the laboratory room."""

from labs.services.accepting import Accepted, accept_messages, accept_rows
from labs.services.answering import Mended, RowAnswer, mend_rows
from labs.services.batches import go_on_with_file
from labs.services.consent import ask_about_consent, confirm_ordinary_care, consent_problem, open_questions
from labs.services.disease import Assessed, mark_disease_assessment_in_error, record_disease_assessment
from labs.services.foretelling import Foreseen, foresee_import
from labs.services.imports import Uploaded, cancel_import, match_columns, upload_file
from labs.services.laboratories import (
    Limits,
    adopt_typical_ranges,
    renew_reference_limits,
    save_laboratory,
    save_reference_range,
)
from labs.services.panels import PanelsRecorded, judge, record_panel
from labs.services.receiving import receive_message
from labs.services.refusals import Conflict, FieldsRefused, ReasonMissing, RowsRefused, SavedMeanwhile
from labs.services.responses import derive_response, derive_response_from, follow_change
from labs.services.tokens import NewToken, check_token, make_token, revoke_token
from labs.services.versions import adopt_protocol_version
from labs.services.visit_checks import open_visit_questions
from labs.services.visits import (
    VisitFacts,
    add_unscheduled_visit,
    mark_specimen_in_error,
    mark_visit_in_error,
    record_visit,
)

__all__ = [
    "Accepted",
    "Assessed",
    "Conflict",
    "FieldsRefused",
    "Foreseen",
    "Limits",
    "Mended",
    "NewToken",
    "PanelsRecorded",
    "ReasonMissing",
    "RowAnswer",
    "RowsRefused",
    "SavedMeanwhile",
    "Uploaded",
    "VisitFacts",
    "accept_messages",
    "accept_rows",
    "add_unscheduled_visit",
    "adopt_protocol_version",
    "adopt_typical_ranges",
    "ask_about_consent",
    "cancel_import",
    "check_token",
    "confirm_ordinary_care",
    "consent_problem",
    "derive_response",
    "derive_response_from",
    "follow_change",
    "foresee_import",
    "go_on_with_file",
    "judge",
    "make_token",
    "mark_disease_assessment_in_error",
    "mark_specimen_in_error",
    "mark_visit_in_error",
    "match_columns",
    "mend_rows",
    "open_questions",
    "open_visit_questions",
    "receive_message",
    "record_disease_assessment",
    "record_panel",
    "record_visit",
    "renew_reference_limits",
    "revoke_token",
    "save_laboratory",
    "save_reference_range",
    "upload_file",
]
