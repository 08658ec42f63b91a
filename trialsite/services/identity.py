"""Wrong attempts to sign, and wrong codes of a second factor: counted, locked, and told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from trialsite import mail
from trialsite.access import Actor, Duty, system_actor
from trialsite.context import own_account, writing
from trialsite.models import FailedSigning, Role, Site, User

#: So many wrong attempts within the time lock signing for that time.
ATTEMPTS = 5
LOCKED_FOR = timedelta(minutes=30)


def locked_until(user: User, at: datetime) -> datetime | None:
    """When signing opens again for this person, None if it is open."""
    since = FailedSigning.objects.filter(user=user, at__gt=at - LOCKED_FOR).order_by("-at")
    newest = list(since.values_list("at", flat=True)[:ATTEMPTS])
    return newest[0] + LOCKED_FOR if len(newest) == ATTEMPTS else None


def locked_words(what: str, until: datetime) -> str:
    at = timezone.localtime(until)
    return f"{what} is locked until {at:%H:%M} {at:%Z} after {ATTEMPTS} wrong attempts. Administration knows."


def note_failed_signing(*, by: Actor, at: datetime, what: str) -> datetime | None:
    """Keep a wrong attempt; the one that locks signing tells the person and administration. When it opens again."""
    with own_account(by, at=at, reason="Wrong credentials"):
        failed = FailedSigning.objects.create(user_id=by.user_id or 0, at=at, what=what[:200])
        until = locked_until(failed.user, at)
        if until is not None:
            _tell(failed, at)
        return until


def _tell(failed: FailedSigning, at: datetime) -> None:
    with writing(by=system_actor("guard"), duty=Duty.RAISE_ALERT, site_id=None, at=at):
        centre = Site.objects.get(code="00")
        mail.queue(
            key=f"signing-locked:{failed.pk}",
            to={person.pk: person for person in (failed.user, *mail.people_at(centre, Role.ADMIN, at))}.values(),
            heading=f"Signing is locked for {failed.user.printed_name}",
            body=(
                f"{ATTEMPTS} wrong passwords or codes were entered in the name of {failed.user.printed_name} "
                f"({failed.user.username}). Signing, and signing in with a second factor, is locked for "
                f"{LOCKED_FOR.seconds // 60} minutes.\n\n"
                "If it was not this person, deactivate the account and look at the audit trail.\n"
            ),
            why="Wrong credentials",
            at=at,
            site=centre,
        )
