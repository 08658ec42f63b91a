"""The sweep of the reporting clocks: who has to act is told by mail at 50 and 90 percent of each.

Each (report, clock, step) is settled at most once, by a row that the database keeps unique, in the transaction that
queues its mail. After a pause only the newest step goes out; the older ones are stored as skipped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from protocol.safety_clocks import Clock, ClockName
from safety.models import ClockEscalation, SafetyReport
from safety.services.reports import hold_back_mail, mail_key
from trialsite import mail
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Role, Site, User
from trialsite.services.subjects import lock_subject

logger = logging.getLogger(__name__)
OVERTAKEN = "A later step went out instead"


@dataclass(frozen=True)
class Swept:
    """What one sweep did: steps sent and skipped, reports that failed."""

    sent: int = 0
    skipped: int = 0
    failed: int = 0

    def plus(self, other: Swept) -> Swept:
        return Swept(self.sent + other.sent, self.skipped + other.skipped, self.failed + other.failed)


def sweep_clocks(at: datetime) -> Swept:
    """Tell of every clock that reached a step. One report that fails never holds the others."""
    with reading(system_actor("reminders"), at):
        waiting = SafetyReport.objects.filter(Q(authority_at=None) | Q(sponsor_at=None)).order_by("id")
        ids = list(waiting.values_list("id", "subject_id", "site_id"))
    total = Swept()
    for report_id, subject_id, site_id in ids:
        total = total.plus(_sweep_safely(report_id, subject_id, site_id, at))
    return total


def _sweep_safely(report_id: int, subject_id: int, site_id: int, at: datetime) -> Swept:
    try:
        return sweep_report(report_id, subject_id, site_id, at)
    except Exception:  # the cause is logged; the next sweep tries this report again
        logger.exception("The clocks of safety report %s could not be swept.", report_id)
        return Swept(failed=1)


def sweep_report(report_id: int, subject_id: int, site_id: int, at: datetime) -> Swept:
    """The clock of one report that runs; looked at again under the subject's lock."""
    with writing(
        by=system_actor("reminders"), duty=Duty.SEND_REMINDER, site_id=site_id, at=at, reason="Sweep of the clocks"
    ):
        subject = lock_subject(subject_id)
        report = SafetyReport.objects.select_related("event", "follows__event").get(pk=report_id)
        report.subject = subject
        clock = report.running()
        if clock is None or subject.entered_in_error_at is not None:
            return Swept()
        return _settle(report, clock, at)


def _settle(report: SafetyReport, clock: Clock, at: datetime) -> Swept:
    settled = set(
        ClockEscalation.objects.filter(report=report, clock=clock.name.value).values_list("percent", flat=True)
    )
    due = [percent for percent in clock.steps_passed(at) if percent not in settled]
    to = recipients(report, clock.name, at) if due else []
    if not to:
        if due:
            logger.warning("Nobody can be told of safety report %s; its steps wait.", report.pk)
        return Swept()
    *older, newest = due
    for percent in older:
        _note(report, clock, percent, ClockEscalation.Status.SKIPPED, OVERTAKEN, at)
    hold_back_mail(report, clock.name, OVERTAKEN, at)
    _note(report, clock, newest, ClockEscalation.Status.SENT, f"{newest} % of the time has passed", at)
    _queue(report, clock, newest, to, at)
    return Swept(sent=1, skipped=len(older))


def recipients(report: SafetyReport, name: ClockName, at: datetime) -> list[User]:
    """The site's coordinators and investigators for the sponsor's clock, the data managers for the authority's."""
    if name is ClockName.AUTHORITY:
        centre = Site.objects.filter(is_coordinating_centre=True).first()
        return mail.people_at(centre, Role.DATA_MANAGER, at) if centre else []
    site = report.subject.site
    both = [*mail.people_at(site, Role.COORDINATOR, at), *mail.people_at(site, Role.INVESTIGATOR, at)]
    return list({person.pk: person for person in both}.values())


def _note(
    report: SafetyReport, clock: Clock, percent: int, status: ClockEscalation.Status, reason: str, at: datetime
) -> None:
    ClockEscalation.objects.create(
        subject_id=report.subject_id,
        site_id=report.site_id,
        report=report,
        clock=clock.name.value,
        percent=percent,
        fell_due_at=clock.step_at(percent),
        status=status,
        reason=reason,
        decided_at=at,
    )


def _queue(report: SafetyReport, clock: Clock, percent: int, to: list[User], at: datetime) -> None:
    """The mail says that something waits and where, and nothing of what happened."""
    subject = report.subject
    place = page_of(report, clock.name)
    mail.queue(
        key=f"{mail_key(report, clock.name)}{percent}",
        to=to,
        heading=f"A report with a deadline waits: subject {subject.number}",
        body=(
            f"{percent} % of the time has passed for a report about subject {subject.number}.\n\n"
            f"See how long is left, and record it once it is sent:\n{settings.PUBLIC_URL}{place}\n"
        ),
        why=f"Reporting clock: {percent} % has passed",
        at=at,
        site=subject.site,
        subject=subject,
    )


def page_of(report: SafetyReport, name: ClockName) -> str:
    """Where the one who has to act records it."""
    if name is ClockName.AUTHORITY:
        return reverse("authority_report", args=[report.pk])
    return reverse("subject_safety_report", args=[report.subject.key, report.number])
