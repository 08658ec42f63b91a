"""The only writer of this room."""

from safety.services.causality import sign_causality, withdraw_causality
from safety.services.escalation import sweep_clocks
from safety.services.events import (
    Event,
    correct_adverse_event,
    mark_adverse_event_in_error,
    report_adverse_event,
)
from safety.services.grades import judge_not_significant, judge_vitals_not_significant, take_back_judgement
from safety.services.medications import Medication, end_medication, mark_medication_in_error, record_medication
from safety.services.reports import (
    Details,
    Told,
    correct_report,
    details_of,
    mark_report_in_error,
    record_report_sent,
    report_news,
    report_pregnancy,
    take_back_report_sent,
)
from safety.services.saved import SavedByAnother

__all__ = [
    "Details",
    "Event",
    "Medication",
    "SavedByAnother",
    "Told",
    "correct_adverse_event",
    "correct_report",
    "details_of",
    "end_medication",
    "judge_not_significant",
    "judge_vitals_not_significant",
    "mark_adverse_event_in_error",
    "mark_medication_in_error",
    "mark_report_in_error",
    "record_medication",
    "record_report_sent",
    "report_adverse_event",
    "report_news",
    "report_pregnancy",
    "sign_causality",
    "sweep_clocks",
    "take_back_judgement",
    "take_back_report_sent",
    "withdraw_causality",
]
