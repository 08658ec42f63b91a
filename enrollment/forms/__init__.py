"""Forms of screening, eligibility and registration."""

from enrollment.forms.checklist import ChecklistForm, FailureForm, RulingForm, SignForm, WaiverForm
from enrollment.forms.consent import (
    BOXES,
    CorrectConsentForm,
    FormVersionForm,
    IdentityForm,
    ReconsentForm,
    ScreenForm,
    SubjectInErrorForm,
    TakeBackForm,
    TokenForm,
    offer,
)

__all__ = [
    "BOXES",
    "ChecklistForm",
    "CorrectConsentForm",
    "FailureForm",
    "FormVersionForm",
    "IdentityForm",
    "ReconsentForm",
    "RulingForm",
    "ScreenForm",
    "SignForm",
    "SubjectInErrorForm",
    "TakeBackForm",
    "TokenForm",
    "WaiverForm",
    "offer",
]
