"""Forms of the eligibility checklist, its signature, and screen failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from enrollment.forms.consent import TokenForm, radios
from enrollment.models import ScreeningAnswer, Waiver
from enrollment.questions import Question
from enrollment.services import Answer, Cause
from trialsite.days import DayField, in_words, tell_today

FUTURE = "The date is in the future. Check the year."


class ChecklistForm(forms.Form):
    """The questions that no laboratory answers; what is left open stays open."""

    assessed_on = DayField(
        label="Date of these answers",
        required=False,
        help_text="Of the visit or note that they rest on.",
    )
    reason = forms.CharField(
        label="Reason for the change",
        max_length=300,
        required=False,
        help_text="Only if an answer changes that was saved before.",
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        questions: Sequence[Question],
        standing: Mapping[str, ScreeningAnswer],
        today: date,
        was_sent: bool,
        typed: Mapping[str, str] | None = None,
    ) -> None:
        newest = max((one.pk for one in standing.values()), default=0)
        super().__init__(data, initial={"assessed_on": in_words(today), "seen": newest, **(typed or {})})
        self.questions, self.standing, self.today, self.was_sent = questions, standing, today, was_sent
        for question in questions:
            self._add(question)
        tell_today(self, today)

    def _add(self, question: Question) -> None:
        stored = self.standing.get(question.item)
        field = radios(question.words, question.choices, "", required=False)
        field.initial = stored.value if stored else None
        self.fields[question.item] = field
        if question.day:
            box = DayField(label=question.day, required=False, help_text="")
            box.initial = stored.evidence_on if stored else None
            self.fields[f"{question.item}_on"] = box

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        for name in [name for name, field in self.fields.items() if isinstance(field, DayField)]:
            if given.get(name) and given[name] > self.today:
                self.add_error(name, FUTURE)
        changed = self._changed()
        if changed and given.get("assessed_on") is None and "assessed_on" not in self.errors:
            self.add_error("assessed_on", "Enter the date of these answers.")
        if self.was_sent and changed & self.standing.keys() and not given.get("reason"):
            self.add_error("reason", "Say why a saved answer changes.")
        return given

    def _changed(self) -> set[str]:
        return {item for item, answer in self.answers().items() if self._is_new(item, answer)}

    def _is_new(self, item: str, answer: Answer) -> bool:
        stored = self.standing.get(item)
        return stored is None or (stored.value, stored.evidence_on) != (answer.value, answer.on)

    def answers(self) -> dict[str, Answer]:
        """Every question that has an answer. An unchanged one keeps the date it was given with."""
        chosen = {question: self.cleaned_data.get(question.item) for question in self.questions}
        return {question.item: Answer(value, self._on(question, value)) for question, value in chosen.items() if value}

    def _on(self, question: Question, value: str) -> date | None:
        if question.day:
            own: date | None = self.cleaned_data.get(f"{question.item}_on")
            return own
        stored = self.standing.get(question.item)
        if stored is not None and stored.value == value:
            return stored.evidence_on
        given: date | None = self.cleaned_data.get("assessed_on")
        return given


class SignForm(forms.Form):
    """Which checklist was on the screen."""

    snapshot = forms.IntegerField(widget=forms.HiddenInput)


class WaiverForm(TokenForm):
    """Why a criterion that is not met should be waived."""

    reason = forms.CharField(
        label="Why should this subject take part all the same?",
        max_length=300,
        help_text="In a sentence. The investigator decides on it, and it is kept.",
        error_messages={"required": "Say why this subject should take part all the same."},
    )


class RulingForm(forms.Form):
    """An investigator's decision about a waiver."""

    waiver = forms.IntegerField(widget=forms.HiddenInput)
    decision = radios(
        "Decision",
        ((Waiver.Decision.APPROVED.value, "Approve"), (Waiver.Decision.REFUSED.value, "Refuse")),
        "Choose to approve or to refuse.",
    )
    reason = forms.CharField(label="Reason", max_length=300, error_messages={"required": "Say why."})


class FailureForm(TokenForm):
    """Why screening ends without registration."""

    cause = radios(
        "Why does screening end?",
        (
            (Cause.CRITERION, "A criterion is not met"),
            (Cause.CONSENT_WITHDRAWN, "Consent was withdrawn"),
        ),
        "Choose one of the two.",
    )
    scope = forms.ChoiceField(
        label="Withdrawal: from what?",
        choices=(
            ("visits", "Screening, visits and samples: public records may still be followed"),
            ("everything", "Everything: nothing more is collected"),
        ),
        widget=forms.RadioSelect,
        required=False,
        help_text="Only where consent was withdrawn. What was collected before stays.",
    )
    failed_on = DayField(label="Date", words="Enter the date.")
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="In a sentence. Kept with the subject.",
        error_messages={"required": "Say why screening ends."},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tell_today(self, today)

    def clean(self) -> dict[str, Any]:
        """The scope is asked of a withdrawal."""
        data = super().clean() or {}
        if data.get("cause") == Cause.CONSENT_WITHDRAWN and not data.get("scope") and "scope" not in self.errors:
            self.add_error("scope", "Say what consent was withdrawn from.")
        return data
