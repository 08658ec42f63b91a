"""Follow-up is complete (T16) when the last visit is done or its window has closed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from followup.selectors import follow_up_schedule
from protocol.vocabulary import Phase
from trialsite.models import Subject
from trialsite.selectors import state_periods
from trialsite.services.subjects import move_subject, take_back_move

WHY = "Follow-up complete: the last contact is done or its window has closed"


def _over_on(subject: Subject, today: date) -> date | None:
    """The day on which follow-up was over, None while it goes on."""
    lines = follow_up_schedule(subject, today).lines
    if not lines:
        return None
    last = lines[-1]
    if last.done_on is not None:
        return last.done_on
    return last.planned.closes_on + timedelta(days=1) if today > last.planned.closes_on else None


def complete_if_over(subject: Subject, today: date, at: datetime) -> bool:
    """Move a subject in follow-up to complete; True if it was moved. Runs inside the caller's `writing`."""
    over_on = _over_on(subject, today) if subject.state == Phase.FOLLOW_UP.value else None
    if over_on is None:
        return False
    began = state_periods(subject)[-1].starts_on
    move_subject(subject=subject, to=Phase.COMPLETED, on=max(over_on, began), why=WHY, at=at)
    return True


def reopen_unless_over(subject: Subject, today: date, why: str) -> None:
    """A contact was taken back: follow-up goes on if it had been complete through it."""
    if subject.state == Phase.COMPLETED.value and _over_on(subject, today) is None:
        take_back_move(subject=subject, why=why)
