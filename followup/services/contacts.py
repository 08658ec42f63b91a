"""Follow-up contacts: attempts, what was learned, and the end of follow-up (T16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from followup.models import FollowUpContact
from followup.selectors import FollowUpLine, follow_up_schedule, passive_follow_up, site_day, standing_departure
from followup.services.completion import complete_if_over, reopen_unless_over
from followup.services.stopping import check_not_future, hold_back_reminders
from followup.vocabulary import PUBLIC_RECORDS
from labs.models import DiseaseAssessment, Specimen
from protocol.checks import check_window
from protocol.vocabulary import Phase
from safety.services import Medication, record_medication
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import Subject, Visit
from trialsite.partial_dates import on_day
from trialsite.services.queries import Anchor, Question, close_automatic_queries, raise_automatic_query
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, first_submission, lock_open_subject, note_outcome, visit_for

RECORD = "contact"
Outcome = FollowUpContact.Outcome


@dataclass(frozen=True)
class Contact:
    """One attempt. What was learned is needed only where somebody was reached.

    new_therapy: name of another anti-myeloma therapy, with its first day. date_confirmed: a date outside the window
    is what the source says.
    """

    visit_code: str
    contacted_on: date
    outcome: Outcome
    method: str = "phone"
    alive: bool | None = None
    progressed: bool | None = None
    progressed_on: date | None = None
    new_therapy: str = ""
    new_therapy_on: date | None = None
    second_malignancy: str = ""
    comment: str = ""
    date_confirmed: bool = False


def record_contact(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, contact: Contact
) -> FollowUpContact:
    """Record an attempt to reach the subject for one follow-up visit. One that succeeds makes the visit done.

    A new therapy is entered among the medications too. The last visit done completes follow-up. The same token again
    gives the first contact. Refused outside follow-up, for a visit done already, and for impossible dates.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Follow-up contact"):
        subject = lock_open_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return FollowUpContact.objects.get(pk=int(outcome))
        line = _line(subject, contact, at)
        _check(subject, line, contact, at)
        stored = _store(by, at, subject, contact)
        _ask_if_outside(by, at, subject, line, stored, contact)
        if contact.outcome is Outcome.REACHED:
            _learn(by, at, token, subject, contact)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def _line(subject: Subject, contact: Contact, at: datetime) -> FollowUpLine:
    _check_may_be_followed(subject, contact)
    line = follow_up_schedule(subject, site_day(subject.site, at)).line(contact.visit_code)
    if line is None:
        raise Refused("There is no such follow-up visit.")
    if line.contact is not None:
        raise Refused(f"This visit was done on {in_words(line.contact.contacted_on)}.")
    return line


def _check_may_be_followed(subject: Subject, contact: Contact) -> None:
    """Who left is not asked any more; public records may be read where the subject was lost or left that open."""
    if subject.state in {Phase.FOLLOW_UP, Phase.COMPLETED}:
        return
    left = standing_departure(subject)
    if left is not None and left.passive_follow_up_allowed is False:
        raise Refused("Consent was withdrawn from everything: nothing more is collected, from public records neither.")
    if not passive_follow_up(left):
        raise Refused("This subject is not in follow-up.")
    if contact.method != PUBLIC_RECORDS:
        raise Refused("This subject is not contacted any more. Only what public records say can be entered.")


def _check(subject: Subject, line: FollowUpLine, contact: Contact, at: datetime) -> None:
    check_not_future(subject, contact.contacted_on, at)
    ended = subject.treatment_ended_on
    if ended is not None and contact.contacted_on <= ended:
        raise Refused(f"The contact lies before follow-up began, the day after the last dose on {in_words(ended)}.")
    if line.visit is not None and line.visit.status == Visit.Status.NOT_DONE:
        raise Refused("This visit was stated not done. Enter its date on the visit page first.")
    if contact.outcome is Outcome.NOT_REACHED:
        return
    for missing, sentence in (
        (contact.alive is None, "Say whether the subject is alive."),
        (contact.alive and contact.progressed is None, "Say whether the myeloma has progressed."),
        (contact.progressed and contact.progressed_on is None, "Enter the date of progression."),
        (bool(contact.new_therapy) != (contact.new_therapy_on is not None), "Enter name and first day of the therapy."),
    ):
        if missing:
            raise Refused(sentence)
    for day in (contact.progressed_on, contact.new_therapy_on):
        if day is not None and day > contact.contacted_on:
            raise Refused(f"{in_words(day)} lies after the contact.")


