"""News that cannot be handled: administrators are told once, see the cause, and have it tried again.

It goes on being tried at longer and longer intervals; what waits for it (signing, for results) waits as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trialsite import mail
from trialsite.access import Actor, Duty, system_actor
from trialsite.audit_words import visit_words
from trialsite.context import because, reading, writing
from trialsite.models import Mail, OutboxMessage, Role, Site, Subject
from trialsite.outbox import ROUTES, News, wake

#: After so many failed attempts, some six minutes, it is no hiccup: somebody is told.
TOLD_AFTER = 3
#: What failed, by the news that asked for it.
WORDS: dict[News, str] = {
    News.LABS_RECORDED: "Results could not be evaluated",
    News.TREATMENT_STARTED: "The start of treatment could not be evaluated",
    News.PHASE_STARTED: "A new phase could not be evaluated",
    News.TREATMENT_ENDED: "The end of treatment could not be evaluated",
    News.SUBJECT_LEFT: "That the subject left could not be evaluated",
    News.THERAPY_STARTED: "A new therapy could not be evaluated",
    News.PROTOCOL_ADOPTED: "The subject could not be judged by another protocol version",
    News.ELIGIBILITY_SENT: "Nobody could be told that eligibility waits for a signature",
    News.WAIVER_REQUESTED: "Nobody could be told that a waiver waits",
    News.LAB_FILE_WAITS: "A laboratory file could not be worked on",
}
#: Errors of the connection to the database; any other is one of the program.
_OF_THE_DATABASE = ("OperationalError ", "InterfaceError ")
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

    @property
    def visit(self) -> str:
        """The visit that the news is of, in words; empty for other news."""
        code = self.message.payload.get("visit", "")
        return visit_words(code) if code else ""

    @property
    def cause(self) -> str:
        if self.message.last_error.startswith(_OF_THE_DATABASE):
            return "The database did not answer in time."
        return "The program met something that it was not made for."

    @property
    def remedy(self) -> str:
        """What the administrator does next."""
        if self.message.last_error.startswith(_OF_THE_DATABASE):
            return "Have it tried again. If it fails once more, have the database looked at."
        return "Give the technical text to whoever maintains the program. Once it is mended, have it tried again."


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
        if not _held(message):
            return 0
        return mail.queue(
            key=f"{_KEY}:{message.pk}",
            to=mail.people_at(Site.objects.get(code="00"), Role.ADMIN, at),
            heading=f"Work failed: {about}",
            body=(
                f"{one.words}, for {about}: it was tried {message.attempts} times. Until it works, whatever waits for "
                "it stays blocked; results that are not evaluated block every signature of their subject.\n\n"
                "Administration, Failed work, shows the cause. Once it is mended, have it tried again there.\n"
            ),
            why=_why(message),
            at=at,
            site=message.site,
            subject=message.subject,
        )


def _held(message: OutboxMessage) -> bool:
    """True once the message is ours until the end of the transaction: of two workers, one tells of it."""
    waiting = OutboxMessage.objects.select_for_update(skip_locked=True, of=("self",)).filter(done_at=None)
    return waiting.filter(pk=message.pk).exists()


def try_again(*, by: Actor, at: datetime, message_id: int) -> OutboxMessage:
    """Everything that waits with this news is tried at once, and the trail says who had it tried.

    OutboxMessage.DoesNotExist where nothing waits any more.
    """
    with writing(by=by, duty=Duty.RETRY_WORK, site_id=None, at=at):
        message = OutboxMessage.objects.select_related("subject", "site").get(pk=message_id, done_at=None)
        kinds = [kind.value for kind in News if ROUTES[kind] == ROUTES[News(message.kind)]]
        waiting = OutboxMessage.objects.filter(site_id=message.site_id, kind__in=kinds, done_at=None)
        with because(f"{WORDS[News(message.kind)]}, after {message.attempts} attempts"):
            waiting.filter(subject=message.subject).update(next_attempt_at=at, asked_again_at=at)
    wake()
    return message
