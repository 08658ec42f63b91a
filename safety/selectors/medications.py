"""Concomitant medication of a subject."""

from __future__ import annotations

from datetime import date

from django.db.models import Min

from safety.models import ConcomitantMedication
from trialsite.models import Subject


def medications(subject: Subject) -> list[ConcomitantMedication]:
    """Every medication entered, those in error at the end."""
    found = ConcomitantMedication.objects.filter(subject=subject).select_related("recorded_by")
    return list(found.order_by("in_error", "started_on", "id"))


def first_new_therapy_on(subject: Subject) -> date | None:
    """First day of any other anti-myeloma therapy that stands, None if there is none."""
    standing = ConcomitantMedication.objects.filter(subject=subject, is_anti_myeloma=True, in_error=False)
    first: date | None = standing.aggregate(first=Min("started_on"))["first"]
    return first
