"""Forms under which an investigator signs, or says how a signed decision stands."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from dosing.forms import TokenForm
from dosing.vocabulary import PHASE_SPAN, PHASE_WORDS, RESPONSE_WORDS, response_words
from protocol.vocabulary import Phase, Response
from trialsite.days import DayField, tell_today


class SigningForm(TokenForm):
    """A signature without any choice: what was shown."""

    shown = forms.CharField(widget=forms.HiddenInput)


class AgainForm(SigningForm):
    """Sign a decision again. Where the response is another now, the investigator says which one holds."""

    response = forms.ChoiceField(label="Response that you approve", required=False)
    reason = forms.CharField(label="Why the response stays as decided", required=False, max_length=500)

    def __init__(self, *args: Any, now: str, decided: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks = bool(decided) and now != decided
        computed_now, as_decided = (response_words(one).lower() for one in (now, decided))
        choices = [("", f"As computed now: {computed_now}"), (decided, f"As decided: {as_decided}")]
        _choices(self, "response", choices if self.asks else choices[:1])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("response") and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Say why the response stays as decided.")
        return cleaned


class DecisionForm(TokenForm):
    """Agree, disagree, or ask the site first. Which answers are offered depends on the proposal."""

    AGREE, DISAGREE, NOT_YET = "agree", "disagree", "not_yet"

    proposal = forms.IntegerField(widget=forms.HiddenInput)
    shown = forms.CharField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(label="Your decision", error_messages={"required": "Choose one answer."})
    to_phase = forms.ChoiceField(label="Phase to start", required=False)
    response = forms.ChoiceField(label="Response as you judge it", required=False)
    reason = forms.CharField(label="Why you decide otherwise", required=False, max_length=500)
    starts_on = DayField(label="Phase starts on", required=False)
    question = forms.CharField(label="What you need from the site", required=False, max_length=500)

    def __init__(
        self, *args: Any, phases: tuple[Phase, ...], offered: Phase | None, status: str, today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        answers = [self.AGREE] if offered else []
        possible = [(offered.value, f"As proposed: {_phase_in_words(offered).lower()}")] if offered else []
        possible += [(phase.value, _phase_in_words(phase)) for phase in phases]
        answers += [self.DISAGREE, self.NOT_YET] if possible else [self.NOT_YET]
        self.answers = answers
        _choices(self, "decision", [(answer, answer) for answer in answers])
        _choices(self, "to_phase", possible)
        same = [("", f"As computed: {RESPONSE_WORDS[Response(status)].lower()}")] if status else [("", "As computed")]
        others = [(one.value, words) for one, words in RESPONSE_WORDS.items() if one.value != status]
        _choices(self, "response", same + others)
        self._require()
        tell_today(self, today)

    def _require(self) -> None:
        """Ask for what the chosen answer needs; before an answer is given nothing looks optional."""
        needed = NEEDED.get(str(self.data.get("decision", "")), ()) if self.is_bound else tuple(SENTENCES)
        for name, sentence in SENTENCES.items():
            self.fields[name].required = name in needed
            self.fields[name].error_messages["required"] = sentence

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        disagrees = cleaned.get("decision") == self.DISAGREE
        if disagrees and (cleaned.get("to_phase"), cleaned.get("response")) == (self.offered, ""):
            self.add_error("response", "Choose another response or another phase. If both are right, agree.")
        return cleaned

    @property
    def signs(self) -> bool:
        """Whether the chosen answer takes a signature; a question to the site does not."""
        return not self.is_bound or self.data.get("decision") != self.NOT_YET

    @property
    def phase(self) -> Phase | None:
        """The phase that a valid form starts."""
        if self.cleaned_data["decision"] == self.AGREE:
            return self.offered
        return Phase(self.cleaned_data["to_phase"]) if self.cleaned_data["to_phase"] else None


#: What asks for each part of an answer.
SENTENCES = {
    "to_phase": "Choose the phase to start.",
    "starts_on": "Enter the date.",
    "reason": "Say why you decide otherwise.",
    "question": "Say what you need from the site.",
}
#: What each answer needs beside itself.
NEEDED: dict[str, tuple[str, ...]] = {
    DecisionForm.AGREE: ("starts_on",),
    DecisionForm.DISAGREE: ("to_phase", "starts_on", "reason"),
    DecisionForm.NOT_YET: ("question",),
}


def _phase_in_words(phase: Phase) -> str:
    return f"{PHASE_WORDS[phase]} ({PHASE_SPAN[phase].lower()})"


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices


class ResolveForm(forms.Form):
    """How a signed decision stands after a correction."""

    discrepancy = forms.IntegerField(widget=forms.HiddenInput)
    shown = forms.CharField(widget=forms.HiddenInput)
    resolution = forms.CharField(
        label="How the decision stands, and why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say how the decision stands, and why."},
    )


class ParameterForm(TokenForm):
    """The value of a protocol parameter, and on what it rests."""

    value = forms.CharField(label="Dose in mg", max_length=20, error_messages={"required": "Enter a number."})
    reason = forms.CharField(
        label="What it rests on",
        max_length=300,
        help_text="For example the section of the signed protocol.",
        error_messages={"required": "Say on what the confirmation rests."},
    )