def _store(by: Actor, at: datetime, subject: Subject, contact: Contact) -> FollowUpContact:
    reached = contact.outcome is Outcome.REACHED
    visit = _visit(by, at, subject, contact) if reached else None
    return FollowUpContact.objects.create(
        subject=subject,
        site_id=subject.site_id,
        visit_code=contact.visit_code,
        visit=visit,
        contacted_on=contact.contacted_on,
        method=contact.method,
        outcome=contact.outcome,
        alive=contact.alive if reached else None,
        progressed=contact.progressed if reached else None,
        progressed_on=contact.progressed_on if reached else None,
        new_therapy=contact.new_therapy if reached else "",
        new_therapy_on=contact.new_therapy_on if reached else None,
        second_malignancy=contact.second_malignancy if reached else "",
        comment=contact.comment,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )


def _visit(by: Actor, at: datetime, subject: Subject, contact: Contact) -> Visit:
    visit = visit_for(by=by, at=at, subject=subject, code=contact.visit_code, occurred_on=contact.contacted_on)
    with because("Subject reached"):
        visit.status = Visit.Status.COMPLETE
        visit.save(update_fields=["status"])
    return visit


def _ask_if_outside(
    by: Actor, at: datetime, subject: Subject, line: FollowUpLine, stored: FollowUpContact, contact: Contact
) -> None:
    if contact.outcome is Outcome.NOT_REACHED:
        return
    for finding in check_window(contact.contacted_on, line.planned.opens_on, line.planned.closes_on):
        raise_automatic_query(
            by=by,
            at=at,
            subject=subject,
            anchor=Anchor(RECORD, stored.pk, "contacted_on", contact.visit_code),
            question=Question(finding.message, finding.code, contact.date_confirmed),
        )


def _learn(by: Actor, at: datetime, token: UUID, subject: Subject, contact: Contact) -> None:
    if contact.new_therapy and contact.new_therapy_on is not None:
        record_medication(
            by=by,
            at=at,
            token=uuid5(token, "therapy"),
            subject_id=subject.pk,
            site_id=subject.site_id,
            medication=Medication(contact.new_therapy, "Myeloma", on_day(contact.new_therapy_on), is_anti_myeloma=True),
        )
    hold_back_reminders(subject, "The contact was made", at, contact.visit_code)
    complete_if_over(subject, site_day(subject.site, at), at)


def mark_contact_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, contact_id: int, reason: str
) -> FollowUpContact:
    """The contact never took place, or belongs elsewhere. It stays, struck through; the visit is open again.

    A therapy learned from it stays among the medications until it is marked there. Reminders go on.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = lock_open_subject(subject_id, site_id)
        stored = FollowUpContact.objects.filter(pk=contact_id, subject=subject, in_error_at=None).first()
        if stored is None:
            raise Refused("There is no such contact, or it was marked already.")
        stored.in_error_at, stored.in_error_reason = at, reason
        stored.save(update_fields=["in_error_at", "in_error_reason"])
        _undo_visit(stored, reason)
        words = "Contact entered in error"
        break_signatures_resting_on(
            [f"{RECORD}:{stored.pk}", f"visit:{stored.visit_id}"], reason=f"{words}. {reason}"[:300], at=at
        )
        close_automatic_queries(record_type=RECORD, record_id=stored.pk, item="contacted_on", at=at, reason=words)
        reopen_unless_over(subject, site_day(subject.site, at), reason)
        return stored


def _undo_visit(stored: FollowUpContact, reason: str) -> None:
    """The visit goes too, unless other forms were filled in for it."""
    visit = stored.visit
    if visit is None or visit.status == Visit.Status.IN_ERROR:
        return
    has_more = (
        Specimen.objects.filter(visit=visit, status=Specimen.Status.COMPLETE).exists()
        or DiseaseAssessment.objects.filter(visit=visit, superseded_at=None).exists()
    )
    visit.status = Visit.Status.ENTERED if has_more else Visit.Status.IN_ERROR
    visit.reason = visit.reason if has_more else reason
    visit.save(update_fields=["status", "reason"])
