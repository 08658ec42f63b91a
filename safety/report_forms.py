"""The forms of a report with a deadline: what happened, when the site learned of it, and when who was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField

from safety.models import SafetyReport
from safety.services import Details, details_of
from safety.vocabulary import Answered, PregnancyOutcome, WhoIsPregnant
from trialsite.days import DayField, in_words
from trialsite.submissions import TokenField


def _day(label: str) -> DayField:
    return DayField(label=label, words="Enter the date.")


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        help_text="At the site, for example 14:30.",
        input_formats=["%H:%M", "%H.%M", "%H%M"],
        error_messages={"required": "Enter the time.", "invalid": "Enter a time such as 14:30."},
        widget=forms.TimeInput(format="%H:%M", attrs={"autocomplete": "off"}),
    )


def _narrative() -> forms.CharField:
    return forms.CharField(
        label="What happened",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Course, treatment, what speaks for or against a cause. No names, addresses or numbers.",
    )


class _Timed(forms.Form):
    """A moment in two boxes, read in the site's zone."""

    def moment(self, zone: str) -> datetime:
        day, time = self.cleaned_data["moment_on"], self.cleaned_data["moment_time"]
        return datetime.combine(day, time, tzinfo=ZoneInfo(zone))


def _day_if_any(label: str) -> DayField:
    return DayField(label=label, words="Enter the date.", required=False)


def _words(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=help_text
    )


def _answer(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "Not answered"), *Answered.choices], required=False)


class ReportForm(_Timed):
    """The report of a serious event or a pregnancy; what does not belong to its kind is taken away."""

    moment_on = _day("The site learned of it on")
    moment_time = _time("At")
    narrative = _narrative()
    admitted_on = _day_if_any("Admitted on")
    discharged_on = _day_if_any("Discharged on")
    treatment = _words("What was done against it", "Drugs, operations; one line each.")
    tests = _words("Relevant tests", "With dates and results, as far as they are not in the laboratory data.")
    history = _words("Relevant history", "Other illnesses, allergies; no names.")
    dechallenge = _answer("Did it abate when the drug was stopped?")
    rechallenge = _answer("Did it come back when the drug was given again?")
    death_cause = forms.CharField(label="Cause of death", max_length=300, required=False)
    autopsy = _answer("Was there an autopsy?")
    due_on = _day_if_any("Birth is expected on")
    pregnancy_outcome = forms.ChoiceField(
        label="How the pregnancy ended", choices=[("", "Not known yet"), *PregnancyOutcome.choices], required=False
    )
    reason = forms.CharField(
        label="Why this moment changes", max_length=200, required=False, help_text="Only if date or time is corrected."
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    OF_EVENTS = ("admitted_on", "discharged_on", "treatment", "tests", "dechallenge", "rechallenge")
    OF_DEATHS = ("death_cause", "autopsy")
    OF_PREGNANCIES = ("due_on", "pregnancy_outcome")

    def __init__(self, *args: Any, report: SafetyReport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        event = report.event
        kept: tuple[str, ...] = ()
        if event is not None:
            kept = ("history", *self.OF_EVENTS, *(self.OF_DEATHS if event.is_fatal else ()))
        elif report.is_pregnancy:
            kept = ("history", *self.OF_PREGNANCIES)
        self.details = kept
        for name in {"history", *self.OF_EVENTS, *self.OF_DEATHS, *self.OF_PREGNANCIES} - {*kept}:
            del self.fields[name]
        self.stored = report

    def answers(self) -> Details:
        """What was typed; what the form does not ask stays as it is stored."""
        typed: dict[str, Any] = {name: self.cleaned_data[name] for name in ("narrative", *self.details)}
        return replace(details_of(self.stored), **typed)

    def asked(self) -> list[BoundField]:
        return [self[name] for name in self.details]


class InErrorForm(forms.Form):
    why = forms.CharField(
        label="Why this report was entered in error",
        max_length=300,
        error_messages={"required": "Say why this report was entered in error."},
    )


class PregnancyForm(_Timed):
    pregnant = forms.ChoiceField(
        label="Who is pregnant",
        choices=[("", "Choose"), *WhoIsPregnant.choices],
        error_messages={"required": "Say who is pregnant."},
    )
    moment_on = _day("The site learned of it on")
    moment_time = _time("At")
    narrative = _narrative()
    token = TokenField()


class NewsForm(_Timed):
    """What became known after the authority was told."""

    moment_on = _day("Received on")
    moment_time = _time("At")
    narrative = _narrative()
    token = TokenField()


class SentForm(_Timed):
    """Which clock it stops is said by the page."""

    moment_on = _day("Received on")
    moment_time = _time("At")
    late_because = forms.CharField(label="Why it was late", max_length=300, required=False, help_text="Only if it was.")


class TakeBackForm(forms.Form):
    reason = forms.CharField(
        label="Why this was not sent", max_length=300, error_messages={"required": "Say why this entry is wrong."}
    )


class CausalityForm(forms.Form):
    """The boxes that prove who signs are added by the page."""

    version = forms.IntegerField(widget=forms.HiddenInput)


def answers_of(report: SafetyReport, zone: str) -> dict[str, Any]:
    """A stored report as the form shows it, in the site's zone."""
    known = report.aware_at.astimezone(ZoneInfo(zone))
    return {
        "moment_on": in_words(known.date()),
        "moment_time": f"{known:%H:%M}",
        **{name: shown(value) for name, value in vars(details_of(report)).items()},
        "version": report.version,
    }


def told(report: SafetyReport) -> list[tuple[str, str]]:
    """What is answered beside the narrative, as questions and words, for those who only read."""
    form = ReportForm(report=report, initial=answers_of(report, "UTC"))
    answers = [(str(one.label), one.value(), dict(getattr(one.field, "choices", ()))) for one in form.asked()]
    return [(label, str(choices.get(value, value))) for label, value, choices in answers if value]


def shown(value: object) -> object:
    """A stored answer as its box shows it."""
    return in_words(value) if isinstance(value, date) else value


def to_the_minute(typed: datetime, stored: datetime) -> datetime:
    """The stored moment where the box, which shows minutes, was left as it was."""
    return stored if typed == stored.replace(second=0, microsecond=0) else typed
