"""The sweep of each day: which follow-up reminders go out now, and which were overtaken.

Each (subject, visit, step) is settled at most once, by a row that the database keeps unique, in the transaction
that queues its mail. So a sweep may run twice, at once with another, or die anywhere, and nothing is sent twice or
lost while the visit's window lasts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.urls import reverse

from followup.models import Reminder
from followup.selectors import FollowUpLine, follow_up_schedule, site_day
from followup.services.completion import complete_if_over
from followup.vocabulary import STEP_WORDS, step_name
from protocol.schema import Protocol
from protocol.visits import Step, reminder_due
from protocol.vocabulary import DueState, Phase
from trialsite import mail
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Role, Subject, User
from trialsite.selectors import protocol_of
from trialsite.services.subjects import lock_subject

logger = logging.getLogger(__name__)
OVERTAKEN = "A later reminder went out instead"


@dataclass(frozen=True)
class Swept:
    """What one sweep did: reminders sent and skipped, subjects whose follow-up is complete, subjects that failed."""

    sent: int = 0
    skipped: int = 0
    completed: int = 0
    failed: int = 0

    def plus(self, other: Swept) -> Swept:
        return Swept(
            self.sent + other.sent,
            self.skipped + other.skipped,
            self.completed + other.completed,
            self.failed + other.failed,
        )


def sweep_reminders(at: datetime) -> Swept:
    """Send what is due at every site by its own date. One subject that fails never holds the others."""
    with reading(system_actor("reminders"), at):
        waiting = Subject.objects.filter(state=Phase.FOLLOW_UP.value, entered_in_error_at=None).order_by("id")
        ids = list(waiting.values_list("id", "site_id"))
    total = Swept()
    for subject_id, site_id in ids:
        total = total.plus(_sweep_safely(subject_id, site_id, at))
    return total


def _sweep_safely(subject_id: int, site_id: int, at: datetime) -> Swept:
    try:
        return sweep_subject(subject_id, site_id, at)
    except Exception:  # the cause is logged; the next sweep tries this subject again
        logger.exception("Reminders of subject %s could not be swept.", subject_id)
        return Swept(failed=1)


def sweep_subject(subject_id: int, site_id: int, at: datetime) -> Swept:
    """The reminders of one subject; looked at again under its lock, since much may have happened meanwhile."""
    by = system_actor("reminders")
    with writing(by=by, duty=Duty.SEND_REMINDER, site_id=site_id, at=at, reason="Daily sweep"):
        subject = lock_subject(subject_id)
        if subject.state != Phase.FOLLOW_UP.value:
            return Swept()
        today = site_day(subject.site, at)
        sent, skipped = _settle(subject, today, at)
        return Swept(sent, skipped, int(complete_if_over(subject, today, at)))


def _settle(subject: Subject, today: date, at: datetime) -> tuple[int, int]:
    lines = follow_up_schedule(subject, today).lines
    due = [(line, step) for line in lines for step in _due_steps(line, today, protocol_of(subject))]
    if not due:
        return 0, 0
    to = _recipients(subject, at)
    if not to:
        logger.warning("Site %s has nobody to remind; its reminders wait.", subject.site.code)
        return 0, 0
    newest = max(due, key=lambda pair: pair[1].on)
    for line, step in due:
        if (line, step) != newest:
            _overtake(subject, line, step, to, at)
    # Those queued earlier that mail could not deliver yet are overtaken as well.
    mail.skip_waiting(subject=subject, key_begins=f"reminder:{subject.key}:", because_of=OVERTAKEN, at=at)
    _remind(subject, *newest, to, at)
    return 1, len(due) - 1


def _recipients(subject: Subject, at: datetime) -> list[User]:
    """The site's coordinators, or its investigators where it has none."""
    return mail.people_at(subject.site, Role.COORDINATOR, at) or mail.people_at(subject.site, Role.INVESTIGATOR, at)


def _due_steps(line: FollowUpLine, today: date, trial: Protocol) -> Iterable[Step]:
    """Steps of one visit that fell due and are not settled; none once it is done or stated not done."""
    if line.state in {DueState.DONE, DueState.NOT_DONE}:
        return ()
    settled = frozenset(step.days for step in line.steps if step.reminder is not None)
    found = reminder_due(line.planned, today, settled, trial)
    return (*found.skipped, found.send) if found.send is not None else ()


def _note(subject: Subject, line: FollowUpLine, step: Step, status: Reminder.Status, reason: str, at: datetime) -> None:
    Reminder.objects.create(
        subject=subject,
        site_id=subject.site_id,
        visit_code=line.code,
        step_days=step.offset,
        due_on=step.on,
        status=status,
        reason=reason,
        decided_at=at,
    )


def _overtake(subject: Subject, line: FollowUpLine, step: Step, to: list[User], at: datetime) -> None:
    """Settle a step without sending it; its mail is listed as not sent."""
    _note(subject, line, step, Reminder.Status.SKIPPED, OVERTAKEN, at)
    _queue(subject, line, step, to, at)


def _remind(subject: Subject, line: FollowUpLine, step: Step, to: list[User], at: datetime) -> None:
    _note(subject, line, step, Reminder.Status.SENT, step_name(step.offset).capitalize(), at)
    _queue(subject, line, step, to, at)


def _queue(subject: Subject, line: FollowUpLine, step: Step, to: list[User], at: datetime) -> None:
    place = reverse("subject_follow_up", args=[subject.key])
    what = f"{line.planned.label} of subject {subject.number} {STEP_WORDS[step.offset]}"
    mail.queue(
        key=f"reminder:{subject.key}:{line.code}:{step.offset}:{line.planned.target_on}",
        to=to,
        heading=f"A follow-up contact waits: subject {subject.number}",
        body=f"{what}.\n\nRecord the contact, or the attempt:\n{settings.PUBLIC_URL}{place}?visit={line.code}\n",
        why=f"{line.planned.label}: reminder {step_name(step.offset)}",
        at=at,
        site=subject.site,
        subject=subject,
    )
