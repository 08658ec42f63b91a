"""Subjects and visits: the state machine's only door, numbers without gaps or races, visit rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F

from protocol.versions import is_later, named
from protocol.vocabulary import Phase
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import ProtocolActivation, ProtocolPeriod, Site, StatePeriod, Subject, Submission, Visit
from trialsite.refusals import Refused as Refused
from trialsite.refusals import Stale as Stale
from trialsite.selectors import free_number, protocol_in_force, protocol_of, state_periods
from trialsite.submissions import SentAlready, sent_now


def lock_subject(subject_id: int) -> Subject:
    """The subject, locked until the transaction ends: every clinical service begins with this."""
    return Subject.objects.select_for_update(of=("self",)).select_related("site").get(pk=subject_id)


def check_open_for_data(subject: Subject) -> None:
    """Refused for a subject that was entered in error: its data stand still."""
    if subject.entered_in_error_at is not None:
        raise Refused("This subject was entered in error. Nothing more can be recorded for it.")


#: States in which nothing is collected any more, with what ended.
_ENDED = {Phase.WITHDRAWN: "consent was withdrawn", Phase.SCREEN_FAILED: "screening ended"}


def problem_after_the_end(subject: Subject, on: date, what: str) -> str:
    """The sentence for something dated after consent or screening ended, empty if it may still be entered."""
    if subject.state not in _ENDED:
        return ""
    last_day = state_periods(subject)[-1].starts_on
    words = f"{what} is after {_ENDED[Phase(subject.state)]}: nothing later than {in_words(last_day)} is collected."
    return words if on > last_day else ""


def lock_open_subject(subject_id: int, site_id: int) -> Subject:
    """The subject, locked and open for data. PermissionDenied if it belongs to another site than authorised."""
    subject = lock_subject(subject_id)
    if subject.site_id != site_id:
        raise PermissionDenied("This subject belongs to another site.")
    check_open_for_data(subject)
    return subject


def first_submission(*, token: UUID, by: Actor, at: datetime) -> str | None:
    """Claim a form's token. None: this is the first submission; else what the first one made.

    Runs inside the caller's `writing`. A second submission waits for the first to commit, then finds its outcome.
    SentAlready if that one held something else.
    """
    sent = sent_now()
    if claim(token=token, by=by, at=at):
        sent.claimed.append(token)
        return None
    first = Submission.objects.get(token=token)
    if first.digest and sent.digest and first.digest != sent.digest:
        sent.refused[token] = first.led_to
        raise SentAlready
    sent.is_repeated = True
    return first.outcome


def claim(*, token: UUID, by: Actor, at: datetime) -> bool:
    """True for whoever comes first with a token. Runs inside the caller's `writing`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trialsite_submission (token, user_id, made_at, outcome, digest, led_to)"
            " VALUES (%s, %s, %s, '', %s, '') ON CONFLICT DO NOTHING RETURNING token",
            [token, by.user_id, at, sent_now().digest],
        )
        return cursor.fetchone() is not None


def note_outcome(*, token: UUID, outcome: str) -> None:
    """Remember what the first submission made."""
    with because("Outcome of the form"):
        Submission.objects.filter(token=token).update(outcome=outcome)


def next_number(site: Site, *, screening: bool) -> str:
    """The next free number of a site ("01-S004" or "01-004"); holds the site's row until the transaction ends."""
    Site.objects.select_for_update().get(pk=site.pk)
    return free_number(site, screening=screening)


def move_subject(*, subject: Subject, to: Phase, on: date, why: str, at: datetime) -> StatePeriod:
    """Close the present state the day before `on` and open the next. Runs inside the caller's `writing`.

    Refused for a transition that the protocol does not know, or one dated before the present state began.
    """
    if not any((road.source, road.target) == (subject.state, to) for road in protocol_of(subject).transitions):
        raise Refused(f"A subject cannot go from {subject.state} to {to.value}.")
    with because(why):
        present = StatePeriod.objects.filter(subject=subject, ends_on=None).first()
        if present is not None:
            if on < present.starts_on:
                raise Refused(f"The date lies before {present.starts_on:%-d %b %Y}, when the present state began.")
            present.ends_on = max(present.starts_on, on - timedelta(days=1))
            present.save(update_fields=["ends_on"])
        subject.state = to.value
        subject.save(update_fields=["state"])
        return StatePeriod.objects.create(
            subject=subject, site_id=subject.site_id, state=to.value, starts_on=on, because=why, recorded_at=at
        )


def adopt_protocol(*, subject: Subject, version: str, on: date, why: str, at: datetime) -> ProtocolPeriod:
    """The subject consented again: from that day on this later version judges. Runs inside the caller's `writing`.

    What was signed before stays judged by its own version. The caller derives the response anew. Refused for a
    version that is not in force, one that is not later than the subject's own, and a day before its own began.
    """
    if not ProtocolActivation.objects.filter(version=version, withdrawn_at=None).exists():
        raise Refused(f"Protocol version {version} is not in force. It is activated by signature first.")
    if not is_later(version, subject.protocol_version):
        raise Refused(f"{subject.number} is on protocol version {subject.protocol_version} already.")
    newest = ProtocolPeriod.objects.filter(subject=subject).last()
    if newest is not None and on < newest.starts_on:
        raise Refused(
            f"The date lies before {newest.starts_on:%-d %b %Y}, when version {newest.version} was agreed to."
        )
    with because(why):
        subject.protocol_version = named(version).version
        subject.save(update_fields=["protocol_version"])
        return _agree(subject, on, why, at)


