"""What ending treatment and leaving the study have in common: the last dose, and states that never came to be."""

from __future__ import annotations

from datetime import date, datetime

from dosing.selectors import current_doses
from followup.selectors import site_day
from protocol.vocabulary import DoseStatus
from trialsite.days import in_words
from trialsite.mail import skip_waiting
from trialsite.models import Subject
from trialsite.selectors import state_periods
from trialsite.services.subjects import Refused, take_back_move


def check_not_future(subject: Subject, day: date, at: datetime) -> None:
    if day > site_day(subject.site, at):
        raise Refused(f"{in_words(day)} is in the future. Check the year.")


def check_last_dose(subject: Subject, last_dose_on: date, at: datetime) -> None:
    """Refused before Day 1, in the future, and before a day on which a dose is recorded as taken."""
    if subject.day1_on is not None and last_dose_on < subject.day1_on:
        raise Refused(f"The last dose cannot lie before the first one on {in_words(subject.day1_on)}.")
    check_not_future(subject, last_dose_on, at)
    taken = [day for (day, _), dose in current_doses(subject).items() if dose.status == DoseStatus.TAKEN.value]
    if taken and max(taken) > last_dose_on:
        raise Refused(
            f"A dose is recorded as taken on {in_words(max(taken))}. "
            "Enter that day or a later one, or correct the dosing calendar first."
        )


def drop_states_after(subject: Subject, day: date, why: str) -> None:
    """States that were to begin later than `day` never came to be. Runs inside the caller's `writing`."""
    while (periods := state_periods(subject))[-1].starts_on > day and len(periods) > 1:
        take_back_move(subject=subject, why=why)


def hold_back_reminders(subject: Subject, because_of: str, at: datetime, visit_code: str = "") -> None:
    """Reminders that wait to be mailed do not leave any more."""
    skip_waiting(subject=subject, key_begins=f"reminder:{subject.key}:{visit_code}", because_of=because_of, at=at)
