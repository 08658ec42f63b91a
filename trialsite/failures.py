"""News that cannot be handled: administrators are told once, see the cause, and have it tried again.

It goes on being tried at longer and longer intervals; what waits for it (signing, for results) waits as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trialsite import mail
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import reading, writing
from trialsite.models import Mail, OutboxMessage, Role, Site, Subject
from trialsite.outbox import ROUTES, News, wake

#: After so many failed attempts, some six minutes, it is no hiccup: somebody is told.
TOLD_AFTER = 3
#: What could not be done, by the news that asked for it.
WORDS: dict[News, str] = {
    News.LABS_RECORDED: "Evaluate results",
    News.TREATMENT_STARTED: "Evaluate the start of treatment",
    News.PHASE_STARTED: "Evaluate a new phase",
    News.TREATMENT_ENDED: "Evaluate the end of treatment",
    News.SUBJECT_LEFT: "Evaluate that the subject left",
    News.THERAPY_STARTED: "Evaluate a new therapy",
    News.PROTOCOL_ADOPTED: "Evaluate by another protocol version",
    News.ELIGIBILITY_SENT: "Announce eligibility that waits for a signature",
    News.WAIVER_REQUESTED: "Announce a waiver that waits",
    News.LAB_FILE_WAITS: "Go on with a laboratory file",
}
_KEY = "failed-work"


@dataclass(frozen=True)
class Failure:
    """The oldest news of a subject (or of a site) that one handler fails with, and who was told when."""

    message: OutboxMessage
    told: tuple[str, ...]
    told_at: datetime | None

    @property
    def words(self) -> str:
        return WORDS[News(self.message.kind)]


def failures(subject: Subject | None = None) -> list[Failure]:
    """What fails in reach, oldest first, or of one subject; two queries."""
    found = OutboxMessage.objects.filter(done_at=None, attempts__gte=TOLD_AFTER).select_related("site", "subject")
    if subject is not None:
        found = found.filter(subject=subject)
    first: dict[tuple[int, int | None, str], OutboxMessage] = {}
    for one in found.order_by("id"):
        first.setdefault((one.site_id, one.subject_id, ROUTES[News(one.kind)]), one)
    return _with_told(list(first.values()))


def _with_told(found: Sequence[OutboxMessage]) -> list[Failure]:
    sent: dict[str, list[Mail]] = {}
    mails = Mail.objects.filter(why__in=[_why(one) for one in found]).select_related("recipient").order_by("id")
    for one in mails if found else ():
        sent.setdefault(one.why, []).append(one)
    return [_failure(one, sent.get(_why(one), [])) for one in found]


def _failure(message: OutboxMessage, mails: Sequence[Mail]) -> Failure:
    names = tuple(one.recipient.printed_name for one in mails)
    return Failure(message, names, mails[0].queued_at if mails else None)


def _why(message: OutboxMessage) -> str:
    return f"Work that failed, number {message.pk}"


def tell_administrators(at: datetime) -> int:
    """Queue a mail about each failure that nobody was told of yet; the number of mails. Safe to run twice."""
    with reading(system_actor("mail"), at):
        untold = [one for one in failures() if one.told_at is None]
    return sum(_tell(one, at) for one in untold)


def _tell(one: Failure, at: datetime) -> int:
    message = one.message
    about = f"subject {message.subject.number}" if message.subject else f"site {message.site.code}"
    with writing(by=system_actor("guard"), duty=Duty.RAISE_ALERT, site_id=message.site_id, at=at):
        return mail.queue(
            key=f"{_KEY}:{message.pk}",
            to=mail.people_at(Site.objects.get(code="00"), Role.ADMIN, at),
            heading=f"Work failed: {about}",
            body=(
                f"{one.words}: this failed {message.attempts} times for {about}. Until it works, whatever waits for "
                "it stays blocked; results that are not evaluated block every signature of their subject.\n\n"
                "Administration, Failed work, shows the cause. Once it is mended, have it tried again there.\n"
            ),
            why=_why(message),
            at=at,
            site=message.site,
            subject=message.subject,
        )


def try_again(*, by: Actor, at: datetime, message_id: int) -> OutboxMessage:
    """Everything that waits with this news is tried at once. OutboxMessage.DoesNotExist where nothing waits any more.

    When it is tried next is bookkeeping of the outbox and no event of the trail; what then is done is one.
    """
    with writing(by=by, duty=Duty.RETRY_WORK, site_id=None, at=at):
        message = OutboxMessage.objects.select_related("subject", "site").get(pk=message_id, done_at=None)
        kinds = [kind.value for kind in News if ROUTES[kind] == ROUTES[News(message.kind)]]
        waiting = OutboxMessage.objects.filter(site_id=message.site_id, kind__in=kinds, done_at=None)
        waiting.filter(subject=message.subject).update(next_attempt_at=at)
    wake()
    return message
