"""Jobs of enrollment."""

from celery import shared_task
from django.conf import settings

from enrollment.models import Waiver
from enrollment.selectors import latest_snapshot
from protocol.vocabulary import Phase
from trialsite import clock
from trialsite.access import Duty, system_actor
from trialsite.context import writing
from trialsite.mail import people_at, queue
from trialsite.models import OutboxMessage, Role, Subject


@shared_task(name="enrollment.tasks.announce_eligibility")
def announce_eligibility(*, message_id: int, subject_id: int) -> int:
    """Tell the site's investigators that a checklist waits; the number of new mails. Running it twice adds none.

    Nothing is mailed for a checklist that is no longer the newest, or that was signed before the job ran.
    """
    now = clock.now()
    message = OutboxMessage.objects.get(pk=message_id)
    subject = Subject.objects.select_related("site").get(pk=subject_id)
    snapshot = latest_snapshot(subject)
    waits = subject.state == Phase.SCREENING and snapshot is not None and snapshot.signature_id is None
    if not waits or snapshot is None or str(snapshot.pk) != message.payload["snapshot"]:
        return 0
    address = f"{settings.PUBLIC_URL}/subjects/{subject.key}/eligibility/"
    sender = system_actor("reminders")
    with writing(by=sender, duty=Duty.SEND_REMINDER, site_id=subject.site_id, at=now):
        return queue(
            key=f"eligibility:{snapshot.pk}",
            to=people_at(subject.site, Role.INVESTIGATOR, now),
            heading=f"{subject.number}: eligibility waits for your signature",
            body=f"The eligibility checklist of {subject.number} was sent to you for review.\n\n{address}\n",
            why="An eligibility checklist was sent to the investigators",
            at=now,
            site=subject.site,
            subject=subject,
        )


@shared_task(name="enrollment.tasks.announce_waiver")
def announce_waiver(*, message_id: int, subject_id: int) -> int:
    """Tell the site's investigators that a waiver was asked for; the number of new mails. Twice adds none.

    Nothing is mailed for one that was decided before the job ran, and no mail names the criterion: it is clinical.
    """
    now = clock.now()
    message = OutboxMessage.objects.get(pk=message_id)
    subject = Subject.objects.select_related("site").get(pk=subject_id)
    waiver = Waiver.objects.get(pk=int(message.payload["waiver"]), subject=subject)
    if subject.state != Phase.SCREENING or waiver.decision:
        return 0
    address = f"{settings.PUBLIC_URL}/subjects/{subject.key}/eligibility/"
    sender = system_actor("reminders")
    with writing(by=sender, duty=Duty.SEND_REMINDER, site_id=subject.site_id, at=now):
        return queue(
            key=f"waiver:{waiver.pk}",
            to=people_at(subject.site, Role.INVESTIGATOR, now),
            heading=f"{subject.number}: a waiver waits for your decision",
            body=f"A waiver was asked for {subject.number}.\n\n{address}\n",
            why="A waiver was asked for",
            at=now,
            site=subject.site,
            subject=subject,
        )
