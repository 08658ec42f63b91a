"""Reads of this room. Row level security has already hidden other sites."""

from safety.selectors.events import adverse_events, dexamethasone_was_given, suggested_for
from safety.selectors.grades import GradedResult, Suggestion, grade_judgements, suggestions, suggestions_for
from safety.selectors.medications import first_new_therapy_on, medications, therapies_since
from safety.selectors.reports import causality_signatures, causes_signed, running_reports, safety_reports
from safety.selectors.vitals import VitalSuggestion, vital_judgements, vital_suggestions

__all__ = [
    "GradedResult",
    "Suggestion",
    "VitalSuggestion",
    "adverse_events",
    "causality_signatures",
    "causes_signed",
    "dexamethasone_was_given",
    "first_new_therapy_on",
    "grade_judgements",
    "medications",
    "running_reports",
    "safety_reports",
    "suggested_for",
    "suggestions",
    "suggestions_for",
    "therapies_since",
    "vital_judgements",
    "vital_suggestions",
]
