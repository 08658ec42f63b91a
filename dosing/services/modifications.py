"""Orders to hold, reduce or stop a drug. They lower what is given from a day on and never move the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dosing import selectors
from dosing.models import DoseModification
from dosing.services.subjects import locked_subject, words
from protocol.vocabulary import TREATMENT_PHASES, DoseAction, Drug
from safety.models import AdverseEvent
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Subject
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, first_submission, note_outcome


@dataclass(frozen=True)
class Order:
    """What is ordered for one drug. `mg`: the reduced dose. `ends_on` None: until it is ended.

    event: number of the adverse event that it answers, None without one.
    """

    drug: Drug
    action: DoseAction
    starts_on: date
    reason: str
    ends_on: date | None = None
    mg: Decimal | None = None
    event: int | None = None


def modify_dose(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, order: Order
) -> DoseModification:
    """Record an order. Days recorded before stay as they are; planned days stay planned.

    Refused outside treatment, before Day 1, without a reason, and for a reduction that is none.
    """
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at):
        subject = locked_subject(subject_id, site_id)
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return DoseModification.objects.get(pk=int(outcome.partition(":")[2]))
        _check(subject, order, at)
        stored = DoseModification.objects.create(
            subject=subject,
            site_id=site_id,
            drug=order.drug.value,
            action=order.action.value,
            starts_on=order.starts_on,
            ends_on=order.ends_on,
            mg=order.mg,
            reason=order.reason.strip(),
            event=_event(subject, order),
            recorded_by_id=by.user_id,
            recorded_at=at,
        )
        note_outcome(token=token, outcome=f"dose_modification:{stored.pk}")
        return stored


def _event(subject: Subject, order: Order) -> AdverseEvent | None:
    if order.event is None:
        return None
    found = AdverseEvent.objects.filter(subject=subject, number=order.event, in_error=False).first()
    if found is None:
        raise Refused(f"There is no adverse event {order.event}, or it was marked as entered in error.")
    return found


def _check(subject: Subject, order: Order, at: datetime) -> None:
    if subject.day1_on is None or subject.state not in TREATMENT_PHASES:
        raise Refused("A drug is held, reduced or stopped while the subject is under treatment.")
    if order.starts_on < subject.day1_on:
        raise Refused(f"Treatment began on {words(subject.day1_on)}. The order begins then or later.")
    if order.ends_on is not None and order.ends_on < order.starts_on:
        raise Refused(f"The last day, {words(order.ends_on)}, lies before the first, {words(order.starts_on)}.")
    if not order.reason.strip():
        raise Refused("Say why the drug is held, reduced or stopped.")
    if order.action is DoseAction.REDUCE:
        _check_reduction(subject, order, at)


def _check_reduction(subject: Subject, order: Order, at: datetime) -> None:
    today = selectors.site_day(subject.site, at)
    planned = selectors.planned_doses(subject, max(today, order.starts_on))
    after = [dose.mg for dose in planned if dose.drug is order.drug and dose.on >= order.starts_on]
    if order.mg is None or order.mg <= 0:
        raise Refused("Enter the reduced dose in mg, above 0. To give nothing, hold or stop the drug.")
    if not after:
        raise Refused(f"No {order.drug.value} dose is planned from {words(order.starts_on)} on.")
    if order.mg >= max(after):
        raise Refused(f"{order.mg.normalize():f} mg is not less than the planned {max(after).normalize():f} mg.")


def end_modification(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, modification_id: int, ends_on: date
) -> DoseModification:
    """The drug is given as planned again after that day. Refused for a stop, and for an order that ended already."""
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at, reason="Order ended"):
        subject = locked_subject(subject_id, site_id)
        found = _standing(subject, modification_id)
        if found.action == DoseModification.Action.STOP:
            raise Refused(
                "A drug that was stopped is not taken up again. If that was wrong, mark the order as an error."
            )
        if found.ends_on is not None:
            raise Refused(f"This order ended already, on {words(found.ends_on)}.")
        if ends_on < found.starts_on:
            raise Refused(f"The last day lies before the first, {words(found.starts_on)}.")
        found.ends_on = ends_on
        found.save(update_fields=["ends_on"])
        return found


def mark_modification_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, modification_id: int, reason: str
) -> DoseModification:
    """The order was never given, or was entered wrongly: it stays listed and counts no more."""
    with writing(by=by, duty=Duty.RECORD_DOSE, site_id=site_id, at=at, reason=reason):
        if not reason.strip():
            raise Refused("Say why this entry is wrong.")
        subject = locked_subject(subject_id, site_id)
        found = _standing(subject, modification_id)
        found.in_error_at, found.in_error_reason = at, reason
        found.save(update_fields=["in_error_at", "in_error_reason"])
        changed = [f"dose_modification:{found.pk}"]
        break_signatures_resting_on(changed, reason=f"Order entered in error. {reason}"[:300], at=at)
        return found


def _standing(subject: Subject, modification_id: int) -> DoseModification:
    found = DoseModification.objects.filter(pk=modification_id, subject=subject, in_error_at=None).first()
    if found is None:
        raise Refused("There is no such order, or it was marked as entered in error already.")
    return found
