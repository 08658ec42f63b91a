"""Leaving the study: consent withdrawn, lost to follow-up, died, or off study before the first dose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from followup.models import Departure
from followup.selectors import passive_follow_up, standing_departure, standing_end_of_treatment
from followup.services.stopping import check_last_dose, check_not_future, drop_states_after, hold_back_reminders
from labs.services import derive_response
from protocol.phases import roads_from
from protocol.vocabulary import TREATMENT_PHASES, Phase
from safety.models import AdverseEvent
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import Subject
from trialsite.outbox import News, publish
from trialsite.selectors import protocol_of
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import (
    Refused,
    first_submission,
    lock_open_subject,
    move_subject,
    note_death,
    note_outcome,
    take_back_move,
)

RECORD = "departure"
Kind = Departure.Kind


@dataclass(frozen=True)
class Leaving:
    """What the form says.

    last_dose_on: needed while under treatment. passive_follow_up_allowed: scope of a withdrawal.
    death_due_to_progression: needed for a death. progression_before_treatment: why off study before the first dose.
    """

    kind: Kind
    on: date
    reason: str
    last_dose_on: date | None = None
    progression_before_treatment: bool = False
    death_due_to_progression: bool | None = None
    passive_follow_up_allowed: bool | None = None


def possible_departures(subject: Subject) -> tuple[Kind, ...]:
    """Kinds of departure that the protocol knows from the subject's state (T3, T15)."""
    targets = {road.target.value for road in roads_from(Phase(subject.state), protocol_of(subject))}
    return tuple(kind for kind in Kind if kind.value in targets)


def is_death_learned_later(subject: Subject, kind: Kind) -> bool:
    """True for a death of a subject who was lost, or withdrew and allowed public records to be followed."""
    return kind is Kind.DEAD and subject.died_on is None and passive_follow_up(standing_departure(subject))


def kinds_to_record(subject: Subject) -> tuple[Kind, ...]:
    """What the page of departures can record of this subject now; empty where there is nothing to enter."""
    return (Kind.DEAD,) if is_death_learned_later(subject, Kind.DEAD) else possible_departures(subject)


def record_departure(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, leaving: Leaving
) -> Departure:
    """The subject leaves: treatment and reminders stop, the response is derived anew.

    A death learned after a loss, or after a withdrawal that allows it, is noted beside that; the state stays.

    The same token again gives the first one. Refused for a kind that does not apply in the subject's state, a date
    in the future or before what is recorded, and where scope, cause or last dose is not stated.
    """
    why = f"{leaving.kind.label}. {leaving.reason}"[:300]
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=why):
        subject = lock_open_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return Departure.objects.get(pk=int(outcome))
        is_later = is_death_learned_later(subject, leaving.kind)
        _check(subject, leaving, at)
        stored = _store(by, at, subject, leaving)
        if is_later:
            note_death(subject=subject, on=leaving.on, of_progression=leaving.death_due_to_progression, why=why)
        else:
            _leave(subject, leaving, why, at)
        derive_response(subject, at=at, caused_by=leaving.kind.label)
        publish(kind=News.SUBJECT_LEFT, subject=subject, payload={"kind": leaving.kind.value}, at=at)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def _check(subject: Subject, leaving: Leaving, at: datetime) -> None:
    if leaving.kind not in possible_departures(subject) and not is_death_learned_later(subject, leaving.kind):
        raise Refused(_why_not(subject, leaving.kind))
    for missing, sentence in (
        (not leaving.reason.strip(), "Say what happened."),
        (leaving.kind is Kind.DEAD and leaving.death_due_to_progression is None, "Say whether progression caused it."),
        (
            leaving.kind is Kind.WITHDRAWN and leaving.passive_follow_up_allowed is None,
            "Say whether passive follow-up is still allowed.",
        ),
    ):
        if missing:
            raise Refused(sentence)
    check_not_future(subject, leaving.on, at)
    _check_order(subject, leaving, at)


def _why_not(subject: Subject, kind: Kind) -> str:
    left = standing_departure(subject)
    if kind is Kind.DEAD and left is not None and left.passive_follow_up_allowed is False:
        return "Consent was withdrawn from everything: nothing more is collected, from public records neither."
    return f"{kind.label} cannot be recorded in the subject's present state."


