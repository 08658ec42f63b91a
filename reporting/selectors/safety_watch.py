"""What waits in safety: reports whose clocks run, and laboratory grades that nobody has judged yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from protocol.safety_clocks import Clock
from safety.models import SafetyReport
from safety.selectors import suggestions_for
from safety.vocabulary import CTCAE
from trialsite.models import Subject


@dataclass(frozen=True)
class ReportClock:
    """One clock of one report. `what`: the report in the words of its pages."""

    subject: str
    site: str
    key: str
    report: int
    what: str
    clock: Clock


@dataclass(frozen=True)
class WaitingGrade:
    """One laboratory result whose grade waits for an investigator; value in `unit`, the one it is compared in."""

    subject: str
    site: str
    key: str
    visit: str
    collected_on: date
    result: int
    term: str
    ctcae_version: str
    grade: int
    value: Decimal
    unit: str


def report_clocks() -> list[ReportClock]:
    """Every clock of every report in reach, by subject and report; one query."""
    found = SafetyReport.objects.filter(subject__entered_in_error_at=None)
    ordered = found.select_related("event", "follows__event", "subject__site").order_by(
        "subject__screening_number", "number"
    )
    return [
        ReportClock(one.subject.number, one.subject.site.code, one.subject.key, one.number, one.words, clock)
        for one in ordered
        for clock in one.clocks()
    ]


def waiting_grades() -> list[WaitingGrade]:
    """Every result that waits to be judged, by subject, the highest grade of a term first; four queries."""
    treated = Subject.objects.filter(entered_in_error_at=None).exclude(day1_on=None)
    subjects = list(treated.select_related("site").order_by("subject_number"))
    suggested = suggestions_for(subjects)
    return [
        WaitingGrade(
            subject=one.number,
            site=one.site.code,
            key=one.key,
            visit=waiting.value.result.specimen.visit.code,
            collected_on=waiting.value.collected_on,
            result=waiting.value.result.pk,
            term=waiting.term,
            ctcae_version=CTCAE.value,
            grade=waiting.grade,
            value=waiting.value.value,
            unit=waiting.value.unit,
        )
        for one in subjects
        for suggestion in suggested[one.pk]
        for waiting in suggestion.waiting
    ]


def utc(at: datetime | None) -> str | None:
    """An instant as files give it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
