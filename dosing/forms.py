"""Forms of this room. They read what was typed; the services judge it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from dosing.services.modifications import Order
from dosing.vocabulary import DRUG_WORDS
from protocol.vocabulary import DoseAction, DoseStatus, Drug
from trialsite.days import DayField, tell_today
from trialsite.submissions import TokenField

#: The three states of a dose as radios, in the values that the calendar's keys T, M and H press.
STATUS_CHOICES = [(status.value.lower(), status.value.capitalize()) for status in DoseStatus]
OTHER = "Other"
ON_INSTRUCTION = "On instruction of the investigator"
REASONS = (
    "Ran out of supply",
    "Forgot",
    "Adverse event",
    ON_INSTRUCTION,
    "Intercurrent illness",
    "Travel",
    OTHER,
)
REASON_CHOICES = [("", "Choose a reason"), *((reason, reason) for reason in REASONS)]


class TokenForm(forms.Form):
    """A form whose second submission finds the outcome of the first."""

    token = TokenField()


class FirstDoseForm(TokenForm):
    """The first anakinra dose, which is Day 1."""

    first_dose_on = DayField(label="First dose of anakinra given on", words="Enter the date of the first dose.")
    confirmed = forms.BooleanField(
        label="If this is more than 14 days after registration: the date is what the source says", required=False
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tell_today(self, today)


def _reason_of(cleaned: dict[str, Any], prefix: str) -> str:
    """The reason chosen, with what was typed beside it."""
    chosen, detail = str(cleaned.get(f"{prefix}reason") or ""), str(cleaned.get(f"{prefix}detail") or "").strip()
    if chosen in {"", OTHER}:
        return detail
    return f"{chosen}: {detail}" if detail else chosen


class DayForm(forms.Form):
    """What happened with each drug that is planned on one day."""

    day = forms.DateField(widget=forms.HiddenInput)
    change_reason = forms.CharField(label="Why, if you change the record", max_length=300)

    def __init__(self, *args: Any, drugs: tuple[Drug, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drugs = drugs
        self.fields["change_reason"].required = not self.is_bound
        for drug in drugs:
            self.fields[drug.value] = forms.ChoiceField(
                label=DRUG_WORDS[drug], choices=STATUS_CHOICES, widget=forms.RadioSelect, required=False
            )
            # Nothing looks optional before an answer is given; afterwards `clean` asks for what the answer needs.
            self.fields[f"{drug.value}_reason"] = forms.ChoiceField(
                label="Reason missed or held", choices=REASON_CHOICES, required=not self.is_bound
            )
            self.fields[f"{drug.value}_detail"] = forms.CharField(label="Details", required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for drug in self.drugs:
            if cleaned.get(drug.value) in {"missed", "held"} and not self.reason(drug):
                self.add_error(f"{drug.value}_reason", f"Say why {drug.value} was {cleaned[drug.value]}.")
        if not any(cleaned.get(drug.value) for drug in self.drugs) and not self.errors:
            raise forms.ValidationError("Choose taken, missed or held.")
        return cleaned

    def reason(self, drug: Drug) -> str:
        return _reason_of(self.cleaned_data, f"{drug.value}_")

    def answered(self) -> list[tuple[Drug, DoseStatus, str]]:
        """Drugs with an answer; a reason only where the dose was missed or held."""
        found = [(drug, self.cleaned_data.get(drug.value)) for drug in self.drugs]
        statuses = [(drug, DoseStatus(str(value).upper())) for drug, value in found if value]
        return [(drug, status, "" if status is DoseStatus.TAKEN else self.reason(drug)) for drug, status in statuses]


class RangeForm(forms.Form):
    """One drug over a range of days."""

    drug = forms.ChoiceField(label="Drug", choices=[(drug.value, DRUG_WORDS[drug]) for drug in Drug])
    first_on = DayField(label="From", words="Enter the first day.", help_text="")
    last_on = DayField(label="To", words="Enter the last day.", help_text="")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tell_today(self, today)


class FillForm(RangeForm):
    """Record a range of days at once; days recorded before stay as they are."""

    status = forms.ChoiceField(
        label="Each day", choices=STATUS_CHOICES, widget=forms.RadioSelect, initial="taken",
        error_messages={"required": "Choose taken, missed or held."},
    )  # fmt: skip
    reason = forms.ChoiceField(label="Reason, if missed or held", choices=REASON_CHOICES)
    detail = forms.CharField(label="Details", required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not self.is_bound

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("status") in {"missed", "held"} and not _reason_of(cleaned, ""):
            self.add_error("reason", f"Say why the doses were {cleaned['status']}.")
        return cleaned

    @property
    def dose_status(self) -> DoseStatus:
        return DoseStatus(str(self.cleaned_data["status"]).upper())

    @property
    def reason_given(self) -> str:
        return "" if self.dose_status is DoseStatus.TAKEN else _reason_of(self.cleaned_data, "")


class OrderForm(TokenForm):
    """An order to hold, reduce or stop a drug."""

    drug = forms.ChoiceField(label="Drug", choices=[(drug.value, DRUG_WORDS[drug]) for drug in Drug])
    order_action = forms.ChoiceField(
        label="Order", choices=[(action.value, action.value.capitalize()) for action in DoseAction],
        widget=forms.RadioSelect, error_messages={"required": "Choose hold, reduce or stop."},
    )  # fmt: skip
    mg = forms.DecimalField(
        label="Reduced dose, mg",
        required=False,
        max_digits=7,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Only for a reduction.",
        error_messages={"invalid": "Enter a number, for example 12."},
    )
    starts_on = DayField(label="From", words="Enter the first day.", help_text="")
    ends_on = DayField(label="To", required=False, help_text="")
    why = forms.CharField(
        label="Why", max_length=300, error_messages={"required": "Say why the drug is held, reduced or stopped."}
    )
    event = forms.IntegerField(
        label="Adverse event",
        required=False,
        min_value=1,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text="Number of the event that this order answers, if it is one.",
        error_messages={"invalid": "Enter the number of the event, for example 3."},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("order_action") == DoseAction.REDUCE and cleaned.get("mg") is None and "mg" not in self.errors:
            self.add_error("mg", "Enter the reduced dose in mg.")
        return cleaned

    @property
    def order(self) -> Order:
        data = self.cleaned_data
        action = DoseAction(data["order_action"])
        mg = data["mg"] if action is DoseAction.REDUCE else None
        return Order(Drug(data["drug"]), action, data["starts_on"], data["why"], data["ends_on"], mg, data["event"])


class EndOrderForm(forms.Form):
    """The last day of an order."""

    modification_id = forms.IntegerField(widget=forms.HiddenInput)
    ends_on = DayField(label="Last day of the order", words="Enter the last day.")


class WrongOrderForm(forms.Form):
    """Why an order was entered wrongly."""

    modification_id = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Why this entry is wrong", max_length=300, error_messages={"required": "Say why this entry is wrong."}
    )


class UndoForm(RangeForm):
    """Take back what was recorded, with a reason."""

    why = forms.CharField(label="Why the record is taken back", max_length=300, error_messages={"required": "Say why."})
