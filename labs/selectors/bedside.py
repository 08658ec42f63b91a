"""What is measured at the bedside of a visit: vital signs, weight, ECOG. It stands with the visit itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from trialsite.models import Subject, Visit

#: Columns of a visit that the form asks for -> words.
BEDSIDE = {
    "ecog": "ECOG",
    "weight_kg": "Weight",
    "temperature_c": "Temperature",
    "pulse": "Pulse",
    "systolic": "Systolic pressure",
    "diastolic": "Diastolic pressure",
}


def bedside_missing(visit: Visit) -> int:
    """How many answers are empty without a word why."""
    return 0 if visit.bedside_not_done else sum(getattr(visit, name) is None for name in BEDSIDE)


def bedside_state(visit: Visit, *, is_required: bool) -> tuple[str, str]:
    """State and words of the form: complete once every answer is in, or it is said why one was not done."""
    entered = sum(getattr(visit, name) is not None for name in BEDSIDE)
    if not bedside_missing(visit):
        gap = len(BEDSIDE) - entered
        return "done", f"Complete, {gap} not done: {visit.bedside_not_done}" if gap else "Complete"
    if not is_required:
        return ("done", f"{entered} of {len(BEDSIDE)} entered") if entered else ("planned", "Only if needed")
    return ("draft", f"{entered} of {len(BEDSIDE)} entered") if entered else ("due", "Not entered")


def last_weight(subject: Subject, on: date, *, besides: Visit | None = None) -> Decimal | None:
    """The newest weight measured on or before a day, at any other visit than `besides`, in kg; one query."""
    weighed = Visit.objects.filter(subject=subject, occurred_on__lte=on).exclude(weight_kg=None)
    weighed = weighed.exclude(pk=besides.pk) if besides else weighed
    known = weighed.exclude(status=Visit.Status.IN_ERROR).order_by("-occurred_on", "-id")
    return known.values_list("weight_kg", flat=True).first()
