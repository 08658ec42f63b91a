"""The only writer of this room, by noun. Every function is one use case in one transaction."""

from dosing.services.decisions import (
    Verdict,
    ask_for_data,
    reaffirm_decision,
    sign_phase_decision,
    sign_response,
    withdraw_signature,
)
from dosing.services.discrepancies import resolve_discrepancy
from dosing.services.doses import DoseEntry, Filled, record_day, record_doses, undo_doses
from dosing.services.parameters import confirm_parameter, withdraw_confirmation
from dosing.services.proposals import reevaluate_subject
from dosing.services.treatment import start_treatment
from dosing.services.versions import activate_protocol, withdraw_activation

__all__ = [
    "DoseEntry",
    "Filled",
    "Verdict",
    "activate_protocol",
    "ask_for_data",
    "confirm_parameter",
    "reaffirm_decision",
    "record_day",
    "record_doses",
    "reevaluate_subject",
    "resolve_discrepancy",
    "sign_phase_decision",
    "sign_response",
    "start_treatment",
    "undo_doses",
    "withdraw_activation",
    "withdraw_confirmation",
    "withdraw_signature",
]
