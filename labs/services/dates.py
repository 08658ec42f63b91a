"""Hard checks on dates: a specimen cannot be drawn tomorrow, before birth, before consent, or after death."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from labs.services.refusals import FieldsRefused
from protocol.checks import check_dates
from trialsite.models import Subject
from trialsite.selectors import protocol_of

FUTURE = "{what} is in the future. Check the year."


def site_day(subject: Subject, at: datetime) -> date:
    """The day it is where the subject is treated."""
    return at.astimezone(ZoneInfo(subject.site.time_zone)).date()


def earliest_day(subject: Subject, visit_code: str) -> date:
    """Before this day nothing can have been collected for the trial.

    Screening and unscheduled samples may be of ordinary care, as old as a baseline marrow may be, and are asked
    about; every visit of the schedule begins with consent.
    """
    if visit_code == "scr" or visit_code.startswith("uns"):
        return subject.screened_on - timedelta(days=protocol_of(subject).config.baseline_marrow_days)
    return subject.screened_on


def date_problem(subject: Subject, visit_code: str, on: date, today: date, what: str) -> str:
    """The sentence of a hard finding on a date, empty if the date is possible."""
    earliest = earliest_day(subject, visit_code)
    for finding in check_dates(on, today, earliest):
        if finding.code == "future":
            return FUTURE.format(what=what)
        if on.year < subject.birth_year:
            return f"{what} is before the subject was born. Check the year."
        return f"{what} is before {earliest:%-d %b %Y}, the earliest possible day for this visit."
    if subject.died_on is not None and on > subject.died_on:
        return f"{what} is after the subject died on {subject.died_on:%-d %b %Y}."
    return ""


def check_collection(subject: Subject, visit_code: str, on: date, today: date) -> None:
    """FieldsRefused on the field collected_on if the date is impossible."""
    problem = date_problem(subject, visit_code, on, today, "Collection date")
    if problem:
        raise FieldsRefused({"collected_on": problem})
