"""Forms of screening, eligibility and registration."""

from enrollment.forms.checklist import ChecklistForm, FailureForm, SignForm
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
    "ScreenForm",
    "SignForm",
    "TakeBackForm",
    "TokenForm",
    "offer",
]
