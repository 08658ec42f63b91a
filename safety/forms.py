"""Forms of this room."""

from __future__ import annotations

from uuid import uuid4

from django import forms

from safety.services import Medication
from safety.services.grades import JUDGEMENTS
from trialsite.days import DayField


class MedicationForm(forms.Form):
    """One medication. The last day stays empty while it is taken."""

    name = forms.CharField(
        label="Medication", max_length=120, error_messages={"required": "Enter the name of the medication."}
    )
    indication = forms.CharField(label="Given for", max_length=200, error_messages={"required": "Say what it is for."})
    started_on = DayField(label="First day", words="Enter the first day.")
    ended_on = DayField(label="Last day", required=False, help_text="Leave it empty while it is taken.")
    is_anti_myeloma = forms.BooleanField(
        label="Other anti-myeloma therapy",
        required=False,
        help_text="Tick this for any treatment of the myeloma that is not part of the trial. "
        "Responses after its first day no longer count.",
    )
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def medication(self) -> Medication:
        data = self.cleaned_data
        return Medication(
            name=data["name"],
            indication=data["indication"],
            started_on=data["started_on"],
            ended_on=data["ended_on"],
            is_anti_myeloma=data["is_anti_myeloma"],
        )


class EndMedicationForm(forms.Form):
    ended_on = DayField(label="Last day", words="Enter the last day.")


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
