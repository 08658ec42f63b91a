"""Adverse events: reported, corrected, entered in error. What is odd is saved and asked about."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max

from labs.models import LabResult
from labs.services import FieldsRefused, ReasonMissing
from protocol.expectedness import expectedness, list_in_force
from protocol.vocabulary import Drug
from safety.models import AdverseEvent
from safety.services.event_checks import Event, Odd, odd_things, problems_of
from safety.services.reports import open_report
from safety.services.together import RECORD, with_theirs
from safety.vocabulary import CTCAE, Attribution, Seriousness
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Subject
from trialsite.services.queries import Anchor, Question, close_automatic_queries, raise_automatic_query
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, first_submission, lock_open_subject, note_outcome

__all__ = [
    "Event",
    "correct_adverse_event",
    "mark_adverse_event_in_error",
    "report_adverse_event",
]


def report_adverse_event(
    *,
    by: Actor,
    at: datetime,
    token: UUID,
    subject_id: int,
    site_id: int,
    event: Event,
    lab_result_id: int | None = None,
) -> AdverseEvent:
    """Add an event; the same token again gives the first one. `lab_result_id`: the result that led to it.

    Raises FieldsRefused for what contradicts itself: a grade that the term does not have, reversed or future dates.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Adverse event reported"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return AdverseEvent.objects.get(pk=int(outcome))
        subject = lock_open_subject(subject_id, site_id)
        _check(subject, event, at)
        stored = AdverseEvent(
            subject=subject,
            site_id=site_id,
            number=_next_number(subject),
            ctcae_version=CTCAE.value,
            lab_result=_result(subject, lab_result_id),
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        _fill(stored, event)
        stored.save()
        open_report(by=by, at=at, subject=subject, event=stored)
        _ask(by, at, subject, stored, odd_things(subject, event))
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def correct_adverse_event(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    number: int,
    event: Event,
    reason: str,
    seen: Event | None = None,
) -> AdverseEvent:
    """Change an event. Refused without a reason; a correction that changes nothing stores nothing.

    seen: the event as it lay under the form, None if the caller held no older view. What only another person
    changed since stands; SavedMeanwhile for what both changed, each to something else.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        stored = _standing(subject, number)
        event = with_theirs(stored, event, seen)
        _check(subject, event, at)
        before = {name: getattr(stored, name) for name in COLUMNS}
        _fill(stored, event)
        changed = [name for name in COLUMNS if getattr(stored, name) != before[name]]
        if not changed:
            return stored
        if not reason.strip():
            raise ReasonMissing(tuple(changed))
        stored.version += 1
        stored.save(update_fields=[*changed, "version"])
        open_report(by=by, at=at, subject=subject, event=stored)
        _ask_anew(by, at, subject, stored, event, changed)
        words = f"Adverse event {number} was corrected: {reason}"[:300]
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        return stored


def mark_adverse_event_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, number: int, reason: str
) -> AdverseEvent:
    """The event was never there, or belongs to another subject: it stays listed, struck through."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = lock_open_subject(subject_id, site_id)
        stored = _standing(subject, number)
        stored.in_error, stored.in_error_reason = True, reason.strip()
        stored.save(update_fields=["in_error", "in_error_reason"])
        words = f"Adverse event {number} was entered in error"
        for item in ASKED_ABOUT:
            close_automatic_queries(record_type=RECORD, record_id=stored.pk, item=item, at=at, reason=words)
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        return stored


#: Columns that the form fills, in the order of the form.
COLUMNS = (
    "term", "grade", "reported_as", "started", "started_typed", "started_earliest", "started_latest", "stopped",
    "stopped_typed", "stopped_earliest", "stopped_latest", "attribution_anakinra", "attribution_dexamethasone",
    "attribution_disease", "attribution_other", "action_anakinra", "action_dexamethasone", "outcome",
    *(one.value for one in Seriousness), "expected_of_anakinra", "expected_of_dexamethasone", "reference_list",
)  # fmt: skip


def _fill(stored: AdverseEvent, event: Event) -> None:
    """What was stated, and beside it what follows from it."""
    for name in (
        "term", "grade", "reported_as", "outcome", "attribution_anakinra", "attribution_dexamethasone",
        "attribution_disease", "attribution_other", "action_anakinra", "action_dexamethasone",
    ):  # fmt: skip
        setattr(stored, name, getattr(event, name))
    for one in Seriousness:
        setattr(stored, one.value, one in event.serious)
    begun, ended = event.started, event.stopped
    if stored.started != begun.iso:
        # The same date in other words is no change.
        stored.started, stored.started_typed = begun.iso, begun.text
        stored.started_earliest, stored.started_latest = begun.earliest, begun.latest
    if stored.stopped != (ended.iso if ended else ""):
        stored.stopped, stored.stopped_typed = (ended.iso, ended.text) if ended else ("", "")
        stored.stopped_earliest, stored.stopped_latest = (ended.earliest, ended.latest) if ended else (None, None)
    stored.reference_list = list_in_force(begun.latest).version
    stored.expected_of_anakinra = _expected(event, Drug.ANAKINRA, event.attribution_anakinra)
    stored.expected_of_dexamethasone = _expected(event, Drug.DEXAMETHASONE, event.attribution_dexamethasone)


def _expected(event: Event, drug: Drug, attribution: Attribution) -> bool | None:
    """Against the list in force on the last day on which the event can have begun; None where it was not given."""
    if attribution == Attribution.NOT_GIVEN:
        return None
    return expectedness(event.term, event.grade, drug, event.started.latest).is_expected


def _check(subject: Subject, event: Event, at: datetime) -> None:
    today = at.astimezone(ZoneInfo(subject.site.time_zone)).date()
    problems = problems_of(subject, event, today)
    if problems:
        raise FieldsRefused(problems)


def _next_number(subject: Subject) -> int:
    highest: int | None = AdverseEvent.objects.filter(subject=subject).aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1


def _result(subject: Subject, lab_result_id: int | None) -> LabResult | None:
    if lab_result_id is None:
        return None
    found = LabResult.objects.filter(pk=lab_result_id, subject=subject).first()
    if found is None:
        raise Refused("There is no such laboratory result of this subject.")
    return found


def _standing(subject: Subject, number: int) -> AdverseEvent:
    stored = AdverseEvent.objects.filter(subject=subject, number=number).first()
    if stored is None:
        raise Refused("There is no such adverse event.")
    if stored.in_error:
        raise Refused("This adverse event was marked as entered in error already.")
    return stored


#: What is asked about -> the columns that it rests on.
ASKED_ABOUT = {
    "started": {"term", "started", "attribution_anakinra", "attribution_dexamethasone"},
    "grade": {"term", "grade", *(one.value for one in Seriousness)},
}


def _ask_anew(
    by: Actor, at: datetime, subject: Subject, stored: AdverseEvent, event: Event, changed: list[str]
) -> None:
    """Questions about what changed close themselves, and are asked again where the new answer is odd too."""
    words = f"Adverse event {stored.number} was corrected."
    items = {item for item, columns in ASKED_ABOUT.items() if columns & set(changed)}
    for item in sorted(items):
        close_automatic_queries(record_type=RECORD, record_id=stored.pk, item=item, at=at, reason=words)
    _ask(by, at, subject, stored, [one for one in odd_things(subject, event) if one.item in items])


def _ask(by: Actor, at: datetime, subject: Subject, stored: AdverseEvent, found: list[Odd]) -> None:
    for one in found:
        anchor = Anchor(RECORD, stored.pk, one.item)
        raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=Question(one.text, one.code))
