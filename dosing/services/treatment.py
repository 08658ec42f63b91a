"""The first dose: Day 1 of the trial for this subject."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from dosing import selectors
from dosing.models import DoseRecord
from dosing.services.subjects import locked_subject, words
from labs.services import derive_response
from protocol.vocabulary import DoseStatus, Drug, Phase
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.selectors import protocol_of
from trialsite.services.queries import Anchor, Question, raise_automatic_query
from trialsite.services.subjects import Refused, move_subject

WHY = "First dose of anakinra"


def first_dose_days(subject: Subject) -> int:
    """Days from registration to the first dose that the subject's protocol version allows."""
    return int(protocol_of(subject).parameters["first_dose_days"].value)


def start_treatment(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, first_dose_on: date, confirmed: bool = False
) -> Subject:
    """Enter the first anakinra dose: its date is Day 1, induction begins, the dose is recorded as taken.

    Refused unless the subject is registered and untreated, for a future date and for one before registration. More
    than 14 days after registration is saved and becomes a query, closed at once if `confirmed` says that it is so.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=WHY):
        subject = locked_subject(subject_id, site_id)
        _check_may_start(subject, first_dose_on, at)
        with because(WHY):
            subject.day1_on = first_dose_on
            subject.save(update_fields=["day1_on"])
        move_subject(subject=subject, to=Phase.INDUCTION, on=first_dose_on, why=WHY, at=at)
        _record_first_dose(subject, first_dose_on, by, at)
        _ask_if_late(subject, by, at, confirmed=confirmed)
        derive_response(subject, at=at, caused_by="first dose entered")
        publish(kind=News.TREATMENT_STARTED, subject=subject, payload={}, at=at)
        return subject


def _check_may_start(subject: Subject, first_dose_on: date, at: datetime) -> None:
    if subject.day1_on is not None:
        raise Refused(f"The first dose was entered already: {words(subject.day1_on)}.")
    if subject.state != Phase.ENROLLED.value or subject.registered_on is None:
        raise Refused("Register the subject before entering the first dose.")
    if first_dose_on < subject.registered_on:
        raise Refused(f"The first dose cannot lie before registration on {words(subject.registered_on)}.")
    if first_dose_on > selectors.site_day(subject.site, at):
        raise Refused(f"{words(first_dose_on)} is in the future. Enter the first dose once it was given.")


def _record_first_dose(subject: Subject, on: date, by: Actor, at: datetime) -> None:
    mg = protocol_of(subject).config.anakinra_mg
    DoseRecord.objects.create(
        subject=subject,
        site_id=subject.site_id,
        drug=Drug.ANAKINRA.value,
        on=on,
        status=DoseStatus.TAKEN.value,
        planned_mg=mg,
        given_mg=mg,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )


def _ask_if_late(subject: Subject, by: Actor, at: datetime, *, confirmed: bool) -> None:
    if subject.day1_on is None or subject.registered_on is None:
        return
    days, allowed = subject.day1_on - subject.registered_on, first_dose_days(subject)
    if days <= timedelta(days=allowed):
        return
    text = (
        f"The first dose is dated {days.days} days after registration; the protocol allows {allowed}. Check the date."
    )
    raise_automatic_query(
        by=by,
        at=at,
        subject=subject,
        anchor=Anchor("subject", subject.pk, "first_dose_on"),
        question=Question(text, "first-dose-late", confirmed),
    )
