"""End of treatment: signed by the investigator; follow-up begins the day after the last dose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dosing.selectors import planned_visits
from followup.models import EndOfTreatment, FollowUpContact, Reminder
from followup.selectors import standing_departure, standing_end_of_treatment
from followup.services.stopping import check_last_dose, drop_states_after, hold_back_reminders
from followup.vocabulary import END_REASON_WORDS, EndReason
from labs.services import derive_response
from protocol.vocabulary import TREATMENT_PHASES, Phase
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.reauthentication import Proof
from trialsite.services.signatures import Signing, break_signatures_resting_on, sign, withdraw
from trialsite.services.subjects import (
    Refused,
    first_submission,
    lock_open_subject,
    move_subject,
    note_outcome,
    take_back_move,
)

RECORD = "end_of_treatment"
STATEMENT = "have ended study treatment of this subject, with the last dose and for the reason shown."
MEANING = "approval"


@dataclass(frozen=True)
class Ending:
    """What the investigator signs. A detail is needed for another reason."""

    last_dose_on: date
    reason: EndReason
    detail: str = ""


def possible_reasons(subject: Subject) -> tuple[EndReason, ...]:
    """Reasons that apply in the subject's phase: progression on high dose only there."""
    high = subject.state == Phase.HIGH_DEX.value
    left_out = EndReason.PROGRESSION if high else EndReason.PROGRESSION_ON_HIGH_DEX
    return tuple(reason for reason in EndReason if reason is not left_out)


def end_treatment(
    *, by: Actor, at: datetime, proof: Proof, token: UUID, subject_id: int, site_id: int, ending: Ending
) -> EndOfTreatment:
    """Sign the end of treatment: doses stop, the subject moves to follow-up the day after the last dose.

    The same token again gives the first one. Refused for a subject not under treatment, an impossible last dose,
    or a reason that does not apply. PermissionDenied without the duty to sign or a fresh proof.
    """
    why = f"End of treatment: {END_REASON_WORDS[ending.reason].lower()}"
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=why):
        subject = lock_open_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return EndOfTreatment.objects.get(pk=int(outcome))
        _check(subject, ending, at)
        _stop(subject, ending.last_dose_on, why, at)
        stored = _store(by, at, proof, subject, ending)
        derive_response(subject, at=at, caused_by=why)
        publish(kind=News.TREATMENT_ENDED, subject=subject, payload={"reason": ending.reason.value}, at=at)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def _check(subject: Subject, ending: Ending, at: datetime) -> None:
    if subject.state not in TREATMENT_PHASES:
        raise Refused("This subject is not under treatment.")
    if ending.reason not in possible_reasons(subject):
        raise Refused("This reason does not apply in the present phase of treatment.")
    if ending.reason is EndReason.OTHER and not ending.detail.strip():
        raise Refused("Describe the other reason.")
    check_last_dose(subject, ending.last_dose_on, at)


def _stop(subject: Subject, last_dose_on: date, why: str, at: datetime) -> None:
    drop_states_after(subject, last_dose_on, why)
    with because(why):
        subject.treatment_ended_on = last_dose_on
        subject.save(update_fields=["treatment_ended_on"])
    move_subject(subject=subject, to=Phase.FOLLOW_UP, on=last_dose_on + timedelta(days=1), why=why, at=at)


def _store(by: Actor, at: datetime, proof: Proof, subject: Subject, ending: Ending) -> EndOfTreatment:
    follow_up = [one.target_on.isoformat() for one in planned_visits(subject) if one.code.startswith("fu")]
    content = {
        "subject": subject.number,
        "last_dose_on": ending.last_dose_on.isoformat(),
        "reason": ending.reason.value,
        "reason_words": END_REASON_WORDS[ending.reason],
        "detail": ending.detail,
        "follow_up_due": follow_up,
    }
    # Numbered, so that a second ending after one entered in error is another record, even with the same content.
    number = EndOfTreatment.objects.filter(subject=subject).count() + 1
    what = Signing(RECORD, f"{subject.pk}:{number}", MEANING, STATEMENT, content)
    signature = sign(by=by, at=at, proof=proof, site=subject.site, subject=subject, what=what)
    return EndOfTreatment.objects.create(
        subject=subject,
        site_id=subject.site_id,
        last_dose_on=ending.last_dose_on,
        reason=ending.reason.value,
        detail=ending.detail,
        signature=signature,
        recorded_by_id=signature.signer_id,
        recorded_at=at,
    )


def take_back_end_of_treatment(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, reason: str
) -> EndOfTreatment:
    """The end of treatment was entered in error: treatment goes on as if it had never ended.

    The record and its signature stay, withdrawn. Refused once the subject has left or was contacted for follow-up,
    since both rest on it.
    """
    with writing(by=by, duty=Duty.SIGN, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = lock_open_subject(subject_id, site_id)
        stored = standing_end_of_treatment(subject)
        if stored is None:
            raise Refused("No end of treatment stands.")
        _check_nothing_rests_on_it(subject)
        stored.in_error_at, stored.in_error_reason = at, reason
        stored.save(update_fields=["in_error_at", "in_error_reason"])
        _go_on(subject, reason, at)
        words = "End of treatment entered in error"
        withdraw(stored.signature, reason=f"{words}. {reason}"[:300], at=at)
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        derive_response(subject, at=at, caused_by=words)
        publish(kind=News.TREATMENT_ENDED, subject=subject, payload={"taken_back": "yes"}, at=at)
        return stored


def _check_nothing_rests_on_it(subject: Subject) -> None:
    if standing_departure(subject) is not None:
        raise Refused("The subject has left the study since. Mark that entry as entered in error first.")
    if subject.state != Phase.FOLLOW_UP.value:
        raise Refused("Follow-up is complete, so the end of treatment stands.")
    if FollowUpContact.objects.filter(subject=subject, in_error_at=None).exists():
        raise Refused("Follow-up contacts rest on this date. Mark them as entered in error first.")


def _go_on(subject: Subject, reason: str, at: datetime) -> None:
    take_back_move(subject=subject, why=reason)
    with because(reason):
        subject.treatment_ended_on = None
        subject.save(update_fields=["treatment_ended_on"])
        standing = Reminder.objects.filter(subject=subject).exclude(status=Reminder.Status.VOID)
        standing.update(status=Reminder.Status.VOID)
    hold_back_reminders(subject, "End of treatment entered in error", at)
