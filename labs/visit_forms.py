"""The form of a visit's own facts: its date, and what is measured at the bedside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from labs.forms import GAP_REASONS, choices_of
from labs.services import VisitFacts
from trialsite.days import DayField
from trialsite.models import Query, Visit


def _whole(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        max_value=999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "Enter a whole number.", "max_value": "Enter a number below 1000."},
    )


def _figure(label: str, example: str, *, digits: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        max_digits=digits,
        decimal_places=1,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": f"Enter a number such as {example}."},
    )


class VisitForm(forms.Form):
    """The visit's own facts. What is empty was not recorded; one reason says why it was not done."""

    all_optional = True

    occurred_on = DayField(label="Visit date", help_text="")
    ecog = forms.TypedChoiceField(
        label="ECOG performance status",
        choices=[("", "Not recorded"), *((str(grade), str(grade)) for grade in range(6))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    weight_kg = _figure("Weight, kg", "71.5", digits=4)
    temperature_c = _figure("Temperature, °C", "36.8", digits=3)
    pulse = _whole("Pulse, per minute")
    systolic = _whole("Systolic pressure, mmHg")
    diastolic = _whole("Diastolic pressure, mmHg")
    not_done = forms.ChoiceField(
        label="What is empty was not done, because", choices=choices_of(GAP_REASONS), required=False
    )
    not_done_words = forms.CharField(label="Not done: in your own words", max_length=150, required=False)

    confirm = forms.MultipleChoiceField(
        label="Is what the source says", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, questions: Iterable[Query] = (), **kwargs: Any) -> None:
        """questions: what the edit checks ask about this visit."""
        super().__init__(*args, **kwargs)
        self.fields["confirm"].choices = [(one.item, one.text) for one in questions]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """ "Other" alone is no reason."""
        data = super().clean() or {}
        if data.get("not_done") == "Other" and not data.get("not_done_words"):
            self.add_error("not_done_words", "Say in your own words why it was not done.")
        return data

    def facts(self) -> VisitFacts:
        """The answers as the service takes them. Only of a readable form."""
        return VisitFacts(**self.answers(), confirmed=frozenset(self.cleaned_data["confirm"]))

    def answers(self) -> dict[str, Any]:
        """The same by name; what cannot be read is None."""
        data = self.cleaned_data
        chosen, own = data.get("not_done", ""), data.get("not_done_words", "").strip()
        words = own if chosen in ("", "Other") else f"{chosen}: {own}" if own else chosen
        return {**{name: data.get(name) for name in ("occurred_on", *MEASURED)}, "bedside_not_done": words}


MEASURED = ("ecog", "weight_kg", "temperature_c", "pulse", "systolic", "diastolic")
#: Fact -> the boxes that it stands in.
BOXES = {
    **{name: (name,) for name in ("occurred_on", *MEASURED)},
    "bedside_not_done": ("not_done", "not_done_words"),
}


def facts_of(visit: Visit | None) -> dict[str, object]:
    """A stored visit as the form shows it; empty boxes where there is none."""
    if visit is None:
        return {box: "" for own in BOXES.values() for box in own}
    chosen, _, own = visit.bedside_not_done.partition(": ")
    if chosen not in GAP_REASONS:
        chosen, own = ("Other", visit.bedside_not_done) if visit.bedside_not_done else ("", "")
    shown = {name: getattr(visit, name) for name in ("occurred_on", *MEASURED)}
    return {**shown, "not_done": chosen, "not_done_words": own}
