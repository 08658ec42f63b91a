"""How screening ends: registration, a criterion that is not met, or a consent that is withdrawn."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from enrollment.checklist import Checklist
from enrollment.models import EligibilitySnapshot, Registration, ScreenFailure
from enrollment.selectors import checklist_of, is_signed, latest_snapshot, site_day
from enrollment.services.eligibility import check_in_screening, check_signable
from labs.services import consent_problem
from protocol.vocabulary import CriterionOutcome, Phase
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject
from trialsite.services.subjects import (
    Refused,
    first_submission,
    lock_subject,
    move_subject,
    next_number,
    note_outcome,
)

REGISTERED = "Registered: all criteria met and signed"


class Cause(StrEnum):
    """Why somebody leaves before registration."""

    CRITERION = "criterion"
    CONSENT_WITHDRAWN = "consent_withdrawn"


def register_subject(*, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int) -> Subject:
    """Register on the site's day of `at`: the next subject number, and the state ENROLLED.

    The same token registers once. Refused without a signed, intact, current checklist on which all is met that day,
    and while a new consent is waited for.
    """
    with writing(by=by, duty=Duty.REGISTER_SUBJECT, site_id=site_id, at=at):
        if first_submission(token=token, by=by, at=at):
            return Subject.objects.get(pk=subject_id)
        subject = lock_subject(subject_id)
        check_in_screening(subject)
        today = site_day(at, subject.site)
        if problem := consent_problem(subject, today, "Registration"):
            raise Refused(problem)
        snapshot = _signed_snapshot(subject, checklist_of(subject, today))
        subject.subject_number = next_number(subject.site, screening=False)
        subject.registered_on = today
        with because(REGISTERED):
            subject.save(update_fields=["subject_number", "registered_on"])
        _record_registration(by, at, subject, snapshot, today)
        move_subject(subject=subject, to=Phase.ENROLLED, on=today, why=REGISTERED, at=at)
        note_outcome(token=token, outcome=subject.key)
        return subject


def _signed_snapshot(subject: Subject, now: Checklist) -> EligibilitySnapshot:
    snapshot = latest_snapshot(subject)
    if snapshot is None:
        raise Refused("The eligibility checklist was not sent to an investigator yet.")
    check_signable(snapshot, now)
    if not is_signed(snapshot):
        raise Refused("An investigator signs the eligibility checklist before the subject can be registered.")
    return snapshot


def _record_registration(by: Actor, at: datetime, subject: Subject, snapshot: EligibilitySnapshot, today: date) -> None:
    Registration.objects.create(
        subject=subject,
        site_id=subject.site_id,
        snapshot=snapshot,
        registered_on=today,
        registered_by_id=by.user_id,
        registered_at=at,
    )


def record_screen_failure(
    *,
    by: Actor,
    at: datetime,
    token: UUID,
    subject_id: int,
    site_id: int,
    cause: Cause,
    failed_on: date,
    reason: str,
    passive_follow_up_allowed: bool | None = None,
) -> ScreenFailure:
    """Close screening without registration; nothing is deleted.

    CRITERION keeps the ids of the criteria that are not met now and is refused if there is none. A withdrawal states
    its scope: whether public records may still be followed.
    """
    with writing(by=by, duty=Duty.SCREEN_SUBJECT, site_id=site_id, at=at):
        if first_submission(token=token, by=by, at=at):
            return ScreenFailure.objects.get(subject_id=subject_id)
        subject = lock_subject(subject_id)
        check_in_screening(subject)
        _check_day(subject, failed_on, site_day(at, subject.site))
        is_withdrawal = cause is Cause.CONSENT_WITHDRAWN
        if is_withdrawal and passive_follow_up_allowed is None:
            raise Refused("Say what consent was withdrawn from.")
        failure = ScreenFailure.objects.create(
            subject=subject,
            site_id=subject.site_id,
            failed_on=failed_on,
            criteria=_unmet(subject, site_day(at, subject.site)) if cause is Cause.CRITERION else [],
            reason=reason,
            passive_follow_up_allowed=passive_follow_up_allowed if is_withdrawal else None,
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        move_subject(subject=subject, to=Phase.SCREEN_FAILED, on=failed_on, why=_why(failure), at=at)
        note_outcome(token=token, outcome=subject.key)
        return failure


def _unmet(subject: Subject, today: date) -> list[str]:
    unmet = checklist_of(subject, today).with_outcome(CriterionOutcome.NOT_MET)
    if not unmet:
        raise Refused("No criterion is answered as not met. Answer the checklist first, so that the reason is on it.")
    return unmet


def _check_day(subject: Subject, on: date, today: date) -> None:
    if on > today:
        raise Refused("The date is in the future. Check the year.")
    if on < subject.screened_on:
        raise Refused(f"The date is before {subject.screened_on:%-d %b %Y}, when screening began.")


def _why(failure: ScreenFailure) -> str:
    words = f"Not met: {', '.join(failure.criteria)}" if failure.criteria else "Consent withdrawn before registration"
    return f"{words}. {failure.reason}"[:300]
