"""The forms of a report with a deadline: what happened, when the site learned of it, and when who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms

from safety.models import SafetyReport
from safety.vocabulary import WhoIsPregnant
from trialsite.days import DayField, in_words


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


class ReportForm(_Timed):
    moment_on = _day("The site learned of it on")
    moment_time = _time("At")
    narrative = _narrative()
    reason = forms.CharField(
        label="Why this moment changes", max_length=200, required=False, help_text="Only if date or time is corrected."
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class PregnancyForm(_Timed):
    pregnant = forms.ChoiceField(
        label="Who is pregnant",
        choices=[("", "Choose"), *WhoIsPregnant.choices],
        error_messages={"required": "Say who is pregnant."},
    )
    moment_on = _day("The site learned of it on")
    moment_time = _time("At")
    narrative = _narrative()
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


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
        "narrative": report.narrative,
        "version": report.version,
    }


def to_the_minute(typed: datetime, stored: datetime) -> datetime:
    """The stored moment where the box, which shows minutes, was left as it was."""
    return stored if typed == stored.replace(second=0, microsecond=0) else typed
