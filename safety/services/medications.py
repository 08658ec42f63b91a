"""Concomitant medication: recorded, ended, entered in error.

Another anti-myeloma therapy stops the confirmation of responses and censors progression-free survival, so every
change of one derives the response anew. Of a date of which a part is unknown only what no reading allows is refused;
what some reading puts beside the study treatment is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from enrollment.services import ask_about_contradictions
from labs.services import FieldsRefused, derive_response
from protocol.prohibited import prohibited
from protocol.vocabulary import Route
from safety.models import ConcomitantMedication
from safety.selectors import first_new_therapy_on
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.partial_dates import PartialDate, Precision, columns, from_iso
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
THERAPY_DAY_CHECK = "therapy-day-unknown"


@dataclass(frozen=True)
class Medication:
    """What the form says of one medication. `stopped` None: ongoing; `route` None: nobody said it."""

    name: str
    indication: str
    started: PartialDate
    stopped: PartialDate | None = None
    is_anti_myeloma: bool = False
    route: Route | None = None


def record_medication(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, medication: Medication
) -> ConcomitantMedication:
    """Add a medication; the same token again gives the first one.

    FieldsRefused for dates in the future or reversed, and for a therapy that surely ended before consent: that is an
    earlier one, and no new therapy.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Medication recorded"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return ConcomitantMedication.objects.get(pk=int(outcome))
        subject = lock_open_subject(subject_id, site_id)
        _check_dates(subject, medication, at)
        stored = ConcomitantMedication.objects.create(
            subject=subject,
            site_id=site_id,
            name=medication.name,
            indication=medication.indication,
            route=medication.route or "",
            **columns("started", medication.started),
            **columns("stopped", medication.stopped),
            is_anti_myeloma=medication.is_anti_myeloma,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        _ask_if_prohibited(by, at, subject, stored)
        _ask_for_the_day(by, at, subject, stored)
        ask_about_contradictions(by=by, at=at, subject=subject)
        if stored.is_anti_myeloma:
            _therapy_changed(subject, f"New therapy recorded: {stored.name}", at)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def end_medication(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, medication_id: int, stopped: PartialDate
) -> ConcomitantMedication:
    """State the last day of an ongoing medication. Refused where one is stated already."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Last day stated"):
        subject = lock_open_subject(subject_id, site_id)
        stored = _standing(subject, medication_id)
        if stored.stopped:
            raise Refused(f"The last day is stated already: {from_iso(stored.stopped).words}.")
        _check_dates(subject, replace(_as_stated(stored), stopped=stopped), at)
        ended = columns("stopped", stopped)
        for name, value in ended.items():
            setattr(stored, name, value)
        stored.save(update_fields=list(ended))
        words = f"Last day stated of {stored.name}"
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        ask_about_contradictions(by=by, at=at, subject=subject)
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
        for item in ("name", "started_typed"):
            close_automatic_queries(record_type=RECORD, record_id=stored.pk, item=item, at=at, reason=words)
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        ask_about_contradictions(by=by, at=at, subject=subject)
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


def _as_stated(stored: ConcomitantMedication) -> Medication:
    return Medication(
        name=stored.name,
        indication=stored.indication,
        started=from_iso(stored.started, stored.started_typed),
        stopped=from_iso(stored.stopped, stored.stopped_typed) if stored.stopped else None,
        is_anti_myeloma=stored.is_anti_myeloma,
        route=Route(stored.route) if stored.route else None,
    )


def _check_dates(subject: Subject, medication: Medication, at: datetime) -> None:
    today = at.astimezone(ZoneInfo(subject.site.time_zone)).date()
    if problems := _problems(subject, medication, today):
        raise FieldsRefused(problems)


def _problems(subject: Subject, medication: Medication, today: date) -> dict[str, str]:
    """Field -> sentence for what no reading of the dates allows."""
    started, stopped = medication.started, medication.stopped
    problems = {}
    if problem := problem_after_the_end(subject, started.earliest, "The first day"):
        problems["started"] = problem
    for name, day in (("started", started), ("stopped", stopped)):
        if day is not None and day.earliest > today:
            problems[name] = f"{day.words} is in the future. Check the year."
        elif day is not None and day.latest.year < subject.birth_year:
            problems[name] = f"{day.words} is before the subject was born. Check the year."
    if stopped is None:
        return problems
    if stopped.is_surely_before(started):
        problems.setdefault("stopped", f"The last day, {stopped.words}, lies before the first, {started.words}.")
    elif medication.is_anti_myeloma and stopped.latest < subject.screened_on:
        problems.setdefault("stopped", _EARLIER_THERAPY.format(in_words(subject.screened_on)))
    return problems


_EARLIER_THERAPY = (
    "The last day lies before consent on {}: an earlier therapy is entered without the tick for other anti-myeloma "
    "therapy, which is for what is given from then on."
)


def _ask_if_prohibited(by: Actor, at: datetime, subject: Subject, stored: ConcomitantMedication) -> None:
    """A query, never a refusal: it was taken, whether allowed or not.

    Asked unless it surely began after the last dose, or surely ended before the first one, which is not before today
    where there was none yet: what an unknown day may put beside the study treatment is asked about.
    """
    found = prohibited(stored.name)
    first = subject.day1_on or at.astimezone(ZoneInfo(subject.site.time_zone)).date()
    last = subject.treatment_ended_on
    if found is None or (last is not None and stored.started_earliest > last):
        return
    if stored.stopped_latest is not None and stored.stopped_latest < first:
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


def _ask_for_the_day(by: Actor, at: datetime, subject: Subject, stored: ConcomitantMedication) -> None:
    """The first day of another therapy decides which responses count; the earliest possible one is taken meanwhile."""
    began = from_iso(stored.started)
    if not stored.is_anti_myeloma or began.precision is Precision.DAY:
        return
    text = (
        f"{stored.name} began {began.words}. Responses after {in_words(began.earliest)}, the earliest day that it can "
        "have begun, do not count. Is the day known?"
    )
    anchor = Anchor(RECORD, stored.pk, "started_typed")
    raise_automatic_query(
        by=by, at=at, subject=subject, anchor=anchor, question=Question(text, check_code=THERAPY_DAY_CHECK)
    )


def _therapy_changed(subject: Subject, why: str, at: datetime) -> None:
    first = first_new_therapy_on(subject)
    if first != subject.new_therapy_on:
        note_new_therapy(subject=subject, on=first, why=why)
        with because(why):
            derive_response(subject, at=at, caused_by=why)
        publish(kind=News.THERAPY_STARTED, subject=subject, payload={"first_on": str(first or "")}, at=at)
