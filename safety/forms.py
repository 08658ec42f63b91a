"""Forms of this room."""

from __future__ import annotations

from django import forms

from protocol.vocabulary import Route
from safety.services import Medication
from safety.services.grades import JUDGEMENTS
from safety.vocabulary import ROUTES
from trialsite.partial_dates import HINT, PartialDayField
from trialsite.submissions import TokenField


class MedicationForm(forms.Form):
    """One medication. The last day stays empty while it is taken."""

    name = forms.CharField(
        label="Medication", max_length=120, error_messages={"required": "Enter the name of the medication."}
    )
    indication = forms.CharField(label="Given for", max_length=200, error_messages={"required": "Say what it is for."})
    route = forms.ChoiceField(
        label="How it is given",
        choices=[("", "Choose"), *ROUTES],
        error_messages={"required": "Say how it is given."},
    )
    started = PartialDayField(label="First day", words="Enter the first day; a year is enough where no more is known.")
    stopped = PartialDayField(label="Last day", required=False, help_text=f"Leave it empty while it is taken. {HINT}")
    is_anti_myeloma = forms.BooleanField(
        label="Other anti-myeloma therapy",
        required=False,
        help_text="Tick this for any treatment of the myeloma since consent that is not part of the trial. "
        "Responses after its first day no longer count.",
    )
    token = TokenField()

    def medication(self) -> Medication:
        data = self.cleaned_data
        return Medication(
            name=data["name"],
            indication=data["indication"],
            route=Route(data["route"]),
            started=data["started"],
            stopped=data["stopped"],
            is_anti_myeloma=data["is_anti_myeloma"],
        )


class EndMedicationForm(forms.Form):
    stopped = PartialDayField(label="Last day", words="Enter the last day; a year is enough where no more is known.")


class InErrorForm(forms.Form):
    reason = forms.CharField(
        label="Why this entry is wrong", max_length=300, error_messages={"required": "Say why this entry is wrong."}
    )


class JudgementForm(forms.Form):
    """Why a judgement is taken back: of which kind of record, and which one."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in JUDGEMENTS], widget=forms.HiddenInput)
    judgement = forms.IntegerField(widget=forms.HiddenInput)
    why = forms.CharField(
        label="Why it is judged anew",
        max_length=300,
        error_messages={"required": "Say why you take the judgement back."},
    )
