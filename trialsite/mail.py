"""Mail to persons: queued with the data that causes it, sent after commit, visible on a page with its reason.

`key` is unique, so the same cause never queues twice; it is also the Message-ID, so that a mail that was handed
over just before a crash is recognised as the same one when it is handed over again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction

from trialsite.access import system_actor
from trialsite.context import because, reading
from trialsite.models import Delegation, Mail, Role, Site, Subject, User
from trialsite.outbox import wake

logger = logging.getLogger(__name__)
_RETRY_MINUTES = (1, 5, 15, 60, 240)
_QUEUE = """
    INSERT INTO trialsite_mail (key, recipient_id, address, site_id, subject_id, heading, body, why, queued_at,
        next_attempt_at, attempts, last_error, skipped_because)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, '', '')
    ON CONFLICT (key) DO NOTHING
"""


def people_at(site: Site, role: Role, at: datetime) -> list[User]:
    """Active persons who hold the role at this very site on that day, by name."""
    lines = Delegation.objects.filter(site=site, role=role, starts_on__lte=at.date(), user__is_active=True).exclude(
        ends_on__lt=at.date()
    )
    return list(User.objects.filter(pk__in=lines.values("user_id")).order_by("printed_name"))


def queue(
    *,
    key: str,
    to: Iterable[User],
    heading: str,
    body: str,
    why: str,
    at: datetime,
    site: Site | None = None,
    subject: Subject | None = None,
) -> int:
    """Queue one mail per person, inside the caller's `writing`; the number that is new.

    The database decides what is new: of two callers at one time, the later waits for the other and adds nothing.
    Body and heading carry no clinical data: they say that something waits, and where.
    """
    about = [site.pk if site else None, subject.pk if subject else None, heading, body, why, at, at]
    new = 0
    with connection.cursor() as cursor:
        # Everywhere in one order, so that two callers wait for each other and never deadlock.
        for person in sorted(to, key=lambda one: one.pk):
            cursor.execute(_QUEUE, [f"{key}:{person.pk}", person.pk, person.email, *about])
            new += cursor.rowcount
    transaction.on_commit(wake)
    return new


def hand_over_link(*, to: User, heading: str, words: str, link: str, why: str, key: str, at: datetime) -> bool:
    """Mail a single-use link at once; True if the mail server took it. Runs inside the caller's `writing`.

    The link is never stored: the list of mails says that it was sent, and to whom.
    """
    message = EmailMessage(heading, f"{words}\n\n{link}\n", settings.DEFAULT_FROM_EMAIL, [to.email])
    try:
        message.send()
    except OSError as error:
        logger.warning("The mail server did not take a link (%s).", error)
        return False
    Mail.objects.create(
        key=key,
        recipient=to,
        address=to.email,
        heading=heading,
        body=f"{words}\n\n(the link is not kept)\n",
        why=why,
        queued_at=at,
        next_attempt_at=at,
        sent_at=at,
    )
    return True


def skip_waiting(*, subject: Subject, key_begins: str, because_of: str, at: datetime) -> int:
    """Hold back mail about a subject that has become pointless before it left. Runs inside the caller's `writing`."""
    waiting = Mail.objects.filter(subject=subject, key__startswith=key_begins, sent_at=None, skipped_at=None)
    with because(because_of):
        return waiting.update(skipped_at=at, skipped_because=because_of)


def send_waiting(at: datetime) -> int:
    """Send every queued mail whose time has come; the number sent. A failing one never holds the others."""
    sent = 0
    tried: set[int] = set()
    while True:
        with reading(system_actor("mail"), at):
            mail = (
                Mail.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(sent_at=None, skipped_at=None, next_attempt_at__lte=at)
                .exclude(id__in=tried)
                .order_by("id")
                .first()
            )
            if mail is None:
                return sent
            tried.add(mail.pk)
            sent += _send(mail, at)


def _send(mail: Mail, at: datetime) -> int:
    digest = sha256(mail.key.encode()).hexdigest()[:32]
    message = EmailMessage(
        subject=mail.heading,
        body=mail.body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.address],
        headers={"Message-ID": f"<{digest}@{settings.MAIL_DOMAIN}>"},
    )
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors: the mail stays queued with its cause
        wait = _RETRY_MINUTES[min(mail.attempts, len(_RETRY_MINUTES) - 1)]
        Mail.objects.filter(pk=mail.pk).update(
            attempts=mail.attempts + 1,
            last_error=str(error)[:500],
            next_attempt_at=at + timedelta(minutes=wait),
        )
        logger.warning("Mail %s was not taken: %s", mail.pk, error)
        return 0
    Mail.objects.filter(pk=mail.pk).update(sent_at=at, last_error="")
    return 1