def _check_order(subject: Subject, leaving: Leaving, at: datetime) -> None:
    if subject.state in TREATMENT_PHASES:
        if leaving.last_dose_on is None:
            raise Refused("Enter the date of the last dose.")
        check_last_dose(subject, leaving.last_dose_on, at)
    last = leaving.last_dose_on or subject.treatment_ended_on
    left = standing_departure(subject)
    withdrawn_on = left.on if left is not None and left.kind == Kind.WITHDRAWN else None
    for day, words in (
        (withdrawn_on, "the withdrawal"),
        (last, "the last dose"),
        (_fatal_event_on(subject) if leaving.kind is Kind.DEAD else None, "the fatal adverse event began"),
        (subject.registered_on, "registration"),
        (subject.screened_on, "screening"),
    ):
        if day is not None and leaving.on < day:
            raise Refused(f"The date lies before {words} on {in_words(day)}.")


def _fatal_event_on(subject: Subject) -> date | None:
    """The earliest day on which the subject's fatal adverse event can have begun."""
    fatal = AdverseEvent.objects.filter(subject=subject, in_error=False, is_fatal=True)
    return fatal.order_by("started_earliest").values_list("started_earliest", flat=True).first()


def _store(by: Actor, at: datetime, subject: Subject, leaving: Leaving) -> Departure:
    is_death, is_withdrawal = leaving.kind is Kind.DEAD, leaving.kind is Kind.WITHDRAWN
    return Departure.objects.create(
        subject=subject,
        site_id=subject.site_id,
        kind=leaving.kind,
        on=leaving.on,
        reason=leaving.reason,
        progression_before_treatment=leaving.kind is Kind.OFF_STUDY and leaving.progression_before_treatment,
        death_due_to_progression=leaving.death_due_to_progression if is_death else None,
        passive_follow_up_allowed=leaving.passive_follow_up_allowed if is_withdrawal else None,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )


def _leave(subject: Subject, leaving: Leaving, why: str, at: datetime) -> None:
    begins = leaving.on
    if subject.state in TREATMENT_PHASES and leaving.last_dose_on is not None:
        with because(why):
            subject.treatment_ended_on = leaving.last_dose_on
            subject.save(update_fields=["treatment_ended_on"])
        # The day of the last dose is still one of treatment.
        begins = max(begins, leaving.last_dose_on + timedelta(days=1))
    drop_states_after(subject, leaving.on, why)
    move_subject(subject=subject, to=Phase(leaving.kind.value), on=begins, why=why, at=at)
    if leaving.kind is Kind.DEAD:
        note_death(subject=subject, on=leaving.on, of_progression=leaving.death_due_to_progression, why=why)
    hold_back_reminders(subject, leaving.kind.label, at)


def take_back_departure(*, by: Actor, at: datetime, subject_id: int, site_id: int, reason: str) -> Departure:
    """The departure was entered in error: the subject is back in the state before it. Reminders go on.

    Of two, the death that was learned later is taken back first, and nothing else. A death noted with it is taken
    back, and so is the last dose unless a signed end of treatment states it.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = lock_open_subject(subject_id, site_id)
        first = standing_departure(subject)
        if first is None:
            raise Refused("No departure stands.")
        stored = Departure.objects.filter(subject=subject, in_error_at=None).order_by("id").last() or first
        stored.in_error_at, stored.in_error_reason = at, reason
        stored.save(update_fields=["in_error_at", "in_error_reason"])
        if stored == first:
            _come_back(subject, stored, reason)
        else:
            note_death(subject=subject, on=None, of_progression=None, why=reason)
        words = f"{stored.get_kind_display()}: entered in error"
        break_signatures_resting_on([f"{RECORD}:{stored.pk}"], reason=words, at=at)
        derive_response(subject, at=at, caused_by=words)
        publish(kind=News.SUBJECT_LEFT, subject=subject, payload={"taken_back": "yes"}, at=at)
        return stored


def _come_back(subject: Subject, stored: Departure, reason: str) -> None:
    take_back_move(subject=subject, why=reason)
    if stored.kind == Kind.DEAD:
        note_death(subject=subject, on=None, of_progression=None, why=reason)
    if subject.state in TREATMENT_PHASES and standing_end_of_treatment(subject) is None:
        with because(reason):
            subject.treatment_ended_on = None
            subject.save(update_fields=["treatment_ended_on"])
