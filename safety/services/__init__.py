"""The only writer of this room."""

from safety.services.events import (
    Event,
    SavedByAnother,
    correct_adverse_event,
    mark_adverse_event_in_error,
    report_adverse_event,
)
from safety.services.grades import judge_not_significant
from safety.services.medications import Medication, end_medication, mark_medication_in_error, record_medication

__all__ = [
    "Event",
    "Medication",
    "SavedByAnother",
    "correct_adverse_event",
    "end_medication",
    "judge_not_significant",
    "mark_adverse_event_in_error",
    "mark_medication_in_error",
    "record_medication",
    "report_adverse_event",
]
