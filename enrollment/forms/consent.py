"""Forms of consent: screening starts with it, it is given again, corrected, and has versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from enrollment.evidence import ADULT
from enrollment.models import Consent, ConsentForm
from enrollment.questions import YES
from enrollment.services import ConsentGiven, FormVersion, Identity, Screening
from protocol.versions import VERSIONS
from trialsite.days import DayField, in_words, tell_today
from trialsite.models import Sex, Site, User
from trialsite.submissions import TokenField


def radios(label: str, choices: Sequence[tuple[str, str]], words: str, *, required: bool = True) -> forms.ChoiceField:
    """A question that offers a few answers side by side; `words` ask for the missing answer."""
    return forms.ChoiceField(
        label=label,
        choices=choices,
        widget=forms.RadioSelect,
        required=required,
        error_messages={"required": words, "invalid_choice": "Choose one of the answers."},
    )


class TokenForm(forms.Form):
    """A form that is stored once, however often it is sent."""

    token = TokenField()


def _day_of_consent() -> DayField:
    return DayField(label="Date of consent", words="Enter the date of consent.")


def _time_of_consent() -> forms.TimeField:
    return forms.TimeField(
        label="Time of consent",
        help_text="At the site, for example 14:30.",
        input_formats=["%H:%M", "%H.%M", "%H%M"],
        error_messages={"required": "Enter the time of consent.", "invalid": "Enter a time such as 14:30."},
        widget=forms.TimeInput(format="%H:%M", attrs={"autocomplete": "off"}),
    )


def _version() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Version of the consent form",
        help_text="As printed on the form that was signed.",
        error_messages={
            "required": "Choose the version that is printed on the form.",
            "invalid_choice": "Choose one of the versions.",
        },
    )


def _signer() -> forms.ChoiceField:
    return radios("Who signed?", Consent.Signer.choices, "Choose who signed.")


def _obtained_by() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Consent obtained by",
        help_text="Who explained the form and signed it.",
        error_messages={
            "required": "Choose who obtained consent.",
            "invalid_choice": "Choose one of the people of the site.",
        },
    )


def offer(form: forms.Form, versions: Sequence[ConsentForm], staff: Sequence[User]) -> None:
    """The versions and the people that a consent form can name, the version in force first."""
    listed = {one.version: f"{one.version}, in force from {in_words(one.effective_on)}" for one in reversed(versions)}
    form.fields["form_version"].choices = list(listed.items())  # type: ignore[attr-defined]
    form.fields["obtained_by"].choices = [(str(one.pk), one.printed_name) for one in staff]  # type: ignore[attr-defined]


def _given(given: Mapping[str, Any]) -> ConsentGiven:
    return ConsentGiven(
        form_version=given["form_version"],
        consented_on=given["consented_on"],
        consented_time=given["consented_time"],
        signed_by=given["signed_by"],
        obtained_by_id=int(given["obtained_by"]),
    )


def _birth_year() -> forms.IntegerField:
    return forms.IntegerField(
        label="Year of birth",
        help_text="Four digits; no date of birth.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": "Enter the year of birth.", "invalid": "Enter four digits, for example 1958."},
    )


def _is_adult() -> forms.ChoiceField:
    return radios(f"{ADULT} or older on the day of consent?", ((YES, "Yes"), ("no", "No")), "Answer yes or no.")


def _sex() -> forms.ChoiceField:
    return radios("Sex", Sex.choices, "Choose female or male.")


class ScreenForm(TokenForm):
    """What is asked when a person consents."""

    site = forms.ChoiceField(label="Site", error_messages={"required": "Choose a site."})
    consented_on = _day_of_consent()
    consented_time = _time_of_consent()
    form_version = _version()
    obtained_by = _obtained_by()
    signed_by = _signer()
    birth_year = _birth_year()
    is_adult = _is_adult()
    sex = _sex()
    another_person_because = forms.CharField(
        label="Why is this another person?",
        max_length=300,
        required=False,
        help_text="In a sentence, without a name. Kept with the consent.",
    )

    def __init__(self, *args: Any, sites: Sequence[tuple[Site, str]], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(site.pk), f"{site} (next number {number})") for site, number in sites]
        self.fields["site"].choices = choices  # type: ignore[attr-defined]
        tell_today(self, today)

    def screening(self) -> Screening:
        given = self.cleaned_data
        return Screening(
            consented_on=given["consented_on"],
            consented_time=given["consented_time"],
            form_version=given["form_version"],
            birth_year=given["birth_year"],
            is_adult=given["is_adult"] == YES,
            sex=given["sex"],
            signed_by=given["signed_by"],
            obtained_by_id=int(given["obtained_by"]),
        )


class ReconsentForm(TokenForm):
    """Consent to a newer version of the form."""

    consented_on = _day_of_consent()
    consented_time = _time_of_consent()
    form_version = _version()
    obtained_by = _obtained_by()
    signed_by = _signer()

    def given(self) -> ConsentGiven:
        return _given(self.cleaned_data)


class CorrectConsentForm(forms.Form):
    """One consent as it should have been entered, and why it changes."""

    consented_on = _day_of_consent()
    consented_time = _time_of_consent()
    form_version = _version()
    obtained_by = _obtained_by()
    signed_by = _signer()
    reason = forms.CharField(
        label="Reason for the correction",
        max_length=300,
        error_messages={"required": "Say why the consent is corrected."},
    )

    def given(self) -> ConsentGiven:
        return _given(self.cleaned_data)

    def answers(self) -> dict[str, Any]:
        """The same by name; what cannot be read is None."""
        given = self.cleaned_data
        person = given.get("obtained_by")
        plain = {name: given.get(name) for name in BOXES if name != "obtained_by_id"}
        return {**plain, "obtained_by_id": int(person) if person else None}


#: Answer of a consent -> the box that it stands in.
BOXES = {
    **{name: (name,) for name in ("form_version", "consented_on", "consented_time", "signed_by")},
    "obtained_by_id": ("obtained_by",),
}


class IdentityForm(forms.Form):
    """Year of birth, sex and the statement of age as they should have been entered."""

    birth_year = _birth_year()
    is_adult = _is_adult()
    sex = _sex()
    reason = forms.CharField(
        label="Reason for the correction",
        max_length=300,
        error_messages={"required": "Say why this is corrected."},
    )

    def identity(self) -> Identity:
        given = self.cleaned_data
        return Identity(given["birth_year"], given["sex"], given["is_adult"] == YES)


class SubjectInErrorForm(forms.Form):
    """The whole subject was entered in error."""

    error_reason = forms.CharField(
        label="Why was this subject entered in error?",
        max_length=300,
        help_text="For example: screened twice, the other number is 01-S007.",
        error_messages={"required": "Say why this subject was entered in error."},
    )


class FormVersionForm(forms.Form):
    """A version of the consent form, at one site or several."""

    site = forms.MultipleChoiceField(
        label="Sites",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick the sites that use this version."},
    )
    version = forms.CharField(
        label="Version",
        max_length=20,
        help_text="As printed on the form.",
        error_messages={"required": "Enter the version that is printed on the form."},
    )
    approved_on = DayField(label="Approved on", words="Enter the date of the approval.")
    effective_on = DayField(
        label="In force from", words="Enter the first day of use.", help_text="First day on which the sites use it."
    )
    needs_reconsent = radios(
        "Do subjects who signed an older version sign again?", ((YES, "Yes"), ("no", "No")), "Answer yes or no."
    )
    protocol_version = forms.ChoiceField(
        label="Protocol version",
        required=False,
        help_text="Only if consent to this form agrees to an amendment: who signs is judged by it from then on.",
        choices=[("", "Unchanged"), *((one, one) for one in VERSIONS)],
    )
    changes = forms.CharField(
        label="What is new",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say in a sentence what is new."},
    )

    def __init__(self, *args: Any, sites: Sequence[Site], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(str(site.pk), str(site)) for site in sites]  # type: ignore[attr-defined]
        tell_today(self, today)

    def new(self) -> FormVersion:
        given = self.cleaned_data
        return FormVersion(
            version=given["version"].strip(),
            approved_on=given["approved_on"],
            effective_on=given["effective_on"],
            needs_reconsent=given["needs_reconsent"] == YES,
            changes=given["changes"].strip(),
            protocol_version=given["protocol_version"],
        )


class TakeBackForm(forms.Form):
    """Why a version was listed in error."""

    reason = forms.CharField(
        label="Why was it listed in error?",
        max_length=300,
        error_messages={"required": "Say why this version was listed in error."},
    )
