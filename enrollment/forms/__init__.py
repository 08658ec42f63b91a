"""Forms of screening, eligibility and registration."""

from enrollment.forms.checklist import ChecklistForm, FailureForm, RulingForm, SignForm, WaiverForm
from enrollment.forms.consent import (
    CorrectConsentForm,
    FormVersionForm,
    ReconsentForm,
    ScreenForm,
    TakeBackForm,
    TokenForm,
    offer,
)

__all__ = [
    "ChecklistForm",
    "CorrectConsentForm",
    "FailureForm",
    "FormVersionForm",
    "ReconsentForm",
    "RulingForm",
    "ScreenForm",
    "SignForm",
    "TakeBackForm",
    "TokenForm",
    "WaiverForm",
    "offer",
]
