"""Reads of the laboratory room."""

from labs.selectors.course import CODES, course_for, courses_for
from labs.selectors.entries import Late, entries_since
from labs.selectors.responses import latest_response, latest_responses
from labs.selectors.results import (
    StoredPanel,
    all_versions,
    assessment_versions,
    current_assessment,
    every_laboratory,
    laboratories_of,
    previous_values,
    reference_ranges,
    stored_panels,
    typical_range,
    usual_laboratory,
)
from labs.selectors.visits import (
    DuePanel,
    FormState,
    VisitLine,
    asks_for_disease,
    asks_for_events,
    due_panels,
    is_visit_code,
    planned_visits,
    visit_label,
    visit_lines,
)

__all__ = [
    "CODES",
    "DuePanel",
    "FormState",
    "Late",
    "StoredPanel",
    "VisitLine",
    "all_versions",
    "asks_for_disease",
    "asks_for_events",
    "assessment_versions",
    "course_for",
    "courses_for",
    "current_assessment",
    "due_panels",
    "entries_since",
    "every_laboratory",
    "is_visit_code",
    "laboratories_of",
    "latest_response",
    "latest_responses",
    "planned_visits",
    "previous_values",
    "reference_ranges",
    "stored_panels",
    "typical_range",
    "usual_laboratory",
    "visit_label",
    "visit_lines",
]
