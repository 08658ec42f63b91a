"""Concomitant medication: recorded, ended, entered in error.

Another anti-myeloma therapy stops the confirmation of responses and censors progression-free survival, so every
change of one derives the response anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from labs.services import derive_response
from protocol.prohibited import prohibited
from safety.models import ConcomitantMedication
from safety.selectors import first_new_therapy_on
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.services.queries import Anchor, Question, close_automatic_queries, raise_automatic_query
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import (
    Refused,
    first_submission,
    lock_open_subject,
    note_new_therapy,
    note_outcome,
    problem_after_the_end,
)

RECORD = "medication"
PROHIBITED_CHECK = "prohibited-medication"


@dataclass(frozen=True)
class Medication:
    """What the form says of one medication. `ended_on` None: ongoing."""

    name: str
    indication: str
    started_on: date
    ended_on: date | None = None
    is_anti_myeloma: bool = False


def record_medication(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, medication: Medication
) -> ConcomitantMedication:
    """Add a medication; the same token again gives the first one. Refused for dates in the future or reversed."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Medication recorded"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return ConcomitantMedication.objects.get(pk=int(outcome))
        subject = lock_open_subject(subject_id, site_id)
        _check_dates(subject, medication.started_on, medication.ended_on, at)
        stored = ConcomitantMedication.objects.create(
            subject=subject,
            site_id=site_id,
            name=medication.name,
            indication=medication.indication,
            started_on=medication.started_on,
            ended_on=medication.ended_on,
            is_anti_myeloma=medication.is_anti_myeloma,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        _ask_if_prohibited(by, at, subject, stored)
        if stored.is_anti_myeloma:
            _therapy_changed(subject, f"New therapy recorded: {stored.name}", at)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def end_medication(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, medication_id: int, ended_on: date
) -> ConcomitantMedication:
    """State the last day of an ongoing medication. Refused where one is stated already."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Last day stated"):
        subject = lock_open_subject(subject_id, site_id)
        stored = _standing(subject, medication_id)
        if stored.ended_on is not None:
            raise Refused(f"The last day is stated already: {in_words(stored.ended_on)}.")
        _check_dates(subject, stored.started_on, ended_on, at)
        stored.ended_on = ended_on
        stored.save(update_fields=["ended_on"])
        return stored


def mark_medication_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, medication_id: int, reason: str
) -> ConcomitantMedication:
    """The entry was wrong: it stays, struck through, and counts no more."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = lock_open_subject(subject_id, site_id)
        stored = _standing(subject, medication_id)
        stored.in_error, stored.in_error_at, stored.in_error_reason = True, at, reason
        stored.save(update_fields=["in_error", "in_error_at", "in_error_reason"])
        words = f"Medication entered in error: {stored.name}"
        close_automatic_queries(record_type=RECORD, record_id=stored.pk, item="name", at=at, reason=words)
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        if stored.is_anti_myeloma:
            _therapy_changed(subject, words, at)
        return stored


def _standing(subject: Subject, medication_id: int) -> ConcomitantMedication:
    stored = ConcomitantMedication.objects.filter(pk=medication_id, subject=subject).first()
    if stored is None:
        raise Refused("There is no such medication.")
    if stored.in_error:
        raise Refused("This medication was marked as entered in error already.")
    return stored


def _check_dates(subject: Subject, started_on: date, ended_on: date | None, at: datetime) -> None:
    if problem := problem_after_the_end(subject, started_on, "The first day"):
        raise Refused(problem)
    today = at.astimezone(ZoneInfo(subject.site.time_zone)).date()
    for day in (started_on, ended_on):
        if day is not None and day > today:
            raise Refused(f"{in_words(day)} is in the future. Check the year.")
    if ended_on is not None and ended_on < started_on:
        raise Refused(f"The last day, {in_words(ended_on)}, lies before the first, {in_words(started_on)}.")


def _ask_if_prohibited(by: Actor, at: datetime, subject: Subject, stored: ConcomitantMedication) -> None:
    """A query, never a refusal: it was taken, whether allowed or not. After the last dose nothing is prohibited."""
    found = prohibited(stored.name)
    ended = subject.treatment_ended_on
    if found is None or (ended is not None and stored.started_on > ended):
        return
    text = (
        f"{stored.name}: {found.label}. It may not be taken beside the study treatment: {found.why}. "
        "Check it with the investigator."
    )
    if found.is_anti_myeloma and not stored.is_anti_myeloma:
        text += " If it is given for the myeloma, enter it as other anti-myeloma therapy."
    anchor = Anchor(RECORD, stored.pk, "name")
    raise_automatic_query(
        by=by, at=at, subject=subject, anchor=anchor, question=Question(text, check_code=PROHIBITED_CHECK)
    )


def _therapy_changed(subject: Subject, why: str, at: datetime) -> None:
    first = first_new_therapy_on(subject)
    if first != subject.new_therapy_on:
        note_new_therapy(subject=subject, on=first, why=why)
        with because(why):
            derive_response(subject, at=at, caused_by=why)
        publish(kind=News.THERAPY_STARTED, subject=subject, payload={"first_on": str(first or "")}, at=at)
