"""Reads of this room. Row level security has already hidden other sites."""

from safety.selectors.events import adverse_events, dexamethasone_was_given
from safety.selectors.grades import GradedResult, Suggestion, suggestions
from safety.selectors.medications import first_new_therapy_on, medications

__all__ = [
    "GradedResult",
    "Suggestion",
    "adverse_events",
    "dexamethasone_was_given",
    "first_new_therapy_on",
    "medications",
    "suggestions",
]
