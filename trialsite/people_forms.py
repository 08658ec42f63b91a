"""Forms about persons, sites and passwords."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator

from protocol.versions import VERSIONS
from trialsite.days import DayField
from trialsite.models import Role, Site, User

_REASON = "Kept in the audit trail."
_ZONES = [(zone, zone) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]


class SiteForm(forms.Form):
    """A new site."""

    code = forms.CharField(
        label="Number",
        max_length=2,
        help_text="Two digits. Subject numbers begin with it, and it never changes.",
        validators=[RegexValidator(r"^[0-9]{2}$", "Enter two digits, for example 04.")],
        error_messages={"required": "Enter two digits, for example 04."},
    )
    name = forms.CharField(label="Name", max_length=200, error_messages={"required": "Enter the site's name."})
    time_zone = forms.ChoiceField(label="Time zone", choices=_ZONES, initial="UTC")
    phone = forms.CharField(
        label="Telephone", max_length=40, required=False, help_text="Printed for subjects on the dosing sheet."
    )
    opened_on = DayField(label="Open since", words="Enter the day on which the site opened.")


class SiteChangeForm(forms.Form):
    """What can change at a site; its number stays."""

    name = forms.CharField(label="Name", max_length=200, error_messages={"required": "Enter the site's name."})
    time_zone = forms.ChoiceField(label="Time zone", choices=_ZONES)
    phone = forms.CharField(label="Telephone", max_length=40, required=False)
    closed_on = DayField(label="Closed since", required=False)
    reason = forms.CharField(
        label="Reason for the change",
        max_length=300,
        help_text=_REASON,
        error_messages={"required": "Say why this changes."},
    )


class InviteForm(forms.Form):
    """A named person who gets an account."""

    printed_name = forms.CharField(
        label="Name",
        max_length=200,
        help_text="As it will be printed under signatures.",
        error_messages={"required": "Enter the person's name."},
    )
    username = forms.CharField(
        label="User name",
        max_length=150,
        help_text="Small letters, digits, dots and dashes. It is never given to anybody else.",
        validators=[RegexValidator(r"^[a-z0-9.-]+$", "Use small letters, digits, dots and dashes only.")],
        error_messages={"required": "Enter a user name."},
    )
    email = forms.EmailField(
        label="E-mail address",
        error_messages={
            "required": "Enter an e-mail address.",
            "invalid": "Enter a whole address.",
        },
    )


class DelegationForm(forms.Form):
    """One line of the delegation log."""

    site = forms.ModelChoiceField(
        label="Site", queryset=Site.objects.none(), error_messages={"required": "Choose a site."}
    )
    role = forms.ChoiceField(label="Role", choices=Role.choices)
    starts_on = DayField(label="From", words="Enter the first day.")
    ends_on = DayField(label="Last day", required=False, help_text="Leave empty while it goes on.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.filter(closed_on=None)  # type: ignore[attr-defined]


class TrainingForm(forms.Form):
    """A person was trained in a protocol version."""

    protocol_version = forms.ChoiceField(label="Protocol version", choices=[(one, one) for one in VERSIONS])
    trained_on = DayField(label="Trained on", words="Enter the day of the training.")
    evidence = forms.CharField(
        label="Evidence",
        max_length=300,
        help_text="The certificate or attendance list, and where it is filed.",
        error_messages={"required": "Say which document shows the training, and where it is filed."},
    )


class EndForm(forms.Form):
    """The end of a line of the delegation log."""

    ends_on = DayField(label="Last day", words="Enter the last day.")
    reason = forms.CharField(
        label="Reason", max_length=300, help_text=_REASON, error_messages={"required": "Say why it ends."}
    )


class SigningRightsForm(forms.Form):
    """What stands before a person may sign."""

    identity_verified_on = DayField(
        label="Identity verified on",
        words="Enter the day on which the identity was verified.",
        help_text="By a government-issued document, seen by an administrator.",
    )
    certified_on = DayField(
        label="Certification recorded on",
        words="Enter the date of the letter to the agency.",
        help_text="Date of the letter that tells the agency that electronic signatures of this person are binding.",
    )


class ReasonForm(forms.Form):
    """A reason and nothing else."""

    reason = forms.CharField(label="Reason", max_length=300, help_text=_REASON, error_messages={"required": "Say why."})


def _password(label: str, autocomplete: str, words: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        error_messages={"required": words},
    )


class PasswordForm(forms.Form):
    """A new password, typed twice, for one known person."""

    password = _password(
        "New password",
        "new-password",
        "Enter a password.",
        "At least 14 characters; a few unrelated words are best. Any character is allowed, and pasting too.",
    )
    again = _password("The same once more", "new-password", "Enter the password a second time.")

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password

    def clean(self) -> dict[str, Any]:
        both = {"password", "again"} <= self.cleaned_data.keys()
        if both and self.cleaned_data["password"] != self.cleaned_data["again"]:
            self.add_error("again", "The two are not the same.")
        return self.cleaned_data


class ChangePasswordForm(PasswordForm):
    """The same, after the present password."""

    present = _password("Present password", "current-password", "Enter your present password.")
    field_order = ("present", "password", "again")


def _code(label: str, words: str, help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code"})
    return forms.CharField(
        label=label, max_length=16, help_text=help_text, widget=widget, error_messages={"required": words}
    )


class EnrolForm(forms.Form):
    """The first code of a new authenticator app, and the password."""

    code = _code("Code that the app shows", "Enter the six digits that the app shows.", "Six digits.")
    password = _password("Your password", "current-password", "Enter your password.")


class CodeForm(forms.Form):
    """The second step of signing in."""

    code = _code(
        "Code",
        "Enter the code that your authenticator app shows, or a recovery code.",
        "Six digits of your authenticator app, or one of your recovery codes.",
    )


class FactorForm(CodeForm):
    """Proof of both factors before one of them changes."""

    password = _password("Your password", "current-password", "Enter your password.")
