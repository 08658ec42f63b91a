"""Reminders to the site about what a proposal waits for: each at most once, after a pause only the newest."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.urls import reverse

from dosing.selectors.shown import Computed
from protocol.vocabulary import ProposalKind
from protocol.waiting import waiting_step
from trialsite import mail
from trialsite.models import Role, Subject
from trialsite.selectors import protocol_of

#: What waits, in words that carry no clinical data.
WORDS: dict[ProposalKind, str] = {
    ProposalKind.AWAIT_DATA: "The sample on which the next treatment decision rests is late",
    ProposalKind.AWAIT_CONFIRMATION: "A second sample is needed before the next treatment decision",
}


def remind_of_waiting(subject: Subject, found: Computed, today: date, at: datetime) -> None:
    """Queue the newest reminder that has fallen due. Runs inside the caller's `writing`."""
    step = waiting_step(found.proposal, found.history, today, protocol_of(subject))
    if step is None or found.kind is None:
        return
    place = reverse("subject_visits", kwargs={"key": subject.key})
    to = mail.people_at(subject.site, Role.COORDINATOR, at) or mail.people_at(subject.site, Role.INVESTIGATOR, at)
    mail.queue(
        key=f"waiting:{subject.key}:{found.kind.value}:{step.since}:{step.days}",
        to=to,
        heading=f"A sample is waited for: subject {subject.number}",
        body=(
            f"{WORDS[found.kind]}: subject {subject.number}, {step.days} days by now.\n\n"
            f"Enter it, or say why there is none:\n{settings.PUBLIC_URL}{place}\n"
        ),
        why=f"Waiting for a sample: reminder after {step.days} days",
        at=at,
        site=subject.site,
        subject=subject,
    )
