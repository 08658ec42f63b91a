"""The forms of an adverse event: choosing its term, and what is asked of it."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from labs.words import unit_words
from protocol.ctcae_words import GENERAL, criterion
from protocol.toxicity import allowed_grades
from safety.models import AdverseEvent
from safety.services import Event
from safety.vocabulary import (
    CTCAE,
    DRUGS,
    OTHER_CAUSES,
    TERM_GROUPS,
    ActionTaken,
    Attribution,
    Outcome,
    Seriousness,
)
from trialsite.partial_dates import PartialDayField, from_iso
from trialsite.submissions import TokenField

CHOOSE = ("", "Choose")


class TermForm(forms.Form):
    """Which event it is. The next page offers only the grades that exist for the term."""

    term = forms.ChoiceField(
        label="CTCAE term",
        choices=[CHOOSE, *((group, [(term, term) for term in terms]) for group, terms in TERM_GROUPS)],
        error_messages={"required": "Choose a term."},
    )


def grade_choices(term: str) -> list[tuple[str, str]]:
    """Only the grades that exist for the term, each with its criterion where it is a number."""
    return [(str(grade), grade_label(term, grade)) for grade in allowed_grades(term)]


def grade_label(term: str, grade: int) -> str:
    """2, moderate: below 1.5 to 1.0 of the unit."""
    return f"{grade}, {GENERAL[grade]}{f': {words}' if (words := criterion_words(term, grade)) else ''}"


def criterion_words(term: str, grade: int) -> str:
    """The criterion of the grade with the unit as it is read."""
    words = criterion(term, CTCAE, grade)
    unit = words.rpartition(" ")[2]
    return f"{words[: -len(unit)]}{unit_words(unit)}" if unit else words


def _choice(label: str, choices: list[tuple[str, str]], words: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[CHOOSE, *choices], required=bool(words), error_messages={"required": words}
    )


class EventForm(forms.Form):
    """One adverse event. The term is chosen before; the form is made for it."""

    term = forms.CharField(widget=forms.HiddenInput)
    grade = forms.TypedChoiceField(
        label="Grade", coerce=int, widget=forms.RadioSelect, error_messages={"required": "Choose the highest grade."}
    )
    reported_as = forms.CharField(
        label="As it was reported", max_length=200, required=False, help_text="No names, addresses or numbers."
    )
    started = PartialDayField(label="First day", words="Enter the first day; a year is enough where no more is known.")
    stopped = PartialDayField(label="Last day", required=False, help_text="Leave it empty while it lasts.")
    outcome = _choice("Outcome", Outcome.choices, "Choose the outcome.")
    attribution_anakinra = _choice("Caused by anakinra", Attribution.choices, "Say how surely anakinra caused it.")
    action_anakinra = _choice("Action taken with anakinra", ActionTaken.choices, "Say what was done with anakinra.")
    attribution_dexamethasone = _choice(
        "Caused by dexamethasone", Attribution.choices, "Say how surely dexamethasone caused it."
    )
    action_dexamethasone = _choice(
        "Action taken with dexamethasone", ActionTaken.choices, "Say what was done with dexamethasone."
    )
    attribution_disease = _choice("Caused by the disease", OTHER_CAUSES)
    attribution_other = _choice("Caused by something else", OTHER_CAUSES)
    serious = forms.MultipleChoiceField(
        label="Serious, because",
        choices=Seriousness.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Leave all empty if it was not serious. The grade alone does not make it serious.",
    )
    lab_result = forms.IntegerField(widget=forms.HiddenInput, required=False)
    token = TokenField()

    def __init__(self, *args: Any, term: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["grade"]).choices = grade_choices(term)

    def event(self) -> Event:
        """The answers as the service takes them."""
        data = self.cleaned_data
        return Event(
            term=data["term"],
            grade=data["grade"],
            reported_as=data["reported_as"].strip(),
            started=data["started"],
            stopped=data["stopped"],
            outcome=Outcome(data["outcome"]),
            attribution_anakinra=Attribution(data["attribution_anakinra"]),
            attribution_dexamethasone=Attribution(data["attribution_dexamethasone"]),
            action_anakinra=ActionTaken(data["action_anakinra"]),
            action_dexamethasone=ActionTaken(data["action_dexamethasone"]),
            attribution_disease=data["attribution_disease"],
            attribution_other=data["attribution_other"],
            serious=frozenset(Seriousness(one) for one in data["serious"]),
        )


#: Fields that stand in the stored event as the form shows them.
PLAIN = (
    "term", "grade", "reported_as", "outcome", "attribution_disease", "attribution_other",
    *(f"{asked}_{drug.value}" for drug in DRUGS for asked in ("attribution", "action")),
)  # fmt: skip


#: The boxes of each answer that two people may give differently: a grade means nothing without its term.
BOXES = {
    **{name: (name,) for name in (*PLAIN, "started", "stopped", "serious") if name not in {"term", "grade"}},
    "term": ("term", "grade"),
}


def answers_of(event: AdverseEvent) -> dict[str, object]:
    """A stored event as the form shows it."""
    return {
        **{name: getattr(event, name) for name in PLAIN},
        "started": date_as_typed(event.started),
        "stopped": date_as_typed(event.stopped),
        "serious": [one.value for one in Seriousness if getattr(event, one.value)],
    }


def date_as_typed(iso: str) -> str:
    """A stored date in letters that the box reads again: 12 Mar 2025, Mar 2025, 2025."""
    return from_iso(iso).words.partition(",")[0] if iso else ""
