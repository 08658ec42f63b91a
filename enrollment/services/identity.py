"""What was mistyped when a person became a subject: year of birth, sex, adult or not; or the whole subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from enrollment.models import Consent
from enrollment.selectors import consents_of
from enrollment.services.screening import check_age
from labs.services import FieldsRefused, follow_change, renew_reference_limits
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Query, Subject
from trialsite.services.queries import close_automatic_query
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, lock_open_subject

CAUSE = "age or sex of the subject corrected"


@dataclass(frozen=True)
class Identity:
    """Who the subject is, as far as the trial knows."""

    birth_year: int
    sex: str
    is_adult: bool


def identity_of(subject: Subject) -> Identity:
    """As it stands now; the statement of age is the one of the first consent."""
    consent = _first_consent(subject)
    return Identity(subject.birth_year, subject.sex, consent is None or consent.is_adult)


def correct_identity(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, identity: Identity, reason: str
) -> Subject:
    """Year of birth, sex or the statement of age were entered wrongly; the audit trail keeps what stood before.

    The laboratories' limits for that age and sex are looked up anew, and signatures that rested on it break.
    FieldsRefused without a reason; Refused where year of birth and statement do not fit the date of consent.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        consent = _first_consent(subject)
        if identity_of(subject) == identity:
            return subject
        if not reason.strip():
            raise FieldsRefused({"reason": "Say why this is corrected."})
        if consent is None:
            raise Refused("The first consent is recorded when screening starts.")
        check_age(consent.consented_on, identity.birth_year, is_adult=identity.is_adult)
        subject.birth_year, subject.sex = identity.birth_year, identity.sex
        subject.save(update_fields=["birth_year", "sex"])
        consent.is_adult = identity.is_adult
        consent.save(update_fields=["is_adult"])
        moved = renew_reference_limits(subject=subject, why=reason)
        sources = [f"subject:{subject.pk}", f"consent:{consent.pk}", *(f"lab_result:{pk}" for pk in moved)]
        words = f"Year of birth, sex or age was corrected. {reason}"[:300]
        break_signatures_resting_on(sources, reason=words, at=at)
        follow_change(subject, visit_code="", at=at, caused_by="subject corrected")
        return subject


def mark_subject_in_error(*, by: Actor, at: datetime, subject_id: int, site_id: int, reason: str) -> Subject:
    """There is no such subject: screened twice, or at the wrong site. Everything entered stays, and stands still.

    Its automatic questions close. Refused without a reason, and once registered: then the subject counts, and leaves
    through withdrawal or the end of treatment.
    """
    with writing(by=by, duty=Duty.SCREEN_SUBJECT, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        if subject.registered_on is not None:
            raise Refused("This subject is registered and counts in the trial. It cannot be marked as an error.")
        if not reason.strip():
            raise FieldsRefused({"error_reason": "Say why this subject was entered in error."})
        with because(reason):
            subject.entered_in_error_at = at
            subject.save(update_fields=["entered_in_error_at"])
        waiting = Query.objects.filter(subject=subject).exclude(check_code="").exclude(state=Query.State.CLOSED)
        for query in waiting:
            close_automatic_query(query=query, at=at, reason="The subject was entered in error.")
        break_signatures_resting_on([f"subject:{subject.pk}"], reason=f"Entered in error. {reason}"[:300], at=at)
        return subject


def _first_consent(subject: Subject) -> Consent | None:
    return next(iter(consents_of(subject)), None)
