"""Forms of this room. They read what was typed; the services judge it."""

from __future__ import annotations

from typing import Any

from django import forms

from followup.models import Departure, FollowUpContact
from followup.services import Contact, Ending, Leaving
from followup.vocabulary import END_REASON_WORDS, METHODS, PUBLIC_RECORDS, EndReason
from trialsite.days import DayField
from trialsite.submissions import TokenField

#: Scope of a withdrawal: the first is an end of treatment, the others end what is collected.
TREATMENT, VISITS, EVERYTHING = "treatment", "visits", "everything"
SCOPES = (
    (TREATMENT, "Study treatment only: visits go on, an investigator signs the end of treatment"),
    (VISITS, "Treatment, visits and samples: public records may still be followed"),
    (EVERYTHING, "Everything: nothing more is collected"),
)
YES_NO = [("yes", "Yes"), ("no", "No")]


def _yes(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value)


class TokenForm(forms.Form):
    """A form whose second submission finds the outcome of the first."""

    token = TokenField()


class EndingForm(TokenForm):
    """End of treatment, signed in the same form."""

    last_dose_on = DayField(label="Last dose", words="Enter the date of the last dose.")
    reason = forms.ChoiceField(label="Reason", error_messages={"required": "Choose the reason."})
    detail = forms.CharField(
        label="Details", max_length=500, required=False, help_text="Needed for another reason.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(self, *args: Any, reasons: tuple[EndReason, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("", "Choose a reason"), *((one.value, END_REASON_WORDS[one]) for one in reasons)]
        self.fields["reason"].choices = offered  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("reason") == EndReason.OTHER and not data.get("detail"):
            self.add_error("detail", "Describe the other reason.")
        return data

    def ending(self) -> Ending:
        data = self.cleaned_data
        return Ending(data["last_dose_on"], EndReason(data["reason"]), data["detail"])


class DepartureForm(TokenForm):
    """Leaving the study. What else is asked depends on the kind; without scripting all of it is shown."""

    #: Questions that belong to one kind of departure.
    OF_KIND = {
        "scope": Departure.Kind.WITHDRAWN.value,
        "death_due_to_progression": Departure.Kind.DEAD.value,
    }

    kind = forms.ChoiceField(
        label="What happened", widget=forms.RadioSelect, error_messages={"required": "Choose what happened."}
    )
    on = DayField(label="Date", words="Enter the date.", help_text="Of the withdrawal, the loss, the death.")
    last_dose_on = DayField(label="Last dose of study treatment", words="Enter the date of the last dose.")
    scope = forms.ChoiceField(
        label="Withdrawal: from what?", choices=SCOPES, widget=forms.RadioSelect,
        help_text="What was collected before stays.",
        error_messages={"required": "Say what consent was withdrawn from."},
    )  # fmt: skip
    death_due_to_progression = forms.ChoiceField(
        label="Death: was it due to progression?", choices=YES_NO, widget=forms.RadioSelect,
        error_messages={"required": "Say whether progression caused it."},
    )  # fmt: skip
    progression_before_treatment = forms.BooleanField(
        label="Off study before the first dose: the myeloma progressed", required=False
    )
    reason = forms.CharField(
        label="In words", max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what happened."},
    )  # fmt: skip

    def __init__(self, *args: Any, kinds: tuple[Departure.Kind, ...], is_treated: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(one.value, one.label) for one in kinds]  # type: ignore[attr-defined]
        asked = {
            "last_dose_on": is_treated,
            "scope": Departure.Kind.WITHDRAWN in kinds,
            "death_due_to_progression": Departure.Kind.DEAD in kinds,
            "progression_before_treatment": Departure.Kind.OFF_STUDY in kinds,
        }
        for name, is_asked in asked.items():
            if not is_asked:
                del self.fields[name]
        if "scope" in self.fields and not is_treated:
            self.fields["scope"].choices = SCOPES[1:]  # type: ignore[attr-defined]
        # What belongs to another kind is not asked for; an empty form marks nothing as optional.
        for name, kind in self.OF_KIND.items():
            if name in self.fields:
                self.fields[name].required = not self.is_bound or self.data.get("kind") == kind

    def asks_to_end_treatment(self) -> bool:
        """True if only study treatment is withdrawn: the subject stays in the study."""
        return (
            self.is_bound
            and "scope" in self.fields
            and self.data.get("kind") == Departure.Kind.WITHDRAWN
            and self.data.get("scope") == TREATMENT
            and "last_dose_on" in self.fields
        )

    def leaving(self) -> Leaving:
        data = self.cleaned_data
        return Leaving(
            kind=Departure.Kind(data["kind"]),
            on=data["on"],
            reason=data["reason"],
            last_dose_on=data.get("last_dose_on"),
            progression_before_treatment=bool(data.get("progression_before_treatment")),
            death_due_to_progression=_yes(data.get("death_due_to_progression", "")),
            passive_follow_up_allowed=data["scope"] == VISITS if data.get("scope") else None,
        )


#: What most contacts bring; one press answers so.
UNCHANGED = {
    "outcome": FollowUpContact.Outcome.REACHED.value, "alive": "yes", "progressed": "no", "progressed_on": "",
    "new_therapy": "", "new_therapy_on": "",
}  # fmt: skip


class ContactForm(TokenForm):
    """One attempt to reach the subject. What was learned counts only where somebody was reached."""

    visit_code = forms.CharField(widget=forms.HiddenInput, max_length=6)
    contacted_on = DayField(label="Date of the contact or attempt", words="Enter the date.")
    method = forms.ChoiceField(label="How", choices=list(METHODS.items()))
    outcome = forms.ChoiceField(
        label="Result", choices=FollowUpContact.Outcome.choices, widget=forms.RadioSelect,
        error_messages={"required": "Say whether somebody was reached."},
    )  # fmt: skip
    alive = forms.ChoiceField(
        label="Alive", choices=YES_NO, widget=forms.RadioSelect,
        error_messages={"required": "Say whether the subject is alive."},
    )  # fmt: skip
    progressed = forms.ChoiceField(
        label="Myeloma progressed", choices=YES_NO, widget=forms.RadioSelect,
        error_messages={"required": "Say whether the myeloma has progressed."},
    )  # fmt: skip
    progressed_on = DayField(label="Date of progression", required=False, help_text="If it progressed.")
    new_therapy = forms.CharField(label="New anti-myeloma therapy", max_length=120, required=False)
    new_therapy_on = DayField(label="First day of that therapy", required=False, help_text="If there is one.")
    second_malignancy = forms.CharField(label="Second malignancy", max_length=120, required=False)
    comment = forms.CharField(label="Comment", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    date_confirmed = forms.BooleanField(label="A date outside the window is what the source says", required=False)

    def __init__(self, *args: Any, only_records: object = False, **kwargs: Any) -> None:
        """only_records: the subject left and is not contacted; public records are all that is read."""
        super().__init__(*args, **kwargs)
        if only_records:
            self.fields["method"].choices = [(PUBLIC_RECORDS, METHODS[PUBLIC_RECORDS])]  # type: ignore[attr-defined]
        not_reached = self.data.get("outcome") == FollowUpContact.Outcome.NOT_REACHED
        self.fields["alive"].required = not not_reached
        self.fields["progressed"].required = not not_reached and self.data.get("alive") != "no"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("outcome") == FollowUpContact.Outcome.REACHED:
            self._check_learned(data)
        return data

    def _check_learned(self, data: dict[str, Any]) -> None:
        for name, wanted, words in (
            ("progressed_on", data.get("progressed") == "yes", "Enter the date of progression."),
            ("new_therapy_on", bool(data.get("new_therapy")), "Enter the first day of the therapy."),
            ("new_therapy", bool(data.get("new_therapy_on")), "Enter the name of the therapy."),
        ):
            if wanted and name not in self.errors and not data.get(name):
                self.add_error(name, words)

    def contact(self) -> Contact:
        data = self.cleaned_data
        return Contact(
            visit_code=data["visit_code"],
            contacted_on=data["contacted_on"],
            outcome=FollowUpContact.Outcome(data["outcome"]),
            method=data["method"],
            alive=_yes(data["alive"]),
            progressed=_yes(data["progressed"]),
            progressed_on=data["progressed_on"],
            new_therapy=data["new_therapy"],
            new_therapy_on=data["new_therapy_on"],
            second_malignancy=data["second_malignancy"],
            comment=data["comment"],
            date_confirmed=data["date_confirmed"],
        )


class ReasonForm(forms.Form):
    """Why something is wrong, or will not take place."""

    reason = forms.CharField(label="Why", max_length=300, error_messages={"required": "Say why."})


class CasebookForm(TokenForm):
    """A signature under one casebook: the digest of what was shown."""

    shown = forms.CharField(widget=forms.HiddenInput)


class BatchForm(TokenForm):
    """A signature under several casebooks: subject's key -> digest of what was shown, as JSON."""

    shown = forms.JSONField(widget=forms.HiddenInput)

    def clean_shown(self) -> dict[str, str]:
        given = self.cleaned_data["shown"]
        if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
            raise forms.ValidationError("The list of casebooks cannot be read. Open the page again.")
        return given
