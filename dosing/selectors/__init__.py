"""Reads of this room. Row level security has already hidden other sites."""

from dosing.selectors.creation import Creation, creation
from dosing.selectors.doses import Totals, current_doses, dose_totals
from dosing.selectors.phases import (
    course_of,
    high_dex_mg,
    phases,
    planned_doses,
    planned_end_on,
    planned_visits,
    site_day,
    uses_unconfirmed_dose,
)
from dosing.selectors.proposals import (
    DECISION_RECORD,
    being_evaluated_since,
    broken_decisions,
    decisions,
    evaluation_failure,
    open_discrepancies,
    pending_proposal,
    pending_proposals,
    signatures_of,
    standing_signature,
    why_not_evaluated,
)

__all__ = [
    "DECISION_RECORD",
    "Creation",
    "Totals",
    "being_evaluated_since",
    "broken_decisions",
    "course_of",
    "creation",
    "current_doses",
    "decisions",
    "dose_totals",
    "evaluation_failure",
    "high_dex_mg",
    "open_discrepancies",
    "pending_proposal",
    "pending_proposals",
    "phases",
    "planned_doses",
    "planned_end_on",
    "planned_visits",
    "signatures_of",
    "site_day",
    "standing_signature",
    "uses_unconfirmed_dose",
    "why_not_evaluated",
]