def _agree(subject: Subject, on: date, why: str, at: datetime) -> ProtocolPeriod:
    return ProtocolPeriod.objects.create(
        subject=subject,
        site_id=subject.site_id,
        version=subject.protocol_version,
        starts_on=on,
        because=why,
        recorded_at=at,
    )


def take_back_move(*, subject: Subject, why: str) -> StatePeriod:
    """The last move was entered in error: the state before it stands again as if it had never ended.

    The period that was wrong stays with an end before its start, so that it covers no day. Runs inside the caller's
    `writing`. Refused for a subject that never moved.
    """
    lived = StatePeriod.objects.filter(subject=subject).exclude(ends_on__lt=F("starts_on")).order_by("-id")
    wrong, *earlier = lived[:2]
    if not earlier:
        raise Refused("There is no state to go back to.")
    with because(why):
        wrong.ends_on = wrong.starts_on - timedelta(days=1)
        wrong.save(update_fields=["ends_on"])
        earlier[0].ends_on = None
        earlier[0].save(update_fields=["ends_on"])
        subject.state = earlier[0].state
        subject.save(update_fields=["state"])
    return earlier[0]


def note_new_therapy(*, subject: Subject, on: date | None, why: str) -> None:
    """First day of another anti-myeloma therapy, or None after a correction. Runs inside the caller's `writing`."""
    with because(why):
        subject.new_therapy_on = on
        subject.save(update_fields=["new_therapy_on"])


def note_death(*, subject: Subject, on: date | None, of_progression: bool | None, why: str) -> None:
    """Date and cause of death, or None after a correction. Runs inside the caller's `writing`."""
    with because(why):
        subject.died_on, subject.died_of_progression = on, of_progression
        subject.save(update_fields=["died_on", "died_of_progression"])


def start_subject(
    *,
    by: Actor,
    at: datetime,
    site: Site,
    birth_year: int,
    sex: str,
    screened_on: date,
    consented_time: time | None = None,
) -> Subject:
    """A new subject in screening, with the next screening number, on the protocol version that is in force.

    Runs inside the caller's `writing`.
    """
    subject = Subject.objects.create(
        site=site,
        screening_number=next_number(site, screening=True),
        birth_year=birth_year,
        sex=sex,
        state=Phase.SCREENING.value,
        protocol_version=protocol_in_force().version,
        screened_on=screened_on,
        consented_time=consented_time,
        created_by_id=by.user_id,
        created_at=at,
    )
    StatePeriod.objects.create(
        subject=subject,
        site=site,
        state=Phase.SCREENING.value,
        starts_on=screened_on,
        because="Screened",
        recorded_at=at,
    )
    _agree(subject, screened_on, "Screened", at)
    return subject


def note_consent(*, subject: Subject, on: date, time: time | None, why: str) -> None:
    """The first consent was on another day or at another time than stated. Runs inside the caller's `writing`."""
    first = StatePeriod.objects.filter(subject=subject).order_by("id").first()
    with because(why):
        subject.screened_on, subject.consented_time = on, time
        subject.save(update_fields=["screened_on", "consented_time"])
        if first is not None and first.starts_on != on:
            first.starts_on = on
            first.save(update_fields=["starts_on"])


def visit_for(
    *,
    by: Actor,
    at: datetime,
    subject: Subject,
    code: str,
    occurred_on: date,
    reason: str = "",
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Visit:
    """The visit of that slot, made on first entry, with the other `facts`. Runs inside the caller's `writing`."""
    visit = Visit.objects.filter(subject=subject, code=code).exclude(status=Visit.Status.IN_ERROR).first()
    if visit is not None:
        return visit
    return Visit.objects.create(
        subject=subject,
        site_id=subject.site_id,
        code=code,
        status=Visit.Status.ENTERED,
        occurred_on=occurred_on,
        reason=reason,
        recorded_by_id=by.user_id,
        recorded_at=at,
        **facts,
    )


def next_unscheduled_code(subject: Subject) -> str:
    """uns1, uns2 ... of this subject."""
    used = Visit.objects.filter(subject=subject, code__startswith="uns").values_list("code", flat=True)
    return f"uns{max((int(code[3:]) for code in used), default=0) + 1}"


def record_visit_not_done(*, by: Actor, at: datetime, subject_id: int, site_id: int, code: str, reason: str) -> Visit:
    """State that a planned visit will not take place, and why."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        if Visit.objects.filter(subject=subject, code=code).exclude(status=Visit.Status.IN_ERROR).exists():
            raise Refused("Data were entered for this visit already.")
        return Visit.objects.create(
            subject=subject,
            site_id=site_id,
            code=code,
            status=Visit.Status.NOT_DONE,
            reason=reason,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )


def withdraw_not_done(*, by: Actor, at: datetime, subject_id: int, site_id: int, code: str, reason: str) -> Visit:
    """A visit was stated not done by mistake: it is asked for again, and the statement stays readable."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_subject(subject_id)
        check_open_for_data(subject)
        visit = Visit.objects.filter(subject=subject, code=code, status=Visit.Status.NOT_DONE).first()
        if visit is None:
            raise Refused("This visit is not stated not done.")
        visit.status = Visit.Status.IN_ERROR
        visit.reason = f"{visit.reason}. Stated not done by mistake: {reason}"[:300]
        visit.save(update_fields=["status", "reason"])
        return visit
