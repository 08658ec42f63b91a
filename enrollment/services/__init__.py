"""Screening, eligibility and registration: the only writer of enrollment."""

from enrollment.services.eligibility import Answer, record_screening_answers, send_eligibility, sign_eligibility
from enrollment.services.registration import Cause, record_screen_failure, register_subject
from enrollment.services.screening import PossibleDuplicate, Screening, screen_subject

__all__ = [
    "Answer",
    "Cause",
    "PossibleDuplicate",
    "Screening",
    "record_screen_failure",
    "record_screening_answers",
    "register_subject",
    "screen_subject",
    "send_eligibility",
    "sign_eligibility",
]
