"""Screening, eligibility and registration: the only writer of enrollment."""

from enrollment.services.answers import Answer
from enrollment.services.consent_forms import FormVersion, add_consent_form, take_back_consent_form
from enrollment.services.consents import ConsentGiven, correct_consent, record_reconsent
from enrollment.services.contradictions import ask_about_contradictions
from enrollment.services.eligibility import (
    record_screening_answers,
    send_eligibility,
    sign_eligibility,
    withdraw_eligibility,
)
from enrollment.services.identity import Identity, correct_identity, identity_of, mark_subject_in_error
from enrollment.services.registration import Cause, record_screen_failure, register_subject
from enrollment.services.screening import PossibleDuplicate, Screening, screen_subject
from enrollment.services.waivers import Ruling, decide_waiver, request_waiver, withdraw_waiver_decision

__all__ = [
    "Answer",
    "Cause",
    "ConsentGiven",
    "FormVersion",
    "Identity",
    "PossibleDuplicate",
    "Ruling",
    "Screening",
    "add_consent_form",
    "ask_about_contradictions",
    "correct_consent",
    "correct_identity",
    "decide_waiver",
    "identity_of",
    "mark_subject_in_error",
    "record_reconsent",
    "record_screen_failure",
    "record_screening_answers",
    "register_subject",
    "request_waiver",
    "screen_subject",
    "send_eligibility",
    "sign_eligibility",
    "take_back_consent_form",
    "withdraw_eligibility",
    "withdraw_waiver_decision",
]
